"""A recipe whose calls go to the misbehaving server, and `castwright run` of it as a process of its own.

The persona cards are made once, by the offline model, and copied into every run: their stage imports torch for the
near-duplicates, which takes longer than all the rest. What is left asks the server in three stages. Shared by the
tests of budgets, interruptions and kills. (Rejected: the fixture of one finished run, which goes through stages that
these tests do not have.)
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from misbehaving import Faults, Handle
from misbehaving_faults import fault_for

from castwright.pipelines.recipe import Recipe
from castwright.pipelines.recipe_file import validate_recipe
from castwright.pipelines.runner import run_recipe

_folder: tempfile.TemporaryDirectory[str] | None = None  # kept alive until the process ends

RETRIES = 5
ASKING: dict[str, Any] = {
    "name": "asking",
    "seed": 3,
    "journal": "run",
    "stages": ["persona_cards", "seed_examples", "persona_responses", "dialogues", "export"],
    "personas": {"count": 12, "sources": [{"kind": "grid", "modern_share": 0.5}]},
    "persona_cards": {"model": {"kind": "offline"}},
    "questions": {"kind": "bundled", "limit": 20},
    "seed_examples": {"personas": 6, "questions": 2},
    "persona_responses": {"per_persona": 3, "rewrite": "none"},
    "dialogues": {"count": 6, "max_turns": 2},
    "prices": {"offline": {"input": 1.0, "output": 4.0}},
}


def asking(server: Handle | str, *, model: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return the recipe as plain data, with sections changed and keys of its model block."""
    url = server if isinstance(server, str) else server.url
    block = {"kind": "openai", "model": "offline", "base_url": url, "max_in_flight": 8, "max_tokens": 200}
    return {**ASKING, "model": {**block, "max_retries": RETRIES, "timeout": 2.0, **(model or {})}, **changes}


def recipe_asking(server: Handle, *, model: Mapping[str, Any] | None = None, **changes: Any) -> Recipe:
    """Return the recipe as an object."""
    return validate_recipe(asking(server, model=model, **changes))


@cache
def _cards() -> Path:
    global _folder
    _folder = tempfile.TemporaryDirectory(prefix="castwright-cards-")
    recipe = recipe_asking(Handle("http://127.0.0.1:9/v1"), stages=["persona_cards"])
    run_recipe(recipe, Path(_folder.name))
    return Path(_folder.name) / "persona_cards"


def with_cards(folder: Path) -> Path:
    """Give a run's folder the stage of persona cards, finished, and return it."""
    shutil.copytree(_cards(), folder / "persona_cards")
    return folder


def command(folder: Path, data: Mapping[str, Any], *more: str, name: str = "recipe.yaml") -> list[str]:
    """Write a recipe into a folder and return the command that runs it there, into the folder `run`."""
    (folder / name).write_text(yaml.safe_dump(dict(data)), encoding="utf-8")
    return [sys.executable, "-m", "castwright", "run", name, "--out", "run", *more]


def started(folder: Path, words: list[str], **environment: str) -> subprocess.Popen[str]:
    """Start a command in a folder, in a session of its own; what it says goes to `said` and `complained` there."""
    with (folder / "said").open("w") as said, (folder / "complained").open("w") as complained:
        return subprocess.Popen(  # noqa: S603 (our own interpreter)
            words,
            cwd=folder,
            env={**os.environ, "HF_HUB_OFFLINE": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=complained,
            text=True,
            start_new_session=True,
        )


def complained(folder: Path) -> str:
    """Return what the last command of a folder wrote to its standard error."""
    return (folder / "complained").read_text(encoding="utf-8")


def until(happened: Callable[[], object], process: subprocess.Popen[str] | None = None, seconds: float = 60.0) -> None:
    """Wait until something is true, looking every few milliseconds; fail when the process ends before."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it never happened"
        assert process is None or process.poll() is None, f"the process ended before, with {process.returncode}"
        time.sleep(0.005)


def replies(journal: Path) -> int:
    """Return how many replies a journal holds."""
    connection = sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=30)
    try:
        return int(connection.execute("SELECT COUNT(*) FROM replies").fetchone()[0])
    finally:
        connection.close()


def billed(server: Handle) -> float:
    """Return what the server would charge for all it has made, at the prices of the recipe."""
    stats, price = server.stats(), ASKING["prices"]["offline"]
    return float((stats["tokens_in"] * price["input"] + stats["tokens_out"] * price["output"]) / 1e6)


def beyond_need(server: Handle, faults: Faults, retries: int = RETRIES) -> int:
    """Return how many requests the server got beyond those that its faults made necessary, content by content.

    Only an `ok` is an answer: a `slow` reply comes after the timeout, here.
    """

    def needed(digest: str) -> int:
        attempts = range(1, retries + 2)
        return next((n for n in attempts if fault_for(faults, digest, n) == "ok"), retries + 1)

    return sum(max(0, len(kinds) - needed(digest)) for digest, kinds in server.contents().items())
