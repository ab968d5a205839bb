"""Facts and free text made into a whole card, by rule: the offline model's `card_extraction`.

What the facts say is kept; what the text says is found by pattern (biography, occupations), with the words it was
read from; only what neither says is filled in, without a quote: traits from the trade as a last resort, a
register from era and age, and a background and lines composed from the rest. All of it follows from the input
alone. (Rejected: leaving fields empty, since a card without traits or background is no card; inventing lives,
since the prompt asks for modesty.)
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from castwright.generators.offline.about import sentences_about
from castwright.generators.offline.background import (
    compose_background,
    compose_lines,
    digest_random,
)
from castwright.generators.offline.biography import find_gender, find_name
from castwright.generators.offline.card_facts import clean_facts
from castwright.generators.offline.card_slots import pronoun
from castwright.generators.offline.extract_lexicon import by_words, lexicon
from castwright.generators.offline.finders import (
    FINDERS,
    MOST_TRAITS,
    find_catchphrases,
    find_quirks,
    find_sentence_length,
    find_traits,
)
from castwright.generators.offline.occupations import find_relationships
from castwright.generators.offline.retell import tell
from castwright.generators.offline.speech_traits import speech_traits, spoken_and_told
from castwright.generators.offline.spot import Spot
from castwright.generators.offline.whereabouts import Era, find_era, is_past
from castwright.personas.invented_name import invented_name
from castwright.personas.speech_words import sentences_of

_PRONOUNS = {"she": ("she", "her", "her"), "he": ("he", "him", "his"), "they": ("they", "them", "their")}
_WHO = re.compile(
    r"^\s*(?:an?|the)\s+(?P<who>[a-z][a-z' -]{2,40}?)(?=\s+(?:who|from|with|in|at|that|whose"
    r"|living)\b|[,.;]|$)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
_SLANG = re.compile(r"\b(?:gonna|wanna|kinda|yeah|dude|lol|y'all|ain't|chill|slang|street-smart)\b", re.IGNORECASE)
_LEAST_AGE_FORMAL, _YOUNG = 70, 25
_TRAIT_FALLBACKS = (
    "thoughtful",
    "practical",
    "curious",
    "steady",
    "observant",
    "reserved",
    "sociable",
    "patient",
)
_ARCHAIC_BEFORE = 1800
_LATIN = re.compile(r"[A-Za-z]{2}")


@dataclass(frozen=True, slots=True)
class Extracted:
    """A whole card's data, and the words of the text that show its values: (field, value) -> quote.

    A background is shown by its sentences. What has no quote is a fact, or was filled in.
    """

    card: dict[str, Any]
    quotes: Mapping[tuple[str, str], str]


class _Quotes(defaultdict[str, list[Spot[Any]]]):
    """What was found in a text, by the card's field."""

    def note(self, field: str, found: Spot[Any] | None) -> Any:
        """Keep what was found and return its value, or None."""
        if found is not None:
            self[field].append(found)
        return None if found is None else found.value


def extract_card(facts: dict[str, Any], text: str) -> Extracted:
    """Return the data of a whole card (all keys of `card_extraction`) for what is known of a character.

    `facts` are card fields in the card's own shape, partial, and always win; `text` is free text, or what was
    measured of a character's lines with these lines, which are no biography. The same input gives the same card.
    Never raises: facts of a wrong type are read as far as can be, or left out.
    """
    known = clean_facts(facts)
    lines, told = spoken_and_told(str(text or ""))
    # a scene is no biography: of what is told beside a character's lines only traits are read, and a title in the name
    scene = sentences_about(told, known.get("name", ""), part=True) if lines else ""
    flat = "" if lines else sentences_about(told, known.get("name", ""))
    if lines and "gender" not in known["basic_info"] and (title := find_gender(known.get("name", ""))):
        known["basic_info"]["gender"] = title.value
    found = _Quotes(list)
    card = _identity(known, flat, found)
    style = known.get("dialogue_style", {})
    heard = [] if known.get("traits") else speech_traits(lines, style.get("quirks", ()))
    heard = [*((spot.value, spot.quote(scene)) for spot in find_traits(scene)), *heard]
    card["traits"] = known.get("traits") or _traits(flat, card, [trait for trait, _ in heard], found)
    card["dialogue_style"] = _style(style, flat, card, found)
    quotes = {("traits", trait): quote for trait, quote in reversed(heard)}
    quotes |= {(field, str(spot.value)): spot.quote(flat) for field, spots in found.items() for spot in spots}
    card["background"] = known.get("background") or _background(flat, card, quotes)
    card["example_lines"] = known.get("example_lines") or compose_lines(card)
    return Extracted(card, quotes)


def _identity(known: dict[str, Any], text: str, found: _Quotes) -> dict[str, Any]:
    info = dict(known["basic_info"])
    era = Era(info["era"]) if info.get("era") else find_era(text)
    found.note("basic_info.era", era.said)
    if text:
        for key, find in FINDERS.items():
            if key not in info:
                info[key] = found.note(f"basic_info.{key}", find(text))
        if "relationships" not in info:
            info["relationships"] = [found.note("basic_info.relationships", tie) for tie in find_relationships(text)]
    kind, modern = _kind(known, text, era if era.year is not None else find_era(info.get("era", "")))
    basic: dict[str, Any] = {
        "age": info.get("age"),
        "gender": info.get("gender") or "",
        "occupation": info.get("occupation") or "",
        "place": info.get("place") or "",
        "era": era.name or ("present day" if modern and kind != "virtual" else ""),
        "relationships": list(info.get("relationships") or []),
    }
    name = known.get("name") or found.note("name", find_name(text)) or _name_given(text, basic, kind, modern)
    return {
        "name": name[:200],
        "kind": kind,
        "modern": modern,
        "language": known.get("language", "en"),
        "basic_info": basic,
    }


