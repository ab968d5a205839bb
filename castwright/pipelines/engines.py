"""The engines a graph can run on: ours in this process, or distilabel's own, whose processes `workers` looks after."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from distilabel.constants import STEP_ATTR_NAME
from distilabel.distiset import Distiset
from distilabel.pipeline import Pipeline
from distilabel.utils.logging import stop_logging

from castwright.errors import CastwrightError, RecipeError, StepError
from castwright.generators.calls.stop import Stop
from castwright.pipelines.executor import run_local
from castwright.pipelines.streams import Row
from castwright.pipelines.workers import fresh_processes, overseen


def run_graph(
    pipeline: Pipeline,
    engine: str,
    *,
    on_progress: Callable[[str, int], None] | None = None,
    stop: Stop | None = None,
) -> list[Row]:
    """Run a graph with one leaf and return its rows; `stop` ends it early.

    Raises:
        StepError: a step raised, the engine lost rows, or one of its processes was killed.
        RecipeError: the engine is unknown.
    """
    if engine == "local":
        return run_local(pipeline, on_progress=on_progress, stop=stop).rows
    if engine == "distilabel":
        return _run_distilabel(pipeline, stop)
    raise RecipeError(f"engine: unknown engine {engine!r}; engines are local, distilabel")


_LOG_LEVEL = "DISTILABEL_LOG_LEVEL"
_WARNING = "ignore:The 'default' attribute with value None was provided"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what distilabel and datasets say of every batch out of the user's terminal, in all processes."""
    import datasets

    before, bars = os.environ.get(_LOG_LEVEL), not datasets.are_progress_bars_disabled()
    os.environ[_LOG_LEVEL] = before or "WARNING"
    datasets.disable_progress_bars()
    sys.warnoptions.append(_WARNING)  # what this process was told to ignore, its workers are told too
    try:
        yield
    finally:
        sys.warnoptions.remove(_WARNING)
        if before is None:
            del os.environ[_LOG_LEVEL]
        if bars:
            datasets.enable_progress_bars()


def _run_or_say_why(pipeline: Pipeline) -> Distiset:
    """Run a pipeline; where a step could not be loaded, load it here to hear the error that was lost on the way.

    An error of a worker process comes back only if all that the step holds can be pickled (a client cannot).

    Raises:
        CastwrightError: what loading a step raised; else a StepError with what distilabel says.
    """
    try:
        return pipeline.run(use_cache=False)
    except CastwrightError:
        raise
    except Exception as error:
        stop_logging()
        for name in pipeline.dag:
            step: Any = pipeline.dag.get_step(name)[STEP_ATTR_NAME]
            step.load()
            step.unload()
        raise StepError(f"distilabel's engine failed: {error}; `engine: local` names step and row") from error


def _run_distilabel(pipeline: Pipeline, stop: Stop | None) -> list[Row]:
    """Run on distilabel's engine with a cache folder of its own: a resumed cache hangs (distilabel 1.5.3)."""
    with tempfile.TemporaryDirectory(prefix="castwright-distilabel-", ignore_cleanup_errors=True) as folder:
        pipeline._cache_dir = Path(folder)
        with fresh_processes() as processes, _quiet():
            distiset = overseen(lambda: _run_or_say_why(pipeline), pipeline, processes, stop or Stop())
        leaves = list(distiset)
        if len(leaves) != 1:
            raise StepError(f"the graph gave {len(leaves)} leaves on distilabel's engine ({leaves}); one is needed")
        return [dict(row) for row in distiset[leaves[0]]["train"]]
