"""Batches from the moment they are meant to the moment their results are handed out, one task each.

A batch that is sent and one that an earlier run left behind end up on the same way: wait until it has ended, fetch
its files, give each call its own line. What the provider refuses for its size is sent in halves, for its tokens
later, for some of its lines without those; what it lost is placed anew. (Rejected: failing all calls of a refused
batch, which costs 50,000 rows their attempts for one bad line.)
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

from openai.types import Batch

from castwright.generators.calls.ledger import Ledger
from castwright.generators.calls.submissions import TOUCH_SECONDS, Submission, Submissions
from castwright.generators.models.batch_files import Refusal, Results, halves, read_refusal, write_requests
from castwright.generators.models.batch_service import BatchGoneError, BatchRefusedError, BatchService, problems_of
from castwright.generators.models.config import BatchSettings
from castwright.generators.models.endpoint import Endpoint
from castwright.generators.models.faults import Fault

MAX_PAUSE = 600.0
"""The longest wait, in seconds, before a batch is offered again that had too many tokens."""
OWNER_LOOK_SECONDS = 1.0
"""How often it is looked whether another process has its batch by now."""
AT_ONCE = 256
"""How many results are handed out before others get a turn."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Call:
    """A request that somebody waits for."""

    name: str
    body: bytes
    result: asyncio.Future[bytes | Fault]

    def resolve(self, outcome: bytes | Fault) -> None:
        """Tell whoever waits; the first outcome counts."""
        if not self.result.done():
            self.result.set_result(outcome)


@dataclass(slots=True, eq=False)
class _Handed:
    """A submission that this process has made or found, who waits for it, and what it gave once it has ended."""

    submission: Submission
    calls: dict[str, Call] = field(default_factory=dict)
    batch: str | None = None
    results: Results | None = None


