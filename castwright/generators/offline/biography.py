"""What free text says about a character: names, ages, trades, ties and ways of speaking, found by pattern.

Every finder takes the text and returns one field or nothing; none guesses. Order matters only where two
patterns could both be right, and then the explicit one ("works as a baker") is asked before the general one
("a baker from Lyon"). (Rejected: named-entity models, which the offline model must not need; one big regular
expression, which cannot say why it failed.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from castwright.generators.offline.grammar import read_data

_UP = "[A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĘĚĞĢĪİĶĹĽŁŃŅŇŌŐŒŔŘŚŞŠŢŤŪŮŰŹŻŽȘȚΑ-ΩА-ЯЁІЇЄ]"
_NAME_WORD = rf"(?:(?:Dr|Mr|Mrs|Ms|St|Prof|Jr|Sr|{_UP})\.|(?:(?:al|el)-|d['’])?{_UP}[\w’'-]*)"
_PARTICLE = r"(?:van|von|de|der|den|del|della|da|di|du|la|le|al|el|bin|ibn|ben|bint|dos|das|do|ter|ten|zu|af|y|of|the)"
_FULL = rf"{_NAME_WORD}(?:\s+(?:{_PARTICLE}\s+){{0,2}}{_NAME_WORD}){{0,4}}"
_SAYS_NAME = re.compile(
    rf"(?:[Mm]y name(?:'s| is)|[Nn]ame:|[Cc]all me|[Kk]nown (?:\w+ )?as|\b(?:wo)?man (?:called|named)|\b(?:girl|boy|hero|heroine|robot|wizard|witch|woman|man|person) (?:called|named)|\b(?:who is )?named|[Ii](?:'m|’m| am)) (?P<name>{_FULL})"
)
_OPENS = re.compile(
    rf"(?:^|(?<=[.!?]\s)|(?<=[.!?][\"”]\s))(?P<name>(?:The\s+)?{_FULL})(?=\s*(?:\(|,\s*(?:\d|an?\b|the\b|aged|now|who|born|also)|[—–:]\s)"
    r"|\s+(?:is|was|has|had|never|always|still|once|grew|ran|left|came|spent|became|lost|kept|fought|wrote|taught|built|who|[a-z]+(?:s|ed))\b)"
)
_PLAIN_NAME = re.compile(rf"^\s*(?P<name>{_FULL})\s*[.,]?\s*$")
_NO_NAMES = frozenset(
    "a an she he they it i my her his their our we you in on at after before born as when once growing raised every this that there "
    "but and although despite with now today years since while from for by to if because having known one some most what who where "
    "years mother father no not all during until under over despite not each even though however later people life work both answers asks loves hates likes lives works "
    "enjoys collects dreams speaks talks runs plays writes reads teaches keeps wants believes raised grew uses makes thinks prefers hopes "
    "wishes fears trusts helps tells spends retired former someone everyone nobody fictional".split()
)
_NOT_MET = re.compile(
    r"\b(?:village|town|city|island|ship|boat|dog|cat|horse|band|bar|shop|bakery|restaurant|company|country|street|farm|novel|book|parrot|"
    r"sister|brother|mother|father|son|daughter|wife|husband|friend|partner|child|baby)s?\s+(?:is\s+|who is\s+)?$"
)

_UNITS = {w: n for n, w in enumerate("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split())}  # fmt: skip
_TENS = {w: 10 * n for n, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)}
_NUMBER = rf"(?:\d{{1,4}}|(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(list(_UNITS)[1:10])}))?|{'|'.join(_UNITS)})"
_AGES = [
    re.compile(rf"\b(?P<age>{_NUMBER})[- ]years?[- ]old\b", re.I),
    re.compile(rf"\b(?:aged?|age:|age of|turned|turning|now)\s+(?P<age>{_NUMBER})\b(?!\s*(?:years? (?:ago|later)|times|children|other|people|st\b|th\b|in\b))", re.I),
    re.compile(rf"{_NAME_WORD}(?:,|\s+is|\s+was)\s+(?P<age>\d{{1,3}})(?=[,.;]|\s+and\b)"),
    re.compile(rf"^(?P<age>\d{{1,3}}),", re.I),
    re.compile(rf"\b(?:I am|I'm|she is|he is|they are|is|was)\s+(?P<age>{_NUMBER})(?=[,.;]|\s+and\b|$)(?!\s+of\b)", re.I),
]
_DECADE_AGE = re.compile(r"\bin (?:her|his|their|my) (?P<part>early |mid[- ]?|late |middle )?(?P<ten>teens|twenties|thirties|forties|fifties|sixties|seventies|eighties|nineties|20s|30s|40s|50s|60s|70s|80s|90s)\b", re.I)  # fmt: skip
_DECADES = {"teens": 10, "twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60, "seventies": 70, "eighties": 80, "nineties": 90}  # fmt: skip
_AGE_WORDS = {"octogenarian": 84, "septuagenarian": 74, "nonagenarian": 93, "centenarian": 101, "teenager": 16, "teenage": 16, "teen": 16}
_LIFE = re.compile(r"\(\s*(?:c\.?|ca\.?|born)?\s*(?P<born>\d{3,4})(?:\s*(?P<bc>BCE?))?\s*[-–—]\s*(?:c\.?\s*)?(?P<died>\d{2,4})\s*(?P<bc2>BCE?)?\s*(?:AD|CE)?\s*\)")

_PLACE_NAME = rf"(?:St\.\s+)?{_UP}[\w’'-]*(?:(?:\s+(?:(?:de|del|la|el|of|the|and|upon|sur|am|do|da|di)\s+)?{_UP}[\w’'-]+)){{0,3}}(?:,\s+{_UP}[\w’'-]+(?:\s+{_UP}[\w’'-]+)?)?"
_PLACE_LEADS = (
    r"(?:lives?|lived|living|based|resid(?:es?|ing|ed)|works?|worked|working|settled|stationed|located)\s+(?:quietly |alone |now |currently )?(?:in|on|at|near|outside)",
    r"\b(?:from|native of|resident of)",
    r"\b(?:born|raised|grew up|brought up)(?: and raised| and raised)?\s+(?:in|on|near)",
    r"\b(?:[Ii]n|[Oo]n|[Aa]t|outside|near)",
)
_PLACES = [re.compile(rf"{lead}\s+(?:the\s+(?:city|town|village|outskirts|heart|streets)\s+of\s+)?(?P<place>(?:the\s+)?{_PLACE_NAME})") for lead in _PLACE_LEADS]  # fmt: skip
_COMMON_PLACE = re.compile(
    r"\b(?:in|on|at|from|of|near)\s+(?P<place>an? (?:[a-z-]+ ){0,3}(?:village|town|city|island|farm|lighthouse|monastery|castle|forest|space station|ship|harbou?r|valley|suburb|desert|port|mountain|coast|ranch|cottage|swamp|library))\b"
)

_CENTURY = re.compile(r"\b(?:(?:early|mid|late)[- ])?(?:(?P<n>\d{1,2})(?:st|nd|rd|th)|(?P<w>first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|twenty-first|twenty-second|twenty-third))[- ]century(?P<bc> BCE?)?", re.I)  # fmt: skip
_ORDINALS = {w: n for n, w in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third".split(), start=1)}  # fmt: skip
_PERIODS = {
    "victorian": ("Victorian era", 1870), "edwardian": ("Edwardian era", 1905), "georgian england": ("Georgian era", 1780), "regency": ("Regency era", 1815),
    "elizabethan": ("Elizabethan era", 1580), "tudor": ("Tudor era", 1530), "medieval": ("Middle Ages", 1200), "middle ages": ("Middle Ages", 1200),
    "renaissance": ("Renaissance", 1500), "ancient": ("antiquity", -100), "antiquity": ("antiquity", -100), "viking": ("Viking age", 900),
    "bronze age": ("Bronze Age", -1500), "stone age": ("Stone Age", -8000), "edo period": ("Edo period", 1750), "edo japan": ("Edo period", 1750),
    "roman empire": ("Roman Empire", 100), "world war ii": ("Second World War", 1943), "second world war": ("Second World War", 1943),
    "world war i": ("First World War", 1916), "first world war": ("First World War", 1916), "american civil war": ("American Civil War", 1863),
    "great depression": ("Great Depression", 1932), "wild west": ("Wild West", 1880), "gold rush": ("Gold Rush", 1850), "french revolution": ("French Revolution", 1792),
    "meiji": ("Meiji era", 1890), "colonial": ("colonial era", 1750), "prohibition": ("Prohibition", 1925),
}  # fmt: skip
_PERIOD = re.compile(rf"\b(?:{'|'.join(sorted(_PERIODS, key=len, reverse=True))})\b", re.I)
_PERIOD_LEAD = re.compile(r"^(?:the\s+)?(?:Victorian|Edwardian|Elizabethan|Tudor|Medieval|Renaissance|Ancient|Viking|Colonial|Meiji)(?:\s+(?:era|age|times|period|England(?=$))?|$)\s*", re.I)
_YEAR = re.compile(r"(?<![\d$€£,.])(?P<year>1\d{3}|20\d{2}|[2-9]\d{3}(?=\s+(?:AD|CE)))(?P<s>s)?(?![\d,]|\s*(?:people|dollars|miles|men|km|years))")
_BC = re.compile(r"\b(?P<year>\d{1,4}) BCE?\b")
_OLD, _BIRTH_OLD, _FUTURE = 1950, 1920, 2100


@dataclass(frozen=True, slots=True)
class Era:
    """When a character lives: what it is called and a year in it (None: the present)."""

    name: str
    year: int | None = None


@cache
def lexicon() -> dict[str, frozenset[str]]:
    """Return the plain word lists of the extraction lexicon by name."""
    data = read_data("extract_lexicon")
    return {name: frozenset(text.split()) for name, text in data.items() if "->" not in text}


@cache
def cues(name: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return a cue list of the lexicon: what to look for, and what it shows."""
    pairs = (line.partition(" -> ") for line in read_data("extract_lexicon")[name].splitlines() if line.strip())
    return tuple((re.compile(cue, re.IGNORECASE), shown.strip()) for cue, _, shown in pairs)


