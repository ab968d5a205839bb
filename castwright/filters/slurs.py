"""Slurs against groups of people: ethnic, religious, of sexual orientation, gender identity or disability.

One pattern for the whole list runs over each column in polars; only rows that it hits are looked at in Python, for
the words that make a term harmless (a tree's name, a butcher's dish) and for what the user allows. A reason names
the column and shows the word masked: rejects are read by people too. (Rejected: plain swear words, which a card's
salty sailor may use; and judging what a reclaimed word means: allow it, or keep the filter off.)
"""

from __future__ import annotations

import re

import polars as pl

from castwright.filters.screened_text import (
    SCREENED_COLUMNS,
    column_words,
    folded_series,
    present_columns,
    text_series,
)
from castwright.filters.slur_words import Slur, given_slurs, listed_slurs, matched_slur, read_slurs, slur_pattern
from castwright.filters.verdict import verdicts


def slurs(
    frame: pl.DataFrame,
    *,
    columns: tuple[str, ...] = SCREENED_COLUMNS,
    words: tuple[str, ...] = (),
    words_file: str | None = None,
    allow: tuple[str, ...] = (),
) -> pl.DataFrame:
    """Drop rows that hold a slur in any of the columns; the default columns may be absent.

    `words` and `words_file` (one per line) add terms of your own; `allow` names terms, or phrases that hold one,
    which may stand. Score: the number of slurs found, for every row.

    Raises:
        RecipeError: a column that was asked for is missing, or a word is blank.
        SourceError: `words_file` cannot be read or is empty.
    """
    known = listed_slurs() + given_slurs(list(words)) + (read_slurs(words_file) if words_file else ())
    allowed = _phrases(allow)
    known = tuple(slur for slur in known if slur.term not in allowed)
    reasons, counts = [""] * frame.height, [0.0] * frame.height
    pattern = slur_pattern(known)
    for column in present_columns(frame, columns, SCREENED_COLUMNS, "slurs") if pattern else ():
        text = folded_series(text_series(frame, column))
        for row in text.str.contains(pattern).arg_true().to_list():
            found = _find(text[row], pattern, known, allowed)
            counts[row] += len(found)
            if found and not reasons[row]:
                reasons[row] = f"a slur in {column_words(column)}: {masked_word(found[0])!r}"
    return verdicts(reasons, counts)


def masked_word(word: str) -> str:
    """Return a word or phrase with all but the first and the last letter as stars; of two letters, the first."""
    inner = re.sub(r"\S", "*", word[1:-1])
    return f"{word[0]}{inner}{word[-1]}" if len(word) > 2 else f"{word[:1]}*"


def _phrases(allow: tuple[str, ...]) -> tuple[str, ...]:
    plain = folded_series(pl.Series(list(allow), dtype=pl.String)).to_list()
    return tuple(" ".join(phrase.split()) for phrase in plain if phrase.strip())


def _find(text: str, pattern: str, known: tuple[Slur, ...], allowed: tuple[str, ...]) -> list[str]:
    """Return the slurs of one folded text that neither the user nor the words beside them excuse."""
    for phrase in allowed:
        spelt = r"\s+".join(re.escape(part) for part in phrase.split())
        text = re.sub(rf"\b{spelt}\b", lambda match: " " * len(match.group()), text)
    said = set(re.findall(r"[^\W_]+", text))
    found = []
    for match in re.finditer(pattern, text):
        slur = matched_slur(match.group(), known)
        if slur is None or not (slur.unless & said):
            found.append(" ".join(match.group().split()))
    return found
