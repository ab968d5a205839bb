"""The engines a graph can run on: ours in this process, or distilabel's own."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

from distilabel.pipeline import Pipeline

from castwright.errors import RecipeError, StepError
from castwright.pipelines.executor import run_local
from castwright.pipelines.streams import Row


def run_graph(pipeline: Pipeline, engine: str, *, on_progress: Callable[[str, int], None] | None = None) -> list[Row]:
    """Run a graph with one leaf and return its rows.

    Raises:
        StepError: a step raised, or the engine lost rows.
        RecipeError: the engine is unknown.
    """
    if engine == "local":
        return run_local(pipeline, on_progress=on_progress).rows
    if engine == "distilabel":
        return _run_distilabel(pipeline)
    raise RecipeError(f"engine: unknown engine {engine!r}; engines are local, distilabel")


def _run_distilabel(pipeline: Pipeline) -> list[Row]:
    """Run on distilabel's engine with a cache folder of its own: a resumed cache hangs (distilabel 1.5.3)."""
    with tempfile.TemporaryDirectory(prefix="castwright-distilabel-") as folder:
        pipeline._cache_dir = Path(folder)
        logging.getLogger("distilabel").setLevel(logging.WARNING)
        distiset = pipeline.run(use_cache=False)
        leaves = list(distiset)
        if len(leaves) != 1:
            raise StepError(f"the graph gave {len(leaves)} leaves on distilabel's engine ({leaves}); one is needed")
        return [dict(row) for row in distiset[leaves[0]]["train"]]
