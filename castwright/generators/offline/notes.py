"""The offline model's `character_notes`: what one part of a long text says about a character, by rule, with quotes.

And the way back: a card's data from notes, for the offline `card_extraction` of a long text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from castwright.generators.character_notes import NOTE_FIELDS
from castwright.generators.offline.about import sentences_about
from castwright.generators.offline.card_facts import clean_facts
from castwright.generators.offline.extract import Extracted, extract_card
from castwright.generators.offline.finders import MOST_TRAITS, find_facts
from castwright.generators.offline.retell import tell
from castwright.generators.offline.speech_traits import speech_traits, spoken_and_told
from castwright.generators.offline.whereabouts import find_era
from castwright.personas.character import merge_facts

_PRONOUNS = {"woman": ("she", "her", "her"), "man": ("he", "him", "his")}
_MOST_BACKGROUND = 4
_JSON_LINE = re.compile(r"^\{.*\}$", re.MULTILINE)


def note_part(facts: Mapping[str, Any], part: str) -> list[dict[str, str]]:
    """Return the notes on a part of a text: {"quote", "field", "value"} each; facts that are known are not noted."""
    known = clean_facts(facts)
    listed = _listed(part)
    if listed:  # notes on a text, to be noted again: they are as short as we can make them
        return [{"quote": note["quote"], "field": note["field"], "value": note["value"]} for note in listed]
    lines, told = spoken_and_told(part)
    flat = sentences_about(told, known.get("name", ""), part=True)
    notes = [_note(field, str(spot.value), spot.quote(flat)) for field, spot in find_facts(flat, known)]
    era = find_era(flat)
    if era.said is not None and "era" not in known["basic_info"]:
        notes.append(_note("basic_info.era", era.name, era.said.quote(flat)))
    quirks = known["dialogue_style"].get("quirks", ())
    notes += [_note("traits", trait, quote) for trait, quote in speech_traits(lines, quirks)]
    pronouns = _PRONOUNS.get(known["basic_info"].get("gender", ""), ("they", "them", "their"))
    retold = tell(flat, known.get("name", "They"), pronouns) if flat else []
    return notes + [_note("background", sentence.text, sentence.quote) for sentence in retold]


def card_from_notes(facts: Mapping[str, Any], notes: str) -> Extracted:
    """Return a whole card from the facts and the notes on a text, one JSON object a line, the best first."""
    noted: dict[str, Any] = {"basic_info": {}, "dialogue_style": {}}
    quotes: dict[tuple[str, str], str] = {}
    for note in _listed(notes):
        field, value = NOTE_FIELDS[note["field"]], note["value"]
        outer, _, inner = field.rpartition(".")
        place = noted[outer] if outer else noted
        if inner in _LISTS:
            place.setdefault(inner, []).append(value)
        elif inner not in place:
            place[inner] = value
        quotes.setdefault((field, value), note["quote"])
    for name, most in _LISTS.items():
        for place in (noted, noted["basic_info"], noted["dialogue_style"]):
            if name in place:
                place[name] = place[name][:most]
    if "background" in noted:
        noted["background"] = " ".join(noted["background"])
    card = extract_card(merge_facts(noted, dict(facts)), "").card
    return Extracted(card, {key: quote for key, quote in quotes.items() if quote})


_NAMES = {field: name for name, field in NOTE_FIELDS.items()}
_LISTS = {
    "relationships": 6,
    "traits": MOST_TRAITS,
    "catchphrases": 3,
    "quirks": 3,
    "background": _MOST_BACKGROUND,
    "example_lines": 4,
}


def _note(field: str, value: str, quote: str) -> dict[str, str]:
    return {"quote": quote, "field": _NAMES[field], "value": value}


def _listed(text: str) -> Sequence[Mapping[str, str]]:
    return list(_read(text))


def _read(text: str) -> Iterator[Mapping[str, str]]:
    """Yield the notes in a text that is made of them; other lines are passed over."""
    for line in _JSON_LINE.findall(text):
        try:
            note = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(note, dict) and note.get("field") in NOTE_FIELDS and isinstance(note.get("value"), str):
            yield {"field": note["field"], "value": note["value"], "quote": str(note.get("quote") or "")}
