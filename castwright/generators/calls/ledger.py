"""The open side of an account, one a run and process: what is journalled, counted, held back and stopped.

Everything a model needs around a call is here and nothing of how the call is made: look it up, let it through,
count it, have its reply written down (by `writer`). Counts are kept in memory and go into the journal with the
replies that they are about, so that a process that is killed has counted what it had written. (Rejected: a ledger for
each model, whose budgets and stops would know nothing of each other.)
"""

from __future__ import annotations

import asyncio
import atexit
import itertools
import os
import threading
import time
from pathlib import Path

from castwright.errors import Stopped
from castwright.generators.calls.account import Account
from castwright.generators.calls.journal import Bill, Entry, FailedCall, Journal, Reply
from castwright.generators.calls.purse import Bound, Purse
from castwright.generators.calls.stop import LOOK_SECONDS, Stop
from castwright.generators.calls.usage import ModelKey, Usage
from castwright.generators.calls.writer import Counts, Writer

_TabKey = tuple[str, str, ModelKey]


class Ledger:
    """What is open of a run's account in this process. Made by `open_ledger`, given back by `release`."""

    def __init__(self, account: Account) -> None:
        self.journal = Journal(account.path)
        self.run, self.budget = account.run, account.budget
        self.purse = Purse(account.budget, account.prices, self.journal.used(account.run))
        self.stop = Stop()
        self.stop.watch(self._calls_under_way)
        self.stop.on_look = self.check_time
        self.holders, self.latency = 0, 0.0
        self._sent = 0
        self.open_calls: dict[tuple[asyncio.AbstractEventLoop, bytes], asyncio.Future[Reply | str]] = {}
        self._failed: dict[str, dict[bytes, str]] = {}
        self._tabs: dict[_TabKey, Usage] = {}
        self._billed: dict[_TabKey, Usage] = {}
        self._writer = Writer(self.journal, self._count, self._uncount)
        self._seconds_before, self._began = self.journal.seconds(account.run), time.monotonic()
        self._ticked, self._lock = self._began, threading.Lock()

    def _calls_under_way(self) -> int:
        return self._sent + self._writer.unwritten

    @property
    def seconds(self) -> float:
        """Wall seconds of the run, earlier parts included."""
        return self._seconds_before + time.monotonic() - self._began

    def tab(self, account: Account, model: ModelKey) -> Usage:
        """Return the counts of a stage and model, to be counted on; what they grow by is journalled now and then."""
        return self._tabs.setdefault((account.stage, account.execution, model), Usage())

    def failed(self, attempt: str) -> dict[bytes, str]:
        """Return why calls failed for good in this attempt at a stage, by key: one dict for all who are in it.

        Raises:
            JournalError: the journal cannot be read.
        """
        if attempt not in self._failed:
            self._failed[attempt] = self.journal.failures(attempt) if attempt else {}
        return self._failed[attempt]

    async def admit(self, model: ModelKey, bound: Bound) -> None:
        """Let one attempt through, when the budget has room for the most it can cost. `settle` must follow.

        Raises:
            CastwrightError: the run has to stop; raised when no call is under way any more.
        """
        while True:
            self._mind_the_time()
            if self.stop.requested:
                self.stop.check()
            elif self.purse.hold(model, bound):
                with self._lock:
                    self._sent += 1
                return
            elif not self.purse.is_waited_for:
                self.stop.request(Stopped(self.purse.used_up(model, bound)))
                continue
            await asyncio.sleep(LOOK_SECONDS)

    def settle(self, tab: Usage, model: ModelKey, bound: Bound, reply: Reply | None, *, lost: bool = False) -> None:
        """Count what an attempt cost: the tokens of its reply; the most it can have been where the reply was lost."""
        with self._lock:
            self._sent -= 1
        tokens = (0, 0, 0)
        if reply is not None:
            tokens = (reply.input_tokens, reply.cached_tokens, reply.output_tokens)
            tab.paid_input += tokens[0]
            tab.paid_cached += tokens[1]
            tab.paid_output += tokens[2]
        elif lost:
            tokens = (bound.input_tokens, 0, bound.output_tokens)
            tab.lost_input += tokens[0]
            tab.lost_output += tokens[2]
        cost = self.purse.price(model, tokens[0], tokens[2], tokens[1])
        self.purse.settle(model, bound, cost, tokens[0] + tokens[2])

    def took(self, seconds: float) -> None:
        """Count the latency of a call, for how long before the end of `max_time` no new one is sent."""
        self.latency += (seconds - self.latency) * 0.1

    def check_time(self) -> None:
        """Ask the run to stop when its time is up."""
        limit = self.budget.max_time
        if limit is not None and self.seconds >= limit and not self.stop.requested:
            self.stop.request(Stopped(_time_is_up(limit, self.seconds)), grace=0.0)

    def _mind_the_time(self) -> None:
        limit = self.budget.max_time
        if limit is not None and not self.stop.requested and self.seconds + self.latency >= limit:
            self.stop.request(Stopped(_time_is_up(limit, self.seconds)), grace=max(0.0, limit - self.seconds))

    async def write(self, what: Entry | FailedCall) -> Reply | None:
        """Journal a reply (or a failure) and return the reply that now stands: the first one to this call.

        Raises:
            JournalError: it could not be written.
        """
        return await self._writer.write(what)

    def _count(self) -> Counts:
        """Return what was counted since the last time. Tabs are only read: their owners count on them in any thread."""
        if not self.run:
            return Counts([])
        bills = []
        with self._lock:
            for key, tab in list(self._tabs.items()):
                seen, grown = Usage(), Usage()
                seen.add(tab)
                grown.add(seen)
                grown.subtract(self._billed.get(key, Usage()))
                if grown:
                    bills.append(Bill(self.run, *key, grown))
                    self._billed[key] = seen
            now = time.monotonic()
            past, self._ticked = now - self._ticked, now
        return Counts(bills, (self.run, past))

    def _uncount(self, counts: Counts) -> None:
        """Count again what could not be written."""
        with self._lock:
            for bill in counts.bills:
                self._billed[bill.stage, bill.execution, bill.model].subtract(bill.usage)
            if counts.seconds is not None:
                self._ticked -= counts.seconds[1]

    async def aflush(self) -> None:
        """Commit what waits in the running loop, and all counts."""
        await self._writer.aflush()

    def flush(self) -> None:
        """Commit what waits, from plain code: entries of loops that have ended too, and all counts.

        Raises:
            JournalError: it could not be written.
        """
        self._writer.flush()

    def release(self) -> None:
        """Give the ledger back; the last holder flushes and closes it."""
        with _LOCK:
            self.holders -= 1
            if self.holders > 0:
                return
            for key in [key for key, ledger in _OPEN.items() if ledger is self]:
                del _OPEN[key]
            self.close()  # under the lock: who opens the run's ledger anew has to read what this one used

    def close(self) -> None:
        """Commit what waits and close the journal.

        Raises:
            JournalError: it could not be written.
        """
        try:
            self._writer.close()
        finally:
            self.journal.close()


_OPEN: dict[tuple[int, Path, str], Ledger] = {}
_LOCK = threading.Lock()
_NUMBERS = itertools.count()


def open_ledger(account: Account) -> Ledger:
    """Return this process's ledger of the account's run, opened by its first holder.

    Raises:
        JournalError: the journal cannot be used.
    """
    with _LOCK:
        # Calls of no run share nothing but the journal: one that has to stop stops no other.
        key = (os.getpid(), account.path, account.run or f"without a run {next(_NUMBERS)}")
        ledger = _OPEN.get(key)
        if ledger is None:
            ledger = _OPEN[key] = Ledger(account)
        ledger.holders += 1
        return ledger


def open_ledgers() -> list[Ledger]:
    """Return the ledgers that are open in this process."""
    return [ledger for (pid, _, _), ledger in list(_OPEN.items()) if pid == os.getpid()]


def _close_all() -> None:
    for ledger in open_ledgers():
        ledger.close()
    _OPEN.clear()


atexit.register(_close_all)


def _time_is_up(limit: float, seconds: float) -> str:
    return (
        f"budget.max_time {limit:g} s: the run has taken {seconds:.0f} s; what was answered is kept, "
        f"to go on: --set budget.max_time={limit * 2:g}"
    )
