"""All pairs of unit vectors at or above a cosine: exact, no pair missed, at a fraction of the products.

The cosine of two vectors is the product of their leading principal parts plus that of what is left, and the second
is at most the product of the lengths of the remainders (Cauchy-Schwarz). So one narrow matrix product bounds every
cosine from above, and only pairs whose bound reaches the floor are computed whole. Tiles fit the processor's cache
and are shared out to threads, each with a one-thread BLAS: OpenMP's own threads collapse when another process wants
the cores. (Rejected below some 250,000 rows: an index, whose recall would have to be tuned; beyond see `cells`.)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from castwright.filters.search_torch import candidates, device_for

Vectors = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int64]

Made = TypeVar("Made")

TILE = (512, 1024)
"""Rows and columns of one tile of bounds: 2 MiB of float32."""

SLACK = 1e-5
"""Added to every bound: many times the rounding of 256 float32 products of numbers up to 1."""

SMALL = 4096
"""Rows up to which a plain product is cheaper than to look for a bound and to start threads."""

_RESCORED = 16_384
_WIDTHS = (16, 24, 32, 48, 64, 96, 128)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of rows, each once, ordered by (left, right): `cosine[i]` is that of rows `left[i]` and `right[i]`.

    Within one set left < right; across sets left is a row of the first and right a row of the second.
    """

    left: Positions
    right: Positions
    cosine: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.left)

    def at_least(self, cosine: float) -> Pairs:
        """Return the pairs at or above a cosine."""
        near = self.cosine >= cosine
        return Pairs(self.left[near], self.right[near], self.cosine[near])


