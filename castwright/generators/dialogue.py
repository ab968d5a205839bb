"""An ask agent and a chat agent talk: a whole conversation per row (the dialogues D_i of NGENT's Algorithm 1).

One coroutine runs one conversation from its opening to its end, so the local executor has thousands of them in
flight and none waits for another's turn. The rules of a talk are in `talk`, the calls in `caller`; this is the
step around them. (Rejected: a step per turn, where every conversation waits for the slowest at every turn.)

No `from __future__ import annotations` here: distilabel looks for the `StepInput` annotation of `process` at
run time and does not find it in a string.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from distilabel.models.llms import LLM
from distilabel.steps import Step, StepInput
from distilabel.typing import StepOutput
from pydantic import Field, PrivateAttr

from castwright.generators.caller import Caller
from castwright.generators.models.answer import Answer
from castwright.generators.persona_book import PersonaBook
from castwright.generators.prompt import load_prompt
from castwright.generators.step import NO_VERDICT, Row, dropped, task_of
from castwright.generators.talk import Talk, talk
from castwright.personas.card import PersonaCard

_EMPTY = {"messages": "[]", "ended_by": "", "failure": "", "ask_model": "", "chat_model": "", "model": ""}


class Dialogue(Step):
    """Fills `messages` (JSON text: user and assistant in turn) of rows with `persona_id` and `question`.

    `question` is the person's opening. `ask_llm` speaks for the person, `chat_llm` for the character; they may
    be the same object, which is then loaded once. `personas` is the folder or file of the cards, `max_turns`
    the most turns of the person, the opening included. `ended_by` says what ended the talk, `failure` what
    broke it off after at least one exchange; a talk without one, or with a turn that repeats another, is dropped.
    """

    ask_llm: LLM
    chat_llm: LLM
    personas: str
    max_turns: int = Field(default=4, ge=1)

    _ask: Caller | None = PrivateAttr(default=None)
    _chat: Caller | None = PrivateAttr(default=None)

    @property
    def inputs(self) -> list[str]:
        return ["persona_id", "question"]

    @property
    def outputs(self) -> list[str]:
        return [*_EMPTY, *NO_VERDICT]

    def load(self) -> None:
        """Load both models.

        Raises:
            ModelError: one of them cannot be used at all; the other is unloaded again.
        """
        super().load()
        ask, chat = self._callers()
        chat.load()
        if ask is not chat:
            try:
                ask.load()
            except BaseException:
                chat.close()
                raise

    def unload(self) -> None:
        """Unload both models."""
        ask, chat = self._callers()
        self._ask = self._chat = None
        try:
            chat.close()
        finally:
            if ask is not chat:
                ask.close()

    async def generate(self, row: Row) -> Row:
        """Return the row with its whole conversation, or with the reason why there is none.

        A row that was dropped before keeps all it has and asks no model.

        Raises:
            CastwrightError: a model can answer no row at all.
        """
        filled = {**_EMPTY, **NO_VERDICT, **row}
        if filled["verdict"] == "drop":
            return filled
        held = await self._talk(row)
        labels = [str(llm.model_name) for llm in (self.ask_llm, self.chat_llm)]
        filled |= {"ask_model": labels[0], "chat_model": labels[1], "model": labels[1]}
        filled |= {"messages": json.dumps(held.messages, ensure_ascii=False), "ended_by": held.ended_by}
        if not held.is_usable:
            return dropped(filled, task_of(self), held.problem)
        return {**filled, "failure": held.problem}

    def process(self, inputs: StepInput) -> StepOutput:
        """Yield the rows of one batch, in order: all their conversations at once, on one loop."""

        async def all_rows() -> list[Row]:
            return list(await asyncio.gather(*(self.generate(row) for row in inputs)))

        ask, chat = self._callers()
        yield (ask if ask.is_async else chat).run(all_rows())

    async def _talk(self, row: Row) -> Talk:
        book = PersonaBook(self.personas)
        ask_caller, chat_caller = self._callers()
        who, card = introduction(book.card(row["persona_id"])), book.rendered(row["persona_id"])

        async def ask(turns: Sequence[str]) -> Answer:
            return await ask_caller.ask(load_prompt("dialogue_ask").messages(who=who, turns=_tagged(turns)))

        async def chat(turns: Sequence[str]) -> Answer:
            return await chat_caller.ask(load_prompt("dialogue_chat").messages(card=card, turns=_tagged(turns)))

        return await talk(row["question"], ask=ask, chat=chat, max_turns=self.max_turns)

    def _callers(self) -> tuple[Caller, Caller]:
        """Return the callers of the ask agent and of the chat agent: one and the same for one model."""
        if self._ask is None or self._chat is None:
            batch = self.input_batch_size or 1
            self._chat = Caller(self.chat_llm, batch=batch)
            self._ask = self._chat if self.ask_llm is self.chat_llm else Caller(self.ask_llm, batch=batch)
        return self._ask, self._chat


def introduction(card: PersonaCard) -> str:
    """Return what somebody knows who starts to talk to a character: name, occupation, place and era."""
    info = card.basic_info
    setting = ", ".join(part for part in (info.place, info.era) if part)
    return ", ".join(part for part in (card.name, info.occupation) if part) + (f" ({setting})" if setting else "")


def _tagged(turns: Sequence[str]) -> list[dict[str, Any]]:
    return [{"by": ("asker", "character")[at % 2], "said": said} for at, said in enumerate(turns)]
