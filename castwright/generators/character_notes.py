"""Notes: what the parts of a long text say about one character, and how they become one.

A part is read alone, so its notes repeat those of other parts and contradict some. Put together they are counted: a
note is as good as the number of parts that say it, and of equal ones the one said first. Of what a card has once
(age, place ...) the best note stands and the others are kept as evidence beside it, because a book may well say
both. A note whose quote is not in the text counts as said nowhere and comes last. (Rejected: asking a model to
merge, which costs a call and forgets quotes; the last part winning, which makes everybody die at home.)
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from castwright.generators.card_reply import list_of, shape
from castwright.generators.structured import read_object
from castwright.personas.evidence import Evidence
from castwright.personas.source_text import SourceText
from castwright.personas.text_chunks import Chunk

MOST_NOTES = 30
"""What a model is asked for at most for one part."""
NOTE_FIELDS = {
    "name": "name",
    "age": "basic_info.age",
    "gender": "basic_info.gender",
    "occupation": "basic_info.occupation",
    "place": "basic_info.place",
    "era": "basic_info.era",
    "relationships": "basic_info.relationships",
    "traits": "traits",
    "register": "dialogue_style.register",
    "catchphrases": "dialogue_style.catchphrases",
    "quirks": "dialogue_style.quirks",
    "background": "background",
    "example_lines": "example_lines",
}
"""What a note may be about, and the card's field for it."""
_ONE_VALUE = frozenset(("name", "age", "gender", "occupation", "place", "era", "register"))


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that a text says: `parts` counts the parts that say it, 0 where its quote is not in the text.

    `start` is where the quote begins first, in characters, and `place` that place in the source.
    """

    field: str
    value: str
    quote: str = ""
    start: int = 0
    place: str = ""
    parts: int = 0


@dataclass(frozen=True, slots=True)
class Merged:
    """Notes in order of rank, and what lost against one of them: values that a card has once, with their quotes."""

    notes: tuple[Note, ...]
    beside: tuple[Evidence, ...]


def notes_schema() -> dict[str, Any]:
    """Return the JSON schema of the notes on one part."""
    text = {"type": "string"}
    field = {"type": "string", "enum": list(NOTE_FIELDS)}
    return shape({"notes": list_of(shape({"quote": text, "field": field, "value": text}))})


def read_notes(reply: str) -> list[Note]:
    """Return the notes in a model's reply, not looked up yet; what is no note of ours is passed over.

    Raises:
        ValueError: the reply holds no JSON object with a list of notes.
    """
    listed = read_object(reply).value.get("notes")
    if not isinstance(listed, list):
        raise ValueError('the reply has no list "notes"')
    notes = []
    for item in listed:
        field, value = (item.get(key) for key in ("field", "value")) if isinstance(item, dict) else ("", "")
        told = " ".join(str(value).split()) if isinstance(value, (str, int, float)) else ""
        if field in NOTE_FIELDS and told:
            notes.append(Note(field, told, str(item.get("quote") or "")))
    return notes


def looked_up(notes: Iterable[Note], text: SourceText, part: Chunk | None = None) -> list[Note]:
    """Return notes with the source's own words and their place; without a quote where the text has none like it.

    `part` is what was read of the text; None: any of it.
    """
    found = []
    for note in notes:
        where = text.find(note.quote, *((part.start, part.end) if part else ()))
        if where is None:
            found.append(replace(note, quote="", parts=0))
        else:
            found.append(replace(note, quote=where.quote, start=where.start, place=where.place, parts=1))
    return found


def merged(parts: Sequence[Sequence[Note]]) -> Merged:
    """Return the notes on all parts as one list: each thing once, the best first."""
    groups: defaultdict[tuple[str, str], list[Note]] = defaultdict(list)
    for notes in parts:
        said: dict[tuple[str, str], Note] = {}
        for note in notes:
            key = (note.field, " ".join(note.value.casefold().split()).rstrip("."))
            if key not in said or note.parts > said[key].parts:
                said[key] = note
        for key, note in said.items():
            groups[key].append(note)
    ranked = sorted((_together(group) for group in groups.values()), key=_rank)
    kept, beside, once = [], [], set()
    for note in ranked:
        if note.field in once:
            if note.parts:
                beside.append(Evidence(NOTE_FIELDS[note.field], note.value, note.quote, note.place))
            continue
        if note.field in _ONE_VALUE:
            once.add(note.field)
        kept.append(note)
    return Merged(tuple(kept), tuple(beside))


def _together(group: Sequence[Note]) -> Note:
    """Return the same note of several parts as one; the same words in an overlap of two parts count once."""
    sure = [note for note in group if note.parts]
    if not sure:
        return group[0]
    places = {note.start: note for note in sure}
    return replace(min(sure, key=lambda note: note.start), parts=sum(note.parts for note in places.values()))


def _rank(note: Note) -> tuple[int, int, str, str]:
    return -note.parts, note.start, note.field, note.value


def written(notes: Iterable[Note]) -> str:
    """Return notes as a model reads them: one JSON object a line."""
    return "\n".join(
        json.dumps(
            {"field": note.field, "value": note.value, "quote": note.quote, "parts": note.parts}, ensure_ascii=False
        )
        for note in notes
    )


def within(notes: Sequence[Note], most: int) -> tuple[Note, ...]:
    """Return the best notes that are at most `most` characters together as they are written; at least one.

    The best of each field goes before the second of any, so that no one thing crowds out all others; their order stays.
    """
    seen: Counter[str] = Counter()
    turns: list[tuple[int, int]] = []
    for index, note in enumerate(notes):
        turns.append((seen[note.field], index))
        seen[note.field] += 1
    kept: list[int] = []
    size = 0
    for _, index in sorted(turns):
        size += len(written([notes[index]])) + 1
        if kept and size > most:
            break
        kept.append(index)
    return tuple(notes[index] for index in sorted(kept))
