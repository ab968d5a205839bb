"""Quotes out of sight, sentences, clauses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.filters.prose import clauses, mask_quotes, sentences

SENTENCES = {
    "plain": ("It rains. I stay! Do you?", ["It rains.", "I stay!", "Do you?"]),
    "abbreviations": ("Dr. Crane met Mrs. Pym. They spoke.", ["Dr. Crane met Mrs. Pym.", "They spoke."]),
    "initials": ("J. B. Crane left. Good.", ["J. B. Crane left.", "Good."]),
    "the pronoun": ("72, says I. And you?", ["72, says I.", "And you?"]),
    "decimals": ("It is 3.5 feet. No more.", ["It is 3.5 feet.", "No more."]),
    "ends in a number": ("It is 42. I counted.", ["It is 42.", "I counted."]),
    "list numbers": ("1. Boil it.\n2. Eat it.", ["1. Boil it.", "2. Eat it."]),
    "lines": ("one line\nanother", ["one line", "another"]),
    "ellipsis": ("Well... yes. Good", ["Well...", "yes.", "Good"]),
    "empty": ("  \n ", []),
}
MASKED = {
    "double": 'He said "no" twice.',
    "curly": "He said “no” twice.",
    "single": "He said 'no' twice.",
    "single with an apostrophe inside": "He said 'I can't say no' twice.",
    "code": "He said `no` twice.",
}


@pytest.mark.parametrize(("text", "parts"), SENTENCES.values(), ids=SENTENCES.keys())
def test_sentences_end_where_people_end_them(text: str, parts: list[str]) -> None:
    """Marks inside abbreviations, initials and numbers split nothing."""
    assert sentences(text) == parts


@pytest.mark.parametrize("text", MASKED.values(), ids=MASKED.keys())
def test_quotations_are_blanked_in_place(text: str) -> None:
    """The quoted words go, the rest stays where it was."""
    masked = mask_quotes(text)
    assert "no" not in masked
    assert len(masked) == len(text)
    assert masked.endswith("twice.")


def test_apostrophes_are_no_quotation_marks() -> None:
    """Contractions and possessives hide nothing."""
    text = "I can't say, but the dogs' bowls and Ann's cup aren't mine."
    assert mask_quotes(text) == text


def test_clauses_part_at_but_and_dashes() -> None:
    """What stands on either side of "but" is judged by itself."""
    assert clauses("I know little, but it is Paris; truly") == ["I know little", "it is Paris", "truly"]


@given(st.text(max_size=200))
def test_sentences_lose_no_words(text: str) -> None:
    """Joined again, the sentences have the words of the text in order."""
    assert " ".join(sentences(text)).split() == text.split()


@given(st.text(max_size=200))
def test_masking_keeps_every_place(text: str) -> None:
    """A masked text has its length and differs only by spaces."""
    masked = mask_quotes(text)
    assert len(masked) == len(text)
    assert all(new in (old, " ") for old, new in zip(text, masked, strict=True))
