"""Sums that can be done by a safe rule, and nothing else.

A question is computed only where its wording leaves one reading: a written-out expression, a percentage, a
unit conversion, or a word problem with exactly two quantities and an unmistakable signal. Everything else
gives the quantities found and no result, so that the offline model never states a number it guessed.
Rejected: a cleverer solver of word problems, whose wrong answers would look exactly like its right ones.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

_NUMBER = r"\d[\d,]*(?:\.\d+)?"
_QUANTITY = re.compile(rf"(?P<money>[$£€])?(?P<number>{_NUMBER})(?![\d/:])\s?(?P<unit>%|[A-Za-z]+)?")
_WORDS = [
    (re.compile(r"\bmultiplied by\b|\btimes\b|×|(?<=\d)\s*x\s*(?=\d)"), "*"), (re.compile(r"\bdivided by\b|÷"), "/"),
    (re.compile(r"\bplus\b"), "+"), (re.compile(r"\bminus\b|−"), "-"),
]  # fmt: skip
_EXPRESSION = re.compile(r"^\(*-?\d[\d\s.+\-*/()]*$")
_EXPRESSION_LEAD = re.compile(r"^(?:(?:can|could) you |please |quick(?:ly)?,? |so,? |hey,? )*(?:what is|what's|what are|calculate|compute|work out|solve|how much is|tell me|add up)?\s*", re.I)  # fmt: skip
_PERCENT = re.compile(rf"(?P<part>{_NUMBER})\s?(?:%|per ?cent) of (?P<money>[$£€])?(?P<whole>{_NUMBER})\b(?!\s*(?:%|per ?cent))", re.I)  # fmt: skip
_INTO = re.compile(rf"(?:convert |what is |change |how (?:much|many|long|far|heavy) is )?(?P<number>-?{_NUMBER})\s?(?:degrees? )?(?P<from>[a-z°]+) (?:in|into|to|as) (?:degrees? )?(?P<to>[a-z°]+)\b", re.I)  # fmt: skip
_HOW_MANY_IN = re.compile(rf"how many (?P<to>[a-z]+) (?:are )?(?:there )?(?:are )?in (?P<number>{_NUMBER}|an?|one) (?P<from>[a-z]+)\b", re.I)  # fmt: skip
_DEGREES = re.compile(rf"(?<![\d.,])(?P<number>-?{_NUMBER}) degrees (?P<from>celsius|fahrenheit)\b[^\d]{{0,40}}\b(?:in|to|into) (?P<to>celsius|fahrenheit)\b[^\d]*$", re.I)  # fmt: skip
_COMPOUND = re.compile(rf"^how many (?P<to>[a-z]+) (?:are )?(?:there )?in (?P<a>{_NUMBER}) (?P<first>[a-z]+) and (?P<b>{_NUMBER}) (?P<second>[a-z]+)\W*$", re.I)  # fmt: skip
_OPERATORS: dict[type, Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
_UNITS: dict[str, tuple[str, Fraction]] = {}
for _kind, _names in {
    "time": "second:1 minute:60 min:60 hour:3600 day:86400 week:604800",
    "length": "millimetre:0.001 millimeter:0.001 mm:0.001 centimetre:0.01 centimeter:0.01 cm:0.01 metre:1 meter:1 "
    "kilometre:1000 kilometer:1000 km:1000 inch:0.0254 foot:0.3048 feet:0.3048 yard:0.9144 mile:1609.344",
    "mass": "gram:1 gramme:1 kilogram:1000 kilo:1000 kg:1000 tonne:1000000 ounce:28.349523125 pound:453.59237 lb:453.59237",
    "volume": "millilitre:0.001 milliliter:0.001 ml:0.001 litre:1 liter:1",
    "count": "dozen:12",
    "cents": "cent:1 dollar:100",
}.items():
    for _pair in _names.split():
        _name, _factor = _pair.split(":")
        _UNITS[_name] = (_kind, Fraction(_factor))
_SHARED = re.compile(r"\b(?:half|twice|double|triple|third|quarter|remaining|rest|percent|ratio|average|more than|less than|fewer|dozen|square|interest|both|another|other|again|if|except|only|then|same|way|times|thrice|fold|fourth|fifth|splits?|plus|for each|a day|a week|per day|per week|per side|levels?|January|February|March|April|May|June|July|August|September|October|November|December)\b|[%/]", re.I)  # fmt: skip
_EACH = re.compile(r"\b(?:each|every|per|apiece)\b", re.I)
_TOTAL = re.compile(r"\b(?:altogether|in total|in all|total|combined)\b", re.I)
_LEFT = re.compile(r"\b(?:left|remain|remains|still ha(?:s|ve))\b", re.I)
_LOSES = re.compile(r"\b(?:gives? away|gave away|gives?|gave|eats?|ate|loses?|lost|sells?|sold|spends?|spent|uses?|used|breaks?|broke|takes? away|took|drinks?|drank|removes?d?|leaves?)\b", re.I)  # fmt: skip
_GAINS = re.compile(r"\b(?:buys?|bought|finds?|found|gets?|got|receives?d?|gives? (?:him|her|me|them)|gave (?:him|her|me|them)|more|joins?|joined|picks?|picked|earns?|earned)\b", re.I)  # fmt: skip
_EQUALLY = re.compile(r"\b(?:equally|evenly|shared? (?:among|between)|divides?d? (?:among|between)|split (?:among|between))\b", re.I)  # fmt: skip
_NUMBER_WORDS = re.compile(r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|thousand)\b", re.I)  # fmt: skip
_IN_WORDS = re.compile(r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty) (?!of\b|and\b|in\b|to\b|is\b|are\b|or\b|at\b|for\b)[a-z]{3,}\b", re.I)  # fmt: skip
_SEQUENCE = re.compile(rf"(?:what (?:comes|is|number comes) next|next (?:number|term)|continue)\b[^\d-]*(?P<terms>-?{_NUMBER}(?:,? +-?{_NUMBER}){{3,}})(?![^?]*\d)", re.I)  # fmt: skip
_LONGEST_PROBLEM = 26  # words; longer stories hide a further step
_LARGEST = Fraction(10**15)


@dataclass(frozen=True, slots=True)
class Sum:
    """A computed result: `working` ("12 + 7"), `result` ("19", "$19", "180 minutes"), `operation` its rule."""

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


def quantities(text: str) -> tuple[str, ...]:
    """Return every quantity of a text with its unit, in order ("$5", "3 apples")."""
    return tuple(said for _, said in _pairs(text))


def _pairs(text: str) -> list[tuple[re.Match[str], str]]:
    found = []
    for match in _QUANTITY.finditer(text):
        unit = match["unit"] or ""
        unit = unit if unit == "%" else f" {unit}" if unit and unit.lower() not in _NO_UNITS else ""
        found.append((match, f"{match['money'] or ''}{match['number'].rstrip(',')}{unit}"))
    return found


_NO_UNITS = frozenset("is are was and or of to in on at by from more less each per times a an the if how what that with for x y plus minus divided multiplied old new big small red blue green white black as than into".split())  # fmt: skip


def solve(question: str) -> Sum | Quantities | None:
    """Return the result of a sum, its bare quantities where no rule is safe, or None where nothing is asked to be computed."""
    text = " ".join(question[:1_500].split())
    found = _expression(text) or _percent(text) or _conversion(text) or _sequence(text) or _word_problem(text)
    if found:
        return found
    asks = re.search(r"\bhow (?:many|much|long|far|old|tall|fast)\b|\bwhat (?:is|was) the (?:total|sum|cost|price|average|area|difference|ratio|probability)\b|\bcalculate\b|\bpercentage\b", text, re.I)  # fmt: skip
    some = sorted((match.start(), said) for match, said in [*_pairs(text), *((m, m.group()) for m in _IN_WORDS.finditer(text))])
    return Quantities(tuple(said for _, said in some)) if asks and len(some) >= 2 and any(c.isdigit() for c in text) else None


def _number(text: str) -> Fraction:
    return Fraction(text.replace(",", ""))


def _expression(text: str) -> Sum | None:
    bare = _EXPRESSION_LEAD.sub("", text, count=1).rstrip("?!. =")
    for pattern, sign in _WORDS:
        bare = pattern.sub(sign, bare)
    bare = re.sub(r"(?<=\d),(?=\d{3}\b)", "", bare)
    bare = re.sub(r"(?<=\d) and (?=\d)", "+", bare) if re.search(r"\badd\b", text, re.I) else bare
    if len(bare) > 60 or not _EXPRESSION.match(bare) or not re.search(r"\d\s*[+\-*/]\s*\(*\d", bare) or "**" in bare or "//" in bare:
        return None
    try:
        result = _evaluate(ast.parse(bare, mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError):
        return None
    return _sum(re.sub(r"\s*([+\-*/])\s*", r" \1 ", bare).strip(), result, "expression")


def _evaluate(node: ast.expr) -> Fraction:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_evaluate(node.left), _evaluate(node.right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluate(node.operand)
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return Fraction(str(node.value))
    raise ValueError("not a sum")


def _sum(working: str, result: Fraction, operation: str, before: str = "", after: str = "") -> Sum | None:
    if abs(result) > _LARGEST:
        return None
    about = "about " if written(result) and _number(written(result)) != result else ""
    if before and result.denominator != 1:
        return Sum(working, f"{about if result * 100 % 1 else ''}{before}{float(result):.2f}", operation)
    return Sum(working, f"{about}{before}{written(result)}{after}", operation)


def _percent(text: str) -> Sum | None:
    match = _PERCENT.search(text)
    if not match or len(quantities(text)) != 2 or not re.search(r"\bwhat|how much|how many|calculate|compute|find\b", text, re.I):
        return None
    if re.search(r"\b(?:left|more|off|discount|remain|after|increase|decrease|not|rest|other)\b", text, re.I):
        return None
    part, whole = _number(match["part"]), _number(match["whole"])
    money = match["money"] or ""
    return _sum(f"{match['part']}% of {money}{match['whole']}", part * whole / 100, "percent", before=money)


def _unit(word: str) -> tuple[str, Fraction] | None:
    word = word.lower()
    singular = "inch" if word == "inches" else word.removesuffix("s")
    return _UNITS.get(word) or _UNITS.get(singular)


def _conversion(text: str) -> Sum | None:
    if degrees := _DEGREES.search(text):
        return _temperature(_number(degrees["number"]), degrees["from"], degrees["to"])
    if compound := _COMPOUND.search(text):
        return _compound(compound)
    match = _HOW_MANY_IN.search(text) or _INTO.search(text)
    if not match or len(re.findall(_NUMBER, text)) > 1:
        return None
    amount = _number(match["number"]) if match["number"][-1].isdigit() else Fraction(1)
    source, target = match["from"], match["to"]
    degrees = _temperature(amount, source, target)
    if degrees:
        return degrees
    before, after = _unit(source), _unit(target)
    if not before or not after or before[0] != after[0] or before == after:
        return None
    result = amount * before[1] / after[1]
    plural = target if result != 1 else target.removesuffix("s") if target != "feet" else "foot"
    return _sum(f"{match['number']} {source}", result, "conversion", after=f" {plural}")


def _sequence(text: str) -> Sum | None:
    """Continue a row of numbers whose differences, ratio or second differences stay the same."""
    match = _SEQUENCE.search(text)
    if not match:
        return None
    terms = [Fraction(term) for term in re.split(r"[, ]+", match["terms"].rstrip(",")) if term]
    steps = [b - a for a, b in zip(terms, terms[1:], strict=False)]
    bends = [b - a for a, b in zip(steps, steps[1:], strict=False)]
    shown = ", ".join(written(term) for term in terms)
    if len(set(steps)) == 1:
        return _sum(shown, terms[-1] + steps[0], "sequence")
    if all(terms) and len({b / a for a, b in zip(terms, terms[1:], strict=False)}) == 1:
        return _sum(shown, terms[-1] * terms[1] / terms[0], "sequence")
    return _sum(shown, terms[-1] + steps[-1] + bends[0], "sequence") if len(terms) >= 5 and len(set(bends)) == 1 else None


def _compound(match: re.Match[str]) -> Sum | None:
    """Compute "how many seconds are there in 2 hours and 15 minutes"."""
    target, first, second = (_unit(match[name]) for name in ("to", "first", "second"))
    if not target or not first or not second or not target[0] == first[0] == second[0]:
        return None
    result = (_number(match["a"]) * first[1] + _number(match["b"]) * second[1]) / target[1]
    working = f"{match['a']} {match['first']} and {match['b']} {match['second']}"
    return _sum(working, result, "conversion", after=f" {match['to']}")


def _temperature(amount: Fraction, source: str, target: str) -> Sum | None:
    pair = source.lower().strip("°")[:1] + target.lower().strip("°")[:1]
    names = {"c": ("c", "celsius"), "f": ("f", "fahrenheit")}
    if pair not in ("cf", "fc") or source.lower().strip("°") not in names[pair[0]] or target.lower().strip("°") not in names[pair[1]]:
        return None
    result = amount * 9 / 5 + 32 if pair == "cf" else (amount - 32) * 5 / 9
    name = "Fahrenheit" if pair == "cf" else "Celsius"
    return _sum(f"{written(amount)} degrees {'Celsius' if pair == 'cf' else 'Fahrenheit'}", result, "conversion", after=f" degrees {name}")


def _word_problem(text: str) -> Sum | None:
    """Compute a problem of exactly two quantities whose wording has one reading; anything odd gives None."""
    found = list(_QUANTITY.finditer(text))
    if len(found) != 2 or _SHARED.search(text) or _NUMBER_WORDS.search(text) or not re.search(r"\bhow (?:many|much)\b", text, re.I):
        return None
    asking = text[text.lower().rindex("how m") :]
    if quantities(asking) or len(text.split()) > _LONGEST_PROBLEM:
        return None
    a, b = (_number(match["number"].rstrip(",")) for match in found)
    money = [match["money"] or "" for match in found]
    story = text[: -len(asking)]
    each, left, loses = bool(_EACH.search(story)), bool(_LEFT.search(asking)), bool(_LOSES.search(story))
    left_number, right_number = (f"{m['money'] or ''}{m['number'].rstrip(',')}" for m in found)
    thing = re.match(r"how (?:many|much) (?P<thing>[a-z]+)", asking, re.I)
    unit = _shared_unit(found, thing["thing"] if thing else "")
    if _EQUALLY.search(story) and not left and b and not loses:
        return _sum(f"{left_number} / {right_number}", a / b, "divide", before=money[0]) if a % b == 0 else None
    if each and not left and not loses and (_TOTAL.search(asking) or any(money)) and not _GAINS.search(story.replace("buys", "").replace("bought", "")):
        return _sum(f"{left_number} * {right_number}", a * b, "multiply", before=money[0] or money[1])
    if money[0] != money[1] or not (unit or all(money)):
        return None
    after = "" if money[0] else f" {unit}"
    if left and loses and not each and not _GAINS.search(story) and a >= b:
        return _sum(f"{left_number} - {right_number}", a - b, "subtract", before=money[0], after=after)
    if not left and not each and not loses and _TOTAL.search(asking):
        return _sum(f"{left_number} + {right_number}", a + b, "add", before=money[0], after=after)
    return None


def _shared_unit(found: list[re.Match[str]], asked: str) -> str:
    """Return the unit that is asked for, where the first quantity is counted in it and the second in nothing else."""
    units = [(match["unit"] or "").lower() for match in found]
    second_fits = units[1] == units[0] or units[1] in _NO_UNITS or units[1] == ""
    return asked if asked and asked.lower() == units[0] and second_fits else ""
