"""Who free text is about: name, age and gender, found by pattern.

Every finder takes the text and returns one field, with the place it was read from, or nothing; none guesses.
Order matters only where two patterns could both be right, and then the explicit one ("my name is") is asked
before the general one (a name that opens a sentence). (Rejected: named-entity models, which the offline model
must not need; one big regular expression, which cannot say why it failed.)
"""

from __future__ import annotations

import re

from castwright.generators.offline.extract_lexicon import UPPER, demonyms, lexicon
from castwright.generators.offline.spot import Spot, spot_of
from castwright.generators.offline.wordlists import word_list, word_set

_NAME_WORD = rf"(?:(?:Dr|Mr|Mrs|Ms|St|Prof|Jr|Sr|{UPPER})\.|(?:(?:al|el)-|d['’])?{UPPER}[\w’'-]*)"
_PARTICLE = (
    r"(?:van|von|de|der|den|del|della|da|di|du|la|le|al|el|bin|ibn|ben|bint|dos|das|do|ter|ten|zu"
    r"|af|y|of|the)"
)
_FULL = rf"{_NAME_WORD}(?:\s+(?:{_PARTICLE}\s+){{0,2}}{_NAME_WORD}){{0,4}}"
_SAYS_NAME = re.compile(
    rf"(?:[Mm]y name(?:'s| is)|[Nn]ame:|[Cc]all me|[Kk]nown (?:\w+ )?as|\b(?:wo)?man (?:called"
    rf"|named)|\b(?:girl|boy|hero|heroine|robot|wizard|witch|woman|man|person) (?:called|named)"
    rf"|\b(?:who is )?named|[Ii](?:'m|’m| am)) (?P<name>{_FULL})"
)
_OPENS = re.compile(
    rf"(?:^|(?<=[.!?]\s)|(?<=[.!?][\"”]\s))(?P<name>(?:The\s+)?{_FULL})(?=\s*(?:\(|,\s*(?:\d|an?\b"
    rf"|the\b|aged|now|who|born|also)|[—–:]\s)"
    r"|\s+(?:is|was|has|had|never|always|still|once|grew|ran|left|came|spent|became|lost|kept"
    r"|fought|wrote|taught|built|who|[a-z]+(?:s|ed))\b)"
)
_PLAIN_NAME = re.compile(rf"^\s*(?P<name>{_FULL})\s*[.,]?\s*$")
_NO_NAMES = word_set(
    "a an she he they it i my her his their our we you in on at after before born as when once growing "
    "raised every this that there but and although despite with now today years since while from for by "
    "to if because having known one some most what who where years mother father no not all during until "
    "under over despite not each even though however later people life work both answers asks loves hates "
    "likes lives works enjoys collects dreams speaks talks runs plays writes reads teaches keeps wants "
    "believes raised grew uses makes thinks prefers hopes wishes fears trusts helps tells spends retired "
    "former someone everyone nobody fictional"
)
_NOT_MET = re.compile(
    r"\b(?:village|town|city|island|ship|boat|dog|cat|horse|band|bar|shop|bakery|restaurant"
    r"|company|country|street|farm|novel|book|parrot|"
    r"sister|brother|mother|father|son|daughter|wife|husband|friend|partner|child"
    r"|baby)s?\s+(?:is\s+|who is\s+)?$"
)

