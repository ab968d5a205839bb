"""Rules applied to a sentence: the first that fits at each word wins, longest phrase first.

Which of a rule's formal choices is taken follows from the text's digest and the variant: two variants of
one text differ at every rule with two choices, and one variant over many texts uses all choices, so a
rewriter trained on the pairs inverted does not learn one formaliser's habits. A name (a capital inside the
sentence) is never rewritten. (Rejected: random choice, which is not repeatable, and first-choice, which is
one tic per rule.)
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from castwright.generators.offline.chat_tokens import Sentence
from castwright.generators.offline.formal_lexicon import Condition, FormalLexicon, Rule, formal_lexicon
from castwright.generators.offline.wordlists import word_set

_SOFT_STARTS = frozenset({("yes", ","), ("indeed", ","), ("certainly", ","), ("no", ","), ("well", ",")})
_OPENERS = frozenset({'"', "(", "*", ">", "-", "'"})
_ADJECTIVE_ENDS = ("ful", "ous", "ive", "able", "ible", "less", "ic", "ish", "ed", "ing", "al")
_NOT_PLURAL = ("ss", "us", "is")
_PLURALS = word_set("women teeth children series fish feet stuff folks men people")
_OWNERS = frozenset({"his", "her", "their", "my", "our", "your", "its", "the"})
_LARGE = frozenset({"I", "God", "Jesus", "Christ", "Lord"})
_LIMIT = 400


@dataclass(slots=True)
class Picker:
    """Chooses among formal choices; advances at each choice."""

    seed: int
    variant: int
    level: int

    @classmethod
    def of(cls, text: str, variant: int) -> Picker:
        """Return the picker of a text and a variant. Level 0 is light, 1 standard, 2 strong."""
        return cls(zlib.crc32(text.encode("utf-8", "replace")), variant, (variant + 1) % 3)

    def pick(self, count: int) -> int:
        """Return an index below count."""
        if count == 1:
            return 0
        self.seed = (self.seed * 1103515245 + 12345) & 0x7FFFFFFF
        return ((self.seed >> 9) + self.variant) % count


def apply_rules(sentence: Sentence, picker: Picker, asked: bool) -> None:
    """Rewrite a sentence by the lexicon's rules, in place. `asked` tells whether it is a question."""
    lexicon = formal_lexicon()
    words = sentence.words
    index = 0
    for _ in range(_LIMIT):
        if index >= len(words):
            return
        rule = _fitting(lexicon, words, index, picker.level, asked)
        if rule is None:
            index += 1
            continue
        stop = index + len(rule.say)
        choice = rule.choices[picker.pick(len(rule.choices))]
        written: list[str] = []
        for word in choice:
            written += _kept(words[index:stop]) if word == "*" else [word]
        sentence.splice(index, stop, written)
        index += len(written)


def _kept(words: list[str]) -> list[str]:
    return [word if word == "I" or not word[0].isupper() else word.lower() for word in words]


def _fitting(lexicon: FormalLexicon, words: list[str], index: int, level: int, asked: bool) -> Rule | None:
    word = words[index]
    low = word.lower()
    rules = lexicon.rules.get(low)
    if rules is None:
        return None
    start = index == 0 or _starts(words, index)
    if word[0].isupper() and not start and not (word == "I" or word.isupper()):
        return None
    for rule in rules:
        if rule.level <= level and _says(rule, words, index) and _holds(rule, words, index, start, asked):
            return rule
    return None


def _starts(words: list[str], index: int) -> bool:
    if index == 1:
        return words[0] in _OPENERS
    return index == 2 and (words[0].lower(), words[1]) in _SOFT_STARTS


def _says(rule: Rule, words: list[str], index: int) -> bool:
    say = rule.say
    length = len(say)
    if length == 1:
        return True
    if index + length > len(words) or words[index + 1].lower() != say[1]:
        return False
    return all(
        word.lower() == said and not (word[0].isupper() and word not in _LARGE and not word.isupper())
        for word, said in zip(words[index + 1 : index + length], say[1:], strict=True)
    )


def _holds(rule: Rule, words: list[str], index: int, start: bool, asked: bool) -> bool:
    if rule.asked and (rule.asked == "yes") is not asked:
        return False
    stop = index + len(rule.say)
    at = rule.at
    if at:
        end = stop >= len(words)
        if at == "start":
            fits = start
        elif at == "end":
            fits = end and index > 0
        elif at == "alone":
            fits = start and end
        else:
            fits = not start and not end
        if not fits:
            return False
    return all(_near(condition, words, index - 1) for condition in rule.before) and all(
        _near(condition, words, stop) for condition in rule.after
    )


def _near(condition: Condition, words: list[str], place: int) -> bool:
    inside = 0 <= place < len(words)
    found = inside and words[place].lower() in condition.words
    if not found and condition.shapes:
        found = any(_SHAPES[shape](words, place, inside) for shape in condition.shapes)
    return found is not condition.negated


def _is_plural(words: list[str], place: int, inside: bool) -> bool:
    if not inside:
        return False
    adjectives = formal_lexicon().classes["adj"]
    nouns = 0
    for count, word in enumerate(words[place : place + 4]):
        low = word.lower()
        if low in _PLURALS or (len(low) > 3 and low[-1] == "s" and not low.endswith(_NOT_PLURAL)):
            return True
        if low in adjectives or low.endswith(_ADJECTIVE_ENDS) or low in _OWNERS:
            continue
        nouns += 1
        if nouns > 1 or not count or not word[0].isalpha():
            return False
    return False


def _is_mark(word: str) -> bool:
    return not (word[0].isalnum() or word[0] in "[$'\"€£#@(")


_SHAPES: dict[str, Callable[[list[str], int, bool], bool]] = {
    "start": lambda _words, place, _inside: place < 0,
    "end": lambda words, place, inside: place >= 0 and (not inside or _is_mark(words[place])),
    "mark": lambda words, place, inside: inside and _is_mark(words[place]),
    "number": lambda words, place, inside: inside and any(c.isdigit() for c in words[place]),
    "cap": lambda words, place, inside: (
        inside and (words[place][0].isupper() or words[place][0] == "[") and words[place] != "I"
    ),
    "plural": _is_plural,
    "ing": lambda words, place, inside: inside and words[place].endswith("ing"),
    "ed": lambda words, place, inside: inside and words[place].endswith("ed"),
    "ly": lambda words, place, inside: inside and words[place].endswith("ly"),
    "adj": lambda words, place, inside: inside and words[place].lower().endswith(_ADJECTIVE_ENDS),
}
