"""Micro-batches: order, sizes, failures and threads."""

from __future__ import annotations

import asyncio
import threading

import pytest

from castwright.generators.models.batching import MicroBatcher


def gather(batcher: MicroBatcher[int, int], items: list[int]) -> list[int | BaseException]:
    async def all_of_them() -> list[int | BaseException]:
        return await asyncio.gather(*(batcher.submit(item) for item in items), return_exceptions=True)

    return asyncio.run(all_of_them())


def test_every_caller_gets_its_own_result_and_no_batch_is_too_large() -> None:
    """A hundred callers, batches of at most eight, sorted by length, everyone served."""
    batches: list[list[int]] = []

    def double(items: list[int]) -> list[int]:
        batches.append(items)
        return [2 * item for item in items]

    batcher = MicroBatcher(double, size=8, wait=0.2, length=lambda item: item)
    assert gather(batcher, list(range(100))) == [2 * i for i in range(100)]
    batcher.close()
    assert max(map(len, batches)) == 8
    assert len(batches) < 20
    assert all(batch == sorted(batch, reverse=True) for batch in batches)


def test_one_bad_item_costs_itself_alone() -> None:
    """The batch is halved until the item that raises stands alone."""

    def picky(items: list[int]) -> list[int]:
        if 13 in items:
            raise ValueError("thirteen")
        return items

    batcher = MicroBatcher(picky, size=16, wait=0.05)
    results = gather(batcher, list(range(16)))
    batcher.close()
    assert [r for r in results if not isinstance(r, BaseException)] == [i for i in range(16) if i != 13]
    assert str(results[13]) == "thirteen"


def test_a_batch_too_large_for_the_device_finds_its_size() -> None:
    """Running out of memory at more than two items still answers all five."""

    def small(items: list[int]) -> list[int]:
        if len(items) > 2:
            raise MemoryError
        return items

    batcher = MicroBatcher(small, size=8, wait=0.05)
    assert gather(batcher, [1, 2, 3, 4, 5]) == [1, 2, 3, 4, 5]
    batcher.close()


def test_a_short_batch_of_results_is_an_error_and_not_a_shift() -> None:
    """Results that do not match the prompts are never handed to the wrong caller."""
    batcher: MicroBatcher[int, int] = MicroBatcher(lambda _items: [], size=4)
    results = gather(batcher, [1, 2])
    batcher.close()
    assert [str(result) for result in results] == ["0 results came back for 1 prompts"] * 2


def test_callers_in_several_loops_share_the_batches() -> None:
    """One worker, so that one device never runs two batches at a time."""
    running, most = 0, 0
    lock = threading.Lock()

    def watch(items: list[int]) -> list[int]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        with lock:
            running -= 1
        return items

    batcher = MicroBatcher(watch, size=4)
    seen: list[list[int | BaseException]] = []
    threads = [threading.Thread(target=lambda: seen.append(gather(batcher, list(range(20))))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    batcher.close()
    assert seen == [list(range(20))] * 4
    assert most == 1


def test_close_finishes_what_waits_and_refuses_what_comes_after() -> None:
    """Closing twice is fine; a later call is told what happened."""
    batcher: MicroBatcher[int, int] = MicroBatcher(lambda items: items, size=4)
    assert gather(batcher, [1]) == [1]
    batcher.close()
    batcher.close()
    assert "unloaded" in str(gather(batcher, [2])[0])


def test_a_caller_that_goes_away_does_not_hold_up_the_others() -> None:
    """A cancelled call is left out; its neighbour is served."""
    batcher: MicroBatcher[int, int] = MicroBatcher(lambda items: items, size=4, wait=0.05)

    async def two() -> int:
        gone = asyncio.create_task(batcher.submit(1))
        await asyncio.sleep(0.005)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await batcher.submit(2)

    assert asyncio.run(two()) == 2
    batcher.close()