def _kind(known: dict[str, Any], text: str, era: Era) -> tuple[str, bool]:
    words = set(_WORD.findall(text.lower()))
    lists = lexicon()
    myth, machine = bool(words & lists["myth_words"]), bool(words & lists["machine_words"])
    acted = bool(
        re.search(
            r"\b(?:character|protagonist|hero|heroine|villain|antagonist|played by|portrayed by|fictional)\b",
            text,
            re.IGNORECASE,
        )
    )
    screen = acted and bool(words & lists["screen_words"])
    past = is_past(era)
    kind = known.get("kind")
    if kind is None:
        fiction = bool(re.search(r"\bfictional\b|\bvideo game\b", text, re.IGNORECASE))
        kind = "screen" if screen else "virtual" if myth or machine or fiction else "historical" if past else "original"
    modern = known.get("modern")
    if modern is None:
        modern = kind != "historical" and not past and not (myth and not machine)
    return str(kind), bool(modern)


def _name_given(text: str, info: Mapping[str, Any], kind: str, modern: bool) -> str:
    """Return a name for someone unnamed: an invented one where the grid's names fit, else a description.

    Two teachers must not both be "The teacher": what stands for who a card is about would make them duplicates.
    """
    if kind != "original" or not modern or not _LATIN.search(text):
        return descriptive_name(text, info["occupation"], info["place"])
    rng = digest_random("name", text, info["occupation"], info["place"])
    return invented_name(rng, gender=info["gender"], age=info["age"], place=info["place"])


def descriptive_name(text: str, occupation: str, place: str) -> str:
    """Return an honest name for someone unnamed: "The lighthouse keeper", "Someone from Lyon"."""
    if occupation:
        plain = re.sub(r"^(?:retired|former|ex-)\s*", "", occupation)
        return f"The {plain}"
    if match := _WHO.match(text):
        return f"The {match['who'].strip().lower()}"[:80]
    return f"Someone from {place}" if place[:1].isupper() else "Someone unnamed"


def _traits(text: str, card: Mapping[str, Any], heard: list[str], found: _Quotes) -> list[str]:
    traits = [found.note("traits", spot) for spot in find_traits(text)]
    if traits or heard:
        return list(dict.fromkeys([*traits, *heard]))[:MOST_TRAITS]
    head = card["basic_info"]["occupation"].lower().split(" of ")[0].split()
    for match_words, shown in by_words("occupation_traits"):
        if match_words & set(head):
            return [trait.strip() for trait in shown.split(",")]
    rng = digest_random("traits", card["name"], text)
    return rng.sample(_TRAIT_FALLBACKS, 2)


def _style(given: Mapping[str, Any], text: str, card: Mapping[str, Any], found: _Quotes) -> dict[str, Any]:
    register = given.get("register") or _register(text, card)
    length = given.get("sentence_length")
    if not length:
        by_register = {"casual": "short", "formal": "long", "archaic": "long"}.get(register, "medium")
        length = found.note("dialogue_style.sentence_length", find_sentence_length(text)) or by_register
    phrases = given.get("catchphrases")
    if not phrases:
        phrases = [found.note("dialogue_style.catchphrases", spot) for spot in find_catchphrases(text)]
    return {
        "register": register,
        "sentence_length": length,
        "catchphrases": phrases,
        "quirks": given.get("quirks") or _quirks(text, card, found),
    }


def _register(text: str, card: Mapping[str, Any]) -> str:
    info = card["basic_info"]
    era = find_era(text) if text else find_era(info["era"])
    if era.year is None and info["era"]:
        era = find_era(info["era"])
    if (era.year is not None and era.year < _ARCHAIC_BEFORE) or (card["kind"] == "virtual" and not card["modern"]):
        return "archaic"
    heads = set(_WORD.findall(info["occupation"].lower()))
    lists = lexicon()
    if is_past(era) or not card["modern"] or heads & lists["formal_jobs"]:
        return "formal"
    age = info["age"]
    if _SLANG.search(text) or heads & lists["casual_jobs"] or (age is not None and age < _YOUNG):
        return "casual"
    return "formal" if age is not None and age >= _LEAST_AGE_FORMAL and not heads else "neutral"


def _quirks(text: str, card: Mapping[str, Any], found: _Quotes) -> list[str]:
    if stated := find_quirks(text):
        return [found.note("dialogue_style.quirks", spot) for spot in stated]
    heads = set(_WORD.findall(card["basic_info"]["occupation"].lower()))
    traits = set(card["traits"])
    rng = digest_random("quirks", card["name"], sorted(heads), sorted(traits))
    choices = [shown for words, shown in by_words("trait_quirks") if words & traits]
    choices += [f"uses {shown} metaphors" for words, shown in by_words("metaphors") if words & heads]
    if heads:
        choices.append("drops in words from their trade")
    return rng.sample(choices, min(len(choices), rng.choice((1, 1, 2))))


def _background(text: str, card: Mapping[str, Any], quotes: dict[tuple[str, str], str]) -> str:
    pronouns = _PRONOUNS[pronoun(card["basic_info"]["gender"])]
    retold = tell(text, card["name"], pronouns) if any(c.isalpha() for c in text) else []
    for sentence in retold:
        quotes |= {("background", part): sentence.quote for part in sentences_of(sentence.text)}
    told = [sentence.text for sentence in retold]
    if len(told) > 1:
        return " ".join(told)
    composed = compose_background(card)
    if not told:
        return composed
    rest = re.split(r"(?<=[.!?])\s+(?=[A-Z])", composed)[1:3]
    return " ".join([told[0], *rest])
