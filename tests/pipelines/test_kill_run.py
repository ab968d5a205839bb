"""The kill run of the benchmarks, small: SIGKILL at drawn moments costs the calls in flight and not one byte."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import psutil
import pytest
from command_run import asking, command, complained, recipe_asking, replies, started, until, with_cards
from misbehaving import Faults, Handle, misbehaving_process

from castwright.pipelines.runner import run_recipe

FOLDER = Path(__file__).parents[2] / "benchmarks"
script_is_here = pytest.mark.skipif(
    not (FOLDER / "kill_run.py").is_file(), reason="the benchmarks are not part of an installed package"
)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the benchmark's module."""
    monkeypatch.syspath_prepend(str(FOLDER))
    import kill_run

    return kill_run


@pytest.mark.slow
@script_is_here
def test_a_run_that_is_killed_three_times_ends_with_the_same_bytes(script: ModuleType) -> None:
    """Killed among its calls: at most what was in flight is asked again, and every data file is the same."""
    outcome = script.kill_run(3, seed=2, small=True)
    assert [one.victim for one in outcome.kills] == ["process", "group", "process"]
    assert outcome.starts == 4
    assert outcome.kills[0].requests < outcome.kills[-1].requests < outcome.requests
    assert outcome.requests == outcome.needed + outcome.repeated
    assert outcome.repeated <= outcome.at_most == 3 * 8
    assert outcome.files > 20
    assert outcome.differing == ()
    assert f"repeated calls: {outcome.repeated}, allowed: 24" in script.table(outcome)


@script_is_here
def test_the_moments_depend_on_the_seed_alone_and_strike_in_order(script: ModuleType) -> None:
    """Half of them at a request itself, half at some time after it."""
    plan = list(script.moments(20, 500, seed=1))
    assert plan == list(script.moments(20, 500, seed=1)) != list(script.moments(20, 500, seed=2))
    counts = [count for count, _ in plan]
    assert counts == sorted(set(counts))
    assert any(wait == 0 for _, wait in plan)
    assert any(0 < wait <= script.SECONDS_AFTER for _, wait in plan)


# A graph on distilabel's engine, whose steps are processes


@contextmanager
def on_distilabel(folder: Path) -> Iterator[tuple[Handle, subprocess.Popen[str], list[psutil.Process]]]:
    """Yield a server, a run that asks it from workers, four calls at a time, and the processes of that run."""
    with misbehaving_process(Faults(latency=1.0)) as server:
        with_cards(folder / "run")
        recipe = asking(
            server,
            model={"max_in_flight": 4, "timeout": 10},
            engine="distilabel",
            stages=["persona_cards", "seed_examples"],
            seed_examples={"personas": 12, "questions": 4},
        )
        process = started(folder, command(folder, recipe))
        until(lambda: server.stats()["requests"] > 5, process)
        children = psutil.Process(process.pid).children(recursive=True)
        try:
            yield server, process, children
        finally:
            for each in (process, *children):
                if each.poll() is None if isinstance(each, subprocess.Popen) else each.is_running():
                    each.kill()


def gone(processes: list[psutil.Process]) -> bool:
    """Return whether none of them runs any more."""
    return not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes)


def calls_to(server: Handle, process: psutil.Process) -> bool:
    """Return whether a process has a connection to the server."""
    port = int(server.url.split(":")[2].removesuffix("/v1"))
    return any(each.raddr and each.raddr.port == port for each in process.net_connections())


def test_a_killed_worker_of_distilabel_s_engine_is_one_clear_error(tmp_path: Path) -> None:
    """The run does not wait for it for ever; what was answered is kept, and all its processes end."""
    with on_distilabel(tmp_path) as (server, process, children):
        (worker,) = (each for each in children if calls_to(server, each))
        worker.kill()
        assert process.wait(timeout=30) == 2
        (line,) = complained(tmp_path).splitlines()
        assert line.startswith(f"castwright: a process of distilabel's engine (number {worker.pid}) was killed")
        until(lambda: gone(children))
        asked = server.stats()["requests"]
        assert asked - 4 <= replies(tmp_path / "run" / "journal.db") <= asked
        server.replan(Faults())
        recipe = recipe_asking(
            server, stages=["persona_cards", "seed_examples"], seed_examples={"personas": 12, "questions": 4}
        )
        run_recipe(recipe, tmp_path / "run")
        assert server.stats()["requests"] <= 48 + 4


def test_workers_of_a_killed_run_make_no_further_calls(tmp_path: Path) -> None:
    """They have what is under way journalled and end: nothing is lost but the killed process."""
    with on_distilabel(tmp_path) as (server, process, children):
        process.kill()
        process.wait(timeout=30)
        until(lambda: gone(children), seconds=15)
        asked = server.stats()["requests"]
        assert replies(tmp_path / "run" / "journal.db") == asked < 48
        time.sleep(0.5)
        assert server.stats()["requests"] == asked
