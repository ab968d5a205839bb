"""How fast a server is asked: a window of calls in flight that adapts, and a pace per minute.

The window is that of DCTCP (RFC 8257) without its memory: after every windowful of calls it shrinks by half the share
of them that was refused (429) or timed out, and grows by one place. A server that takes less than `max_in_flight` is
found out without being told, one that refuses now and then is not starved: at 5 % refusals TCP's own rule, which cuts
for any, holds some eight places, this one forty. The pace is the generic cell rate algorithm: one number instead of a
log of calls. (Rejected: a semaphore, which hammers an overloaded server at full width.)
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

REFUSALS_TO_HOLD = 3
"""After how many refusals in a row, none answered between, the server's Retry-After holds everybody."""


class Window:
    """A limit on calls in flight, between 1 and `most`; belongs to one event loop."""

    def __init__(self, most: int) -> None:
        self.most, self.limit, self.busy = most, float(most), 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._outcomes = self._congested = 0

    async def enter(self) -> None:
        """Wait for a place, first come first served."""
        if self.busy < int(self.limit) and not self._waiting:
            self.busy += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()  # the place was given in the moment the wait was called off: hand it on
            raise

    def leave(self) -> None:
        """Give a place back."""
        self.busy -= 1
        self._fill()

    def answered(self) -> None:
        """Count a call that was answered."""
        if self.limit < self.most or self._congested:
            self._count()

    def congested(self) -> None:
        """Count a call that was refused for want of room, or never answered."""
        self._congested += 1
        self._count()

    def _count(self) -> None:
        self._outcomes += 1
        if self._outcomes < self.limit:
            return
        share = self._congested / self._outcomes
        self.limit = min(float(self.most), max(1.0, self.limit * (1 - share / 2)) + 1.0 * (share < 1))
        self._outcomes = self._congested = 0
        self._fill()

    def _fill(self) -> None:
        while self._waiting and self.busy < int(self.limit):
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                self.busy += 1


class Pace:
    """At most `per_minute` units a minute, spread evenly, with one second's worth at once (at least one unit)."""

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds_each = 60.0 / per_minute
        self._burst = max(1.0, per_minute / 60.0) * self._seconds_each
        self._clock = clock
        self._due = 0.0

    def book(self, amount: float = 1.0) -> float:
        """Take `amount` units and return the seconds to wait first; what goes beyond a burst is paid off later."""
        now = self._clock()
        start = max(self._due, now - self._burst + self._seconds_each)
        self._due = start + amount * self._seconds_each
        return max(0.0, start - now)

    def correct(self, amount: float) -> None:
        """Give back units that were booked and not used (negative: book what was used beyond)."""
        self._due -= amount * self._seconds_each


class Hold:
    """A server that refuses everybody is left alone for as long as it asks."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._until, self._in_a_row = clock, 0.0, 0

    def refused(self, retry_after: float | None) -> None:
        """Count a refusal; from the third in a row on, what the server asks for (seconds) holds for all calls."""
        self._in_a_row += 1
        if retry_after is not None and self._in_a_row >= REFUSALS_TO_HOLD:
            self._until = max(self._until, self._clock() + retry_after)

    def answered(self) -> None:
        """Count an answer: the server takes calls."""
        self._in_a_row = 0

    @property
    def seconds(self) -> float:
        """Seconds until calls may be sent again."""
        return max(0.0, self._until - self._clock())
