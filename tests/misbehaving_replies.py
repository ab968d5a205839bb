"""One function per kind of reply, good and bad, as the misbehaving server sends it.

The bad ones are built on the good one, because that is how they come about: a gateway cuts a good body, a
model stops early, a connection ends with half of the bytes sent. What was computed is billed before it is
spoilt. Where real servers differ in the same fault (HTML from a proxy or JSON from the model, FIN or RST,
null or an empty text) a seeded draw takes turns. (Rejected: bad bodies written out by hand, which drift from
what a real reply looks like and cannot be cut in its middle.)
"""

from __future__ import annotations

import asyncio
import email.utils
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web
from misbehaving_faults import ANSWERED_KINDS, Faults, Kind, draw
from misbehaving_ledger import Ledger

from castwright.generators.models.answer import estimate_tokens
from castwright.generators.models.completions import Request, completion
from castwright.generators.offline.reply import reply

HTML = b"<html><head><title>502 Bad Gateway</title></head><body><center>502 Bad Gateway</center></body></html>"

_NO_ROOM = frozenset({"empty", "filtered"})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that is being answered."""

    http: web.Request
    asked: Request
    model: str
    faults: Faults
    ledger: Ledger
    digest: str
    number: int

    @property
    def dice(self) -> float:
        """A draw between the forms in which one fault comes."""
        return draw(self.faults.seed, self.digest, self.number, "form")


def completed(asked: Request, model: str, kind: str, dice: float = 0.0) -> dict[str, Any]:
    """Return the completion for a request, spoilt in its content where `kind` says so."""
    texts = [reply(asked.messages, sample=asked.seed + i) for i in range(asked.choices)]
    if kind == "truncated":
        texts = [text[: max(1, len(text) // 2)] for text in texts]
    elif kind in _NO_ROOM:
        texts = [""] * asked.choices
    body = completion(asked, model, texts)
    for choice in body["choices"]:
        choice["finish_reason"] = {"truncated": "length", "filtered": "content_filter"}.get(kind, "stop")
        if kind in _NO_ROOM and dice < 0.5:
            choice["message"]["content"] = None
    return body


def prompt_tokens(asked: Request) -> int:
    """Return the estimated tokens of a prompt, as its `usage` will say."""
    return sum(estimate_tokens(message["content"]) for message in asked.messages)


async def respond(attempt: Attempt, kind: Kind) -> web.StreamResponse:
    """Return the reply to an attempt, or end its connection, as the kind of fault wants it."""
    return await _RESPONSES.get(kind, _whole)(attempt, kind)


def abandoned(attempt: Attempt, kind: Kind) -> None:
    """Note that the client left while its reply was being computed: it is billed, and reaches nobody."""
    if kind in ANSWERED_KINDS:
        _computed(attempt, kind)
        attempt.ledger.answer(attempt.digest, taken=False)


def error(
    status: int, message: str, *, code: str | None = None, param: str | None = None, **headers: str
) -> web.Response:
    """Return an error in OpenAI's shape."""
    kind = {401: "authentication_error", 403: "permission_error", 429: "requests"}.get(status, "invalid_request_error")
    if status >= 500:
        kind = "server_error"
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json", headers=named)


def as_json(data: object) -> web.Response:
    """Return a 200 with a JSON body."""
    return web.Response(body=orjson.dumps(data), content_type="application/json")


def rate_limit(faults: Faults, model: str) -> web.Response:
    """Return a 429, with the header that says how long to wait where the plan has one."""
    headers: dict[str, str] = {}
    if faults.retry_after is not None and faults.retry_after_form == "milliseconds":
        headers["retry_after_ms"] = f"{faults.retry_after * 1000:g}"
    elif faults.retry_after is not None and faults.retry_after_form == "date":
        headers["Retry_After"] = email.utils.formatdate(time.time() + faults.retry_after, usegmt=True)
    elif faults.retry_after is not None:
        headers["Retry_After"] = f"{faults.retry_after:g}"
    words = f"Rate limit reached for {model} on requests per min. Please try again."
    return error(429, words, code="rate_limit_exceeded", **headers)


async def hang_up(http: web.Request, *, reset: bool) -> None:
    """End a connection where it stands: with a FIN, or with a RST as a crashed peer does."""
    transport = http.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if reset and raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await asyncio.sleep(0)


async def half(http: web.Request, body: bytes, content_type: str = "application/json") -> web.StreamResponse:
    """Promise a whole body, send half of it, and hang up."""
    response = web.StreamResponse()
    response.content_type = content_type
    response.content_length = len(body)
    await response.prepare(http)
    await response.write(body[: len(body) // 2])
    await hang_up(http, reset=False)
    return response


def _computed(attempt: Attempt, kind: str) -> bytes:
    body = completed(attempt.asked, attempt.model, kind, attempt.dice)
    attempt.ledger.bill(body["usage"])
    return orjson.dumps(body)


async def _whole(attempt: Attempt, kind: Kind) -> web.Response:
    transport = attempt.http.transport
    taken = transport is not None and not transport.is_closing()
    body = _computed(attempt, kind)
    if kind == "hang" or kind in ANSWERED_KINDS:
        attempt.ledger.answer(attempt.digest, taken=taken)
    return web.Response(body=body, content_type="application/json")


async def _rate_limited(attempt: Attempt, _kind: Kind) -> web.Response:
    return rate_limit(attempt.faults, attempt.model)


async def _server_error(attempt: Attempt, _kind: Kind) -> web.Response:
    if attempt.dice < 1 / 3:
        return web.Response(body=HTML, status=502, content_type="text/html")
    if attempt.dice < 2 / 3:
        return error(503, "The server is overloaded. Please try again later.")
    return error(500, "The server had an error while processing your request.")


async def _dropped(attempt: Attempt, kind: Kind) -> web.StreamResponse:
    return await half(attempt.http, _computed(attempt, kind))


async def _refused_early(attempt: Attempt, _kind: Kind) -> web.Response:
    await hang_up(attempt.http, reset=attempt.dice < 0.5)
    return web.Response(status=500)  # never sent: the connection is gone


async def _malformed(attempt: Attempt, kind: Kind) -> web.Response:
    body = _computed(attempt, kind)
    return web.Response(body=body[: len(body) // 2], content_type="application/json")


async def _wrong_shape(attempt: Attempt, _kind: Kind) -> web.Response:
    if attempt.dice < 0.5:
        return as_json({"error": {"message": "The upstream model is busy.", "type": "upstream_error", "code": 502}})
    return as_json({"id": "chatcmpl-0", "object": "chat.completion", "model": attempt.model, "choices": []})


async def _bad_request(attempt: Attempt, _kind: Kind) -> web.Response:
    return error(400, "Invalid prompt: this server takes no messages like these.", code="invalid_prompt")


_RESPONSES: dict[Kind, Callable[[Attempt, Kind], Awaitable[web.StreamResponse]]] = {
    "rate_limited": _rate_limited,
    "server_error": _server_error,
    "dropped": _dropped,
    "refused_early": _refused_early,
    "malformed": _malformed,
    "wrong_shape": _wrong_shape,
    "bad_request": _bad_request,
}
