"""The cascade's middle: which pairs of distinct texts are near, and which of those are duplicates.

Static cosines settle most pairs. Around the threshold they do not: there a misspelled copy and somebody else in the
same words look alike, and a transformer, which reads words in their order, tells them apart for a few hundred pairs
at the price of a few seconds. So pairs inside a band are confirmed by it, and those outside never see it. (Rejected:
the transformer on every row, which takes a hundred times as long and finds less; a MinHash stage before the search,
which saved nothing and cost recall.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from castwright.errors import RecipeError
from castwright.filters.cells import find_pairs_in_cells
from castwright.filters.neighbours import SMALL, Pairs, Positions, Vectors, find_pairs
from castwright.filters.similarity import Stars, find_stars, stars_of_pairs

EXACT_UP_TO = 250_000
"""Rows up to which every pair is looked at; from there on cells are several times as fast."""

MOST_NEIGHBOURS = 100
"""Neighbours per row, on average, above which a set counts as crowded: 100,000 such rows have 5 million pairs."""

ALWAYS_LISTED = 2_000_000
"""Pairs that are listed whatever the average: they take 40 MB."""

Confirm = Callable[[Sequence[str], Sequence[str]], npt.NDArray[np.float64]]
"""Takes the texts of pairs, left and right, and returns the cosines that decide, shape (n,)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When two texts are duplicates: static cosine at or above `threshold`, the band apart.

    A pair from `below` under the threshold to `above` over it is one when its confirmed cosine reaches the threshold;
    at most `most` pairs are confirmed, those nearest to the threshold, so that the cost is bounded.

    Raises:
        RecipeError: a number out of range.
    """

    threshold: float = 0.95
    below: float = 0.005
    above: float = 0.01
    most: int = 2000

    def __post_init__(self) -> None:
        if not 0.0 < self.threshold <= 1.0:
            raise RecipeError(f"near duplicates: threshold={self.threshold} must lie above 0 and at most at 1")
        if self.below < 0 or self.above < 0:
            raise RecipeError(f"near duplicates: the band ({self.below}, {self.above}) must not be negative")

    @property
    def floor(self) -> float:
        """Return the least static cosine of a pair that may be a duplicate."""
        return self.threshold - self.below


def search(vectors: Vectors, floor: float) -> Pairs:
    """Return the pairs at or above the floor: all of them up to EXACT_UP_TO rows, nearly all beyond."""
    if len(vectors) <= EXACT_UP_TO:
        return find_pairs(vectors, floor)
    return find_pairs_in_cells(vectors, floor)


def crowded(vectors: Vectors, floor: float, rows: Positions | None = None) -> bool:
    """Return whether the pairs at or above the floor would be too many to list, judged by an even sample of rows.

    `rows`: those that are compared, where not all of them are.
    """
    count = len(vectors) if rows is None else len(rows)
    taken = _even_sample(vectors, rows)
    if len(taken) < 2:
        return False
    near = int(np.count_nonzero(taken @ taken.T >= floor)) - len(taken)
    return near / len(taken) ** 2 * count > MOST_NEIGHBOURS


def crowded_across(first: Vectors, second: Vectors, floor: float) -> bool:
    """Return the same for the pairs of a row of the first and one of the second set; a short list is never too long."""
    taken, others = _even_sample(first), _even_sample(second)
    if not len(taken) or not len(others):
        return False
    neighbours = int(np.count_nonzero(taken @ others.T >= floor)) / (len(taken) * len(others)) * len(second)
    return neighbours > MOST_NEIGHBOURS and neighbours * len(first) > ALWAYS_LISTED


def _even_sample(vectors: Vectors, rows: Positions | None = None, size: int = 1024) -> Vectors:
    """Return evenly spaced rows."""
    count = len(vectors) if rows is None else len(rows)
    step = max(1, count // size)
    taken = vectors[::step][:size] if rows is None else vectors[rows[::step][:size]]
    return np.ascontiguousarray(taken, dtype=np.float32)


def stars(vectors: Vectors, order: Positions, threshold: float, block: int = 4096) -> Stars:
    """Return the greedy stars of unit vectors at a threshold, by whichever way is the cheaper one.

    Small sets are settled in blocks, and so are crowded ones, where a list of pairs would not fit in memory.
    """
    if len(vectors) <= SMALL or crowded(vectors, threshold):
        return find_stars(vectors, order, threshold, block)
    return stars_of_pairs(len(vectors), order, search(vectors, threshold))


def in_band(pairs: Pairs, rule: Rule) -> npt.NDArray[np.bool_]:
    """Return which pairs a transformer has to confirm."""
    low, high = np.float32(rule.floor), np.float32(rule.threshold + rule.above)
    return np.asarray((pairs.cosine >= low) & (pairs.cosine < high), dtype=np.bool_)


def confirmed(
    pairs: Pairs, rule: Rule, texts: Callable[[list[int]], list[str]], confirm: Confirm
) -> npt.NDArray[np.float32]:
    """Return the confirmed cosine of each pair, NaN outside the band; `texts` gives those of row numbers."""
    found = np.full(len(pairs), np.nan, dtype=np.float32)
    asked = np.flatnonzero(in_band(pairs, rule))
    if len(asked) > rule.most:
        nearness = np.abs(pairs.cosine[asked] - np.float32(rule.threshold))
        asked = np.sort(asked[np.argsort(nearness, kind="stable")[: rule.most]])
    if len(asked):
        found[asked] = confirm(texts(pairs.left[asked].tolist()), texts(pairs.right[asked].tolist()))
    return found


def duplicates_among(pairs: Pairs, rule: Rule, confirmations: npt.NDArray[np.float32] | None = None) -> Pairs:
    """Return the pairs that are duplicates, each with the cosine that decided.

    Where a pair in the band has no confirmation (NaN, or none given) its static cosine decides.
    """
    cosine = pairs.cosine
    if confirmations is not None:
        asked = in_band(pairs, rule) & ~np.isnan(confirmations)
        cosine = np.where(asked, confirmations, cosine)
    return replace(pairs, cosine=cosine).at_least(rule.threshold)


def representatives(
    keys: pl.Series, groups: npt.NDArray[np.int64], ranks: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return for each row the row of its key and group that comes first in line (itself where it is the first)."""
    frame = pl.DataFrame({"key": keys, "group": groups, "rank": ranks}).with_row_index("row")
    first = pl.col("row").sort_by("rank").first().over("key", "group")
    return frame.select(first.cast(pl.Int64)).to_series().to_numpy()
