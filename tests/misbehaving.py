"""An OpenAI-compatible server on loopback that misbehaves on demand, over the offline model.

In a test: `with misbehaving(Faults(rate_limited=0.05)) as server:` and `server.url`; for load and for kills
`misbehaving_process`, which has its own interpreter and outlives whoever is killed. What it does to whom is
drawn in `misbehaving_faults`, the replies are in `misbehaving_replies`, the Batch and Files API in
`misbehaving_batches`, the counts in `misbehaving_ledger`; here are routes and processes. (Rejected: a mocked
transport, which drops no connection; a proxy before the real server, which cannot say what was billed.)
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import orjson
from aiohttp import web
from misbehaving_batches import BatchRoom
from misbehaving_faults import BatchFaults, Faults, fault_for, request_digest, wait_for
from misbehaving_handle import Handle
from misbehaving_ledger import Ledger
from misbehaving_replies import Attempt, abandoned, as_json, error, prompt_tokens, rate_limit, respond

from castwright.generators.models.completions import RefusedRequestError, Request, model_list, read_request

__all__ = ["BatchFaults", "Faults", "Handle", "Server", "misbehaving", "misbehaving_process"]

MOST_BYTES = 1024 * 1024 * 1024
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """The routes of one server and what they share."""

    def __init__(self, faults: Faults, log: Path | None = None) -> None:
        self.faults, self.ledger = faults, Ledger(log)
        self.batches = BatchRoom(lambda: self.faults, self.ledger)

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application(middlewares=[self._door], client_max_size=MOST_BYTES)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/control/stats", self._stats)
        app.router.add_get("/control/contents", self._contents)
        app.router.add_post("/control/reset", self._reset)
        app.router.add_post("/control/plan", self._plan)
        self.batches.add_routes(app.router)
        app.on_cleanup.append(self._close)
        return app

    @web.middleware
    async def _door(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Turn away who has no key, and give errors OpenAI's shape; with the caller's key in them if asked to."""
        if request.path.startswith("/control/"):
            return await handler(request)
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.ledger.authorization_seen |= bool(given)
        try:
            refusal = self._key_refusal(given)
            response = refusal if refusal is not None else await handler(request)
        except RefusedRequestError as refused:
            response = error(refused.status, refused.message, code=refused.code, param=refused.param)
        except web.HTTPException as refused:
            response = error(refused.status, f"{request.method} {request.path}: {refused.reason}")
        if self.faults.echo_key and given and response.status >= 400 and isinstance(response, web.Response):
            # Whole and in the words themselves, as the least careful servers do it.
            response.text = (response.text or "").replace('"message":"', f'"message":"[key {given}] ')
        return response

    def _key_refusal(self, given: str) -> web.Response | None:
        faults = self.faults
        if faults.forbidden:
            self.ledger.refused("forbidden")
            return error(403, "This key may not use this server.", code="forbidden")
        if faults.unauthorized or (faults.api_key is not None and given != faults.api_key):
            self.ledger.refused("unauthorized")
            return error(401, "Incorrect API key provided.", code="invalid_api_key")
        return None

    async def _complete(self, http: web.Request) -> web.StreamResponse:
        self.ledger.enter()
        try:
            data = await http.read()
            try:
                asked, model = self._read(data)
            except RefusedRequestError as refused:
                self.ledger.refused(refused.code or "refused")
                raise
            if turned_away := self._overload(model):
                return turned_away
            digest = request_digest(model, asked.messages, asked.seed)
            number = self.ledger.attempts(digest) + 1
            kind = fault_for(self.faults, digest, number)
            self.ledger.planned(digest, kind)
            attempt = Attempt(http, asked, model, self.faults, self.ledger, digest, number)
            if (wait := wait_for(self.faults, digest, number, kind)) > 0:
                try:
                    await asyncio.sleep(wait)
                except asyncio.CancelledError:
                    abandoned(attempt, kind)
                    raise
            return await respond(attempt, kind)
        finally:
            self.ledger.leave()

    def _overload(self, model: str) -> web.Response | None:
        if self.faults.quota:
            self.ledger.refused("insufficient_quota")
            words = "You exceeded your current quota, please check your plan and billing details."
            return error(429, words, code="insufficient_quota")
        if self.faults.capacity is not None and self.ledger.in_flight > self.faults.capacity:
            self.ledger.refused("over_capacity")
            return rate_limit(self.faults, model)
        return None

    def _read(self, body: bytes) -> tuple[Request, str]:
        """Return the request and its model.

        Raises:
            RefusedRequestError: malformed, another model, a format this server has not, a prompt too long.
        """
        faults = self.faults
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError:
            data = {}
        named = data.get("model") if isinstance(data, dict) else None
        if isinstance(named, str) and named not in faults.models:
            words = f"The model `{named}` does not exist or you do not have access to it."
            raise RefusedRequestError(404, words, "model", "model_not_found")
        model = str(named) if named in faults.models else faults.models[0]
        asked = read_request(body, model)
        form = (data.get("response_format") or {}).get("type")
        if (form == "json_schema" and faults.refuse_json_schema) or (
            form == "json_object" and faults.refuse_json_object
        ):
            words = f"response_format of type {form} is not supported by this server"
            raise RefusedRequestError(400, words, "response_format", f"no_{form}")
        if asked.stream:
            raise RefusedRequestError(400, "this server does not stream", "stream", "no_stream")
        wanted = prompt_tokens(asked) + int(data.get("max_tokens") or 0)
        if faults.context_tokens is not None and wanted > faults.context_tokens:
            words = f"This model's maximum context length is {faults.context_tokens} tokens; you asked for {wanted}."
            raise RefusedRequestError(400, words, "messages", "context_length_exceeded")
        return asked, model

    async def _models(self, _http: web.Request) -> web.Response:
        entries = [entry for model in self.faults.models for entry in model_list(model)["data"]]
        return as_json({"object": "list", "data": entries})

    async def _stats(self, _http: web.Request) -> web.Response:
        return as_json(self.ledger.stats())

    async def _contents(self, _http: web.Request) -> web.Response:
        return as_json(self.ledger.history)

    async def _reset(self, http: web.Request) -> web.Response:
        self.ledger.clear()
        self.batches.clear()
        return await self._plan(http)

    async def _plan(self, http: web.Request) -> web.Response:
        if body := await http.read():
            self.faults = Faults.from_json(body)
        return as_json({})

    async def _close(self, _app: web.Application) -> None:
        self.batches.clear()
        self.ledger.close()


