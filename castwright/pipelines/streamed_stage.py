"""A stage whose rows are never all in memory: drawn, made, finished and spooled one after the other, then settled.

On the local engine the rows flow through the stage's one graph without a stop; distilabel's own engine, which holds
all rows of a run, gets them in blocks. Either way they come out in order and none is lost, the table is the same, and
what has to see all of them (`Stage.across`) reads the columns it needs from the spool.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
from distilabel.pipeline import Pipeline

from castwright.errors import BadRecord, CastwrightError, SourceError
from castwright.filters.index_files import link_or_copy
from castwright.pipelines.checkpoint import Manifest, read_manifest
from castwright.pipelines.contracts import SCHEMAS
from castwright.pipelines.engines import run_graph
from castwright.pipelines.executor import run_local
from castwright.pipelines.marks import rows_mark
from castwright.pipelines.progress import Stoppable
from castwright.pipelines.row_stream import HAND_OVER, HandOver, RowStream, last_step
from castwright.pipelines.settled_table import PLACES, Settled, by_filter, left_over, rejoined, write_settled
from castwright.pipelines.spool import Spool
from castwright.pipelines.stage import Context, Stage
from castwright.pipelines.stage_rows import bad_row, labelled
from castwright.pipelines.streams import Row
from castwright.pipelines.table_files import part_files, stored_tables

_SCRATCH = ".spool"
_HANDED_OVER = 2_000
_LOOK_AHEAD = 1_000
"""Bad records and rows that are drawn before the work begins: a small source is counted exactly, a wrong one fails."""


class _Intake:
    """Draws the rows of a stage's source: good ones are given, bad ones laid aside."""

    def __init__(self, stage: Stage, context: Context, aside: Spool, progress: Stoppable) -> None:
        self._stage, self._context, self._aside, self._progress = stage, context, aside, progress
        self.rows = self.bad = 0
        self._first_bad: BadRecord | None = None

    def draw(self) -> Iterator[Row]:
        """Yield the good rows.

        Raises:
            SourceError: there is none.
        """
        if self._stage.prepare is None:
            raise CastwrightError(f"stage {self._stage.name!r} has no rows of its own")
        drawn = self._stage.prepare(self._context)
        head = list(islice(drawn, _LOOK_AHEAD))
        bad = sum(isinstance(found, BadRecord) for found in head)
        total = len(head) - bad if len(head) < _LOOK_AHEAD else self._stage.total(self._context)
        if total:
            self._progress.start(total, bad)
        yield from self._good(iter(head))
        yield from self._good(drawn)
        if not self.rows:
            first = self._first_bad
            aside = f"; {self.bad} records were kept aside, the first at {first.place}: {first.reason}" if first else ""
            raise SourceError(f"stage {self._stage.name!r} has no rows to work on{aside}")

    def _good(self, drawn: Iterator[Row | BadRecord]) -> Iterator[Row]:
        for found in drawn:
            self._progress.stop.check()
            if isinstance(found, BadRecord):
                self.bad += 1
                self._first_bad = self._first_bad or found
                self._aside.add([bad_row(self._stage.name, found)])
            else:
                self.rows += 1
                yield found


def stream_stage(stage: Stage, context: Context, folder: Path, mark: str, progress: Stoppable) -> Manifest:
    """Run a stage's graph as a stream, settle its rows, and write its table into `folder`.

    Raises:
        CastwrightError: as `run_recipe`.
    """
    schema, scratch = SCHEMAS[stage.table], folder / _SCRATCH
    aside, spool = Spool(scratch / "aside.spool", schema), Spool(scratch / "rows.spool", schema)
    with aside, spool:
        intake = _Intake(stage, context, aside, progress)
        _flow(stage, context, intake, spool, progress)
    progress.step("settling", spool.rows)
    if stage.across is None:
        raise CastwrightError(f"stage {stage.name!r} does not say what becomes of its rows")
    settled = stage.across(context, spool.scan(), folder)
    manifest = _written(stage, context, folder, mark, settled, spool.tables(), aside.tables())
    shutil.rmtree(scratch)
    return manifest


