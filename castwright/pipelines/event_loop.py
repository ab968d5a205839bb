"""A coroutine run to its end from plain code, wherever that code runs, with the one error that explains the rest.

The loop is uvloop's where that is installed: asyncio's own takes a third more CPU for a call over HTTP.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from castwright.errors import CastwrightError
from castwright.generators.calls.stop import Stop

_LOOK_SECONDS = 0.1


def run_to_end(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on a loop of its own; inside a running loop (a notebook), in a thread.

    Raises:
        BaseException: of the errors in a group, the first that is ours, else the first.
    """
    try:
        if not _inside_a_loop():
            _run(work)
            return
        with ThreadPoolExecutor(max_workers=1) as thread:
            thread.submit(_run, work).result()
    except BaseExceptionGroup as group:
        raise _first_cause(group) from None


def _run(work: Coroutine[Any, Any, None]) -> None:
    with _patient_collector(), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(work)


@contextmanager
def _patient_collector() -> Iterator[None]:
    """Let the garbage collector look for cycles less often, and never among what was there before.

    Rows are freed by their counts, and a search walks all that distilabel, torch and polars have imported: with
    Python's own thresholds that was two fifths of the CPU time of a model call.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes a loop, or None for asyncio's own (there is no uvloop on Windows)."""
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


async def unless_stopped(work: Coroutine[Any, Any, None], stop: Stop) -> None:
    """Run a coroutine, and end it with the stop's error as soon as a stop that was asked for is due.

    Raises:
        CastwrightError: the error that the stop was asked for with, or one that kept the stop from being clean.
    """
    task = asyncio.ensure_future(work)
    while not (await asyncio.wait({task}, timeout=_LOOK_SECONDS))[0]:
        if stop.is_due:
            task.cancel()
            await asyncio.wait({task})
            # looked at in any case: asyncio prints the traceback of an error that nobody has looked at
            error = None if task.cancelled() else task.exception()
            cause = _first_cause(error) if isinstance(error, BaseExceptionGroup) else error
            if isinstance(cause, CastwrightError):
                raise cause
            stop.check()
    await task


def _inside_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _first_cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    leaves: list[BaseException] = []

    def collect(error: BaseException) -> None:
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                collect(inner)
        else:
            leaves.append(error)

    collect(group)
    return next((error for error in leaves if isinstance(error, CastwrightError)), leaves[0])
