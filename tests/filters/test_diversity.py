"""Diversity of texts: each measure by hand, what copies and order do to them, and length control."""

from __future__ import annotations

import gzip
import json
import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.errors import SourceError
from castwright.filters.diversity import Diversity, compare, diversity, measures, novelty

SMALL: dict[str, int] = {"words_per_text": 12, "texts_per_sample": 40, "samples": 5}


def _texts(count: int, words: int, *, vocabulary: int = 400, seed: int = 0) -> list[str]:
    """Texts of random words, as long as asked for."""
    rng = random.Random(seed)
    return [" ".join(f"w{rng.randrange(vocabulary)}" for _ in range(words)) for _ in range(count)]


# ---- the measures, by hand ----


def test_self_repetition_is_the_share_of_texts_with_a_run_of_another() -> None:
    """Two of three texts share "b c d e"; a run that a text has twice by itself does not count."""
    texts = ["a b c d e", "x b c d e", "k k k k k k"]
    assert measures(texts)["self_repetition"] == pytest.approx(2 / 3)


def test_the_self_repetition_score_is_the_mean_log_of_the_sums() -> None:
    """ln(1+2), ln(1+2), ln(1+1+1): each run counts the texts that have it."""
    texts = ["a b c d e", "x b c d e", "k l m n o p"]
    expected = (math.log(3) + math.log(3) + math.log(3)) / 3
    assert measures(texts)["self_repetition_score"] == pytest.approx(expected)


def test_a_text_without_a_run_of_four_words_adds_nothing_to_the_score() -> None:
    """Three words are no run, and no error."""
    assert measures(["a b c d", "x y z"])["self_repetition_score"] == pytest.approx(math.log(1) / 2)


def test_distinct_ngrams_are_counted_within_texts() -> None:
    """ "a b a" and "a b c": 3 of 6 words, 3 of 4 pairs (a b twice), 2 of 2 triples; none across the border."""
    found = measures(["a b a", "a b c", "p q r s"])
    assert found["distinct_1"] == pytest.approx(7 / 10)
    assert found["distinct_2"] == pytest.approx(6 / 7)
    assert found["distinct_3"] == pytest.approx(1.0)
    assert found["ngram_diversity"] == pytest.approx(7 / 10 + 6 / 7 + 1 + 1)


def test_the_compression_ratio_is_that_of_gzip() -> None:
    """Bytes of the texts joined by spaces over those of the gzip file."""
    texts = _texts(30, 20)
    data = " ".join(texts).encode()
    assert measures(texts)["compression_ratio"] == pytest.approx(len(data) / len(gzip.compress(data, 9)), rel=1e-3)


class _Fake:
    """Unit vectors by the first letter: a and b at right angles, c between them."""

    def encode(self, texts: Sequence[str]) -> Any:
        table = {"a": (1.0, 0.0), "b": (0.0, 1.0), "c": (math.sqrt(0.5), math.sqrt(0.5))}
        return np.array([table[text[0]] for text in texts], dtype=np.float32)


def test_similarity_is_the_mean_cosine_of_all_pairs() -> None:
    """0 between a and b, √½ from c to both."""
    texts = ["a one two three", "b one two three", "c one two three"]
    found = measures(texts, embedder=_Fake())["similarity"]
    assert found == pytest.approx(2 * math.sqrt(0.5) / 3, abs=1e-6)
    assert "similarity" not in measures(texts)


def test_novelty_is_what_the_reference_does_not_have() -> None:
    """None of a set's own runs are new to it, all of another vocabulary's are."""
    same, other = _texts(40, 12), [text.upper() for text in _texts(40, 12)]
    assert novelty(same, same, **SMALL).mean == 0.0
    assert novelty(other, same, **SMALL).mean == 1.0


# ---- what they tell ----


def test_copies_compress_more_and_repeat_themselves() -> None:
    """A corpus of ten texts four times over against forty different ones."""
    different, copied = diversity(_texts(40, 12), **SMALL), diversity(_texts(10, 12) * 4, **SMALL)
    found = compare(copied, different)
    assert found["compression_ratio"].difference > 1
    assert found["self_repetition"].difference > 0.9
    assert found["self_repetition_score"].difference > 1
    for name in ("distinct_1", "distinct_2", "distinct_3", "ngram_diversity"):
        assert found[name].difference < 0, name


def test_templates_are_told_from_free_words_by_many_spreads() -> None:
    """Texts of one frame against texts of none, on samples of large sets."""
    frame = [f"once upon a time there lived {text} and so the story ends here" for text in _texts(500, 4)]
    found = compare(diversity(frame, **SMALL), diversity(_texts(500, 15), **SMALL))
    assert found["compression_ratio"].spreads is not None
    assert found["compression_ratio"].spreads > 5
    assert found["self_repetition"].difference > 0.9


