"""A long text read in parts: one call for each part, all at once, then their notes put together.

A part that no model reads (refused, cut off, no JSON twice) is left out and named; the others still make a card.
Where the notes are too many for one prompt they are read like a text themselves, once more, with the quotes still
looked up in the source; what is too much even then is cut by rank. (Rejected: a summary that each part hands on to
the next, which makes calls wait for each other and lets the first part fade.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from castwright.generators.caller import Caller
from castwright.generators.character_notes import (
    MOST_NOTES,
    NOTE_FIELDS,
    Note,
    looked_up,
    merged,
    read_notes,
    within,
    written,
)
from castwright.generators.prompt import load_prompt
from castwright.generators.structured import repair_request
from castwright.personas.cast_list import MEASURED
from castwright.personas.evidence import TEXT, Evidence
from castwright.personas.source_text import SourceText
from castwright.personas.text_chunks import text_chunks


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read in a long text: notes for the card, evidence, and how it went.

    `noted` is what the notes show, `beside` what lost against one of them and which parts were not read. `failed` are
    the reasons of the parts that were not read; `quotes` counts those that models gave, `refused` those of them that
    are not in the text.
    """

    notes: str
    noted: tuple[Evidence, ...]
    beside: tuple[Evidence, ...]
    parts: int
    failed: tuple[str, ...]
    quotes: int
    refused: int


async def read_in_parts(text: SourceText, facts: str, most: int, caller: Caller) -> Reading:
    """Return what a text of more than `most` characters says about the character of these facts (JSON).

    Raises:
        ValueError: not one part could be read; says why the first could not.
        CastwrightError: the model can answer nothing at all.
    """
    chunks = text_chunks(text.text, most)
    found = await asyncio.gather(
        *(_read_part(chunk.of(text.text), f"{n} of {len(chunks)}", facts, caller) for n, chunk in enumerate(chunks, 1))
    )
    reasons = {n: one for n, one in enumerate(found, 1) if isinstance(one, str)}
    if len(reasons) == len(chunks):
        raise ValueError(f"none of the {len(chunks)} parts of the text could be read; the first: {reasons[1]}")
    read = [(chunk, one) for chunk, one in zip(chunks, found, strict=True) if not isinstance(one, str)]
    claimed = [notes for _, notes in read]
    parts = [looked_up(notes, text, chunk) for chunk, notes in read]
    together = merged(parts)
    notes, failed = await _fewer(together.notes, text, facts, (most, len(chunks)), caller)
    unread = [f"part {n} of {len(chunks)} was not read: {reason}" for n, reason in reasons.items()] + failed
    quoted = [
        (raw, one) for raws, ones in zip(claimed, parts, strict=True) for raw, one in zip(raws, ones, strict=True)
    ]
    return Reading(
        notes="\n".join([*_measured(text.text), written(within(notes, most))]),
        noted=tuple(
            Evidence(NOTE_FIELDS[note.field], note.value, note.quote, note.place)
            for note in together.notes
            if note.parts
        ),
        beside=(*together.beside, *(Evidence(TEXT, told, "", text.record, inferred=True) for told in unread)),
        parts=len(chunks),
        failed=tuple(unread),
        quotes=sum(bool(raw.quote) for raw, _ in quoted),
        refused=sum(bool(raw.quote) and not one.parts for raw, one in quoted),
    )


async def _fewer(
    notes: Sequence[Note], text: SourceText, facts: str, room: tuple[int, int], caller: Caller
) -> tuple[Sequence[Note], list[str]]:
    """Return notes that fit into one prompt, and what went wrong: too many are read in parts like a text.

    `room` is how many characters fit into a prompt and how many parts the text had: the notes never make more.
    """
    most, parts = room
    if len(written(notes)) <= most:
        return notes, []
    whole = written(within(notes, parts * most * 2 // 3))  # a part is filled to two thirds at least
    chunks = text_chunks(whole, most, overlap=0)
    found = await asyncio.gather(
        *(
            _read_part(chunk.of(whole), f"{n} of {len(chunks)} of the notes on a text", facts, caller)
            for n, chunk in enumerate(chunks, 1)
        )
    )
    failed = [
        f"part {n} of {len(chunks)} of the notes was not read: {one}"
        for n, one in enumerate(found, 1)
        if isinstance(one, str)
    ]
    again = [looked_up(one, text) for one in found if not isinstance(one, str)]
    return _counted(merged(again).notes, notes) or notes, failed


def _counted(fewer: Sequence[Note], notes: Sequence[Note]) -> list[Note]:
    """Return notes on notes, each as good as the one that it repeats: parts of the text count, not parts of notes."""
    said = {(note.field, note.value.casefold()): note.parts for note in notes}
    return [replace(note, parts=said.get((note.field, note.value.casefold()), note.parts)) for note in fewer]


async def _read_part(part: str, number: str, facts: str, caller: Caller) -> list[Note] | str:
    """Return the notes on one part, or why there are none. A reply that is no list of notes is asked for once more."""
    messages = load_prompt("character_notes").messages(
        facts=facts, part=number, text=part, fields=", ".join(NOTE_FIELDS), most=MOST_NOTES
    )
    answer = await caller.ask(messages)
    if answer.text is None:
        return answer.failure or "no reply"
    try:
        return read_notes(answer.text)
    except ValueError as error:
        problem = " ".join(str(error).split())
    answer = await caller.ask([*messages, *repair_request(answer.text, problem)])
    if answer.text is None:
        return f"{problem} (the repair request failed: {answer.failure})"
    try:
        return read_notes(answer.text)
    except ValueError as error:
        return f"{' '.join(str(error).split())} (after one repair request)"


def _measured(text: str) -> list[str]:
    """Return what was counted in the character's lines, where a text begins with it: no part's notes hold it."""
    line = next((line for line in text[:2_000].split("\n") if line.startswith(MEASURED)), "")
    return [line.removesuffix(" Lines:")] if line else []
