"""Runs a recipe's stages, each once: fingerprint, graph, parquet, manifest.

A stage is skipped when a stage with its fingerprint already stands (see `fingerprint`). Every row that goes into
a graph must come out, kept or rejected: an engine that loses one stops the stage before anything is written.
"""

from __future__ import annotations

import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from distilabel.pipeline import Pipeline

from castwright.errors import BadRecord, CastwrightError, RecipeError, SourceError, nearest
from castwright.pipelines.checkpoint import (
    Manifest,
    count_reasons,
    digest_files,
    read_manifest,
    replacing,
    settle,
    write_manifest,
    write_table,
)
from castwright.pipelines.contracts import row_digest
from castwright.pipelines.engines import run_graph
from castwright.pipelines.fingerprint import fingerprint
from castwright.pipelines.progress import Quiet, StageProgress
from castwright.pipelines.recipe import Recipe
from castwright.pipelines.stage import Context, Stage
from castwright.pipelines.stages import STAGE_BY_NAME
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
    to run again. `on_stage` is told of each stage as it ends.

    Raises:
        CastwrightError: a source, model or setting that cannot be used; finished stages stay.
    """
    stages = plan(recipe)
    forced = _known_stages(force, stages)
    context = Context(recipe, out, limit)
    if out.exists() and not out.is_dir():
        raise RecipeError(f"the run's folder {out} is a file; give another one with --out")
    out.mkdir(parents=True, exist_ok=True)
    _write_recipe(recipe, out)
    results = []
    for stage in stages:
        settle(context.folder(stage.name))
        mark = fingerprint(stage, replace(context))
        standing = read_manifest(context.folder(stage.name))
        if standing and standing.fingerprint == mark and stage.name not in forced:
            result = StageResult(standing, reused=True)
        else:
            result = StageResult(run_stage(stage, replace(context), mark, progress or Quiet()), reused=False)
        results.append(result)
        if on_stage:
            on_stage(result)
    return results


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
        RecipeError: a stage is left out that another one needs.
    """
    stages = [stage for name, stage in STAGE_BY_NAME.items() if name in recipe.stages]
    for stage in stages:
        stage.check(recipe)
    return stages


def run_stage(stage: Stage, context: Context, mark: str, progress: StageProgress) -> Manifest:
    """Run one stage and put its folder in place.

    Raises:
        CastwrightError: see `run_recipe`.
    """
    started = time.monotonic()
    with replacing(context.folder(stage.name)) as folder, progress.stage(stage.name):
        if stage.work is not None:
            details = stage.work(context, folder, progress.update)
            manifest = Manifest(stage.name, mark, int(details.pop("rows_in", 0)), int(details.pop("rows_out", 0)))
            manifest = replace(manifest, rejected=details.pop("rejected", {}), details=details)
        else:
            manifest = _run_graph(stage, context, folder, mark, progress)
        manifest = replace(
            manifest,
            digest=digest_files(path for path in folder.iterdir()),
            seconds=round(time.monotonic() - started, 3),
            peak_memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        )
        write_manifest(folder, manifest)
    return manifest


def _run_graph(stage: Stage, context: Context, folder: Path, mark: str, progress: StageProgress) -> Manifest:
    if stage.prepare is None or stage.graph is None:
        raise CastwrightError(f"stage {stage.name!r} has no graph")
    rows: list[Row] = []
    bad: list[BadRecord] = []
    for found in stage.prepare(context):
        if isinstance(found, BadRecord):
            bad.append(found)
        else:
            rows.append(found)
    if not rows:
        aside = f"; {len(bad)} records were kept aside, the first at {bad[0].place}: {bad[0].reason}" if bad else ""
        raise SourceError(f"stage {stage.name!r} has no rows to work on{aside}")
    progress.start(len(rows), len(bad))
    made = _through_graph(stage.graph(context, rows), stage.name, context.recipe.engine, rows, progress)
    finished = [_labelled(stage, context, stage.finish(context, row), row) for row in made]
    kept = [row for row in finished if row["verdict"] != "drop"]
    rejected = [row for row in finished if row["verdict"] == "drop"] + [_bad_row(stage, record) for record in bad]
    write_table(kept, stage.table, folder)
    write_table(rejected, stage.table, folder / "rejected")
    reasons = count_reasons(rejected)
    return Manifest(stage.name, mark, len(rows) + len(bad), len(kept), reasons, details=_measures(kept))


def _through_graph(pipeline: Pipeline, name: str, engine: str, rows: list[Row], progress: StageProgress) -> list[Row]:
    """Return what a stage's graph makes of its rows, in their order, none lost."""
    made = run_graph(pipeline, engine, on_progress=progress.step)
    places = {row["row_id"]: place for place, row in enumerate(rows)}
    made.sort(key=lambda row: places.get(row["row_id"], len(places)))
    if len(made) != len(rows):
        raise CastwrightError(
            f"stage {name!r}: {len(rows)} rows went in and {len(made)} came out of engine {engine!r}; "
            "nothing was written"
        )
    return made


def _labelled(stage: Stage, context: Context, finished: Row, row: Row) -> Row:
    model = row.get("model") or (context.model_name(stage.name) if stage.calls_model else "")
    verdict = {name: row.get(name) for name in ("verdict", "filter", "reason", "score")}
    return {**finished, **verdict, "stage": stage.name, "model": model}


def _bad_row(stage: Stage, record: BadRecord) -> Row:
    return {
        "row_id": row_digest("bad_record", stage.name, record.place, record.excerpt),
        "parents": [record.place],
        "stage": stage.name,
        "model": "",
        "verdict": "drop",
        "filter": "source",
        "reason": f"{record.reason} (at {record.place})",
        "score": None,
    }


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
    part = out / ".recipe.yaml.writing"
    part.write_text(text, encoding="utf-8")
    shutil.move(part, out / "recipe.yaml")
