"""Runs a recipe's stages, each once: fingerprint, graph, parquet, manifest.

A stage is skipped when a stage with its fingerprint already stands (see `fingerprint`). Every row that goes into
a graph must come out, kept or rejected: an engine that loses one stops the stage before anything is written.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml
from distilabel.pipeline import Pipeline

from castwright.errors import BadRecord, CastwrightError, RecipeError, SourceError, nearest
from castwright.generators.calls.ledger import Ledger, open_ledger
from castwright.pipelines.checkpoint import (
    Manifest,
    count_reasons,
    digest_files,
    forget_id,
    read_manifest,
    replacing,
    run_id,
    settle,
    unique_id,
    write_durably,
    write_manifest,
    write_table,
)
from castwright.pipelines.engines import run_graph
from castwright.pipelines.interruption import interruptible
from castwright.pipelines.marks import stage_mark
from castwright.pipelines.progress import Quiet, StageProgress, Stoppable
from castwright.pipelines.recipe import Recipe
from castwright.pipelines.spending import call_details, check_budget, spent_line
from castwright.pipelines.stage import Booking, Context, Stage
from castwright.pipelines.stage_rows import bad_row, labelled
from castwright.pipelines.stages import STAGE_BY_NAME
from castwright.pipelines.streamed_stage import resettle_stage, stream_stage
from castwright.pipelines.streams import Row


@dataclass(frozen=True)
class StageResult:
    """One stage of a finished run: its manifest, and whether it stood already."""

    manifest: Manifest
    reused: bool


def run_recipe(
    recipe: Recipe,
    out: Path,
    *,
    limit: int | None = None,
    force: Iterable[str] = (),
    progress: StageProgress | None = None,
    on_stage: Callable[[StageResult], None] | None = None,
) -> list[StageResult]:
    """Run every stage of a recipe that does not stand yet, and return the manifests in order.

    `out` is the run's folder; `limit` takes that many rows into each stage (a preview); `force` names stages
    to run again; one that stands with calls that failed for good is run again too, and the journal answers the rest.
    `on_stage` is told of each stage as it ends.

    Raises:
        CastwrightError: a source, model or setting that cannot be used; finished stages stay.
        Stopped: Ctrl-C, or a budget that is used up; what was answered stays in the journal, the next run goes on.
    """
    stages = plan(recipe)
    forced = _known_stages(force, stages)
    if out.exists() and not out.is_dir():
        raise RecipeError(f"the run's folder {out} is a file; give another one with --out")
    out.mkdir(parents=True, exist_ok=True)
    _write_recipe(recipe, out)
    context = Context(recipe, out, limit, Booking(run_id(out)))
    results = []
    ledger = open_ledger(context.account(""))
    try:
        with interruptible(ledger.stop):
            for stage in stages:
                ledger.stop.check()
                settle(context.folder(stage.name))
                mark = stage_mark(stage, replace(context))  # reads every input file: once a stage
                standing = None if stage.name in forced else _standing(stage, context, mark)
                again = stage.name not in forced
                result = standing or _made(stage, context, mark, ledger, progress or Quiet(), again=again)
                results.append(result)
                if on_stage:
                    on_stage(result)
    finally:
        ledger.release()
    return results


def _standing(stage: Stage, context: Context, mark: str) -> StageResult | None:
    """Return the stage as it stands, or None where it has to be made: not yet there, changed, or with failed calls."""
    standing = read_manifest(context.folder(stage.name))
    if standing is None or standing.fingerprint != mark or standing.failed_calls:
        return None
    return StageResult(standing, reused=True)


def _made(
    stage: Stage, context: Context, mark: str, ledger: Ledger, progress: StageProgress, *, again: bool
) -> StageResult:
    """Run a stage, booked under the attempt that an interrupted run of it began, or a new one.

    `again`: whether rows that stand may be judged anew instead, where nothing else has changed.
    """
    attempt = f"{stage.name}.attempt"
    booking = Booking(context.booking.run, uuid4().hex, unique_id(context.out, attempt))
    booked = replace(context, booking=booking)
    progress.watch(lambda: spent_line(ledger, context.recipe))
    try:
        manifest = run_stage(stage, booked, mark, Stoppable(progress, ledger.stop), again=again)
    finally:
        ledger.flush()
    ledger.journal.forget_failures(booking.attempt)
    forget_id(context.out, attempt)
    return StageResult(manifest, reused=False)


def _known_stages(names: Iterable[str], stages: list[Stage]) -> set[str]:
    """Return the names as a set.

    Raises:
        RecipeError: one is no stage of the recipe.
    """
    known = [stage.name for stage in stages]
    given = set(names)
    for name in sorted(given - {*known}):
        raise RecipeError(
            f"--force {name!r}: no stage of this recipe{nearest(name, known)}; its stages are {', '.join(known)}"
        )
    return given


def plan(recipe: Recipe) -> list[Stage]:
    """Return the recipe's stages in the order in which they depend on each other.

    Raises:
        RecipeError: a stage is left out that another one needs, or the budget cannot be kept.
    """
    stages = [stage for name, stage in STAGE_BY_NAME.items() if name in recipe.stages]
    for stage in stages:
        stage.check(recipe)
    check_budget(recipe, stages)
    return stages


def run_stage(stage: Stage, context: Context, mark: str, progress: Stoppable, *, again: bool = False) -> Manifest:
    """Run one stage and put its folder in place; `again` see `_made`.

    Raises:
        CastwrightError: see `run_recipe`.
    """
    started = time.monotonic()
    with replacing(context.folder(stage.name)) as folder, progress.stage(stage.name):
        judged = resettle_stage(stage, context, folder, mark) if again else None
        manifest = judged or _manifest(stage, context, folder, mark, progress)
        if stage.calls_model and judged is None:
            manifest = replace(manifest, calls=_calls(stage, context, manifest.rows_out))
        manifest = replace(
            manifest,
            digest=digest_files(path for path in folder.iterdir() if path.name not in stage.workings),
            seconds=round(time.monotonic() - started, 3),
            peak_memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        )
        write_manifest(folder, manifest)
    return manifest


def _manifest(stage: Stage, context: Context, folder: Path, mark: str, progress: Stoppable) -> Manifest:
    """Do a stage's work in `folder` and return what it says of itself, calls, digest and time apart."""
    if stage.work is not None:
        details = stage.work(context, folder, progress.update)
        manifest = Manifest(stage.name, mark, int(details.pop("rows_in", 0)), int(details.pop("rows_out", 0)))
        return replace(manifest, rejected=details.pop("rejected", {}), details=details)
    if stage.across is not None:
        return stream_stage(stage, context, folder, mark, progress)
    return _run_graph(stage, context, folder, mark, progress)


