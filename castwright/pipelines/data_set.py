"""An exported data set: its configurations, their columns and rows by split, and how they are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from castwright.pipelines.streams import Row

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Config:
    """One configuration of a data set: rows by split, and their columns."""

    name: str
    schema: pa.Schema
    rows: dict[str, list[Row]]


@dataclass(frozen=True)
class DataSet:
    """One exported data set; `task_categories` and `tags` are the Hub's words.

    `synthetic`: whether castwright's models wrote it; what was only read and marked up is not.
    """

    name: str
    title: str
    summary: str
    configs: tuple[Config, ...]
    task_categories: tuple[str, ...] = ("text-generation",)
    tags: tuple[str, ...] = field(default=())
    synthetic: bool = True

    @property
    def count(self) -> int:
        """Return how many rows its largest configuration has."""
        return max((sum(map(len, config.rows.values())) for config in self.configs), default=0)


def by_split(rows: Iterator[tuple[str, Row]] | list[tuple[str, Row]]) -> dict[str, list[Row]]:
    """Return rows grouped by split, in the order train, validation, test, without empty ones."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for split, row in rows:
        groups[split].append(row)
    return {split: groups[split] for split in SPLITS if groups[split]}


def write_data_set(dataset: DataSet, folder: Path) -> None:
    """Write the parquet files of a data set: `<config>/<split>.parquet`."""
    for config in dataset.configs:
        for split, rows in config.rows.items():
            path = folder / config.name / f"{split}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            fitted = [{name: row.get(name) for name in config.schema.names} for row in rows]
            pq.write_table(pa.Table.from_pylist(fitted, config.schema), path, compression="zstd")
