"""What flows between the steps of a local run: numbered items of rows, put back in order where it matters.

An item is a few rows with a sequence number. Steps that work batch by batch emit their items in order; steps
that work row by row emit each as soon as it is done, under the number it came with, so nothing waits for a
slow neighbour. Whoever needs order (a plain step, a join, a router) asks for it with `in_order`. Rejected:
one global queue of rows sorted at the very end, because a plain step's result may depend on how its rows were
batched, and then on which reply happened to be fast.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

_BATCHES_WAITING = 8
_ROWS_WAITING = 4096


@dataclass(frozen=True, slots=True)
class Item:
    """Some rows and their place in the stream. Numbers are dense unless the stream is routed."""

    seq: int
    rows: list[Row]


class Edge:
    """The stream from one step to another.

    `ordered`: items arrive by rising number. `routed`: numbers are those of the routed batches, with gaps.
    An edge into a step with several inputs is `unbounded`: it must never hold its producer back, or two
    branches of a diamond could wait for each other.
    """

    def __init__(self, source: str, *, ordered: bool, routed: bool = False, unbounded: bool = False) -> None:
        self.source, self.ordered, self.routed = source, ordered, routed
        waiting = 0 if unbounded else (_BATCHES_WAITING if ordered else _ROWS_WAITING)
        self._queue: asyncio.Queue[Item | None] = asyncio.Queue(maxsize=waiting)

    async def put(self, item: Item) -> None:
        await self._queue.put(item)

    async def close(self) -> None:
        await self._queue.put(None)

    async def items(self) -> AsyncIterator[Item]:
        """Yield the items as they arrive."""
        while (item := await self._queue.get()) is not None:
            yield item

    async def in_order(self) -> AsyncIterator[Item]:
        """Yield the items by rising number, holding back those that came early."""
        if self.ordered:
            async for item in self.items():
                yield item
            return
        early: dict[int, Item] = {}
        expected = 0
        async for item in self.items():
            early[item.seq] = item
            while expected in early:
                yield early.pop(expected)
                expected += 1
        for seq in sorted(early):  # a routed stream has gaps: what is left follows in its order
            yield early[seq]

    async def single_rows(self) -> AsyncIterator[Item]:
        """Yield items for a row-by-row step: an ordered stream is taken apart, any other keeps its numbers."""
        if not self.ordered or self.routed:
            async for item in self.items():
                yield item
            return
        seq = 0
        async for item in self.items():
            for row in item.rows:
                yield Item(seq, [row])
                seq += 1

    async def batches(self, size: int) -> AsyncIterator[list[Row]]:
        """Yield the rows in order, `size` at a time; the last batch may be smaller."""
        waiting: list[Row] = []
        async for item in self.in_order():
            waiting.extend(item.rows)
            while len(waiting) >= size:
                yield waiting[:size]
                del waiting[:size]
        if waiting:
            yield waiting

    async def all_rows(self) -> list[Row]:
        """Return every row of the stream, in order."""
        return [row async for item in self.in_order() for row in item.rows]
