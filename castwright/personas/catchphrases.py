"""Catchphrases: word sequences that a speaker comes back to, line after line.

A phrase lies within a clause, stands in several lines, and is not what everyone says. Short ones must be a whole
clause most of the time ("my dear fellow", between commas), for two words that merely meet often are grammar and
no phrase. The longest form wins over its parts. (Rejected: counting over the whole text, which makes a
catchphrase of one speech with a refrain.)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass

from castwright.personas.speech_words import STOP_WORDS, word_set

LONGEST, MOST_PHRASES = 7, 5
_WHOLE_CLAUSE_SHARE = 0.5
_PARTS_RATIO = 1.5  # a part is kept beside the longer phrase when it is said this much more often
_COMMON_RATIO = 3.0  # how much more often than the others the speaker must say it, per line
_CLAUSES_READ_WORDS = 60  # a clause without a mark for longer is a list or a chant
_EMPTY = STOP_WORDS | word_set("oh ah well aye nay yeah okay ok sir madam please thank thanks good hello")

Clauses = Sequence[Sequence[str]]
"""A line as `speech_words.clauses_of` gives it."""
_Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catchphrase:
    """A phrase in folded words, and the lines that it stands in (their numbers from 0)."""

    words: tuple[str, ...]
    lines: tuple[int, ...]


class PhraseIndex:
    """Which of a company's lines hold a phrase: lines by word, so that a phrase is sought where its rarest word is."""

    def __init__(self, lines: Sequence[Clauses]) -> None:
        self.lines = lines
        self._by_word: defaultdict[str, list[int]] = defaultdict(list)
        for number, line in enumerate(lines):
            for word in {word for clause in line for word in clause}:
                self._by_word[word].append(number)

    def count(self, phrase: Sequence[str]) -> int:
        """Return how many lines hold a phrase within a clause."""
        wanted = list(phrase)
        rarest = min((self._by_word.get(word, []) for word in wanted), key=len)
        return sum(any(_holds(clause, wanted) for clause in self.lines[number]) for number in rarest)


@dataclass(frozen=True, slots=True)
class _Uses:
    lines: tuple[int, ...]
    whole: int


def find_catchphrases(
    lines: Sequence[Clauses], company: PhraseIndex | None = None, *, without: Container[str] = ()
) -> tuple[Catchphrase, ...]:
    """Return the catchphrases of someone's lines, at most `MOST_PHRASES`, the most used first.

    Lines come as their clauses. `company` holds those of everyone, the speaker included: what the others say
    as often is no catchphrase; nor is one that has no content but the words in `without` (names).
    """
    uses = _uses(lines)
    good = {phrase: found for phrase, found in uses.items() if _is_phrase(phrase, found, without)}
    others = len(company.lines) - len(lines) if company else 0
    if company and others > 0:
        good = {
            phrase: found
            for phrase, found in good.items()
            if len(found.lines) / len(lines) >= _COMMON_RATIO * (company.count(phrase) - len(found.lines)) / others
        }
    ranked = sorted(good, key=lambda phrase: (-len(good[phrase].lines) * len(phrase), -len(phrase), phrase))
    kept: list[_Phrase] = []
    for phrase in ranked:
        count = len(good[phrase].lines)
        rivals = [other for other in good if len(other) > len(phrase) and _within(phrase, other)]
        if any(count < _PARTS_RATIO * len(good[other].lines) for other in rivals):
            continue
        if not any(_within(phrase, other) or _within(other, phrase) for other in kept):
            kept.append(phrase)
    return tuple(Catchphrase(phrase, good[phrase].lines) for phrase in kept[:MOST_PHRASES])


def _uses(lines: Sequence[Clauses]) -> dict[_Phrase, _Uses]:
    """Return the phrases that stand in two lines or more: longer ones are sought only where a shorter one is."""
    clauses = [(number, tuple(clause[:_CLAUSES_READ_WORDS])) for number, line in enumerate(lines) for clause in line]
    whole = Counter(words for _, words in clauses)
    alive: Sequence[Sequence[int]] = [range(len(words)) for _, words in clauses]
    uses: dict[_Phrase, _Uses] = {}
    for size in range(1, LONGEST + 1):
        where: defaultdict[_Phrase, list[int]] = defaultdict(list)
        for (number, words), places in zip(clauses, alive, strict=True):
            for start in places:
                if start + size <= len(words):
                    numbers = where[words[start : start + size]]
                    if not numbers or numbers[-1] != number:
                        numbers.append(number)
        repeated = {phrase: _Uses(tuple(found), whole[phrase]) for phrase, found in where.items() if len(found) > 1}
        if not repeated:
            break
        uses |= repeated
        alive = [
            [start for start in places if words[start : start + size] in repeated]
            for (_, words), places in zip(clauses, alive, strict=True)
        ]
    return uses


def _is_phrase(phrase: _Phrase, uses: _Uses, without: Container[str]) -> bool:
    content = [word for word in phrase if word not in _EMPTY and word not in without]
    count = len(uses.lines)
    is_clause = uses.whole >= _WHOLE_CLAUSE_SHARE * count
    if not content:
        return False
    if len(phrase) == 1:
        return is_clause and count >= 3 and len(phrase[0]) > 4
    if len(phrase) <= 3:
        return is_clause and (count >= 3 or (count == 2 and len(phrase) == 3))
    return len(content) >= 2 and (count >= 3 or is_clause)


def _holds(clause: Sequence[str], phrase: list[str]) -> bool:
    size = len(phrase)
    return any(list(clause[start : start + size]) == phrase for start in range(len(clause) - size + 1))


def _within(short: _Phrase, long: _Phrase) -> bool:
    return any(long[start : start + len(short)] == short for start in range(len(long) - len(short) + 1))
