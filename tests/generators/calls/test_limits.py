"""The window adapts and loses no place, the pace keeps to its minute, the hold to what a server asks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.generators.calls.limits import REFUSALS_TO_HOLD, Hold, Pace, Window

LOOPS = pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
NewLoop = Callable[[], asyncio.AbstractEventLoop]


def run(work: Coroutine[Any, Any, Any], new_loop: NewLoop = asyncio.new_event_loop) -> Any:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(work)


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def settle() -> None:
    """Let everything that can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


async def crowd(window: Window, draw: random.Random, calls: int) -> int:
    """Send calls through a window, some called off at any point, some refused; return the most that were in at once.

    Fails where more are in than the window said when they came in.
    """
    inside = most = 0

    async def call() -> None:
        nonlocal inside, most
        await window.enter()
        inside += 1
        assert inside <= window.busy  # some hold a place and have not woken up yet
        assert inside <= window.most
        most = max(most, inside)
        try:
            for _ in range(draw.randrange(4)):
                await asyncio.sleep(0)
        finally:
            inside -= 1
            window.leave()
        (window.congested if draw.random() < 0.2 else window.answered)()

    tasks = []
    for _ in range(calls):
        tasks.append(asyncio.create_task(call()))
        if draw.random() < 0.3:
            await asyncio.sleep(0)
        if draw.random() < 0.3:
            draw.choice(tasks).cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not [task for task in tasks if not task.cancelled() and task.exception()]
    return most


@LOOPS
@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32), most=st.integers(1, 6), calls=st.integers(1, 60))
def test_no_more_than_the_window_are_in_and_no_place_is_lost(
    new_loop: NewLoop, seed: int, most: int, calls: int
) -> None:
    """Whatever comes in, goes out and is called off: afterwards the window is empty and as wide as it says."""

    async def work() -> None:
        window = Window(most)
        assert await crowd(window, random.Random(seed), calls) <= most
        assert window.busy == 0
        assert 1 <= window.limit <= most
        for _ in range(int(window.limit)):
            await asyncio.wait_for(window.enter(), 1)
        assert window.busy == int(window.limit)

    run(work(), new_loop)


@LOOPS
def test_a_place_given_to_somebody_who_has_just_left_goes_to_the_next(new_loop: NewLoop) -> None:
    """Called off between being given a place and waking up in it."""

    async def work() -> None:
        window = Window(1)
        await window.enter()
        first, second = asyncio.create_task(window.enter()), asyncio.create_task(window.enter())
        await settle()
        window.leave()
        first.cancel()
        await asyncio.wait_for(second, 1)
        assert first.cancelled()
        assert window.busy == 1

    run(work(), new_loop)


def test_places_are_given_first_come_first_served() -> None:
    """Nobody overtakes, not even who comes when a place is free and others wait."""

    async def work() -> list[int]:
        window, order = Window(2), list[int]()

        async def call(number: int) -> None:
            await window.enter()
            order.append(number)
            await asyncio.sleep(0)
            window.leave()

        await asyncio.gather(*map(call, range(20)))
        return order

    assert run(work()) == list(range(20))


@pytest.mark.parametrize(
    ("refused", "limit"),
    [
        pytest.param(64, 32.0, id="all refused: half of it"),
        pytest.param(32, 64 * 0.75 + 1, id="half refused: a quarter less, and one place more"),
        pytest.param(0, 64.0, id="none refused: as wide as it may be"),
    ],
)
def test_the_window_shrinks_by_half_the_share_that_was_refused(refused: int, limit: float) -> None:
    """Once for a windowful of calls: refusals that belong together do not cut again and again."""
    window = Window(64)
    for number in range(64):
        (window.congested if number < refused else window.answered)()
    assert window.limit == limit


def test_the_window_reopens_by_one_place_a_windowful_and_no_further_than_it_may() -> None:
    """From one place up to eight: each windowful of answers adds a place."""
    window = Window(8)
    for _ in range(100):
        window.congested()
    assert window.limit == 1
    for limit in range(1, 8):
        assert window.limit == limit
        for _ in range(limit):
            window.answered()
    for _ in range(50):
        window.answered()
    assert window.limit == 8


def test_a_window_that_opens_lets_those_in_who_wait() -> None:
    """Without anybody leaving."""

    async def work() -> int:
        window = Window(4)
        for _ in range(100):
            window.congested()
        await window.enter()
        waiting = [asyncio.create_task(window.enter()) for _ in range(3)]
        window.answered()
        await settle()
        through = sum(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        return through

    assert run(work()) == 1


@given(
    per_minute=st.floats(1, 10_000),
    gaps=st.lists(st.floats(0, 20), min_size=1, max_size=80),
    back=st.floats(0, 1),
)
def test_no_minute_has_more_than_the_pace_and_one_burst(per_minute: float, gaps: list[float], back: float) -> None:
    """Units booked at any times, some of them given back unused: in no minute are more used than allowed."""
    clock, used = Clock(), list[tuple[float, float]]()
    pace = Pace(per_minute, clock)
    for gap in gaps:
        clock.now += gap
        for _ in range(3):
            used.append((clock.now + pace.book(), 1.0))
        if back > 0.5:
            pace.correct(1.0)
            used[-1] = (used[-1][0], 0.0)
    burst = max(1.0, per_minute / 60)
    for start, _ in used:
        within = sum(amount for when, amount in used if start <= when < start + 60)
        assert within <= (per_minute + burst) * (1 + 1e-9)


def test_one_second_of_the_pace_is_free_and_then_calls_are_spread_evenly() -> None:
    """Six hundred a minute: ten at once, then one every tenth of a second."""
    pace = Pace(600, Clock())
    waits = [pace.book() for _ in range(13)]
    assert waits == pytest.approx([0.0] * 10 + [0.1, 0.2, 0.3])


def test_large_amounts_push_later_ones_back_and_are_corrected_by_what_was_used() -> None:
    """Tokens are booked by what a call may take; what it did not take is given back, what it took beyond is booked."""
    clock = Clock()
    pace = Pace(60, clock)
    assert pace.book(30) == 0.0
    assert pace.book(1) == pytest.approx(30.0)
    pace.correct(25)
    assert pace.book(1) == pytest.approx(6.0)
    pace.correct(-10)
    assert pace.book(1) == pytest.approx(17.0)
    clock.now += 1000
    assert pace.book(1) == 0.0


def test_a_hold_begins_with_the_third_refusal_in_a_row() -> None:
    """Fewer, or some with an answer between, are single calls' bad luck."""
    clock = Clock()
    hold = Hold(clock)
    for _ in range(5):
        hold.refused(9.0)
        hold.refused(9.0)
        hold.answered()
    assert hold.seconds == 0
    for _ in range(REFUSALS_TO_HOLD):
        hold.refused(9.0)
    assert hold.seconds == 9.0


def test_a_hold_lasts_as_long_as_the_longest_wish_and_needs_one() -> None:
    """A later, shorter wish does not cut it short; a refusal that names no time holds nobody."""
    clock = Clock()
    hold = Hold(clock)
    for _ in range(REFUSALS_TO_HOLD):
        hold.refused(None)
    assert hold.seconds == 0
    hold.refused(9.0)
    clock.now += 4
    hold.refused(1.0)
    assert hold.seconds == 5.0
    clock.now += 6
    assert hold.seconds == 0
