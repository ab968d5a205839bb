"""A budget is kept by the server's own count, and what stopped under it goes on and pays for the rest only."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_run import asking, beyond_need, billed, command, complained, recipe_asking, replies, started, with_cards
from misbehaving import Faults, Handle, misbehaving_process
from small_run import data_files

from castwright.errors import Stopped
from castwright.pipelines.runner import run_recipe

# `slow` stands for a hang that ends: past the timeout, and billed all the same
BILLS_FOR_NOTHING = Faults(
    seed=4,
    rate_limited=0.05,
    dropped=0.06,
    malformed=0.06,
    slow=0.04,
    slow_seconds=1.5,
    most_faults_per_request=2,
    latency=0.01,
)
QUICK = {"timeout": 1.0}
BUDGET = re.compile(rb"budget:\n(  max_\w+: .*\n)+")


@dataclass(frozen=True)
class Uncapped:
    """What a run without a budget made, sent and cost."""

    files: dict[str, bytes]
    requests: int
    cost: float
    tokens: int


@pytest.fixture(scope="module")
def server() -> Iterator[Handle]:
    """Yield one server for all runs: they are told apart by `reset`."""
    with misbehaving_process(BILLS_FOR_NOTHING) as handle:
        yield handle


@pytest.fixture(scope="module")
def uncapped(server: Handle, tmp_path_factory: pytest.TempPathFactory) -> Uncapped:
    """Return what the whole run takes."""
    folder = with_cards(tmp_path_factory.mktemp("uncapped"))
    run_recipe(recipe_asking(server, model=QUICK), folder)
    stats = server.stats()
    assert stats["kinds"].keys() == {"ok", "rate_limited", "dropped", "malformed", "slow"}
    return Uncapped(rows_of(folder), stats["requests"], billed(server), stats["tokens_in"] + stats["tokens_out"])


def rows_of(folder: Path) -> dict[str, bytes]:
    """Return the run's data files, without what says the budget: the recipe, and its copy in each card."""
    files = data_files(folder)
    kept = {name: data for name, data in files.items() if name not in ("recipe.yaml", "journal.db")}
    return {name: BUDGET.sub(b"", data) if name.endswith("README.md") else data for name, data in kept.items()}


def stopped(server: Handle, folder: Path, model: Mapping[str, object] = QUICK, **budget: object) -> str:
    """Run under a budget that is too small; return what it says."""
    with pytest.raises(Stopped) as caught:
        run_recipe(recipe_asking(server, model=model, budget=budget), folder)
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_a_run_capped_at_a_cost_stops_below_it_and_goes_on_to_the_same_rows(
    server: Handle, uncapped: Uncapped, tmp_path: Path
) -> None:
    """By the server's bill, lost replies included; the second cap counts what the first part spent; nothing twice."""
    server.reset(BILLS_FOR_NOTHING)
    folder = with_cards(tmp_path / "run")
    spent = 0.0
    for cap in (0.4 * uncapped.cost, 0.6 * uncapped.cost):
        said = stopped(server, folder, max_cost=cap)
        assert spent < billed(server) < cap
        spent = billed(server)
        assert f"budget.max_cost {cap:g}: " in said
        assert "what was answered is kept, to go on: --set budget.max_cost=" in said
        assert beyond_need(server, BILLS_FOR_NOTHING) == 0
    run_recipe(recipe_asking(server, model=QUICK, budget={"max_cost": 20 * uncapped.cost}), folder)
    assert rows_of(folder) == uncapped.files
    assert server.stats()["requests"] == uncapped.requests
    assert billed(server) == pytest.approx(uncapped.cost)


