"""What somebody picks up from an answer: a thing, a few words, a proverb, a relative.

Rules over words, with closed lists from the lexicon: an article or "my", then at most two more words before a
noun; a clause between marks as a quotation. A candidate whose last word is a verb, an adjective or one of the
empty nouns is left out: better no mention than a wrong one, since the follow-ups have wordings without one.
Rejected: the rarest word of the answer, which is often its oddest and fits no sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from castwright.generators.offline import english
from castwright.generators.offline.english import ADJECTIVES, DETERMINERS, PREPOSITIONS, VERBS, word_set
from castwright.generators.offline.grammar import article

_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
_SAYING = re.compile(r"[\"“]([A-Z][^\"“”]{8,60}?)[,.!?]?[\"”]")
_KIN = re.compile(
    r"\b[Mm]y (?:late |dear |old |little |elder |younger )?"
    # "my friend" and "my son" alone are how one is spoken to
    r"((?:wife|husband|mother|father|aunt|uncle|grandmother|grandfather|teacher)(?: [A-Z][a-z]+)?|"
    r"(?:sister|brother|son|daughter|cousin|friend|neighbour|niece|nephew|partner|master) [A-Z][a-z]+)\b"
)
_NOUN_PHRASE = re.compile(r"(?<!\bnot )\b(the|a|an|my)((?: [a-z]{3,}){1,3})\b", re.IGNORECASE)
_STOP = (
    DETERMINERS
    | PREPOSITIONS
    | word_set(
        "and or but nor so yet if when while where who whom whose which that what why how than then because is are was "
        "were be been being am has have had do does did will would can could shall should may might must not never "
        "always often ever only even still just also too very quite rather almost nobody everybody somebody everyone "
        "someone anyone people you he she it we they thou thee round away back together apart here there now again "
        "once twice more most less least enough both all"
    )
)
_EMPTY_NOUNS = word_set(
    "thing things way ways one ones kind sort bit lot lots part parts place end whole same other others rest next last "
    "first second third time times day days deal matter mind side sides point case fact truth question questions "
    "answer answers word words moment minute while year years reason reasons moral like few many number great good "
    "best worst better worse firm self usual pair new old long short middle more little"
)
_SPOKEN_TO = word_set("friend friends dear love lord lady sir boss son child good")
_POLITE = re.compile(
    r"^(?:allow|let|what|how|as|now|please|with|bless|thank|say|i swear|i would swear) ", re.IGNORECASE
)
_CLAUSE = re.compile(r"[;:.!?…]")
_QUOTE_WORDS = (4, 11)
_POINTING = re.compile(r"\b(?:this|these|those|it|he|she|they|him|her|them)\b", re.IGNORECASE)


def things(answer: str) -> list[str]:
    """Return the noun phrases of an answer as its listener says them (`my trowel` -> `your trowel`), in order."""
    found: list[str] = []
    for match in _NOUN_PHRASE.finditer(answer):
        phrase = _head(match.group(2).split())
        if phrase and phrase.split()[0] not in _SPOKEN_TO:
            found.append(f"{'your' if match.group(1).lower() == 'my' else 'the'} {phrase}")
    return list(dict.fromkeys(found))


def _head(words: list[str]) -> str:
    """Return the words up to the noun they end in, or "" where no word can be one."""
    kept: list[str] = []
    for word in words:
        if word.lower() in _STOP:
            break
        kept.append(word)
    while len(kept) > 1 and _is_verb(kept[-1]):
        kept.pop()
    if not kept or len(kept[-1]) < 4 or not _is_noun(kept[-1]):
        return ""
    return " ".join(kept)


def _is_verb(word: str) -> bool:
    base = word.removesuffix("s")
    return base in VERBS or base.removesuffix("e") in VERBS or _is_past(word) or word.endswith("ing")


def _is_past(word: str) -> bool:
    return word.endswith("ed") or word in english.PAST_FORMS


def _is_noun(word: str) -> bool:
    unfit = word in ADJECTIVES or word in _EMPTY_NOUNS or _is_past(word)
    return not unfit and not word.endswith(("ly", "ing", "est", "ful", "ous", "ive", "able", "ible", "less"))


def quotes(answer: str) -> list[str]:
    """Return clauses of an answer that can be said back word for word, in order, their first letter small."""
    return list(dict.fromkeys(_quotes(answer)))


def _quotes(answer: str) -> Iterator[str]:
    for sentence in _SENTENCE.findall(_SAYING.sub(" . ", answer)):
        if '"' in sentence or "“" in sentence or "”" in sentence or sentence.endswith("?"):
            continue
        for clause in _CLAUSE.split(sentence):
            text = re.sub(r"^(?:and|but|so|or|for|because) ", "", clause.strip(" '’"), flags=re.IGNORECASE)
            count = len(text.split())
            if _QUOTE_WORDS[0] <= count <= _QUOTE_WORDS[1] and not (_POINTING.search(text) or _POLITE.match(text)):
                yield english.lower_first(text)


def sayings(answer: str) -> list[str]:
    """Return the proverbs that an answer quotes, in order."""
    return [english.lower_first(found.strip()) for found in _SAYING.findall(answer)]


def kin(answer: str) -> list[str]:
    """Return the relatives and friends that an answer names, as its listener says them."""
    return list(dict.fromkeys(f"your {found}" for found in _KIN.findall(answer)))


def job_of(who: str) -> str:
    """Return the occupation in an introduction ("Ann Lee, baker (York)") with its article, or ""."""
    _, comma, rest = who.partition(", ")
    job = rest.split(" (", 1)[0].split(",", 1)[0].strip()
    plain = comma and 0 < len(job.split()) <= 3 and job[0].islower() and " of " not in f" {job} "
    return f"{article(job)} {job}" if plain else ""
