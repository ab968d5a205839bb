"""Rows into a graph: the generator step that every graph of ours begins with."""

from __future__ import annotations

from typing import Any

from distilabel.steps import GeneratorStep
from distilabel.typing import GeneratorStepOutput
from pydantic import Field

from castwright.pipelines.streams import Row


class LoadRows(GeneratorStep):
    """Gives the rows it was made with, in order. The rows are data, so they never enter a saved pipeline."""

    rows: list[Row] = Field(default_factory=list, exclude=True, repr=False)
    batch_size: int = 1_000

    @property
    def outputs(self) -> list[str]:
        return list(self.rows[0]) if self.rows else []

    def process(self, offset: int = 0) -> GeneratorStepOutput:
        """Yield the rows from `offset` on, `batch_size` at a time, and whether a batch is the last."""
        if not self.rows:
            yield [], True
        for start in range(offset, len(self.rows), self.batch_size):
            end = start + self.batch_size
            batch: list[dict[str, Any]] = [dict(row) for row in self.rows[start:end]]
            yield batch, end >= len(self.rows)
