"""A real chat turn becomes its formal rewrite c' (NGENT 4.2.1).

The instruction comes in several variants, so that the style rewriter trained on the pairs does not learn the
tics of one prompt.
"""

from __future__ import annotations

from typing import Any, ClassVar

from castwright.generators.prompt import Message, load_prompt
from castwright.generators.reply_text import clean_reply
from castwright.generators.step import ModelStep, Row

INSTRUCTIONS: tuple[str, ...] = (
    "Rewrite the chat message in formal written English.",
    "Write what this person means the way a polite professional would put it in an e-mail.",
    "Correct the message fully: grammar, spelling, punctuation and capitals, without contractions or slang.",
    "Put the message into plain, neutral, grammatical prose, as a helpful assistant would phrase it.",
    "Restate the message in careful, complete sentences with a measured tone.",
    "Rewrite the message as it would stand in a well-edited newspaper interview.",
    "Turn the message into courteous, precise English with full forms only.",
    "Express the message in the reserved style of a formal report, still in the same person.",
)


class FormalRewrite(ModelStep):
    """Fills `formal` of rows with `casual`, `previous` and `variant` (0 to 7)."""

    empty: ClassVar[dict[str, Any]] = {"formal": ""}

    @property
    def inputs(self) -> list[str]:
        return ["casual", "previous", "variant"]

    def prompt(self, row: Row) -> list[Message]:
        """Return the messages for one turn."""
        variant = int(row["variant"])
        return load_prompt("formal_rewrite").messages(
            chat=row["casual"],
            previous=row["previous"],
            variant=variant,
            instruction=INSTRUCTIONS[variant % len(INSTRUCTIONS)],
        )

    def parse(self, row: Row, text: str) -> Row:
        """Return the formal side."""
        return {"formal": clean_reply(text)}
