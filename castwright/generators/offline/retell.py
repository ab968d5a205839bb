"""A text about a character as two to four sentences in the third person.

Third-person text is cut to its most telling sentences; first-person text is turned ("I keep bees" becomes
"She keeps bees") word by word; a fragment ("a retired keeper who collects shells") becomes a sentence.
(Rejected: keeping the text whole, which puts page-long records on cards.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from castwright.generators.offline.chat_tokens import Sentence, join, split_sentences
from castwright.generators.offline.contractions import expand_contractions
from castwright.generators.offline.wordlists import word_set

_SENTENCES = re.compile(r"[^.!?]+(?:[.!?]+[\"”’)]*|$)(?=\s|$)")
_ABBREVIATION = re.compile(r"\b(Dr|Mr|Mrs|Ms|St|Prof|Jr|Sr|Mt|vs|[A-Z])\.(?=\s)")
_FIRST_PERSON = re.compile(r"\b(?:I|I'm|I’m|I've|my|My|me)\b")
_THIRD_PERSON = re.compile(r"\b(?:she|he|they|her|his|their)\b", re.IGNORECASE)
_FINITE = re.compile(
    r"\b(?:is|was|are|were|has|had|have|does|did|can|will|would|lives?|lived|works?|worked|grew"
    r"|runs?|loves?|never|became|[a-z]{3,}ed|[a-z]{3,}s)\b"
)
_NOUN_ONLY = re.compile(
    r"^(?:an?|the)\s+(?:(?!(?:is|was|are|were|has|had|lives|works|who|that"
    r"|whose)\b)[\w’'-]+\s+){0,7}?(?:(?:who|whose|that|which|with)\b"
    r"|(?:(?!(?:is|was|has|had|lives|works)\b)[\w’'-]+),\s+(?:always|often|now|never|known|[a-z]+ing)\b)",
    re.IGNORECASE,
)
_VERB_FIRST = re.compile(
    r"^(?:Born|Raised|Grew|Lives|Works|Loves|Hates|Spent|Once|Never|Always|Became|Runs|Left|Lost"
    r"|Dreams|Enjoys|Collects)\b"
)
_TELLING = re.compile(
    r"\b(?:born|grew|learned|lost|dream|hope|fear|love|always|never|once|after|since|because"
    r"|mother|father|sister|brother|daughter|son|war|became|retired|left|believes?|wants?)",
    re.IGNORECASE,
)
_ADVERBS = word_set(
    "always never often also still now just really usually sometimes once rarely only secretly only even already mostly"
)
_UNCHANGED = word_set(
    "was were had did could would should will can may might must shall cannot went came saw grew knew "
    "took gave got left lost kept met ran told thought made found spent wrote taught built began became "
    "felt fell fought heard held led paid read said sold sent sang sat slept spoke stood swore wore won "
    "woke drove ate drank bought brought broke chose drew flew forgot hid rode rose sank shot"
)
_LONGEST, _MOST = 320, 4


@dataclass(frozen=True, slots=True)
class Retold:
    """A sentence in the third person, and the source's sentence that it was made from."""

    text: str
    quote: str


def tell(text: str, name: str, pronouns: tuple[str, str, str]) -> list[Retold]:
    """Return two to four (fewer where the text has fewer) third-person sentences of a text.

    `name` opens them where the text names nobody; `pronouns` are subject, object and possessive.
    """
    flat = _ABBREVIATION.sub("\\1\u2024", " ".join(text.split()))
    sentences = [
        match.group().strip().replace("\u2024", ".")
        for match in _SENTENCES.finditer(flat)
        if match.group().strip(" .!?")
    ]
    if not sentences:
        return []
    told = [_trim(sentence) for sentence in sentences]
    if _FIRST_PERSON.search(re.sub(r'["“][^"”]*["”]', "", flat)) and not _is_told(flat):
        told = [in_third_person(sentence, name if not index else "", pronouns) for index, sentence in enumerate(told)]
    else:
        told[0] = _whole(told[0], name)
    kept = list(range(len(told)))
    if len(told) > _MOST:
        ranked = sorted(range(1, len(told)), key=lambda i: (-len(_TELLING.findall(told[i])), i))
        kept = [0, *sorted(ranked[: _MOST - 1])]
    return [Retold(_closed(told[index]), sentences[index]) for index in kept]


