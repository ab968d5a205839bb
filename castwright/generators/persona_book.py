"""The cards a step looks up by id, rendered once each.

Rows carry ids instead of cards: at 100,000 cards and ten questions each, copies of the card would be most of
what a graph moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from castwright.personas.card import PersonaCard
from castwright.personas.render import render_card
from castwright.personas.store import read_cards


@dataclass(frozen=True, slots=True)
class PersonaBook:
    """The personas table at `path` (a file or folder of parquet), read once per process."""

    path: str

    def card(self, persona_id: str) -> PersonaCard:
        """Return a card.

        Raises:
            KeyError: no card has this id.
        """
        return read_cards(self.path)[persona_id]

    def rendered(self, persona_id: str) -> str:
        """Return a card as prompt text."""
        return _render(self.card(persona_id))


@lru_cache(maxsize=20_000)
def _render(card: PersonaCard) -> str:
    return render_card(card)