def number(text: str) -> int | None:
    """Return the number a text writes in digits or in words below a hundred, or None."""
    low = text.lower().strip()
    if low.isdigit():
        return int(low)
    if low in _UNITS:
        return _UNITS[low]
    tens, _, unit = low.replace(" ", "-").partition("-")
    return _TENS[tens] + _UNITS.get(unit, 0) if tens in _TENS else None


def find_name(text: str) -> str:
    """Return the character's name as the text gives it, or an empty string."""
    for pattern in (_SAYS_NAME, _OPENS, _PLAIN_NAME):
        for match in pattern.finditer(text):
            name = _as_name(match["name"])
            if name and not _NOT_MET.search(text[: match.start()]):
                return name
    return ""


def _as_name(found: str) -> str:
    name = re.sub(r"['’]s$", "", found.strip())
    first = name.split()[0].lower().strip(".")
    if first in _NO_NAMES or first.partition("'")[0].partition("’")[0] in _NO_NAMES or len(name) < 2 or len(name) > 80:
        return ""
    words = lexicon()
    if first == "the" and len(name.split()) == 1:
        return ""
    if " " not in name and (first in _demonyms() or first in words["occupations"]):
        return ""
    return name


@cache
def _demonyms() -> dict[str, str]:
    pairs = (line.partition(" -> ") for line in read_data("extract_lexicon")["demonyms"].splitlines() if line.strip())
    return {left.strip(): right.strip() for left, _, right in pairs}


