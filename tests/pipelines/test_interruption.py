"""Ctrl-C and SIGTERM: what was sent is waited for and kept, nothing is half written, the next run pays the rest."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_run import asking, command, complained, recipe_asking, replies, started, until, with_cards
from misbehaving import Faults, Handle, misbehaving_process
from small_run import data_files

from castwright.errors import Stopped
from castwright.generators.calls.stop import Stop
from castwright.pipelines.interruption import interruptible
from castwright.pipelines.runner import run_recipe

WIDE = {"max_in_flight": 64, "timeout": 20}
MANY = {"seed_examples": {"personas": 12, "questions": 6}}
SLOW = Faults(latency=1.0)
SIGNALS = [pytest.param(signal.SIGINT, id="Ctrl-C"), pytest.param(signal.SIGTERM, id="SIGTERM")]
GO_ON = "castwright: interrupted; what was answered is kept, run the same command again to go on"


@pytest.fixture(scope="module")
def server() -> Iterator[Handle]:
    """Yield one server for all runs: they are told apart by `reset`."""
    with misbehaving_process() as handle:
        yield handle


@pytest.fixture(scope="module")
def uninterrupted(server: Handle, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the files of a run that nobody interrupted."""
    folder = with_cards(tmp_path_factory.mktemp("uninterrupted"))
    run_recipe(recipe_asking(server, model=WIDE, **MANY), folder)
    return files_of(folder)


def files_of(folder: Path) -> dict[str, bytes]:
    """Return a run's files but the journal."""
    return {name: data for name, data in data_files(folder).items() if not name.startswith("journal.db")}


def asked_wide(server: Handle, folder: Path) -> subprocess.Popen[str]:
    """Start a run and wait until 64 of its calls are in flight."""
    process = started(folder, command(folder, asking(server, model=WIDE, **MANY)))
    until(lambda: server.stats()["in_flight"] == 64, process)
    return process


@pytest.mark.parametrize("number", SIGNALS)
def test_replies_in_flight_are_kept_and_the_next_run_pays_the_rest(
    server: Handle, uninterrupted: dict[str, bytes], tmp_path: Path, number: signal.Signals
) -> None:
    """64 calls under way at one second each: all are journalled, the stage is not there, and none is asked again."""
    server.reset(SLOW)
    run = with_cards(tmp_path / "run")
    process = asked_wide(server, tmp_path)
    sent = time.monotonic()
    process.send_signal(number)
    assert process.wait(timeout=30) == 130
    assert time.monotonic() - sent < 5.0
    assert complained(tmp_path).strip().splitlines() == [
        "castwright: 64 calls under way get 5 s to finish; once more stops at once",
        GO_ON,
    ]
    assert replies(run / "journal.db") == server.stats()["requests"] == 64
    left = {path.name for path in run.iterdir() if not path.name.startswith("journal.db")}
    assert left == {"persona_cards", "recipe.yaml", ".state"}
    server.replan(Faults())
    run_recipe(recipe_asking(server, model=WIDE, **MANY), run)
    assert files_of(run) == uninterrupted
    stats = server.stats()
    assert (stats["most_requests_per_content"], stats["answers_nobody_took"]) == (1, 0)


def test_a_second_ctrl_c_stops_at_once(server: Handle, uninterrupted: dict[str, bytes], tmp_path: Path) -> None:
    """Within a second and without a traceback; only what was in flight is paid for twice."""
    server.reset(SLOW)
    run = with_cards(tmp_path / "run")
    process = asked_wide(server, tmp_path)
    process.send_signal(signal.SIGINT)
    until(lambda: "once more stops at once" in complained(tmp_path), process)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert time.monotonic() - sent < 1.0
    assert len(complained(tmp_path).strip().splitlines()) == 1
    server.replan(Faults())
    run_recipe(recipe_asking(server, model=WIDE, **MANY), run)
    assert files_of(run) == uninterrupted
    stats = server.stats()
    assert stats["requests"] - stats["contents"] <= 64


