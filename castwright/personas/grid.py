"""The grid: original characters drawn from tables of names, places, occupations, traits and ways of speaking.

A character is drawn from the conditional tables and steered by what was drawn before it (`grid_balance`), so
characters stream, a longer run extends a shorter one, and two 8-byte digests per character and a few thousand
counts are all that is remembered. How one is drawn stands in `grid_draw`. (Rejected: walking the cross product,
which gives 1,000 bakers of Osaka in a row; pure luck, which leaves a tenth of the pairs of region and occupation
out at 20,000 characters; and letting a model invent people, which gives the same fifty over and over.)
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from castwright.errors import SourceError
from castwright.personas.card import Source
from castwright.personas.character import Character
from castwright.personas.grid_balance import CHOICES, TOP_UP_CHOICES, Balance
from castwright.personas.grid_draw import draw_facts
from castwright.personas.grid_files import load_tables
from castwright.personas.grid_shares import grid_shares, shipped_shares, shipped_world
from castwright.personas.grid_tables import GridTables
from castwright.personas.grid_world import World

__all__ = ["GridTables", "load_tables", "sample_characters"]

DATASET, LICENCE = "castwright-grid", "CC0-1.0"
_ATTEMPTS = 1000  # whole characters drawn for one index before the tables count as used up
_STEERED = 8  # of them by design; after that by luck, so that a thin cell with nobody left in it holds nothing up


def sample_characters(
    count: int,
    seed: int = 0,
    *,
    tables: GridTables | None = None,
    modern_share: float = 0.6,
    start: int = 0,
    balance: bool = True,
    against: Mapping[str, Mapping[str, int]] | None = None,
) -> Iterator[Character]:
    """Yield the characters `start` to `start + count - 1` of a seed, all different from each other.

    Two differ in (name, occupation, place, era) and also in their traits and style taken together. Those
    before `start` are drawn too, unseen, so that the same index is the same character whatever the start.

    Args:
        count, seed, start: which characters; the same three give the same ones.
        tables: those to draw from; ours unless given.
        modern_share: share of modern characters, 0 to 1.
        balance: whether draws are steered towards the shares of the tables (`grid_balance`); else pure luck.
        against: attribute -> value -> cards that are there already (`Coverage.counts` of `grid_coverage`): these
            characters fill up what is thin there. With a `start` they also differ from the seed's first ones.

    Raises:
        SourceError: a number is out of range (at once), or the tables are too small (where they run out).
    """
    if count < 0 or start < 0:
        raise SourceError(f"count is {count} and start is {start}; neither can be below 0")
    if not 0 <= modern_share <= 1:
        raise SourceError(f"modern_share is {modern_share}; give 0 (all historical) to 1 (all modern)")
    world = World(tables) if tables is not None else shipped_world()
    shares = grid_shares(world, modern_share) if tables is not None else shipped_shares(modern_share)
    first = Balance(shares, CHOICES if balance else 1)
    later = Balance(shares, TOP_UP_CHOICES, against) if against else first
    return _stream(world, _Run(seed, start, start + count, modern_share, first, later))


@dataclass(frozen=True, slots=True)
class _Run:
    """Which characters are wanted; `first` steers those before `start`, `later` the others (mostly the same)."""

    seed: int
    start: int
    stop: int
    modern_share: float
    first: Balance
    later: Balance


def _stream(world: World, run: _Run) -> Iterator[Character]:
    rng, taken = random.Random(_digest(f"grid {run.seed}", 16)), set[int]()
    suffix = "" if run.later is run.first else "/top-up"
    for index in range(run.stop):
        balance = run.first if index < run.start else run.later
        facts = _draw_new(world, rng, run.modern_share, balance, taken)
        if facts is None:
            raise SourceError(
                f"the grid's tables gave {index} different characters, not {run.stop}: {_ATTEMPTS} draws for the"
                " next one were taken or did not fit; ask for fewer, or add names, occupations or traits"
            )
        if index >= run.start:
            source = Source(dataset=DATASET, record=f"{run.seed}/{index}{suffix}", licence=LICENCE)
            yield Character(facts=facts, source=source)


def _draw_new(
    world: World, rng: random.Random, modern_share: float, balance: Balance, taken: set[int]
) -> dict[str, Any] | None:
    """Return facts that nobody taken has, None where there are none to be found; what they take is counted."""
    rivals = balance.rivals
    for attempt in range(_ATTEMPTS):
        balance.rivals = rivals if attempt < _STEERED else range(0)
        facts = draw_facts(world, rng, modern_share, balance)
        if facts is not None and (keys := _keys(facts)).isdisjoint(taken):
            taken |= keys
            balance.keep()
            balance.rivals = rivals
            return facts
        balance.drop()
    return None


def _digest(text: str, size: int) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=size).digest(), "big")


def _keys(facts: dict[str, Any]) -> set[int]:
    """Return the digests of who a character is and of how (a chance collision costs one more draw)."""
    info, style = facts["basic_info"], facts["dialogue_style"]
    # without the age: what cards are the same by
    who = (facts["name"], info["occupation"], info["place"], info["era"])
    how = (*sorted(facts["traits"]), style["register"], style["sentence_length"], "")
    how = (*how, *sorted(style["catchphrases"]), "", *sorted(style["quirks"]))
    return {_digest("who\n" + "\n".join(who), 8), _digest("how\n" + "\n".join(how), 8)}
