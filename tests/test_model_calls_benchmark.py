"""The model-call benchmark runs, counts honestly, and its server takes what clients really send."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPT = FOLDER / "model_calls.py"
pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="the benchmarks are not part of an installed package")

ROWS = 200


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module that judges and prints measurements; the scripts find each other by their folder."""
    monkeypatch.syspath_prepend(str(FOLDER))
    import calls_report

    return calls_report


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the server's module."""
    monkeypatch.syspath_prepend(str(FOLDER))
    import calls_server

    return calls_server


def test_the_benchmark_runs_three_variants_to_the_same_replies(tmp_path: Path) -> None:
    """With few rows it prints a line for each variant and each goal, and writes what it and the server counted."""
    told = tmp_path / "calls.json"
    names = ["castwright", "aiohttp", "AsyncOpenAI"]
    command = [sys.executable, str(SCRIPT), "--rows", str(ROWS), "--latencies", "0", "--in-flight", "16"]
    command += ["--variants", ",".join(names), "--json", str(told)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 (our own script)
    assert done.returncode == 0, done.stdout + done.stderr
    measured = json.loads(told.read_text(encoding="utf-8"))["measures"]
    assert [one["variant"] for one in measured] == names
    assert len({one["digest"] for one in measured}) == 1
    for one in measured:
        assert one["right"] == one["rows_back"] == one["calls"] == one["prompts"] == ROWS
        assert 0 < one["first"] <= one["seconds"]
        assert one["cpu"] > 0
        assert one["peak"] > 10 * 2**20
        assert f"| {one['variant']} |" in done.stdout
    assert done.stdout.count("(goal: ") == 4
    assert "rows/s, to the fastest peer: not measured" in done.stdout


def test_a_variant_that_cannot_run_here_is_left_out_and_said_so(tmp_path: Path) -> None:
    """A peer without its package, and one whose interpreter is none, cost a line and not the run."""
    command = [sys.executable, str(SCRIPT), "--rows", "20", "--latencies", "0", "--in-flight", "4"]
    command += ["--variants", "curator,aiohttp", "--peer", f"curator={tmp_path / 'python'}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 (our own script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "left out: curator: " in done.stdout
    assert "--peer curator=PYTHON" in done.stdout
    assert "| aiohttp |" in done.stdout


def test_a_variant_that_takes_too_long_is_ended_and_the_run_says_so() -> None:
    """It is shown as failed, no goal is measured against it, and the exit status is 1."""
    command = [sys.executable, str(SCRIPT), "--rows", "5", "--latencies", "60", "--in-flight", "4"]
    command += ["--variants", "aiohttp", "--limit", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)  # noqa: S603 (our own script)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "not compared: aiohttp: failed: ended with -9" in done.stdout
    assert "rows/s, to the bare aiohttp loop: not measured" in done.stdout


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"right": 99}, id="a-wrong-reply"),
        pytest.param({"rows_back": 99}, id="a-lost-row"),
        pytest.param({"calls": 101}, id="a-row-asked-twice"),
        pytest.param({"prompts": 99, "calls": 99}, id="a-row-never-asked"),
        pytest.param({"failed": "ended with 1"}, id="a-crash"),
    ],
)
def test_a_variant_that_did_not_make_one_call_per_row_is_shown_but_not_compared(
    report: ModuleType, change: dict[str, int | str]
) -> None:
    """Its line has no numbers, the reason stands beneath, and no goal is measured against it."""
    good = report.Call("castwright", 0.0, 4, 100, 1.0, 0.1, 0.1, 2**20, 100, 100, 100, 100)
    bad = replace(good, variant="aiohttp", seconds=0.1, **change)
    middle = report.medians([good, bad, good, replace(bad, right=100)])
    text = report.table(middle)
    assert "| castwright | 100 | 1.00 | 0.10 | 1 | 1.00 | 1.00 |" in text
    assert "not compared: aiohttp: " in text
    assert "- rows/s, to the bare aiohttp loop: not measured (goal: at least 0.8)" in report.goals(middle)


@pytest.mark.parametrize(
    ("seconds", "met"),
    [
        pytest.param(1.99, "missed", id="just-short-of-twice-as-fast"),
        pytest.param(2.0, "met", id="exactly-twice-as-fast"),
    ],
)
def test_a_goal_is_measured_against_the_best_of_the_peers(report: ModuleType, seconds: float, met: str) -> None:
    """The fastest peer is the one to beat in rate and the leanest the one in CPU time, and they may differ."""
    ours = report.Call("castwright", 0.0, 4, 100, 1.0, 0.4, 0.1, 2**20, 100, 100, 100, 100)
    fast = replace(ours, variant="distilabel", seconds=seconds, cpu=3.0)
    lean = replace(ours, variant="curator", seconds=9.0, cpu=1.0)
    lines = report.goals(report.medians([ours, fast, lean]))
    assert f"- rows/s, to the fastest peer (distilabel): {seconds:.2f} × (goal: at least 2.0): {met}" in lines
    assert "- CPU per row, to the leanest peer (curator): 0.40 × (goal: at most 0.4): met" in lines


BODY = b'{"messages": []}'
WHOLE = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 16\r\nHost: x\r\n\r\n" + BODY
CHUNKED = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"7\r\n" + BODY[:7] + b"\r\n9;part=2\r\n" + BODY[7:] + b"\r\n0\r\n\r\n"
)


@pytest.mark.parametrize("sent", [pytest.param(WHOLE, id="with-a-length"), pytest.param(CHUNKED, id="in-chunks")])
def test_the_server_takes_a_request_only_when_it_is_whole(server: ModuleType, sent: bytes) -> None:
    """However it is cut by the network, nothing is taken early, and what follows it stays for the next."""
    for cut in range(len(sent)):
        assert server.take_request(sent[:cut]) is None
    head, body, used = server.take_request(sent + b"GET /next")
    assert head.startswith(b"POST /v1/chat/completions")
    assert (body, used) == (BODY, len(sent))
