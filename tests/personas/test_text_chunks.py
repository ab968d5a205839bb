"""Long texts in parts: all of it, in order, no part too long, cut where one may cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.personas.text_chunks import text_chunks


@given(st.text(alphabet="ab. \n", max_size=600), st.integers(1, 80), st.integers(0, 60))
@settings(max_examples=300, deadline=None)
def test_parts_are_all_of_a_text_and_none_is_too_long(text: str, most: int, overlap: int) -> None:
    """They go on, and what two of them share is at most the overlap."""
    chunks = text_chunks(text, most, overlap)
    assert chunks[0].start == 0
    assert chunks[-1].end == len(text)
    assert all(0 <= chunk.end - chunk.start <= most for chunk in chunks)
    for one, two in pairwise(chunks):
        assert one.start < two.start <= one.end < two.end
        assert one.end - two.start <= overlap


def test_a_part_ends_with_a_paragraph_else_a_sentence_else_a_word() -> None:
    """Whichever is the best border in the last third."""
    paragraphs = "One day it rained all day long.\n\nThen it was over and the sun came out again.\n\nAll went home."
    assert text_chunks(paragraphs, 90, 0)[0].of(paragraphs).endswith("again.\n\n")
    sentences = "It rained all day long. Then it was over. The sun came out again and all of them went home."
    assert text_chunks(sentences, 60, 0)[0].of(sentences) == "It rained all day long. Then it was over. "
    words = "word " * 30
    assert text_chunks(words, 33, 0)[0].of(words) == "word " * 6
    assert [chunk.end for chunk in text_chunks("x" * 25, 10, 0)] == [10, 20, 25]


def test_a_sentence_at_the_border_is_read_whole_once() -> None:
    """The next part begins with the last sentences of the one before."""
    text = " ".join(f"Sentence number {n} stands here." for n in range(40))
    chunks = text_chunks(text, 300, 80)
    assert len(chunks) > 4
    for chunk in chunks[1:]:
        assert chunk.of(text).startswith("Sentence")
    for n in range(40):
        assert any(f"Sentence number {n} stands here." in chunk.of(text) for chunk in chunks)


def test_a_text_that_fits_is_one_part_and_parts_of_nothing_are_refused() -> None:
    """The empty text too."""
    assert len(text_chunks("", 10)) == len(text_chunks("word", 10)) == 1
    with pytest.raises(ValueError, match="at least 1"):
        text_chunks("word", 0)
