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
from fractions import Fraction
from itertools import pairwise

from castwright.generators.offline.conversion import convert
from castwright.generators.offline.english import word_set
from castwright.generators.offline.sums import NUMBER, Quantities, Sum, make_sum, to_number, written

_QUANTITY = re.compile(rf"(?<![\d:./-])(?P<money>[$£€])?(?P<number>{NUMBER})(?![\d/:])[\s-]?(?P<unit>%|[A-Za-z]+)?")

_WORDS = [
    (re.compile(r"\bmultiplied by\b|\btimes\b|×|(?<=\d)\s*x\s*(?=\d)"), "*"),
    (re.compile(r"\bdivided by\b|÷"), "/"),
    (re.compile(r"\bplus\b"), "+"),
    (re.compile(r"\bminus\b|−"), "-"),
]

_EXPRESSION = re.compile(r"^\(*-?\d[\d\s.+\-*/()]*$")

_EXPRESSION_LEAD = re.compile(
    r"^(?:(?:can|could) you |please |quick(?:ly)?,? |so,? |hey,? )*(?:what is|what's|what "
    r"are|calculate|compute|work out|solve|how much is|tell me|add up)?\s*",
    re.IGNORECASE,
)

_PERCENT = re.compile(
    rf"(?P<part>{NUMBER})\s?(?:%|per ?cent) of "
    rf"(?P<money>[$£€])?(?P<whole>{NUMBER})\b(?!\s*(?:%|per ?cent))",
    re.IGNORECASE,
)

_OPERATORS: dict[type, Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}

_SHARED = re.compile(
    r"\b(?:half|twice|double|triple|third|quarter|remaining|rest|percent|ratio|average|"
    r"more than|less than|fewer|dozen|square|interest|both|another|other|again|if|except|"
    r"only|then|same|way|times|thrice|fold|fourth|fifth|splits?|plus|for each|a day|a week|"
    r"per day|per week|per side|levels?|January|February|March|April|May|June|July|August|"
    r"September|October|November|December)\b|[%/]",
    re.IGNORECASE,
)

_EACH = re.compile(r"\b(?:each|every|per|apiece)\b", re.IGNORECASE)

_TOTAL = re.compile(r"\b(?:altogether|in total|in all|total|combined)\b", re.IGNORECASE)

_LEFT = re.compile(r"\b(?:left|remain|remains|still ha(?:s|ve))\b", re.IGNORECASE)

_LOSES = re.compile(
    r"\b(?:gives? away|gave away|gives?|gave|eats?|ate|loses?|lost|sells?|sold|spends?|"
    r"spent|uses?|used|breaks?|broke|takes? away|took|drinks?|drank|removes?d?|leaves?)\b",
    re.IGNORECASE,
)

_GAINS = re.compile(
    r"\b(?:buys?|bought|finds?|found|gets?|got|receives?d?|gives? (?:him|her|me|them)|gave "
    r"(?:him|her|me|them)|more|joins?|joined|picks?|picked|earns?|earned)\b",
    re.IGNORECASE,
)

_EQUALLY = re.compile(
    r"\b(?:equally|evenly|shared? (?:among|between)|divides?d? (?:among|between)|split "
    r"(?:among|between))\b",
    re.IGNORECASE,
)

_NUMBER_WORDS = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|"
    r"fifty|hundred|thousand)\b",
    re.IGNORECASE,
)

_IN_WORDS = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|"
    r"fifty) (?!of\b|and\b|in\b|to\b|is\b|are\b|or\b|at\b|for\b)[a-z]{3,}\b",
    re.IGNORECASE,
)

_SEQUENCE = re.compile(
    rf"(?:what (?:comes|is|number comes) next|next (?:number|term)|"
    rf"continue)\b[^\d-]*(?P<terms>-?{NUMBER}(?:,? +-?{NUMBER}){{3,}})(?![^?]*\d)",
    re.IGNORECASE,
)

_LONGEST_PROBLEM = 26  # words; longer stories hide a further step


def quantities(text: str) -> tuple[str, ...]:
    """Return every quantity of a text with its unit, in order ("$5", "3 apples")."""
    return tuple(said for _, said in _pairs(text))


def _pairs(text: str) -> list[tuple[re.Match[str], str]]:
    found = []
    for match in _QUANTITY.finditer(text):
        unit = match["unit"] or ""
        bare = not unit or unit.lower() in _NO_UNITS or text[match.end("number")] == "-"
        unit = unit if unit == "%" else "" if bare else f" {unit}"
        found.append((match, f"{match['money'] or ''}{match['number'].rstrip(',')}{unit}"))
    return found


_NO_UNITS = word_set(
    "is are was and or of to in on at by from more less each per times a an the if how "
    "what that with for x y plus minus divided multiplied old new big small red blue "
    "green white black as than into"
    " alone doubling double one two three four five six seven eight nine ten its he she they we you i"
)


def solve(question: str) -> Sum | Quantities | None:
    """Return the result of a sum, its quantities where no rule is safe, or None where none is asked."""
    text = " ".join(question[:1_500].split())
    found = _expression(text) or _percent(text) or convert(text) or _sequence(text) or _word_problem(text)
    if found:
        return found
    asks = re.search(
        r"\bhow (?:many|much|long|far|old|tall|fast)\b|\bwhat (?:is|was) the (?:total|sum|cost|"
        r"price|average|area|difference|ratio|probability)\b|\bcalculate\b|\bpercentage\b",
        text,
        re.IGNORECASE,
    )
    some = sorted(
        (match.start(), said) for match, said in [*_pairs(text), *((m, m.group()) for m in _IN_WORDS.finditer(text))]
    )
    return (
        Quantities(tuple(said for _, said in some))
        if asks and len(some) >= 2 and any(c.isdigit() for c in text)
        else None
    )


