"""Neighbours in sets too large for every pair: k-means cells, each row in its two nearest, pairs within a cell.

A pair is missed only when its two rows share neither of their two cells, which near-duplicates rarely do: they are
nearly the same point. The cost is rows times cells, and rows times the rows of a cell. Measure what is missed with
`sampled_recall`. (Rejected: faiss, a large package for what fifty lines of numpy do within a factor; one cell per
row, which loses the pairs that a border cuts; random hyperplanes, which need many tables at these cosines.)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from castwright.filters.neighbours import (
    Pairs,
    Positions,
    Vectors,
    choose_bound,
    find_pairs_across,
    joined,
    rescored,
    threaded,
    tile,
)

TRAINED_ON = 48
"""Rows per cell that the centres are fitted to."""

ROUNDS = 8
_BLOCK = 8192
_TILE = 1024


def find_pairs_in_cells(vectors: Vectors, floor: float, *, cells: int | None = None, seed: int = 0) -> Pairs:
    """Return pairs of rows of unit vectors, shape (n, d), at or above `floor` that share one of their two cells.

    `cells` defaults to the square root of n. Deterministic in the vectors and the seed.
    """
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    centres = fit_centres(vectors, cells or max(2, round(len(vectors) ** 0.5)), seed)
    members = cell_members(two_nearest(vectors, centres), len(centres))
    parts = choose_bound(vectors, floor, groups=some_groups(members)).parts(vectors)

    def search(cell: int) -> list[Pairs]:
        rows = members[cell]
        mine = parts[rows]
        found = []
        for start in range(0, len(rows), _TILE):
            for begin in range(start, len(rows), _TILE):
                left, right = tile(mine[start : start + _TILE], mine[begin : begin + _TILE], floor)
                left, right = rows[left + start], rows[right + begin]  # rows of a cell ascend
                upper = left < right
                found.append(rescored(vectors, vectors, left[upper], right[upper], floor))
        return found

    return distinct(joined(chain.from_iterable(threaded(search, range(len(centres))))))


def fit_centres(vectors: Vectors, cells: int, seed: int = 0) -> Vectors:
    """Return the unit centres of a spherical k-means, shape (cells, d), fitted to a sample of the rows."""
    rng = np.random.default_rng(seed)
    size = min(len(vectors), cells * TRAINED_ON)
    sample = vectors[np.sort(rng.choice(len(vectors), size, replace=False))]
    cells = min(cells, size)
    centres = sample[np.sort(rng.choice(size, cells, replace=False))].copy()
    for _ in range(ROUNDS):
        nearest = np.concatenate(
            [(sample[start : start + _BLOCK] @ centres.T).argmax(axis=1) for start in range(0, size, _BLOCK)]
        )
        order = np.argsort(nearest, kind="stable")
        present, starts = np.unique(nearest[order], return_index=True)
        sums = np.add.reduceat(sample[order], starts, axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres[present] = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres[present])
    return centres


def two_nearest(vectors: Vectors, centres: Vectors) -> npt.NDArray[np.int32]:
    """Return the numbers of each row's two nearest centres, shape (n, 2); with one centre, that one twice."""
    nearest = np.zeros((len(vectors), 2), dtype=np.int32)

    def assign(start: int) -> None:
        cosines = vectors[start : start + _BLOCK] @ centres.T
        rows = np.arange(len(cosines))
        nearest[start : start + _BLOCK, 0] = best = cosines.argmax(axis=1)
        if len(centres) > 1:
            cosines[rows, best] = -np.inf
            nearest[start : start + _BLOCK, 1] = cosines.argmax(axis=1)

    for _ in threaded(assign, range(0, len(vectors), _BLOCK)):
        continue
    return nearest


def cell_members(nearest: npt.NDArray[np.int32], cells: int) -> list[Positions]:
    """Return the rows of each cell, ascending."""
    flat = nearest.ravel()
    order = np.argsort(flat, kind="stable")
    rows = (order // nearest.shape[1]).astype(np.int64)
    bounds = np.searchsorted(flat[order], np.arange(cells + 1))
    return [np.unique(rows[bounds[cell] : bounds[cell + 1]]) for cell in range(cells)]


def some_groups(members: Sequence[Positions], count: int = 16, rows: int = 256) -> list[Positions]:
    """Return some rows of some cells, large cells the more often: most pairs are theirs."""
    ends = np.cumsum([len(cell) for cell in members])
    chosen = np.searchsorted(ends, (np.arange(count) + 0.5) / count * ends[-1], side="right")
    return [members[cell][:: max(1, len(members[cell]) // rows)][:rows] for cell in chosen]


def distinct(pairs: Pairs) -> Pairs:
    """Return ordered pairs without repeats: two rows may share both of their cells."""
    if not len(pairs):
        return pairs
    fresh = np.append(True, (np.diff(pairs.left) != 0) | (np.diff(pairs.right) != 0))
    return Pairs(pairs.left[fresh], pairs.right[fresh], pairs.cosine[fresh])


def sampled_recall(vectors: Vectors, pairs: Pairs, floor: float, *, sample: int = 1000, seed: int = 0) -> float:
    """Return the share of a random sample of rows' true pairs that `pairs` holds; 1.0 where there are none."""
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(vectors), min(sample, len(vectors)), replace=False))
    true = find_pairs_across(vectors[rows], vectors, floor)
    left, right = rows[true.left], true.right
    other = left != right
    if not other.any():
        return 1.0
    low, high = np.minimum(left, right)[other], np.maximum(left, right)[other]
    count = len(vectors)
    return float(np.isin(low * count + high, pairs.left * count + pairs.right).mean())
