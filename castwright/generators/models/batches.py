"""Calls through a provider's Batch API: requests are collected, sent as files, and wait, each for its own result.

A batch takes hours, so it outlives the process that sent it: `submissions` remembers what was handed in, and a
request that is in a remembered batch waits for that one, in this run or any later, whatever ended the first. A
stop lets go of all of them at once; they stay with the provider. A result is remembered for as long as the provider
keeps it, because the moment in which its row is journalled lies beyond this module; what was of no use is disowned
by the client. (Rejected: one batch at a time, which wastes hours; waiting for "all" rows, which nobody can count:
what comes next may depend on what is answered first, so a batch goes off when it is full or when it got quiet.)
"""

from __future__ import annotations

import asyncio
import logging
import time
from weakref import WeakKeyDictionary

from castwright.generators.calls.ledger import Ledger
from castwright.generators.calls.stop import LOOK_SECONDS
from castwright.generators.calls.submissions import KEPT_SECONDS, Submissions
from castwright.generators.models.batch_files import Parcel, custom_id, line_bytes
from castwright.generators.models.batch_runs import BatchRuns, Call
from castwright.generators.models.config import BatchSettings
from castwright.generators.models.endpoint import Endpoint
from castwright.generators.models.faults import Fault

_CALLED_OFF = Fault("stop", "the run is stopping")
_log = logging.getLogger(__name__)


class BatchQueue:
    """Requests into batches, results out of them; works in the event loop of whoever posts."""

    def __init__(self, endpoint: Endpoint, ledger: Ledger, settings: BatchSettings) -> None:
        self.endpoint, self.ledger, self.settings = endpoint, ledger, settings
        self._submissions = Submissions(ledger.journal, endpoint.block.url)
        self._submissions.prune(time.time() - KEPT_SECONDS)
        self._rooms: WeakKeyDictionary[asyncio.AbstractEventLoop, _Room] = WeakKeyDictionary()

    async def post(self, body: bytes) -> bytes | Fault:
        """Return the body of the 200 for one request, or the fault; the same body twice is one request.

        When the run is told to stop, that is a fault with the verdict "stop", at once.

        Raises:
            JournalError: what is handed in cannot be written down.
        """
        loop = asyncio.get_running_loop()
        room = self._rooms.get(loop)
        if room is None:
            room = self._rooms[loop] = _Room(self.endpoint, self.ledger, self.settings, self._submissions)
        return await room.post(body)

    def disown(self, body: bytes) -> None:
        """Forget the answer to a request, which is of no use: asked again, it is sent again."""
        self._submissions.disown(custom_id(body))

    async def aclose(self) -> None:
        """End what runs in the loop."""
        room = self._rooms.pop(asyncio.get_running_loop(), None)
        if room is not None:
            await room.aclose()


class _Room:
    """What one event loop owns of a queue: the calls that are waited for, and the parcel that is being filled."""

    def __init__(self, endpoint: Endpoint, ledger: Ledger, settings: BatchSettings, submissions: Submissions) -> None:
        self._url, self._ledger, self._settings, self._submissions = endpoint.block.url, ledger, settings, submissions
        self._loop = asyncio.get_running_loop()
        self._runs = BatchRuns(endpoint, ledger, settings, submissions, self._place)
        self._calls: dict[str, Call] = {}
        self._parcel = self._new_parcel()
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._look: asyncio.TimerHandle | None = None

    async def post(self, body: bytes) -> bytes | Fault:
        """See `BatchQueue.post`."""
        if self._ledger.stop.requested:
            return _CALLED_OFF
        name = custom_id(body)
        call = self._calls.get(name)
        if call is None or call.result.done():
            call = Call(name, body, self._loop.create_future())
            self._place(call)
            self._calls[name] = call
            call.result.add_done_callback(lambda _: self._drop(call))
            if self._look is None:
                self._look = self._loop.call_later(LOOK_SECONDS, self._mind_the_stop)
        # Shielded: others may wait for the same request, and the batch has it anyway.
        return await asyncio.shield(call.result)

    def _drop(self, call: Call) -> None:
        if self._calls.get(call.name) is call:
            del self._calls[call.name]

    def _place(self, call: Call) -> None:
        """Let a call wait for the batch that it is in, or else for the next one."""
        submission = self._submissions.find(call.name)
        if submission is not None:
            self._runs.join(call, submission)
        elif line_bytes(call.body) > self._settings.max_bytes:
            words = f"the request has {len(call.body):,} bytes, more than a batch file may (batch.max_bytes)"
            call.resolve(Fault("drop", words))
        else:
            self._collect(call)

    def _collect(self, call: Call) -> None:
        if not self._parcel.has_room(call):
            self._send_parcel()
        self._parcel.add(call)
        self._last = self._loop.time()
        if self._parcel.is_full:
            self._send_parcel()
        elif self._timer is None:
            self._timer = self._loop.call_later(self._settings.quiet, self._when_quiet)

    def _when_quiet(self) -> None:
        due = self._last + self._settings.quiet
        if self._loop.time() < due:
            self._timer = self._loop.call_at(due, self._when_quiet)
        else:
            self._send_parcel()

    def _send_parcel(self) -> None:
        parcel, self._parcel = self._parcel, self._new_parcel()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._runs.send_soon(parcel.calls)

    def _new_parcel(self) -> Parcel[Call]:
        return Parcel(self._settings.max_requests, self._settings.max_bytes)

    def _mind_the_stop(self) -> None:
        """Let go of all calls as soon as the run is told to stop; look again while anybody waits.

        A timer and no task: distilabel's engine leaves the loop as soon as its rows are there.
        """
        self._look = None
        self._ledger.check_time()
        if self._ledger.stop.requested:
            self._call_off()
        elif self._calls:
            self._look = self._loop.call_later(LOOK_SECONDS, self._mind_the_stop)

    def _call_off(self) -> None:
        self._say_what_stays()
        self._parcel = self._new_parcel()
        for call in list(self._calls.values()):
            call.resolve(_CALLED_OFF)

    def _say_what_stays(self) -> None:
        requests, batches = self._runs.staying()
        if requests:
            what = f"{requests:,} request{'s' * (requests > 1)} in {batches:,} batch{'es' * (batches > 1)}"
            _log.warning("with the provider at %s: %s; the next run takes the answers over", self._url, what)

    async def aclose(self) -> None:
        """End all tasks and close all files; calls that still wait are called off."""
        self._say_what_stays()
        for timer in (self._timer, self._look):
            if timer is not None:
                timer.cancel()
        await self._runs.aclose()
        for call in list(self._calls.values()):
            call.result.cancel()
