"""Parquet files written in pieces: row groups of one size, files of one size, whatever the pieces were.

A table of a million rows is never in memory, and its bytes must not depend on how it came: on blocks, batches or the
number of threads. So what arrives is cut anew: full row groups are written as soon as they are full, by a thread, while
the next one is read. (Rejected: a row group per piece, which makes another file of the same rows; one row group per
file, which holds 100,000 rows twice.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

ROWS_PER_FILE = 100_000
ROWS_PER_GROUP = 20_000
_READ_ROWS = 4_000


class GroupWriter:
    """One parquet file of a schema, written piece by piece; use it as a context.

    What could not be written is raised by a later piece, or at the end.
    """

    def __init__(self, path: Path, schema: pa.Schema, compression: str = "zstd", group: int = ROWS_PER_GROUP) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._schema, self._group = schema, group
        self._writer = pq.ParquetWriter(path, schema, compression=compression)
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self._thread = ThreadPoolExecutor(1, "castwright-parquet")
        self._written: Future[None] | None = None
        self.rows = 0

    def write(self, table: pa.Table) -> None:
        """Take some rows, in the columns and types of the schema."""
        self._waiting.append(table)
        self._waiting_rows += table.num_rows
        self.rows += table.num_rows
        if self._waiting_rows >= self._group:
            together = pa.concat_tables(self._waiting)
            full = self._waiting_rows // self._group * self._group
            for start in range(0, full, self._group):
                self._write_group(together.slice(start, self._group))
            self._waiting, self._waiting_rows = [together.slice(full)], self._waiting_rows - full

    def close(self) -> None:
        """Write what waits; a file without rows has one row group without rows."""
        try:
            if self._waiting_rows or not self.rows:
                self._write_group(pa.concat_tables([self._schema.empty_table(), *self._waiting]))
            self._wait()
        finally:
            self._abandon()

    def _write_group(self, rows: pa.Table) -> None:
        self._wait()  # one group at a time waits: memory stays that of two
        self._written = self._thread.submit(self._write_now, rows)

    def _write_now(self, rows: pa.Table) -> None:
        # a column in several chunks makes other pages than the same column in one
        self._writer.write_table(rows.combine_chunks(), row_group_size=self._group)

    def _wait(self) -> None:
        if self._written is not None:
            self._written.result()

    def _abandon(self) -> None:
        """Close the file as it is, behind what is being written."""
        self._waiting, self._waiting_rows = [], 0
        self._thread.shutdown()
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._abandon()


class PartWriter:
    """The files `part-00000.parquet` and so on of a folder, ROWS_PER_FILE rows each; use it as a context.

    `first`: the number of the first file. Where it is 0 an empty table is one file without rows.
    """

    def __init__(self, folder: Path, schema: pa.Schema, first: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._schema, self._next = folder, schema, first
        self._open: GroupWriter | None = self._begun() if first == 0 else None
        self.rows = 0

    def write(self, table: pa.Table) -> None:
        """Take some rows, in the columns and types of the schema."""
        self.rows += table.num_rows
        while table.num_rows:
            if self._open is not None and self._open.rows == ROWS_PER_FILE:
                self._open.close()
                self._open = None
            self._open = self._open or self._begun()
            fitting = min(table.num_rows, ROWS_PER_FILE - self._open.rows)
            self._open.write(table.slice(0, fitting))
            table = table.slice(fitting)

    def _begun(self) -> GroupWriter:
        path = self._folder / f"part-{self._next:05d}.parquet"
        self._next += 1
        return GroupWriter(path, self._schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            self._open.__exit__(kind, error, trace)


def stored_tables(files: Sequence[Path], columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Yield the rows of parquet files, file after file, a few thousand at a time."""
    for path in files:
        with pq.ParquetFile(path, pre_buffer=False) as table:
            for batch in table.iter_batches(batch_size=_READ_ROWS, columns=list(columns) if columns else None):
                yield pa.Table.from_batches([batch])


def part_files(folder: Path) -> list[Path]:
    """Return the parquet files of a folder in the order of their rows."""
    return sorted(folder.glob("*.parquet"))
