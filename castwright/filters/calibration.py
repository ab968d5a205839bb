"""Where the threshold may lie: above the cosines that unlike rows of this corpus reach anyway.

Texts from templates resemble each other, so a threshold that is right for one corpus loses a sixth of another's
characters. For a sample of rows the nearest *other* is found: the nearest row that is not a likely copy. A copy
stands out by Lowe's ratio test (2004): it is much nearer than what comes after it, so leading neighbours are passed
over up to the last one whose distance is below 0.6 of the next one's. The rule: a threshold is refused when it lies
below the 99.5 % quantile of those cosines, for then more than one unlike row in two hundred would be dropped.
(Rejected: the plain distribution of nearest neighbours, whose upper end is the very copies that are looked for; the
99.9 % quantile, which a handful of true copies that the ratio test did not see would decide.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from castwright.errors import RecipeError
from castwright.filters.neighbours import Vectors, threaded

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.995, 0.999)
DECIDING = 0.995
RATIO = 0.6
NEIGHBOURS = 8
SAMPLE = 2000
_BLOCK = 250
_COLUMNS = 65_536
_STRETCH = 128


@dataclass(frozen=True, slots=True)
class Calibration:
    """How near each sampled row's nearest other is.

    `others`: cosines, ascending, one per sampled row, likely copies passed over. `copies`: share of sampled rows that
    have a likely copy. `rows`: how many rows there were to be near to.
    """

    others: npt.NDArray[np.float32]
    copies: float
    rows: int

    def quantile(self, share: float) -> float:
        """Return the cosine below which this share of the nearest others lies."""
        return float(np.quantile(self.others, share)) if len(self.others) else -1.0

    def quantiles(self) -> dict[float, float]:
        """Return the cosines of QUANTILES, for a report."""
        return {share: self.quantile(share) for share in QUANTILES}

    def share_at_least(self, cosine: float) -> float:
        """Return the share of sampled rows whose nearest other is at or above a cosine."""
        return float((self.others >= cosine).mean()) if len(self.others) else 0.0

    def require(self, threshold: float, where: str) -> None:
        """Check that a threshold lies above the distribution.

        Raises:
            RecipeError: it lies inside; the message has the quantile, its cosine and the remedies.
        """
        limit = self.quantile(DECIDING)
        if threshold < limit:
            lost, safe = self.share_at_least(threshold), min(1.0, np.ceil(limit * 1000) / 1000)
            raise RecipeError(
                f"{where}: threshold={threshold:g} lies inside what unlike rows reach: the {DECIDING:.1%} quantile of "
                f"each row's nearest other is {limit:.4f}, and {lost:.1%} of {len(self.others):,} sampled rows would "
                f"go; set threshold to {safe:g} or more, or override: true"
            )


def calibrate(*parts: Vectors, sample: int = SAMPLE, seed: int = 0) -> Calibration:
    """Return the distribution of the nearest other among rows of unit vectors, each part of shape (n, d).

    Exact repeats should be left out before; rows of zeros are not sampled. Costs `sample` times n products, and 65 MB
    for each thread.
    """
    starts = np.cumsum([0, *map(len, parts)])
    filled = np.concatenate([np.flatnonzero(_filled(part)) + start for part, start in zip(parts, starts, strict=False)])
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(filled, min(sample, len(filled)), replace=False))
    if len(filled) < 3:
        return Calibration(np.empty(0, np.float32), 0.0, len(filled))
    bounds = np.searchsorted(rows, starts)
    sampled = np.concatenate([part[rows[bounds[i] : bounds[i + 1]] - starts[i]] for i, part in enumerate(parts)])
    nearest = np.full((len(rows), min(NEIGHBOURS, int(starts[-1]) - 1)), -1.0, dtype=np.float32)

    def search(first: int) -> None:
        members = rows[first : first + _BLOCK]
        mine = nearest[first : first + _BLOCK]
        for part, start in zip(parts, starts.tolist(), strict=False):
            for begin in range(0, len(part), _COLUMNS):
                cosines = sampled[first : first + _BLOCK] @ part[begin : begin + _COLUMNS].T
                place = members - start - begin
                own = np.flatnonzero((place >= 0) & (place < cosines.shape[1]))
                cosines[own, place[own]] = -1.0
                best = greatest(cosines, min(mine.shape[1], cosines.shape[1]))
                mine[:] = greatest(np.column_stack([mine, best]), mine.shape[1])

    for _ in threaded(search, range(0, len(rows), _BLOCK)):
        continue
    passed = likely_copies(nearest)
    others = np.sort(nearest[np.arange(len(nearest)), passed])
    return Calibration(others, float((passed > 0).mean()), len(filled))


def _filled(vectors: Vectors) -> npt.NDArray[np.bool_]:
    """Return which rows are not zeros, in blocks: the comparison makes a copy of what it is given."""
    found = [np.any(vectors[start : start + _COLUMNS], axis=1) for start in range(0, len(vectors), _COLUMNS)]
    return np.concatenate([np.empty(0, dtype=np.bool_), *found])


def greatest(values: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float32]:
    """Return the `count` greatest values of each row, descending.

    By the greatest of each stretch of columns: the count-th greatest of those bounds the wanted values from below and
    leaves a handful to sort. On wide rows this is a fraction of what numpy's partition takes.
    """
    stretches = values.shape[1] // _STRETCH
    if stretches < 2 * count:
        return -np.sort(-values, axis=1)[:, :count]
    peaks = values[:, : stretches * _STRETCH].reshape(len(values), stretches, _STRETCH).max(axis=2)
    least = np.partition(peaks, stretches - count, axis=1)[:, stretches - count]
    row, column = np.nonzero(values >= least[:, None])
    found = values[row, column]
    order = np.lexsort((-found, row))
    starts = np.searchsorted(row, np.arange(len(values)))
    taken: npt.NDArray[np.float32] = found[order[starts[:, None] + np.arange(count)]]
    return taken


def likely_copies(nearest: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Return how many leading neighbours of each row are likely copies; cosines descend along a row."""
    if nearest.shape[1] < 2:
        return np.zeros(len(nearest), dtype=np.int64)
    distance = np.sqrt(np.maximum(2.0 - 2.0 * nearest, 1e-7))
    jumps = distance[:, :-1] < RATIO * distance[:, 1:]
    last = jumps.shape[1] - np.argmax(jumps[:, ::-1], axis=1)
    return np.where(jumps.any(axis=1), last, 0)
