"""A character becomes a persona card: the model writes what the source does not say; known facts win.

Every value of the card comes with its evidence (see `card_evidence`). A text that is longer than a model reads well
at once is read in parts first, and the card is written from the notes on them (see `part_reading`); all calls of a
row are made by the row's own coroutine, so they are in the journal one by one and a run that goes on repeats none.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, ClassVar

from pydantic import Field

from castwright.generators.card_evidence import card_evidence
from castwright.generators.card_reply import card_schema, read_written
from castwright.generators.character_notes import notes_schema
from castwright.generators.part_reading import Reading, read_in_parts
from castwright.generators.prompt import Message, load_prompt
from castwright.generators.shaped_caller import ShapedCaller
from castwright.generators.step import NO_VERDICT, ModelStep, Row, dropped
from castwright.personas.card import PersonaCard
from castwright.personas.evidence import TEXT, Evidence, evidence_json, read_evidence
from castwright.personas.line_map import LineMap
from castwright.personas.source_text import SourceText
from castwright.personas.text_chunks import text_chunks

MAX_CHARACTERS = 36_000
"""How much text goes into one request: some 6,000 words or 9,000 tokens of English."""
_READING = "_reading"  # what the parts gave, in the row only while its card is written


class CardExtraction(ModelStep):
    """Fills `card` (JSON), `profile`, `identity` and `evidence` of rows with `facts` (JSON) and `text`.

    `evidence` (JSON) may come with what rules found in the source, and `source` (JSON) says where the record stands;
    both may be missing. A complete card keeps its evidence, mostly none: its facts were given whole. `reading` (JSON)
    says how the text was read: in how many `parts`, which `failed`, how many `quotes` the model gave and how many of
    them were `refused`, because the text does not have them.
    """

    max_characters: int = Field(default=MAX_CHARACTERS, ge=200)

    empty: ClassVar[dict[str, Any]] = {"card": "", "profile": "", "identity": "", "evidence": "[]", "reading": ""}

    @property
    def inputs(self) -> list[str]:
        return ["facts", "text"]

    def json_schema(self) -> dict[str, Any]:
        """Return the schema of the reply; see `card_schema`."""
        return card_schema()

    @cached_property
    def caller(self) -> ShapedCaller:
        """What asks the model for cards, and in another shape for notes."""
        return ShapedCaller(self.llm, sample=self.sample, schema=self.reply_schema, batch=self.input_batch_size or 1)

    async def generate(self, row: Row) -> Row:
        """Return the row with its card and evidence, or with the reason why there is none.

        Raises:
            CastwrightError: the model can answer no row at all.
        """
        if row.get("verdict") != "drop" and not row.get("card") and len(row["text"]) > self.max_characters:
            notes = self.caller.shaped(notes_schema())
            try:
                read = await read_in_parts(_source_text(row), row["facts"], self.max_characters, notes)
            except ValueError as error:
                failed = {**self.empty, **NO_VERDICT, **row, "model": self.label}
                return _without_map(dropped(failed, self.task, str(error)))
            row = {**row, _READING: read}
        made = _without_map(await super().generate(row))
        made.pop(_READING, None)
        return made

    def prompt(self, row: Row) -> list[Message] | None:
        """Return the messages for a character, or None for one that is a complete card already."""
        if row.get("card"):
            return None
        read: Reading | None = row.get(_READING)
        shown = {"notes": read.notes, "text": ""} if read else {"notes": "", "text": row["text"]}
        return load_prompt("card_extraction").messages(facts=row["facts"], **shown)

    def parse(self, row: Row, text: str) -> Row:
        """Return the card's fields."""
        read: Reading | None = row.get(_READING)
        facts = json.loads(row["facts"])
        written = read_written(text, facts)
        known = [*read_evidence(row.get("evidence", "")), *(read.beside if read else ())]
        shown = card_evidence(written.card, facts, known, written.claims, _source_text(row), read.noted if read else ())
        reading = {
            "parts": read.parts if read else 1,
            "failed": list(read.failed) if read else [],
            "quotes": shown.quotes + (read.quotes if read else 0),
            "refused": shown.refused + (read.refused if read else 0),
        }
        unread = (item for item in known if item.field == TEXT and item.inferred)
        return {
            "card": json.dumps(written.card.content(), ensure_ascii=False, sort_keys=True),
            "profile": profile(written.card),
            "identity": identity(written.card),
            "evidence": evidence_json([*shown.evidence, *unread]),
            "reading": json.dumps(reading, ensure_ascii=False, sort_keys=True),
        }


def calls_of(row: Row, max_characters: int = MAX_CHARACTERS) -> tuple[int, int]:
    """Return the fewest and the most model calls that a row's card costs: for an estimate before a run.

    The most: every reply has to be asked for once more, and the notes on the parts fill as many prompts again.
    """
    if row.get("card") or row.get("verdict") == "drop":
        return 0, 0
    if len(row["text"]) <= max_characters:
        return 1, 2
    parts = len(text_chunks(row["text"], max_characters))
    return parts + 1, 2 * (2 * parts + 1)


def identity(card: PersonaCard) -> str:
    """Return who a card is about, for exact duplicates: name, occupation, place and era."""
    info = card.basic_info
    return " | ".join((card.name, info.occupation, info.place, info.era))


def profile(card: PersonaCard) -> str:
    """Return what sets a card apart, for near-duplicates: who, traits, background.

    Labels and style words are left out: all cards share them, so they bring unlike characters nearer.
    """
    return f"{identity(card)}. {', '.join(card.traits)}. {card.background}"


def _source_text(row: Row) -> SourceText:
    """Return a row's text with the places of its lines."""
    record = json.loads(row.get("source") or "{}").get("record", "")
    return SourceText(row["text"], record, LineMap.found_in(read_evidence(row.get("evidence", ""))))


def _without_map(row: Row) -> Row:
    """Return a row whose evidence is about the character: where the text's lines stand is of no use without it."""
    if f'"{TEXT}"' not in row["evidence"]:
        return row
    kept: list[Evidence] = [item for item in read_evidence(row["evidence"]) if item.field != TEXT or item.inferred]
    return {**row, "evidence": evidence_json(kept)}
