"""The offline model as a distilabel LLM: the embedded default, in this process.

Thin on purpose: the rules live in `castwright.generators.offline`, imported when the first call is made so
that a recipe with another model never loads them. A reply takes well under a millisecond, so it is made
inline; a thread would cost more than it saves.
"""

from __future__ import annotations

from typing import Any, Self

from distilabel.models.llms import AsyncLLM
from pydantic import Field, PrivateAttr

from castwright.generators.calls.account import Account
from castwright.generators.calls.ledger import Ledger, open_ledger
from castwright.generators.calls.usage import Usage
from castwright.generators.models.answer import Answer, as_output, estimate_tokens, finished
from castwright.generators.models.config import OfflineModel
from castwright.generators.prompt import Message


class OfflineLLM(AsyncLLM):
    """The embedded rule-based model. Its calls are counted but not journalled: they cost nothing to make again."""

    block: OfflineModel = OfflineModel()
    account: Account = Field(default_factory=Account, exclude=True, repr=False)

    _ledger: Ledger | None = PrivateAttr(default=None)
    _tab: Usage = PrivateAttr(default_factory=Usage)

    @property
    def model_name(self) -> str:
        return "offline"

    def load(self) -> None:
        """Open the books of the run, where there is one."""
        super().load()
        if self.account.run and self._ledger is None:
            self._ledger = open_ledger(self.account)
            self._tab = self._ledger.tab(self.account, (self.model_name, False))

    def unload(self) -> None:
        """Give the books back."""
        ledger, self._ledger = self._ledger, None
        if ledger is not None:
            ledger.release()

    def client(self) -> Self:
        """Return what makes the calls: this object itself."""
        return self

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
        return as_output([await self.answer(input, sample + i) for i in range(num_generations)])

    async def answer(self, messages: list[Message], sample: int = 0, schema: dict[str, Any] | None = None) -> Answer:
        """Return one reply."""
        from castwright.generators.offline.reply import reply

        text = reply(messages, sample=sample)
        tokens = (sum(estimate_tokens(message["content"]) for message in messages), estimate_tokens(text))
        tab = self._tab
        tab.asked += 1
        tab.answered += 1
        tab.count(tokens[0], 0, tokens[1], 0.0)
        return finished(text, "stop", tokens, allow_truncated=False, limit=None)
