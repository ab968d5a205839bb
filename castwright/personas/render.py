"""A card as text: for prompts (labelled lines, which read back) and as a system message (prose).

The labelled form is what models extract from and what the offline model parses again; JSON was rejected
because models copy its punctuation into replies, and prose because it does not read back.
"""

from __future__ import annotations

from typing import Any

from castwright.personas.card import PersonaCard

_LIST_SEPARATOR = " | "


def render_card(card: PersonaCard) -> str:
    """Return the card as labelled lines, one field a line; empty fields are left out."""
    info, style = card.basic_info, card.dialogue_style
    fields: list[tuple[str, str]] = [
        ("Name", card.name),
        ("Kind", card.kind),
        ("Modern", "yes" if card.modern else "no"),
        ("Language", card.language),
        ("Age", "" if info.age is None else str(info.age)),
        ("Gender", info.gender),
        ("Occupation", info.occupation),
        ("Place", info.place),
        ("Era", info.era),
        ("Relationships", _LIST_SEPARATOR.join(info.relationships)),
        ("Traits", _LIST_SEPARATOR.join(card.traits)),
        ("Register", style.register_),
        ("Sentence length", style.sentence_length),
        ("Catchphrases", _LIST_SEPARATOR.join(style.catchphrases)),
        ("Quirks", _LIST_SEPARATOR.join(style.quirks)),
        ("Background", card.background),
        ("Example lines", _LIST_SEPARATOR.join(card.example_lines)),
    ]
    return "\n".join(f"{label}: {' '.join(value.split())}" for label, value in fields if value.strip())


def parse_card(text: str) -> PersonaCard:
    """Return the card that `render_card` made this text of (its source is not in the text).

    Raises:
        pydantic.ValidationError: the text is not a rendered card.
    """
    lines: dict[str, str] = {}
    for line in text.splitlines():
        label, _, value = line.partition(": ")
        lines[label.strip()] = value.strip()

    def items(label: str) -> list[str]:
        return [item.strip() for item in lines.get(label, "").split(_LIST_SEPARATOR.strip()) if item.strip()]

    age = lines.get("Age", "")
    data: dict[str, Any] = {
        "name": lines.get("Name", ""),
        "kind": lines.get("Kind", "original"),
        "modern": lines.get("Modern", "yes") == "yes",
        "language": lines.get("Language", "en"),
        "basic_info": {
            "age": int(age) if age.isdigit() else None,
            "gender": lines.get("Gender", ""),
            "occupation": lines.get("Occupation", ""),
            "place": lines.get("Place", ""),
            "era": lines.get("Era", ""),
            "relationships": items("Relationships"),
        },
        "traits": items("Traits"),
        "dialogue_style": {
            "register": lines.get("Register", "neutral"),
            "sentence_length": lines.get("Sentence length", "medium"),
            "catchphrases": items("Catchphrases"),
            "quirks": items("Quirks"),
        },
        "background": lines.get("Background", ""),
        "example_lines": items("Example lines"),
    }
    return PersonaCard.model_validate(data)


def system_prompt(card: PersonaCard) -> str:
    """Return the system message that asks a chat model to be this character (used in every export)."""
    info, style = card.basic_info, card.dialogue_style
    who = [f"a {info.age}-year-old" if info.age is not None else "", info.occupation]
    identity = " ".join(part for part in who if part)
    setting = ", ".join(part for part in (info.place, info.era) if part)
    parts = [f"You are {card.name}{f', {identity}' if identity else ''}{f' ({setting})' if setting else ''}."]
    parts.append(f"Character: {', '.join(card.traits)}.")
    parts.append(card.background)
    if info.relationships:
        parts.append(f"Relationships: {'; '.join(info.relationships)}.")
    parts.append(f"You speak in a {style.register_} register, in {style.sentence_length} sentences.")
    if style.catchphrases:
        parts.append(f"You sometimes say: {'; '.join(style.catchphrases)}.")
    if style.quirks:
        parts.append(f"Habits of speech: {'; '.join(style.quirks)}.")
    return " ".join(parts)
