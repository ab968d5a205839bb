"""The grid: original characters drawn from tables of names, places, occupations, traits and ways of speaking.

A character's every draw comes from one generator seeded by (seed, index, attempt), so characters stream, a
longer run extends a shorter one, and two 8-byte digests per character are all that is remembered to keep them
different. How one is drawn stands in `grid_draw`. (Rejected: walking the cross product, which gives 1,000
bakers of Osaka in a row, and letting a model invent people, which gives the same fifty over and over.)
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from castwright.errors import SourceError
from castwright.personas.card import Source
from castwright.personas.character import Character
from castwright.personas.grid_draw import World, draw_facts
from castwright.personas.grid_files import load_tables
from castwright.personas.grid_tables import GridTables

__all__ = ["GridTables", "coverage", "load_tables", "sample_characters"]

DATASET, LICENCE = "castwright-grid", "CC0-1.0"
_ATTEMPTS = 1000  # whole characters drawn for one index before the tables count as used up
_DIMENSIONS = ("region", "setting", "occupation", "register", "age_band", "gender", "trait", "quirk")


def sample_characters(
    count: int,
    seed: int = 0,
    *,
    tables: GridTables | None = None,
    modern_share: float = 0.6,
    start: int = 0,
) -> Iterator[Character]:
    """Yield the characters `start` to `start + count - 1` of a seed, all different from each other.

    Two differ in (name, occupation, place, era, age) and also in their traits and style taken together. Those
    before `start` are drawn too, unseen, so that the same index is the same character whatever the start.
    `modern_share` is the chance, 0 to 1, that a character is a modern one.

    Raises:
        SourceError: a number is out of range (at once), or the tables are too small (where they run out).
    """
    if count < 0 or start < 0:
        raise SourceError(f"count is {count} and start is {start}; neither can be below 0")
    if not 0 <= modern_share <= 1:
        raise SourceError(f"modern_share is {modern_share}; give 0 (all historical) to 1 (all modern)")
    world = World(tables) if tables is not None else _shipped_world()
    return _stream(world, start + count, seed, modern_share, start)


@cache
def _shipped_world() -> World:
    return World(load_tables())


def _stream(world: World, stop: int, seed: int, modern_share: float, start: int) -> Iterator[Character]:
    rng, taken = random.Random(), set[int]()
    for index in range(stop):
        for attempt in range(_ATTEMPTS):
            rng.seed(_digest(f"{seed}/{index}/{attempt}", 16))
            facts = draw_facts(world, rng, modern_share)
            if facts is not None and (keys := _keys(facts)).isdisjoint(taken):
                taken |= keys
                break
        else:
            raise SourceError(
                f"the grid's tables gave {index} different characters, not {stop}: {_ATTEMPTS} draws for the"
                " next one were taken or did not fit; ask for fewer, or add names, occupations or traits"
            )
        if index >= start:
            source = Source(dataset=DATASET, record=f"{seed}/{index}", licence=LICENCE)
            yield Character(facts=facts, source=source)


def _digest(text: str, size: int) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=size).digest(), "big")


def _keys(facts: dict[str, Any]) -> set[int]:
    """Return the digests of who a character is and of how (a chance collision costs one more draw)."""
    info, style = facts["basic_info"], facts["dialogue_style"]
    who = (facts["name"], info["occupation"], info["place"], info["era"], str(info["age"]))
    how = (*sorted(facts["traits"]), style["register"], style["sentence_length"], "")
    how = (*how, *sorted(style["catchphrases"]), "", *sorted(style["quirks"]))
    return {_digest("who\n" + "\n".join(who), 8), _digest("how\n" + "\n".join(how), 8)}


def coverage(characters: Iterable[Character], *, tables: GridTables | None = None) -> dict[str, dict[str, int]]:
    """Return how often each value occurs: dimension (region, setting, occupation, ...) -> value -> count.

    Values come most frequent first. Regions are looked up in the tables (ours unless given); a modern place
    they do not have counts under its own name.
    """
    known = tables or load_tables()
    regions = {name: region for region, places in known.regions.items() for name in places}
    counts: dict[str, Counter[str]] = {name: Counter() for name in _DIMENSIONS}
    for character in characters:
        facts = character.facts
        info, style = facts.get("basic_info", {}), facts.get("dialogue_style", {})
        place, era = str(info.get("place", "")), str(info.get("era", ""))
        if facts.get("modern", True):
            counts["region"][regions.get(place, place)] += 1
        else:
            counts["setting"][f"{place}, {era}"] += 1
        if info.get("age") is not None:
            decade = int(info["age"]) // 10 * 10
            counts["age_band"][f"{decade}-{decade + 9}"] += 1
        counts["occupation"][info.get("occupation", "")] += 1
        counts["gender"][info.get("gender", "")] += 1
        counts["register"][style.get("register", "")] += 1
        counts["trait"].update(facts.get("traits", ()))
        counts["quirk"].update(style.get("quirks", ()))
    return {name: dict(counter.most_common()) for name, counter in counts.items()}
