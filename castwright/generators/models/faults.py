"""What a failed call means: try again, give this row up, or stop the run.

Pure functions from openai's exceptions and from reply bodies to a `Fault`, and from a fault to the seconds
until the next attempt; the loop that acts on them is in `openai`. openai's own retries are switched off
because they stop at HTTP: a body that is no JSON and an empty reply are not retried there, the number of
attempts is not reported, and a server that is not there at all costs fifteen seconds before it is said.
"""

from __future__ import annotations

import email.utils
import errno
import hashlib
import math
import random
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import openai
import orjson

from castwright.generators.models.answer import EXCERPT

BASE_DELAY = 0.5
"""Seconds before the second attempt; doubles with every further one."""
MAX_DELAY = 20.0
"""The longest wait, in seconds, that we choose ourselves."""
MAX_RETRY_AFTER = 120.0
"""The longest wait, in seconds, that a server may ask for; beyond it the row is given up."""

Verdict = Literal["retry", "drop", "stop"]

# Error codes that say that every further call will fail too, whatever the HTTP status they came with.
_STOP_CODES = frozenset({"insufficient_quota", "invalid_api_key", "model_not_found", "unsupported_parameter"})
_STOP_STATUS = frozenset({401, 402, 403, 404})
_RETRY_STATUS = frozenset({408, 409, 425, 429})
_TRANSPORTS = ("aiohttp", "httpx", "httpcore", "anyio")
_UNREACHABLE = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH})


@dataclass(frozen=True, slots=True)
class Fault:
    """One failed attempt. `retry_after` is the wait in seconds that the server asked for, if it did.

    `unreachable` says that nobody answered at that address (refused, unknown host), in contrast to a
    connection that broke. `lost` says that the server may have made, and billed, a reply that never came back;
    `congested` that it had more to do than it could.
    """

    verdict: Verdict
    reason: str
    status: int | None = None
    code: str | None = None
    retry_after: float | None = None
    unreachable: bool = False
    lost: bool = False
    congested: bool = False


def fault_of(error: Exception, *, timeout: float, secret: str = "") -> Fault:
    """Return what an exception of the openai client, of its transport, or a timeout of ours means.

    Whether it was a timeout is read from the chain of causes, like `is_unreachable`, and for the same reason.
    `secret` is cut out of the server's words: some servers repeat the key they refuse.
    """
    if isinstance(error, openai.APIStatusError):
        return status_fault(error.status_code, error.response.headers, error.response.text, secret)
    if is_unreachable(error):
        return Fault("retry", "no server at the address", unreachable=True)
    if any(isinstance(cause, TimeoutError) for cause in _causes(error)):
        return Fault("retry", f"no reply within {timeout:g} s", lost=True, congested=True)
    # The transports let some of their own exceptions through unwrapped (aiohttp's for what is no HTTP).
    foreign = isinstance(error, OSError) or type(error).__module__.startswith(_TRANSPORTS)
    if foreign or isinstance(error, openai.APIConnectionError):
        return Fault("retry", "connection lost", lost=True)
    return Fault("drop", excerpt(f"{type(error).__name__}: {error}", secret))


def status_fault(status: int, headers: Mapping[str, str], body: str, secret: str = "") -> Fault:
    """Return what an HTTP status other than 200 means, with the server's own words."""
    code = error_code(body)
    wait = retry_after(headers, now=time.time())
    reason = f"http {status}: {server_words(body, secret)}"
    if code in _STOP_CODES or status in _STOP_STATUS:
        verdict: Verdict = "stop"
    elif status in _RETRY_STATUS or status >= 500:
        verdict = "retry"
    else:
        verdict = "drop"
    if verdict == "retry" and wait is not None and wait > MAX_RETRY_AFTER:
        verdict, reason = "drop", f"{reason} (asked to wait {wait:.0f} s)"
    return Fault(verdict, reason, status, code, wait, congested=verdict == "retry" and status == 429)


def error_code(body: str) -> str | None:
    """Return the `code` of an error body in OpenAI's shape, or None."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    error = data.get("error", data) if isinstance(data, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return str(code) if code is not None else None


def is_unreachable(error: BaseException) -> bool:
    """Return whether nobody answered: refused, no route, unknown host, anywhere in the chain of causes.

    The chain is read instead of the exception's own type because openai's aiohttp transport reports a refused
    connection as a timeout (its table maps `ClientConnectionError` to `ConnectTimeout` first).
    """
    return any(
        isinstance(cause, socket.gaierror) or (isinstance(cause, OSError) and cause.errno in _UNREACHABLE)
        for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        cause = waiting.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        waiting.extend(e for e in (cause.__cause__, cause.__context__) if e is not None)
        if isinstance(cause, BaseExceptionGroup):
            waiting.extend(cause.exceptions)


def server_words(body: str, secret: str = "") -> str:
    """Return the message of an error body (OpenAI's shape, other JSON or text), cut to 200 characters."""
    try:
        data: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        data = body
    if isinstance(data, dict):
        data = data.get("error", data)
    if isinstance(data, dict):
        data = data.get("message") or data.get("detail") or data
    return excerpt(data if isinstance(data, str) else orjson.dumps(data).decode(), secret) or "(no words)"


def excerpt(text: str, secret: str = "") -> str:
    """Return a text on one line, cut to 200 characters, without the secret."""
    words = " ".join(text.split())
    return (words.replace(secret, "[key]") if secret else words)[:EXCERPT]


def retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """Return the seconds that `retry-after-ms` or `retry-after` (seconds or an HTTP date) ask for, or None.

    `now` is the Unix time that a date is counted from.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    parsed = email.utils.parsedate_tz(headers.get("retry-after", ""))
    return max(0.0, email.utils.mktime_tz(parsed) - now) if parsed else None


def delay(attempt: int, fault: Fault, seed: str) -> float:
    """Return the seconds to wait after failed attempt number `attempt` (from 1).

    Doubling with full jitter between half and the whole, drawn from `seed` so that calls spread out and a
    run repeats; never shorter than what the server asked for.
    """
    draw = random.Random(hashlib.sha256(f"{seed}:{attempt}".encode()).digest()).uniform(0.5, 1.0)
    chosen = min(MAX_DELAY, BASE_DELAY * 2.0 ** min(attempt - 1, 30)) * draw
    # The jitter is added on top of the server's wait: all who were told "1 s" would come back together.
    return chosen if fault.retry_after is None else fault.retry_after + chosen * 0.5
