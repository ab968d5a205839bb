"""The filters as distilabel steps: thin callers of the pure functions.

Rows are dicts and may hold nested values, which polars would reshape or refuse; so a frame is built of only
the plain columns, and the verdicts are merged back into the very dicts that came in. Vectors never enter a
row. (Rejected: one step class per filter: the name and options of a filter are data of the recipe.)
"""

from collections.abc import Sequence
from typing import Any

import polars as pl
from distilabel.steps import GlobalStep, Step, StepInput
from distilabel.typing import StepOutput

from castwright.filters.embeddings import load_embedder
from castwright.filters.run import FilterSpec, apply_filters, needs_embedder

VERDICT_COLUMNS = ("verdict", "filter", "reason", "score")


class ApplyFilters(GlobalStep):
    """Adds verdict, filter, reason and score to every row; `filters` are {"name": ..., "options": {...}}.

    Global, because duplicates are only seen over all rows. `embeddings` names the embedder (see
    `load_embedder`).
    """

    filters: list[dict[str, Any]]
    embeddings: str = "offline"

    @property
    def outputs(self) -> list[str]:
        return list(VERDICT_COLUMNS)

    def load(self) -> None:
        """Check the filters before any row arrives.

        Raises:
            RecipeError: see `FilterSpec`.
        """
        super().load()
        self._specs()

    def process(self, inputs: StepInput) -> StepOutput:
        """Yield all rows, in order, with their verdicts."""
        yield filter_rows(inputs, self._specs(), self.embeddings)

    def _specs(self) -> list[FilterSpec]:
        return [FilterSpec(**spec) for spec in self.filters]


class KeepRows(Step):
    """Passes on the rows that no filter dropped; what runs the graph has stored the rejects before."""

    @property
    def inputs(self) -> list[str]:
        return ["verdict"]

    def process(self, inputs: StepInput) -> StepOutput:
        """Yield the rows whose verdict is not "drop"."""
        yield [row for row in inputs if row["verdict"] != "drop"]


def filter_rows(
    rows: Sequence[dict[str, Any]], specs: Sequence[FilterSpec], embeddings: str = "offline"
) -> list[dict[str, Any]]:
    """Return the rows, in order and otherwise untouched, with the verdict columns of `apply_filters`.

    Raises:
        RecipeError: a filter reads a column that the rows lack.
        ModelError: a filter needs embeddings and they cannot be loaded.
    """
    if not rows:
        return []
    embedder = load_embedder(embeddings) if needs_embedder(specs) else None
    judged = apply_filters(plain_frame(rows), specs, embedder=embedder).select(VERDICT_COLUMNS)
    return [{**row, **verdict} for row, verdict in zip(rows, judged.iter_rows(named=True), strict=True)]


def plain_frame(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Return a frame of the plain columns: text, numbers, booleans and lists of text.

    A column that holds anything else in any row (messages, cards) stays out: no filter reads it.
    """
    columns: dict[str, pl.Series] = {}
    for name in dict.fromkeys(key for row in rows for key in row):
        values = [row.get(name) for row in rows]
        series = _plain_series(name, values)
        if series is not None:
            columns[name] = series
    return pl.DataFrame(columns) if columns else pl.DataFrame({"row": range(len(rows))})


def _plain_series(name: str, values: list[Any]) -> pl.Series | None:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {str}:
        return pl.Series(name, values, dtype=pl.String)
    if kinds == {bool}:
        return pl.Series(name, values, dtype=pl.Boolean)
    if kinds == {int} and all(value is None or -(2**63) <= value < 2**63 for value in values):
        return pl.Series(name, values, dtype=pl.Int64)
    if kinds <= {int, float}:
        return pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)
    if kinds <= {list, tuple} and all(isinstance(item, str) for value in values if value for item in value):
        return pl.Series(name, [None if v is None else list(v) for v in values], dtype=pl.List(pl.String))
    return None
