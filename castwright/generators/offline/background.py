"""A background and example lines for a card whose source gives neither, composed from its facts.

Sentences come from a grammar in data/background.yaml with slots for what is known: job, place, kin, traits, and
what the trade lends. Which sentences, their order and their inner choices follow from a digest of the facts, so
one card always reads the same and no two cards of a grid alike. Historical characters are told in the past,
young ones get no long careers, spirits and machines no mothers. (Rejected: one fixed paragraph with blanks,
which makes 100K cards read as one, and facts invented beyond small habits and wishes.)
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from castwright.generators.offline.grammar import Grammar, grammar
from castwright.generators.offline.voice import (
    Trade,
    find_stances,
    find_trade,
    kin_phrase,
    occupation_phrase,
    place_phrase,
)

_TITLES = frozenset(
    "dr mr mrs ms miss sir dame lady lord captain professor prof queen king prince princess saint sister brother father "
    "someone mother madame count countess baron baroness emperor empress the a an old aunt uncle grandma grandpa".split()
)
_PREPOSED = re.compile(r"^(?:in|on|at|aboard|near|off|by|under|between|along|across|beyond|outside|inside|above|somewhere)\b", re.I)
_ON_SPOTS = frozenset("deck boat quay hillside field wall stage road pitch corner roof scaffold seam site trail porch stairs".split())
_AT_SPOTS = frozenset("counter bench table desk wheel oven loom stall bar bedside chair easel gate market workbench seat pithead edge".split())
_TRAINEE = re.compile(r"\b(?:apprentice|student|pupil|trainee|intern|schoolgirl|schoolboy|child|teenager)\b", re.I)
_SIBLING = re.compile(r"\b(?:brother|sister|sibling|twin|only child)", re.I)
_PLAIN_TRAIT = re.compile(r"[a-z]+(?:-[a-z]+)?")
_DECADE = re.compile(r"\b(\d{2,4}s)\b|\b((?:\d{1,2}(?:st|nd|rd|th)|[a-z]+th)(?:[- ])century)\b", re.I)
_THEY = re.compile(r"\b([Tt]hey (?:never |once |still |first |nearly |really |always )?)(was|is|has|does|[a-z]+(?<![su])s)\b(?<!always)(?<!perhaps)(?<!sometimes)")
_AND_VERB = re.compile(r"\b((?:and|but) (?:never |still )?)(was|is|has|does|keeps|thinks|counts|writes|finds|works|stays)\b")
_YOUNG, _ADULT = 20, 25
_FEMALE = frozenset("female woman girl f lady she she/her".split())
_MALE = frozenset("male man boy m gentleman he he/him".split())
_PRONOUNS = {
    "she": ("she", "her", "her", "herself", "was"),
    "he": ("he", "him", "his", "himself", "was"),
    "they": ("they", "them", "their", "themself", "were"),
}


def digest_random(*parts: Any) -> random.Random:
    """Return a generator of random numbers seeded by the parts' content."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return random.Random(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest())


@cache
def _grammar() -> Grammar:
    return grammar("background")


@lru_cache(maxsize=8192)
def _trade(occupation: str) -> Trade | None:
    return find_trade(occupation)


@lru_cache(maxsize=65536)
def _stance(trait: str) -> str:
    return find_stances((trait,))[0]


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


def compose_background(card: Mapping[str, Any]) -> str:
    """Return two to four sentences about a card's character, in the third person, from its other fields."""
    rng = digest_random("background", _essence(card))
    slots = _slots(card, rng)
    style = _style(card)
    say = _grammar().say
    rules = _plan(style, "kin" in slots, rng)
    said = [_agreed(_upper_first(text), slots) for rule in rules if (text := say(rule, rng, slots))]
    return " ".join(dict.fromkeys(said))


def _agreed(sentence: str, slots: Mapping[str, str]) -> str:
    """Return a sentence with plural verbs after "they", and a descriptive name small inside it."""
    if slots["he"] == "they":
        sentence = _THEY.sub(_plural_verb, sentence)
        if sentence.startswith("They "):
            sentence = _AND_VERB.sub(_plural_verb, sentence)
    short = slots["short"]
    if short.startswith("The "):
        sentence = sentence[0] + sentence[1:].replace(short, short[0].lower() + short[1:])
    return sentence


def _plural_verb(match: re.Match[str]) -> str:
    verb = match[2]
    plural = {"was": "were", "is": "are", "has": "have", "does": "do"}.get(verb)
    if plural is None:
        plural = verb[:-2] if verb.endswith(("shes", "ches", "sses", "oes")) else verb[:-1]
    return f"{match[1]}{plural}"


