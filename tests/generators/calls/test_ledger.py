"""The open books of a run: written together, counted exactly, stopped in time, closed with nothing left over."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from castwright.errors import JournalError, Stopped
from castwright.generators.calls.account import Account, Budget
from castwright.generators.calls.journal import Entry, FailedCall, Journal, Reply
from castwright.generators.calls.ledger import Ledger, open_ledger
from castwright.generators.calls.purse import Bound
from castwright.generators.calls.usage import Price, Usage
from castwright.generators.calls.writer import FULL

MODEL = ("m", False)
ACCOUNT = Account(run="r", stage="s", execution="e", prices={"m": Price(input=1_000_000, output=1_000_000)})


def entry(key: str, text: str = "x") -> Entry:
    return Entry(key.encode(), Reply(text), attempts=1, model="m", endpoint="here", created=0.0)


def written(path: Path) -> set[bytes]:
    held = Journal(path)
    keys = {key for (key,) in held.connection.execute("SELECT key FROM replies")}
    held.close()
    return keys


def on_the_writers_connection(ledger: Ledger, do: Callable[[sqlite3.Connection], object]) -> None:
    ledger._writer._thread.submit(lambda: do(ledger.journal.connection)).result()


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Return what runs a coroutine to its end on a new loop of either kind."""

    def to_its_end(work: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(work)

    return to_its_end


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    held = open_ledger(ACCOUNT)
    yield held
    if held.holders:
        held.release()


def test_many_replies_are_committed_together_and_each_is_told_what_stands(
    ledger: Ledger, run: Callable[..., Any], journal: Path
) -> None:
    """A thousand at once; one of them was answered before by somebody else."""
    Journal(journal).write([entry("7", "first")])

    async def work() -> list[Reply | None]:
        return await asyncio.gather(*(ledger.write(entry(str(i))) for i in range(4 * FULL)))

    statements: list[str] = []
    on_the_writers_connection(ledger, lambda connection: connection.set_trace_callback(statements.append))
    standing = run(work())
    assert 4 <= statements.count("COMMIT") <= 6
    assert standing == [Reply("first" if i == 7 else "x") for i in range(4 * FULL)]
    assert len(written(journal)) == 4 * FULL
    assert ledger.stop.calls_under_way == 0


def test_after_a_flush_on_the_loop_nothing_is_left_for_the_close(
    ledger: Ledger, run: Callable[..., Any], journal: Path
) -> None:
    """Waiting entries are committed at once, their writers told, and the loop may end."""

    async def work() -> None:
        writing = [asyncio.create_task(ledger.write(entry(key))) for key in "abc"]
        await asyncio.sleep(0)
        await ledger.aflush()
        assert written(journal) == {b"a", b"b", b"c"}
        await asyncio.wait_for(asyncio.gather(*writing), 5)

    run(work())
    ledger.release()
    assert written(journal) == {b"a", b"b", b"c"}


def test_entries_of_a_loop_that_has_ended_are_written_by_the_close(
    ledger: Ledger, run: Callable[..., Any], journal: Path
) -> None:
    """What waited for company when its loop ended, called off or not, was paid for."""

    async def work() -> None:
        tasks = [asyncio.create_task(ledger.write(what)) for what in (entry("a"), FailedCall("t", b"b", "gone"))]
        await asyncio.sleep(0)
        tasks[0].cancel()

    run(work())
    assert ledger.stop.calls_under_way == 2
    ledger.release()
    assert written(journal) == {b"a"}
    assert Journal(journal).failures("t") == {b"b": "gone"}
    assert ledger.stop.calls_under_way == 0


def test_a_close_waits_for_what_is_being_written(ledger: Ledger, run: Callable[..., Any], journal: Path) -> None:
    """Somebody else is writing for a while: all that was handed over before the loop ended is written after that."""
    other = sqlite3.connect(journal, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.1, other.execute, ["ROLLBACK"]).start()

    async def work() -> None:
        _ = [asyncio.create_task(ledger.write(entry(str(i)))) for i in range(FULL + 1)]
        await asyncio.sleep(0)

    run(work())
    ledger.release()
    other.close()
    assert len(written(journal)) == FULL + 1


def test_a_close_from_another_thread_writes_and_tells_those_who_wait(
    ledger: Ledger, run: Callable[..., Any], journal: Path
) -> None:
    """Nobody waits for ever on a ledger that is closed, and nobody writes into it any more."""

    async def work() -> None:
        writing = asyncio.create_task(ledger.write(entry("a")))
        await asyncio.sleep(0)
        await asyncio.to_thread(ledger.release)
        assert await asyncio.wait_for(writing, 5) == Reply("x")
        with pytest.raises(JournalError, match="was closed while calls were still coming in"):
            await ledger.write(entry("b"))
        await ledger.aflush()  # the connections of a model are closed after it

    run(work())
    assert written(journal) == {b"a"}


def test_a_process_that_just_ends_has_written_what_it_counted(journal: Path) -> None:
    """Without a release, at the interpreter's exit, when no thread takes work any more."""
    code = """
import asyncio
from castwright.generators.calls.account import Account
from castwright.generators.calls.journal import Entry, Reply
from castwright.generators.calls.ledger import open_ledger
account = Account(run="r", stage="s", execution="e")
ledger = open_ledger(account)
ledger.tab(account, ("m", False)).asked += 3
async def work():
    asyncio.create_task(ledger.write(Entry(b"a", Reply("x"), 1, "m", "here", 0.0)))
    await asyncio.sleep(0)
asyncio.run(work())
"""
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ}, capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stderr == ""
    assert written(journal) == {b"a"}
    assert Journal(journal).used("r")[MODEL].asked == 3