def _expression(text: str) -> Sum | None:
    bare = _EXPRESSION_LEAD.sub("", text, count=1).rstrip("?!. =")
    for pattern, sign in _WORDS:
        bare = pattern.sub(sign, bare)
    bare = re.sub(r"(?<=\d),(?=\d{3}\b)", "", bare)
    bare = re.sub(r"(?<=\d) and (?=\d)", "+", bare) if re.search(r"\badd\b", text, re.IGNORECASE) else bare
    if (
        len(bare) > 60
        or not _EXPRESSION.match(bare)
        or not re.search(r"\d\s*[+\-*/]\s*\(*\d", bare)
        or "**" in bare
        or "//" in bare
    ):
        return None
    try:
        result = _evaluate(ast.parse(bare, mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError):
        return None
    return make_sum(re.sub(r"\s*([+\-*/])\s*", r" \1 ", bare).strip(), result, "expression")


def _evaluate(node: ast.expr) -> Fraction:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_evaluate(node.left), _evaluate(node.right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluate(node.operand)
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return Fraction(str(node.value))
    raise ValueError("not a sum")


def _percent(text: str) -> Sum | None:
    match = _PERCENT.search(text)
    if (
        not match
        or len(quantities(text)) != 2
        or not re.search(r"\bwhat|how much|how many|calculate|compute|find\b", text, re.IGNORECASE)
    ):
        return None
    if re.search(r"\b(?:left|more|off|discount|remain|after|increase|decrease|not|rest|other)\b", text, re.IGNORECASE):
        return None
    part, whole = to_number(match["part"]), to_number(match["whole"])
    money = match["money"] or ""
    return make_sum(f"{match['part']}% of {money}{match['whole']}", part * whole / 100, "percent", before=money)


def _sequence(text: str) -> Sum | None:
    """Continue a row of numbers whose differences, ratio or second differences stay the same."""
    match = _SEQUENCE.search(text)
    if not match:
        return None
    terms = [Fraction(term) for term in re.split(r"[, ]+", match["terms"].rstrip(",")) if term]
    steps = [b - a for a, b in pairwise(terms)]
    bends = [b - a for a, b in pairwise(steps)]
    shown = ", ".join(written(term) for term in terms)
    if len(set(steps)) == 1:
        return make_sum(shown, terms[-1] + steps[0], "sequence")
    if all(terms) and len({b / a for a, b in pairwise(terms)}) == 1:
        return make_sum(shown, terms[-1] * terms[1] / terms[0], "sequence")
    return (
        make_sum(shown, terms[-1] + steps[-1] + bends[0], "sequence")
        if len(terms) >= 5 and len(set(bends)) == 1
        else None
    )


def _word_problem(text: str) -> Sum | None:
    """Compute a problem of exactly two quantities whose wording has one reading; anything odd gives None."""
    found = list(_QUANTITY.finditer(text))
    if (
        len(found) != 2
        or _SHARED.search(text)
        or _NUMBER_WORDS.search(text)
        or not re.search(r"\bhow (?:many|much)\b", text, re.IGNORECASE)
    ):
        return None
    asking = text[text.lower().rindex("how m") :]
    if quantities(asking) or len(text.split()) > _LONGEST_PROBLEM:
        return None
    a, b = (to_number(match["number"].rstrip(",")) for match in found)
    money = [match["money"] or "" for match in found]
    story = text[: -len(asking)]
    each, left, loses = bool(_EACH.search(story)), bool(_LEFT.search(asking)), bool(_LOSES.search(story))
    left_number, right_number = (f"{m['money'] or ''}{m['number'].rstrip(',')}" for m in found)
    thing = re.match(r"how (?:many|much) (?P<thing>[a-z]+)", asking, re.IGNORECASE)
    unit = _shared_unit(found, thing["thing"] if thing else "")
    if _EQUALLY.search(story) and not left and b and not loses:
        return make_sum(f"{left_number} / {right_number}", a / b, "divide", before=money[0]) if a % b == 0 else None
    if (
        each
        and not left
        and not loses
        and (_TOTAL.search(asking) or any(money))
        and not _GAINS.search(story.replace("buys", "").replace("bought", ""))
    ):
        return make_sum(f"{left_number} * {right_number}", a * b, "multiply", before=money[0] or money[1])
    if money[0] != money[1] or not (unit or all(money)):
        return None
    after = "" if money[0] else f" {unit}"
    if left and loses and not each and not _GAINS.search(story) and a >= b:
        return make_sum(f"{left_number} - {right_number}", a - b, "subtract", before=money[0], after=after)
    if not left and not each and not loses and _TOTAL.search(asking):
        return make_sum(f"{left_number} + {right_number}", a + b, "add", before=money[0], after=after)
    return None


def _shared_unit(found: list[re.Match[str]], asked: str) -> str:
    """Return the unit that is asked for, where both quantities are counted in it."""
    units = [(match["unit"] or "").lower() for match in found]
    second_fits = units[1] == units[0] or units[1] in _NO_UNITS or units[1] == ""
    return asked if asked and asked.lower() == units[0] and second_fits else ""
