"""The engines a graph can run on: ours in this process, or distilabel's own."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from distilabel.constants import STEP_ATTR_NAME
from distilabel.distiset import Distiset
from distilabel.pipeline import Pipeline, local
from distilabel.utils.logging import stop_logging

from castwright.errors import CastwrightError, RecipeError, StepError
from castwright.generators.calls.stop import Stop
from castwright.pipelines.executor import run_local
from castwright.pipelines.streams import Row


def run_graph(
    pipeline: Pipeline,
    engine: str,
    *,
    on_progress: Callable[[str, int], None] | None = None,
    stop: Stop | None = None,
) -> list[Row]:
    """Run a graph with one leaf and return its rows; `stop` ends it early, on the local engine.

    Raises:
        StepError: a step raised, or the engine lost rows.
        RecipeError: the engine is unknown.
    """
    if engine == "local":
        return run_local(pipeline, on_progress=on_progress, stop=stop).rows
    if engine == "distilabel":
        return _run_distilabel(pipeline)
    raise RecipeError(f"engine: unknown engine {engine!r}; engines are local, distilabel")


_LOG_LEVEL = "DISTILABEL_LOG_LEVEL"
_WARNING = "ignore:The 'default' attribute with value None was provided"


class _Worker(local._NoDaemonProcess):
    """A worker of distilabel's that sees the environment as it is now, not as it was when the server began."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._environment = dict(os.environ)

    def run(self) -> None:
        """Do the work in this process's environment."""
        os.environ.update(self._environment)
        super().run()


@contextmanager
def _fresh_processes() -> Iterator[None]:
    """Make distilabel fork its processes from a server that has only our imports, instead of from this process.

    A fork of a process in which torch or polars already runs threads may hang for good, without a message.
    distilabel takes the default start method for its queues and its processes, and a context of its own for the
    pool, which is made at import: both are set for the time of the run.
    """
    before, pool_context = multiprocessing.get_start_method(allow_none=True), local._NoDaemonContext
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    multiprocessing.set_start_method(method, force=True)
    multiprocessing.set_forkserver_preload(["castwright.pipelines"])
    local._NoDaemonContext = type("Context", (type(multiprocessing.get_context(method)),), {"Process": _Worker})
    try:
        yield
    finally:
        local._NoDaemonContext = pool_context
        multiprocessing.set_start_method(before, force=True)


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


def _run_distilabel(pipeline: Pipeline) -> list[Row]:
    """Run on distilabel's engine with a cache folder of its own: a resumed cache hangs (distilabel 1.5.3)."""
    with tempfile.TemporaryDirectory(prefix="castwright-distilabel-") as folder:
        pipeline._cache_dir = Path(folder)
        with _fresh_processes(), _quiet():
            distiset = _run_or_say_why(pipeline)
        leaves = list(distiset)
        if len(leaves) != 1:
            raise StepError(f"the graph gave {len(leaves)} leaves on distilabel's engine ({leaves}); one is needed")
        return [dict(row) for row in distiset[leaves[0]]["train"]]