def _calls(stage: Stage, context: Context, rows: int) -> dict[str, Any]:
    """Return what the manifest says of a stage's calls."""
    booking = context.booking
    ledger = open_ledger(context.account(stage.name))
    try:
        ledger.flush()
        used = ledger.journal.used(booking.run, stage=stage.name, execution=booking.execution)
        paid = ledger.journal.used(booking.run, stage=stage.name)
    finally:
        ledger.release()
    return call_details(used, paid, context.recipe.prices, rows)


def _run_graph(stage: Stage, context: Context, folder: Path, mark: str, progress: Stoppable) -> Manifest:
    if stage.prepare is None or stage.graph is None:
        raise CastwrightError(f"stage {stage.name!r} has no graph")
    rows: list[Row] = []
    bad: list[BadRecord] = []
    for found in stage.prepare(context):
        progress.stop.check()
        if isinstance(found, BadRecord):
            bad.append(found)
        else:
            rows.append(found)
    if not rows:
        aside = f"; {len(bad)} records were kept aside, the first at {bad[0].place}: {bad[0].reason}" if bad else ""
        raise SourceError(f"stage {stage.name!r} has no rows to work on{aside}")
    progress.start(len(rows), len(bad))
    made = _through_graph(stage.graph(context, rows), stage.name, context.recipe.engine, rows, progress)
    finished = [labelled(stage, context, stage.finish(context, row), row) for row in made]
    kept = [row for row in finished if row["verdict"] != "drop"]
    rejected = [row for row in finished if row["verdict"] == "drop"] + [bad_row(stage.name, record) for record in bad]
    write_table(kept, stage.table, folder)
    write_table(rejected, stage.table, folder / "rejected")
    reasons = count_reasons(rejected)
    return Manifest(stage.name, mark, len(rows) + len(bad), len(kept), reasons, details=_measures(kept))


def _through_graph(pipeline: Pipeline, name: str, engine: str, rows: list[Row], progress: Stoppable) -> list[Row]:
    """Return what a stage's graph makes of its rows, in their order, none lost."""
    made = run_graph(pipeline, engine, on_progress=progress.step, stop=progress.stop)
    places = {row["row_id"]: place for place, row in enumerate(rows)}
    made.sort(key=lambda row: places.get(row["row_id"], len(places)))
    if len(made) != len(rows):
        raise CastwrightError(
            f"stage {name!r}: {len(rows)} rows went in and {len(made)} came out of engine {engine!r}; "
            "nothing was written"
        )
    return made


def _measures(kept: list[Row]) -> dict[str, Any]:
    """Return what is worth saying of a table at a glance, for the report line and the dataset card."""
    details: dict[str, Any] = {}
    tried = [row for row in kept if row.get("rewrite_similarity") is not None]
    if any("rewritten" in row for row in kept):
        refused = [
            {"filter": "accept_rewrite", "reason": row["rewrite_refusal_reason"]}
            for row in tried
            if not row["rewritten"]
        ]
        details["rewrites_tried"] = len(tried)
        details["rewrites_accepted"] = sum(bool(row["rewritten"]) for row in tried)
        details["rewrites_refused"] = count_reasons(refused).get("accept_rewrite", {})
    return details


def _write_recipe(recipe: Recipe, out: Path) -> None:
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    write_durably(out / "recipe.yaml", text)
