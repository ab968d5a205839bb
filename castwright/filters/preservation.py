"""Whether a rewrite keeps the content: the gate between the style rewriter and the data (NGENT 4.2.1).

A style rewrite may change every word but not what is said. What must survive can be read off by rule:
numbers, names, negation, questions, links, code, a sane length, no loops, no garbled words; the reason names
what was lost. Both directions are judged alike (casual to formal when style pairs are made, formal to casual
when they are used), so no rule asks for a register. Rejected: similarity alone, which hardly sees a dropped
"not", and a judge model, dear and mute. Doubt refuses: a refused rewrite only costs its style.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from castwright.filters.garbled import garbled_word, looping_words, stranded_contraction
from castwright.filters.prose import load_lexicon, straighten
from castwright.filters.quantities import find_quantities, plain

MIN_LENGTH_RATIO, MAX_LENGTH_RATIO = 0.5, 1.6
_SLACK_WORDS = 3  # "idk" is five words in full, so short texts may differ by a few words whatever the ratio

_FENCE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"]*[^\s<>\"'.,;:!?)\]]", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LENGTH_WORD = re.compile(r"n't\b|'\w+|[^\W_]+?(?=n't\b)|[^\W_]+", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_DAYTIME = re.compile(r"(?<=\d)\s?([ap])\.?m\b", re.IGNORECASE)
_CURRENCY = (
    ("$", re.compile(r"\$|\bdollars?\b|\bbucks?\b|\busd\b", re.IGNORECASE)),
    ("€", re.compile(r"€|\beuros?\b|\beur\b", re.IGNORECASE)),
    ("£", re.compile(r"£|\bpounds?\b|\bquid\b|\bgbp\b", re.IGNORECASE)),
    ("%", re.compile(r"%|\bper ?cent\b", re.IGNORECASE)),
)
_NOT_JOINED = re.compile(r"\bneither\b([^.!?]*?)\bnor\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?…\n]*[.!?…\n]*")
_CLAUSE = re.compile(r"([.!?…,;:\n—–()\"]+|\s-+\s)")
_DRAWN_OUT = re.compile(r"([a-z])\1{2,}")
_NEGATION_WORD = re.compile(r"n't\b|w/o|no one|[^\W_]+?(?=n't\b)|[^\W_]+")


@dataclass(frozen=True, slots=True)
class Preservation:
    """The gate's verdict on one rewrite. `reason` is "" when accepted; `score` is the similarity given."""

    accepted: bool
    reason: str
    score: float


def preservation_verdict(
    before: str,
    after: str,
    similarity: float,
    *,
    min_similarity: float = 0.75,
    vocabulary: Collection[str] | None = None,
) -> Preservation:
    """Return whether `after` is a rewrite of `before` that keeps its content.

    `similarity` is the cosine of the two texts' embeddings, by the caller. A rewrite that differs in nothing
    but capitals, marks and spaces is "unchanged": a copy is not a rewrite. `vocabulary` as in `lost_content`.
    """
    reason = lost_content(before, after, vocabulary=vocabulary)
    if reason is None and _bare(before) == _bare(after):
        reason = "unchanged"
    if reason is None and not similarity >= min_similarity:
        reason = f"similarity {similarity:.2f}, less than {min_similarity:.2f}"
    return Preservation(reason is None, reason or "", float(similarity))


def lost_content(before: str, after: str, *, vocabulary: Collection[str] | None = None) -> str | None:
    """Return what `after` lost, changed or invented of `before`, or None when nothing was found.

    With a `vocabulary` (lower-case words the rewriter may use), every other new word is garbled; without one,
    only what looks like a damaged word is.
    """
    before, after = straighten(before).strip(), straighten(after).strip()
    if before == after:
        return None
    if not after:
        return "the rewrite is empty"
    return (
        _lost_spans(before, after)
        or _length(before, after)
        or _lost_numbers(before, after)
        or _lost_negation(before, after)
        or _lost_question(before, after)
        or _lost_names(before, after)
        or looping_words(before, after)
        or garbled_word(before, after, vocabulary)
        or stranded_contraction(before, after)
    )


def _lost_spans(before: str, after: str) -> str | None:
    for what, pattern in (("code", _FENCE), ("link", _LINK), ("address", _EMAIL)):
        left, right = Counter(pattern.findall(before)), Counter(pattern.findall(after))
        if left != right:
            return _difference(what, left, right)
    return None


def _length(before: str, after: str) -> str | None:
    left, right = len(_LENGTH_WORD.findall(before)), len(_LENGTH_WORD.findall(after))
    if right < MIN_LENGTH_RATIO * left - _SLACK_WORDS or (right * 4 < left and right < left - 1):
        return f"cut short: {right} words of {left}"
    if right > MAX_LENGTH_RATIO * left + _SLACK_WORDS:
        return f"run on: {right} words for {left}"
    return None