class BatchRuns:
    """The batches that one event loop sees through; `place` is given the calls whose batch is lost.

    Closed with `aclose`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        ledger: Ledger,
        settings: BatchSettings,
        submissions: Submissions,
        place: Callable[[Call], None],
    ) -> None:
        self._secret, self._url, self._settings = endpoint.secret, endpoint.block.url, settings
        self._stop, self._submissions, self._place = ledger.stop, submissions, place
        self._service = BatchService(endpoint, settings)
        self._handed: dict[str, _Handed] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._one_ended = asyncio.Event()

    def send_soon(self, calls: dict[str, Call], refusals: int = 0) -> None:
        """Send calls, by name, as one batch; `refusals` is how often it had too many tokens."""
        if calls:
            self._start(calls, self._send(calls, refusals))

    def join(self, call: Call, submission: Submission) -> None:
        """Let a call wait for the result of a batch that was handed in before."""
        handed = self._handed.get(submission.name)
        if handed is None:
            handed = self._handed[submission.name] = _Handed(submission, batch=submission.batch)
            self._start(handed.calls, self._resume(handed))
        handed.calls[call.name] = call
        if handed.results is not None:
            self._hand_out(handed, call)

    def staying(self) -> tuple[int, int]:
        """Return how many requests that are waited for are in how many batches at the provider."""
        open_calls = [
            sum(not call.result.done() for call in handed.calls.values())
            for handed in self._handed.values()
            if handed.batch is not None
        ]
        return sum(open_calls), sum(count > 0 for count in open_calls)

    async def aclose(self) -> None:
        """End all tasks and close all files and connections."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for handed in self._handed.values():
            if handed.results is not None:
                handed.results.close()
        await self._service.aclose()

    def _start(self, calls: dict[str, Call], work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._guarded(calls, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, calls: dict[str, Call], work: Coroutine[Any, Any, None]) -> None:
        """Do the work of one batch; what it cannot go on after, those who wait for it are told."""
        try:
            await work
        except BatchRefusedError as refused:
            await self._stop_run(refused.fault)
        except Exception as error:  # the journal's disk, or a bug: nobody may be left waiting
            for call in calls.values():
                if not call.result.done():
                    call.result.set_exception(error)

    async def _stop_run(self, fault: Fault) -> None:
        if not self._stop.requested:
            self._stop.request(await self._service.explain(fault))

    async def _send(self, calls: dict[str, Call], refusals: int) -> None:
        """Hand requests in as one batch and see it through."""
        submission = self._submissions.record(calls)
        handed = self._handed[submission.name] = _Handed(submission, calls)
        heart = asyncio.get_running_loop().create_task(self._beat(submission))
        try:
            with await asyncio.to_thread(write_requests, {name: call.body for name, call in calls.items()}) as file:
                uploaded = await self._service.upload(submission.name, file)
            submission = self._submissions.uploaded(submission, uploaded)
            if self._stop.requested:
                self._forget(handed)
                return
            handed.batch = await self._service.create(submission, uploaded)
            self._submissions.created(submission, handed.batch)
        except BatchRefusedError as refused:
            if refused.fault.status is not None and refused.fault.status < 500:
                self._forget(handed)  # there is no batch of it, and nobody needs to look for one
            raise
        finally:
            heart.cancel()
            if handed.batch is None:
                self._submissions.release(submission)
        await self._take_over(handed, handed.batch, refusals, at_once=False)

    async def _beat(self, submission: Submission) -> None:
        while True:
            await asyncio.sleep(TOUCH_SECONDS)
            self._submissions.touch(submission)

    async def _resume(self, handed: _Handed) -> None:
        """See a submission of an earlier run, or of another process, through."""
        found: Submission | None = handed.submission
        while found is not None and found.batch is None and not found.is_abandoned(time.time()):
            await asyncio.sleep(min(self._settings.poll, OWNER_LOOK_SECONDS))
            found = self._submissions.get(handed.submission)
        if found is not None and found.batch is None:
            batch = await self._service.find(found)
            if batch is not None:
                self._submissions.created(found, batch)
            handed.batch = batch
        elif found is not None:
            handed.batch = found.batch
        if handed.batch is None:
            self._forget(handed)
            self._place_anew(handed.calls.values())
            return
        await self._take_over(handed, handed.batch, 0, at_once=True)

    async def _take_over(self, handed: _Handed, batch_id: str, refusals: int, *, at_once: bool) -> None:
        """Wait until a batch has ended and hand out what it gave."""
        try:
            batch = await self._service.ended(batch_id, at_once=at_once)
            self._one_ended.set()
            self._one_ended.clear()
            if batch.status == "failed":
                await self._failed(handed, batch, refusals)
                return
            results = await self._service.results(batch)
        except BatchGoneError as gone:
            _log.warning("%s does not know batch %s any more (%s); its calls are sent again", self._url, batch_id, gone)
            self._forget(handed)
            self._place_anew(handed.calls.values())
            return
        submission = handed.submission
        useless = set(self._submissions.calls(submission)) - results.good
        self._submissions.drop_calls(submission, useless)
        handed.results = results
        for number, call in enumerate(list(handed.calls.values()), start=1):
            self._hand_out(handed, call)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)

    def _hand_out(self, handed: _Handed, call: Call) -> None:
        results = handed.results
        if results is None or call.name not in handed.calls:
            return
        del handed.calls[call.name]
        call.resolve(results.read(call.name, self._secret))
        results.good.discard(call.name)
        if not results.good and not handed.calls:
            results.close()
            self._handed.pop(handed.submission.name, None)

    async def _failed(self, handed: _Handed, batch: Batch, refusals: int) -> None:
        """Do what can be done about a batch that the provider did not begin."""
        refusal = read_refusal(problems_of(batch), self._secret)
        lines = self._submissions.calls(handed.submission)
        self._forget(handed)
        calls = dict(handed.calls)
        fault = Fault("drop", f"the batch failed: {refusal.words}", code=refusal.code)
        match refusal.kind:
            case "stop":
                await self._stop_run(Fault("stop", refusal.words, code=refusal.code))
            case "size" if len(calls) > 1:
                self._say_refused(refusal, len(lines), "sent in two, lower batch.max_requests or batch.max_bytes")
                self._send_halves(calls)
            case "tokens":
                await self._send_later(calls, refusal, refusals)
            case "lines":
                for line, words in refusal.lines.items():
                    named = calls.pop(lines[line - 1], None) if 0 < line <= len(lines) else None
                    if named is not None:
                        named.resolve(Fault("drop", f"the batch failed: {words}", code=refusal.code))
                if len(calls) == len(handed.calls):  # the lines are nobody's: the same would come again
                    _resolve_all(calls.values(), fault)
                else:
                    self.send_soon(calls, refusals)
            case _:
                _resolve_all(calls.values(), fault)

    async def _send_later(self, calls: dict[str, Call], refusal: Refusal, refusals: int) -> None:
        """Offer a batch again that had too many tokens: when another has ended, or a while later, then in halves."""
        alone = not any(other.batch is not None and other.results is None for other in self._handed.values())
        if alone and refusals and len(calls) > 1:
            self._say_refused(refusal, len(calls), "sent in two")
            self._send_halves(calls)
            return
        pause = min(MAX_PAUSE, self._settings.poll * 2.0 ** min(refusals, 20))
        self._say_refused(refusal, len(calls), f"sent again when another batch has ended, or in {pause:.0f} s")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._one_ended.wait(), pause)
        if not self._stop.requested:
            self.send_soon(calls, refusals + 1)

    def _send_halves(self, calls: dict[str, Call]) -> None:
        for half in halves(list(calls)):
            self.send_soon({name: calls[name] for name in half})

    def _say_refused(self, refusal: Refusal, requests: int, what: str) -> None:
        _log.warning("%s refused a batch of %d requests (%s): %s", self._url, requests, refusal.words, what)

    def _forget(self, handed: _Handed) -> None:
        self._handed.pop(handed.submission.name, None)
        self._submissions.forget(handed.submission)

    def _place_anew(self, calls: Iterable[Call]) -> None:
        if not self._stop.requested:
            for call in list(calls):
                self._place(call)


def _resolve_all(calls: Iterable[Call], outcome: bytes | Fault) -> None:
    for call in calls:
        call.resolve(outcome)
