"""Every call is asked once: looked up, shared, counted, remembered, and waited for when a run stops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from castwright.errors import JournalError, ModelError, Stopped
from castwright.generators.calls.account import Account, Budget
from castwright.generators.calls.desk import CallKeys, Desk, Fetched
from castwright.generators.calls.journal import Entry, Journal, Reply
from castwright.generators.calls.ledger import open_ledger
from castwright.generators.calls.purse import Bound

MODEL = ("m", False)
ACCOUNT = Account(run="r", stage="s", execution="e", attempt="first")
ASK = [{"role": "user", "content": "Where is the harbour?"}]
KEY = b"k" * 16


class Model:
    """A model at its desk that counts what it is asked. `answers` are given in turn, the last one for ever."""

    def __init__(self, desk: Desk, *answers: Reply | str, takes: float = 0.0) -> None:
        self.desk, self.takes, self.asked = desk, takes, 0
        self.answers = answers or (Reply("By the mill.", "stop", 7, 2, 5),)

    async def fetch(self) -> Fetched | str:
        bound, reply = Bound(10, 10), None
        await self.desk.admit(bound)
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        try:
            await asyncio.sleep(self.takes)
            reply = answer if isinstance(answer, Reply) else None
        finally:
            self.desk.settle(bound, reply, lost=reply is None)
        return Fetched(answer, 1) if isinstance(answer, Reply) else answer

    async def ask(self, key: bytes = KEY) -> Reply | str:
        return await self.desk.answer(key, self.fetch)


@contextmanager
def model(*answers: Reply | str, takes: float = 0.0, **account: Any) -> Iterator[Model]:
    """Yield a model at a desk of its own, closed at the end."""
    desk = Desk(ACCOUNT.model_copy(update=account), MODEL, "http://here/v1")
    yield Model(desk, *answers, takes=takes)
    desk.close()


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Return what runs a coroutine to its end on a new loop of either kind."""

    def to_its_end(work: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(work)

    return to_its_end


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({}, id="by a new desk of the same run"),
        pytest.param({"run": "another", "attempt": "another"}, id="by another run"),
        pytest.param({"run": "", "attempt": ""}, id="outside of any run"),
    ],
)
def test_a_call_that_was_answered_is_never_made_again(run: Callable[..., Any], other: dict[str, Any]) -> None:
    """Neither at the same desk nor at another one that knows the journal."""
    with model() as first:
        reply = run(first.ask())
        assert run(first.ask()) == reply
    with model(Reply("something else"), **other) as second:
        assert run(second.ask()) == reply
    assert (first.asked, second.asked) == (1, 0)


def test_the_same_call_at_the_same_time_is_one_call(run: Callable[..., Any]) -> None:
    """Twenty rows with one question between them."""

    async def work() -> list[Reply | str]:
        return await asyncio.gather(*(asking.ask() for _ in range(20)))

    with model(takes=0.02) as asking:
        assert len({id(reply) for reply in run(work())}) == 1
        assert asking.asked == 1
        assert (asking.desk.tab.asked, asking.desk.tab.answered, asking.desk.tab.replayed) == (20, 1, 19)


@pytest.mark.parametrize("ends", ["called off", "raises"])
def test_who_waits_for_a_call_that_comes_to_nothing_asks_for_himself(run: Callable[..., Any], ends: str) -> None:
    """One of the followers does, and the others wait for that one."""

    async def work() -> list[Reply | str]:
        leader = asyncio.create_task(asking.ask() if ends == "called off" else asking.desk.answer(KEY, broken))
        await asyncio.sleep(0.01)
        followers = [asyncio.create_task(asking.ask()) for _ in range(5)]
        await asyncio.sleep(0.01)
        if ends == "called off":
            leader.cancel()
        replies = await asyncio.wait_for(asyncio.gather(*followers), 5)
        (outcome,) = await asyncio.gather(leader, return_exceptions=True)
        assert isinstance(outcome, asyncio.CancelledError if ends == "called off" else ZeroDivisionError)
        return replies

    async def broken() -> Fetched:
        await asyncio.sleep(0.03)
        raise ZeroDivisionError

    with model(takes=0.05) as asking:
        assert len({id(reply) for reply in run(work())}) == 1
        assert asking.asked == (2 if ends == "called off" else 1)
        assert asking.desk.tab.asked == 5


