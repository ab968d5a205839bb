"""The step that asks a model: one coroutine per row.

A generator of ours is a `ModelStep` with a prompt, a parser and the fields it fills; everything that can go
wrong with a call is handled here, once, and ends as data in the row (`verdict`, `filter`, `reason`). The
local executor awaits `generate` row by row; `process` gathers the same coroutine for distilabel's own
engine, so both make the same rows. A reply that should have been an object and is none is asked for once
more, with what was wrong with it. (Rejected: distilabel's `Task`, which answers a failed call with a row of
Nones and writes every prompt into every row; and more than one repair request, because a model that fails
twice with its fault named is guessing at our expense.)

No `from __future__ import annotations` here: distilabel looks for the `StepInput` annotation of `process` at
run time and does not find it in a string.
"""

import asyncio
import copy
import re
from abc import abstractmethod
from functools import cached_property
from typing import Any, ClassVar

from distilabel.models.llms import LLM
from distilabel.steps import Step, StepInput
from distilabel.typing import StepOutput

from castwright.generators.caller import Caller
from castwright.generators.prompt import Message
from castwright.generators.structured import repair_request

Row = dict[str, Any]

NO_VERDICT: dict[str, str] = {"verdict": "keep", "filter": "", "reason": ""}
"""What a row that nothing has judged yet carries, so that the keys of all rows are the same."""


class ModelStep(Step):
    """A step that makes one model call per row.

    Subclasses set `empty` (the fields they add, with the values of a row that got none) and write `prompt`
    and `parse`; `json_schema` where the reply has a shape. `llm` may be any distilabel LLM: ours, another
    `AsyncLLM`, or a plain one, which is then called in batches from a thread. `sample` is the index of the
    reply to ask for: two steps with another `sample` ask the same question and get another reply.

    Rows go in and come out one to one, in order, every one with the same added keys: those of `empty`,
    `model`, `verdict`, `filter` and `reason`.
    """

    llm: LLM
    sample: int = 0

    empty: ClassVar[dict[str, Any]] = {}

    @abstractmethod
    def prompt(self, row: Row) -> list[Message] | None:
        """Return the messages to send for a row, or None to let the row pass as it is."""

    @abstractmethod
    def parse(self, row: Row, text: str) -> Row:
        """Return the fields to add to a row, read from the model's reply.

        Raises:
            ValueError: the reply is of no use; its message becomes the row's reason, and where the reply has a
                schema also what the model is told when it is asked once more.
        """

    def json_schema(self) -> dict[str, Any] | None:
        """Return the JSON schema of the reply, or None where it is free text."""
        return None

    @property
    def outputs(self) -> list[str]:
        return [*self.empty, "model", *NO_VERDICT]

    @property
    def task(self) -> str:
        """The step's name without distilabel's running number; stands in `filter` of the rows it drops."""
        return task_of(self)

    @property
    def label(self) -> str:
        """What rows carry in their `model` column."""
        return str(self.llm.model_name)

    def load(self) -> None:
        """Load the model.

        Raises:
            ModelError: it cannot be used at all.
        """
        super().load()
        self.caller.load()

    def unload(self) -> None:
        """Unload the model and end the step's own thread and loop."""
        self.caller.close()
        del self.caller

    async def generate(self, row: Row) -> Row:
        """Return the row with this step's fields added, or with the reason why there are none.

        A row that was dropped before, and one whose prompt is None, keep all they have and ask no model:
        their `model` stays what it was, or empty.

        Raises:
            CastwrightError: the model can answer no row at all.
        """
        filled = {**_own(self.empty), **NO_VERDICT, "model": "", **row}
        if row.get("verdict") == "drop":
            return filled
        messages = self.prompt(row)
        if messages is None:
            return filled
        filled["model"] = self.label
        answer = await self.caller.ask(messages)
        if answer.text is None:
            return dropped(filled, self.task, answer.failure or "")
        try:
            return {**filled, **self.parse(row, answer.text)}
        except ValueError as error:
            problem = _reason(error)
        if self.reply_schema is None:
            return dropped(filled, self.task, problem)
        return await self._ask_again(row, filled, [*messages, *repair_request(answer.text, problem)], problem)

    def process(self, inputs: StepInput) -> StepOutput:
        """Yield the rows of one batch, in order: `generate` for all of them at once, on the model's loop."""

        async def all_rows() -> list[Row]:
            return list(await asyncio.gather(*(self.generate(row) for row in inputs)))

        yield self.caller.run(all_rows())

    @cached_property
    def caller(self) -> Caller:
        """What asks the model, from `load` to `unload`.

        Not a pydantic private attribute, which takes 2.4 microseconds to read: as long as the rest of a row.
        """
        return Caller(self.llm, sample=self.sample, schema=self.reply_schema, batch=self.input_batch_size or 1)

    @cached_property
    def reply_schema(self) -> dict[str, Any] | None:
        """`json_schema()`, made once: pydantic takes milliseconds for one."""
        return self.json_schema()

    async def _ask_again(self, row: Row, filled: Row, messages: list[Message], problem: str) -> Row:
        """Return the row as the reply to a repair request fills it, or dropped with both reasons."""
        answer = await self.caller.ask(messages)
        if answer.text is None:
            return dropped(filled, self.task, f"{problem} (the repair request failed: {answer.failure})")
        try:
            return {**filled, **self.parse(row, answer.text)}
        except ValueError as error:
            second = _reason(error)
        first = "the same" if second == problem else problem
        return dropped(filled, self.task, f"{second} (after one repair request; first: {first})")


def task_of(step: Step) -> str:
    """Return a step's name without distilabel's running number."""
    return re.sub(r"_\d+$", "", step.name or "")


def dropped(row: Row, task: str, reason: str) -> Row:
    """Return the row as the step named `task` drops it."""
    return {**row, "verdict": "drop", "filter": task, "reason": reason}


_SHARED = (str, int, float, bool, type(None))


def _own(empty: Row) -> Row:
    """Return default values for one row, which may change what it holds; texts and numbers need no copy."""
    return {name: value if type(value) in _SHARED else copy.deepcopy(value) for name, value in empty.items()}


def _reason(error: ValueError) -> str:
    """Return what a parser said, on one line."""
    return " ".join(str(error).split()) or "the reply could not be read"