@dataclass(frozen=True, slots=True)
class Bound:
    """An orthonormal basis: columns of `basis`, shape (d, width), the leading principal axes of some vectors."""

    basis: Vectors

    def parts(self, vectors: Vectors) -> Vectors:
        """Return leading parts with the remainder's length as last column, shape (n, width + 1).

        The product of two such rows is never below the product of the vectors, but for rounding.
        """
        leading = vectors @ self.basis
        remainder = np.einsum("ij,ij->i", vectors, vectors) - np.einsum("ij,ij->i", leading, leading)
        return np.column_stack([leading, np.sqrt(np.maximum(remainder, 0.0))]).astype(np.float32, copy=False)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def find_pairs(vectors: Vectors, floor: float, *, threads: int | None = None) -> Pairs:
    """Return all pairs of rows of unit vectors, shape (n, d), whose cosine is at or above `floor`.

    Rows of zeros have no neighbours. Time grows with the square of n; memory is the vectors, their parts (an eighth
    or so), and two tiles per thread, beside the pairs that are found. A large set goes to a GPU where there is one,
    and the pairs are the same (see `search_torch`).
    """
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    if device := device_for(len(vectors) ** 2 // 2):
        return joined(
            rescored(vectors, vectors, left, right, floor)
            for left, right in candidates(vectors, None, floor - SLACK, device)
        )
    parts = vectors if len(vectors) <= SMALL else choose_bound(vectors, floor).parts(vectors)
    rows, columns = TILE

    def stripe(start: int) -> list[Pairs]:
        stop = min(start + rows, len(vectors))
        found = []
        for begin in range(start, len(vectors), columns):
            left, right = tile(parts[start:stop], parts[begin : begin + columns], floor)
            left, right = left + start, right + begin
            upper = left < right  # tiles on the diagonal see each pair twice, and each row with itself
            found.append(rescored(vectors, vectors, left[upper], right[upper], floor))
        return found

    starts = range(0, len(vectors), rows)
    if len(vectors) <= SMALL:
        return joined(chain.from_iterable(map(stripe, starts)))
    return joined(chain.from_iterable(threaded(stripe, starts, threads)))


def find_pairs_across(
    first: Vectors, second: Vectors, floor: float, *, bound: Bound | None = None, threads: int | None = None
) -> Pairs:
    """Return all pairs of a row of the first and a row of the second set whose cosine is at or above `floor`."""
    first = np.ascontiguousarray(first, dtype=np.float32)
    if not len(first) or not len(second):
        return joined([])
    if device := device_for(len(first) * len(second)):
        return joined(
            rescored(first, second, left, right, floor)
            for left, right in candidates(first, second, floor - SLACK, device)
        )
    bound = bound or choose_bound(second, floor)
    parts = bound.parts(first)
    rows, columns = TILE

    def stripe(begin: int) -> list[Pairs]:
        members = np.ascontiguousarray(second[begin : begin + columns], dtype=np.float32)
        others = bound.parts(members)
        found = []
        for start in range(0, len(first), rows):
            left, right = tile(parts[start : start + rows], others, floor)
            one = rescored(first, members, left + start, right, floor)
            found.append(Pairs(one.left, one.right + begin, one.cosine))
        return found

    return joined(chain.from_iterable(threaded(stripe, range(0, len(second), columns), threads)))


def choose_bound(
    vectors: Vectors, floor: float, sample: int = 2048, groups: Sequence[Positions] | None = None
) -> Bound:
    """Return the bound that should cost least for these vectors at this floor.

    Widths are tried on an evenly spaced sample: the cost of a width is its products per pair, plus those of the pairs
    that it lets through, each of which costs as much as some thirty products in a row because it is gathered. With
    `groups` of rows, only pairs within a group are going to be looked at, which are more alike, and those are counted.
    """
    taken = np.ascontiguousarray(vectors[:: max(1, len(vectors) // sample)][:sample], dtype=np.float32)
    dimensions = vectors.shape[1]
    _, axes = np.linalg.eigh(taken.T.astype(np.float64) @ taken)
    axes = np.ascontiguousarray(axes[:, ::-1], dtype=np.float32)
    compared = [taken] if groups is None else [np.asarray(vectors[group], dtype=np.float32) for group in groups]
    best, least = Bound(axes), float(dimensions)
    for width in _WIDTHS:
        if width >= dimensions:
            break
        bound = Bound(np.ascontiguousarray(axes[:, :width]))
        cost = width + 16 + _let_through(bound, compared, floor) * 30 * dimensions
        if cost < least:
            best, least = bound, cost
    return best


def _let_through(bound: Bound, compared: Sequence[Vectors], floor: float) -> float:
    """Return the share of pairs of different rows of one set whose bound reaches the floor."""
    through = 0
    for members in compared:
        parts = bound.parts(members)
        through += max(0, int(np.count_nonzero(parts @ parts.T >= floor - SLACK)) - len(members))
    return through / max(1, sum(len(members) ** 2 for members in compared))


def rescored(first: Vectors, second: Vectors, left: Positions, right: Positions, floor: float) -> Pairs:
    """Return those of the pairs whose cosine, computed pair by pair, reaches the floor.

    A pair's cosine depends on its two vectors alone, not on the tile that it was found in.
    """
    kept = []
    for start in range(0, len(left), _RESCORED):
        a, b = left[start : start + _RESCORED], right[start : start + _RESCORED]
        cosine = np.einsum("ij,ij->i", first[a], second[b])
        near = cosine >= floor
        kept.append(Pairs(a[near], b[near], cosine[near]))
    return kept[0] if len(kept) == 1 else concatenated(kept)


def joined(parts: Iterable[Pairs]) -> Pairs:
    """Return the pairs of all parts in one, ordered by (left, right)."""
    whole = concatenated([part for part in parts if len(part)])
    order = np.lexsort((whole.right, whole.left))
    return Pairs(whole.left[order], whole.right[order], whole.cosine[order])


def concatenated(parts: Sequence[Pairs]) -> Pairs:
    """Return the pairs of all parts, part after part."""
    if not parts:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    return Pairs(
        np.concatenate([part.left for part in parts]),
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.cosine for part in parts]),
    )


def tile(left: Vectors, right: Vectors, floor: float) -> tuple[Positions, Positions]:
    """Return the places in a tile whose bound reaches the floor."""
    bounds = left @ right.T
    through = np.flatnonzero(bounds >= np.float32(floor - SLACK))
    return np.divmod(through, bounds.shape[1])


def threaded(work: Callable[[int], Made], starts: Iterable[int], threads: int | None = None) -> Iterator[Made]:
    """Yield what `work` makes of each number, in order, from threads with a one-thread BLAS."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    count = threads or cores()
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(count) as pool:
        yield from pool.map(work, starts)
