"""How formal a text is, from 0 (chat) to 1 (written prose), by rules that a reader can count: half of `formality`.

A logistic score over nine rates: contractions, slang, casual fillers, capitals, end marks, exclamation, word
length, formal words, first and second person. The weights were fitted by logistic regression to chat turns against
written prose and rounded, so that each can be defended. It knows few words and errs on the others, where the
n-grams err on what their training texts lacked: so the two are joined (see `formality`).
"""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass
from functools import cache
from operator import attrgetter

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

_WEIGHTS: tuple[float, ...] = astuple(WEIGHTS)
_VALUES = attrgetter(*Traits.__slots__)
_SILENCE = Traits(0, 0, 0, 0, 0, 0, 0, 0, 0)


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
        return _SILENCE
    count = len(words)

    def rate(kind: str) -> float:
        known = _words_of(kind)
        single = sum(word in known for word in words)
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


def rule_logit(text: str) -> float:
    """Return the logit of "written prose" by the rules alone: above 0 it reads as prose; 0 for a text without words."""
    traits = traits_of(text)
    if traits == _SILENCE:
        return 0.0
    values: tuple[float, ...] = _VALUES(traits)
    return BIAS + sum(weight * value for weight, value in zip(_WEIGHTS, values, strict=True))