def _plan(style: str, has_kin: bool, rng: random.Random) -> list[str]:
    if style == "other":
        return ["opening_other", *rng.choice((["middle_other"], ["want_other"], ["middle_other", "want_other"]))]
    old = "_old" if style == "old" else ""
    opening = {"old": "opening_old", "young": "opening_young"}.get(style, "opening")
    want = {"old": "want_old", "young": "want_young"}.get(style, "want")
    middle = [f"childhood{old}", f"habit{old}", want]
    if style != "young":
        middle.insert(1, f"turning{old}")
    if has_kin:
        middle.insert(2, f"kin{old}")
    count = min(len(middle), 1 if rng.random() < 0.1 else 2 if rng.random() < 0.6 else 3)
    kept = sorted(rng.sample(range(len(middle)), count))
    return [opening, *(middle[index] for index in kept)]


def compose_lines(card: Mapping[str, Any]) -> list[str]:
    """Return two or three lines that the card's character could say."""
    rng = digest_random("lines", _essence(card))
    slots = _slots(card, rng)
    style = card["dialogue_style"]
    register = str(style.get("register", "neutral"))
    stances = [stance for stance in map(_stance, card["traits"]) if stance != "plain"]
    rules = ["line_work" if "task" in slots else "line_plain"]
    if register in ("casual", "formal", "archaic"):
        rules.append(f"line_{register}")
    if stances and (rule := f"line_{rng.choice(stances)}") in _grammar():
        rules.append(rule)
    rules.append("line_plain")
    if "catchphrase" in slots and rng.random() < 0.6:
        rules.insert(0, "line_catchphrase")
    if register == "archaic" and "line_plain" in rules[1:]:
        rules[-1] = "line_archaic"
    wanted = 2 if rng.random() < 0.35 else 3
    lines: list[str] = []
    for rule in rules:
        line = _upper_first(_grammar().say(rule, rng, slots))
        if line and not any(line.split()[:3] == other.split()[:3] for other in lines):
            lines.append(line)
    return lines[:wanted]


def _essence(card: Mapping[str, Any]) -> list[Any]:
    info = card["basic_info"]
    return [card["name"], info.get("age"), info.get("occupation"), info.get("place"), info.get("era"), card["traits"],
            info.get("relationships"), card["dialogue_style"].get("quirks")]  # fmt: skip


def _style(card: Mapping[str, Any]) -> str:
    """Return how a life is told: "other" (not human), "old" (long ago), "young" or "now"."""
    if card["kind"] == "virtual":
        return "other"
    if not card["modern"]:
        return "old"
    info = card["basic_info"]
    age = info.get("age")
    young = age is not None and (age < _YOUNG or (age < _ADULT and _TRAINEE.search(str(info.get("occupation", "")))))
    return "young" if young else "now"


def _slots(card: Mapping[str, Any], rng: random.Random) -> dict[str, str]:
    info = card["basic_info"]
    he, him, his, himself, was = _PRONOUNS[pronoun(str(info.get("gender", "")))]
    slots = {"name": _upper_first(card["name"]), "short": _upper_first(short_name(card["name"])), "he": he, "him": him,
             "his": his, "himself": himself, "was": was, "He": he.capitalize(), "His": his.capitalize()}  # fmt: skip
    if job := _job(str(info.get("occupation") or "")):
        slots["job"] = job
    if info.get("age") is not None and 0 < info["age"] < 120:
        slots["age"] = str(info["age"])
        if info["age"] > _YOUNG:
            slots["first_age"] = rng.choice(("eleven", "twelve", "fourteen", "fifteen", "sixteen"))
        else:
            slots["recently"] = rng.choice(("last year", "a few months ago", "only this spring"))
    if when := _DECADE.search(str(info.get("era") or "")):
        slots["in_era"] = f"in the {(when[1] or when[2]).lower()}"
    if where := _where(str(info.get("place") or "")):
        slots["in_home"], slots["in_home_cap"] = where, _upper_first(where)
        if where.startswith("in "):
            slots["home"] = where[3:]
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
        slots["catchphrase"] = _upper_first(phrase if phrase[-1:] in ".!?…" else phrase + ".")
    _lend(slots, _trade(job) if job else None, rng)
    if not _SIBLING.search(" ".join(map(str, info.get("relationships") or ()))):
        slots["siblings_known"] = _grammar().say("siblings_rule", rng, slots)
    slots["folk_or_men"] = slots.get("folk", "wise men")
    return slots


def _lend(slots: dict[str, str], trade: Trade | None, rng: random.Random) -> None:
    if trade is None:
        return
    for key, phrases in (("tool", trade.tool), ("task", trade.task), ("folk", trade.folk), ("rule", trade.rule)):
        slots[key] = rng.choice(phrases)
    spot = rng.choice(trade.spot)
    last = spot.split(" of ")[0].split()[-1]
    preposition = "on" if last in _ON_SPOTS else "at" if last in _AT_SPOTS else "in"
    slots["in_spot"] = f"{preposition} {spot}" if not _PREPOSED.match(spot) else spot


def _kin(text: str, his: str) -> str:
    """Return a relationship as a noun phrase ("her sister Mary"), or an empty string where it is none."""
    phrase = kin_phrase(text)
    return f"{his} {phrase[3:]}" if phrase.startswith("my ") else phrase


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]
