"""Near-duplicates by shared words: against the definition, on texts wild and planned."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.errors import RecipeError
from castwright.filters.minhash_duplicates import bands, jaccard, minhash_duplicates, runs

BAKER = "She bakes bread in a small shop by the harbour and sings old songs while the ovens warm up each morning"
SMITH = "He mends ploughs at the forge behind the mill and never says more than three words to any customer there"


def kept(texts: list[str], **options: object) -> list[bool]:
    """Return which texts stay."""
    frame = pl.DataFrame({"text": texts, "row_id": [f"r{n}" for n in range(len(texts))]})
    return minhash_duplicates(frame, **options)["keep"].to_list()  # type: ignore[arg-type]


def test_a_text_with_a_few_other_words_goes_and_names_the_row_kept() -> None:
    """One word more is near, another life is not."""
    frame = pl.DataFrame({"text": [BAKER, SMITH, BAKER + " again"], "row_id": ["a", "b", "c"]})
    judged = minhash_duplicates(frame)
    assert judged["keep"].to_list() == [True, True, False]
    assert judged["reason"][2].startswith("near a (Jaccard 0.9")
    assert 0.9 < judged["score"][2] < 1


def test_case_punctuation_and_spacing_do_not_count() -> None:
    """The texts are normalised before they are compared."""
    assert kept([BAKER, BAKER.upper().replace(" AND ", ",  and ") + "!!"]) == [True, False]


def test_the_best_scored_row_stays() -> None:
    """`keep_best` puts the better row first in line, whatever its place; no score comes last."""
    frame = pl.DataFrame({"text": [BAKER, BAKER, BAKER], "score": [None, 1.0, 2.0]})
    assert minhash_duplicates(frame, keep_best="score")["keep"].to_list() == [False, False, True]


def test_rows_of_different_groups_and_rows_without_text_are_not_compared() -> None:
    """`within` holds groups apart; a null group and an empty text are compared with nothing."""
    frame = pl.DataFrame({"text": [BAKER, BAKER, BAKER, "", "", BAKER], "group": ["x", "y", "x", "x", "x", None]})
    assert minhash_duplicates(frame, within="group")["keep"].to_list() == [True, True, False, True, True, True]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"threshold": 0.0}, "threshold=0.0", id="a threshold of zero"),
        pytest.param({"threshold": 1.5}, "threshold=1.5", id="a threshold above one"),
        pytest.param({"words": 0}, "words=0", id="runs of no words"),
        pytest.param({"columns": ["txt"]}, "txt", id="a column that is not there"),
    ],
)
def test_options_that_will_not_do_are_named(options: dict[str, object], words: str) -> None:
    """The message has the value."""
    with pytest.raises(RecipeError, match=words):
        kept([BAKER], **options)


@given(st.floats(0.1, 1.0))
def test_a_pair_at_the_threshold_is_hardly_ever_no_candidate(threshold: float) -> None:
    """The bands are as few as the promise allows, or every hash is its own."""
    count = bands(threshold)
    chance = (1 - threshold ** (128 // count)) ** count
    assert chance <= 0.001 or count == 128


some_words = st.lists(st.sampled_from(["ab", "cd", "ef", "gh", "ij", "kl", "mn", "op"]), min_size=1, max_size=12)
some_texts = st.lists(some_words.map(" ".join), max_size=25)


@given(some_texts, st.sampled_from([0.5, 0.7, 0.9]))
def test_drops_are_right_by_the_definition(texts: list[str], threshold: float) -> None:
    """A dropped row has a kept one at the threshold; candidates found, no two kept rows are that near."""
    stays = kept(texts, threshold=threshold, words=2)
    sets = [runs(text, 2) for text in texts]
    chosen = [one for one, stay in zip(sets, stays, strict=True) if stay]
    for one, stay in zip(sets, stays, strict=True):
        near = sum(jaccard(one, other) >= threshold for other in chosen)
        assert near == 1 if stay else near >= 1
