"""An exported data set: its configurations, their columns and rows by split, and how they are written.

A configuration holds its rows, or it is stored: rows of a stage's parquet that go to their splits a few thousand at a
time, because there may be a million of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from castwright.pipelines.streams import Row
from castwright.pipelines.table_files import ROWS_PER_GROUP, GroupWriter, stored_tables

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Config:
    """One configuration of a data set: rows by split, and their columns."""

    name: str
    schema: pa.Schema
    rows: dict[str, list[Row]]

    @property
    def counts(self) -> dict[str, int]:
        """Return how many rows each split has."""
        return {split: len(rows) for split, rows in self.rows.items()}

    def tables(self) -> Iterator[tuple[str, pa.Table]]:
        """Yield (split, some of its rows), in order."""
        for split, rows in self.rows.items():
            for start in range(0, len(rows), ROWS_PER_GROUP):
                yield split, pa.Table.from_pylist(rows[start : start + ROWS_PER_GROUP], self.schema)


@dataclass(frozen=True)
class StoredConfig:
    """One configuration whose rows stand in parquet `files`; `splits`: the place of each row's split in SPLITS."""

    name: str
    schema: pa.Schema
    files: Sequence[Path]
    splits: npt.NDArray[np.int8]

    @property
    def counts(self) -> dict[str, int]:
        """Return how many rows each split has, without empty ones."""
        numbers = np.bincount(self.splits, minlength=len(SPLITS)).tolist()
        return {split: number for split, number in zip(SPLITS, numbers, strict=True) if number}

    def tables(self) -> Iterator[tuple[str, pa.Table]]:
        """Yield (split, some of its rows), in order."""
        start = 0
        for table in stored_tables(self.files, self.schema.names):
            rows = table.select(self.schema.names).cast(self.schema)
            here = self.splits[start : start + rows.num_rows]
            start += rows.num_rows
            for place in np.unique(here).tolist():
                yield SPLITS[place], rows.filter(pa.array(here == place))


@dataclass(frozen=True)
class DataSet:
    """One exported data set; `task_categories` and `tags` are the Hub's words.

    `synthetic`: whether castwright's models wrote it; what was only read and marked up is not.
    """

    name: str
    title: str
    summary: str
    configs: tuple[Config | StoredConfig, ...]
    task_categories: tuple[str, ...] = ("text-generation",)
    tags: tuple[str, ...] = field(default=())
    synthetic: bool = True

    @property
    def count(self) -> int:
        """Return how many rows its largest configuration has."""
        return max((sum(config.counts.values()) for config in self.configs), default=0)


def by_split(rows: Iterable[tuple[str, Row]]) -> dict[str, list[Row]]:
    """Return rows grouped by split, in the order train, validation, test, without empty ones."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for split, row in rows:
        groups[split].append(row)
    return {split: groups[split] for split in SPLITS if groups[split]}


def write_data_set(dataset: DataSet, folder: Path) -> None:
    """Write the parquet files of a data set: `<config>/<split>.parquet`."""
    for config in dataset.configs:
        with ExitStack() as open_files:
            files = {
                split: open_files.enter_context(GroupWriter(folder / config.name / f"{split}.parquet", config.schema))
                for split in config.counts
            }
            for split, rows in config.tables():
                files[split].write(rows)
