"""The rows of a stage between its graph and its table: typed parquet in a scratch folder, written as they come.

What sees all rows at once (duplicates) needs a few columns of them, and those it reads from here; the rest stays on
the disk until the table is written. (Rejected: the table written at once and rewritten, which compresses it twice.)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import polars as pl
import pyarrow as pa

from castwright.pipelines.table_files import GroupWriter, stored_tables

_ROWS_PER_GROUP = 4_000


class Spool:
    """Rows of a schema on their way through a scratch file; use it as a context, and read it when that has ended."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path, self._schema = path, schema
        self._writer = GroupWriter(path, schema, compression="lz4", group=_ROWS_PER_GROUP)

    @property
    def rows(self) -> int:
        """How many rows it has taken."""
        return self._writer.rows

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Take rows; keys that are no columns are left out, columns that are no keys are null."""
        self._writer.write(pa.Table.from_pylist(rows, self._schema))

    def write(self, table: pa.Table) -> None:
        """Take rows in the columns of the schema."""
        self._writer.write(table)

    def scan(self) -> pl.LazyFrame:
        """Return the rows as a polars scan."""
        return pl.scan_parquet(self._path)

    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows in order, a few thousand at a time."""
        return stored_tables([self._path])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, trace)
