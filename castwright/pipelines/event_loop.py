"""A coroutine run to its end from plain code, wherever that code runs, with the one error that explains the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from castwright.errors import CastwrightError


def run_to_end(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on a loop of its own; inside a running loop (a notebook), in a thread.

    Raises:
        BaseException: of the errors in a group, the first that is ours, else the first.
    """
    try:
        if not _inside_a_loop():
            asyncio.run(work)
            return
        with ThreadPoolExecutor(max_workers=1) as thread:
            thread.submit(asyncio.run, work).result()
    except BaseExceptionGroup as group:
        raise _first_cause(group) from None


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
