"""How a run shows where it is: a live line with rows, rate and time left, or plain lines without a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from castwright.generators.calls.stop import Stop

_PLAIN_EVERY = 10.0  # seconds between plain lines
_LIVE_EVERY = 0.1


class StageProgress(Protocol):
    """What the runner tells: a stage begins, has so many rows, and steps have given so many."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Stand around one stage."""
        ...

    def start(self, rows: int, bad: int) -> None:
        """Say how many rows go into the graph and how many records were kept aside."""
        ...

    def step(self, step: str, rows: int) -> None:
        """Say how many rows a step has given so far."""
        ...

    def update(self, done: int, total: int | None) -> None:
        """Say how far a stage without a graph is."""
        ...

    def watch(self, spent: Callable[[], str]) -> None:
        """Take what says how much the run has spent so far; empty where nothing costs anything."""
        ...


class Stoppable:
    """Tells another progress, and ends a stage at the next thing it tells once a stop is due.

    Raises:
        CastwrightError: from `step` and `update`, the error that the stop was asked for with.
    """

    def __init__(self, told: StageProgress, stop: Stop) -> None:
        self._told, self.stop = told, stop
        self.stage, self.start = told.stage, told.start

    def step(self, step: str, rows: int) -> None:
        """Say how many rows a step has given so far."""
        self._told.step(step, rows)
        self.stop.check()

    def update(self, done: int, total: int | None) -> None:
        """Say how far a stage without a graph is."""
        self._told.update(done, total)
        self.stop.check()


class Quiet:
    """Shows nothing."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        yield

    def start(self, rows: int, bad: int) -> None:
        return

    def step(self, step: str, rows: int) -> None:
        return

    def update(self, done: int, total: int | None) -> None:
        return

    def watch(self, spent: Callable[[], str]) -> None:
        return


class _Rate:
    """Rows per second since a stage began: a step's own start is unknown where steps overlap."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def of(self, rows: int) -> float:
        return rows / max(time.monotonic() - self.began, 1e-3)


class LiveProgress:
    """A bar on a terminal: the step at work, its rows, its rate and the time left."""

    def __init__(self, console: Console) -> None:
        self._bar = Progress(
            TextColumn("{task.description:<20}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._total: int | None = None
        self._rate = _Rate()
        self._name = ""
        self._spent: Callable[[], str] = str
        self._shown = 0.0

    def watch(self, spent: Callable[[], str]) -> None:
        self._spent = spent

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._name, self._rate = name, _Rate()
        with self._bar:
            self._task = self._bar.add_task(name, total=None, rate="")
            yield
            self._bar.remove_task(self._task)

    def start(self, rows: int, bad: int) -> None:
        self._total = rows

    def step(self, step: str, rows: int) -> None:
        self._show(f"{self._name}: {step}", rows, self._total)

    def update(self, done: int, total: int | None) -> None:
        self._show(self._name, done, total)

    def _show(self, description: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        # a thousand rows a second are told; a terminal shows ten
        if self._task is not None and (done == total or now - self._shown > _LIVE_EVERY):
            self._shown = now
            rate = f"{self._rate.of(done):,.1f}/s {self._spent()}"
            self._bar.update(self._task, description=description, completed=done, total=total, rate=rate)


class PlainProgress:
    """Plain lines where there is no terminal: one as a stage begins, then one every ten seconds."""

    def __init__(self, console: Console) -> None:
        self._console, self._rate = console, _Rate()
        self._name, self._total = "", 0
        self._said = time.monotonic()
        self._spent: Callable[[], str] = str

    def watch(self, spent: Callable[[], str]) -> None:
        self._spent = spent

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._name, self._said, self._rate = name, time.monotonic(), _Rate()
        yield

    def start(self, rows: int, bad: int) -> None:
        self._total = rows
        aside = f", {bad:,} records kept aside" if bad else ""
        self._say(f"{self._name}: {rows:,} rows to go{aside}")

    def step(self, step: str, rows: int) -> None:
        self._maybe(f"{self._name}: {step}", rows, self._total)

    def update(self, done: int, total: int | None) -> None:
        self._maybe(self._name, done, total)

    def _maybe(self, what: str, done: int, total: int | None) -> None:
        if time.monotonic() - self._said < _PLAIN_EVERY:
            return
        self._said = time.monotonic()
        rate = self._rate.of(done)
        left = f", {(total - done) / rate:,.0f} s left" if total and rate and done <= total else ""
        of = f" of {total:,}" if total else ""
        spent = self._spent()
        self._say(f"{what}: {done:,}{of}, {rate:,.1f}/s{left}{', ' + spent if spent else ''}")

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True)
