"""The fields of a Tavern card, read: what is data becomes facts, what is prose becomes one text.

Fields are read by one rule wherever they stand (V1 at the top, V2 and V3 under `data`, forerunners under other names).
A personality counts as a list of traits only when every item is a few words, because a sentence cut at its commas
makes nonsense traits; the tags are asked for nothing but the kind of character, as the specification wants it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from castwright.personas.card import Kind
from castwright.personas.fields import FIELDS
from castwright.personas.tavern_text import filled_in, own_lines, spoken_lines

VISIBLE = ("name", "description", "personality", "scenario", "first_mes", "mes_example")
# how the forerunners of V1 called the same fields
_OLD_NAMES = {
    "char_name": "name",
    "char_persona": "description",
    "world_scenario": "scenario",
    "char_greeting": "first_mes",
    "example_dialogue": "mes_example",
}
_LEAST_TRAITS, _MOST_TRAIT_WORDS, _MOST_TRAITS = 2, 3, 12
_KIND_OF_TAG: dict[str, Kind] = {
    **dict.fromkeys(("historical", "history", "historical figure"), "historical"),
    **dict.fromkeys(("screen", "movie", "movies", "film", "tv", "series", "anime", "cartoon"), "screen"),
    **dict.fromkeys(("oc", "original", "original character"), "original"),
    **dict.fromkeys(("virtual", "game", "games", "video game", "vtuber", "book", "books", "manga", "comic"), "virtual"),
}


def kind_of(data: Mapping[str, Any]) -> Kind | None:
    """Return the kind of character that the first known tag says."""
    return next((_KIND_OF_TAG[tag.lower()] for tag in texts_of(data.get("tags")) if tag.lower() in _KIND_OF_TAG), None)


def card_data(value: Any) -> dict[str, Any]:
    """Return the fields of a card of any version, under the names of V1.

    Raises:
        ValueError: no card.
    """
    if not isinstance(value, dict):
        raise ValueError(f"a {type(value).__name__} where a character card {{...}} is expected")
    spec = str(value.get("spec", ""))
    if spec.startswith("lorebook"):
        raise ValueError("a lorebook, not a character card")
    inner = value.get("data")
    data = inner if isinstance(inner, dict) else value
    data = {_OLD_NAMES.get(key, key): item for key, item in data.items()}
    if not set(VISIBLE) & set(data):
        keys = ", ".join(map(repr, list(data)[:8])) or "no key"
        raise ValueError(f"no character card: it has {keys}, and neither a name nor a description")
    return data


def text_of(data: Mapping[str, Any], key: str) -> str:
    """Return a field's text, "" where it is not there.

    Raises:
        ValueError: it holds an object, or a name too long for a card.
    """
    value = data.get(key)
    if isinstance(value, dict):
        raise ValueError(f"the field {key!r} holds an object where a text is expected")
    try:
        return str(FIELDS["name" if key == "name" else "description"].read("" if value is None else value))
    except ValueError as error:
        raise ValueError(f"the field {key!r}: {error}") from None


def texts_of(value: Any) -> list[str]:
    """Return the texts in a list, nothing for any other value."""
    return [item.strip() for item in value if isinstance(item, str)] if isinstance(value, list) else []


def read_fields(data: Mapping[str, Any], fields: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """Return the facts that a card states as data, and its prose as one text."""
    name, nickname = fields["name"], text_of(data, "nickname")
    called = nickname or name
    traits = _traits(fields["personality"], called)
    greetings = [fields["first_mes"], *texts_of(data.get("alternate_greetings"))]
    names = tuple(dict.fromkeys(one for one in (called, name) if one))
    lines = [*spoken_lines(greetings[:1], called), *own_lines(fields["mes_example"], names)]
    lines += spoken_lines(greetings[1:], called)
    facts = {"name": name, "traits": traits, "example_lines": list(dict.fromkeys(lines))}
    parts = [
        filled_in(fields["description"], called),
        "" if traits else filled_in(fields["personality"], called),
        f"Scenario: {filled_in(fields['scenario'], called)}" if fields["scenario"] else "",
        f"{name} is also called {nickname}." if nickname and name and nickname != name else "",
        *(filled_in(entry, called) for entry in _constant_entries(data.get("character_book"))),
    ]
    return {key: value for key, value in facts.items() if value}, "\n".join(part for part in parts if part)


def _traits(personality: str, name: str) -> list[str]:
    """Return the traits of a personality that is a list of a few words each, else nothing: then it is prose."""
    text = filled_in(personality, name).rstrip(". ")
    items = [item.strip(" .\n") for item in text.replace("\n", ",").replace(";", ",").split(",")]
    items = [item.removeprefix("and ").strip() for item in items if item]
    if len(items) < _LEAST_TRAITS or any(len(item.split()) > _MOST_TRAIT_WORDS or ":" in item for item in items):
        return []
    return list(dict.fromkeys(items))[:_MOST_TRAITS]


def _constant_entries(book: Any) -> Iterator[str]:
    """Yield the entries of a lorebook that are always part of the character, in their order of insertion."""
    entries = book.get("entries") if isinstance(book, dict) else None
    found = entries.values() if isinstance(entries, dict) else entries if isinstance(entries, list) else []
    always = [e for e in found if isinstance(e, dict) and e.get("constant") is True and e.get("enabled") is not False]

    def order(entry: dict[str, Any]) -> float:
        value = entry.get("insertion_order")
        return float(value) if isinstance(value, (int, float)) else 0.0

    for entry in sorted(always, key=order):
        if isinstance(entry.get("content"), str) and entry["content"].strip():
            yield entry["content"]