def _is_told(text: str) -> bool:
    return len(_THIRD_PERSON.findall(text)) > 2 * len(_FIRST_PERSON.findall(text))


def _whole(sentence: str, name: str) -> str:
    """Return a sentence without its subject or verb ("a keeper who ...", "Grew up in ...") as a whole one."""
    if match := _VERB_FIRST.match(sentence):
        verb = match.group().lower()
        return f"{name} {'was ' + verb if verb in ('born', 'raised') else verb}{sentence[match.end() :]}"
    if re.search("[a-z]{2}", sentence) and (_NOUN_ONLY.match(sentence) or not _FINITE.search(sentence)):
        who = "This" if name.startswith(("The ", "Someone")) else name
        return f"{who} is {_with_article(sentence)}"
    return sentence


def _with_article(fragment: str) -> str:
    low = fragment[0].lower() + fragment[1:]
    if re.match(r"(?:an?|the|one)\b", low):
        return low
    return f"{'an' if low[0] in 'aeiou' else 'a'} {low}"


def _trim(sentence: str) -> str:
    if len(sentence) <= _LONGEST:
        return sentence
    cut = sentence[:_LONGEST]
    place = max(cut.rfind(mark) for mark in (";", ",", " —", " –"))
    return cut[: place if place > _LONGEST // 2 else cut.rfind(" ") if " " in cut else _LONGEST].rstrip(" ,;—–") + "."


def _closed(sentence: str) -> str:
    sentence = sentence[:1].upper() + sentence[1:]
    return sentence if sentence[-1] in '.!?"”’)' else sentence + "."


def in_third_person(text: str, name: str, pronouns: tuple[str, str, str]) -> str:
    """Return a first-person sentence in the third person; the first I becomes `name` where one is given."""
    subject, obj, possessive = pronouns
    if name and re.match(r"(?:My name(?:'s| is)|I am|I'm|Call me|I’m)\s+" + re.escape(name), text):
        text = re.sub(
            r"^(?:My name(?:'s| is)|I am|I'm|Call me|I’m)\s+" + re.escape(name) + r"\s*(?:,|and)?\s*(?:I am|I'm)?",
            "I am ",
            text,
        )
        text = re.sub(r"^I am\s*\.?$", f"This is {name}.", text)
    plural = subject == "they"
    parts: list[str] = []
    for sentence in split_sentences(text.replace("’", "'")):
        expand_contractions(sentence)
        _turn(sentence, name, (subject, obj, possessive), plural)
        name = ""
        parts.append(join(sentence.words, sentence.glued) + (sentence.mark[:1] or ".") + sentence.tail)
    return " ".join(parts)


def _turn(sentence: Sentence, name: str, pronouns: tuple[str, str, str], plural: bool) -> None:
    subject, obj, possessive = pronouns
    swaps = {
        "me": obj,
        "my": possessive,
        "mine": {"her": "hers", "their": "theirs"}.get(possessive, possessive),
        "myself": {"they": "themself", "he": "himself"}.get(subject, "herself"),
    }
    words = sentence.words
    index = 0
    while index < len(words):
        word = words[index]
        if word in ("I", "i"):
            words[index] = name or subject
            singular = bool(name) or not plural
            name = ""
            verb = index + 1
            while verb < len(words) and words[verb].lower() in _ADVERBS:
                verb += 1
            if verb < len(words):
                words[verb] = agreed(words[verb], singular)
        elif word.lower() in swaps:
            swapped = swaps[word.lower()]
            words[index] = swapped.capitalize() if word[0].isupper() else swapped
        index += 1
    if words:
        words[0] = words[0][0].upper() + words[0][1:]


def agreed(verb: str, singular: bool) -> str:
    """Return a verb that stood after I in the form that stands after she (or they, when not singular)."""
    low = verb.lower()
    if low == "am":
        return "is" if singular else "are"
    if low == "was":
        return "was" if singular else "were"
    if low == "have":
        return "has" if singular else "have"
    if not singular or low in _UNCHANGED or low.endswith("ed") or not low.isalpha():
        return verb
    if low.endswith(("s", "sh", "ch", "x", "z", "o")):
        return verb + "es"
    if low.endswith("y") and low[-2:-1] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"