def test_a_run_capped_at_tokens_stops_below_them_and_goes_on(
    server: Handle, uncapped: Uncapped, tmp_path: Path
) -> None:
    """The same for tokens, input and output."""
    server.reset(BILLS_FOR_NOTHING)
    folder = with_cards(tmp_path / "run")
    spent = 0
    for cap in (int(0.4 * uncapped.tokens), int(0.6 * uncapped.tokens)):
        said = stopped(server, folder, max_tokens=cap)
        stats = server.stats()
        assert spent < stats["tokens_in"] + stats["tokens_out"] < cap
        spent = stats["tokens_in"] + stats["tokens_out"]
        assert f"budget.max_tokens {cap:,}: " in said
    run_recipe(recipe_asking(server, model=QUICK, budget={"max_tokens": 20 * uncapped.tokens}), folder)
    assert rows_of(folder) == uncapped.files
    assert server.stats()["requests"] == uncapped.requests


def test_a_run_capped_at_a_time_stops_in_time_and_goes_on(server: Handle, uncapped: Uncapped, tmp_path: Path) -> None:
    """Calls that would not be back in time are not sent, and the parts' times are summed.

    A machine that stands still for a moment makes calls late that were sent in time: at most those in flight are lost.
    """
    server.reset(Faults(latency=0.2))
    folder = with_cards(tmp_path / "run")
    slowly = {"max_in_flight": 4}
    for limit, left in ((1.5, 1.5), (2.5, 1.0)):
        began = time.monotonic()
        said = stopped(server, folder, slowly, max_time=limit)
        assert time.monotonic() - began < left + 1.0
        assert f"budget.max_time {limit:g} s" in said
        lost = server.stats()["requests"] - replies(folder / "journal.db")
        assert server.stats()["requests"] > 0
        assert 0 <= lost <= 2 * slowly["max_in_flight"]
    assert "--set budget.max_time=5" in said
    run_recipe(recipe_asking(server, model=QUICK, budget={"max_time": 600}), folder)
    assert rows_of(folder) == uncapped.files
    assert server.stats()["requests"] <= uncapped.requests + 2 * slowly["max_in_flight"]


@pytest.mark.parametrize(
    "budget",
    [pytest.param({"max_cost": 1e-6}, id="a cost"), pytest.param({"max_tokens": 10}, id="tokens")],
)
def test_a_call_that_is_bigger_than_the_budget_is_not_sent(
    server: Handle, tmp_path: Path, budget: dict[str, float]
) -> None:
    """A clean stop before the first request, with the stage before it standing."""
    server.reset(BILLS_FOR_NOTHING)
    folder = with_cards(tmp_path / "run")
    said = stopped(server, folder, **budget)
    assert "the next call may" in said
    assert server.stats()["requests"] == 0
    assert {path.name for path in folder.iterdir()} - {"journal.db-shm", "journal.db-wal"} == {
        "persona_cards",
        "recipe.yaml",
        "journal.db",
        ".state",
    }


def test_the_command_ends_with_3_and_its_own_advice_goes_on(server: Handle, uncapped: Uncapped, tmp_path: Path) -> None:
    """One line that says what to add to the command, and nothing else; with that added the run is finished."""
    server.reset(BILLS_FOR_NOTHING)
    with_cards(tmp_path / "run")
    cap, advice = 0.6 * uncapped.cost, []
    words = command(tmp_path, asking(server, model=QUICK, budget={"max_cost": cap}))
    # lost replies count at the most they can have cost, so doubling once may not be enough
    while (code := started(tmp_path, [*words, *advice]).wait(timeout=60)) == 3:
        (line,) = complained(tmp_path).splitlines()
        assert line.startswith(f"castwright: budget.max_cost {cap:g}: ")
        assert billed(server) < cap < 5 * uncapped.cost
        advice = line.partition("to go on: ")[2].split()
        assert advice[0] == "--set"
        cap = float(advice[1].removeprefix("budget.max_cost="))
    assert (code, bool(advice)) == (0, True)
    assert complained(tmp_path) == ""
    assert rows_of(tmp_path / "run") == uncapped.files
    assert server.stats()["requests"] == uncapped.requests
