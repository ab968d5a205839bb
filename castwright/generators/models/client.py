"""One model's calls, from the key in the journal to the reply: plain objects, because this path is hot.

What one call goes through: its key is looked up in the journal, it waits for a place in the window and for the
budget, is sent, read, and tried again as long as its fault allows; `endpoint` sends the bytes, `chat` reads them,
`faults` says what went wrong and `calls` keeps the books. A retry waits outside of the window, so that rows that
have to wait hold nobody else up. (Rejected: all this in the LLM class, whose every private attribute is a search
through pydantic, at some microseconds a time.)
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from typing import Any

import orjson

from castwright.errors import ModelError
from castwright.generators.calls.account import Account
from castwright.generators.calls.desk import CallKeys, Desk, Fetched
from castwright.generators.calls.journal import Reply
from castwright.generators.calls.purse import Bound
from castwright.generators.models import faults
from castwright.generators.models.answer import Answer, estimate_tokens, finished
from castwright.generators.models.batches import BatchQueue
from castwright.generators.models.chat import JSON_MODES, JsonMode, read_reply, request_body
from castwright.generators.models.config import OpenAIModel
from castwright.generators.models.endpoint import Endpoint, Lane
from castwright.generators.models.faults import Fault
from castwright.generators.prompt import Message

EMPTY_REPLIES = 3
"""After how many empty replies to one prompt the row is given up; each was paid for."""
_MOST_TOKENS = 1 << 31
"""More tokens than any call has: a server that reports so many, or less than none, is not believed."""


class ChatClient:
    """Asks one model at one address, and keeps the books. Closed with `close`.

    Raises:
        ModelError: the key's variable is unset.
        JournalError: the journal cannot be opened.
    """

    def __init__(self, block: OpenAIModel, account: Account) -> None:
        self.block = block
        self.endpoint = Endpoint(block)
        self.desk = Desk(account, (block.model, block.batch is not None), block.url)
        self._batches = BatchQueue(self.endpoint, self.desk.ledger, block.batch) if block.batch else None
        self._keys = CallKeys("chat", block.model, _parameters(block))
        self._json_mode: JsonMode = "schema" if block.json_mode == "auto" else block.json_mode
        self._output_limit = block.output_limit or 0

    async def answer(self, messages: list[Message], sample: int = 0, schema: dict[str, Any] | None = None) -> Answer:
        """Return one reply, or why there is none; never raises for a row.

        Raises:
            ModelError: what would fail for every row: no server, a refused key, an unknown model, no quota.
            Stopped: the run was told to stop, or its budget is used up.
            JournalError: the journal cannot be written.
        """
        key = self._keys.key(messages, sample, schema)
        found = await self.desk.answer(key, lambda: self._attempts(messages, sample, schema))
        if isinstance(found, str):
            return Answer(failure=found)
        tokens = (found.input_tokens, found.output_tokens)
        allow, limit = self.block.allow_truncated, self.block.max_tokens
        return finished(found.text, found.finish_reason, tokens, allow_truncated=allow, limit=limit)

    async def aclose(self) -> None:
        """Close the connections of the running loop, with all replies written down."""
        if self._batches is not None:
            await self._batches.aclose()
        await self.endpoint.aclose()
        await self.desk.aflush()

    def close(self) -> None:
        """Close the connections of every loop and give the journal back."""
        self.endpoint.close()
        self.desk.close()

    async def _attempts(self, messages: list[Message], sample: int, schema: dict[str, Any] | None) -> Fetched | str:
        """Try until there is a reply, the fault is final, or the attempts are used up."""
        endpoint, desk, attempt, empty = self.endpoint, self.desk, 0, 0
        lane = endpoint.lane
        while True:
            attempt += 1
            mode: JsonMode = self._json_mode if schema else "off"
            # An empty reply is asked for again with another seed: with the same one it would come again.
            body = request_body(self.block, messages, sample, schema, mode, reseed=empty)
            outcome = await self._attempt(lane, body)
            if isinstance(outcome, Reply):
                refused = _unusable(outcome)
                if refused is None:
                    return Fetched(outcome, attempt)
                empty += 1
                if refused.verdict == "drop" or empty >= EMPTY_REPLIES:
                    return refused.reason if refused.verdict == "drop" else _given_up(refused.reason, attempt)
                outcome = refused
            elif self._weaken_json(outcome, mode):
                attempt -= 1
                continue
            if outcome.verdict == "stop" or (outcome.unreachable and not endpoint.contacted):
                if not desk.ledger.stop.requested:
                    desk.ledger.stop.request(ModelError(await endpoint.explain(outcome)))
                continue  # no attempt is let through any more: the next one raises, once the others are in
            if outcome.verdict == "drop":
                return outcome.reason
            if attempt > self.block.max_retries:
                return _given_up(outcome.reason, attempt)
            desk.tab.retries += 1
            await asyncio.sleep(faults.delay(attempt, outcome, _jitter_seed(messages, sample)))

    async def _attempt(self, lane: Lane, body: dict[str, Any]) -> Reply | Fault:
        """Send one request when it is its turn, and return what came."""
        data, limits, desk = orjson.dumps(body), lane.limits, self.desk
        # A token is at least one byte of the request, so no tokenizer finds more of them.
        bound = Bound(len(data), self._output_limit)
        if self._batches is not None:
            return await self._in_a_batch(self._batches, data, bound)
        await limits.window.enter()
        try:
            await limits.wait(len(data) // 4 + bound.output_tokens)
            await desk.admit(bound)
            sent = time.monotonic()
            outcome: Reply | Fault = Fault("retry", "called off", lost=True)
            try:
                got = await self.endpoint.post(lane.session, data)
                outcome = got if isinstance(got, Fault) else _completed(read_reply(got), data, time.monotonic() - sent)
            finally:
                reply = outcome if isinstance(outcome, Reply) else None
                desk.settle(bound, reply, lost=isinstance(outcome, Fault) and outcome.lost)
        finally:
            limits.window.leave()
        _learn(lane, outcome, len(data) // 4 + bound.output_tokens)
        return outcome

    async def _in_a_batch(self, batches: BatchQueue, data: bytes, bound: Bound) -> Reply | Fault:
        """Send one request with the next batch, and return what came."""
        await self.desk.admit(bound)
        sent = time.monotonic()
        outcome: Reply | Fault = Fault("retry", "called off")  # what a batch gives is asked for again, not paid again
        try:
            got = await batches.post(data)
            outcome = got if isinstance(got, Fault) else _completed(read_reply(got), data, time.monotonic() - sent)
            if not isinstance(got, Fault) and (isinstance(outcome, Fault) or _unusable(outcome) is not None):
                batches.disown(data)  # else the next attempt would be given the same
        finally:
            reply = outcome if isinstance(outcome, Reply) else None
            self.desk.settle(bound, reply, lost=isinstance(outcome, Fault) and outcome.lost)
        return outcome

    def _weaken_json(self, fault: Fault, mode: JsonMode) -> bool:
        """Return whether the server refused the way a schema was asked for and a weaker way is left.

        Remembered, so that only the first calls of a run pay for the discovery.
        """
        refused = fault.status in (400, 422) and any(
            word in fault.reason for word in ("response_format", "json_schema", "json_object")
        )
        if mode == "off" or self.block.json_mode != "auto" or not refused:
            return False
        if self._json_mode == mode:  # else another call has weakened it already
            self._json_mode = JSON_MODES[JSON_MODES.index(mode) + 1]
        return True


def _unusable(reply: Reply) -> Fault | None:
    """Return why a reply that came is none, or None: held back by a filter, or empty (worth another attempt)."""
    if reply.finish_reason == "content_filter":
        return Fault("drop", "the server's content filter held the reply back")
    if not reply.text.strip() and reply.finish_reason != "length":
        return Fault("retry", "empty reply")
    return None


def _completed(outcome: Reply | Fault, request: bytes, seconds: float) -> Reply | Fault:
    """Return the reply with its latency, and with its tokens estimated where the server does not count (or cannot)."""
    if isinstance(outcome, Fault):
        return outcome
    tokens = (outcome.input_tokens, outcome.cached_tokens, outcome.output_tokens)
    if not any(tokens) or min(tokens) < 0 or max(tokens) > _MOST_TOKENS:
        tokens = (-(-len(request) // 4), 0, estimate_tokens(outcome.text))
    return Reply(outcome.text, outcome.finish_reason, *tokens, seconds)


def _learn(lane: Lane, outcome: Reply | Fault, expected: int) -> None:
    """Let window and pace learn from what came of an attempt."""
    limits = lane.limits
    if isinstance(outcome, Reply):
        limits.window.answered()
        limits.hold.answered()
        if limits.tokens is not None:
            limits.tokens.correct(expected - outcome.input_tokens - outcome.output_tokens)
    elif outcome.congested:
        limits.window.congested()
        if outcome.status is not None:
            limits.hold.refused(outcome.retry_after)


def _given_up(reason: str, attempts: int) -> str:
    head, colon, rest = reason.partition(": ")
    return f"{head} after {attempts} attempt{'s' if attempts > 1 else ''}{colon}{rest}"


def _jitter_seed(messages: list[Message], sample: int) -> str:
    return hashlib.sha256(orjson.dumps([messages, sample])).hexdigest()


def _parameters(block: OpenAIModel) -> dict[str, Any]:
    """Return what of a block decides a reply, beside the model's name."""
    named = {name: getattr(block, name) for name in ("temperature", "top_p", "max_tokens", "json_mode")}
    return {**named, "extra_body": block.extra_body}