def test_a_follower_that_is_called_off_leaves_the_call_alone(run: Callable[..., Any]) -> None:
    """The one who asks, and the others who wait, get their reply."""

    async def work() -> list[Any]:
        tasks = [asyncio.create_task(asking.ask()) for _ in range(3)]
        await asyncio.sleep(0.01)
        tasks[1].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    with model(takes=0.03) as asking:
        replies = run(work())
    assert [type(reply) for reply in replies] == [Reply, asyncio.CancelledError, Reply]
    assert asking.asked == 1


def test_a_follower_that_is_called_off_together_with_the_call_ends(run: Callable[..., Any]) -> None:
    """As a run does that is stopped: it does not take the call over."""

    async def work() -> list[Any]:
        tasks = [asyncio.create_task(asking.ask()) for _ in range(2)]
        await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    with model(takes=0.03) as asking:
        assert [type(outcome) for outcome in run(work())] == [asyncio.CancelledError] * 2
    assert asking.asked == 1


def test_two_loops_that_ask_the_same_get_the_same(journal: Path) -> None:
    """Neither waits for the other's loop; the first reply to be written stands for both."""
    replies: list[Reply | str] = []
    with model(Reply("one"), Reply("two"), takes=0.05) as asking:

        def work() -> None:
            for key in (KEY, b"other"):
                replies.append(asyncio.run(asking.ask(key)))

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(replies) == 4
    assert set(replies) == {held for key in (KEY, b"other") if (held := Journal(journal).reply(key))}


def test_a_reply_that_somebody_else_wrote_first_is_used_and_counted(run: Callable[..., Any], journal: Path) -> None:
    """Our own was paid for, theirs is what the rows have."""
    theirs = Reply("theirs", "stop", 70, 0, 50)

    async def work() -> Reply | str:
        asked = asyncio.create_task(asking.ask())
        await asyncio.sleep(0.01)
        Journal(journal).write([Entry(KEY, theirs, 1, "m", "there", 0.0)])
        return await asked

    with model(takes=0.03) as asking:
        assert run(work()) == theirs
    used = Journal(journal).used("r")[MODEL]
    assert (used.answer_input, used.answer_output) == (70, 50)
    assert (used.paid_input, used.paid_output) == (7, 5)


def test_a_call_that_failed_for_good_fails_for_the_whole_attempt_and_is_asked_in_the_next(
    run: Callable[..., Any],
) -> None:
    """At once, at a desk beside it, after an interruption: one outcome; another attempt asks anew."""
    with model("http 500 after 6 attempts") as first, model() as beside:
        assert [run(asking.ask()) for asking in (first, first, beside)] == ["http 500 after 6 attempts"] * 3
    with model() as resumed:
        assert run(resumed.ask()) == "http 500 after 6 attempts"
    assert (first.asked, beside.asked, resumed.asked) == (1, 0, 0)
    with model(attempt="second") as again:
        assert run(again.ask()) == again.answers[0]
    assert again.asked == 1


def test_without_an_attempt_a_failure_is_forgotten_at_once(run: Callable[..., Any]) -> None:
    """Somebody who asks by hand may ask again."""
    with model("gone", Reply("back"), run="", attempt="") as asking:
        assert run(asking.ask()) == "gone"
        assert run(asking.ask()) == Reply("back")


def test_counts_land_in_the_journal_by_run_and_execution(run: Callable[..., Any], journal: Path) -> None:
    """Answered, replayed, failed, lost: of two executions, each in its place and all in the run's sum."""

    async def work(asking: Model, keys: bytes) -> None:
        for key in keys:
            await asking.ask(bytes([key]))

    with model(Reply("a", None, 7, 2, 5, 0.5), "gone", Reply("c", None, 1, 0, 1, 0.25)) as first:
        run(work(first, b"abcab"))
    with model(execution="f") as second:
        run(work(second, b"abcd"))
    held = Journal(journal)
    one, two = (held.used("r", stage="s", execution=execution)[MODEL] for execution in "ef")
    assert (one.asked, one.answered, one.replayed, one.failed, one.attempts) == (5, 2, 1, 2, 3)
    assert (two.asked, two.answered, two.replayed, two.failed, two.attempts) == (4, 1, 2, 1, 1)
    assert (one.answer_input, one.answer_cached, one.answer_output, one.seconds) == (15, 4, 11, 1.25)
    assert (one.paid_input, one.paid_cached, one.paid_output) == (8, 2, 6)
    assert (one.lost_input, one.lost_output) == (10, 10)
    both = held.used("r")[MODEL]
    assert (both.asked, both.attempts, both.paid_input) == (9, 4, 15)


