"""A card as `card_extraction` asks for it: its values in objects with the quotes that show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from castwright.generators.offline.extract import Extracted
from castwright.personas.speech_words import sentences_of


def claimed(found: Extracted) -> dict[str, Any]:
    """Return the reply of the task: {"quote", "value"} where it asks for that, the quote "" where there is none."""
    card, quotes = found.card, found.quotes

    def claim(field: str, value: Any) -> dict[str, Any]:
        return {"quote": quotes.get((field, str(value)), ""), "value": value}

    def part(name: str, plain: tuple[str, ...]) -> dict[str, Any]:
        values: Mapping[str, Any] = card[name]
        return {
            key: value
            if key in plain
            else [claim(f"{name}.{key}", one) for one in value]
            if isinstance(value, list)
            else claim(f"{name}.{key}", value)
            for key, value in values.items()
        }

    return {
        **card,
        "basic_info": part("basic_info", ()),
        "traits": [claim("traits", trait) for trait in card["traits"]],
        "dialogue_style": part("dialogue_style", ("catchphrases",)),
        "background": [claim("background", sentence) for sentence in sentences_of(card["background"])],
    }
