"""The processes of distilabel's engine: how they begin, how they end, and who notices.

distilabel waits for ever for a worker that was killed, lets workers go on calling when their parent was, and takes
Ctrl-C for itself and goes on. So a run of it goes into a thread, while this one looks at its processes and at the stop:
a worker that is gone is an error, and a worker whose run has to end (or whose parent is gone) sends no new call, waits
a few seconds for those under way, has them journalled and leaves. (Rejected: asking distilabel to stop, which waits
for queues that a dead worker no longer empties.)
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.managers import SyncManager
from typing import Any, TypeVar

from distilabel.pipeline import Pipeline, local

from castwright.errors import JournalError, StepError, Stopped
from castwright.generators.calls.ledger import open_ledgers
from castwright.generators.calls.stop import LOOK_SECONDS, Stop

T = TypeVar("T")
_GRACE_SECONDS = 5.0
_LOOK_SECONDS = 0.1
_JOIN_SECONDS = 5.0
_STARTED: list[Any] = []


class _Worker(local._NoDaemonProcess):
    """A worker of distilabel's that sees the environment as it is now, and ends with its run."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._environment = dict(os.environ)

    def start(self) -> None:
        """Start, and be known to who oversees the run."""
        super().start()
        _STARTED.append(self)

    def run(self) -> None:
        """Do the work in the environment of whoever started it."""
        os.environ.update(self._environment)
        told, heard = threading.Event(), _signals_heard()
        signal.signal(signal.SIGTERM, lambda _number, _frame: told.set())
        threading.Thread(target=_leave_in_time, args=(told, heard), name="castwright-worker", daemon=True).start()
        super().run()


def _signals_heard() -> int:
    """Return the end of a pipe that each signal is written to as it comes.

    A handler in Python runs in the main thread only, and not at all if that thread goes to wait for work just after
    the signal came: such a worker would never leave.
    """
    heard, said = os.pipe()
    os.set_blocking(said, False)
    signal.set_wakeup_fd(said, warn_on_full_buffer=False)
    return heard


def _is_told(told: threading.Event, heard: int) -> bool:
    """Return, after a short while, whether this process has been told to end."""
    ready, _, _ = select.select([heard], [], [], LOOK_SECONDS)
    return told.is_set() or (bool(ready) and signal.SIGTERM in os.read(heard, 64))


def _leave_in_time(told: threading.Event, heard: int) -> None:
    """End this process when it is told to or its parent is gone, with the replies under way written down."""
    while not _is_told(told, heard) and not _parent_is_gone():
        pass
    logging.disable(logging.CRITICAL)  # that calls are called off is no news
    ledgers = open_ledgers()
    for ledger in ledgers:
        ledger.stop.request(Stopped("the run has ended"), grace=_GRACE_SECONDS)
    end = time.monotonic() + _GRACE_SECONDS
    while time.monotonic() < end and any(ledger.stop.calls_under_way for ledger in ledgers):
        time.sleep(LOOK_SECONDS)
    for ledger in ledgers:
        with contextlib.suppress(JournalError):  # said by whoever waited for the reply
            ledger.flush()
    os._exit(0)


def _parent_is_gone() -> bool:
    parent = multiprocessing.parent_process()
    return parent is not None and bool(wait([parent.sentinel], timeout=0))


def _end_with_parent() -> None:
    """Let this process, which holds queues only, end when its parent is gone."""

    def look() -> None:
        while not _parent_is_gone():
            time.sleep(_LOOK_SECONDS)
        os._exit(0)

    threading.Thread(target=look, name="castwright-queues", daemon=True).start()


def _manager() -> SyncManager:
    manager = SyncManager(ctx=multiprocessing.get_context())
    manager.start(initializer=_end_with_parent)
    _STARTED.append(manager._process)  # type: ignore[attr-defined]
    return manager


