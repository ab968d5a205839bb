"""One finished run of a small recipe, shared by all test modules that look at what a run leaves behind.

Made once per process, when first asked for: the run takes seconds, and reading it changes nothing. The recipe
is chosen so that all three splits, rejected rows of every kind, a config without one of the splits, and
sources under two licences occur.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from castwright.pipelines import run_recipe
from castwright.pipelines.recipe_file import validate_recipe
from castwright.pipelines.stage import Context

_folder: tempfile.TemporaryDirectory[str] | None = None  # kept alive until the process ends

SFT = [
    *((f"What is {n} + {n + 1}?", f"{n} + {n + 1} = {2 * n + 1}.\n#### {2 * n + 1}") for n in range(3, 13)),
    ("Which planet is known for its rings?", "Saturn is known for its rings."),
    ("What do bees make?", "Bees make honey and wax."),
    ("What is 3 + 4?", "3 + 4 = 7.\n#### 7"),
]
"""Questions and answers; the last stands twice, and the second time is a bad record."""

RECIPE: dict[str, Any] = {
    "name": "small",
    "seed": 11,
    "personas": {"count": 18, "sources": [{"kind": "grid", "count": 12, "modern_share": 0.7}, {"kind": "bundled"}]},
    "questions": {"kind": "bundled", "limit": 12},
    "chat": {"kind": "bundled", "limit": 60},
    "seed_examples": {"personas": 2, "questions": 1},
    "rewriter_training": {"max_steps": 3, "width": 32, "layers": 1, "heads": 2},
    "contrastive_pairs": {"per_question": 2},
    "preference_pairs": {"per_response": 2, "max_length_ratio": 1.8},
    "curate": {
        "filters": [
            {"name": "length", "options": {"min_words": 3, "max_words": 100}},
            {"name": "exact_duplicates", "options": {"columns": ["question", "response"]}},
        ]
    },
    "export": {"validation": 0.2, "test": 0.2},
}


@cache
def finished_run() -> Context:
    """Return the finished run; its folder goes when the process ends."""
    global _folder
    _folder = tempfile.TemporaryDirectory(prefix="castwright-finished-run-")
    table = Path(_folder.name) / "sft.jsonl"
    table.write_bytes(b"\n".join(orjson.dumps({"question": q, "answer": a}) for q, a in SFT))
    sft = {"kind": "table", "path": str(table), "licence": "CC-BY-4.0"}
    recipe = validate_recipe({**RECIPE, "sft": sft})
    out = Path(_folder.name) / "run"
    run_recipe(recipe, out)
    return Context(recipe, out)