def _lost_numbers(before: str, after: str) -> str | None:
    left, right = _numbers(before), _numbers(after)
    one = Fraction(1)  # "1 cup" may be "one cup" or "a cup", which nobody reads as a number
    left.pop(one, None)
    right.pop(one, None)
    if left != right:
        return _difference("number", _spelled(left), _spelled(right))
    times = [Counter(mark.lower() for mark in _DAYTIME.findall(text)) for text in (before, after)]
    if times[0] != times[1]:
        return "time of day (am, pm) lost or changed"
    for sign, pattern in _CURRENCY:
        if bool(pattern.search(before)) != bool(pattern.search(after)) and (left or right):
            return f"unit {sign} {'lost' if pattern.search(before) else 'invented'}"
    return None


def _numbers(text: str) -> Counter[Fraction]:
    return Counter(quantity.value for quantity in find_quantities(plain(text)))


def _spelled(numbers: Counter[Fraction]) -> Counter[str]:
    return Counter({str(float(value) if value.denominator > 1 else value): n for value, n in numbers.items()})


def _lost_negation(before: str, after: str) -> str | None:
    left, right = _negations(before), _negations(after)
    if left == right:
        return None
    return f"negation {'lost' if left > right else 'invented'}: {left} before, {right} after"


def _negations(text: str) -> int:
    joined = _NOT_JOINED.sub(r"not\1or", _DRAWN_OUT.sub(r"\1", text.lower()))
    negative = _words_list("negations")
    return sum(token in negative for token in _NEGATION_WORD.findall(joined))


def _lost_question(before: str, after: str) -> str | None:
    if _asked(before) > _askable(after):
        return "question lost"
    return "question invented" if _asked(after) > _askable(before) else None


def _asked(text: str) -> int:
    """Return how many sentences end in a question mark."""
    return sum("?" in sentence for sentence in _SENTENCE.findall(_LINK.sub("", text)))


def _askable(text: str) -> int:
    """Return how many clauses end in a question mark or begin like a question: chat drops the mark."""
    starters, verbs, subjects = (_words_list(name) for name in ("askers", "asking_verbs", "asked_of"))
    found = 0
    parts = _CLAUSE.split(_LINK.sub("", _DRAWN_OUT.sub(r"\1", text.lower())))
    for clause, end in zip(parts[::2], [*parts[1::2], ""], strict=True):
        words = _WORD.findall(clause)
        while words and words[0] in _words_list("fillers"):
            words = words[1:]
        first = words[0].partition("'")[0] if words else ""
        second = words[1].partition("'")[0] if len(words) > 1 else ""
        inverted = second in subjects and (first in verbs or words[0] in verbs)
        found += "?" in end or first in starters or inverted
    return found


def _lost_names(before: str, after: str) -> str | None:
    left, right = _folded(before), _folded(after)
    for name in _names(before):
        if not _stands_in(name, right):
            return f"name lost: {name}"
    for name in _names(after):
        if not _stands_in(name, left):
            return f"name invented: {name}"
    return None


def _names(text: str) -> list[str]:
    """Return the words that are capitalised inside a sentence, and acronyms; a shouted text has none."""
    words = [match for match in _WORD.finditer(text) if match.group()[0].isalpha()]
    if sum(match.group().isupper() for match in words if len(match.group()) > 1) > 0.5 * len(words):
        return []
    loud = _words_list("shouted")
    names: list[str] = []
    for match in words:
        word = re.sub(r"'\w*$", "", match.group())
        inside = not _starts_sentence(text, match.start())
        acronym = len(word) > 1 and word.isupper()
        if (
            word[:1].isupper()
            and not _DRAWN_OUT.search(word.lower())
            and (inside or acronym)
            and word.lower() not in loud
            and word != "I"
        ):
            names.append(word)
    return names


def _starts_sentence(text: str, place: int) -> bool:
    """Tell whether the word at this place may owe its capital to the sentence that it begins."""
    ahead = text[:place].rstrip(" \t'‘-–—_*#>")
    return not ahead or ahead[-1] in '.!?…:;\n"“”([•' or "\n" in text[len(ahead) : place]


def _folded(text: str) -> set[str]:
    words = {word.lower() for word in _WORD.findall(text)}
    return words | {re.sub(r"'\w*$", "", word) for word in words} | {p for word in words for p in word.split("-")}


def _stands_in(name: str, words: set[str]) -> bool:
    """Tell whether a name stands among the words, in full or clipped ("fri" for "Friday")."""
    folded = name.lower()
    parts = {folded, *folded.split("-")}
    if parts & words:
        return True
    return any(
        len(word) >= 3 and len(folded) >= 3 and (folded.startswith(word) or word.startswith(folded)) for word in words
    )


def _bare(text: str) -> list[str]:
    """Return what is left without capitals, marks and spaces."""
    return [word.lower() for word in _LENGTH_WORD.findall(straighten(text))]


def _difference(what: str, left: Counter[str], right: Counter[str]) -> str:
    lost, new = sorted((left - right).elements()), sorted((right - left).elements())
    return f"{what} lost: {lost[0]}" if lost else f"{what} invented: {new[0]}"


@cache
def _words_list(name: str) -> frozenset[str]:
    return frozenset(load_lexicon("preservation")[name].split())
