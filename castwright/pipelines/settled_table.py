"""The last pass of a stage that looks at all rows at once: rows and verdicts in, kept and rejected parquet out.

Arrow tables in, arrow tables out, a few thousand rows at a time: no row is a Python object here. Beside the table one
byte a row says where the row went and who sent it there, so that the rows can be put back in their order and judged
anew without being made anew (see `rejoined`). (Rejected: a column for it in the table, which users would have to read
past; the order by row id, which is no order.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from castwright.errors import CastwrightError
from castwright.pipelines.checkpoint import count_reasons
from castwright.pipelines.table_files import PartWriter

PLACES = "places.npy"
KEPT, DROPPED_BEFORE, DROPPED_ACROSS = 0, 1, 2
_PIECE = 4_000
_VERDICT = {"verdict": pl.String, "filter": pl.String, "reason": pl.String, "score": pl.Float64}
Places = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Settled:
    """What a look at all rows gave.

    `table`: one row per row, in order: row_id, verdict ("keep" or "drop"), filter, reason, score, and any further
    column of the table that it fills. `details` are for the manifest.
    """

    table: pl.DataFrame
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """How many rows were written as kept, and how many as rejected by filter and kind of reason."""

    kept: int
    rejected: dict[str, dict[str, int]]

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return self.kept + sum(count for kinds in self.rejected.values() for count in kinds.values())


def write_settled(
    tables: Iterable[pa.Table],
    settled: Settled,
    aside: Iterable[pa.Table],
    schema: pa.Schema,
    folder: Path,
    first: tuple[int, int] = (0, 0),
) -> Written:
    """Write the rows of `tables` by their verdicts, and those of `aside` behind the rejected ones.

    Rows that come with the verdict "drop" keep the reason that they have. `first`: the numbers of the first files of
    kept and of rejected rows.

    Raises:
        CastwrightError: there are not as many verdicts as rows, or they are of other rows.
    """
    places = np.empty(settled.table.height, dtype=np.uint8)
    counts: Counter[tuple[str, str]] = Counter()
    start = 0
    with PartWriter(folder, schema, first[0]) as kept, PartWriter(folder / "rejected", schema, first[1]) as rejected:
        for rows in _pieces(tables):
            judged, here = _judged(rows, settled.table.slice(start, rows.num_rows), schema)
            places[start : start + rows.num_rows] = here
            start += rows.num_rows
            kept.write(judged.filter(pa.array(here == KEPT)))
            dropped = judged.filter(pa.array(here != KEPT))
            _count(dropped, counts)
            rejected.write(dropped)
        for rows in aside:
            _count(rows, counts)
            rejected.write(rows.cast(schema))
    if start != len(places):
        raise CastwrightError(f"{len(places)} rows were judged and {start} are there; nothing was written")
    np.save(folder / PLACES, places)
    return Written(kept.rows, by_filter(counts))


def rejoined(
    kept: Iterable[pa.Table], rejected: Iterable[pa.Table], places: Places, schema: pa.Schema
) -> Iterator[pa.Table]:
    """Yield the rows of a written table in the order in which they came, as they were before they were settled.

    Rejected rows beyond those that `places` knows (records that could not be read) are not among them.
    """
    takers = _Taker(kept, schema), _Taker(rejected, schema)
    for start in range(0, len(places), _PIECE):
        here = places[start : start + _PIECE]
        stay = int((here == KEPT).sum())
        both = pa.concat_tables([takers[0].take(stay), takers[1].take(len(here) - stay)])
        order = np.empty(len(here), dtype=np.int64)
        order[here == KEPT] = np.arange(stay)
        order[here != KEPT] = np.arange(stay, len(here))
        rows = both.take(pa.array(order))
        blank = pl.Series("blank", here != DROPPED_BEFORE)
        verdicts = pl.DataFrame(
            {name: pl.from_arrow(rows.column(name)) for name in _VERDICT}, schema_overrides=_VERDICT
        ).with_columns(
            pl.when(blank).then(pl.lit("keep")).otherwise("verdict").alias("verdict"),
            pl.when(blank).then(pl.lit("")).otherwise("filter").alias("filter"),
            pl.when(blank).then(pl.lit("")).otherwise("reason").alias("reason"),
            pl.when(blank).then(None).otherwise("score").alias("score"),
        )
        yield _with_columns(rows, verdicts, schema)


def left_over(rejected: Iterable[pa.Table], places: Places) -> Iterator[pa.Table]:
    """Yield the rejected rows beyond those that `places` knows: the records that could not be read."""
    passed = int((places != KEPT).sum())
    for rows in rejected:
        skipped = min(passed, rows.num_rows)
        passed -= skipped
        if skipped < rows.num_rows:
            yield rows.slice(skipped)


def _pieces(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    for table in tables:
        for start in range(0, table.num_rows, _PIECE):
            yield table.slice(start, _PIECE)


def _judged(rows: pa.Table, verdicts: pl.DataFrame, schema: pa.Schema) -> tuple[pa.Table, Places]:
    """Return rows with their verdicts, and where each of them goes."""
    if rows.column("row_id").to_pylist() != verdicts["row_id"].to_list():
        raise CastwrightError("the verdicts are of other rows than those that were made; nothing was written")
    before = np.array([verdict == "drop" for verdict in rows.column("verdict").to_pylist()], dtype=bool)
    now = (verdicts["verdict"] == "drop").to_numpy()
    own = pl.DataFrame({name: pl.from_arrow(rows.column(name)) for name in _VERDICT}, schema_overrides=_VERDICT)
    was = pl.Series("was", before)
    chosen = verdicts.with_columns(
        pl.when(was).then(own[name]).otherwise(pl.col(name)).alias(name) for name in _VERDICT
    )
    places = np.where(before, DROPPED_BEFORE, np.where(now, DROPPED_ACROSS, KEPT)).astype(np.uint8)
    return _with_columns(rows, chosen.drop("row_id"), schema), places


def _with_columns(rows: pa.Table, columns: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """Return arrow rows with columns of a frame in the place of their own, in the columns of a schema."""
    filled = {name: columns[name].to_arrow() for name in columns.columns}
    arrays = [
        pa.chunked_array([filled[part.name].cast(part.type)])
        if part.name in filled
        else rows.column(part.name).cast(part.type)
        for part in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _count(rows: pa.Table, counts: Counter[tuple[str, str]]) -> None:
    """Add the reasons of rejected rows to the counts by filter and kind of reason."""
    pairs = zip(rows.column("filter").to_pylist(), rows.column("reason").to_pylist(), strict=True)
    for name, kinds in count_reasons({"filter": name, "reason": reason} for name, reason in pairs).items():
        counts.update({(name, kind): count for kind, count in kinds.items()})


def by_filter(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Return counts by (filter, kind of reason) as a manifest has them, sorted."""
    found: dict[str, dict[str, int]] = {}
    for (name, kind), count in sorted(counts.items()):
        found.setdefault(name, {})[kind] = count
    return found


class _Taker:
    """Takes any number of rows off the front of a stream of tables."""

    def __init__(self, tables: Iterable[pa.Table], schema: pa.Schema) -> None:
        self._tables, self._rest = iter(tables), schema.empty_table()

    def take(self, count: int) -> pa.Table:
        """Return the next `count` rows.

        Raises:
            CastwrightError: there are no more.
        """
        taken: list[pa.Table] = []
        while True:
            part = self._rest.slice(0, count)
            taken.append(part)
            self._rest = self._rest.slice(part.num_rows)
            count -= part.num_rows
            if not count:
                return pa.concat_tables(taken)
            following = next(self._tables, None)
            if following is None:
                raise CastwrightError(f"{count} rows of the stage that stands are missing; run it again with --force")
            self._rest = following
