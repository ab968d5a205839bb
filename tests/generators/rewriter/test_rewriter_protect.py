"""Masking: what the model may not touch becomes slots, and comes back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.generators.rewriter.protect import (
    CAPITAL,
    MAX_SLOTS,
    Vocabulary,
    is_picture,
    mask,
    mask_like,
    unmask,
)
from castwright.generators.rewriter.words import join_words, split_words

KNOWN = Vocabulary(
    frozenset(
        [
            "i",
            "I",
            "do",
            "not",
            "n't",
            "is",
            "'s",
            "it",
            "the",
            "a",
            "gonna",
            "going",
            "to",
            "am",
            "'m",
            "will",
            "yeah",
            "yes",
            "may",
            ",",
            ".",
            "?",
            "!",
        ]
    ),
    frozenset({"bread", "storms"}),
)


def masked_words(text: str, **options: int) -> list[str]:
    found = mask(text, KNOWN, **options)
    assert found is not None
    return list(found.words)


def test_unknown_words_names_and_numbers_become_slots_in_order() -> None:
    """Known words stay, all others are numbered as they come, and one word twice is one slot."""
    assert masked_words("Ada is 12, Ada is not Bob.") == [
        "<0>",
        "is",
        "<1>",
        ",",
        "<0>",
        "is",
        "not",
        "<2>",
        ".",
    ]


def test_a_sentence_capital_is_a_mark_of_its_own() -> None:
    """A known word at the start is lower case with a mark; a name keeps its capital."""
    assert masked_words("It is Bob.") == [CAPITAL, "it", "is", "<0>", "."]
    assert masked_words("Bread is it.")[:2] == [CAPITAL, "<0>"]
    assert masked_words("Bob is it.")[:2] == ["<0>", "is"]


def test_a_capital_inside_a_sentence_makes_a_known_word_a_name() -> None:
    """ "May" in the middle is a month or a person, not the verb."""
    assert masked_words("it may not") == ["it", "may", "not"]
    assert masked_words("it is May") == ["it", "is", "<0>"]


def test_slots_start_anywhere_and_wrap_around() -> None:
    """The first slot is the caller's choice; after the last comes the first."""
    assert masked_words("Ada Bob", first_slot=MAX_SLOTS - 1) == [f"<{MAX_SLOTS - 1}>", "<0>"]


def test_too_many_unknown_words_cannot_be_masked() -> None:
    """Where slots run out there is no masked sentence, never a wrong one."""
    words = [f"{chr(97 + index // 26)}{chr(97 + index % 26)}x" for index in range(MAX_SLOTS + 1)]
    assert mask(" ".join(words), KNOWN) is None
    assert mask(" ".join(words[:-1]), KNOWN) is not None


def test_the_other_side_of_a_pair_shares_the_slots() -> None:
    """The casual side is masked with the formal side's slots, whatever their capitals."""
    source = mask("I am going to Paris.", KNOWN)
    assert source is not None
    target = mask_like("i'm going to paris 🎉", source, KNOWN)
    assert target is not None
    assert target.words == ("i", "'m", "going", "to", "<0>")


def test_a_pair_that_invents_or_loses_words_is_refused() -> None:
    """A word from nowhere or a lost one would teach the model to invent or to lose."""
    source = mask("It is Bob.", KNOWN)
    assert source is not None
    assert mask_like("it's Bob from Leeds", source, KNOWN) is None
    assert mask_like("it's", source, KNOWN) is None
    assert mask_like("it's Bob, Bob", source, KNOWN) is None


def test_placing_every_slot_as_often_as_the_source_is_checked() -> None:
    """Order is free; a lost, doubled or foreign slot is not."""
    source = mask("Ada is not Bob", KNOWN)
    assert source is not None
    assert source.places_like(["<1>", "is", "<0>"])
    assert not source.places_like(["<0>", "is"])
    assert not source.places_like(["<0>", "<1>", "<1>"])
    assert not source.places_like(["<0>", "<2>"])


def test_emoji_are_told_from_marks_and_words() -> None:
    """A picture is no word that can be learned."""
    assert is_picture("🎉")
    assert not is_picture("é")
    assert not is_picture("!")


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(alphabet="abIi ABdo'nt.,!?39-", max_size=80))
def test_masking_and_unmasking_give_the_words_back(text: str) -> None:
    """What is masked comes back word for word, for any text."""
    found = mask(text, KNOWN)
    assert found is not None
    assert unmask(found.words, found.slots) == join_words(split_words(text))
