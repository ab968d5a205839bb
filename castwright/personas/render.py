"""A card as text: for prompts (labelled lines, which read back) and as a system message (prose).

The labelled form is what models extract from and what the offline model parses again; JSON was rejected
because models copy its punctuation into replies, and prose because it does not read back. A field is one
line, so white space inside a value becomes one space; a bar inside a list item gets a backslash before it.
"""

from __future__ import annotations

import re
from typing import Any

from castwright.personas.card import PersonaCard

_LIST_SEPARATOR = " | "
_BAR = re.compile(r"(\\*)\|")
_ESCAPED_BAR = re.compile(r"\\(\\*\|)")
_ITEM_END = re.compile(r"(?<!\\)\|")
_SENTENCE_END = re.compile(r"[.!?…]['\"”’)]*$")


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
        ("Relationships", _join(info.relationships)),
        ("Traits", _join(card.traits)),
        ("Register", style.register_),
        ("Sentence length", style.sentence_length),
        ("Catchphrases", _join(style.catchphrases)),
        ("Quirks", _join(style.quirks)),
        ("Background", card.background),
        ("Example lines", _join(card.example_lines)),
    ]
    return "\n".join(f"{label}: {' '.join(value.split())}" for label, value in fields if value.strip())


def _join(items: tuple[str, ...]) -> str:
    return _LIST_SEPARATOR.join(_BAR.sub(r"\1\\|", item) for item in items)


def _split(line: str) -> list[str]:
    """Undo `_join`."""
    items = (_ESCAPED_BAR.sub(r"\1", item).strip() for item in _ITEM_END.split(line))
    return [item for item in items if item]


def parse_card(text: str) -> PersonaCard:
    """Return the card that `render_card` made this text of (its source is not in the text).

    Raises:
        pydantic.ValidationError: the text is not a rendered card.
    """
    lines: dict[str, str] = {}
    for line in text.splitlines():
        label, _, value = line.partition(": ")
        lines[label.strip()] = value.strip()

    data: dict[str, Any] = {
        "name": lines.get("Name", ""),
        "kind": lines.get("Kind", "original"),
        "modern": lines.get("Modern", "yes") == "yes",
        "language": lines.get("Language", "en"),
        "basic_info": {
            "age": lines.get("Age") or None,
            "gender": lines.get("Gender", ""),
            "occupation": lines.get("Occupation", ""),
            "place": lines.get("Place", ""),
            "era": lines.get("Era", ""),
            "relationships": _split(lines.get("Relationships", "")),
        },
        "traits": _split(lines.get("Traits", "")),
        "dialogue_style": {
            "register": lines.get("Register", "neutral"),
            "sentence_length": lines.get("Sentence length", "medium"),
            "catchphrases": _split(lines.get("Catchphrases", "")),
            "quirks": _split(lines.get("Quirks", "")),
        },
        "background": lines.get("Background", ""),
        "example_lines": _split(lines.get("Example lines", "")),
    }
    return PersonaCard.model_validate(data)


def system_prompt(card: PersonaCard) -> str:
    """Return the system message that asks a chat model to be this character (used in every export)."""
    info, style = card.basic_info, card.dialogue_style
    who = ["" if info.age is None else f"{_article(info.age)} {info.age}-year-old", info.occupation]
    identity = " ".join(part for part in who if part)
    setting = ", ".join(part for part in (info.place, info.era) if part)
    name = f"You are {card.name}{f', {identity}' if identity else ''}{f' ({setting})' if setting else ''}"
    parts = [_sentence(name), _sentence(f"Character: {', '.join(card.traits)}"), _sentence(card.background)]
    if info.relationships:
        parts.append(_sentence(f"Relationships: {'; '.join(info.relationships)}"))
    parts.append(f"You speak in {_register(style.register_)} register, in {style.sentence_length} sentences.")
    if style.catchphrases:
        parts.append(_sentence(f"You sometimes say: {'; '.join(style.catchphrases)}"))
    if style.quirks:
        parts.append(_sentence(f"Habits of speech: {'; '.join(style.quirks)}"))
    return " ".join(parts)


def _register(register: str) -> str:
    return f"{'an' if register == 'archaic' else 'a'} {register}"


def _article(age: int) -> str:
    return "an" if age in (11, 18) or str(age).startswith("8") else "a"


def _sentence(text: str) -> str:
    """Return text with a full stop unless it ends in a mark of its own ("You are Sam Jr.")."""
    return text if _SENTENCE_END.search(text) else f"{text}."
