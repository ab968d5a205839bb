"""The offline model as a distilabel LLM: the embedded default, in this process.

Thin on purpose: the rules live in `castwright.generators.offline`, imported when the first call is made so
that a recipe with another model never loads them. A reply takes well under a millisecond, so it is made
inline; a thread would cost more than it saves.
"""

from __future__ import annotations

from typing import Any

from distilabel.models.llms import AsyncLLM

from castwright.generators.models.answer import as_output, estimate_tokens, finished
from castwright.generators.models.config import OfflineModel
from castwright.generators.prompt import Message


class OfflineLLM(AsyncLLM):
    """The embedded rule-based model."""

    block: OfflineModel = OfflineModel()

    @property
    def model_name(self) -> str:
        return "offline"

    async def agenerate(
        self,
        input: list[Message],  # noqa: A002 (distilabel's name)
        num_generations: int = 1,
        sample: int = 0,
        json_schema: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the replies for samples `sample` to `sample + num_generations - 1`.

        Args:
            input: the chat messages.
            num_generations: how many replies to make.
            sample: the index of the first reply; another index may give another wording.
            json_schema: accepted as the other models accept it, and not needed here.
        """
        from castwright.generators.offline.reply import reply

        asked = sum(estimate_tokens(message["content"]) for message in input)
        texts = [reply(input, sample=sample + i) for i in range(num_generations)]
        return as_output(
            [
                finished(text, "stop", (asked, estimate_tokens(text)), allow_truncated=False, limit=None)
                for text in texts
            ]
        )
