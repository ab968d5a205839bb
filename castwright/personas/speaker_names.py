"""Speakers' names: which labels are one person, which are a crowd, and how a name is written in a card.

Labels are merged only where nothing else could be meant: the same words whatever the case, dots and marks ("HALE
(O.S.)"), and a bare name with its titled or fuller form ("HALE", "MRS. HALE"; "NORA", "NORA HELMER") when there
is only one such form, it is used more, and the two never answer each other. With Mr. and Mrs. Hale both there, "HALE"
stays by itself. Two people in one card are worse than one person in two cards, which the search for duplicates
may still find. (Rejected: edit distance, which makes one of Rosalind and Rosaline.)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from castwright.personas.speech_words import word_set

_PLAIN_TITLES = word_set(
    """
    mr mrs ms miss dr doctor prof professor captain capt colonel col sergeant sgt lieutenant lt general gen major
    reverend rev monsieur mademoiselle herr signor inspector
    """
)
_TITLES = _PLAIN_TITLES | word_set("sir lady lord madam madame father sister brother saint st don dona frau")
_ROLES = word_set(
    """
    king queen prince princess duke duchess earl count countess emperor empress servant maid nurse guard soldier officer
    messenger clerk judge porter gentleman lady lord doctor captain sergeant priest friar witch ghost boy girl man woman
    mother father brother sister son daughter old young first second third fourth fifth little big voice waiter driver
    policeman constable cop attendant citizen knight page sailor merchant
    """
)
_CROWD = word_set(
    """
    all both others everyone everybody crowd chorus voices voice guards soldiers servants lords ladies men women
    people citizens townsfolk villagers children boys girls guests sailors witches knights attendants gentlemen mob
    ensemble company students pupils audience together many several some various omnes tous alle messengers
    """
)
_STAGE = word_set(
    """
    narrator narration stage direction directions unknown unidentified tv radio television phone announcer caption
    title sound sfx music song system bot admin moderator lights
    """
)
_DETERMINERS = word_set("a an the some other two three four five six off offstage from within")
_SMALL = word_set("of the de la le du da del di der den van von y e and")
_MARKS = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
_DECORATION = ' \t*_.:：,;-–—@^"“”'
_JOINT = re.compile(r"[&/,+]|\band\b|\bund\b|\bet\b", re.IGNORECASE)
_CAPITAL = re.compile(r"(?:^|(?<=[\s'’-]))[^\W\d_]")
_ROMAN = re.compile(r"[IVX]+")


def bare_name(label: str) -> str:
    """Return a label without bracketed marks ("(O.S.)"), Markdown, colon and white space around it."""
    return " ".join(_MARKS.sub("", label).strip(_DECORATION).split())


def name_key(label: str) -> str:
    """Return what two labels of one name share: folded words, without dots."""
    return " ".join(re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", bare_name(label).casefold().replace("’", "'")))


def crowd_reason(label: str) -> str:
    """Return why a label is not one character's ("a crowd ..."), or an empty string."""
    name = bare_name(label)
    words = name_key(label).split()
    if not any(letter.isalpha() for letter in name):
        return "a label without a name"
    core = [word for word in words if word not in _DETERMINERS and not word.isdigit()]
    if not core or (core[0] in _CROWD and (len(core) == 1 or core[1] in _SMALL)) or core[-1] in _CROWD - {"voice"}:
        return "a crowd or a voice, not one character"
    if all(word in _STAGE for word in core):
        return "a stage label, not a character"
    return "several speakers at once" if len(words) > 1 and _JOINT.search(name) else ""


def merged_keys(spoken: Sequence[str]) -> dict[str, str]:
    """Return for each name key the one that it surely stands for, mostly itself; `spoken` are keys turn by turn."""
    uses = Counter(spoken)
    # two people of one name answer each other; one person under two labels does not
    answered = set(pairwise(spoken)) | {(after, before) for before, after in pairwise(spoken)}
    merged = {}
    for key in sorted(uses):
        fuller = _fuller(key, uses)
        sure = fuller != key and (key, fuller) not in answered and uses[key] <= uses[fuller]
        merged[key] = fuller if sure else key
    return merged


def display_name(labels: Mapping[str, int]) -> str:
    """Return how a card writes a name: the most used form that is not all capitals, else capitals taken back."""
    forms: Counter[str] = Counter()
    for label, count in labels.items():
        forms[bare_name(label)] += count
    ranked = sorted(forms, key=lambda form: (form.isupper() or form.islower(), -forms[form], form))
    name = ranked[0]
    if not (name.isupper() or name.islower()) or len(name) <= 1:
        return name
    words = name.split()
    return " ".join(_cased(word, first=index == 0) for index, word in enumerate(words))


def _fuller(key: str, known: Iterable[str]) -> str:
    words = key.split()
    if len(words) != 1 or key in _ROLES or key in _TITLES or not key.isalpha():
        return key
    rivals = [other for other in known if other != key and key in other.split()]
    if len(rivals) != 1:
        return key
    others = rivals[0].split()
    titled = others[-1] == key and all(word in _PLAIN_TITLES for word in others[:-1])
    first_name = others[0] == key and len(others) == 2 and others[1].isalpha() and others[1] not in _ROLES
    return rivals[0] if titled or first_name else key


def _cased(word: str, *, first: bool) -> str:
    if not first and word.casefold() in _SMALL:
        return word.casefold()
    if _ROMAN.fullmatch(word) and not first:
        return word
    cased = _CAPITAL.sub(lambda match: match[0].upper(), word.casefold())
    return re.sub(r"(['’])S$", r"\1s", cased)
