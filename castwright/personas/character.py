"""A character: raw material for a card, as a source gave it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from castwright.personas.card import PersonaCard, Source
from castwright.personas.evidence import Evidence


class Character(BaseModel):
    """What a source knows of someone.

    `facts` holds known card fields in the card's own shape (`{"name": ..., "basic_info": {...}, ...}`,
    partial); `text` is free text about them. A model turns both into a card; facts always win. `living` is
    whether they are a real person who may be alive, for screening: no part of the card, None where it is not known.
    `evidence` shows where in the source the facts that were taken by rules stand.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    facts: dict[str, Any] = {}
    text: str = ""
    source: Source = Source()
    living: bool | None = None
    evidence: tuple[Evidence, ...] = ()


def complete_card(character: Character) -> PersonaCard | None:
    """Return the card of a character whose facts already make one, or None when a model must write it."""
    try:
        return PersonaCard.model_validate({**character.facts, "source": character.source})
    except ValidationError:
        return None


def merge_facts(written: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """Return card data in which every known fact replaces what was written for it (mappings merge)."""
    merged = dict(written)
    for key, value in facts.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge_facts(merged[key], value)
        elif value not in (None, "", [], (), {}):
            merged[key] = value
    return merged
