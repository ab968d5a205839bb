"""Stage 3, second half: the style rewriter is trained on this run's style pairs.

A stage of its own, so that another learning rate does not ask for the formal rewrites again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from castwright.filters.preservation import lost_content
from castwright.generators.rewriter.config import RewriterTraining
from castwright.generators.rewriter.pairs import StylePair
from castwright.generators.rewriter.train import train_rewriter
from castwright.pipelines.checkpoint import digest_files
from castwright.pipelines.recipe import TrainingStage
from castwright.pipelines.stage import Context, Report, Stage


def training_config(settings: TrainingStage, seed: int) -> RewriterTraining:
    """Return the training settings of a recipe; its seed holds unless the section has one of its own."""
    fields = settings.model_dump(exclude={"enabled", "checkpoint"})
    if "seed" not in settings.model_fields_set:
        fields["seed"] = seed
    return RewriterTraining.model_validate(fields)


def _work(context: Context, folder: Path, report: Report) -> dict[str, Any]:
    settings = context.recipe.rewriter_training
    pairs = [StylePair(row["formal"], row["casual"], row["split"]) for row in context.rows("style_rewriter")]
    skipped = {"rows_in": len(pairs), "rows_out": 0}
    if settings.enabled and settings.checkpoint:
        # so that the stage's digest tells one checkpoint from another, and what uses it is made again
        path = Path(settings.checkpoint).expanduser()
        mark = digest_files([path]) if path.exists() else settings.checkpoint
        (folder / "checkpoint.digest").write_text(f"{mark}\n", encoding="utf-8")
    if not settings.enabled or settings.checkpoint:
        return {
            **skipped,
            "skipped": "the recipe names a checkpoint" if settings.checkpoint else "not enabled",
        }
    if context.limit is not None:
        return {**skipped, "skipped": "a preview does not train: raw responses are shown"}
    trained = train_rewriter(
        pairs,
        folder / "checkpoint",
        training_config(settings, context.recipe.seed),
        progress=lambda step, steps, _loss: report(step, steps),
        gate=lost_content,
    )
    return {"rows_in": len(pairs), "rows_out": trained.train_pairs, **trained.as_dict()}


STAGE = Stage(
    name="rewriter_training",
    needs=("style_rewriter",),
    reads=("rewriter_training", "seed"),
    sources=("rewriter_training",),
    work=_work,
)
