"""The facts of a prose answer: numbers, dates, names, yes or no. Kept all, invented none.

Names are told by their capital, which a sentence's first word has anyway; there a list of common openers
decides. Invention is only charged for numbers and for names inside a sentence, and never for oaths and forms
of address, which are the character's voice. (Rejected: a named-entity model, another 100 MB for what a
capital says; it also has no word for why.)
"""

from __future__ import annotations

import re

from castwright.filters.prose import load_lexicon, sentences, straighten
from castwright.filters.quantities import find_quantities, plain

_LEXICON: dict[str, list[str]] = load_lexicon("facts")
_CALENDAR = frozenset(_LEXICON["calendar"])
_OATHS = frozenset(_LEXICON["oaths"])
_OPENERS = frozenset(_LEXICON["openers"])
_NAME = re.compile(r"(?<![\w'-])[A-Z][\w'-]*(?:\.[A-Z])*")
_VOCATIVE = re.compile(r"(?:\b(?:my|by|dear|good|sweet|great|old|young|holy|o|oh|ah)\s+|,\s*)$", re.IGNORECASE)
_YES = re.compile(
    r"\b(?:yes|yea|yeah|yep|aye|indeed|certainly|of course|absolutely|true|correct|surely|verily)\b",
    re.IGNORECASE,
)
_NO = re.compile(
    r"\b(?:no|nay|nope|never|not at all|certainly not|of course not|false|incorrect|by no means)\b",
    re.IGNORECASE,
)


def compare_facts(question: str, answer: str, persona_answer: str) -> str:
    """Return what the answer in persona loses, contradicts or invents, or "" when the facts stand."""
    answer, said, asked = straighten(answer), straighten(persona_answer), straighten(question)
    return (
        _compare_polarity(answer, said) or _compare_numbers(asked, answer, said) or _compare_names(asked, answer, said)
    )


def _compare_polarity(answer: str, said: str) -> str:
    leads = re.match(r"\W*(yes|no|true|false)\b(?! (?:one|man|matter|doubt|wonder))", answer, re.IGNORECASE)
    if not leads:
        return ""
    affirms = leads.group(1).lower() in ("yes", "true")
    cues = sorted((m.start(), -m.end(), yes) for yes, p in ((True, _YES), (False, _NO)) for m in p.finditer(said))
    first = cues[0][2] if cues else None
    if first is not None and first != affirms:
        return f"the answer says {leads.group(1)!r}, the answer in persona says the opposite"
    if first is None and len(answer.split()) <= 2:
        return f"the answer says {leads.group(1)!r}, the answer in persona says neither yes nor no"
    return ""


def _compare_numbers(question: str, answer: str, said: str) -> str:
    wanted, found = find_quantities(plain(answer)), find_quantities(plain(said))
    for number in wanted:
        if not any(number.same(other) for other in found) and (number.in_digits or number.value > 2):
            return f"the answer has {number.text.strip()!r}, the answer in persona has lost it"
    known = [*wanted, *find_quantities(plain(question))]
    for number in found:
        if number.in_digits and not any(number.same(other) for other in known):
            return f"the answer in persona invents {number.text.strip()!r}"
    return ""


def _compare_names(question: str, answer: str, said: str) -> str:
    spoken = said.lower()
    short = len(answer.split()) <= 4
    wanted = [*names(answer), *(re.findall(r"[^\W\d_]{3,}", answer) if short else [])]
    for name in dict.fromkeys(wanted):
        if name.lower() in _OPENERS or name.lower() in ("yes", "true", "false"):
            continue
        if not _stands_in(name.lower(), spoken):
            return f"the answer has {name!r}, the answer in persona has lost it"
    known = f"{question} {answer}".lower()
    for name in names(said, inside_only=True):
        if not _stands_in(name.lower(), known):
            return f"the answer in persona invents {name!r}"
    return ""


def names(text: str, *, inside_only: bool = False) -> list[str]:
    """Return the capitalised words of a text that are names, months and days included, in order.

    The first word of a sentence counts unless it is a common opener; with `inside_only` it never counts, and
    neither do oaths and forms of address.
    """
    found = []
    for sentence in sentences(text):
        for match in _NAME.finditer(sentence):
            word = match.group().removesuffix("'s").rstrip("'-")
            before = sentence[: match.start()]
            first = not re.search(r"\w", before) or bool(re.search(r"(?:[:;\"“*•]|\n|--|—)\s*[\"'“*]*$", before))
            if word.lower() in _OATHS or len(word) < 2 or (first and (inside_only or word.lower() in _OPENERS)):
                continue
            if inside_only and word not in _CALENDAR and _VOCATIVE.search(before):
                continue
            found.append(word)
    return found


def _stands_in(word: str, text: str) -> bool:
    """Return whether a word stands in a text, a plural or possessive ending aside."""
    stem = word[:-1] if len(word) > 4 and word.endswith("s") else word
    return bool(re.search(rf"(?<!\w){re.escape(stem)}(?:e?s|'s?)?(?!\w)", text))
