"""Greedy keep-best stars: rows are visited best first, and one near enough to a row already kept is dropped.

So every dropped row has a kept neighbour and no chain ever joins two unlike rows (rejected: connected components,
where a ~ b ~ c drops c for a it does not resemble). Two ways to the same stars: from a list of near pairs, which is
what the search gives; and straight from the vectors in blocks, for sets where so much resembles so much that the
list would not fit: then few rows are kept, and each row is only compared with those.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from castwright.filters.neighbours import Pairs

Vectors = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int64]

_LISTED = 100_000


@dataclass(frozen=True, slots=True)
class Stars:
    """Who stands for whom. `keeper[i]` is the row kept for row i (i itself when kept), `cosine[i]` theirs.

    A keeper below zero is one of the standing rows that were given to `find_stars`: -1 for the first, and so on.
    """

    keeper: Positions
    cosine: npt.NDArray[np.float32]

    @property
    def kept(self) -> npt.NDArray[np.bool_]:
        """Return which rows are kept, shape (n,)."""
        return np.asarray(self.keeper == np.arange(len(self.keeper)), dtype=np.bool_)


def stars_of_pairs(count: int, order: Positions, pairs: Pairs) -> Stars:
    """Return the greedy stars of `count` rows visited in `order` (a permutation), where only `pairs` are near.

    A dropped row's keeper is its nearest row that was kept before (the earliest on ties).
    """
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count)
    swapped = rank[pairs.left] > rank[pairs.right]
    later = np.where(swapped, pairs.left, pairs.right)
    earlier = np.where(swapped, pairs.right, pairs.left)
    sequence = np.lexsort((rank[earlier], -pairs.cosine, rank[later]))
    keeper = list(range(count))
    cosine = np.ones(count, dtype=np.float32)
    for start in range(0, len(sequence), _LISTED):  # a Python number takes eight times what it takes in an array
        part = sequence[start : start + _LISTED]
        for row, kept, near in zip(
            later[part].tolist(), earlier[part].tolist(), pairs.cosine[part].tolist(), strict=True
        ):
            # all rows before this one in line are settled, and its own pairs come nearest first
            if keeper[row] == row and keeper[kept] == kept:
                keeper[row] = kept
                cosine[row] = near
    return Stars(np.array(keeper, dtype=np.int64), cosine)


def find_stars(
    vectors: Vectors, order: Positions, threshold: float, block: int = 4096, standing: Vectors | None = None
) -> Stars:
    """Return the greedy stars of unit vectors, shape (n, d), visited in `order` (a permutation of the rows).

    A row is dropped when its cosine with a row kept before it reaches `threshold`; its keeper is the nearest
    such row (the earliest on ties). At most `block` x `block` cosines are held at a time. `standing`: vectors of rows
    that are kept whatever comes, and come before all others.
    """
    n, count = len(vectors), 0 if standing is None else len(standing)
    work = np.empty((count + n, vectors.shape[1]), dtype=np.float32)
    centres = np.empty(count + n, dtype=np.int64)  # rows kept so far; their vectors are moved to work[:count]
    if standing is not None:
        work[:count], centres[:count] = standing, -1 - np.arange(count)
    work[count:] = vectors[order]
    keeper = np.arange(n, dtype=np.int64)
    cosine = np.ones(n, dtype=np.float32)
    for start, first in zip(range(0, n, block), range(count, count + n, block), strict=True):
        rows = order[start : start + block]
        members = work[first : first + block]
        near, nearest = _nearest_centre(members, work[:count], block)
        partner = _settle_block(members, near, threshold)
        dropped = near >= threshold
        outside = dropped & (partner < 0)
        inside = dropped & (partner >= 0)
        keeper[rows[outside]] = centres[nearest[outside]]
        keeper[rows[inside]] = rows[partner[inside]]
        cosine[rows[dropped]] = near[dropped]
        kept = np.flatnonzero(~dropped)
        work[count : count + len(kept)] = members[kept]
        centres[count : count + len(kept)] = rows[kept]
        count += len(kept)
    return Stars(keeper, cosine)


def _nearest_centre(members: Vectors, centres: Vectors, block: int) -> tuple[npt.NDArray[np.float32], Positions]:
    """Return each member's greatest cosine with a centre and that centre's number (-inf and -1 with none)."""
    near = np.full(len(members), -np.inf, dtype=np.float32)
    nearest = np.full(len(members), -1, dtype=np.int64)
    for start in range(0, len(centres), block):
        cosines = members @ centres[start : start + block].T
        best = cosines.argmax(axis=1)
        values = cosines[np.arange(len(members)), best]
        better = values > near
        near[better] = values[better]
        nearest[better] = best[better] + start
    return near, nearest


def _settle_block(members: Vectors, near: npt.NDArray[np.float32], threshold: float) -> Positions:
    """Settle one block in order, given each member's cosine with the centres known before (`near`).

    Raises `near` where a row kept earlier in the block is nearer; returns that row's block position, else -1.
    Afterwards a member is dropped exactly where `near` reaches the threshold.
    """
    cosines = members @ members.T
    partner = np.full(len(members), -1, dtype=np.int64)
    kept = near < threshold
    with_partners = np.flatnonzero(np.tril(cosines >= threshold, -1).any(axis=1))
    for local in with_partners.tolist():
        earlier = np.flatnonzero(kept[:local])
        if len(earlier) == 0:
            continue
        values = cosines[local, earlier]
        best = int(values.argmax())
        if values[best] >= threshold and values[best] > near[local]:
            near[local] = values[best]
            partner[local] = earlier[best]
            kept[local] = False
    return partner
