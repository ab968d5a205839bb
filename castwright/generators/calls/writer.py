"""Writes replies down together: many waiting rows, one commit.

Replies are collected for a few milliseconds and committed in one thread, because one sync to the disk costs as much
as a hundred replies; a row waits for its commit, a place in the window of calls does not. Each event loop has a page
of its own, so that no row waits for another loop. (Rejected: a commit a reply, and a journal process of its own, which
would have to be kept alive; an asyncio queue, which lives in one loop and dies with it, replies and all.)
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from castwright.errors import JournalError
from castwright.generators.calls.journal import Bill, Entry, FailedCall, Journal, Reply

LINGER = 0.01
"""Seconds that a reply waits for others to be committed with."""
FULL = 256
"""How many replies are committed without waiting for more."""

_Waiting = list[tuple[Entry | FailedCall, "asyncio.Future[Reply | None]"]]
_Standing = dict[bytes, Reply]


@dataclass(frozen=True, slots=True)
class Counts:
    """What goes into a commit beside the replies; `seconds` is (run, wall seconds to add to it)."""

    bills: list[Bill]
    seconds: tuple[str, float] | None = None


@dataclass(slots=True)
class _Page:
    """What waits for the next commit in one event loop."""

    entries: _Waiting = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None


class Writer:
    """Commits to one journal. `count` gives the counts of a commit, `uncount` takes them back where it failed."""

    def __init__(self, journal: Journal, count: Callable[[], Counts], uncount: Callable[[Counts], None]) -> None:
        self._journal, self._count, self._uncount = journal, count, uncount
        self.unwritten = 0
        self._pages: dict[asyncio.AbstractEventLoop, _Page] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="castwright-journal")
        self._lock, self._closed = threading.Lock(), False

    async def write(self, what: Entry | FailedCall) -> Reply | None:
        """Journal a reply (or a failure) and return the reply that now stands: the first one to this call.

        Raises:
            JournalError: it could not be written.
        """
        loop = asyncio.get_running_loop()
        written: asyncio.Future[Reply | None] = loop.create_future()
        with self._lock:  # `close` may take the page from another thread
            if self._closed:
                raise JournalError(f"the journal {self._journal.path} was closed while calls were still coming in")
            page = self._pages.setdefault(loop, _Page())
            page.entries.append((what, written))
            self.unwritten += 1
        if page.timer is None:
            page.timer = loop.call_later(LINGER, self._turn, page, loop)
        elif len(page.entries) >= FULL:
            page.timer.cancel()
            self._turn(page, loop)
        return await written

    def _turn(self, page: _Page, loop: asyncio.AbstractEventLoop) -> None:
        """Hand a page to the writing thread. Runs in the page's loop."""
        page.timer = None
        if page.entries:
            self._hand_over(page, loop)

    def _hand_over(self, page: _Page, loop: asyncio.AbstractEventLoop | None) -> Future[_Standing] | None:
        """Give what waits to the writing thread; None where all was closed, and with that written."""
        with self._lock:
            if self._closed:
                return None
            entries, page.entries = page.entries, []
            done = self._thread.submit(self._commit, [what for what, _ in entries], self._count())
        done.add_done_callback(lambda finished: self._written(entries, finished, loop))
        return done

    def _written(self, entries: _Waiting, finished: Future[_Standing], loop: asyncio.AbstractEventLoop | None) -> None:
        """Count entries as written, and tell those who wait for them in their loop, where it still takes calls."""
        with self._lock:
            self.unwritten -= len(entries)
        if loop is not None and not loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it was closed in this very moment: nobody waits any more
                loop.call_soon_threadsafe(_tell, entries, finished)

    def _commit(self, what: list[Entry | FailedCall], counts: Counts) -> _Standing:
        entries = [one for one in what if isinstance(one, Entry)]
        failures = [one for one in what if isinstance(one, FailedCall)]
        try:
            return self._journal.write(entries, failures, counts.bills, counts.seconds)
        except JournalError:
            self._uncount(counts)  # still to be written, should the disk have room again
            raise

    async def aflush(self) -> None:
        """Commit what waits in the running loop, and all counts.

        Raises:
            JournalError: it could not be written.
        """
        loop = asyncio.get_running_loop()
        page = self._pages.pop(loop, None) or _Page()
        if page.timer is not None:
            page.timer.cancel()
        done = self._hand_over(page, loop)
        if done is not None:
            await asyncio.wrap_future(done)

    def flush(self) -> None:
        """Commit what waits, from plain code: entries of loops that have ended too, and all counts.

        Raises:
            JournalError: it could not be written.
        """
        handed = [self._hand_over(page, loop) for loop, page in list(self._pages.items())]
        for done in (*handed, self._hand_over(_Page(), None)):
            if done is not None:
                done.result()

    def close(self) -> None:
        """Commit what waits, and end the thread.

        Raises:
            JournalError: it could not be written.
        """
        with self._lock:
            self._closed = True
            pages, self._pages = self._pages, {}
        self._thread.shutdown()
        last: Future[_Standing] = Future()
        try:  # in this thread: at the interpreter's exit no other takes work any more
            last.set_result(self._commit([what for page in pages.values() for what, _ in page.entries], self._count()))
        except JournalError as error:
            last.set_exception(error)
        for loop, page in pages.items():
            self._written(page.entries, last, loop)
        last.result()


def _tell(entries: _Waiting, finished: Future[_Standing]) -> None:
    """Give those who wait for entries the replies that stand, or the error. Runs in their loop."""
    error = finished.exception()
    standing = {} if error else finished.result()
    for what, written in entries:
        if written.done():
            continue
        if error:
            written.set_exception(error)
        else:
            written.set_result(standing.get(what.key, what.reply if isinstance(what, Entry) else None))
