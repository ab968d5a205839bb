"""The offline model behind HTTP, in OpenAI's format (`castwright serve-offline`).

It exists so that the whole path of a real run (client, retries, limits, parsing) can be exercised without a
provider, at a latency of one's choosing. The format is in `completions`; here are only routes and sockets, on
aiohttp. A reply is made inline: it takes less time than handing it to a thread. Listens on loopback unless
told otherwise, because it asks for no key.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import sys
from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from castwright.errors import CastwrightError
from castwright.generators.models.completions import (
    RefusedRequestError,
    chunks,
    completion,
    model_list,
    read_request,
)

MOST_BYTES = 16 * 1024 * 1024
"""The largest request body, in bytes: a whole novel in a prompt is some 2 MB."""

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(*, latency: float = 0.0, model: str = "offline") -> web.Application:
    """Return the application: `/v1/chat/completions` and `/v1/models`.

    Args:
        latency: seconds to wait before each reply; waiting calls do not hold each other up.
        model: the name it answers to.
    """

    async def complete(request: web.Request) -> web.StreamResponse:
        from castwright.generators.offline.reply import reply

        asked = read_request(await request.read(), model)
        if latency > 0:
            await asyncio.sleep(latency)
        texts = [reply(asked.messages, sample=asked.seed + i) for i in range(asked.choices)]
        if not asked.stream:
            return _json(completion(asked, model, texts))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        for chunk in chunks(asked, model, texts):
            await response.write(chunk)
        await response.write_eof()
        return response

    async def models(_request: web.Request) -> web.StreamResponse:
        return _json(model_list(model))

    app = web.Application(middlewares=[_errors_in_openai_shape], client_max_size=MOST_BYTES)
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_get("/v1/models", models)
    return app


@web.middleware
async def _errors_in_openai_shape(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Answer a refusal, and aiohttp's own 404, 405 and 413, with an error body as OpenAI shapes it."""
    try:
        return await handler(request)
    except RefusedRequestError as refusal:
        return _json(refusal.body(), refusal.status)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        words = f"{request.method} {request.path}: {error.reason}"
        return _json(
            RefusedRequestError(error.status, words, code="unknown_url" if error.status == 404 else None).body(),
            error.status,
        )


def _json(data: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(data), status=status, content_type="application/json")


def serve(host: str = "127.0.0.1", port: int = 8000, *, latency: float = 0.0, model: str = "offline") -> None:
    """Serve until Ctrl-C or SIGTERM, then return. Port 0 takes a free one.

    Raises:
        CastwrightError: the address cannot be had, above all because the port is in use.
    """
    # Where signals cannot be handled in the loop (Windows), Ctrl-C arrives as this exception instead.
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(host, port, build_app(latency=latency, model=model), model))


async def _serve(host: str, port: int, app: web.Application, model: str) -> None:
    # Calls still being answered get two seconds to finish after Ctrl-C, not aiohttp's sixty.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        sys.stdout.write(announcement(host, runner.addresses[0][1], model))
        sys.stdout.flush()
        await _until_told_to_stop()
    except OSError as error:
        raise CastwrightError(_refused_address(host, port, error)) from error
    finally:
        await runner.cleanup()


async def _until_told_to_stop() -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await stop.wait()


def _refused_address(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use; stop what listens there or take another (0 takes a free one)"
    return f"cannot listen on {host}:{port}: {error.strerror or error}"


def announcement(host: str, port: int, model: str) -> str:
    """Return what `serve` prints: the address, and the `model:` block that uses it."""
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"
    return (
        f"The offline model answers at {url} (Ctrl-C stops it). In a recipe:\n\n"
        f"model:\n  kind: openai\n  model: {model}\n  base_url: {url}\n\n"
    )
