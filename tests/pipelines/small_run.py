"""A recipe that goes through every stage in seconds, and what the tests of the runner read of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from castwright.pipelines.recipe import Recipe
from castwright.pipelines.recipe_file import validate_recipe
from castwright.pipelines.runner import run_recipe

FULL: dict[str, Any] = {
    "name": "small",
    "seed": 3,
    "personas": {"count": 10, "sources": [{"kind": "grid", "modern_share": 0.9}]},
    "questions": {"kind": "bundled", "limit": 8},
    "chat": {"kind": "bundled", "limit": 32},
    "sft": {"kind": "bundled", "limit": 6},
    "seed_examples": {"personas": 3, "questions": 1},
    "style_rewriter": {"min_words": 7},
    "rewriter_training": {"max_steps": 3},
    "persona_responses": {"per_persona": 1},
    "contrastive_pairs": {"per_question": 1},
}


def recipe_of(**changes: Any) -> Recipe:
    """Return the small recipe with whole sections changed."""
    return validate_recipe({**FULL, **changes})


def rerun(recipe: Recipe, out: Path, **options: Any) -> set[str]:
    """Run a recipe and return the names of the stages that did not stand already."""
    return {result.manifest.stage for result in run_recipe(recipe, out, **options) if not result.reused}


def data_files(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a run that holds data: not manifests (seconds, bytes), not the run's state."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json" and path.parent.name != ".state"
    }


def table(folder: Path, stage: str, *, rejected: bool = False) -> list[dict[str, Any]]:
    """Return the rows of a stage as dicts."""
    part = folder / stage / "rejected" if rejected else folder / stage
    return pl.read_parquet(sorted(part.glob("*.parquet"))).to_dicts()


def write_lines(path: Path, rows: list[dict[str, Any] | str]) -> Path:
    """Write a JSONL file; a string stands as it is, malformed."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
