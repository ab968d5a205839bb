"""The address of an OpenAI-compatible server: connections, the one hot call, and the words for what cannot work.

Chat completions go beneath the `openai` package, as bytes on an aiohttp session with the headers it would send:
measured, the package's own path costs five times the CPU of the request itself, and a run makes this call millions
of times. Files and batches, a handful of calls a run, go through it (see `client`). Connections, window and pace
belong to an event loop; models at one address share window and pace. (Rejected: a shared pool in a background
thread, two thread hops a row; `n` > 1, which local servers ignore.)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from dataclasses import dataclass
from importlib.metadata import version
from urllib.request import getproxies, proxy_bypass
from weakref import WeakKeyDictionary

import aiohttp
import openai
import orjson
from yarl import URL

from castwright.errors import ModelError
from castwright.generators.calls.limits import Hold, Pace, Window
from castwright.generators.models import faults
from castwright.generators.models.config import OpenAIModel
from castwright.generators.models.faults import Fault

NO_KEY = "none"
"""What stands in for the key on a loopback server: the client insists on one."""
PROBE_SECONDS = 5.0
_MOST_LISTED = 20
_OTHER_FILES = 200
"""How many files, pipes and sockets a process needs beside its connections to the server."""


@dataclass(slots=True)
class Limits:
    """How fast one model at one address may be asked, in one event loop."""

    window: Window
    requests: Pace | None
    tokens: Pace | None
    hold: Hold

    async def wait(self, tokens: int) -> None:
        """Wait until another request, expected to take `tokens`, is due."""
        while (seconds := self.hold.seconds) > 0:
            await asyncio.sleep(seconds)
        seconds = max(
            self.requests.book() if self.requests else 0.0, self.tokens.book(max(tokens, 1)) if self.tokens else 0.0
        )
        if seconds > 0:
            await asyncio.sleep(seconds)


@dataclass(slots=True)
class Lane:
    """What one event loop owns of an endpoint."""

    session: aiohttp.ClientSession
    limits: Limits


_LIMITS: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[object, ...], Limits]] = WeakKeyDictionary()


def limits_of(block: OpenAIModel) -> Limits:
    """Return the running loop's limits for a model: one and the same for all who ask it there."""
    rates = (block.max_in_flight, block.requests_per_minute, block.tokens_per_minute)
    held = _LIMITS.setdefault(asyncio.get_running_loop(), {})
    return held.setdefault(
        (block.url, block.model, *rates),
        Limits(
            Window(block.max_in_flight),
            Pace(block.requests_per_minute) if block.requests_per_minute else None,
            Pace(block.tokens_per_minute) if block.tokens_per_minute else None,
            Hold(),
        ),
    )


