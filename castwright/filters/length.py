"""Length: too few words, too many, or sentences unlike the card's.

Words, not characters or tokens: a recipe's author thinks in words, and no tokenizer is needed. Scripts that
write without spaces count each character as a word. The card's sentence length is checked on the mean of a
reply's sentences and within wide bounds: it is meant to catch a "short" speaker who lectures, not a good day.
"""

from __future__ import annotations

import polars as pl

from castwright.errors import RecipeError
from castwright.filters.verdict import require_columns, texts, verdicts

WORD = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]|[\p{L}\p{M}\p{N}]+(?:['’\-][\p{L}\p{M}\p{N}]+)*"
"""A word, in Rust's regular expressions: letters and digits, with inner apostrophes and hyphens."""

SENTENCE_END = r"[.!?…]+[\"'”’)\]]*(?:\s|$)|\n+|[。！？]"

SENTENCE_WORDS: dict[str, tuple[float, float]] = {"short": (0, 18), "medium": (4, 32), "long": (9, 80)}
"""Bounds on the mean words per sentence, by a card's `sentence_length`."""

MIN_WORDS_TO_COMPARE = 20
"""Below this a reply has too few sentences for their mean to say anything of its speaker."""


def length(
    frame: pl.DataFrame,
    *,
    column: str = "response",
    min_words: int = 1,
    max_words: int = 400,
    sentence_length: str | None = None,
) -> pl.DataFrame:
    """Drop rows whose text in `column` has fewer than `min_words` or more than `max_words` words.

    `sentence_length` names a column with the card's "short", "medium" or "long": a text of at least 20 words
    is then also dropped when its mean words per sentence fall outside `SENTENCE_WORDS`. Other values and null
    there are not checked. Score: the number of words, for every row.
    """
    require_columns(frame, [column, *([sentence_length] if sentence_length else [])], "length")
    if not 0 <= min_words <= max_words:
        raise RecipeError(f"filter 'length': min_words={min_words} and max_words={max_words} leave no length")
    text = pl.Series(texts(frame, column), dtype=pl.String).str.strip_chars()
    words = text.str.count_matches(WORD).cast(pl.Float64).to_list()
    sentences = text.str.strip_chars_end(" \n\"'”’)].!?…。！？").str.count_matches(SENTENCE_END).to_list()
    wanted = texts(frame, sentence_length) if sentence_length else [""] * frame.height
    reasons = [
        _reason(count, ends + 1, wish, min_words, max_words)
        for count, ends, wish in zip(words, sentences, wanted, strict=True)
    ]
    return verdicts(reasons, words)


def _reason(words: float, sentences: int, wanted: str, min_words: int, max_words: int) -> str:
    if words < min_words:
        return f"{words:.0f} words, fewer than {min_words}"
    if words > max_words:
        return f"{words:.0f} words, more than {max_words}"
    if wanted not in SENTENCE_WORDS or words < MIN_WORDS_TO_COMPARE:
        return ""
    low, high = SENTENCE_WORDS[wanted]
    mean = words / sentences
    if low <= mean <= high:
        return ""
    return f"{mean:.0f} words a sentence; a speaker of {wanted} sentences keeps within {low:.0f} to {high:.0f}"
