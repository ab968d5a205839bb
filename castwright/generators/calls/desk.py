"""One model at its desk: every call is looked up, asked once, counted, written down.

A model gives its desk a key and a coroutine that asks; what comes back is the reply that stands in the journal, or
the words why there is none. Calls that ask the same at the same time are one call. A call that failed for good is
remembered until its stage stands, so that a run that was interrupted ends up like one that was not; a re-run of a
stage that stands asks those calls again, and only those.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson

from castwright.generators.calls.account import Account
from castwright.generators.calls.journal import Entry, FailedCall, Reply
from castwright.generators.calls.ledger import Ledger, open_ledger
from castwright.generators.calls.purse import Bound
from castwright.generators.calls.usage import ModelKey
from castwright.generators.prompt import Message

_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Fetched:
    """A reply that has just come, after so many attempts."""

    reply: Reply
    attempts: int


class CallKeys:
    """Makes the keys of one model's calls: digests of model, parameters, messages, schema and sample index.

    The server's address is no part of it: the same model is the same wherever it runs.
    """

    def __init__(self, kind: str, model: str, parameters: dict[str, Any]) -> None:
        head = orjson.dumps([kind, model, parameters], option=orjson.OPT_SORT_KEYS)
        self._head = hashlib.blake2b(head, digest_size=_DIGEST_BYTES)

    def key(self, messages: list[Message], sample: int, schema: dict[str, Any] | None) -> bytes:
        """Return the key of one call, 16 bytes."""
        digest = self._head.copy()
        digest.update(orjson.dumps([messages, sample, schema], option=orjson.OPT_SORT_KEYS))
        return digest.digest()


class Desk:
    """Where the calls of one model and stage are booked. Closed with `close`."""

    def __init__(self, account: Account, model: ModelKey, endpoint: str) -> None:
        self.account, self.model, self.endpoint = account, model, endpoint
        self.ledger: Ledger = open_ledger(account)
        self.tab = self.ledger.tab(account, model)
        self._failed = self.ledger.failed(account.attempt)

    async def answer(self, key: bytes, fetch: Callable[[], Awaitable[Fetched | str]]) -> Reply | str:
        """Return the reply to a call, from the journal or from `fetch`, or why there is none.

        Raises:
            CastwrightError: the run has to stop, the journal cannot be written, or `fetch` raised it.
        """
        known = self.ledger.journal.reply(key) or self._failed.get(key)
        if known is not None:
            return self._replayed(known)
        calls, loop = self.ledger.open_calls, asyncio.get_running_loop()
        while (same := calls.get((loop, key))) is not None:
            if await _settled(same):
                return self._replayed(same.result())
        mine = calls[loop, key] = loop.create_future()
        try:
            result = await self._fresh(key, fetch)
            mine.set_result(result)
        finally:
            del calls[loop, key]
            mine.cancel()  # nothing, when it has its result; else whoever waits asks for himself
        return result

    def _replayed(self, found: Reply | str) -> Reply | str:
        self.tab.asked += 1
        if isinstance(found, str):
            self.tab.failed += 1
        else:
            self.tab.replayed += 1
            self._count(found)
        return found

    async def _fresh(self, key: bytes, fetch: Callable[[], Awaitable[Fetched | str]]) -> Reply | str:
        fetched = await fetch()
        if isinstance(fetched, str):
            if self.account.attempt:
                await self.ledger.write(FailedCall(self.account.attempt, key, fetched))
                self._failed[key] = fetched
            return self._replayed(fetched)
        self.ledger.took(fetched.reply.latency)
        entry = Entry(
            key, fetched.reply, fetched.attempts, self.model[0], self.endpoint, time.time()
        )  # fmt: skip
        standing = await self.ledger.write(entry) or fetched.reply
        self.tab.asked += 1
        self.tab.answered += 1
        self._count(standing)  # the reply that is used: somebody else's, where that was written first
        return standing

    def _count(self, reply: Reply) -> None:
        self.tab.count(reply.input_tokens, reply.cached_tokens, reply.output_tokens, reply.latency)

    async def admit(self, bound: Bound) -> None:
        """Let one attempt through; see `Ledger.admit`. `settle` must follow."""
        await self.ledger.admit(self.model, bound)
        self.tab.attempts += 1

    def settle(self, bound: Bound, reply: Reply | None, *, lost: bool = False) -> None:
        """Count what an attempt cost; see `Ledger.settle`."""
        self.ledger.settle(self.tab, self.model, bound, reply, lost=lost)

    async def aflush(self) -> None:
        """Commit all that waits in the running loop."""
        await self.ledger.aflush()

    def close(self) -> None:
        """Give the ledger back."""
        self.ledger.release()


async def _settled(call: asyncio.Future[Reply | str]) -> bool:
    """Wait for somebody else's call; return whether it has a result (else it was called off)."""
    try:
        await asyncio.shield(call)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if not call.cancelled() or (task is not None and task.cancelling()):
            raise
        return False
    return True