def test_counts_are_exact_while_threads_count_and_commit_at_once(ledger: Ledger, journal: Path) -> None:
    """Four loops count on one tab and flush in between: no count is lost and none is written twice."""
    tab = ledger.tab(ACCOUNT, MODEL)

    async def work(name: int) -> None:
        for i in range(200):
            tab.asked += 1
            tab.count(1, 0, 1, 0.5)
            if i % 20 == 0:
                await ledger.write(entry(f"{name} {i}"))

    threads = [threading.Thread(target=lambda n=name: asyncio.run(work(n))) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.release()
    used = Journal(journal).used("r", stage="s", execution="e")[MODEL]
    assert (used.asked, used.answer_input, used.output_squares, used.seconds) == (800, 800, 800, 400.0)


def test_what_could_not_be_written_is_an_error_for_its_rows_and_its_counts_are_kept(
    ledger: Ledger, run: Callable[..., Any], journal: Path
) -> None:
    """The disk is full: the writers are told; when it has room again, the counts are as if nothing had been."""

    def pages(most: int) -> None:
        on_the_writers_connection(ledger, lambda one: one.execute(f"PRAGMA max_page_count = {most}").fetchone())

    async def work() -> None:
        ledger.tab(ACCOUNT, MODEL).asked += 5
        pages(1)
        both = await asyncio.gather(*(ledger.write(entry(key, "y" * 50_000)) for key in "ab"), return_exceptions=True)
        assert [type(one) for one in both] == [JournalError, JournalError]
        pages(1_000_000)
        assert await ledger.write(entry("c")) == Reply("x")

    run(work())
    assert ledger.stop.calls_under_way == 0
    ledger.release()
    assert written(journal) == {b"c"}
    assert Journal(journal).used("r")[MODEL].asked == 5


def test_a_run_has_one_ledger_in_a_process_until_its_last_holder_gives_it_back() -> None:
    """Stages share it, another run does not, and calls of no run share nothing."""
    first, second = open_ledger(ACCOUNT), open_ledger(ACCOUNT.model_copy(update={"stage": "t"}))
    other, none, nor_this = open_ledger(Account(run="q")), open_ledger(Account()), open_ledger(Account())
    assert first is second
    assert len({id(one) for one in (first, other, none, nor_this)}) == 4
    first.release()
    first.flush()  # still open
    for held in (second, other, none, nor_this):
        held.release()
    again = open_ledger(ACCOUNT)
    assert again is not first
    again.release()


def test_a_run_that_goes_on_knows_what_it_spent_and_how_long_it_took(run: Callable[..., Any]) -> None:
    """Money, tokens and time of all parts are counted against the budget."""
    spent = []
    for _ in range(2):
        held = open_ledger(ACCOUNT)
        spent.append((held.purse.cost, held.purse.tokens, held.seconds))

        async def one_call(held: Ledger = held) -> None:
            await held.admit(MODEL, Bound(100, 100))
            held.settle(held.tab(ACCOUNT, MODEL), MODEL, Bound(100, 100), Reply("x", None, 3, 0, 4))

        run(one_call())
        time.sleep(0.05)
        held.release()
    assert spent[0][:2] == (0.0, 0)
    assert spent[1][:2] == (7.0, 7)
    assert spent[1][2] >= 0.05


def test_a_lost_reply_is_counted_at_the_most_it_can_have_cost(ledger: Ledger, run: Callable[..., Any]) -> None:
    """And a refusal at nothing."""

    async def work() -> None:
        for lost in (True, False):
            await ledger.admit(MODEL, Bound(10, 20))
            assert ledger.stop.calls_under_way == 1
            ledger.settle(ledger.tab(ACCOUNT, MODEL), MODEL, Bound(10, 20), None, lost=lost)

    run(work())
    assert ledger.tab(ACCOUNT, MODEL) == Usage(lost_input=10, lost_output=20)
    assert (ledger.purse.cost, ledger.purse.tokens) == (30.0, 30)


def test_a_call_waits_for_the_budget_and_stops_when_nothing_can_give_any_back(run: Callable[..., Any]) -> None:
    """The first comes in below its bound, so the second fits; the third never will."""
    account = ACCOUNT.model_copy(update={"budget": Budget(max_tokens=100)})
    held, order = open_ledger(account), list[str]()
    tab = held.tab(account, MODEL)

    async def call(name: str, takes: float, tokens: int) -> None:
        await held.admit(MODEL, Bound(30, 30))
        order.append(f"{name} sent")
        await asyncio.sleep(takes)
        held.settle(tab, MODEL, Bound(30, 30), Reply("x", None, tokens, 0, 0))
        order.append(f"{name} in")

    async def work() -> None:
        await asyncio.gather(call("one", 0.1, 40), call("two", 0.1, 40))
        with pytest.raises(Stopped, match=r"budget.max_tokens 100: 80 are used and the next call may take 60"):
            await call("three", 0.0, 0)

    run(work())
    assert order == ["one sent", "one in", "two sent", "two in"]
    assert held.purse.tokens == 80
    held.release()


def test_a_run_whose_time_is_up_sends_no_call(run: Callable[..., Any]) -> None:
    """It stops while calls are sent, and at any look while none is."""
    account = ACCOUNT.model_copy(update={"budget": Budget(max_time=0.2)})
    held = open_ledger(account)

    async def work() -> None:
        await held.admit(MODEL, Bound(1, 1))
        held.settle(held.tab(account, MODEL), MODEL, Bound(1, 1), Reply("x"))
        await asyncio.sleep(0.25)
        with pytest.raises(Stopped, match=r"budget.max_time 0.2 s: .* --set budget.max_time=0.4"):
            await held.admit(MODEL, Bound(1, 1))

    run(work())
    held.release()
    again = open_ledger(account)
    with pytest.raises(Stopped, match=r"budget\.max_time"):
        again.stop.check()
    again.release()


def test_a_call_that_would_not_be_back_in_time_is_not_sent(run: Callable[..., Any]) -> None:
    """As long as calls have taken so far, the last ones before the end are waited for and no new one is sent."""
    account = ACCOUNT.model_copy(update={"budget": Budget(max_time=60.0)})
    held = open_ledger(account)
    for _ in range(200):
        held.took(61.0)
    with pytest.raises(Stopped, match=r"budget\.max_time 60 s"):
        run(held.admit(MODEL, Bound(1, 1)))
    held.release()
