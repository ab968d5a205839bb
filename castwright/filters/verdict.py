"""What a filter says of a row: keep, or drop with a reason and a score.

A verdict frame has one row per input row, in order, and three columns: `keep`, `reason`, `score`. That is the
whole contract, so that counting and keeping rejects is done once, in `run`, and a filter stays a pure
function that a notebook can call. (Rejected: filters that return the rows they keep, which lose the reasons,
and filter classes with a base, which add nothing to a function with keyword options.)
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from castwright.errors import RecipeError, nearest

VERDICT_SCHEMA: dict[str, pl.DataType] = {"keep": pl.Boolean(), "reason": pl.String(), "score": pl.Float64()}


def verdicts(reasons: Sequence[str], scores: Sequence[float | None]) -> pl.DataFrame:
    """Return the verdict frame of parallel reasons and scores; a row is kept where its reason is empty."""
    columns = {"keep": [not reason for reason in reasons], "reason": list(reasons), "score": list(scores)}
    return pl.DataFrame(columns, schema=VERDICT_SCHEMA)


def require_columns(frame: pl.DataFrame, columns: Sequence[str], filter_name: str) -> None:
    """Check that the frame has the columns a filter reads.

    Raises:
        RecipeError: a column is missing; the message names it, the filter and the nearest column.
    """
    for column in columns:
        if column not in frame.columns:
            raise RecipeError(
                f"filter {filter_name!r}: there is no column {column!r}{nearest(column, frame.columns)}; "
                f"the rows have: {', '.join(frame.columns) or 'no columns'}"
            )


def texts(frame: pl.DataFrame, column: str) -> list[str]:
    """Return a column as text, null as "". An absent column gives empty texts (optional columns)."""
    if column not in frame.columns:
        return [""] * frame.height
    values = frame.get_column(column)
    if isinstance(values.dtype, pl.List):
        return [" | ".join(str(item) for item in items) if items is not None else "" for items in values.to_list()]
    return values.cast(pl.String).fill_null("").to_list()


def row_names(frame: pl.DataFrame) -> list[str]:
    """Return how reasons name each row: its `row_id`, else "row N" with N its position from 0."""
    if "row_id" not in frame.columns:
        return [f"row {position}" for position in range(frame.height)]
    return [name or f"row {position}" for position, name in enumerate(texts(frame, "row_id"))]
