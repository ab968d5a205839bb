"""What the statements of a Wikibase entity say: items, times and texts, the best rank of each.

Entities are read leniently: what is missing, deprecated or of another type is not there, because a statement that
cannot be read must not cost the person. Times keep their precision, so that "19th century" never becomes 1 January
1801; years before Christ are negative and there is no year 0, as in the dump. (Rejected: `datetime`, which knows
neither.)

Source: Wikibase JSON format, "Snaks" and "time"; Help:Dates of Wikidata for the meaning of precision.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_TIME = re.compile(r"([+-])(\d{1,11})-(\d\d)-(\d\d)T")
_ITEM = re.compile(r"Q([1-9]\d{0,17})")
_NO_ITEM = 10**18  # a number of more digits is no item's, and fits no column of a database
_MONTHS: tuple[str, ...] = ("January", "February", "March", "April", "May", "June", "July", "August")
_MONTHS += ("September", "October", "November", "December")
MILLENNIUM, CENTURY, DECADE, YEAR, MONTH, DAY = range(6, 12)
_SPANS = {MILLENNIUM: 1000, CENTURY: 100, DECADE: 10}


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as precise as it is known: `precision` 6 (millennium) to 11 (day); a year BC is negative."""

    year: int
    month: int
    day: int
    precision: int

    @property
    def latest(self) -> int:
        """The last year that this time can mean: what it is judged by where caution is wanted."""
        span = _SPANS.get(self.precision, 1)
        if self.precision == DECADE:
            return self.year - self.year % 10 + 9
        return self.year if self.year < 0 else -(-self.year // span) * span

    @property
    def text(self) -> str:
        """The time in words: "10 December 1815", "1810s", "5th century BC"."""
        era = " BC" if self.year < 0 else ""
        year = abs(self.year)
        if self.precision in (MILLENNIUM, CENTURY):
            name = "century" if self.precision == CENTURY else "millennium"
            return f"{ordinal(-(-year // _SPANS[self.precision]))} {name}{era}"
        if self.precision == DECADE:
            return f"{year - year % 10}s{era}"
        month = _MONTHS[self.month - 1] if self.precision >= MONTH and 1 <= self.month <= 12 else ""
        day = str(self.day) if month and self.precision >= DAY and self.day else ""
        return " ".join(part for part in (day, month, f"{year}{era}") if part)


def ordinal(number: int) -> str:
    """Return "1st", "2nd", "11th" ..."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def century(year: int) -> str:
    """Return the century of a year: 1815 is in the "19th century", -427 in the "5th century BC"."""
    return Moment(year, 0, 0, CENTURY).text


def label_of(entity: dict[str, Any], languages: Sequence[str], part: str = "labels") -> str:
    """Return an entity's label (or `part` "descriptions") in the first of the languages that has one, or ""."""
    found = _object(entity.get(part))
    for language in languages:
        text = _object(found.get(language)).get("value")
        if isinstance(text, str) and text.strip():
            return " ".join(text.split())
    return ""


def aliases_of(entity: dict[str, Any], languages: Sequence[str]) -> list[str]:
    """Return an entity's other names in the first of the languages that has some."""
    found = _object(entity.get("aliases"))
    for language in languages:
        given = found.get(language)
        texts = [_object(one).get("value") for one in given] if isinstance(given, list) else []
        names = [" ".join(text.split()) for text in texts if isinstance(text, str) and text.strip()]
        if names:
            return list(dict.fromkeys(names))
    return []


def has_claim(entity: dict[str, Any], name: str) -> bool:
    """Return whether a property is stated, be it with an unknown value ("died, nobody knows when")."""
    return any(_object(one.get("mainsnak")).get("snaktype") in ("value", "somevalue") for one in _best(entity, name))


def items_of(entity: dict[str, Any], name: str) -> list[int]:
    """Return the numbers of the items that a property names: Q5 is 5."""
    found = []
    for value in _values(entity, name):
        value = _object(value)
        number = value.get("numeric-id")
        if isinstance(value.get("id"), str):
            number = item_number(value["id"])
        if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < _NO_ITEM:
            continue
        if value.get("entity-type", "item") == "item":
            found.append(number)
    return list(dict.fromkeys(found))


def moments_of(entity: dict[str, Any], name: str) -> list[Moment]:
    """Return the times that a property names, as far as they are precise to a millennium."""
    found = []
    for value in _values(entity, name):
        value = _object(value)
        match = _TIME.match(str(value.get("time", "")))
        precision = value.get("precision")
        if match and isinstance(precision, int) and precision >= MILLENNIUM and int(match[2]):
            year = int(match[2]) * (-1 if match[1] == "-" else 1)
            found.append(Moment(year, int(match[3]), int(match[4]), min(precision, DAY)))
    return found


def item_number(name: str) -> int | None:
    """Return the number of an item's id ("Q42" is 42), or None for any other id."""
    match = _ITEM.fullmatch(name.strip())
    return int(match[1]) if match else None


def _best(entity: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the statements of a property that count: preferred ones, else normal ones, never deprecated ones."""
    claims = _object(entity.get("claims") or entity.get("statements"))
    given = claims.get(name)
    stated = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    stated = [one for one in stated if one.get("rank") != "deprecated"]
    return [one for one in stated if one.get("rank") == "preferred"] or stated


def _values(entity: dict[str, Any], name: str) -> list[Any]:
    snaks = [_object(one.get("mainsnak")) for one in _best(entity, name)]
    return [_object(snak.get("datavalue")).get("value") for snak in snaks if snak.get("snaktype") == "value"]


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}  # PHP writes an empty object as []