def test_length_does_not_tell() -> None:
    """Texts ten times as long of the same words have the same numbers, within the spread."""
    found = compare(diversity(_texts(400, 15), **SMALL), diversity(_texts(400, 150, seed=1), **SMALL))
    for name in ("compression_ratio", "distinct_1", "distinct_2", "ngram_diversity"):
        assert found[name].spreads is not None
        assert abs(found[name].spreads) < 4, name


def test_the_order_of_rows_matters_no_more_than_the_seed() -> None:
    """Shuffled rows are another draw from the same texts."""
    texts = _texts(600, 15)
    shuffled = random.Random(5).sample(texts, len(texts))
    for found in compare(diversity(texts, **SMALL), diversity(shuffled, **SMALL)).values():
        assert found.spreads is None or abs(found.spreads) < 4


def test_the_same_seed_gives_the_same_numbers() -> None:
    """And another seed others."""
    texts = _texts(300, 15)
    assert diversity(texts, seed=3, **SMALL) == diversity(texts, seed=3, **SMALL)
    assert diversity(texts, seed=3, **SMALL).measures != diversity(texts, seed=4, **SMALL).measures


def test_a_series_gives_what_a_list_gives() -> None:
    """polars or Python, the same samples; nulls are texts without words."""
    texts = _texts(100, 15)
    assert diversity(pl.Series(texts), **SMALL) == diversity(texts, **SMALL)
    assert diversity(pl.Series([*texts, None, None]), **SMALL).long_enough < 1


def test_short_texts_are_left_out_and_counted() -> None:
    """Half the texts are too short: the share is about a half, the samples are full."""
    found = diversity(_texts(300, 15) + _texts(300, 5), **SMALL)
    assert found.texts == 40
    assert found.long_enough == pytest.approx(0.5, abs=0.12)


def test_a_large_set_costs_its_samples_only() -> None:
    """Of a million texts few are looked at."""

    class Counted(Sequence[str]):
        looked = 0

        def __len__(self) -> int:
            return 1_000_000

        def __getitem__(self, place: Any) -> Any:
            self.looked += 1
            return f"{place} " * 20

    texts = Counted()
    diversity(texts, **SMALL)
    assert texts.looked <= 5 * 256


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.one_of(st.text(max_size=60), st.just("one two three four five")), min_size=2, max_size=20),
    st.integers(),
)
def test_wild_texts_are_measured_or_refused_in_a_line(texts: list[str], seed: int) -> None:
    """Whatever the texts: ratios within their bounds, or one clear line."""
    wanted: dict[str, int] = {"words_per_text": 4, "texts_per_sample": 10, "samples": 2, "seed": seed}
    if sum(len(text.split()) >= 4 for text in texts) < 2:
        with pytest.raises(SourceError, match="set words_per_text lower"):
            diversity(texts, **wanted)
        return
    found = diversity(texts, **wanted)
    for name in ("self_repetition", "distinct_1", "distinct_2", "distinct_3"):
        assert 0 <= found.measures[name].mean <= 1
    assert found.measures["compression_ratio"].mean > 0


# ---- results and refusals ----


def test_the_result_is_json_and_has_its_lines() -> None:
    """Plain data and a line for each measure, after one that says what was measured."""
    found = diversity(_texts(100, 15), **SMALL)
    data = json.loads(json.dumps(found.as_dict()))
    assert data["measures"]["distinct_1"] == [
        round(found.measures["distinct_1"].mean, 4),
        round(found.measures["distinct_1"].deviation, 4),
    ]
    lines = found.lines()
    assert lines[0] == "5 samples of 40 texts, 12 words each (100.0% of the texts have so many)"
    assert len(lines) == 1 + len(found.measures)


def test_one_sample_has_no_spread() -> None:
    """Then a difference has no unit."""
    found = diversity(_texts(100, 15), words_per_text=12, texts_per_sample=40, samples=1)
    assert {spread.deviation for spread in found.measures.values()} == {0.0}
    assert {difference.spreads for difference in compare(found, found).values()} == {None}


def _measured(**changes: int) -> Diversity:
    return diversity(_texts(100, 15), **{**SMALL, **changes})


def test_samples_of_unlike_size_do_not_compare() -> None:
    """The line names both sizes and the remedy."""
    with pytest.raises(SourceError, match=r"40 texts of 12 words and of 40 texts of 10 words do not compare: measure"):
        compare(_measured(), _measured(words_per_text=10))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"words_per_text": 3}, "words_per_text=3.*at least 4 words", id="too few words"),
        pytest.param({"texts_per_sample": 1}, "texts_per_sample=1.*2 texts", id="one text"),
        pytest.param({"samples": 0}, "samples=0.*1 sample", id="no sample"),
        pytest.param(
            {"words_per_text": 16}, "0 of 100 texts have 16 words and more; set words_per_text", id="all short"
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(changes: dict[str, int], message: str) -> None:
    """One line with the value and the remedy."""
    with pytest.raises(SourceError, match=message):
        _measured(**changes)
