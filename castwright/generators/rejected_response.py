"""A good response becomes one that fails by a stated criterion: the rejected side of a preference pair (NGENT 4.3)."""

from __future__ import annotations

from typing import Any, ClassVar

from castwright.generators.criteria import CRITERIA
from castwright.generators.persona_book import PersonaBook
from castwright.generators.prompt import Message, load_prompt
from castwright.generators.reply_text import clean_reply
from castwright.generators.step import ModelStep, Row


class RejectedResponse(ModelStep):
    """Fills `rejected_text` of rows with `persona_id`, `question`, `chosen_text` and `criterion`.

    `personas` is the folder or file of the cards.
    """

    personas: str
    empty: ClassVar[dict[str, Any]] = {"rejected_text": ""}

    @property
    def inputs(self) -> list[str]:
        return ["persona_id", "question", "chosen_text", "criterion"]

    def prompt(self, row: Row) -> list[Message]:
        """Return the messages for one response and criterion."""
        return load_prompt("rejected_response").messages(
            card=PersonaBook(self.personas).rendered(row["persona_id"]),
            question=row["question"],
            response=row["chosen_text"],
            criterion=row["criterion"],
            instruction=CRITERIA[row["criterion"]],
        )

    def parse(self, row: Row, text: str) -> Row:
        """Return the rejected side."""
        return {"rejected_text": clean_reply(text)}