def resettle_stage(stage: Stage, context: Context, folder: Path, mark: str) -> Manifest | None:
    """Judge the rows of a stage that stands anew and write its table into `folder`; None where that cannot be.

    It can where nothing but the stage's `late` settings has changed and no model call failed for good: the rows are
    the same then, and no model is asked.
    """
    if stage.again is None:
        return None
    stands, schema = context.folder(stage.name), SCHEMAS[stage.table]
    standing = read_manifest(stands)
    if standing is None or standing.failed_calls or not (stands / PLACES).is_file():
        return None
    if standing.details.get("rows_mark") != rows_mark(stage, context):
        return None
    places = np.load(stands / PLACES)
    linked = standing.details.get("extends", {}).get("files", [0, 0])
    kept, rejected = part_files(stands)[linked[0] :], part_files(stands / "rejected")[linked[1] :]
    with Spool(folder / _SCRATCH / "rows.spool", schema) as spool:
        for rows in rejoined(stored_tables(kept), stored_tables(rejected), places, schema):
            spool.write(rows)
    settled = stage.again(context, spool.scan(), folder)
    if settled is None:
        shutil.rmtree(folder / _SCRATCH)
        return None
    aside = left_over(stored_tables(rejected), places)
    manifest = _written(stage, context, folder, mark, settled, spool.tables(), aside)
    shutil.rmtree(folder / _SCRATCH)
    return replace(manifest, calls=standing.calls)


def _written(
    stage: Stage,
    context: Context,
    folder: Path,
    mark: str,
    settled: Settled,
    tables: Iterable[pa.Table],
    aside: Iterable[pa.Table],
) -> Manifest:
    """Write the table, behind that of the stage it goes on from, and return the manifest of both together."""
    base = stage.base(context)
    before = read_manifest(base) if base is not None else None
    linked = _link_table(base, folder) if base is not None else (0, 0)
    written = write_settled(tables, settled, aside, SCHEMAS[stage.table], folder, linked)
    own = Manifest(stage.name, mark, written.rows, written.kept, written.rejected)
    details = {**settled.details, **stage.measures(context, folder), "rows_mark": rows_mark(stage, context)}
    if before is None:
        return replace(own, details=details)
    extends = {"rows_in": before.rows_in, "rows_out": before.rows_out, "digest": before.digest, "files": linked}
    return replace(_together(before, own), details={**details, "extends": extends})


def _together(before: Manifest, own: Manifest) -> Manifest:
    """Return a manifest with the rows of another one counted in."""
    counts: Counter[tuple[str, str]] = Counter()
    for rejected in (before.rejected, own.rejected):
        for name, kinds in rejected.items():
            counts.update({(name, kind): count for kind, count in kinds.items()})
    return replace(
        own,
        rows_in=before.rows_in + own.rows_in,
        rows_out=before.rows_out + own.rows_out,
        rejected=by_filter(counts),
    )


def _link_table(base: Path, folder: Path) -> tuple[int, int]:
    """Put the table of a finished stage into a folder as it is; how many files of kept and of rejected rows it has."""
    kept, rejected = part_files(base), part_files(base / "rejected")
    (folder / "rejected").mkdir(exist_ok=True)
    for path in (*kept, *rejected):  # safe: files of a finished stage are replaced and never written into
        link_or_copy(path, folder / path.relative_to(base))
    return len(kept), len(rejected)


def _flow(stage: Stage, context: Context, intake: _Intake, spool: Spool, progress: Stoppable) -> None:
    """Take every row through the stage's graph into the spool.

    Raises:
        CastwrightError: the engine lost rows, or one of `run_graph`.
    """
    if stage.graph is None:
        raise CastwrightError(f"stage {stage.name!r} has no graph")

    def take(rows: list[Row]) -> None:
        spool.add([labelled(stage, context, stage.finish(context, row), row) for row in rows])

    engine = context.recipe.engine
    if engine == "local":
        _flow_through(stage.graph(context, RowStream(intake.draw())), take, stage.block, progress)
    else:
        drawn = intake.draw()
        while block := list(islice(drawn, stage.block)):
            take(_in_order(run_graph(stage.graph(context, block), engine, stop=progress.stop), block))
            progress.step(stage.name, spool.rows)
    if spool.rows != intake.rows:
        raise CastwrightError(
            f"stage {stage.name!r}: {intake.rows} rows went in and {spool.rows} came out of engine {engine!r}; "
            "nothing was written"
        )


def _flow_through(pipeline: Pipeline, take: Callable[[list[Row]], None], block: int, progress: Stoppable) -> None:
    """Run a graph that begins with a stream on the local engine, its rows going to `take` in order."""
    with pipeline:  # a step belongs to the graph that it is made in
        last = last_step(pipeline)
        last >> HandOver(name=HAND_OVER, take=take, input_batch_size=min(block, _HANDED_OVER))

    def tell(step: str, rows: int) -> None:
        if step != HAND_OVER:  # it gives no rows
            progress.step(step, rows)

    run_local(pipeline, on_progress=tell, stop=progress.stop)


def _in_order(made: list[Row], rows: list[Row]) -> list[Row]:
    """Return the rows that an engine gave in the order of those it was given."""
    places = {row["row_id"]: place for place, row in enumerate(rows)}
    return sorted(made, key=lambda row: places.get(row["row_id"], len(places)))