async def _started(server: Server, port: int) -> tuple[web.AppRunner, str]:
    # A handler whose client has gone is cancelled, else a hang would count as in flight long after its timeout;
    # and whoever still waits when the server is closed gets no reply.
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/v1"


@contextlib.contextmanager
def misbehaving(faults: Faults | None = None, *, log: Path | None = None, port: int = 0) -> Iterator[Handle]:
    """Run a server in a thread of this process. Times and rates are those of a shared interpreter lock."""
    with asyncio.Runner() as runner:  # closing it cancels whatever is left on its loop
        loop = runner.get_loop()
        site, url = loop.run_until_complete(_started(Server(faults or Faults(), log), port))
        thread = threading.Thread(target=loop.run_forever, name="misbehaving", daemon=True)
        thread.start()
        try:
            yield Handle(url)
        finally:
            asyncio.run_coroutine_threadsafe(site.cleanup(), loop).result(timeout=30)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(timeout=10)


@contextlib.contextmanager
def misbehaving_process(faults: Faults | None = None, *, log: Path | None = None, port: int = 0) -> Iterator[Handle]:
    """Run a server as a process of its own session, which no kill of this one's group reaches.

    It ends with the context, and within a second after this process has ended in whatever way.

    Raises:
        RuntimeError: it did not start; the message has its words.
    """
    # The plan goes in by stdin: an API key in it must not stand among the machine's process arguments.
    command = [sys.executable, "-W", "ignore", __file__, "--port", str(port), "--plan", "-"]
    command += ["--parent", str(os.getpid()), *(["--log", str(log)] if log else [])]
    with tempfile.TemporaryFile() as words:  # not a pipe: nobody reads it while the server runs
        process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words, text=True, start_new_session=True
        )
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(BrokenPipeError):  # it has ended already: its words say why
                process.stdin.write((faults or Faults()).to_json())
                process.stdin.close()
            line = process.stdout.readline()
            if not line:
                process.wait(timeout=10)
                words.seek(0)
                raise RuntimeError(f"the server did not start: {words.read().decode(errors='replace').strip()}")
            yield Handle(str(orjson.loads(line)["url"]), process.pid)
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=10)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


async def _serve(server: Server, port: int, parent: int | None) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
    runner, url = await _started(server, port)
    sys.stdout.write(orjson.dumps({"url": url, "pid": os.getpid()}).decode() + "\n")
    sys.stdout.flush()
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.5)
        if parent is not None and os.getppid() != parent:
            break
    await runner.cleanup()


def main() -> None:
    """Serve until SIGTERM, Ctrl-C, or the end of the parent; the first line out is {"url", "pid"}."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--plan", default="{}", help="a JSON object of Faults' fields, or - for one on stdin")
    parser.add_argument("--log", type=Path, help="a file that gets one line per request: digest, attempt, kind")
    parser.add_argument("--parent", type=int, help="end when this process is no longer the parent")
    options = parser.parse_args()
    plan = Faults.from_json(sys.stdin.read() if options.plan == "-" else options.plan)
    asyncio.run(_serve(Server(plan, options.log), options.port, options.parent))


if __name__ == "__main__":
    main()
