"""Character n-grams inside words, hashed: the same in any batch, and the ones that one would count by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.filters.formality_features import CHARACTERS_AT_ONCE, batches, grams_of, is_readable


def counted_by_hand(text: str) -> int:
    """Return the number of n-grams of 2 to 5 characters of " w1 w2 " that have no space strictly inside."""
    spaced = f" {' '.join(text.split())} "
    pieces = (spaced[at : at + length] for length in range(2, 6) for at in range(len(spaced) - length + 1))
    return sum(" " not in piece[1:-1] and piece != "  " for piece in pieces)


def columns(text: str) -> list[int]:
    """Return the columns of a text's n-grams."""
    return grams_of([text], 18).columns.tolist()


@pytest.mark.parametrize("text", ["a", "ab", "I do not know.", "don't  you\n\tthink so?", "é ü straße", "ab" * 40])
def test_n_grams_are_those_inside_words(text: str) -> None:
    """Spaces belong to n-grams at their ends only."""
    assert grams_of([text], 18).counts.tolist() == [counted_by_hand(text)]


def test_equal_pieces_fall_in_equal_columns() -> None:
    """ "cat" has the same n-grams wherever it stands, and other words others."""
    cat, cats = set(columns("cat")), set(columns("the cat sat"))
    assert cat <= cats
    assert len(set(columns("dog")) & cat) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("It’s 1999…", "It's 2024...", id="digits and curly marks"),
        pytest.param("see https://a.example/b now", "see now", id="a link"),
        pytest.param("run `x = 1` now", "run now", id="code"),
        pytest.param("so [NAME] left", "so left", id="a mask"),
    ],
)
def test_what_has_no_register_is_levelled(one: str, other: str) -> None:
    """Numbers, links, code and masks weigh nothing."""
    assert columns(one) == columns(other)


def test_case_counts() -> None:
    """A capital is a sign of register."""
    assert columns("Well") != columns("well")


@given(st.lists(st.text(max_size=40), max_size=12))
def test_a_text_has_the_same_n_grams_in_any_batch(texts: list[str]) -> None:
    """No n-gram reaches from one text into the next."""
    grams = grams_of(texts, 12)
    assert len(grams.starts) == len(texts) + 1
    for place, text in enumerate(texts):
        alone = grams_of([text], 12).columns.tolist()
        assert grams.columns[grams.starts[place] : grams.starts[place + 1]].tolist() == alone
        assert all(0 <= column < 1 << 12 for column in alone)


def test_batches_are_bounded_and_in_order() -> None:
    """Nothing is lost between batches, and one huge text is a batch of its own."""
    texts = ["a" * (CHARACTERS_AT_ONCE // 3)] * 7 + ["b" * (2 * CHARACTERS_AT_ONCE), "c"]
    made = list(batches(texts))
    assert [text for batch in made for text in batch] == texts
    assert max(map(len, made)) <= 3
    assert ["b" * (2 * CHARACTERS_AT_ONCE)] in made
    assert list(batches([])) == []


@pytest.mark.parametrize(
    ("text", "readable"),
    [("Hello", True), ("Ça va très bien", True), ("", False), ("42 !?", False), ("привет", False), ("ok 你好", False)],
)
def test_only_latin_letters_are_read(text: str, readable: bool) -> None:
    """Six in ten letters must be Latin."""
    assert is_readable(text) is readable
