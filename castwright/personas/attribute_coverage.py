"""How evenly the values of one attribute, or the pairs of two, are filled.

Two questions are kept apart. Is the space filled evenly: effective number of values (the exponential of Shannon's
entropy; Hill 1973, order 1) and evenness (Pielou 1966). Is it filled as was stated: total-variation distance from
the stated shares, beside what a random sample of the same size has from luck alone. (Rejected: chi-square tests,
whose p-value is small for every large sample.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_DIGITS = 4


@dataclass(frozen=True)
class AttributeCoverage:
    """The values of one attribute.

    `counts`: value -> cards, most first; values that could be and were not met count 0. `shares`: value -> stated
    number per card, empty where none is stated. `possible`: how many values there are, None where the list is open.
    `missing`: cards that have no value, or one that the stated shares do not know.
    """

    name: str
    counts: Mapping[str, int]
    shares: Mapping[str, float] = field(default_factory=dict)
    possible: int | None = None
    missing: int = 0

    @cached_property
    def total(self) -> int:
        """Values counted: cards, or more where a card has several."""
        return sum(self.counts.values())

    @cached_property
    def seen(self) -> int:
        """How many values were met."""
        return sum(count > 0 for count in self.counts.values())

    @cached_property
    def effective(self) -> float:
        """How many equally frequent values would be as diverse."""
        return math.exp(_entropy(self.counts.values()))

    @property
    def evenness(self) -> float | None:
        """Entropy over the most it could be, 0 to 1; None where there is but one value."""
        values = self.possible if self.possible is not None else self.seen
        return math.log(self.effective) / math.log(values) if values > 1 and self.total else None

    @property
    def stated_effective(self) -> float | None:
        """The effective number of the stated shares."""
        return math.exp(_entropy(self.shares.values())) if self.shares else None

    @cached_property
    def distance(self) -> float | None:
        """Total-variation distance from the stated shares, 0 (as stated) to 1; None where none are stated."""
        if not self.shares or not self.total:
            return None
        return sum(abs(lack) for lack in self._lacks.values()) / 2 / self.total

    @property
    def luck(self) -> float | None:
        """What `distance` a random sample of this size has on average."""
        if not self.shares or not self.total:
            return None
        whole = sum(self.shares.values())
        parts = (share / whole for share in self.shares.values())
        return sum(math.sqrt(2 / math.pi * part * (1 - part) / self.total) for part in parts) / 2

    @cached_property
    def _lacks(self) -> dict[str, float]:
        whole = sum(self.shares.values()) or 1.0
        values = dict.fromkeys((*self.shares, *self.counts))
        return {value: self.total * self.shares.get(value, 0.0) / whole - self.counts.get(value, 0) for value in values}

    def thin(self, most: int = 5) -> dict[str, float]:
        """Return the values furthest below their stated number, with how many are lacking; most first."""
        lacking = sorted(self._lacks.items(), key=lambda item: (-item[1], item[0])) if self.shares else []
        return {value: round(lack, 1) for value, lack in lacking[:most] if lack >= 1}

    def as_dict(self, most: int = 5) -> dict[str, Any]:
        """Return JSON-ready data: the numbers, and the fullest and emptiest values with their counts."""
        items = list(self.counts.items())
        return {
            "seen": self.seen,
            "possible": self.possible,
            "missing": self.missing,
            "effective": _rounded(self.effective),
            "stated_effective": _rounded(self.stated_effective),
            "evenness": _rounded(self.evenness),
            "distance": _rounded(self.distance),
            "luck": _rounded(self.luck),
            "most": dict(items[:most]),
            "least": dict(items[most:][-most:]),
            "thin": self.thin(most),
        }


@dataclass(frozen=True)
class PairCoverage:
    """The pairs of values of two attributes. `allowed`: pairs that could be met; `luck`: those met by pure luck.

    `never`: the allowed pairs that were not met and most could be expected, as "value + value", most first.
    """

    name: str
    met: int
    allowed: int
    luck: float
    never: tuple[str, ...] = ()

    @property
    def share(self) -> float | None:
        """Share of the allowed pairs that were met; None where there are none."""
        return self.met / self.allowed if self.allowed else None

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        share, luck = _rounded(self.share), round(self.luck, 1)
        return {"met": self.met, "allowed": self.allowed, "share": share, "luck": luck, "never": list(self.never)}


def attribute_coverage(
    name: str, counts: Mapping[str, int], *, values: Iterable[str] = (), shares: Mapping[str, float] | None = None
) -> AttributeCoverage:
    """Return the coverage of an attribute from its counts; the count of "" is that of cards without a value.

    `values` are all there can be, where that is known; `shares` what is stated of them, and then a value they do not
    have counts as missing.
    """
    known = dict.fromkeys((*values, *(shares or {})))
    missing = sum(n for value, n in counts.items() if not value or (shares and value not in shares))
    kept = {value: n for value, n in counts.items() if value and (not shares or value in shares)}
    filled = {**dict.fromkeys(known, 0), **kept}
    ordered = dict(sorted(filled.items(), key=lambda item: (-item[1], item[0])))
    return AttributeCoverage(name, ordered, shares or {}, len(filled) if known else None, missing)


def pair_coverage(
    name: str, counts: Mapping[tuple[str, str], int], expected: Mapping[tuple[str, str], float], *, most: int = 5
) -> PairCoverage:
    """Return the coverage of pairs: `expected` has every allowed pair, with the number that chance would give it."""
    never = [pair for pair in expected if not counts.get(pair)]
    never.sort(key=lambda pair: (-expected[pair], pair))
    luck = sum(-math.expm1(-number) for number in expected.values())
    words = tuple(" + ".join(pair) for pair in never[:most])
    return PairCoverage(name, len(expected) - len(never), len(expected), luck, words)


def independent(counts: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], float]:
    """Return every pair of values met, with the number it would have if the two had nothing to do with each other."""
    first: dict[str, int] = {}
    second: dict[str, int] = {}
    for (one, other), count in counts.items():
        first[one] = first.get(one, 0) + count
        second[other] = second.get(other, 0) + count
    whole = sum(first.values())
    return {(one, other): n * m / whole for one, n in first.items() for other, m in second.items()}


def _entropy(weights: Iterable[float]) -> float:
    found = [weight for weight in weights if weight > 0]
    whole = sum(found)
    return -sum(weight / whole * math.log(weight / whole) for weight in found)


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, _DIGITS)
