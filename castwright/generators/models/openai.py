"""Any OpenAI-compatible endpoint as a distilabel LLM.

One POST per generation through the `openai` client's plain `post`, and the body parsed here with orjson:
the typed `chat.completions.create` takes a third more CPU time for walking type hints in both directions,
and lets a body that is no JSON through as a bare `JSONDecodeError` or a `str`. Client and in-flight limit
live per event loop, because a connection pool belongs to its loop. (Rejected: `n` > 1 in one request, which
some local servers ignore; one shared pool in a background thread, which costs two thread hops per row.)
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import logging
import os
import threading
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import openai
import orjson
from distilabel.models.llms import AsyncLLM
from pydantic import PrivateAttr

from castwright.errors import ModelError
from castwright.generators.models import faults
from castwright.generators.models.answer import Answer, as_output
from castwright.generators.models.chat import JSON_MODES, JsonMode, read_reply, request_body
from castwright.generators.models.config import OpenAIModel
from castwright.generators.models.faults import Fault
from castwright.generators.prompt import Message

NO_KEY = "none"
"""What stands in for the key on a loopback server: the client insists on one."""
EMPTY_REPLIES = 3
"""After how many empty replies to one prompt the row is given up; each was paid for."""
PROBE_SECONDS = 5.0


@dataclass(slots=True)
class _Lane:
    """What one event loop owns."""

    client: openai.AsyncOpenAI
    slots: asyncio.Semaphore


class OpenAICompatibleLLM(AsyncLLM):
    """An OpenAI-compatible endpoint: a provider, vLLM, TGI, llama.cpp, Ollama, or `serve-offline`."""

    block: OpenAIModel

    _key: str = PrivateAttr(default="")
    _lanes: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lane] | None = PrivateAttr(default=None)
    _lock: Any = PrivateAttr(default=None)
    _contacted: bool = PrivateAttr(default=False)
    _stopped: str | None = PrivateAttr(default=None)
    _json_mode: JsonMode = PrivateAttr(default="schema")

    @property
    def model_name(self) -> str:
        return self.block.model

    def load(self) -> None:
        """Read the key and ask the server one cheap question, so that a wrong set-up is said before row one.

        Blocks for at most a few seconds; a server that does not know `/models` is fine.

        Raises:
            ModelError: the key's variable is unset, nobody answers, or the key is refused.
        """
        super().load()
        # httpx2 logs one line per request at INFO; with distilabel's handlers that is a line per row.
        if logging.getLogger("httpx2").level == logging.NOTSET:
            logging.getLogger("httpx2").setLevel(logging.WARNING)
        self._reset()
        _run_apart(self._probe())

    def _reset(self) -> None:
        self._key = _read_key(self.block)
        self._lanes, self._lock = WeakKeyDictionary(), threading.Lock()
        self._contacted, self._stopped = False, None
        self._json_mode = "schema" if self.block.json_mode == "auto" else self.block.json_mode

    def unload(self) -> None:
        """Close the connections of every loop; a loop that runs right now does it as its next task."""
        lanes, self._lanes = self._lanes, None
        for loop, lane in (lanes or {}).items():
            if loop.is_running():
                asyncio.run_coroutine_threadsafe(lane.client.close(), loop)
            elif not loop.is_closed():
                loop.run_until_complete(lane.client.close())

    async def aclose(self) -> None:
        """Close the connections of the running loop."""
        lane = self._lanes.pop(asyncio.get_running_loop(), None) if self._lanes else None
        if lane:
            await lane.client.close()

    async def agenerate(
        self,
        input: list[Message],  # noqa: A002 (distilabel's name)
        num_generations: int = 1,
        sample: int = 0,
        json_schema: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the replies for samples `sample` to `sample + num_generations - 1`; never raises for a row.

        Args:
            input: the chat messages.
            num_generations: how many replies to ask for, one request each.
            sample: the index of the first reply; sent as `seed`.
            json_schema: the schema that the reply must follow, asked for as far as the server can.

        Raises:
            ModelError: what would fail for every row: no server, a refused key, an unknown model, no quota.
        """
        calls = [self._answer(input, sample + i, json_schema) for i in range(num_generations)]
        return as_output(await asyncio.gather(*calls))

    async def _answer(self, messages: list[Message], sample: int, schema: dict[str, Any] | None) -> Answer:
        lane = self._lane()
        async with lane.slots:
            return await self._attempts(lane, messages, sample, schema)

    async def _attempts(
        self, lane: _Lane, messages: list[Message], sample: int, schema: dict[str, Any] | None
    ) -> Answer:
        """Try until there is an answer, the fault is final, or the attempts are used up."""
        jitter_seed, attempt, empty = "", 0, 0
        while True:
            if self._stopped:
                raise ModelError(self._stopped)
            attempt += 1
            mode: JsonMode = self._json_mode if schema else "off"
            # An empty reply is asked for again with another seed: with the same one it would come again.
            body = request_body(self.block, messages, sample, schema, mode, reseed=empty)
            outcome = await self._attempt(lane, body)
            if isinstance(outcome, Answer):
                if outcome.failure != "empty reply":
                    return outcome
                empty += 1
                if empty >= EMPTY_REPLIES or attempt > self.block.max_retries:
                    return _given_up("empty reply", attempt, outcome)
                outcome = Fault("retry", "empty reply")
            elif self._weaken_json(outcome, mode):
                attempt -= 1
                continue
            if outcome.verdict == "stop" or (outcome.unreachable and not self._contacted):
                self._stopped = self._stopped or await self._stop_message(lane, outcome)
                raise ModelError(self._stopped)
            if outcome.verdict == "drop":
                return Answer(failure=outcome.reason)
            if attempt > self.block.max_retries:
                return _given_up(outcome.reason, attempt)
            jitter_seed = jitter_seed or hashlib.sha256(orjson.dumps([messages, sample])).hexdigest()
            await asyncio.sleep(faults.delay(attempt, outcome, jitter_seed))

    async def _attempt(self, lane: _Lane, body: dict[str, Any]) -> Answer | Fault:
        try:
            async with asyncio.timeout(self.block.timeout):
                reply = await lane.client.post("/chat/completions", cast_to=str, body=body)
        except Exception as error:  # whatever the client or its transport raises is this row's fault only
            self._contacted = self._contacted or isinstance(error, openai.APIStatusError)
            return faults.fault_of(error, timeout=self.block.timeout, secret=self._secret)
        self._contacted = True
        return read_reply(reply, allow_truncated=self.block.allow_truncated, limit=self.block.max_tokens)

    @property
    def _secret(self) -> str:
        return "" if self._key == NO_KEY else self._key

    def _lane(self) -> _Lane:
        if self._lanes is None:
            self._reset()
        loop = asyncio.get_running_loop()
        assert self._lanes is not None  # noqa: S101 (for mypy: _reset has just made it)
        with self._lock:
            lane = self._lanes.get(loop)
            if lane is None:
                lane = _Lane(_client(self.block, self._key), asyncio.Semaphore(self.block.max_in_flight))
                self._lanes[loop] = lane
        return lane

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

    async def _stop_message(self, lane: _Lane, fault: Fault) -> str:
        """Return the line that says why no call to this model can work, and what to do."""
        block = self.block
        if fault.unreachable:
            return f"no server at {block.url}; is it running? (model {block.model!r})"
        if fault.status in (401, 403) or fault.code == "invalid_api_key":
            return f"{block.url} refused the key: {fault.reason}; the key was {self._key_origin()}"
        if fault.status == 404 or fault.code == "model_not_found":
            has = await _models_of(lane.client)
            listed = f"; it has: {', '.join(has)}" if has else "; check base_url, it usually ends in /v1"
            return f"{block.url} does not know model {block.model!r}: {fault.reason}{listed}"
        if fault.code == "unsupported_parameter":
            return f"{block.url} takes no such parameter: {fault.reason}; remove it (extra_body: {{name: null}})"
        return f"{block.url} answers no calls for model {block.model!r}: {fault.reason}"

    def _key_origin(self) -> str:
        name = self.block.api_key_env
        return f"read from {name}" if self._secret else f"missing, {name} is not set"

    async def _probe(self) -> None:
        """Ask for `/models` once, in a loop of its own, and raise what would fail for every row."""
        lane = _Lane(_client(self.block, self._key), asyncio.Semaphore(1))
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await lane.client.get("/models", cast_to=str)
            self._contacted = True
        except Exception as error:  # anything but the two cases below is left to the first call to say
            fault = faults.fault_of(error, timeout=PROBE_SECONDS, secret=self._secret)
            self._contacted = isinstance(error, openai.APIStatusError)
            # 403 may mean that this key must not list models and yet may use them: left to the first call.
            if fault.unreachable or fault.status == 401:
                raise ModelError(await self._stop_message(lane, fault)) from None
        finally:
            await lane.client.close()


