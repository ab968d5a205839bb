"""Where and when free text sets its character: place and era, found by pattern.

Where someone lives is asked before where they come from; life dates before centuries, centuries before
single years. An era that is not named is the present: nothing here reads a clock. (Rejected: gazetteers,
which are large and still miss villages; capitals after a preposition say enough.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from castwright.generators.offline.biography import life_dates
from castwright.generators.offline.extract_lexicon import UPPER, demonyms, lexicon, pairs
from castwright.generators.offline.spot import Spot, spot_of
from castwright.generators.offline.wordlists import word_list

_PLACE_NAME = (
    rf"(?:St\.\s+)?{UPPER}[\w’'-]*(?:(?:\s+(?:(?:de|del|la|el|of|the|and|upon|sur|am|do|da"
    rf"|di)\s+)?{UPPER}[\w’'-]+)){{0,3}}(?:,\s+{UPPER}[\w’'-]+(?:\s+{UPPER}[\w’'-]+)?)?"
)
_PLACE_LEADS = (
    r"(?:lives?|lived|living|based|resid(?:es?|ing|ed)|works?|worked|working|settled|stationed"
    r"|located)\s+(?:quietly |alone |now |currently )?(?:in|on|at|near|outside)",
    r"\b(?:from|native of|resident of)",
    r"\b(?:born|raised|grew up|brought up)(?: and raised| and raised)?\s+(?:in|on|near)",
    r"\b(?:[Ii]n|[Oo]n|[Aa]t|outside|near)",
)
_PLACES = [
    re.compile(
        rf"{lead}\s+(?:the\s+(?:city|town|village|outskirts|heart"
        rf"|streets)\s+of\s+)?(?P<place>(?:the\s+)?{_PLACE_NAME})"
    )
    for lead in _PLACE_LEADS
]
_COMMON_PLACE = re.compile(
    r"\b(?:in|on|at|from|of|near)\s+(?P<place>an? (?:[a-z-]+ ){0,3}(?:village|town|city|island"
    r"|farm|lighthouse|monastery|castle|forest|space station|ship|harbou?r|valley|suburb|desert"
    r"|port|mountain|coast|ranch|cottage|swamp|library))\b"
)

_CENTURY = re.compile(
    r"\b(?:(?:early|mid|late)[- ])?(?:(?P<n>\d{1,2})(?:st|nd|rd|th)|(?P<w>first|second|third"
    r"|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth"
    r"|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|twenty-first|twenty-second"
    r"|twenty-third))[- ]century(?P<bc> BCE?)?",
    re.IGNORECASE,
)
_ORDINALS = {
    word: value
    for value, word in enumerate(
        word_list(
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
            "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first "
            "twenty-second twenty-third"
        ),
        start=1,
    )
}
_PERIOD_LEAD = re.compile(
    r"^(?:the\s+)?(?:Victorian|Edwardian|Elizabethan|Tudor|Medieval|Renaissance|Ancient|Viking"
    r"|Colonial|Meiji)(?:\s+(?:era|age|times|period|England(?=$))?|$)\s*",
    re.IGNORECASE,
)
_YEAR = re.compile(
    r"(?<![\d$€£,.])(?P<year>1\d{3}|20\d{2}|[2-9]\d{3}(?=\s+(?:AD|CE)))(?P<s>s)?(?![\d,]"
    r"|\s*(?:people|dollars|miles|men|km|years))"
)
_STUDIED = re.compile(r"\s+(?:history|literature|art|languages?|studies|texts|coins|maps|veteran)\b", re.IGNORECASE)
_BC = re.compile(r"\b(?P<year>\d{1,4}) BCE?\b")
_OLD, _BIRTH_OLD, _FUTURE = 1950, 1920, 2100


@dataclass(frozen=True, slots=True)
class Era:
    """When a character lives: what it is called, a year in it (None: the present), and where the text says so."""

    name: str
    year: int | None = None
    said: Spot[str] | None = field(default=None, compare=False)


def find_place(text: str) -> Spot[str] | None:
    """Return where the character lives, works or comes from, in this order; else a kind of place."""
    banned = lexicon()["places_not"]
    for pattern in _PLACES:
        for match in pattern.finditer(text):
            place = re.sub(r"['’]s$", "", match["place"].rstrip(".,"))
            place = _PERIOD_LEAD.sub("", place)
            if not place:
                continue
            first = re.sub(r"^the ", "", place).split()[0].lower().rstrip(".,")
            if first in banned or _YEAR.search(place) or first in ("dr", "mr", "mrs", "king", "queen", "lord"):
                continue
            return spot_of(place, match)
    if common := _COMMON_PLACE.search(text):
        return spot_of(common["place"], common)
    countries = demonyms()
    for word in re.finditer(r"\b[A-Z][a-z]+\b", text):
        if word[0].lower() in countries:
            return spot_of(countries[word[0].lower()], word)
    return None


@cache
def _period() -> re.Pattern[str]:
    names = sorted((name for name, _ in pairs("periods")), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(names)})\b", re.IGNORECASE)


def find_era(text: str) -> Era:
    """Return the era the text sets its character in; an unnamed one is the present."""
    if life := life_dates(text):
        name = f"{_year_name(life.value[0])}-{_year_name(life.value[1])}"
        return Era(name, life.value[1], Spot(name, life.start, life.end))
    if match := _BC.search(text):
        return _era(match.group(), -int(match["year"]), match)
    if match := _CENTURY.search(text):
        n = int(match["n"]) if match["n"] else _ORDINALS[match["w"].lower()]
        year = -100 * n + 50 if match["bc"] else 100 * n - 50
        if n != 21:
            return _era(match.group().replace("-century", " century"), year, match)
    match = _period().search(text)
    if match and not _STUDIED.match(text, match.end()):
        name, _, in_it = dict(pairs("periods"))[match.group().lower()].partition("; ")
        return _era(name, int(in_it), match)
    return _era_of_years(text)


def _era(name: str, year: int, match: re.Match[str]) -> Era:
    return Era(name, year, spot_of(name, match))


def _era_of_years(text: str) -> Era:
    found = [(int(match["year"]), match) for match in _YEAR.finditer(text)]
    if not found:
        return Era("")
    latest, match = max(found, key=lambda item: item[0])
    if latest >= _FUTURE:
        return _era(f"the year {latest}", latest, match)
    born = re.search(r"\bborn (?:\w+ )?(?:in |on )?[^.;]{0,30}$", text[: match.start()]) is not None
    if latest < (_BIRTH_OLD if born else _OLD):
        return _era(f"{latest}s" if match["s"] else f"around {latest}", latest, match)
    return Era("")


def _year_name(year: int) -> str:
    return f"{-year} BC" if year < 0 else str(year)


def is_past(era: Era) -> bool:
    """Tell whether an era lies before 1950."""
    return era.year is not None and era.year < _OLD
