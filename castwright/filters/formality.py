"""How formal a text is, from 0 (chat) to 1 (written prose): a transparent, rule-based first version.

A logistic score over nine rates that a reader can count: contractions, slang, casual fillers, capitals, end
marks, exclamation, word length, formal words, first and second person. The weights were fitted by logistic
regression to chat turns against written prose and rounded, so that each can be defended (rejected for now: a
trained classifier, dearer by three orders and mute about its reasons; it is the planned second version).
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from functools import cache

from castwright.filters.prose import load_lexicon, straighten

_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_CONTRACTION = re.compile(
    r"\b\w+(?:n't|'(?:m|re|ve|ll|d))\b|\b(?:it|that|what|there|here|he|she|who|how|where|let|everyone|"
    r"everybody)'s\b"
    r"|\b(?:dont|doesnt|didnt|cant|wont|isnt|arent|wasnt|couldnt|shouldnt|wouldnt|havent|hasnt|im|ive|"
    r"youre|theyre|thats|"
    r"whats|theres|lets|hes|shes|yall|gonna|wanna|gotta|kinda|sorta|dunno|lemme|gimme|cuz|cause|tho|thru)\b",
    re.IGNORECASE,
)
_END_MARK = re.compile(r"[.!?][\"')\]]*$")
_LOUD = re.compile(r"!|\?{2,}|\.{3,}|…|[:;]-?[()DPp]\b|[\U0001f300-\U0001faff\u2600-\u26ff]|\b[A-Z]{4,}\b")
_SENTENCE_START = re.compile(r"(?:^|[.!?]\s+)[\"'(]*([^\W\d_])")
_LONE_I = re.compile(r"\bi\b(?!\.)")
_SPELLING = re.compile(r"([a-z])\1{2,}|\b(?:u|ur|r|n|ya|thx|pls|plz|ppl|def|prob|gf|bf|tv show)\b")


@dataclass(frozen=True, slots=True)
class Traits:
    """What the score sees. Rates are per word, shares lie in [0, 1]."""

    contractions: float
    slang: float
    fillers: float
    lower_case: float
    no_end_mark: float
    loudness: float
    word_length: float
    formal_words: float
    persons: float


WEIGHTS = Traits(
    contractions=-10.0,
    slang=-8.0,
    fillers=-6.0,
    lower_case=-2.0,
    no_end_mark=-2.0,
    loudness=-3.0,
    word_length=0.6,
    formal_words=8.0,
    persons=-4.0,
)
BIAS = 0.7


@cache
def _words_of(kind: str) -> frozenset[str]:
    return frozenset(str(word) for word in load_lexicon("formality")[kind])


@cache
def _phrases_of(kind: str) -> re.Pattern[str]:
    phrases = sorted((word for word in _words_of(kind) if " " in word), key=lambda word: (-len(word), word))
    return re.compile(rf"\b(?:{'|'.join(re.escape(phrase) for phrase in phrases)})\b" if phrases else r"(?!)")


def traits_of(text: str) -> Traits:
    """Return the traits of a text; a text without words has the traits of silence (all 0)."""
    text = straighten(text.strip())
    lower = text.lower()
    words = _WORD.findall(lower)
    if not words:
        return Traits(0, 0, 0, 0, 0, 0, 0, 0, 0)
    count = len(words)

    def rate(kind: str) -> float:
        single = sum(word in _words_of(kind) for word in words)
        return min((single + len(_phrases_of(kind).findall(lower))) / count, 0.5)

    starts = _SENTENCE_START.findall(text)
    small = sum(letter.islower() for letter in starts) + len(_LONE_I.findall(text))
    return Traits(
        contractions=min(len(_CONTRACTION.findall(text)) / count, 0.5),
        slang=min(rate("slang") + len(_SPELLING.findall(lower)) / count, 0.5),
        fillers=rate("fillers"),
        lower_case=min(small / max(len(starts), 1), 1.0),
        no_end_mark=0.0 if _END_MARK.search(text) else 1.0,
        loudness=min(len(_LOUD.findall(text)) / count * 5, 1.0),
        word_length=min(max(sum(map(len, words)) / count - 4.0, -2.0), 3.0),
        formal_words=rate("formal"),
        persons=rate("persons"),
    )


def formality(text: str) -> float:
    """Return how formal a text is, in [0, 1]: 0.5 and above reads as written prose. A text without words is
    0.5.

    Used for the `formality_formal` and `formality_casual` columns of style pairs: what counts there is the
    difference of the two sides, which share their content. English only.
    """
    traits = traits_of(text)
    if traits == Traits(0, 0, 0, 0, 0, 0, 0, 0, 0):
        return 0.5
    weights = asdict(WEIGHTS)
    total = BIAS + sum(weights[name] * value for name, value in asdict(traits).items())
    return 1 / (1 + math.exp(-total))
