"""Which text the screening filters read, and how it is folded before they look.

A card and an answer are screened by the same functions, so the columns of both stand here; a column that is absent
holds nothing, but one that a recipe names must exist, or a misspelt name would let everything pass. Text stays in
polars until few rows are left: one pattern of the native engine per column, then Python on what it hit. (Rejected:
all columns glued into one text, which makes phrases across fields and cannot say where a finding stands.)
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import polars as pl

from castwright.filters.verdict import require_columns

CARD_COLUMNS = (
    "name",
    "occupation",
    "place",
    "era",
    "relationships",
    "traits",
    "catchphrases",
    "quirks",
    "background",
    "example_lines",
    "text",
)
"""The columns of a card that hold words of its own, and the source's free text."""

SCREENED_COLUMNS = (*CARD_COLUMNS, "question", "response")

_UNSEEN = "[\u00ad\u034f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]"


def present_columns(frame: pl.DataFrame, columns: Sequence[str], default: Sequence[str], filter_name: str) -> list[str]:
    """Return the columns to read: those of `columns` that the frame has; each must be there unless it is the default.

    Raises:
        RecipeError: a column that was asked for is missing.
    """
    if tuple(columns) != tuple(default):
        require_columns(frame, columns, filter_name)
    return [column for column in columns if column in frame.columns]


def text_series(frame: pl.DataFrame, column: str) -> pl.Series:
    """Return a column as text: null and an absent column as "", lists joined by line breaks."""
    if column not in frame.columns:
        return pl.Series(column, [""], dtype=pl.String).new_from_index(0, frame.height)
    values = frame.get_column(column)
    if isinstance(values.dtype, pl.List):
        values = values.cast(pl.List(pl.String)).list.join("\n", ignore_nulls=True)
    return values.cast(pl.String).fill_null("")


def compatible_series(text: pl.Series) -> pl.Series:
    """Return text in Unicode's compatibility form (full-width digits become plain) without invisible characters."""
    return text.str.normalize("NFKC").str.replace_all(_UNSEEN, "")


def folded_series(text: pl.Series) -> pl.Series:
    """Return text in lower case without accents and invisible characters, for comparing words."""
    return compatible_series(text).str.to_lowercase().str.normalize("NFKD").str.replace_all(r"\p{Mn}+", "")


def folded(text: str) -> str:
    """Return one text as `folded_series` does, with the full case folding of Python ("ß" becomes "ss")."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(char for char in plain if unicodedata.category(char) not in ("Mn", "Cf"))


def column_words(column: str) -> str:
    """Return how a reason names a column: "background", "example lines"."""
    return column.replace("_", " ")
