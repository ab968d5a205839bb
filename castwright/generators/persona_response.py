"""A persona answers a question, shown a few examples of its voice (NGENT 4.2.1)."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from castwright.generators.persona_book import PersonaBook
from castwright.generators.prompt import Message, load_prompt
from castwright.generators.reply_text import clean_reply
from castwright.generators.step import ModelStep, Row


class PersonaResponse(ModelStep):
    """Fills `response` of rows with `persona_id`, `question` and `shots` (JSON list of question and response).

    `personas` is the folder or file of the cards; rows carry ids, the cards are looked up there.
    """

    personas: str
    empty: ClassVar[dict[str, Any]] = {"response": ""}

    @property
    def inputs(self) -> list[str]:
        return ["persona_id", "question", "shots"]

    def prompt(self, row: Row) -> list[Message]:
        """Return the messages for one question."""
        return load_prompt("persona_response").messages(
            card=PersonaBook(self.personas).rendered(row["persona_id"]),
            shots=json.loads(row["shots"]),
            question=row["question"],
        )

    def parse(self, row: Row, text: str) -> Row:
        """Return the response."""
        return {"response": clean_reply(text)}
