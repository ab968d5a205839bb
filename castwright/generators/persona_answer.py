"""A given answer is said as a persona would say it: the a^p of a contrastive pair (NGENT 4.2.1)."""

from __future__ import annotations

from typing import Any, ClassVar

from castwright.generators.persona_book import PersonaBook
from castwright.generators.prompt import Message, load_prompt
from castwright.generators.reply_text import clean_reply
from castwright.generators.step import ModelStep, Row


class PersonaAnswer(ModelStep):
    """Fills `persona_answer` of rows with `persona_id`, `question` and `answer`.

    `personas` is the folder or file of the cards.
    """

    personas: str
    empty: ClassVar[dict[str, Any]] = {"persona_answer": ""}

    @property
    def inputs(self) -> list[str]:
        return ["persona_id", "question", "answer"]

    def prompt(self, row: Row) -> list[Message]:
        """Return the messages for one answer."""
        return load_prompt("persona_answer").messages(
            card=PersonaBook(self.personas).rendered(row["persona_id"]),
            question=row["question"],
            answer=row["answer"],
        )

    def parse(self, row: Row, text: str) -> Row:
        """Return the persona's answer."""
        return {"persona_answer": clean_reply(text)}
