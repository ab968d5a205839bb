"""Numbers in prose, read exactly.

Each is a `Fraction`, so 0.1 + 0.2 is 0.3 and "1/3" is no 0.333; thousands separators, currency, percent,
scale words, mixed fractions and number words up to the thousands are understood. A number keeps its place in
the text, because what matters to agreement is which one is said last. (Rejected: floats; and a package of
number words, which reads "one of them" as a quantity.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

_UNITS = [
    *(
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
]
_TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_SMALL: dict[str, int] = {word: value for value, word in enumerate(_UNITS)} | _TENS
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_PARTS = {
    "half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4,
    "fifth": 5, "fifths": 5, "sixth": 6, "sixths": 6, "eighth": 8, "eighths": 8, "tenth": 10, "tenths": 10,
}  # fmt: skip
_VULGAR = {
    "½": "1/2",
    "⅓": "1/3",
    "⅔": "2/3",
    "¼": "1/4",
    "¾": "3/4",
    "⅕": "1/5",
    "⅛": "1/8",
    "⅜": "3/8",
    "⅝": "5/8",
    "⅞": "7/8",
}

_CALCULATOR = re.compile(r"<<[^<>]*>>")
_LATEX_FRACTION = re.compile(r"\\[dt]?frac\{(-?\d+)\}\{(\d+)\}")
_DIGITS = re.compile(
    r"(?P<minus>(?:(?<![\w.)\]])|(?<=\s))[-−–](?=[$£€¥]?\s?\d)|\bminus\s+)?(?P<currency>[$£€¥]\s?)?(?<![\w.])"
    r"(?:(?P<whole>\d+)[\s-](?=\d+/\d))?"
    r"(?P<number>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?:\s?/\s?(?P<below>\d+)(?![\d/]|\s*=))?"  # "48/2 = 24" is working, not a fraction
    r"(?:\s*(?P<percent>%|percent\b|per cent\b)|[\s-]*(?P<scale>hundred|thousand|million|billion|dozen)\b|"
    r"(?P<kilo>[kK])\b)?",
    re.IGNORECASE,
)
_WORD_TOKENS = "|".join([*_SMALL, *_SCALES, "dozen"])
_WORDS = re.compile(
    rf"(?P<minus>\b(?:minus|negative)\s+)?\b(?P<body>(?:(?:a|an|one|half a)\s+(?=hundred|thousand|million|"
    rf"dozen))?"
    rf"(?:{_WORD_TOKENS})(?:(?:[\s-]+and[\s-]+|[\s-]+)(?:{_WORD_TOKENS}))*)\b"
    r"(?P<fraction>[\s-]+and[\s-]+(?:a|one)[\s-]+(?:half|third|quarter)|[\s-]+and[\s-]+(?:two[\s-]thirds|"
    r"three[\s-]quarters))?"
    r"(?:[\s-]+(?P<part>halves|thirds?|quarters?|fourths|fifths|sixths|eighths|"
    r"tenths)\b(?!\s+(?:of\s+)?(?:time|day|century|place)))?"
    r"(?:\s*(?P<percent>percent|per cent)\b)?",
    re.IGNORECASE,
)
_HALF = re.compile(
    r"\b(?:a|one)[\s-](?P<part>half|third|quarter|fifth|tenth)\b(?!\s+(?:time|day|place))", re.IGNORECASE
)
_IDIOMS = re.compile(
    r"\b(?:two and two (?:is|are|makes?) four|one (?:of|by one|another|thing|day|might|could|must|should|"
    r"can|does|never|ought)"
    r"|no one|any ?one|every ?one|some ?one|each one|the one|this one|that one|which one|one's|oneself|"
    r"for one|"
    r"(?:a |one )?(?:thousand|hundred|million) times|a (?:thousand|hundred|million) (?:pardons|thanks|"
    r"apologies|blessings)|"
    r"second to none|two cents|nine lives|ten to one|at sixes and sevens|back to square one|two birds|"
    r"seven seas|"
    r"one hundred percent sure|on all fours|once or twice|two minds|first and foremost|second nature)\b",
    re.IGNORECASE,
)


_LONGEST = 60
"""Characters of the longest number that is read: a longer run of digits is noise (and int() refuses 4,300)."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in a text: its exact value (a percentage as its number of hundredths), place and words."""

    value: Fraction
    start: int
    text: str
    percent: bool = False
    in_digits: bool = True

    def same(self, other: Quantity) -> bool:
        """Return whether both are one number; a percentage equals its bare number and its hundredth part."""
        if self.percent == other.percent:
            return self.value == other.value
        percent, bare = (self, other) if self.percent else (other, self)
        return bare.value in (percent.value, percent.value / 100)


