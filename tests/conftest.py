"""Fixtures for all rooms: a journal of its own for every test, the offline model behind real HTTP on a free port."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples at every run, and no deadline that a busy machine misses: a red run can be repeated.
# To look further: pytest --hypothesis-profile=default --hypothesis-seed=N
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")

_journals = tempfile.TemporaryDirectory(prefix="castwright-journals-")
# for what is made before any test of a module: a run that several share
os.environ["CASTWRIGHT_JOURNAL"] = str(Path(_journals.name) / "journal.db")


@pytest.fixture(autouse=True)
def journal(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the journal of this test: no test reads the user's own, nor what another test was answered."""
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    monkeypatch.setenv("CASTWRIGHT_JOURNAL", str(path))
    return path


@pytest.fixture
def offline_server() -> Iterator[str]:
    """Yield the base URL (ending in /v1) of an offline server that runs in a thread for one test."""
    from aiohttp import web

    from castwright.generators.models.server import build_app

    loop = asyncio.new_event_loop()
    runner = web.AppRunner(build_app(), access_log=None, shutdown_timeout=2.0)

    async def start() -> str:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}/v1"

    url = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield url
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()