def find_age(text: str) -> int | None:
    """Return the age in years: said, told by the decade of life, or the age at death from life dates."""
    for pattern in _AGES:
        for match in pattern.finditer(text):
            age = number(match["age"])
            if age is not None and 0 < age < 130:
                return age
    if match := _DECADE_AGE.search(text):
        ten = match["ten"].lower()
        base = _DECADES[ten] if ten in _DECADES else int(ten[:2])
        part = (match["part"] or "mid").strip(" -").lower()
        return 16 if base == 10 else base + {"early": 2, "late": 8}.get(part, 5)
    if life := life_dates(text):
        return abs(life[1] - life[0])
    low = text.lower()
    return next((age for word, age in _AGE_WORDS.items() if re.search(rf"\b{word}\b", low)), None)


def life_dates(text: str) -> tuple[int, int] | None:
    """Return the years of birth and death that stand in brackets, negative before Christ."""
    match = _LIFE.search(text)
    if not match:
        return None
    born, died = int(match["born"]), int(match["died"])
    if len(match["died"]) == 2 and len(match["born"]) == 4:
        died += born // 100 * 100
    if match["bc2"] and born > died:
        return -born, -died
    return (born, died) if 0 < died - born < 130 else None


def find_gender(text: str) -> str:
    """Return "woman", "man" or "non-binary" by words, titles and pronouns, or an empty string."""
    low = text.lower()
    if re.search(r"\bnon-?binary\b|\bthey/them\b|\bgenderqueer\b", low):
        return "non-binary"
    woman = len(re.findall(r"\b(?:she|hers?|herself|she/her)\b", low))
    man = len(re.findall(r"\b(?:he|his|him|himself|he/him)\b", low))
    if woman == man:
        own = r"(?:^|\b(?:am|is|was|i'm|an?|the|single|retired|old|young)\s+(?:[a-z-]+\s+){0,2})"
        woman = len(re.findall(rf"{own}(?:woman|girl|lady|mother|mom|mum|grandmother|wife|widow|queen|princess|actress|waitress|nun|governess|witch|goddess|seamstress|housewife|heroine|sister)\b|\b(?:mrs|ms|miss|lady|queen|madame|dame)\b", low))
        man = len(re.findall(rf"{own}(?:man|boy|gentleman|father|dad|grandfather|husband|widower|king|prince|waiter|monk|fisherman|salesman|policeman|wizard|hero|brother|lord)\b|\b(?:mr|sir|lord|king)\b", low))
    return "woman" if woman > man else "man" if man > woman else ""


