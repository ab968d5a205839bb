"""The loopback server of the model-call benchmark: OpenAI's chat completions at a fixed latency.

    python benchmarks/calls_server.py --latency 0.05        (prints its base URL, ends when its input ends)

One process, one `asyncio.Protocol`, no framework: the server shares the machine with what is measured, so what
it spends is missing there, and a request costs it less than the leanest client. It reads any header order,
bodies with a length or in chunks, and several requests on one connection; it counts every call and every
prompt, so that the benchmark can show that each row was asked once. Not offered: streaming, several choices.
(Rejected: aiohttp.web, which costs several times as much per request as the bare aiohttp client.)
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson
from calls_rows import MODEL, reply

COUNTS_PATH, FORGET_PATH = "/benchmark/counts", "/benchmark/forget"
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)")
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked")
_CLOSE = re.compile(rb"\r\nconnection:[ \t]*close")
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found"}
_BACKLOG = 4_096


@dataclass
class Counts:
    """What was asked since the last `forget`: calls, how often each prompt, the most calls open at one time.

    `since` is the CPU time that the server had spent by then, in seconds.
    """

    since: float = 0.0
    calls: int = 0
    open: int = 0
    most_open: int = 0
    prompts: Counter[str] = field(default_factory=Counter)

    def told(self) -> dict[str, float]:
        """Return the counts: `repeated` prompts were asked more than once; `server_cpu` is in seconds."""
        repeated = sum(1 for times in self.prompts.values() if times > 1)
        return {
            "calls": self.calls,
            "prompts": len(self.prompts),
            "repeated": repeated,
            "most_open": self.most_open,
            "server_cpu": time.process_time() - self.since,
        }

    def forget(self) -> None:
        """Begin to count anew."""
        self.calls, self.most_open, self.since = 0, self.open, time.process_time()
        self.prompts.clear()


class Server:
    """What all connections share: latency in seconds, counts, the loop."""

    def __init__(self, latency: float) -> None:
        self.latency, self.counts = latency, Counts()
        self.loop = asyncio.get_running_loop()
        listed = {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "benchmark"}]}
        self._models = response(200, listed)

    def answer(self, method: bytes, path: bytes, body: bytes) -> tuple[bytes, bool]:
        """Return a response and whether it is a model call's, which takes the latency."""
        route = path.partition(b"?")[0].rstrip(b"/")
        if method == b"POST" and route.endswith(b"/chat/completions"):
            return self._completion(body)
        if method == b"GET" and route.endswith(b"/models"):
            return self._models, False
        if route == COUNTS_PATH.encode():
            return response(200, self.counts.told()), False
        if route == FORGET_PATH.encode():
            self.counts.forget()
            return response(200, {}), False
        return refused(404, f"{method.decode()} {path.decode()} is not served here"), False

    def _completion(self, body: bytes) -> tuple[bytes, bool]:
        try:
            asked = orjson.loads(body)
            prompt = text_of(asked["messages"][-1]["content"])
        except (orjson.JSONDecodeError, KeyError, IndexError, TypeError):
            return refused(400, "the body is no chat completion request"), False
        if asked.get("stream") or (asked.get("n") or 1) != 1:
            return refused(400, "only single, unstreamed replies are served here"), False
        counts = self.counts
        counts.calls += 1
        counts.prompts[prompt] += 1
        text = reply(prompt)
        message = {"role": "assistant", "content": text, "refusal": None}
        tokens = len(prompt) // 4, len(text) // 4
        made = {
            "id": f"chatcmpl-{counts.calls}",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": asked.get("model", MODEL),
            "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
            "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)},
        }
        return response(200, made), True


class Connection(asyncio.Protocol):
    """One client's connection: takes whole requests out of what arrives and answers each."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._arrived = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete now."""
        self._arrived = self._arrived + data if self._arrived else data
        while self._arrived and (request := take_request(self._arrived)) is not None:
            head, body, used = request
            self._arrived = self._arrived[used:]
            method, path, _version = head[: head.index(b"\r\n")].split(b" ", 2)
            payload, is_call = self._server.answer(method, path, body)
            if is_call:
                counts = self._server.counts
                counts.open += 1
                counts.most_open = max(counts.most_open, counts.open)
            close = _CLOSE.search(head.lower()) is not None
            if is_call and self._server.latency:
                self._server.loop.call_later(self._server.latency, self._send, payload, is_call, close)
            else:
                self._send(payload, is_call, close)

    def _send(self, payload: bytes, is_call: bool, close: bool) -> None:
        if is_call:
            self._server.counts.open -= 1
        if not self._transport.is_closing():
            self._transport.write(payload)
            if close:
                self._transport.close()


def take_request(data: bytes) -> tuple[bytes, bytes, int] | None:
    """Return (head with its first and last line end, body, bytes used) of the first request, None until it is whole."""
    end = data.find(_HEAD_END)
    if end < 0:
        return None
    head, start = data[: end + 2], end + len(_HEAD_END)
    lower = head.lower()
    if length := _LENGTH.search(lower):
        stop = start + int(length[1])
        return None if stop > len(data) else (head, data[start:stop], stop)
    if _CHUNKED.search(lower):
        taken = take_chunks(data, start)
        return None if taken is None else (head, *taken)
    return head, b"", start


def take_chunks(data: bytes, start: int) -> tuple[bytes, int] | None:
    """Return (body, index after it) of a chunked body that begins at `start`, None until it is whole."""
    parts: list[bytes] = []
    while (line_end := data.find(b"\r\n", start)) >= 0:
        size = int(data[start:line_end].partition(b";")[0], 16)
        start = line_end + 2
        if size == 0:
            end = data.find(b"\r\n", start)  # no client here sends trailers, so this is the empty last line
            return None if end < 0 else (b"".join(parts), end + 2)
        parts.append(data[start : start + size])
        start += size + 2
    return None


def text_of(content: str | list[dict[str, Any]]) -> str:
    """Return a message's text, which some clients send as a list of parts."""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def response(status: int, content: dict[str, Any]) -> bytes:
    """Return a whole HTTP response with a JSON body."""
    body = orjson.dumps(content)
    return b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
        status,
        _REASONS[status].encode(),
        len(body),
        body,
    )


def refused(status: int, why: str) -> bytes:
    """Return a response in the shape of OpenAI's errors."""
    return response(status, {"error": {"message": why, "type": "invalid_request_error", "param": None, "code": None}})


async def serve(latency: float) -> None:
    """Serve on a free loopback port, print the base URL, and go on until standard input ends."""
    loop = asyncio.get_running_loop()
    server, over = Server(latency), asyncio.Event()
    listening = await loop.create_server(lambda: Connection(server), "127.0.0.1", 0, backlog=_BACKLOG)
    # Ends with the process that started it, however that one ends.
    loop.add_reader(sys.stdin.fileno(), lambda: over.set() if not os.read(sys.stdin.fileno(), 1) else None)
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", flush=True)
    gc.freeze()
    gc.disable()  # nothing here makes cycles per request, and a collection would stop every client at once
    await over.wait()
    listening.close()


def main() -> None:
    """Read the arguments and serve, on uvloop where it is installed."""
    parser = argparse.ArgumentParser(description="An OpenAI-compatible loopback server with a fixed latency.")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds from a request to its reply")
    given = parser.parse_args()
    run: Any = asyncio.run
    with contextlib.suppress(ImportError):
        import uvloop

        run = uvloop.run
    run(serve(given.latency))


if __name__ == "__main__":
    main()
