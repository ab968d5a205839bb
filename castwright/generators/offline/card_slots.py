"""What a card lends to sentences about its character: the slots of the background grammar.

A slot is filled only where a card says enough (a place with its preposition, a tie as "her sister Ann"),
because the grammar passes over templates whose slots are empty. Which of several phrases fills a slot is
drawn from the given generator. (Rejected: filling gaps with invented names or places, which would state
what nobody said.)
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from castwright.generators.offline.grammar import Grammar
from castwright.generators.offline.life import kin_phrase, occupation_phrase, place_phrase
from castwright.generators.offline.voice import Trade, find_trade
from castwright.generators.offline.wordlists import word_set

YOUNG = 20
_TITLES = word_set(
    "dr mr mrs ms miss sir dame lady lord captain professor prof queen king prince princess saint sister "
    "brother father someone mother madame count countess baron baroness emperor empress the a an old aunt "
    "uncle grandma grandpa"
)
_PREPOSED = re.compile(
    r"^(?:in|on|at|aboard|near|off|by|under|between|along|across|beyond|outside|inside|above|somewhere)\b",
    re.IGNORECASE,
)
_ON_SPOTS = word_set(
    "deck boat quay hillside field wall stage road pitch corner roof scaffold seam site trail porch stairs"
)
_AT_SPOTS = word_set(
    "counter bench table desk wheel oven loom stall bar bedside chair easel gate market workbench seat pithead edge"
)
_SIBLING = re.compile(r"\b(?:brother|sister|sibling|twin|only child)", re.IGNORECASE)
_PLAIN_TRAIT = re.compile(r"[a-z]+(?:-[a-z]+)?")
_DECADE = re.compile(r"\b(\d{2,4}s)\b|\b((?:\d{1,2}(?:st|nd|rd|th)|[a-z]+th)(?:[- ])century)\b", re.IGNORECASE)
_FEMALE = word_set("female woman girl f lady she she/her")
_MALE = word_set("male man boy m gentleman he he/him")
_PRONOUNS = {
    "she": ("she", "her", "her", "herself", "was"),
    "he": ("he", "him", "his", "himself", "was"),
    "they": ("they", "them", "their", "themself", "were"),
}


@lru_cache(maxsize=8192)
def _trade(occupation: str) -> Trade | None:
    return find_trade(occupation)


def pronoun(gender: str) -> str:
    """Return "she", "he" or "they" for a gender as a card states it."""
    word = gender.strip().lower()
    return "she" if word in _FEMALE else "he" if word in _MALE else "they"


def short_name(name: str) -> str:
    """Return what a person is called after the first mention; a descriptive or titled name stays whole."""
    first = name.split()[0] if name.split() else name
    return name if first.lower().strip(".") in _TITLES else first


@lru_cache(maxsize=8192)
def _where(place: str) -> str:
    return place_phrase(place)


@lru_cache(maxsize=8192)
def _job(occupation: str) -> str:
    return occupation_phrase(occupation)


def fill_slots(card: Mapping[str, Any], rng: random.Random, grammar: Grammar) -> dict[str, str]:
    """Return the slots of a card by name; what the card does not say has none."""
    info = card["basic_info"]
    he, him, his, himself, was = _PRONOUNS[pronoun(str(info.get("gender", "")))]
    slots = {
        "name": upper_first(card["name"]),
        "short": upper_first(short_name(card["name"])),
        "he": he,
        "him": him,
        "his": his,
        "himself": himself,
        "was": was,
        "He": he.capitalize(),
        "His": his.capitalize(),
    }
    if job := _job(str(info.get("occupation") or "")):
        slots["job"] = job.removeprefix("retired ")
    _tell_when_and_where(slots, info, rng)
    traits = [trait for trait in card["traits"] if _PLAIN_TRAIT.fullmatch(trait)]
    if traits:
        rng.shuffle(traits)
        slots["trait"] = traits[0]
        if len(traits) > 1:
            slots["trait2"] = traits[1]
    if kin := [phrase for text in info.get("relationships") or () if (phrase := _kin(str(text), his))]:
        slots["kin"] = rng.choice(kin)
        slots["my_kin"] = re.sub(rf"^{his} ", "my ", slots["kin"])
    if phrases := card["dialogue_style"].get("catchphrases"):
        phrase = str(rng.choice(list(phrases)))
        slots["catchphrase"] = upper_first(phrase if phrase[-1:] in ".!?…" else phrase + ".")
    _lend(slots, _trade(job) if job else None, rng)
    if not _SIBLING.search(" ".join(map(str, info.get("relationships") or ()))):
        slots["siblings_known"] = grammar.say("siblings_rule", rng, slots)
    slots["folk_or_men"] = slots.get("folk", "wise men")
    return slots


def _tell_when_and_where(slots: dict[str, str], info: Mapping[str, Any], rng: random.Random) -> None:
    if info.get("age") is not None and 0 < info["age"] < 120:
        slots["age"] = str(info["age"])
        if info["age"] > YOUNG:
            slots["first_age"] = rng.choice(("eleven", "twelve", "fourteen", "fifteen", "sixteen"))
        else:
            slots["recently"] = rng.choice(("last year", "a few months ago", "only this spring"))
    if when := _DECADE.search(str(info.get("era") or "")):
        slots["in_era"] = f"in the {(when[1] or when[2]).lower()}"
    if where := _where(str(info.get("place") or "")):
        slots["in_home"], slots["in_home_cap"] = where, upper_first(where)
        if where.startswith("in "):
            slots["home"] = where[3:]


def _lend(slots: dict[str, str], trade: Trade | None, rng: random.Random) -> None:
    if trade is None:
        return
    for key, phrases in (
        ("tool", trade.tool),
        ("task", trade.task),
        ("folk", trade.folk),
        ("rule", trade.rule),
    ):
        slots[key] = rng.choice(phrases)
    spot = rng.choice(trade.spot)
    last = spot.split(" of ")[0].split()[-1]
    preposition = "on" if last in _ON_SPOTS else "at" if last in _AT_SPOTS else "in"
    slots["in_spot"] = f"{preposition} {spot}" if not _PREPOSED.match(spot) else spot


def _kin(text: str, his: str) -> str:
    """Return a relationship as a noun phrase ("her sister Mary"), or an empty string where it is none."""
    phrase = kin_phrase(text)
    phrase = phrase.removeprefix("my dear ")
    return f"{his} {phrase[3:]}" if phrase.startswith("my ") else phrase


def upper_first(text: str) -> str:
    """Return the text with its first letter large."""
    return text[:1].upper() + text[1:]
