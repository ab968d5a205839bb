"""Micro-batches: many awaiting callers, one function that works on lists.

A worker thread takes what waits, sorts it by length so that padding stays small, and runs it in batches. It
speaks through `concurrent.futures`, so callers may sit in any number of event loops and threads at once. The
few milliseconds it waits for company are nothing against a batch of generation. (Rejected: an asyncio queue
per loop, which would run two batches on one device at the same time.)
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_LOOK_AHEAD = 16
"""How many batches' worth of waiting items are sorted together."""


class MicroBatcher(Generic[T, R]):
    """Runs `run(items) -> results` (same length, same order) on batches of at most `size` items.

    `wait` is the longest time in seconds that the first item waits for more; `length` is what to sort by.
    A batch that raises is halved and run again, so that one bad item costs itself alone (and a batch too
    large for the device finds its size); the item that raises by itself gets its exception.
    """

    def __init__(
        self,
        run: Callable[[list[T]], Sequence[R]],
        *,
        size: int,
        wait: float = 0.005,
        length: Callable[[T], int] = lambda _item: 0,
    ) -> None:
        self._run, self._size, self._wait, self._length = run, size, wait, length
        self._waiting: queue.SimpleQueue[tuple[T, Future[R]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    async def submit(self, item: T) -> R:
        """Return the result of one item, once its batch has run.

        Raises:
            RuntimeError: the batcher is closed.
            Exception: whatever `run` raises for this item alone.
        """
        future: Future[R] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the model was unloaded while calls were still coming in")
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="castwright-batches", daemon=True)
                self._thread.start()
            self._waiting.put((item, future))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Finish what waits, then end the worker. Returns when it has ended; may be called twice."""
        with self._lock:
            self._closed, thread = True, self._thread
            self._thread = None
            if thread is not None:
                self._waiting.put(None)
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        open_ = True
        while open_:
            items, open_ = self._collect()
            items.sort(key=lambda pair: self._length(pair[0]), reverse=True)
            for start in range(0, len(items), self._size):
                self._settle(items[start : start + self._size])

    def _collect(self) -> tuple[list[tuple[T, Future[R]]], bool]:
        """Return what waits, longest wait `wait` seconds, and whether more may come."""
        items: list[tuple[T, Future[R]]] = []
        deadline = 0.0
        while len(items) < self._size * _LOOK_AHEAD:
            try:
                # The first item may take for ever; once a batch is full, only what is there already is taken.
                left = deadline - time.monotonic() if len(items) < self._size else 0.0
                pair = self._waiting.get(timeout=max(left, 0.0)) if items else self._waiting.get()
            except queue.Empty:
                break
            if pair is None:
                return items, False
            if not items:
                deadline = time.monotonic() + self._wait
            items.append(pair)
        return items, True

    def _settle(self, pairs: list[tuple[T, Future[R]]]) -> None:
        pairs = [pair for pair in pairs if not pair[1].cancelled()]
        if not pairs:
            return
        try:
            results = self._run([item for item, _ in pairs])
            if len(results) != len(pairs):
                raise RuntimeError(f"{len(results)} results came back for {len(pairs)} prompts")
        except Exception as error:
            if len(pairs) == 1:
                _resolve(pairs[0][1], error=error)
                return
            half = len(pairs) // 2
            self._settle(pairs[:half])
            self._settle(pairs[half:])
            return
        for (_, future), result in zip(pairs, results, strict=True):
            _resolve(future, result=result)


def _resolve(future: Future[R], result: R | None = None, error: Exception | None = None) -> None:
    """Hand an outcome over, unless the caller has gone away in the meantime."""
    if not future.set_running_or_notify_cancel():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)  # type: ignore[arg-type]
