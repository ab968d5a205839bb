"""Filters over cards while they pass: a card's fields as plain columns, and the verdicts back into its row.

Cards travel as JSON text, so that every engine carries them alike; filters read columns. So the columns are made for
a batch, and never stand in the rows. (Rejected: the columns in every row, a third more to carry for a look at each.)

No `from __future__ import annotations` here: distilabel looks for the `StepInput` annotation of `process` at run time.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from distilabel.steps import Step, StepInput
from distilabel.typing import StepOutput

from castwright.filters.run import FilterSpec
from castwright.filters.step import VERDICT_COLUMNS, filter_rows
from castwright.pipelines.streams import Row

_INFO = ("age", "gender", "occupation", "place", "era", "relationships")
_STYLE = ("register", "catchphrases", "quirks")
_TOP = ("name", "kind", "modern", "language", "traits", "background", "example_lines")


class ScreenCards(Step):
    """Adds verdict, filter, reason and score to rows with `card` (JSON); `filters` as in `ApplyFilters`.

    Each row is judged by itself. Rows that come dropped stay as they are.
    """

    filters: list[dict[str, Any]]
    embeddings: str = "offline"

    @property
    def inputs(self) -> list[str]:
        return ["card", "text"]

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
        """Yield the rows, in order, with their verdicts."""
        yield screened(inputs, self._specs(), self.embeddings)

    def _specs(self) -> list[FilterSpec]:
        return [FilterSpec(**spec) for spec in self.filters]


def screened(rows: Sequence[Row], specs: Sequence[FilterSpec], embeddings: str = "offline") -> list[Row]:
    """Return the rows, in order, with the verdict columns that filters give their cards."""
    judged = filter_rows([card_columns(row) for row in rows], specs, embeddings)
    return [
        {**row, **{name: verdict[name] for name in VERDICT_COLUMNS}} for row, verdict in zip(rows, judged, strict=True)
    ]


def card_columns(row: Row) -> Row:
    """Return a card's fields as plain columns, with the row's id, text and verdict; null where there is no card."""
    card: dict[str, Any] = orjson.loads(row["card"]) if row["card"] else {}
    info, style = card.get("basic_info") or {}, card.get("dialogue_style") or {}
    return {
        "row_id": row["row_id"],
        **{name: card.get(name) for name in _TOP},
        **{name: info.get(name) for name in _INFO},
        **{name: style.get(name) for name in _STYLE},
        "text": row["text"],
        **{name: row.get(name) for name in VERDICT_COLUMNS},
    }