def _given_up(reason: str, attempts: int, answer: Answer | None = None) -> Answer:
    head, colon, rest = reason.partition(": ")
    tried = f"{head} after {attempts} attempt{'s' if attempts > 1 else ''}{colon}{rest}"
    if answer is None:
        return Answer(failure=tried)
    return Answer(None, tried, answer.finish_reason, answer.input_tokens, answer.output_tokens)


def _read_key(block: OpenAIModel) -> str:
    key = os.environ.get(block.api_key_env, "").strip()
    if key or block.is_loopback:
        return key or NO_KEY
    raise ModelError(
        f"environment variable {block.api_key_env} is not set, and {block.url} needs a key; "
        f"export {block.api_key_env}=... (any text where the server asks for none)"
    )


def _client(block: OpenAIModel, key: str) -> openai.AsyncOpenAI:
    """Return a client, on aiohttp where that is installed. Its pool has 1,000 places, our largest limit."""
    on_aiohttp = importlib.util.find_spec("aiohttp") is not None
    make: Any = openai.DefaultAioHttpClient if on_aiohttp else openai.DefaultAsyncHttpxClient
    return openai.AsyncOpenAI(
        api_key=key,
        base_url=block.url,
        max_retries=0,
        timeout=block.timeout,
        http_client=make(timeout=block.timeout),
    )


async def _models_of(client: openai.AsyncOpenAI) -> list[str]:
    """Return the names of the first 20 models a server lists, or none where it cannot be asked."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            reply = await client.get("/models", cast_to=str)
        return [str(model["id"]) for model in orjson.loads(reply)["data"]][:20]
    except Exception:
        return []  # whatever it was: this list only adds to an error that is raised anyway


def _run_apart(coroutine: Any) -> None:
    """Run a coroutine to its end in a thread with its own loop: the caller may be inside a running one."""
    caught: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(coroutine)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=work, name="castwright-probe", daemon=True)
    thread.start()
    thread.join()
    if caught:
        raise caught[0]
