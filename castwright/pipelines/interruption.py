"""Ctrl-C: the first one lets calls under way finish, the second one stops at once.

What has been sent is paid for, so a run that is told to stop waits a few seconds for those replies and writes them
down. A second Ctrl-C leaves the process without any clean-up: all that counts is on the disk already, and clean-up
code is what hangs. So does the end of the grace, where something else holds the process: a batch in a thread cannot
be called off, and the embeddings of a large table take minutes. SIGTERM is what a scheduler sends, and is treated
alike. In an interactive session (a notebook) nothing ends the process: its variables are the user's.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from castwright.errors import Stopped
from castwright.generators.calls.stop import Stop

GRACE_SECONDS = 5.0
PATIENCE_SECONDS = 3.0
"""How long after the grace a run that was told to stop may still be at something else than calls."""
EXIT_CODE = 130
_WORDS = "interrupted; what was answered is kept, run the same command again to go on"


@contextmanager
def interruptible(stop: Stop, grace: float = GRACE_SECONDS, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into a request to stop while the block runs; a second one ends the process.

    So does the end of `grace` and `patience`, in seconds. In an interactive session a second one raises
    KeyboardInterrupt instead. Does nothing outside of the main thread, where signals cannot be handled.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interactive, told = hasattr(sys, "ps1"), 0
    asked, over = threading.Event(), threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal told
        told += 1
        calls = stop.calls_under_way
        stop.request(Stopped(_WORDS, EXIT_CODE), grace=grace if told == 1 else 0.0)
        asked.set()
        if told > 1:
            if interactive:
                raise KeyboardInterrupt
            os._exit(EXIT_CODE)
        waiting = f"{calls:,} calls under way get {grace:g} s to finish" if calls else "finishing what is under way"
        _say(f"\ncastwright: {waiting}; once more stops at once\n")

    def end_in_time() -> None:
        asked.wait()
        if not over.wait(grace + patience):
            _say(f"castwright: {_WORDS}\n")
            os._exit(EXIT_CODE)

    if not interactive:  # started here: a handler that starts a thread may wait for a lock that it interrupted
        threading.Thread(target=end_in_time, name="castwright-interruption", daemon=True).start()
    before: dict[int, Any] = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        over.set()
        asked.set()


def _say(words: str) -> None:
    """Write past all buffers: a signal comes in the middle of anything, of a print too."""
    os.write(2, words.encode())
