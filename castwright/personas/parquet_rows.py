"""Parquet as rows with their places, where a broken value costs its row and a broken block its rows.

Parquet keeps rows in groups that are compressed each for itself, so what is damaged in one says nothing of the next:
each is read on its own, and the rows that cannot be had are counted. A batch goes to Python at once, which is what
makes it fast; only where that fails (text that is not UTF-8, a date that Python has no year for) is it read row by
row. (Rejected: polars, which reads a file or fails.)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from castwright.errors import BadRecord, SourceError
from castwright.personas.lines import DataFile, reason_of
from castwright.personas.separated import Row, check_header

BATCH_ROWS = 1024
_NO_VALUE = (ValueError, OverflowError, TypeError, ImportError)  # what a value that Python cannot hold raises


def parquet_rows(file: DataFile, wanted: frozenset[str] | None) -> Iterator[Row | BadRecord]:
    """Yield the rows of a parquet file; `wanted` names the columns that are used (None: all), others are not read.

    Raises:
        SourceError: it is no parquet, or a column that is used stands in it twice.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        source = pq.ParquetFile(file.path)
    except (OSError, pa.ArrowException) as error:
        remedy = "is it whole, and parquet? Get or write it again"
        raise SourceError(f"cannot read {file.path} as parquet: {reason_of(error)}; {remedy}") from error
    with source:
        names = source.schema_arrow.names
        check_header(names, wanted, file)
        columns = None if wanted is None else [name for name in names if name in wanted] or None
        before = 0
        for group in range(source.num_row_groups):
            count = source.metadata.row_group(group).num_rows
            batches = source.iter_batches(batch_size=BATCH_ROWS, row_groups=[group], columns=columns)
            yield from _group_rows(batches, before, before + count, file)
            before += count


def _group_rows(batches: Iterator[Any], number: int, last: int, file: DataFile) -> Iterator[Row | BadRecord]:
    """Yield the rows of one group, the first of which is behind row `number`."""
    import pyarrow as pa

    try:
        for batch in batches:
            for row in _batch_rows(batch):
                number += 1
                place = f"{file.name}[row {number}]"
                yield BadRecord(place, row) if isinstance(row, str) else (place, _cleaned(row))
    except (OSError, pa.ArrowException) as error:
        rows = f"the rows {number + 1} to {last} are damaged" if last > number + 1 else "it is damaged"
        yield BadRecord(f"{file.name}[row {number + 1}]", f"{rows}: {reason_of(error)}")


def _batch_rows(batch: Any) -> Iterator[dict[str, Any] | str]:
    """Yield the rows of a batch; one with a value that Python cannot hold as the reason why."""
    try:
        yield from batch.to_pylist()
    except _NO_VALUE:
        for index in range(batch.num_rows):
            yield _row(batch, index)


def _row(batch: Any, index: int) -> dict[str, Any] | str:
    row = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            row[name] = column[index].as_py()
        except _NO_VALUE as error:
            return f"the column {name!r} holds a value that cannot be read: {reason_of(error)}"
    return row


def _cleaned(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with None for NaN, and with the texts that some writers mark as bytes."""
    for name, value in row.items():
        if type(value) is float and value != value:
            row[name] = None
        elif type(value) is bytes:
            with suppress(UnicodeDecodeError):  # bytes indeed: a picture, a hash
                row[name] = value.decode()
    return row
