"""A stop waits for what was paid for, and no longer than it was told to."""

from __future__ import annotations

import threading
import time

import pytest

from castwright.errors import JournalError, Stopped
from castwright.generators.calls.stop import Stop


def test_nothing_stops_until_it_is_asked_to() -> None:
    """Calls or none."""
    stop = Stop()
    stop.check()
    stop.watch(lambda: 3)
    stop.check()
    assert not stop.requested
    assert not stop.is_due
    assert stop.calls_under_way == 3


def test_it_is_due_when_nothing_is_under_way() -> None:
    """Two who count: the last call of both is waited for."""
    stop, under_way = Stop(), {"one": 2, "two": 1}
    for name in under_way:
        stop.watch(lambda name=name: under_way[name])  # type: ignore[misc]
    stop.request(Stopped("enough"))
    for name in ("one", "two", "one"):
        assert stop.requested
        assert not stop.is_due
        stop.check()
        under_way[name] -= 1
    assert stop.is_due
    with pytest.raises(Stopped, match="enough"):
        stop.check()


def test_it_is_due_when_the_grace_is_over() -> None:
    """Whatever is still under way then."""
    stop = Stop()
    stop.watch(lambda: 1)
    stop.request(Stopped("enough"), grace=0.05)
    assert not stop.is_due
    time.sleep(0.06)
    assert stop.is_due


def test_the_first_error_stays_and_the_shorter_grace_counts() -> None:
    """A second Ctrl-C does not change why, only when; a longer grace comes too late."""
    stop = Stop()
    stop.watch(lambda: 1)
    stop.request(JournalError("the disk is full"))
    assert not stop.is_due
    stop.request(Stopped("enough"), grace=0.0)
    stop.request(Stopped("not so fast"), grace=60.0)
    assert stop.is_due
    with pytest.raises(JournalError, match="the disk is full"):
        stop.check()


def test_who_is_no_longer_watched_is_not_waited_for() -> None:
    """A stage that has ended has nothing under way."""
    stop = Stop()

    class Stage:
        def calls(self) -> int:
            return 1

    stage = Stage()
    stop.watch(stage.calls)
    stop.request(Stopped("enough"))
    assert not stop.is_due
    stop.unwatch(stage.calls)
    assert stop.is_due


def test_a_clock_may_ask_for_it_at_any_look() -> None:
    """What `on_look` asks for is due at that very look."""
    stop = Stop()
    stop.on_look = lambda: stop.request(Stopped("time is up"))
    with pytest.raises(Stopped, match="time is up"):
        stop.check()


def test_another_thread_sees_it() -> None:
    """Asked for in one thread, obeyed in another."""
    stop, seen = Stop(), list[str]()

    def work() -> None:
        while not seen:
            try:
                stop.check()
            except Stopped as error:
                seen.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    stop.request(Stopped("enough"))
    thread.join(timeout=10)
    assert seen == ["enough"]
