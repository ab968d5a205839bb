"""A background and example lines for a card whose source gives neither, composed from its facts.

Sentences come from a grammar in data/background.yaml with slots for what is known: job, place, kin, traits,
and what the trade lends. Which sentences, their order and their inner choices follow from a digest of the
facts, so one card always reads the same and no two cards of a grid alike. Historical characters are told in
the past, young ones get no long careers, spirits and machines no mothers. (Rejected: one fixed paragraph
with blanks, which makes 100K cards read as one, and facts invented beyond small habits and wishes.)
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any

from castwright.generators.offline.card_slots import YOUNG, fill_slots, upper_first
from castwright.generators.offline.grammar import Grammar, grammar
from castwright.generators.offline.voice import find_stances

_TRAINEE = re.compile(
    r"\b(?:apprentice|student|pupil|trainee|intern|schoolgirl|schoolboy|child|teenager)\b", re.IGNORECASE
)
_THEY = re.compile(
    r"\b([Tt]hey (?:never |once |still |first |nearly |really |always )?)(was|is|has|does"
    r"|[a-z]+(?<![su])s)\b(?<!always)(?<!perhaps)(?<!sometimes)"
)
_AND_VERB = re.compile(
    r"\b((?:and|but) (?:never |still )?)(was|is|has|does|keeps|thinks|counts|writes|finds|works|stays)\b"
)
_ADULT = 25
_ADDRESSES = re.compile(r"^addresses people as ['\"‘“](.+?)['\"’”]")
_SWEARS = re.compile(r"^swears by (.+)$")
_QUIRK_RULES = {
    "answers a question": "quirk_question",
    "lists things": "quirk_threes",
    "quotes proverbs": "quirk_proverbs",
    "addresses people": "quirk_address",
    "apologises before": "quirk_apology",
    "ends with a bit": "quirk_advice",
    "trails off": "quirk_ellipsis",
    "uses dry": "quirk_dry",
    "exclaims often": "quirk_exclaims",
    "speaks of themself": "quirk_third",
    "numbers every": "quirk_numbers",
    "brings food": "quirk_food",
    "understates": "quirk_understates",
    "repeats the last": "quirk_repeats",
    "swears by": "quirk_swears",
    "hedges every": "quirk_hedges",
    "starts with a sigh": "quirk_sigh",
    "laughs at": "quirk_laughs",
}


def digest_random(*parts: Any) -> random.Random:
    """Return a generator of random numbers seeded by the parts' content."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return random.Random(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest())


@cache
def _grammar() -> Grammar:
    return grammar("background")


@lru_cache(maxsize=65536)
def _stance(trait: str) -> str:
    return find_stances((trait,))[0]


def compose_background(card: Mapping[str, Any]) -> str:
    """Return two to four sentences about a card's character, in the third person, from its other fields."""
    rng = digest_random("background", _essence(card))
    slots = fill_slots(card, rng, _grammar())
    style = _style(card)
    say = _grammar().say
    rules = _plan(style, "kin" in slots, rng)
    said = [_agreed(upper_first(text), slots) for rule in rules if (text := say(rule, rng, slots))]
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
        return [
            "opening_other",
            *rng.choice((["middle_other"], ["want_other"], ["middle_other", "want_other"])),
        ]
    old = "_old" if style == "old" else ""
    opening = {"old": "opening_old", "young": "opening_young", "retired": "opening_retired"}.get(style, "opening")
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
    slots = fill_slots(card, rng, _grammar())
    style = card["dialogue_style"]
    register = str(style.get("register", "neutral"))
    stances = [stance for stance in map(_stance, card["traits"]) if stance != "plain"]
    rules = ["line_work" if "task" in slots else "line_plain"]
    if register in ("casual", "formal", "archaic"):
        rules.append(f"line_{register}")
    if stances and (rule := f"line_{rng.choice(stances)}") in _grammar():
        rules.append(rule)
    rules.append("line_plain")
    if quirk := _quirk_rule(style.get("quirks") or (), slots, rng):
        rules.insert(int(rng.random() * 2), quirk)
    if "catchphrase" in slots and rng.random() < 0.5:
        rules.insert(0, "line_catchphrase")
    if register == "archaic" and "line_plain" in rules[1:]:
        rules[-1] = "line_archaic"
    wanted = 2 if rng.random() < 0.35 else 3
    lines: list[str] = []
    for rule in rules:
        line = upper_first(_grammar().say(rule, rng, slots))
        if line and not any(line.split()[:3] == other.split()[:3] for other in lines):
            lines.append(line)
    return lines[:wanted]


def _quirk_rule(quirks: Iterable[Any], slots: dict[str, str], rng: random.Random) -> str:
    """Return the rule that shows one of the quirks, or an empty string; fills the slots it needs."""
    rules = []
    for quirk in map(str, quirks):
        if match := _ADDRESSES.match(quirk):
            slots["address"] = match[1]
        elif match := _SWEARS.match(quirk):
            slots["sworn"] = re.sub(r"\btheir\b", "my", match[1])
        rule = next((rule for start, rule in _QUIRK_RULES.items() if quirk.startswith(start)), "")
        if rule:
            rules.append(rule)
    return rng.choice(rules) if rules and rng.random() < 0.75 else ""


def _essence(card: Mapping[str, Any]) -> list[Any]:
    info = card["basic_info"]
    return [
        card["name"],
        info.get("age"),
        info.get("occupation"),
        info.get("place"),
        info.get("era"),
        card["traits"],
        info.get("relationships"),
        card["dialogue_style"].get("quirks"),
    ]


def _style(card: Mapping[str, Any]) -> str:
    """Return how a life is told: "other" (not human), "old" (long ago), "retired", "young" or "now"."""
    if card["kind"] == "virtual":
        return "other"
    if not card["modern"]:
        return "old"
    info = card["basic_info"]
    age = info.get("age")
    if str(info.get("occupation") or "").lower().startswith("retired "):
        return "retired"
    young = age is not None and (age < YOUNG or (age < _ADULT and _TRAINEE.search(str(info.get("occupation", "")))))
    return "young" if young else "now"
