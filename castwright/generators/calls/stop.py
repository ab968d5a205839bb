"""The stop of a run: asked for once, by anybody; obeyed by every call and every step.

Calls that have been sent are paid for, so they are waited for: from the request on, no new call is sent, and those
under way finish and are journalled; when none is left, or the grace is over, everything that waits is told why.
Waiting is a look every few milliseconds: it works from any thread and loop, and costs nothing until something
stops. (Rejected: cancelling the tasks, which throws away what has been paid for.)
"""

from __future__ import annotations

import time
from collections.abc import Callable

from castwright.errors import CastwrightError

LOOK_SECONDS = 0.02


class Stop:
    """Whether a run has to stop, why, and when it may. `on_look` is called at every look: a clock may ask for it."""

    def __init__(self) -> None:
        self.error: CastwrightError | None = None
        self.on_look: Callable[[], None] = lambda: None
        self._until = float("inf")
        self._under_way: list[Callable[[], int]] = []

    def watch(self, under_way: Callable[[], int]) -> None:
        """Count what this returns among the calls under way."""
        self._under_way.append(under_way)

    def unwatch(self, under_way: Callable[[], int]) -> None:
        """Count it no longer."""
        self._under_way = [counted for counted in self._under_way if counted != under_way]

    def request(self, error: CastwrightError, *, grace: float | None = None) -> None:
        """Ask everything to stop, with `error` for those who wait; `grace` is the most seconds to wait for calls.

        The first error stays; a shorter grace counts.
        """
        self.error = self.error or error
        if grace is not None:
            self._until = min(self._until, time.monotonic() + grace)

    @property
    def requested(self) -> bool:
        return self.error is not None

    @property
    def calls_under_way(self) -> int:
        """How many calls have been sent and are not journalled yet."""
        return sum(count() for count in self._under_way)

    @property
    def is_due(self) -> bool:
        """Whether it is time to raise: a stop was asked for, and nothing is under way or the grace is over."""
        self.on_look()
        return self.requested and (not self.calls_under_way or time.monotonic() >= self._until)

    def check(self) -> None:
        """Raise the error when it is time to.

        Raises:
            CastwrightError: the one that the stop was asked for with.
        """
        if self.is_due and self.error is not None:
            raise self.error
