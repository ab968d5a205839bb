"""Unit conversions: time, length, mass, volume, temperature, dozens.

Units are plain factors to a base unit; a pair that does not share a kind is refused, and so is any question
with more numbers than the wording accounts for. Rejected: a units package, for eight kinds of unit.
"""

from __future__ import annotations

import re
from fractions import Fraction

from castwright.generators.offline.sums import NUMBER, Sum, make_sum, to_number, written

_INTO = re.compile(
    rf"(?:convert |what is |change |how (?:much|many|long|far|heavy) is "
    rf")?(?P<number>-?{NUMBER})\s?(?:degrees? )?(?P<from>[a-z°]+) (?:in|into|to|as) "
    rf"(?:degrees? )?(?P<to>[a-z°]+)\b",
    re.IGNORECASE,
)


_HOW_MANY_IN = re.compile(
    rf"how many (?P<to>[a-z]+) (?:are )?(?:there )?(?:are )?in (?P<number>{NUMBER}|an?|one) "
    rf"(?P<from>[a-z]+)\b",
    re.IGNORECASE,
)


_DEGREES = re.compile(
    rf"(?<![\d.,])(?P<number>-?{NUMBER}) degrees (?P<from>celsius|"
    rf"fahrenheit)\b[^\d]{{0,40}}\b(?:in|to|into) (?P<to>celsius|fahrenheit)\b[^\d]*$",
    re.IGNORECASE,
)


_COMPOUND = re.compile(
    rf"^how many (?P<to>[a-z]+) (?:are )?(?:there )?in (?P<a>{NUMBER}) (?P<first>[a-z]+) "
    rf"and (?P<b>{NUMBER}) (?P<second>[a-z]+)\W*$",
    re.IGNORECASE,
)


_UNITS: dict[str, tuple[str, Fraction]] = {}


for _kind, _names in {
    "time": "second:1 minute:60 min:60 hour:3600 day:86400 week:604800",
    "length": "millimetre:0.001 millimeter:0.001 mm:0.001 centimetre:0.01 centimeter:0.01 cm:0.01 "
    "metre:1 meter:1 "
    "kilometre:1000 kilometer:1000 km:1000 inch:0.0254 foot:0.3048 feet:0.3048 yard:0.9144 mile:1609.344",
    "mass": "gram:1 gramme:1 kilogram:1000 kilo:1000 kg:1000 tonne:1000000 ounce:28.349523125 "
    "pound:453.59237 lb:453.59237",
    "volume": "millilitre:0.001 milliliter:0.001 ml:0.001 litre:1 liter:1",
    "count": "dozen:12",
    "cents": "cent:1 dollar:100",
}.items():
    for _pair in _names.split():
        _name, _factor = _pair.split(":")
        _UNITS[_name] = (_kind, Fraction(_factor))


def _unit(word: str) -> tuple[str, Fraction] | None:
    word = word.lower()
    singular = "inch" if word == "inches" else word.removesuffix("s")
    return _UNITS.get(word) or _UNITS.get(singular)


def convert(text: str) -> Sum | None:
    """Return the result of a question that asks for a conversion and for nothing else, or None."""
    if stated := _DEGREES.search(text):
        return _temperature(to_number(stated["number"]), stated["from"], stated["to"])
    if compound := _COMPOUND.search(text):
        return _compound(compound)
    match = _HOW_MANY_IN.search(text) or _INTO.search(text)
    if not match or len(re.findall(NUMBER, text)) > 1:
        return None
    amount = to_number(match["number"]) if match["number"][-1].isdigit() else Fraction(1)
    source, target = match["from"], match["to"]
    degrees = _temperature(amount, source, target)
    if degrees:
        return degrees
    before, after = _unit(source), _unit(target)
    if not before or not after or before[0] != after[0] or before == after:
        return None
    result = amount * before[1] / after[1]
    plural = target if result != 1 else target.removesuffix("s") if target != "feet" else "foot"
    return make_sum(f"{match['number']} {source}", result, "conversion", after=f" {plural}")


def _compound(match: re.Match[str]) -> Sum | None:
    """Compute "how many seconds are there in 2 hours and 15 minutes"."""
    target, first, second = (_unit(match[name]) for name in ("to", "first", "second"))
    if not target or not first or not second or not target[0] == first[0] == second[0]:
        return None
    result = (to_number(match["a"]) * first[1] + to_number(match["b"]) * second[1]) / target[1]
    working = f"{match['a']} {match['first']} and {match['b']} {match['second']}"
    return make_sum(working, result, "conversion", after=f" {match['to']}")


def _temperature(amount: Fraction, source: str, target: str) -> Sum | None:
    pair = source.lower().strip("°")[:1] + target.lower().strip("°")[:1]
    names = {"c": ("c", "celsius"), "f": ("f", "fahrenheit")}
    if (
        pair not in ("cf", "fc")
        or source.lower().strip("°") not in names[pair[0]]
        or target.lower().strip("°") not in names[pair[1]]
    ):
        return None
    result = amount * 9 / 5 + 32 if pair == "cf" else (amount - 32) * 5 / 9
    name = "Fahrenheit" if pair == "cf" else "Celsius"
    return make_sum(
        f"{written(amount)} degrees {'Celsius' if pair == 'cf' else 'Fahrenheit'}",
        result,
        "conversion",
        after=f" degrees {name}",
    )
