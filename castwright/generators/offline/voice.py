"""A card as a voice: stances from its traits, a trade from its occupation, and its life as short phrases.

Everything that depends on the card alone is worked out once and cached; an answer only picks from it. Phrases
that cannot be said in the first person by rule are left out: a card with an odd background loses a sentence,
never its grammar. Rejected: reading traits by embedding, which needs weights.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cache, lru_cache

from castwright.generators.offline.grammar import read_data
from castwright.generators.offline.life import first_person, kin_phrase, occupation_phrase, place_phrase
from castwright.personas.card import PersonaCard


@dataclass(frozen=True, slots=True)
class Trade:
    """What a trade lends to talk: every field is a list of phrases to pick from."""

    match: frozenset[str]
    tool: tuple[str, ...]
    task: tuple[str, ...]
    folk: tuple[str, ...]
    spot: tuple[str, ...]
    rule: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Voice:
    """A card made ready to speak. `fixed` are slots that never change, `memories` first-person clauses."""

    card: PersonaCard
    stances: tuple[str, ...]
    trade: Trade | None
    fixed: dict[str, str]
    kin: tuple[str, ...]
    memories: tuple[str, ...]

    @property
    def register(self) -> str:
        return self.card.dialogue_style.register_

    def slots(self, rng: random.Random) -> dict[str, str]:
        """Return the slots of one answer: what is fixed, and a pick of the rest."""
        slots = dict(self.fixed)
        if self.trade:
            for name, phrases in zip(("tool", "task", "folk", "spot", "rule"), _fields(self.trade), strict=True):
                slots[name] = phrases[int(rng.random() * len(phrases))]
            slots["rule"] = slots["rule"][0].lower() + slots["rule"][1:]
        if self.kin:
            slots["kin"] = rng.choice(self.kin)
        if self.memories:
            memory = rng.choice(self.memories)
            slots["memory"] = slots["memory_low"] = memory
        return slots


def _fields(trade: Trade) -> tuple[tuple[str, ...], ...]:
    return trade.tool, trade.task, trade.folk, trade.spot, trade.rule


@cache
def _trades() -> tuple[Trade, ...]:
    def items(text: str) -> tuple[str, ...]:
        return tuple(item.strip() for item in text.split(";"))

    return tuple(
        Trade(
            frozenset(row["match"].split()),
            *(items(row[key]) for key in ("tool", "task", "folk", "spot", "rule")),
        )
        for row in read_data("trades")
    )


@cache
def _stances() -> dict[str, str]:
    return {word: stance for stance, words in read_data("traits").items() for word in words.split()}


def find_trade(occupation: str) -> Trade | None:
    """Return the trade that an occupation belongs to: by the last telling word of its first part."""
    for part in re.split(r",|;| and | of | on | to | with | by ", occupation.lower()):
        for word in reversed(re.findall(r"[a-z]+", part)):
            for trade in _trades():
                if word in trade.match or (word.endswith("s") and word[:-1] in trade.match):
                    return trade
    return None


def other_trade(trade: Trade | None, rng: random.Random) -> Trade:
    """Return a trade that is not this one."""
    return rng.choice([other for other in _trades() if other is not trade])


def find_stances(traits: tuple[str, ...]) -> tuple[str, ...]:
    """Return the stances of the traits, in their order; where no trait is known, `plain`."""
    known, found = _stances(), []
    for trait in traits:
        lower = trait.lower()
        words = [
            lower,
            lower.replace(" ", "-"),
            *re.findall(r"[a-z]+(?:-[a-z]+)*", lower),
            *re.findall(r"[a-z]+", lower),
        ]
        stance = next((known[word] for word in words if word in known), "")
        if stance and not re.search(r"\b(?:not|never|rarely|no longer)\b", lower):
            found.append(stance)
    return tuple(dict.fromkeys(found)) or ("plain",)


@lru_cache(maxsize=4096)
def voice_of(card: PersonaCard) -> Voice:
    """Return the voice of a card."""
    info = card.basic_info
    fixed = {"name": card.name}
    if info.age is not None and 0 < info.age < 120:
        fixed["age"] = str(info.age)
    if job := occupation_phrase(info.occupation):
        fixed["job"] = job
    if home := place_phrase(info.place):
        fixed["home"] = home
    kin = tuple(phrase for phrase in (kin_phrase(text) for text in info.relationships) if phrase)
    return Voice(card, find_stances(card.traits), find_trade(info.occupation), fixed, kin, first_person(card))