def test_a_stop_waits_for_what_is_under_way_and_has_it_journalled(run: Callable[..., Any], journal: Path) -> None:
    """Calls that are out come in and are written; those that are not out yet raise, after them."""

    async def work() -> tuple[list[Any], list[Any]]:
        out = [asyncio.create_task(asking.ask(bytes([key]))) for key in range(5)]
        await asyncio.sleep(0.01)
        asking.desk.ledger.stop.request(Stopped("enough"))
        waiting = [asyncio.create_task(asking.ask(bytes([key]))) for key in range(5, 9)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=5)
        assert [Journal(journal).reply(bytes([key])) for key in range(5)] == [asking.answers[0]] * 5
        return await asyncio.gather(*out), await asyncio.gather(*waiting, return_exceptions=True)

    with model(takes=0.1) as asking:
        out, waiting = run(work())
    assert out == [asking.answers[0]] * 5
    assert [str(error) for error in waiting] == ["enough"] * 4
    used = Journal(journal).used("r")[MODEL]
    assert (used.asked, used.answered, used.attempts) == (5, 5, 5)  # what raised was not answered, and is asked again


def test_a_budget_ends_in_a_stop_below_it_and_goes_on_when_it_is_raised(run: Callable[..., Any]) -> None:
    """Ten calls of at most twenty tokens, twelve each in fact, and a cap of seventy: five are made, then the rest."""

    async def work(asking: Model) -> list[Any]:
        return await asyncio.gather(*(asking.ask(bytes([key])) for key in range(10)), return_exceptions=True)

    with model(takes=0.01, budget=Budget(max_tokens=70)) as capped:
        outcomes = run(work(capped))
        assert capped.desk.ledger.purse.tokens == 60
    assert [type(outcome) for outcome in outcomes] == [Reply] * 5 + [Stopped] * 5
    with model(budget=Budget(max_tokens=130)) as raised:
        assert run(work(raised)) == [raised.answers[0]] * 10
    assert (capped.asked, raised.asked) == (5, 5)


def test_the_first_error_is_what_everybody_hears(run: Callable[..., Any]) -> None:
    """A refused key stops the run once."""

    async def refused() -> Fetched:
        asking.desk.ledger.stop.request(ModelError("refused the key"))
        await asking.desk.admit(Bound(1, 1))
        raise AssertionError("a call was let through")

    async def work() -> list[Any]:
        calls = (asking.desk.answer(bytes([key]), refused) for key in range(3))
        return await asyncio.gather(*calls, return_exceptions=True)

    with model() as asking:
        assert [str(error) for error in run(work())] == ["refused the key"] * 3


def test_closing_the_last_desk_closes_the_books() -> None:
    """Two desks of one run share a ledger; the second to go closes it."""
    with model() as first:
        with model() as second:
            ledger = first.desk.ledger
            assert second.desk.ledger is ledger
        assert asyncio.run(first.ask()) == first.answers[0]
    with pytest.raises(JournalError, match="was closed"):
        asyncio.run(ledger.write(Entry(b"x", Reply("x"), 1, "m", "here", 0.0)))
    reopened = open_ledger(ACCOUNT)
    assert reopened is not ledger
    reopened.release()


def test_a_key_is_made_of_all_that_decides_a_reply() -> None:
    """Another model, parameter, message, sample or schema is another call; the order of names is not."""
    keys = CallKeys("chat", "m", {"temperature": 0.5, "top_p": None})
    others = [
        CallKeys("completion", "m", {"temperature": 0.5, "top_p": None}).key(ASK, 0, None),
        CallKeys("chat", "n", {"temperature": 0.5, "top_p": None}).key(ASK, 0, None),
        CallKeys("chat", "m", {"temperature": 0.6, "top_p": None}).key(ASK, 0, None),
        keys.key([*ASK, *ASK], 0, None),
        keys.key(ASK, 1, None),
        keys.key(ASK, 0, {"type": "object"}),
    ]
    assert len({keys.key(ASK, 0, None), *others}) == 7
    swapped = CallKeys("chat", "m", {"top_p": None, "temperature": 0.5})
    assert swapped.key([dict(reversed(ASK[0].items()))], 0, None) == keys.key(ASK, 0, None)
    assert len(others[0]) == 16
