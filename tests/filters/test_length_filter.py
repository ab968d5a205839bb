"""Length in words, and against the card's sentence length."""

from __future__ import annotations

import polars as pl
import pytest

from castwright.errors import RecipeError
from castwright.filters.length import length

WORDS = {
    "plain": ("Bread is on the table.", 5),
    "apostrophes and hyphens": ("I don't like half-baked bread", 5),
    "numbers": ("It costs 12.50 or 3", 6),
    "no words": (" ... !", 0),
    "Japanese": ("今日は", 3),
    "accents": ("Ça va très bien", 4),
}
LECTURE = (
    "The bread that my grandmother used to bake on Sunday mornings in the old stone oven behind "
    "the house was something that nobody in the whole valley could ever match."
)
CURT = "No. I went. It rained. I stayed. He left. We ate. They sang. She slept. It was late. I woke. Good bread."


@pytest.mark.parametrize(("text", "count"), WORDS.values(), ids=WORDS.keys())
def test_words_are_counted_as_a_reader_counts(text: str, count: int) -> None:
    """The score is the number of words."""
    assert length(pl.DataFrame({"response": [text]}))["score"].to_list() == [count]


def test_too_short_and_too_long_are_dropped_with_both_numbers() -> None:
    """The reason names the count and the bound."""
    judged = length(pl.DataFrame({"response": ["one", "one two", "one two three", None]}), min_words=2, max_words=2)
    assert judged["reason"].to_list() == [
        "1 words, fewer than 2",
        "",
        "3 words, more than 2",
        "0 words, fewer than 2",
    ]
    assert judged["score"].to_list() == [1, 2, 3, 0]


@pytest.mark.parametrize(
    ("text", "wanted", "kept"),
    [
        (LECTURE, "short", False),
        (LECTURE, "medium", True),
        (LECTURE, "long", True),
        (CURT, "short", True),
        (CURT, "long", False),
        (CURT, None, True),
        ("Forty-two.", "long", True),
    ],
    ids=[
        "lecture by a short speaker",
        "lecture by a medium one",
        "lecture by a long one",
        "curt by a short speaker",
        "curt by a long one",
        "card without a length",
        "too little to tell",
    ],
)
def test_sentences_are_held_against_the_card(text: str, wanted: str | None, kept: bool) -> None:
    """A speaker of short sentences does not lecture, one of long ones does not bark."""
    frame = pl.DataFrame({"response": [text], "style": [wanted]}, schema={"response": pl.String, "style": pl.String})
    assert length(frame, sentence_length="style")["keep"].to_list() == [kept]


def test_bounds_that_leave_nothing_are_a_user_error() -> None:
    """min above max is named with both values."""
    with pytest.raises(RecipeError, match="min_words=5 and max_words=2"):
        length(pl.DataFrame({"response": ["x"]}), min_words=5, max_words=2)
