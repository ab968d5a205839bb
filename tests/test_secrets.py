"""A key is read from the environment and goes to the server; it is written nowhere else, whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest
import yaml
from misbehaving import BatchFaults, Faults, misbehaving_process

# a marker in the shape of no provider's key; the pieces are joined here so that this file cannot be what is found
MARKER = "castwright" + "-marker-" + "7f3a91c0d2"


def recipe(url: str, **changes: Any) -> dict[str, Any]:
    """Return a recipe whose cards are written, and whose personas answer, through an OpenAI-compatible server."""
    return {
        "name": "secret",
        "model": {"kind": "openai", "model": "offline", "base_url": url, "max_retries": 0},
        "stages": ["persona_cards", "seed_examples", "export"],
        "personas": {"sources": [{"kind": "table", "path": "cast.jsonl"}]},
        "questions": {"kind": "bundled", "limit": 3},
        "seed_examples": {"personas": 2, "questions": 1},
        **changes,
    }


def prepared(folder: Path, data: dict[str, Any]) -> Path:
    """Write the recipe and its characters, and return the recipe's path."""
    cast = [{"name": "Ada Birch", "description": "A surveyor."}, {"name": "Tom Reed", "description": "A ferryman."}]
    (folder / "cast.jsonl").write_text("\n".join(map(json.dumps, cast)), encoding="utf-8")
    path = folder / "secret.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def command_lines(process: subprocess.Popen[str], found: list[str], over: threading.Event) -> None:
    """Note the command lines of a process and its children until it is over."""
    while not over.is_set():
        try:
            main = psutil.Process(process.pid)
            found += [" ".join(each.cmdline()) for each in (main, *main.children(recursive=True))]
        except psutil.Error:
            return
        time.sleep(0.1)


