"""Damage that a small or broken model does to words: loops, stutters, misspelt and cut-off words.

A new word is no crime (a rewrite says things otherwise), so without a vocabulary a word counts as garbled
only when it cannot be said, or when it is nearly but not quite a word that vanished from the text. Rejected:
a full dictionary, which flags every name and every slang word of the year.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence
from functools import cache

from castwright.filters.prose import load_lexicon, straighten

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_CODE = re.compile(r"```.*?```|`[^`\n]+`|(?:https?://|www\.)\S+|\S+@\S+", re.DOTALL)
_CLITIC = re.compile(r"(?:n't|'(?:s|m|re|ve|ll|d))$")
_UNSAYABLE = re.compile(
    r"[bcdfghjklmnpqrstvwxz]{5,}|[aeiou]{5,}|q(?!u)|^[^aeiouyáéíóúàèäöüâêîôûåæø]{4,}$|(?<=.)[jv][bcdfgkpqtvxz]"
)
_TWICE = re.compile(r"\b([^\W\d_]+) (?=\1\b)")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")
_SUFFIXES = (
    "",
    "s",
    "es",
    "d",
    "ed",
    "ing",
    "in",
    "er",
    "est",
    "ly",
    "y",
    "ies",
    "ied",
    "ier",
    "iest",
    "n",
    "en",
)
_NEAR = 0.8
_LONGEST_CLIP = 5  # "prob", "info" and "photo" are clipped on purpose; longer stumps are cut off


_STRANDED = re.compile(
    r"\b(?:i|you|we|they|he|she|it|that|this|there|who|what|where|how)'(?:m|re|ve|ll|s|d)(?=\s*(?:[.,;:!?]|$))"
    r"|\b\w+s's\b",
    re.IGNORECASE,
)


def looping_words(before: str, after: str) -> str | None:
    """Return a reason when `after` says the same words over and over and `before` does not, else None."""
    left, right = _tokens(before), _tokens(after)
    for size, times in ((1, 4), (2, 3), (3, 3), (4, 2), (5, 2), (6, 2), (7, 2), (8, 2)):
        if (found := _loop(right, size, times)) and not _loop(left, size, times):
            return f"repeats itself: {' '.join(found)}"
    fine, doubled = _listed("said_twice"), _doubled(before)
    for word in _doubled(after):
        if word not in doubled and word not in fine:
            return f"stutters: {word} {word}"
    return None


def _doubled(text: str) -> list[str]:
    """Return the words that follow themselves with nothing but a space between ("you you'd" counts too)."""
    return [match.group(1) for match in _TWICE.finditer(straighten(text).lower())]


def garbled_word(before: str, after: str, vocabulary: Collection[str] | None = None) -> str | None:
    """Return a reason when a word of `after` is no word, else None. `vocabulary`: see `lost_content`."""
    known = _listed("known")
    left = {part for word in _tokens(before) for part in (word, _CLITIC.sub("", word))}
    right = {_CLITIC.sub("", word) for word in _tokens(after)}
    vanished = sorted(word for word in left - right if len(word) >= _LONGEST_CLIP)
    for word in sorted(right - left):
        drawn = {_DRAWN_OUT.sub(r"\1", word), _DRAWN_OUT.sub(r"\1\1", word)}
        if drawn & (known | left) or not word.isascii():
            continue
        if vocabulary is not None:
            if not _derives(word, known | left | set(vocabulary)):
                return f"garbled: {word}"
        elif len(word) > 3 and (_UNSAYABLE.search(word) or any(_damaged(word, whole) for whole in vanished)):
            return f"garbled: {word}"
    return None


def _damaged(word: str, whole: str) -> bool:
    """Tell whether a word is another one misspelt or cut off, and no form of it."""
    if whole.startswith(word):
        return len(word) > _LONGEST_CLIP and not _derives(whole, {word})
    if _derives(word, {whole}) or _derives(whole, {word}):
        return False
    return difflib.SequenceMatcher(None, word, whole, autojunk=False).ratio() >= _NEAR


def _derives(word: str, stems: Collection[str]) -> bool:
    """Tell whether a word is one of the stems or a regular form of one ("planned", "cities", "runnin")."""
    if word in stems:
        return True
    for suffix in _SUFFIXES:
        stem = word.removesuffix(suffix)
        if stem == word or len(stem) < 2 or (suffix in ("d", "n") and not stem.endswith("e")):
            continue  # "recommend" is no form of "recommen"
        undoubled = stem[:-1] if stem[-1] == stem[-2] else stem
        if any(base in stems for base in (stem, stem + "e", stem + "y", undoubled)):
            return True
    return False


def _loop(words: Sequence[str], size: int, times: int) -> list[str]:
    for start in range(len(words) - size * times + 1):
        chunk = list(words[start : start + size])
        if all(list(words[start + size * turn : start + size * (turn + 1)]) == chunk for turn in range(1, times)):
            return chunk
    return []


def _tokens(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(_CODE.sub(" ", straighten(text)))]


@cache
def _listed(name: str) -> frozenset[str]:
    return frozenset(load_lexicon("preservation")[name].split())


def stranded_contraction(before: str, after: str) -> str | None:
    """Return a reason when `after` has a new contraction where English allows none.

    At the end of a clause the full form must stand ("where you are?", not "where you're?"), and a word in
    -s takes no second one ("sees is", not "sees's").
    """
    known = {match.group().casefold() for match in _STRANDED.finditer(before)}
    for match in _STRANDED.finditer(after):
        if match.group().casefold() not in known:
            return f"the contraction {match.group().rstrip()!r} cannot stand there"
    return None