class Endpoint:
    """One model at its address, with the key to it."""

    def __init__(self, block: OpenAIModel) -> None:
        self.block, self._key = block, _read_key(block)
        self.contacted = False
        _make_room(block)
        self._lanes: WeakKeyDictionary[asyncio.AbstractEventLoop, Lane] = WeakKeyDictionary()
        self._url = URL(f"{block.url}/chat/completions")
        self._proxy = None if block.is_loopback else _proxy(block.url)
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=min(block.timeout, 30.0))

    @property
    def secret(self) -> str:
        """The key, to be cut out of a server's words; empty where there is none."""
        return "" if self._key == NO_KEY else self._key

    @property
    def lane(self) -> Lane:
        """What the running loop owns, made on first use."""
        loop = asyncio.get_running_loop()
        lane = self._lanes.get(loop)
        if lane is None:
            lane = self._lanes[loop] = Lane(self._session(), limits_of(self.block))
        return lane

    def _session(self) -> aiohttp.ClientSession:
        # The window is the limit on calls; a second one in the pool would only hide it.
        connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, keepalive_timeout=30)
        jar = aiohttp.DummyCookieJar()
        return aiohttp.ClientSession(
            connector=connector, headers=self._headers(), timeout=self._timeout, cookie_jar=jar
        )

    def _headers(self) -> dict[str, str]:
        """Return what every request says; organisation and project as the `openai` package reads them."""
        named = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}
        given = {header: os.environ[name] for header, name in named.items() if os.environ.get(name)}
        return {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": f"castwright/{version('castwright')}",
            **given,
        }

    def client(self) -> openai.AsyncOpenAI:
        """Return a client of the `openai` package for everything but the hot call. To be closed by the caller."""
        return openai.AsyncOpenAI(
            api_key=self._key, base_url=self.block.url, max_retries=2, timeout=max(self.block.timeout, PROBE_SECONDS)
        )

    async def post(self, session: aiohttp.ClientSession, body: bytes) -> bytes | Fault:
        """Send one chat completion and return the body of the 200, or the fault. Never raises for a request."""
        try:
            async with asyncio.timeout(self.block.timeout):
                async with session.post(self._url, data=body, proxy=self._proxy) as response:
                    got = await response.read()
        except Exception as error:  # whatever the transport raises is this call's fault only
            return faults.fault_of(error, timeout=self.block.timeout, secret=self.secret)
        self.contacted = True
        if response.status == 200:
            return got
        return faults.status_fault(response.status, response.headers, got.decode("utf-8", "replace"), self.secret)

    async def probe(self) -> None:
        """Ask for `/models` once and raise what would fail for every row.

        Raises:
            ModelError: nobody answers, or the key is refused.
        """
        got = await self._list_models()
        # 403 may mean that this key must not list models and yet may use them: left to the first call, as all else.
        if isinstance(got, Fault) and (got.unreachable or got.status == 401):
            raise ModelError(await self.explain(got))
        self.contacted = self.contacted or not isinstance(got, Fault) or got.status is not None

    async def _list_models(self) -> bytes | Fault:
        """Return the body of `/models`, asked for on a connection of its own, or the fault."""
        try:
            async with (
                asyncio.timeout(PROBE_SECONDS),
                self._session() as session,
                session.get(f"{self.block.url}/models", proxy=self._proxy) as response,
            ):
                got = await response.read()
        except Exception as error:  # whatever the transport raises
            return faults.fault_of(error, timeout=PROBE_SECONDS, secret=self.secret)
        if response.status == 200:
            return got
        return faults.status_fault(response.status, response.headers, got.decode("utf-8", "replace"), self.secret)

    async def explain(self, fault: Fault) -> str:
        """Return the line that says why no call to this model can work, and what to do."""
        block = self.block
        if fault.unreachable:
            return f"no server at {block.url}; is it running? (model {block.model!r})"
        if fault.status in (401, 403) or fault.code == "invalid_api_key":
            return f"{block.url} refused the key: {fault.reason}; the key was {self._key_origin()}"
        if fault.status == 404 or fault.code == "model_not_found":
            has = await self.models()
            listed = f"; it has: {', '.join(has)}" if has else "; check base_url, it usually ends in /v1"
            return f"{block.url} does not know model {block.model!r}: {fault.reason}{listed}"
        if fault.code == "unsupported_parameter":
            return f"{block.url} takes no such parameter: {fault.reason}; remove it (extra_body: {{name: null}})"
        return f"{block.url} answers no calls for model {block.model!r}: {fault.reason}"

    def _key_origin(self) -> str:
        name = self.block.api_key_env
        return f"read from {name}" if self.secret else f"missing, {name} is not set"

    async def models(self) -> list[str]:
        """Return the names of the first 20 models the server lists, or none where it does not say."""
        got = await self._list_models()
        if isinstance(got, Fault):
            return []
        try:
            return [str(model["id"]) for model in orjson.loads(got)["data"]][:_MOST_LISTED]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return []  # no list of models: it only adds to an error that is raised anyway

    async def aclose(self) -> None:
        """Close the connections of the running loop."""
        lane = self._lanes.pop(asyncio.get_running_loop(), None)
        if lane:
            await lane.session.close()

    def close(self) -> None:
        """Close the connections of every loop; a loop that runs right now does it as its next task."""
        lanes, self._lanes = self._lanes, WeakKeyDictionary()
        for loop, lane in lanes.items():
            if loop.is_running():
                asyncio.run_coroutine_threadsafe(lane.session.close(), loop)
            elif loop.is_closed():
                _close_without_loop(lane.session)
            else:  # in a thread of its own: the caller may be inside another loop
                closing = threading.Thread(target=loop.run_until_complete, args=(lane.session.close(),))
                closing.start()
                closing.join()


def _close_without_loop(session: aiohttp.ClientSession) -> None:
    """Close what is left of a session whose loop was closed before it; there is nothing left to wait for."""
    steps = session.close().__await__()
    with contextlib.suppress(StopIteration):
        while True:
            next(steps)


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for this address, looked up once and not at every call."""
    address = URL(url)
    return None if proxy_bypass(address.host or "") else getproxies().get(address.scheme)


def _read_key(block: OpenAIModel) -> str:
    key = os.environ.get(block.api_key_env, "").strip()
    if key or block.is_loopback:
        return key or NO_KEY
    raise ModelError(
        f"environment variable {block.api_key_env} is not set, and {block.url} needs a key; "
        f"export {block.api_key_env}=... (any text where the server asks for none)"
    )


def _make_room(block: OpenAIModel) -> None:
    """Let this process hold a connection for every call in flight, as far as the system allows.

    Raises:
        ModelError: it allows fewer.
    """
    if sys.platform == "win32":
        return
    import resource

    needed = block.max_in_flight + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise ModelError(
            f"max_in_flight {block.max_in_flight:,} needs as many connections, and this system lets a process open "
            f"{hard:,} files; raise `ulimit -Hn` or set max_in_flight to {max(hard - _OTHER_FILES, 1):,} at most"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
