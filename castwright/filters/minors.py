"""Minors: characters who are, or are described as, younger than an age.

A stated age decides; where a card has none, words decide that say what the character is now (see `minor_words`).
The look or body of a child drops a character of any age. It leans to dropping: a child lost costs a card, a child kept
may cost more. Machines, beasts and things of the kinds in `nonhuman_kinds` are not judged by the number of their
years, but are by words ("schoolboy"). (Rejected: dropping every card without an age: most sources state none.)
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from castwright.errors import RecipeError
from castwright.filters.minor_words import LOOKS_TRIGGER, NONHUMAN, SIGN_TRIGGER, looks_minor, minor_sign
from castwright.filters.screened_text import column_words, compatible_series, present_columns, text_series
from castwright.filters.verdict import verdicts

MINOR_COLUMNS = ("name", "occupation", "background", "text")


@dataclass(frozen=True, slots=True)
class _Row:
    """What is known of one character: the stated age, the least age, and whether years count (humans)."""

    age: int | None
    least: int
    human: bool


def minors(
    frame: pl.DataFrame,
    *,
    min_age: int = 18,
    era_min_age: int | None = None,
    kinds: tuple[str, ...] | None = None,
    nonhuman_kinds: tuple[str, ...] = ("virtual",),
    columns: tuple[str, ...] = MINOR_COLUMNS,
) -> pl.DataFrame:
    """Drop characters who are, or are described as, younger than `min_age` years.

    `age` (years), `kind` and `modern` are read where they exist; the default columns may be absent. `era_min_age`
    takes the place of `min_age` for characters who are not `modern`. `kinds` are those checked (null: all).
    In `nonhuman_kinds` a character whose name or occupation is a beast's, a machine's or a thing's may be of any age.
    Score: the age in years where it is known, of the column or of the words that say it.

    Raises:
        RecipeError: a column that was asked for is missing, or an age is below 0.
    """
    if min(min_age, era_min_age or 0) < 0:
        raise RecipeError(f"filter 'minors': min_age={min_age}, era_min_age={era_min_age}: ages are years from 0")
    rows = _rows(frame, min_age, era_min_age, nonhuman_kinds)
    reasons = [_by_age(row) for row in rows]
    by_words = pl.Series([row.age is None or not row.human for row in rows], dtype=pl.Boolean)
    scores = [None if row.age is None else float(row.age) for row in rows]
    for column in present_columns(frame, columns, MINOR_COLUMNS, "minors"):
        text, where = compatible_series(text_series(frame, column)), column_words(column)
        for place in text.str.contains(LOOKS_TRIGGER).arg_true().to_list():
            looks = looks_minor(text[place], rows[place].least)
            reasons[place] = reasons[place] or (f"{where} gives the looks of a child: {looks!r}" if looks else "")
        for place in (by_words & text.str.contains(SIGN_TRIGGER)).arg_true().to_list() if by_words.any() else ():
            said, years = minor_sign(text[place], rows[place].least)
            if said and (rows[place].human or years is None) and not reasons[place]:
                reasons[place] = f"{where} describes someone younger than {rows[place].least}: {said!r}"
                scores[place] = scores[place] if years is None else float(years)
    if kinds is not None:
        checked = text_series(frame, "kind").is_in(list(kinds)).to_list()
        reasons = [reason if check else "" for reason, check in zip(reasons, checked, strict=True)]
    return verdicts(reasons, scores)


def _by_age(row: _Row) -> str:
    young = row.human and row.age is not None and row.age < row.least
    return f"is {row.age}, younger than {row.least}" if young else ""


def _rows(frame: pl.DataFrame, min_age: int, era_min_age: int | None, nonhuman_kinds: tuple[str, ...]) -> list[_Row]:
    empty = pl.Series([None], dtype=pl.Int64).new_from_index(0, frame.height)
    ages = frame.get_column("age").cast(pl.Int64, strict=False) if "age" in frame.columns else empty
    modern = frame.get_column("modern") if "modern" in frame.columns else empty
    other = text_series(frame, "kind").is_in(list(nonhuman_kinds))
    who = zip(ages, modern, other, text_series(frame, "name"), text_series(frame, "occupation"), strict=True)
    return [
        _Row(
            age,
            min_age if now in (True, None) or era_min_age is None else era_min_age,
            human=not (spared and NONHUMAN.search(f"{name} | {trade}")),
        )
        for age, now, spared, name, trade in who
    ]
