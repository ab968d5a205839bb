"""Speech as words, sentences and clauses: what all statistics of style count.

Rules on characters, without a model: sentences end at . ! ? … before white space, not behind a title, an initial or
a number. What they get wrong they get wrong for every speaker alike, and styles are compared. Contractions and the
words of registers are English; in another language their rates are 0. (Rejected: a sentence model, 100 MB for
one number.)
"""

from __future__ import annotations

import re

_STRAIGHT = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"'})
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"[.!?…]+[\"')\]]*(?=\s|$)")
_NO_END = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|st|prof|capt|col|gen|sgt|lt|rev|hon|jr|sr|no|vs)|\b[A-Z])\.$", re.IGNORECASE
)
_CLAUSE_END = re.compile(r"[.!?…,;:()\"\[\]]+|\s[-–]\s|-{2,}|[—–]")
_CONTRACTION = re.compile(
    r"\w+n't|\w+'(?:m|re|ve|ll|d)|(?:it|that|what|there|here|he|she|who|how|where|let|everyone|everybody)'s"
    r"|gonna|wanna|gotta|kinda|sorta|dunno|lemme|gimme|y'all|dont|cant|wont|didnt|doesnt|isnt|im|ive|youre|thats"
)


def word_set(text: str) -> frozenset[str]:
    """Return the words of a list that is written as running text."""
    return frozenset(text.split())


STOP_WORDS = word_set(
    """
    a about after all am an and any are as at be because been before being but by can could did do does for from had
    has have he her here him his how i if in into is it its just me more most my no nor not now of off on one only or
    our out over own shall she should so some such than that the their them then there these they this those to too up
    upon us very was we were what when where which who whom whose why will with would you your yes
    i'm i'll i've i'd it's that's don't can't won't didn't isn't you're we're they're he's she's what's there's
    """
)


def straighten(text: str) -> str:
    """Return a text with straight quotation marks and apostrophes."""
    return text.translate(_STRAIGHT)


def words_of(text: str) -> list[str]:
    """Return the words of a text, folded to lower case; "don't" and "well-known" are one word each."""
    return _WORD.findall(straighten(text).casefold())


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a text that have a word in them, each with its end mark."""
    found, start = [], 0
    for end in _SENTENCE_END.finditer(text):
        if end[0] == "." and _NO_END.search(text, max(start, end.start() - 8), end.end()):
            continue
        found.append(text[start : end.end()].strip())
        start = end.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if _WORD.search(sentence)]


def clauses_of(text: str) -> list[list[str]]:
    """Return the words of each clause of a text: what stands between two marks of punctuation."""
    return [words for words in map(words_of, _CLAUSE_END.split(straighten(text))) if words]


def is_contraction(word: str) -> bool:
    """Return whether a folded word is an English contraction, with its apostrophe or without."""
    return _CONTRACTION.fullmatch(word) is not None
