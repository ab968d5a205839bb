"""Numbers that are known about: a mean and where the truth lies in nine cases of ten, from a few rows.

Two intervals, chosen because they hold at three rows. What each row gives between a fewest and a most (calls of a
row, a row kept or not) gets Wilson's (1927) for a coin with these two sides: no distribution between them with the
same mean varies more (Bhatia and Davis, 2000), and it stays inside them even where all rows of a sample agree. What
has no most (tokens, seconds) gets Student's t. Both are of the mean of the rows to come: their own chance is in it.
Where a row makes several calls, the journal's sums do not tell its calls from another row's; both are then as wide as
they may have to be, and hold the truth more often than nine times in ten.
Sums and products of independent parts combine the distances from mean to bound by their squares, each side for
itself (Zou and Donner, 2008), so that skewed parts stay skewed. (Rejected: the bootstrap, which sees no spread in
three rows that agree; adding bounds, which assumes that every stage turns out badly at once.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

LEVEL = 0.9
"""The share of cases in which an interval is to hold the truth."""
_UPPER = (1 + LEVEL) / 2
_Z = NormalDist().inv_cdf(_UPPER)


@dataclass(frozen=True, slots=True)
class About:
    """A mean with its interval; the bounds are None where the sample is too small to say any."""

    mean: float
    low: float | None
    high: float | None

    @property
    def is_certain(self) -> bool:
        return self.low == self.mean == self.high

    def times(self, factor: float) -> About:
        """Return this many times as much, for a factor that is certain."""
        return About(
            self.mean * factor,
            None if self.low is None else self.low * factor,
            None if self.high is None else self.high * factor,
        )


def exactly(value: float) -> About:
    """Return a value that is certain."""
    return About(value, value, value)


def total(parts: Iterable[About]) -> About:
    """Return the sum of independent parts; without an interval where a part has none."""
    added = list(parts)
    mean = math.fsum(part.mean for part in added)
    below, above = 0.0, 0.0
    for part in added:
        if part.low is None or part.high is None:
            return About(mean, None, None)
        below, above = math.hypot(below, part.mean - part.low), math.hypot(above, part.high - part.mean)
    # no less than when every part is at its lowest
    return About(mean, max(mean - below, math.fsum(part.low or 0.0 for part in added)), mean + above)


def together(parts: Iterable[About]) -> About:
    """Return the sum of parts that are high together and low together: their bounds add up.

    No other way they hang together makes it wider.
    """
    added = list(parts)
    lows = [part.low for part in added if part.low is not None]
    highs = [part.high for part in added if part.high is not None]
    mean, known = math.fsum(part.mean for part in added), len(lows) == len(highs) == len(added)
    return About(mean, math.fsum(lows) if known else None, math.fsum(highs) if known else None)


def product(one: About, other: About) -> About:
    """Return the product of two independent parts that are not negative; without an interval where one has none."""
    mean = one.mean * other.mean
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return About(mean, None, None)
    below = math.hypot(other.mean * (one.mean - one.low), one.mean * (other.mean - other.low))
    above = math.hypot(other.mean * (one.high - one.mean), one.mean * (other.high - other.mean))
    return About(mean, max(mean - below, one.low * other.low), mean + above)


def longest(parts: Iterable[About]) -> About:
    """Return the largest of several, bound by bound: whichever of them holds everything up."""
    held = list(parts)
    lows = [part.low for part in held if part.low is not None]
    highs = [part.high for part in held if part.high is not None]
    mean = max(part.mean for part in held)
    known = len(lows) == len(highs) == len(held)
    return About(mean, max(lows) if known else None, max(highs) if known else None)


def per_row(counted: float, rows: int, *, least: float, most: float, more: float) -> About:
    """Return what each of `more` further rows gives on average, from what `rows` rows gave together.

    A row gives between `least` and `most`. Nothing is uncertain where these are the same; without a row in the sample
    it is the least, and may be the most.
    """
    if not rows:
        return About(least, least, most)
    mean = counted / rows
    least, most = min(least, mean), max(most, mean)
    if least == most:
        return exactly(mean)
    size = _size(rows, more)
    share, spread = (mean - least) / (most - least), _Z * _Z / size
    centre = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread * spread / 4) / (1 + spread)
    low, high = min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))
    return About(mean, least + low * (most - least), least + high * (most - least))


def per_call(added: float, squares: float, answers: int, *, rows: int, more: float, least: float = 0.0) -> About | None:
    """Return what each call of `more` further rows takes on average, from the sum and the squares of `answers` calls.

    Calls of one row are like each other, so it is the `rows` they belong to that count as the sample's size. No call
    takes less than `least`. None without an answer; without an interval from a single row.
    """
    if not answers:
        return None
    mean, size = added / answers, min(rows, answers)
    if size < 2:
        return About(mean, None, None)
    variance = max(0.0, (squares - added * mean) / (answers - 1))
    half = student(size - 1) * math.sqrt(variance / _size(size, more))
    return About(mean, min(mean, max(least, mean - half)), mean + half)


def _size(rows: int, more: float) -> float:
    """Return the size of a sample whose mean is as far from the truth as that of `rows` is from that of `more`."""
    return 1 / (1 / rows + 1 / max(more, 1.0))


def student(degrees: int) -> float:
    """Return the quantile of Student's t that the intervals take, to 0.05 %.

    Exact for one and two degrees of freedom, beyond by the expansion in Abramowitz and Stegun (1964), 26.7.5.
    """
    if degrees == 1:
        return math.tan(math.pi * (_UPPER - 0.5))
    if degrees == 2:
        return (2 * _UPPER - 1) / math.sqrt(2 * _UPPER * (1 - _UPPER))
    z = _Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92_160,
    )
    return z + sum(term / float(degrees) ** power for power, term in enumerate(terms, start=1))
