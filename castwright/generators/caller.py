"""One model as a coroutine: messages in, an `Answer` out, whatever the model is and does.

Our own models return a failure as data, somebody else's `AsyncLLM` raises, a plain `LLM` has no coroutine at
all: a step that asks should see none of that. A `Caller` loads the model, knows which arguments it takes,
batches a plain one in a thread, runs coroutines on the loop that the model's connections belong to, and ends
all of it. A step holds one, a conversation two. (Rejected: a base class for steps, because a step of ours
subclasses once, and two models in one step need this twice.)
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from distilabel.models.llms import LLM, AsyncLLM

from castwright.errors import CastwrightError
from castwright.generators.models.answer import EXCERPT, Answer
from castwright.generators.models.batching import MicroBatcher
from castwright.generators.prompt import Message

T = TypeVar("T")


class Caller:
    """Asks one model for one reply at a time.

    `sample` is the index of the reply to ask for, `schema` the JSON schema it has to follow; both are passed
    to models that take them. `batch` is how many prompts a model without a coroutine gets at once.
    """

    def __init__(self, llm: LLM, *, sample: int = 0, schema: dict[str, Any] | None = None, batch: int = 1) -> None:
        self.llm = llm
        self._sample, self._schema, self._batch = sample, schema, batch
        self._answer: Callable[..., Awaitable[Answer]] | None = None
        self._arguments: dict[str, Any] = {}
        self._batcher: MicroBatcher[list[Message], dict[str, Any]] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_async(self) -> bool:
        """Whether the model has a coroutine, and with it a loop of its own."""
        return isinstance(self.llm, AsyncLLM)

    def load(self) -> None:
        """Load the model.

        Raises:
            ModelError: it cannot be used at all.
        """
        self.llm.load()
        self._arguments = _call_arguments(self.llm, self._sample, self._schema)
        if hasattr(self.llm, "client"):  # one of ours: asked without a detour
            self._answer = self.llm.client().answer
        elif not self.is_async:
            self._batcher = MicroBatcher(self._generate, size=self._batch)

    def close(self) -> None:
        """Unload the model and end the caller's own thread and loop."""
        if self._batcher is not None:
            self._batcher.close()
            self._batcher = None
        self.llm.unload()
        if self._loop is not None:
            self._loop.close()
            self._loop = None

    async def ask(self, messages: list[Message]) -> Answer:
        """Return the reply to chat messages, or the reason why there is none.

        Raises:
            CastwrightError: the model can answer no row at all.
        """
        if self._answer is not None:
            return await self._answer(messages, self._sample, self._schema)
        try:
            if self._batcher is not None:
                output = await self._batcher.submit(messages)
            else:
                output = await self.llm.agenerate(input=messages, num_generations=1, **self._arguments)
        except CastwrightError:
            raise
        except Exception as error:  # a model that is not ours raises for a row; it must cost that row only
            return Answer(failure=f"{type(error).__name__}: {' '.join(str(error).split())}"[:EXCERPT])
        failures = output.get("failure") or [None]
        generations = output.get("generations") or [None]
        if generations[0] is None:
            return Answer(failure=failures[0] or "the model returned no text")
        return Answer(text=generations[0])

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the model's own event loop, or on one of the caller's for a model without."""
        if isinstance(self.llm, AsyncLLM):
            loop: asyncio.AbstractEventLoop = self.llm.event_loop
        else:
            self._loop = self._loop or asyncio.new_event_loop()
            loop = self._loop
        return loop.run_until_complete(coroutine)

    def _generate(self, batch: list[list[Message]]) -> list[dict[str, Any]]:
        return list(self.llm.generate_outputs(inputs=batch, num_generations=1, **self._arguments))


def _call_arguments(llm: LLM, sample: int, schema: dict[str, Any] | None) -> dict[str, Any]:
    """Return the arguments of every call: the model's own, and `sample` and schema where it takes them."""
    known = inspect.signature(getattr(llm, "agenerate", llm.generate)).parameters
    ours = {"sample": sample, "json_schema": schema}
    taken = {name: value for name, value in ours.items() if name in known and value is not None}
    return {**(llm.get_generation_kwargs() or {}), **taken}