def find_place(text: str) -> str:
    """Return where the character lives, works or comes from, in this order; a kind of place where none is named."""
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
            return place
    if match := _COMMON_PLACE.search(text):
        return match["place"]
    demonyms = _demonyms()
    for word in re.findall(r"\b[A-Z][a-z]+\b", text):
        if word.lower() in demonyms:
            return demonyms[word.lower()]
    return ""


def find_era(text: str) -> Era:
    """Return the era the text sets its character in; an unnamed one is the present."""
    if life := life_dates(text):
        return Era(f"{_year_name(life[0])}-{_year_name(life[1])}", life[1])
    if match := _BC.search(text):
        return Era(match.group(), -int(match["year"]))
    if match := _CENTURY.search(text):
        n = int(match["n"]) if match["n"] else _ORDINALS[match["w"].lower()]
        year = -100 * n + 50 if match["bc"] else 100 * n - 50
        if n != 21:
            return Era(match.group().replace("-century", " century"), year)
    if (match := _PERIOD.search(text)) and not re.search(rf"{match.group()}\s+(?:history|history|literature|art|languages?|studies|texts|coins|maps|veteran)", text, re.I):
        name, year = _PERIODS[match.group().lower()]
        return Era(name, year)
    return _era_of_years(text)


def _era_of_years(text: str) -> Era:
    found = [(int(match["year"]), match) for match in _YEAR.finditer(text)]
    if not found:
        return Era("")
    latest, match = max(found, key=lambda item: item[0])
    if latest >= _FUTURE:
        return Era(f"the year {latest}", latest)
    born = re.search(r"\bborn (?:\w+ )?(?:in |on )?[^.;]{0,30}$", text[: match.start()]) is not None
    if latest < (_BIRTH_OLD if born else _OLD):
        return Era(f"{latest}s" if match["s"] else f"around {latest}", latest)
    return Era("")


def _year_name(year: int) -> str:
    return f"{-year} BC" if year < 0 else str(year)


def is_past(era: Era) -> bool:
    """Tell whether an era lies before 1950."""
    return era.year is not None and era.year < _OLD
