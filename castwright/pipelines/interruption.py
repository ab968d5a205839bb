"""Ctrl-C: the first one lets calls under way finish, the second one stops at once.

What has been sent is paid for, so a run that is told to stop waits a few seconds for those replies and writes them
down. A second Ctrl-C leaves the process without any clean-up: all that counts is on the disk already, and clean-up
code is what hangs. SIGTERM is what a scheduler sends, and is treated alike.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from castwright.errors import Stopped
from castwright.generators.calls.stop import Stop

GRACE_SECONDS = 5.0
EXIT_CODE = 130
_WORDS = "interrupted; what was answered is kept, run the same command again to go on"


@contextmanager
def interruptible(stop: Stop, grace: float = GRACE_SECONDS) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into a request to stop while the block runs; a second one ends the process.

    Does nothing outside of the main thread, where signals cannot be handled.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told = 0

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal told
        told += 1
        if told > 1:
            os._exit(EXIT_CODE)
        calls = stop.calls_under_way
        stop.request(Stopped(_WORDS, EXIT_CODE), grace=grace)
        waiting = f"{calls:,} calls under way get {grace:g} s to finish" if calls else "finishing what is under way"
        # a signal comes in the middle of anything, of a print too: written past all buffers
        os.write(2, f"\ncastwright: {waiting}; once more stops at once\n".encode())

    before: dict[int, Any] = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
