"""Facts and free text made into a whole card, by rule: the offline model's `card_extraction`.

What the facts say is kept; what the text says is found by pattern (biography, occupations); only what neither
says is filled in: traits from the trade as a last resort, a register from era and age, and a background and
lines composed from the rest. All of it follows from the input alone. (Rejected: leaving fields empty, since a
card without traits or background is no card; inventing lives, since the prompt asks for modesty.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from castwright.generators.offline.background import (
    compose_background,
    compose_lines,
    digest_random,
    pronoun,
)
from castwright.generators.offline.biography import (
    Era,
    cues,
    find_age,
    find_era,
    find_gender,
    find_name,
    find_place,
    is_past,
    lexicon,
)
from castwright.generators.offline.occupations import find_occupation, find_relationships
from castwright.generators.offline.retell import tell
from castwright.personas.card import KINDS, REGISTERS, SENTENCE_LENGTHS

_PRONOUNS = {"she": ("she", "her", "her"), "he": ("he", "him", "his"), "they": ("they", "them", "their")}
_QUOTE = re.compile(r"[\"“]([^\"“”]{2,90})[\"”]")
_SAID = re.compile(r"\b(?:says?|saying|said|catchphrases?|motto|mutters?|repeats?|shouts?|greets?|tells?|favou?rite (?:phrase|line|expression)|fond of saying|line|words)\b", re.I)  # fmt: skip
_WHO = re.compile(r"^\s*(?:an?|the)\s+(?P<who>[a-z][a-z' -]{2,40}?)(?=\s+(?:who|from|with|in|at|that|whose|living)\b|[,.;]|$)", re.I)
_NOT = re.compile(r"\b(?:not|never|hardly|no longer|isn't|wasn't|far from|less)\s+(?:\w+\s+)?$", re.I)
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
_TERSE = re.compile(r"\b(?:of few words|terse|laconic|taciturn|speaks? little|short sentences|curt)\b", re.I)
_WORDY = re.compile(r"\b(?:talkative|long-winded|rambl\w+|verbose|eloquent|storyteller|long sentences|never stops talking)\b", re.I)
_SLANG = re.compile(r"\b(?:gonna|wanna|kinda|yeah|dude|lol|y'all|ain't|chill|slang|street-smart)\b", re.I)
_MOST_TRAITS, _LEAST_AGE_FORMAL, _YOUNG = 6, 70, 25
_TRAIT_FALLBACKS = ("thoughtful", "practical", "curious", "steady", "observant", "reserved", "sociable", "patient")
_ARCHAIC_BEFORE = 1800


def extract_card(facts: dict[str, Any], text: str) -> dict[str, Any]:
    """Return the data of a whole card (all keys of `card_extraction`) for what is known of a character.

    `facts` are card fields in the card's own shape, partial, and always win; `text` is free text. The same input
    gives the same card. Never raises: facts of a wrong type are read as far as they can be, or left out.
    """
    known = _clean_facts(facts)
    flat = " ".join(str(text or "").split())
    card = _identity(known, flat)
    style = known.get("dialogue_style", {})
    card["traits"] = known.get("traits") or _traits(flat, card)
    card["dialogue_style"] = _style(style, flat, card)
    card["background"] = known.get("background") or _background(flat, card)
    card["example_lines"] = known.get("example_lines") or compose_lines(card)
    return card


def _clean_facts(facts: Any) -> dict[str, Any]:
    """Return the facts that a card can take, each in its type."""
    given = facts if isinstance(facts, Mapping) else {}
    clean: dict[str, Any] = {}
    for key in ("name", "background", "language"):
        if isinstance(given.get(key), (str, int, float)) and str(given[key]).strip():
            clean[key] = " ".join(str(given[key]).split())
    if given.get("kind") in KINDS:
        clean["kind"] = given["kind"]
    if isinstance(given.get("modern"), bool):
        clean["modern"] = given["modern"]
    for key in ("traits", "example_lines"):
        if items := _texts(given.get(key)):
            clean[key] = items
    info, style = given.get("basic_info"), given.get("dialogue_style")
    clean["basic_info"] = _clean_info(info if isinstance(info, Mapping) else {})
    clean["dialogue_style"] = _clean_style(style if isinstance(style, Mapping) else {})
    return clean


def _clean_info(info: Mapping[str, Any]) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    age = info.get("age")
    if isinstance(age, str) and age.strip().isdigit():
        age = int(age.strip()[:6])
    if isinstance(age, (int, float)) and not isinstance(age, bool) and 0 <= age <= 10_000:
        clean["age"] = int(age)
    for key in ("gender", "occupation", "place", "era"):
        if isinstance(info.get(key), str) and info[key].strip():
            clean[key] = " ".join(info[key].split())
    if ties := _texts(info.get("relationships")):
        clean["relationships"] = ties
    return clean


def _clean_style(style: Mapping[str, Any]) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    if style.get("register") in REGISTERS:
        clean["register"] = style["register"]
    if style.get("sentence_length") in SENTENCE_LENGTHS:
        clean["sentence_length"] = style["sentence_length"]
    for key in ("catchphrases", "quirks"):
        if items := _texts(style.get(key)):
            clean[key] = items
    return clean


def _texts(value: Any) -> list[str]:
    items = re.split(r"\s*[;|,]\s*", value) if isinstance(value, str) else value if isinstance(value, (list, tuple)) else []
    return [" ".join(str(item).split()) for item in items if isinstance(item, (str, int, float)) and str(item).strip()]


def _identity(known: dict[str, Any], text: str) -> dict[str, Any]:
    info = dict(known["basic_info"])
    era = Era(info["era"]) if info.get("era") else find_era(text)
    if text:
        finders = (("age", find_age), ("gender", find_gender), ("occupation", find_occupation), ("place", find_place), ("relationships", find_relationships))  # fmt: skip
        for key, find in finders:
            if key not in info:
                info[key] = find(text)
    kind, modern = _kind(known, text, era if era.year is not None else find_era(info.get("era", "")))
    basic = {
        "age": info.get("age"),
        "gender": info.get("gender") or "",
        "occupation": info.get("occupation") or "",
        "place": info.get("place") or "",
        "era": era.name or ("present day" if modern and kind != "virtual" else ""),
        "relationships": list(info.get("relationships") or []),
    }
    name = known.get("name") or find_name(text) or descriptive_name(text, basic["occupation"], basic["place"])
    return {"name": name[:200], "kind": kind, "modern": modern, "language": known.get("language", "en"), "basic_info": basic}


def _kind(known: dict[str, Any], text: str, era: Era) -> tuple[str, bool]:
    words = set(_WORD.findall(text.lower()))
    lists = lexicon()
    myth, machine = bool(words & lists["myth_words"]), bool(words & lists["machine_words"])
    acted = bool(re.search(r"\b(?:character|protagonist|hero|heroine|villain|antagonist|played by|portrayed by|fictional)\b", text, re.I))
    screen = acted and bool(words & lists["screen_words"])
    past = is_past(era)
    kind = known.get("kind")
    if kind is None:
        fiction = bool(re.search(r"\bfictional\b|\bvideo game\b", text, re.I))
        kind = "screen" if screen else "virtual" if myth or machine or fiction else "historical" if past else "original"
    modern = known.get("modern")
    if modern is None:
        modern = kind != "historical" and not past and not (myth and not machine)
    return str(kind), bool(modern)


def descriptive_name(text: str, occupation: str, place: str) -> str:
    """Return an honest name for someone unnamed: "The lighthouse keeper", "The young girl", "Someone from Lyon"."""
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
    for match_words, shown in _trade_lists("occupation_traits"):
        if match_words & set(head):
            return [trait.strip() for trait in shown.split(",")]
    rng = digest_random("traits", card["name"], text)
    return rng.sample(_TRAIT_FALLBACKS, 2)


@cache
def _trade_lists(name: str) -> list[tuple[frozenset[str], str]]:
    return [(frozenset(cue.pattern.split()), shown) for cue, shown in cues(name)]


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
    if era.year is not None and era.year < _ARCHAIC_BEFORE or (card["kind"] == "virtual" and not card["modern"]):
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
    choices = [shown for words, shown in _trade_lists("trait_quirks") if words & traits]
    choices += [f"uses {shown} metaphors" for words, shown in _trade_lists("metaphors") if words & heads]
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
