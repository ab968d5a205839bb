"""Evidence: where in a source a fact about a character stands, so that anyone can check it.

A fact taken by a rule is worth what can be shown for it: the words it was read from, as they stand in the source, and
the place. Evidence travels beside the character and not in it, because a card is what the character is and its
digest is its id: a line number that moves must not make a new card. (Rejected: offsets into the file, which no
reader can check by eye and which a changed line end breaks.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from castwright.errors import BadRecord

if TYPE_CHECKING:
    from castwright.personas.character import Character

_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows one fact: `quote` stands in the source at `place` ("file:line", lines count from 1).

    `field` is the card's ("dialogue_style.register"), `value` what it holds, as text; a list has one piece of
    evidence for each of its values at least. White space in `quote` is single blanks. `inferred`: the source does not
    say it; then `quote` is empty.
    """

    field: str
    value: str
    quote: str
    place: str
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Evidenced:
    """A character with what shows the facts that were taken of it by rules."""

    character: Character
    evidence: tuple[Evidence, ...]


def characters_of(found: Iterable[Evidenced | BadRecord]) -> Iterator[Character | BadRecord]:
    """Yield the characters alone, bad records in their place."""
    return (
        item if isinstance(item, BadRecord) else item.character.model_copy(update={"evidence": item.evidence})
        for item in found
    )


def unfounded(evidence: Iterable[Evidence], source: str) -> list[Evidence]:
    """Return the evidence whose quote is empty or does not stand in a source's text.

    White space and the shape of quotation marks do not count: a quote may run over a line's end.
    """
    text = _plain(source)
    return [item for item in evidence if not item.quote.strip() or _plain(item.quote) not in text]


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.translate(_QUOTES)).strip()
