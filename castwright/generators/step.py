"""The step that asks a model: one coroutine per row.

A generator of ours is a `ModelStep` with a prompt, a parser and the fields it fills; everything that can go
wrong with a call is handled here, once, and ends as data in the row (`verdict`, `filter`, `reason`). The
local executor awaits `generate` row by row; `process` gathers the same coroutine for distilabel's own
engine, so both make the same rows. (Rejected: distilabel's `Task`, which answers a failed call with a row of
Nones and writes every prompt into every row.)

No `from __future__ import annotations` here: distilabel looks for the `StepInput` annotation of `process` at
run time and does not find it in a string.
"""

import asyncio
import copy
import inspect
import re
from abc import abstractmethod
from collections.abc import Coroutine
from typing import Any, ClassVar, TypeVar

from distilabel.models.llms import LLM, AsyncLLM
from distilabel.steps import Step, StepInput
from distilabel.typing import StepOutput
from pydantic import PrivateAttr

from castwright.errors import CastwrightError
from castwright.generators.models.answer import EXCERPT
from castwright.generators.models.batching import MicroBatcher
from castwright.generators.prompt import Message

Row = dict[str, Any]
T = TypeVar("T")

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

    _batcher: MicroBatcher[list[Message], dict[str, Any]] | None = PrivateAttr(default=None)
    _call_arguments: dict[str, Any] = PrivateAttr(default_factory=dict)
    _loop: asyncio.AbstractEventLoop | None = PrivateAttr(default=None)

    @abstractmethod
    def prompt(self, row: Row) -> list[Message] | None:
        """Return the messages to send for a row, or None to let the row pass as it is."""

    @abstractmethod
    def parse(self, row: Row, text: str) -> Row:
        """Return the fields to add to a row, read from the model's reply.

        Raises:
            ValueError: the reply is of no use; its message becomes the row's reason.
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
        return re.sub(r"_\d+$", "", self.name or "")

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
        self.llm.load()
        self._call_arguments = _call_arguments(self.llm, self.sample, self.json_schema())
        if not isinstance(self.llm, AsyncLLM):
            self._batcher = MicroBatcher(self._generate_sync, size=self.input_batch_size or 1)

    def unload(self) -> None:
        """Unload the model and end the step's own thread and loop."""
        if self._batcher is not None:
            self._batcher.close()
            self._batcher = None
        self.llm.unload()
        if self._loop is not None:
            self._loop.close()
            self._loop = None

    async def generate(self, row: Row) -> Row:
        """Return the row with this step's fields added, or with the reason why there are none.

        A row that was dropped before, and one whose prompt is None, keep all they have and ask no model:
        their `model` stays what it was, or empty.

        Raises:
            CastwrightError: the model can answer no row at all.
        """
        filled = {**copy.deepcopy(self.empty), **NO_VERDICT, "model": "", **row}
        if row.get("verdict") == "drop":
            return filled
        messages = self.prompt(row)
        if messages is None:
            return filled
        filled["model"] = self.label
        text, failure = await self._ask(messages)
        if text is None:
            return self._dropped(filled, failure or "the model returned no text")
        try:
            return {**filled, **self.parse(row, text)}
        except ValueError as error:
            return self._dropped(filled, str(error) or "the reply could not be read")

    def process(self, inputs: StepInput) -> StepOutput:
        """Yield the rows of one batch, in order: `generate` for all of them at once, on the model's loop."""

        async def all_rows() -> list[Row]:
            return list(await asyncio.gather(*(self.generate(row) for row in inputs)))

        yield self._run(all_rows())

    def _dropped(self, row: Row, reason: str) -> Row:
        return {**row, "verdict": "drop", "filter": self.task, "reason": reason}

    async def _ask(self, messages: list[Message]) -> tuple[str | None, str | None]:
        """Return (text, None) or (None, reason)."""
        try:
            if self._batcher is not None:
                output = await self._batcher.submit(messages)
            else:
                output = await self.llm.agenerate(input=messages, num_generations=1, **self._call_arguments)
        except CastwrightError:
            raise
        except Exception as error:  # a model that is not ours raises for a row; it must cost that row only
            return None, f"{type(error).__name__}: {' '.join(str(error).split())}"[:EXCERPT]
        failures = output.get("failure") or [None]
        generations = output.get("generations") or [None]
        return generations[0], failures[0]

    def _generate_sync(self, batch: list[list[Message]]) -> list[dict[str, Any]]:
        return list(self.llm.generate_outputs(inputs=batch, num_generations=1, **self._call_arguments))

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the model's own event loop, or on one of the step's for a model without."""
        if isinstance(self.llm, AsyncLLM):
            loop: asyncio.AbstractEventLoop = self.llm.event_loop
        else:
            self._loop = self._loop or asyncio.new_event_loop()
            loop = self._loop
        return loop.run_until_complete(coroutine)


def _call_arguments(llm: LLM, sample: int, schema: dict[str, Any] | None) -> dict[str, Any]:
    """Return the arguments of every call: the model's own, and `sample` and schema where it takes them."""
    known = inspect.signature(getattr(llm, "agenerate", llm.generate)).parameters
    ours = {"sample": sample, "json_schema": schema}
    taken = {name: value for name, value in ours.items() if name in known and value is not None}
    return {**(llm.get_generation_kwargs() or {}), **taken}
