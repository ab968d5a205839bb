"""Results of sums: what was worked out, and how a number is written.

Apart from the rules that find a sum (`arithmetic`, `conversion`), so that both can make one. Numbers are
fractions throughout, because 0.1 + 0.2 must not be 0.30000000000000004 in anybody's mouth.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

NUMBER = r"\d[\d,]*(?:\.\d+)?"


_LARGEST = Fraction(10**15)


@dataclass(frozen=True, slots=True)
class Sum:
    """A computed result: `working` ("12 + 7"), `result` ("19", "$19", "3 hours"), `operation` its rule."""

    working: str
    result: str
    operation: str


@dataclass(frozen=True, slots=True)
class Quantities:
    """The quantities of a question ("3 apples", "$5") for which no safe rule was found."""

    found: tuple[str, ...]


def written(number: Fraction) -> str:
    """Return a number as digits: whole, or rounded to at most four decimals ("about" is the caller's)."""
    if number.denominator == 1:
        return f"{number.numerator:,}" if abs(number) >= 10_000 else str(number.numerator)
    return f"{float(number):.4f}".rstrip("0").rstrip(".")


def to_number(text: str) -> Fraction:
    """Return the number that digits with thousands separators stand for."""
    return Fraction(text.replace(",", ""))


def make_sum(working: str, result: Fraction, operation: str, before: str = "", after: str = "") -> Sum | None:
    """Return a result with its currency before or its unit after it, or None where it is beyond reading.

    A rounded result says "about".
    """
    if abs(result) > _LARGEST:
        return None
    about = "about " if written(result) and to_number(written(result)) != result else ""
    if before and result.denominator != 1:
        return Sum(working, f"{about if result * 100 % 1 else ''}{before}{float(result):.2f}", operation)
    return Sum(working, f"{about}{before}{written(result)}{after}", operation)