def plain(text: str) -> str:
    """Return text without calculator marks (`<<6*7=42>>`), LaTeX fractions and vulgar fraction signs."""
    text = _LATEX_FRACTION.sub(r"\1/\2", _CALCULATOR.sub("", text)).replace("\\$", "$")
    for sign, written in _VULGAR.items():
        text = re.sub(rf"(?<=\d){sign}", f" {written}", text).replace(sign, written)
    return text


def find_quantities(text: str) -> list[Quantity]:
    """Return the numbers of a text (see `plain`) in order of place.

    "one" alone, ordinals and set phrases ("two and two make four") are not numbers that anybody states.
    """
    return list(_read(text))


@lru_cache(maxsize=256)
def _read(text: str) -> tuple[Quantity, ...]:
    # cached: one check of two answers reads the same few texts several times
    visible = _IDIOMS.sub(lambda match: " " * len(match.group()), text)
    digits = (match for match in _DIGITS.finditer(visible) if len(match.group()) <= _LONGEST)
    found = [_from_digits(match) for match in digits]
    taken = [(q.start, q.start + len(q.text)) for q in found]
    for match in (*_WORDS.finditer(visible), *_HALF.finditer(visible)):
        if any(start < match.end() and match.start() < end for start, end in taken):
            continue
        quantity = _from_words(match)
        if quantity is not None:
            found.append(quantity)
            taken.append((quantity.start, quantity.start + len(quantity.text)))
    return tuple(sorted(found, key=lambda quantity: quantity.start))


def _from_digits(match: re.Match[str]) -> Quantity:
    value = Fraction(match["number"].replace(",", ""))
    if match["below"] and int(match["below"]):
        value /= int(match["below"])
    if match["whole"]:
        value += int(match["whole"])
    scale = (match["scale"] or "").lower()
    value *= 12 if scale == "dozen" else _SCALES.get(scale, 1_000 if match["kilo"] else 1)
    return Quantity(-value if match["minus"] else value, match.start(), match.group(), bool(match["percent"]))


def _from_words(match: re.Match[str]) -> Quantity | None:
    groups = match.groupdict()
    if "body" not in groups:
        return Quantity(Fraction(1, _PARTS[match["part"].lower()]), match.start(), match.group(), in_digits=False)
    body = match["body"].lower()
    value = word_value(body)
    if value is None or (body == "one" and not (match["part"] or match["fraction"] or match["percent"])):
        return None
    if match["part"]:
        value /= _PARTS[match["part"].lower()]
    if match["fraction"]:
        *_, count, part = re.split(r"[\s-]+", match["fraction"].lower())
        value += Fraction({"a": 1, "one": 1, "two": 2, "three": 3}[count], _PARTS[part])
    value = -value if match["minus"] else value
    return Quantity(value, match.start(), match.group(), bool(match["percent"]), in_digits=False)


def word_value(words: str) -> Fraction | None:
    """Return the value of number words ("twelve hundred and five"), or None where they make no one number."""
    tokens = [token for token in re.split(r"[\s-]+", words.lower()) if token not in ("and", "")]
    if tokens[:2] == ["half", "a"]:
        rest = word_value(" ".join(tokens[2:]))
        return rest / 2 if rest is not None else None
    total, group, last = 0, 0, 1_000
    for word in tokens:
        if word in ("a", "an"):
            continue
        if word in _SMALL:
            value = _SMALL[word]
            if value >= last or (value >= 10 and last < 100):  # "four five", "five twenty": two numbers, not one
                return None
            group, last = group + value, 10 if value >= 20 else 0
        elif word == "hundred":
            group, last = max(group, 1) * 100, 100
        else:
            total += max(group, 1) * (12 if word == "dozen" else _SCALES[word])
            group, last = 0, 1_000
    return Fraction(total + group)