@contextmanager
def fresh_processes() -> Iterator[list[Any]]:
    """Make distilabel fork its processes from a server that has only our imports, instead of from this process.

    A fork of a process in which torch or polars already runs threads may hang for good, without a message.
    distilabel takes the default start method for its queues and its processes, and a context of its own for the
    pool, which is made at import: both are set for the time of the run. Gives the processes started so far.
    """
    before, pool_context = multiprocessing.get_start_method(allow_none=True), local._NoDaemonContext
    make_manager = multiprocessing.Manager
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    multiprocessing.set_start_method(method, force=True)
    multiprocessing.set_forkserver_preload(["castwright.pipelines"])
    local._NoDaemonContext = type("Context", (type(multiprocessing.get_context(method)),), {"Process": _Worker})
    multiprocessing.Manager = _manager
    _STARTED.clear()
    try:
        yield _STARTED
    finally:
        multiprocessing.Manager = make_manager
        local._NoDaemonContext = pool_context
        multiprocessing.set_start_method(before, force=True)


def overseen(run: Callable[[], T], pipeline: Pipeline, processes: list[Any], stop: Stop) -> T:
    """Return what `run` returns, which runs the pipeline in a thread; end it where it cannot end by itself.

    Raises:
        StepError: one of the processes was killed.
        CastwrightError: the run has to stop; or whatever `run` raised.
    """
    pipeline._handle_keyboard_interrupt = lambda: None  # signals stay ours: a thread cannot have them
    result: list[T] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            result.append(run())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work, name="castwright-distilabel", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_LOOK_SECONDS)
        stop.on_look()
        if stop.requested:
            _end(pipeline, processes, thread, grace=_GRACE_SECONDS)
            stop.check()
        elif dead := _killed(pipeline, processes):
            _end(pipeline, processes, thread, grace=_GRACE_SECONDS)
            raise StepError(
                f"a process of distilabel's engine (number {dead}) was killed, for want of memory or by hand; "
                "what was answered is kept, run the same command again to go on"
            )
    if raised:
        raise raised[0]
    return result[0]


def _killed(pipeline: Pipeline, processes: list[Any]) -> int | None:
    """Return the number of a process that has ended before the engine began to end them."""
    gone = {sentinel: process.pid for process in processes if (sentinel := process.sentinel) is not None}
    ready = wait(list(gone), timeout=0) if gone else []
    # looked at after the processes: the engine ends them only when this thread of its own has ended
    at_work = getattr(pipeline, "_output_queue_thread", None)
    working = at_work is None or at_work.is_alive()
    return gone[ready[0]] if ready and working else None


def _end(pipeline: Pipeline, processes: list[Any], thread: threading.Thread, grace: float) -> None:
    """End all workers, with `grace` seconds for what they have under way, and the engine as far as it can be."""
    pool = getattr(pipeline, "_pool", None)
    if pool is not None:
        pool._worker_handler._state = "TERMINATE"  # it would start others in their place
    manager = getattr(getattr(pipeline, "_manager", None), "_process", None)
    workers = [process for process in list(processes) if process is not manager]
    _signal(workers, signal.SIGTERM)
    end = time.monotonic() + grace + 1.0
    while time.monotonic() < end and len(wait([each.sentinel for each in workers], timeout=0)) < len(workers):
        time.sleep(LOOK_SECONDS)
    _signal(workers, signal.SIGKILL)
    if pool is not None:
        # whoever was killed while he waited for work holds a lock for good that the pool's end waits for
        pool._inqueue._rlock, pool._outqueue._wlock = multiprocessing.Lock(), multiprocessing.Lock()
    # both wait for workers that are gone
    pipeline._handle_stop, pipeline._is_step_running = lambda: None, lambda _name: False
    pipeline._stop_called = True
    with contextlib.suppress(Exception):  # where the queues were what was killed, nobody reads them any more
        pipeline._output_queue.put(None)
    thread.join(_JOIN_SECONDS)
    if thread.is_alive() and pool is not None:
        pool._terminate.cancel()  # else the interpreter's end would wait as this thread did


def _signal(processes: list[Any], number: signal.Signals) -> None:
    for process in processes:
        if not wait([process.sentinel], timeout=0):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)