_UNITS = {
    word: value
    for value, word in enumerate(
        word_list(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
            "sixteen seventeen eighteen nineteen"
        )
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate(word_list("twenty thirty forty fifty sixty seventy eighty ninety"), start=2)
}
_NUMBER = rf"(?:\d{{1,4}}|(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(list(_UNITS)[1:10])}))?|{'|'.join(_UNITS)})"
_AGES = [
    re.compile(rf"\b(?P<age>{_NUMBER})[- ]years?[- ](?:old|of age)\b", re.IGNORECASE),
    re.compile(
        rf"\b(?:aged?|age:|age of|turned|turning|now)\s+(?P<age>{_NUMBER})\b(?!\s*(?:years? (?:ago"
        rf"|later)|times|children|other|people|st\b|th\b))",
        re.IGNORECASE,
    ),
    re.compile(rf"{_NAME_WORD}(?:,|\s+is|\s+was)\s+(?P<age>\d{{1,3}})(?=[,.;]|\s+and\b)"),
    re.compile(r"^(?P<age>\d{1,3}),", re.IGNORECASE),
    re.compile(
        rf"\b(?:I am|I'm|she is|he is|they are|is|was)\s+(?P<age>{_NUMBER})(?=[,.;]|\s+and\b|$)(?!\s+of\b)",
        re.IGNORECASE,
    ),
]
_THEN = re.compile(r"\b(?:when|until|since|after|before) (?:\w+ ){0,2}$", re.IGNORECASE)  # how old they were once
_DECADE_AGE = re.compile(
    r"\bin (?:her|his|their|my) (?P<part>early |mid[- ]?|late |middle )?(?P<ten>teens|twenties"
    r"|thirties|forties|fifties|sixties|seventies|eighties|nineties|20s|30s|40s|50s|60s|70s|80s"
    r"|90s)\b",
    re.IGNORECASE,
)
_DECADES = {
    word: 10 * value
    for value, word in enumerate(
        word_list("teens twenties thirties forties fifties sixties seventies eighties nineties"), start=1
    )
}
_AGE_WORDS = {
    "octogenarian": 84,
    "septuagenarian": 74,
    "nonagenarian": 93,
    "centenarian": 101,
    "teenager": 16,
    "teenage": 16,
    "teen": 16,
}
_NON_BINARY = re.compile(r"\bnon-?binary\b|\bthey/them\b|\bgenderqueer\b", re.IGNORECASE)
_SHE = re.compile(r"\b(?:she|hers?|herself|she/her)\b", re.IGNORECASE)
_HE = re.compile(r"\b(?:he|his|him|himself|he/him)\b", re.IGNORECASE)
_OWN = r"(?:^|\b(?:am|is|was|i'm|an?|the|single|retired|old|young)\s+(?:[a-z-]+\s+){0,2})"
_WOMAN = re.compile(
    rf"{_OWN}(?:woman|girl|lady|mother|mom|mum|grandmother|wife|widow|queen|princess|actress"
    rf"|waitress|nun|governess|witch|goddess|seamstress|housewife|heroine|sister)\b|\b(?:mrs|ms"
    rf"|miss|lady|queen|madame|dame)\b",
    re.IGNORECASE,
)
_MAN = re.compile(
    rf"{_OWN}(?:man|boy|gentleman|father|dad|grandfather|husband|widower|king|prince|waiter|monk"
    rf"|fisherman|salesman|policeman|wizard|hero|brother|lord)\b|\b(?:mr|sir|lord|king)\b",
    re.IGNORECASE,
)
_LIFE = re.compile(
    r"\(\s*(?:c\.?|ca\.?"
    r"|born)?\s*(?P<born>\d{3,4})(?:\s*(?P<bc>BCE?))?\s*[-–—]\s*(?:c\.?\s*)?(?P<died>\d{2,4})\s*(?P<bc2>BCE?)?\s*(?:AD|CE)?\s*\)"
)


def number(text: str) -> int | None:
    """Return the number a text writes in digits or in words below a hundred, or None."""
    low = text.lower().strip()
    if low.isdigit():
        return int(low)
    if low in _UNITS:
        return _UNITS[low]
    tens, _, unit = low.replace(" ", "-").partition("-")
    return _TENS[tens] + _UNITS.get(unit, 0) if tens in _TENS else None


def find_name(text: str) -> Spot[str] | None:
    """Return the character's name as the text gives it, or None."""
    for pattern in (_SAYS_NAME, _OPENS, _PLAIN_NAME):
        for match in pattern.finditer(text):
            name = _as_name(match["name"])
            if name and not _NOT_MET.search(text[: match.start()]):
                return spot_of(name, match, "name")
    return None


def _as_name(found: str) -> str:
    name = re.sub(r"['’]s$", "", found.strip())
    first = name.split()[0].lower().strip(".")
    if first in _NO_NAMES or first.partition("'")[0].partition("’")[0] in _NO_NAMES or len(name) < 2 or len(name) > 80:
        return ""
    words = lexicon()
    if first == "the" and len(name.split()) == 1:
        return ""
    if " " not in name and (first in demonyms() or first in words["occupations"]):
        return ""
    return name


def find_age(text: str) -> Spot[int] | None:
    """Return the age in years: said, told by the decade of life, or the age at death from life dates."""
    for pattern in _AGES:
        for match in pattern.finditer(text):
            age = number(match["age"])
            if age is not None and 0 < age < 130 and not _THEN.search(text[: match.start()][-40:]):
                return spot_of(age, match)
    if told := _DECADE_AGE.search(text):
        ten = told["ten"].lower()
        base = _DECADES[ten] if ten in _DECADES else int(ten[:2])
        part = (told["part"] or "mid").strip(" -").lower()
        return spot_of(16 if base == 10 else base + {"early": 2, "late": 8}.get(part, 5), told)
    if life := life_dates(text):
        return Spot(abs(life.value[1] - life.value[0]), life.start, life.end)
    for word, age in _AGE_WORDS.items():
        if said := re.search(rf"\b{word}\b", text, re.IGNORECASE):
            return spot_of(age, said)
    return None


def life_dates(text: str) -> Spot[tuple[int, int]] | None:
    """Return the years of birth and death that stand in brackets, negative before Christ."""
    match = _LIFE.search(text)
    if not match:
        return None
    born, died = int(match["born"]), int(match["died"])
    if len(match["died"]) == 2 and len(match["born"]) == 4:
        died += born // 100 * 100
    if match["bc2"] and born > died:
        return spot_of((-born, -died), match)
    return spot_of((born, died), match) if 0 < died - born < 130 else None


def find_gender(text: str) -> Spot[str] | None:
    """Return "woman", "man" or "non-binary" by words, titles and pronouns, or None."""
    if other := _NON_BINARY.search(text):
        return spot_of("non-binary", other)
    for woman, man in ((_SHE, _HE), (_WOMAN, _MAN)):
        hers, his = list(woman.finditer(text)), list(man.finditer(text))
        if len(hers) != len(his):
            return spot_of("woman", hers[0]) if len(hers) > len(his) else spot_of("man", his[0])
    return None