def told(
    folder: Path, *command: str, meanwhile: Callable[[subprocess.Popen[str]], None] = lambda _: None
) -> tuple[int, str]:
    """Run a command with the marker as the key; return its exit code, and all it said and was called with.

    Its journal is in the folder. `meanwhile` is called with the process once it is there.
    """
    process = subprocess.Popen(  # noqa: S603 (our own interpreter)
        [sys.executable, *command],
        cwd=folder,
        env={
            **os.environ,
            "OPENAI_API_KEY": MARKER,
            "HF_HUB_OFFLINE": "1",
            "CASTWRIGHT_JOURNAL": str(folder / "journal.db"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []
    over = threading.Event()
    watcher = threading.Thread(target=command_lines, args=(process, lines, over), daemon=True)
    watcher.start()
    meanwhile(process)
    said, _ = process.communicate(timeout=240)
    over.set()
    watcher.join(timeout=10)
    assert any("castwright" in line for line in lines)
    return process.returncode, said + "\n".join(lines)


def files_with_marker(folder: Path) -> list[str]:
    """Return the files under a folder whose bytes, or those of a parquet file's columns, hold the marker."""
    found = []
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        text = path.read_bytes()
        if path.suffix == ".parquet":  # the pages are compressed: what a reader sees counts
            text += str(pl.read_parquet(path).to_dicts()).encode()
        if MARKER.encode() in text:
            found.append(str(path))
    return found


def test_the_search_finds_the_marker_where_it_is(tmp_path: Path) -> None:
    """The check itself works, in plain files and in compressed columns."""
    assert files_with_marker(tmp_path) == []
    (tmp_path / "plain.log").write_text(f"key={MARKER}", encoding="utf-8")
    pl.DataFrame({"text": [f"my key is {MARKER}"] * 100}).write_parquet(tmp_path / "rows.parquet", compression="zstd")
    assert len(files_with_marker(tmp_path)) == 2


def test_a_run_through_a_server_writes_the_key_nowhere(offline_server: str, tmp_path: Path) -> None:
    """Not into a table, a manifest, the recipe as resolved, the export or its card, nor into what it says."""
    prepared(tmp_path, recipe(offline_server))
    code, said = told(tmp_path, "-m", "castwright", "run", "secret.yaml")
    assert code == 0, said
    assert MARKER not in said
    assert files_with_marker(tmp_path) == []
    run = tmp_path / "runs" / "secret"
    assert (run / "export" / "personas" / "README.md").is_file()
    assert "OPENAI_API_KEY" in (run / "recipe.yaml").read_text(encoding="utf-8")


def test_a_server_that_refuses_the_key_in_the_middle_does_not_get_it_written(tmp_path: Path) -> None:
    """It repeats the whole key in its words, as careless servers do: they are passed on without it."""
    with misbehaving_process(Faults(api_key=MARKER, echo_key=True, latency=0.5)) as server:
        prepared(tmp_path, recipe(server.url))

        def refuse(_process: subprocess.Popen[str]) -> None:
            while not server.stats()["requests"]:
                time.sleep(0.02)
            server.replan(Faults(unauthorized=True, echo_key=True))

        code, said = told(tmp_path, "-m", "castwright", "run", "secret.yaml", meanwhile=refuse)
        assert server.stats()["authorization_seen"]
    assert code == 2, said
    assert "refused the key" in said
    assert "[key]" in said
    assert MARKER not in said
    assert (tmp_path / "journal.db").is_file()
    assert files_with_marker(tmp_path) == []


def test_faults_that_repeat_the_key_leave_it_in_no_reason(tmp_path: Path) -> None:
    """Rows that failed for good carry the server's words; the journal carries why their calls failed."""
    plan = Faults(api_key=MARKER, echo_key=True, bad_request=0.4, server_error=0.3, rate_limited=0.2)
    with misbehaving_process(plan) as server:
        prepared(tmp_path, recipe(server.url, stages=["persona_cards", "seed_examples", "export"]))
        code, said = told(tmp_path, "-m", "castwright", "run", "secret.yaml")
    assert code in (0, 2), said  # 2 where no row was left
    assert MARKER not in said
    assert (tmp_path / "journal.db").is_file()
    assert files_with_marker(tmp_path) == []


def test_batches_are_sent_with_the_key_and_hold_it_nowhere(tmp_path: Path) -> None:
    """Uploads, batches and what is remembered of them carry no key, nor do the server's words on lines it refused."""
    shares = BatchFaults(seconds=0.1, bad_request=0.2, server_error=0.2)
    plan = Faults(api_key=MARKER, echo_key=True, most_faults_per_request=1, batches=shares)
    with misbehaving_process(plan) as server:
        data = recipe(server.url)
        data["model"] |= {"batch": {"poll": 0.05, "quiet": 0.05}, "max_retries": 3}
        prepared(tmp_path, data)
        code, said = told(tmp_path, "-m", "castwright", "run", "secret.yaml")
        batches = server.stats()["batch"]["batches"]
    assert code in (0, 2), said  # 2 where no row was left
    assert batches > 0
    assert MARKER not in said
    assert (tmp_path / "journal.db").is_file()
    assert files_with_marker(tmp_path) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_a_run_that_is_ended_from_outside_leaves_no_key(tmp_path: Path, how: signal.Signals) -> None:
    """Also not in the journal's log of writes, which is left where a process was killed."""
    with misbehaving_process(Faults(api_key=MARKER, latency=0.3)) as server:
        prepared(tmp_path, recipe(server.url, model={**recipe(server.url)["model"], "max_in_flight": 1}))

        def end(process: subprocess.Popen[str]) -> None:
            while not server.stats()["contents_answered"]:
                time.sleep(0.02)
            process.send_signal(how)

        code, said = told(tmp_path, "-m", "castwright", "run", "secret.yaml", meanwhile=end)
    assert code == (130 if how == signal.SIGINT else -9), said
    assert MARKER not in said
    assert (tmp_path / "journal.db-wal").is_file() == (how == signal.SIGKILL)
    assert files_with_marker(tmp_path) == []


def test_a_saved_pipeline_names_the_variable_and_not_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loaded model is saved with the graph it is in: no key, and no path of this machine's journal."""
    from castwright.generators.models.config import OpenAIModel
    from castwright.generators.models.openai import OpenAICompatibleLLM
    from castwright.pipelines.style_rewriter import style_rewriter

    monkeypatch.setenv("OPENAI_API_KEY", MARKER)
    with misbehaving_process(Faults(api_key=MARKER)) as server:
        llm = OpenAICompatibleLLM(block=OpenAIModel(model="offline", base_url=server.url))
        llm.load()
        try:
            style_rewriter([{"row_id": "1", "casual": "hi"}], llm=llm).save(tmp_path / "pipeline.yaml", format="yaml")
        finally:
            llm.unload()
    text = (tmp_path / "pipeline.yaml").read_text(encoding="utf-8")
    assert "OPENAI_API_KEY" in text
    assert MARKER not in text
    assert "journal.db" not in text


def test_a_run_that_reaches_no_server_says_nothing_of_the_key(tmp_path: Path) -> None:
    """A wrong port is where request headers would be printed, if they ever were."""
    prepared(tmp_path, recipe("http://127.0.0.1:9/v1"))
    code, said = told(tmp_path, "-m", "castwright", "run", "secret.yaml")
    assert code == 2, said
    assert "castwright: " in said
    assert MARKER not in said
    assert files_with_marker(tmp_path) == []


RAISING = """
import sys
from castwright.generators.card_extraction import CardExtraction
from castwright import __main__

def breaks(self, row, text):
    key = __import__("os").environ["OPENAI_API_KEY"]  # a local variable that a traceback must not print
    raise ZeroDivisionError("a bug of ours")

CardExtraction.parse = breaks
if {outside}:
    from castwright.pipelines import runner
    def outside(*args, **kwargs):
        key = __import__("os").environ["OPENAI_API_KEY"]
        raise ZeroDivisionError("a bug of ours")
    runner.write_manifest = outside
    CardExtraction.parse = lambda self, row, text: {{"card": "", "card_text": "", "identity": ""}}
sys.argv = ["castwright", "run", "secret.yaml"]
__main__.main()
"""


@pytest.mark.parametrize("outside", [False, True], ids=["inside a step", "outside the graph"])
def test_a_traceback_of_a_bug_prints_no_local_variables(offline_server: str, tmp_path: Path, outside: bool) -> None:
    """distilabel installs a printer of tracebacks that shows locals; ours is the plain one."""
    prepared(tmp_path, recipe(offline_server))
    (tmp_path / "castwright_breaks.py").write_text(RAISING.format(outside=outside), encoding="utf-8")
    code, said = told(tmp_path, "castwright_breaks.py")
    assert code == (1 if outside else 2), said
    assert "a bug of ours" in said
    assert ("Traceback" in said) == outside
    assert MARKER not in said
    assert "locals" not in said
    (tmp_path / "castwright_breaks.py").unlink()
    assert files_with_marker(tmp_path) == []


@pytest.mark.slow
def test_an_error_on_distilabel_s_engine_says_nothing_of_the_key(tmp_path: Path) -> None:
    """The error crosses a process and comes back with what distilabel makes of it."""
    prepared(tmp_path, recipe("http://127.0.0.1:9/v1", engine="distilabel"))
    code, said = told(tmp_path, "-m", "castwright", "run", "secret.yaml")
    assert code == 2, said
    assert "castwright: no server at http://127.0.0.1:9/v1" in said
    assert "Traceback" not in said
    assert MARKER not in said
    assert files_with_marker(tmp_path) == []


def test_a_key_pasted_into_a_recipe_is_not_repeated(tmp_path: Path) -> None:
    """The error points at the place; the run's folder is not even made."""
    text = f"model: {{kind: openai, model: m, api_key: {MARKER}}}\n"
    (tmp_path / "pasted.yaml").write_text(text, encoding="utf-8")
    code, said = told(tmp_path, "-m", "castwright", "run", "pasted.yaml")
    assert code == 2, said
    assert "unknown key 'model.api_key'" in said
    assert MARKER not in said
    assert not (tmp_path / "runs").exists()