def test_replies_that_take_longer_than_the_grace_are_not_waited_for(server: Handle, tmp_path: Path) -> None:
    """The run ends some five seconds after Ctrl-C, and says the same."""
    server.reset(Faults(latency=60.0))
    run = with_cards(tmp_path / "run")
    process = asked_wide(server, tmp_path)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert 4.9 < time.monotonic() - sent < 9.0
    assert complained(tmp_path).strip().splitlines()[1:] == [GO_ON]
    assert replies(run / "journal.db") == 0
    assert not (run / "seed_examples").exists()


def test_a_training_is_interrupted_between_its_steps(tmp_path: Path) -> None:
    """The stage before it stands, nothing of the training is left, and the words are the same."""
    recipe = {
        "name": "training",
        "journal": "run",
        "stages": ["style_rewriter", "rewriter_training"],
        "chat": {"kind": "bundled", "limit": 32},
        "rewriter_training": {"max_steps": 100_000, "width": 32, "layers": 1, "heads": 2},
    }
    process = started(tmp_path, command(tmp_path, recipe))
    until(lambda: (tmp_path / "run" / ".rewriter_training.writing").is_dir(), process)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert time.monotonic() - sent < 10.0
    lines = complained(tmp_path).strip().splitlines()
    assert lines == ["castwright: finishing what is under way; once more stops at once", GO_ON]
    assert (tmp_path / "run" / "style_rewriter" / "manifest.json").is_file()
    assert not (tmp_path / "run" / "rewriter_training").exists()


STUCK = """
import sys, threading
from distilabel.pipeline import Pipeline
from distilabel.steps import StepInput, step
from castwright.generators.calls.stop import Stop
from castwright.pipelines.executor import run_local
from castwright.pipelines.interruption import interruptible
from castwright.pipelines.load import LoadRows

@step(inputs=["number"], outputs=["number"])
def embeds_for_minutes(inputs: StepInput):
    print("at it", flush=True)
    threading.Event().wait({seconds})
    yield inputs

with Pipeline(name="stuck") as pipeline:
    LoadRows(rows=[{{"number": 1}}]) >> embeds_for_minutes()
stop = Stop()
with interruptible(stop, grace=0.2, patience=0.5):
    run_local(pipeline, stop=stop)
"""


def test_a_batch_that_cannot_be_called_off_does_not_hold_the_end_up(tmp_path: Path) -> None:
    """A plain step works in a thread, for minutes; the process ends in time all the same and says how to go on."""
    process = started(tmp_path, [sys.executable, "-W", "ignore", "-c", STUCK.format(seconds=60)])
    until(lambda: "at it" in (tmp_path / "said").read_text(), process)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert 0.7 <= time.monotonic() - sent < 3.0
    lines = complained(tmp_path).strip().splitlines()
    assert lines == ["castwright: finishing what is under way; once more stops at once", GO_ON]


@pytest.mark.parametrize("number", SIGNALS)
def test_in_a_notebook_a_second_one_is_an_exception_and_ends_no_process(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The user's variables live in that process; the handlers of before are back afterwards."""
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    before = signal.getsignal(number)
    stop = Stop()
    with interruptible(stop, grace=60.0):
        signal.raise_signal(number)
        assert isinstance(stop.error, Stopped)
        assert stop.error.exit_code == 130
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before
    assert "once more stops at once" in capfd.readouterr().err


def test_beside_a_running_loop_in_a_thread_nothing_is_installed(server: Handle, tmp_path: Path) -> None:
    """As a web server runs a recipe: it ends well, and signals stay the host's."""
    server.reset(Faults())
    run = with_cards(tmp_path / "run")
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    async def host() -> None:
        recipe = recipe_asking(server, stages=["persona_cards", "seed_examples"])
        await asyncio.to_thread(run_recipe, recipe, run, on_stage=lambda _: seen.append(signal.getsignal(2)))

    asyncio.run(host(), debug=False)
    assert len(seen) == 2
    assert all(handler is before or "interruptible" not in repr(handler) for handler in seen)
    assert (run / "seed_examples" / "manifest.json").is_file()
