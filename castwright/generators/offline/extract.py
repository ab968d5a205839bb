"""Facts and free text made into a whole card, by rule: the offline model's `card_extraction`.

What the facts say is kept; what the text says is found by pattern (biography, occupations); only what
neither says is filled in: traits from the trade as a last resort, a register from era and age, and a
background and lines composed from the rest. All of it follows from the input alone. (Rejected: leaving
fields empty, since a card without traits or background is no card; inventing lives, since the prompt asks
for modesty.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from castwright.generators.offline.background import (
    compose_background,
    compose_lines,
    digest_random,
)
from castwright.generators.offline.biography import find_age, find_gender, find_name
from castwright.generators.offline.card_facts import clean_facts
from castwright.generators.offline.card_slots import pronoun
from castwright.generators.offline.extract_lexicon import by_words, cues, lexicon
from castwright.generators.offline.occupations import find_occupation, find_relationships
from castwright.generators.offline.retell import tell
from castwright.generators.offline.whereabouts import Era, find_era, find_place, is_past
from castwright.personas.cast_list import MEASURED
from castwright.personas.invented_name import invented_name

_PRONOUNS = {"she": ("she", "her", "her"), "he": ("he", "him", "his"), "they": ("they", "them", "their")}
_QUOTE = re.compile(r"[\"“]([^\"“”]{2,90})[\"”]")
_SAID = re.compile(
    r"\b(?:says?|saying|said|catchphrases?|motto|mutters?|repeats?|shouts?|greets?|tells?"
    r"|favou?rite (?:phrase|line|expression)|fond of saying|line|words)\b",
    re.IGNORECASE,
)
_WHO = re.compile(
    r"^\s*(?:an?|the)\s+(?P<who>[a-z][a-z' -]{2,40}?)(?=\s+(?:who|from|with|in|at|that|whose"
    r"|living)\b|[,.;]|$)",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:not|never|hardly|no longer|isn't|wasn't|far from|less)\s+(?:\w+\s+)?$", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
_TERSE = re.compile(r"\b(?:of few words|terse|laconic|taciturn|speaks? little|short sentences|curt)\b", re.IGNORECASE)
_WORDY = re.compile(
    r"\b(?:talkative|long-winded|rambl\w+|verbose|eloquent|storyteller|long sentences|never stops talking)\b",
    re.IGNORECASE,
)
_SLANG = re.compile(r"\b(?:gonna|wanna|kinda|yeah|dude|lol|y'all|ain't|chill|slang|street-smart)\b", re.IGNORECASE)
_MOST_TRAITS, _LEAST_AGE_FORMAL, _YOUNG = 6, 70, 25
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


def extract_card(facts: dict[str, Any], text: str) -> dict[str, Any]:
    """Return the data of a whole card (all keys of `card_extraction`) for what is known of a character.

    `facts` are card fields in the card's own shape, partial, and always win; `text` is free text. The same
    input gives the same card. Never raises: facts of a wrong type are read as far as can be, or left out.
    """
    known = clean_facts(facts)
    # what was measured of a character's lines holds lines, which are no biography
    flat = " ".join(str(text or "").partition(MEASURED)[0].split())
    card = _identity(known, flat)
    style = known.get("dialogue_style", {})
    card["traits"] = known.get("traits") or _traits(flat, card)
    card["dialogue_style"] = _style(style, flat, card)
    card["background"] = known.get("background") or _background(flat, card)
    card["example_lines"] = known.get("example_lines") or compose_lines(card)
    return card


def _identity(known: dict[str, Any], text: str) -> dict[str, Any]:
    info = dict(known["basic_info"])
    era = Era(info["era"]) if info.get("era") else find_era(text)
    if text:
        finders = (
            ("age", find_age),
            ("gender", find_gender),
            ("occupation", find_occupation),
            ("place", find_place),
            ("relationships", find_relationships),
        )
        for key, find in finders:
            if key not in info:
                info[key] = find(text)
    kind, modern = _kind(known, text, era if era.year is not None else find_era(info.get("era", "")))
    basic: dict[str, Any] = {
        "age": info.get("age"),
        "gender": info.get("gender") or "",
        "occupation": info.get("occupation") or "",
        "place": info.get("place") or "",
        "era": era.name or ("present day" if modern and kind != "virtual" else ""),
        "relationships": list(info.get("relationships") or []),
    }
    name = known.get("name") or find_name(text) or _name_given(text, basic, kind, modern)
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


def _traits(text: str, card: Mapping[str, Any]) -> list[str]:
    found: dict[str, int] = {}
    low = text.lower()
    known = lexicon()["traits"]
    for match in _WORD.finditer(low):
        if match.group() in known and not _NOT.search(low[: match.start()]):
            found.setdefault(match.group(), match.start())
    for cue, shown in cues("trait_cues") if text else ():
        if (seen := cue.search(low)) and not _NOT.search(low[: seen.start()]):
            found.setdefault(shown, seen.start())
    traits = sorted(found, key=lambda trait: found[trait])[:_MOST_TRAITS]
    if traits:
        return traits
    head = card["basic_info"]["occupation"].lower().split(" of ")[0].split()
    for match_words, shown in by_words("occupation_traits"):
        if match_words & set(head):
            return [trait.strip() for trait in shown.split(",")]
    rng = digest_random("traits", card["name"], text)
    return rng.sample(_TRAIT_FALLBACKS, 2)


def _style(given: Mapping[str, Any], text: str, card: Mapping[str, Any]) -> dict[str, Any]:
    register = given.get("register") or _register(text, card)
    length = given.get("sentence_length")
    if not length:
        terse, wordy = bool(_TERSE.search(text)), bool(_WORDY.search(text))
        by_register = {"casual": "short", "formal": "long", "archaic": "long"}.get(register, "medium")
        length = "short" if terse else "long" if wordy else by_register
    return {
        "register": register,
        "sentence_length": length,
        "catchphrases": given.get("catchphrases") or find_catchphrases(text),
        "quirks": given.get("quirks") or _quirks(text, card),
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


def find_catchphrases(text: str) -> list[str]:
    """Return the quoted phrases that the text says the character says, at most three."""
    found = []
    for match in _QUOTE.finditer(text):
        around = text[max(0, match.start() - 45) : match.start()] + " " + text[match.end() : match.end() + 30]
        if _SAID.search(around):
            found.append(match.group(1).strip().rstrip(","))
    return list(dict.fromkeys(found))[:3]


def _quirks(text: str, card: Mapping[str, Any]) -> list[str]:
    found = [shown for cue, shown in cues("quirk_cues") if cue.search(text)] if text else []
    if found:
        return list(dict.fromkeys(found))[:3]
    heads = set(_WORD.findall(card["basic_info"]["occupation"].lower()))
    traits = set(card["traits"])
    rng = digest_random("quirks", card["name"], sorted(heads), sorted(traits))
    choices = [shown for words, shown in by_words("trait_quirks") if words & traits]
    choices += [f"uses {shown} metaphors" for words, shown in by_words("metaphors") if words & heads]
    if heads:
        choices.append("drops in words from their trade")
    return rng.sample(choices, min(len(choices), rng.choice((1, 1, 2))))


def _background(text: str, card: Mapping[str, Any]) -> str:
    pronouns = _PRONOUNS[pronoun(card["basic_info"]["gender"])]
    told = tell(text, card["name"], pronouns) if any(c.isalpha() for c in text) else []
    if len(told) > 1:
        return " ".join(told)
    composed = compose_background(card)
    if not told:
        return composed
    rest = re.split(r"(?<=[.!?])\s+(?=[A-Z])", composed)[1:3]
    return " ".join([told[0], *rest])
