"""One fact of a text made wrong: a number, a number in words, a fact word or a negation.

Exactly one place changes, by a plausible amount, so that a model trained on the pair has to look at the fact
and not at the style. Code blocks are never touched. Rejected: several changes at once, which a reader spots
without knowing anything.
"""

from __future__ import annotations

import random
import re
from functools import cache

from castwright.generators.offline import english
from castwright.generators.offline.grammar import article, read_data

_NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\w]|[.,]\d)")


_NUMBER_WORDS = [
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
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
]


_SPELLED = re.compile(
    rf"\b(?:{'|'.join(_NUMBER_WORDS[:-1])}|twenty|thirty|forty|fifty|hundred|thousand)\b", re.IGNORECASE
)


_TENS = {
    "twenty": "thirty",
    "thirty": "forty",
    "forty": "fifty",
    "fifty": "forty",
    "hundred": "thousand",
    "thousand": "hundred",
}


_NEGATABLE = re.compile(
    r"\b(is|are|was|were|can|will|should|must|has|have|does|do|did|would|could) (not )?", re.IGNORECASE
)


def wrong_fact(text: str, rng: random.Random) -> str:
    """Return the text with one fact changed, or "" where no rule finds a fact.

    A number goes first, then a number in words, then a fact word ("north"), then a negation.
    """
    for change in (_wrong_number, _wrong_number_word, _wrong_word, _wrong_negation):
        changed = change(text, rng)
        if changed and changed != text:
            return changed
    return ""


def _replaced(text: str, match: re.Match[str], said: str) -> str:
    return text[: match.start()] + said + text[match.end() :]


def _outside_code(matches: list[re.Match[str]], text: str) -> list[re.Match[str]]:
    spans = [match.span() for match in re.finditer(r"```.*?```", text, re.DOTALL)]
    return [match for match in matches if not any(start <= match.start() < end for start, end in spans)]


def _wrong_number(text: str, rng: random.Random) -> str:
    matches = _outside_code(list(_NUMBER.finditer(text)), text)
    if not matches:
        return ""
    match = matches[-1] if rng.random() < 0.6 else rng.choice(matches)
    written = match.group()
    decimals = len(written.split(".")[1]) if "." in written else 0
    number = int(written.replace(",", "").replace(".", ""))
    step = (
        rng.choice([1, 2, 3])
        if number < 20
        else max(1, round(number * rng.choice([0.1, 0.2, 0.05])))
        if number < 10_000
        else round(number / 10)
    )
    wrong = number + step if number - step < 1 or rng.random() < 0.5 else number - step
    digits = (
        f"{wrong / 10**decimals:,.{decimals}f}"
        if "," in written
        else f"{wrong / 10**decimals:.{decimals}f}"
        if decimals
        else str(wrong)
    )
    return _replaced(text, match, digits)


def _wrong_number_word(text: str, rng: random.Random) -> str:
    matches = _outside_code(list(_SPELLED.finditer(text)), text)
    if not matches:
        return ""
    match = rng.choice(matches)
    word = match.group().lower()
    said = _TENS.get(word) or _NUMBER_WORDS[_NUMBER_WORDS.index(word) + 1]
    return _replaced(text, match, english.upper_first(said) if match.group()[0].isupper() else said)


@cache
def _swap_table() -> tuple[re.Pattern[str], dict[str, str]]:
    table: dict[str, str] = {}
    for pair in read_data("swaps"):
        left, right = str(pair).split("/")
        table.setdefault(left, right)
        table.setdefault(right, left)
    return re.compile(
        rf"\b(?:{'|'.join(sorted(map(re.escape, table), key=len, reverse=True))})\b", re.IGNORECASE
    ), table


def _wrong_word(text: str, rng: random.Random) -> str:
    pattern, table = _swap_table()
    matches = _outside_code(list(pattern.finditer(text)), text)
    rng.shuffle(matches)
    for match in matches:
        word = match.group()
        said = table.get(word) or table.get(word.lower(), "")
        if not said:
            continue
        said = english.upper_first(said) if word[0].isupper() else said
        before = re.sub(r"\b([Aa])n? $", rf"\1{article(said)[1:]} ", text[: match.start()])
        return before + said + text[match.end() :]
    return ""


def _wrong_negation(text: str, rng: random.Random) -> str:
    matches = [match for match in _outside_code(list(_NEGATABLE.finditer(text)), text) if match.start() > 0]
    statements = [
        match
        for match in matches
        if not re.match(r"[^.!]*\?", text[match.start() :])
        and not re.match(r"(?:not|never|I|you|we|they|he|she|it)\b", text[match.end() :])
    ]
    if not statements:
        return ""
    match = rng.choice(statements)
    return _replaced(text, match, f"{match.group(1)} " if match.group(2) else f"{match.group(1)} not ")
