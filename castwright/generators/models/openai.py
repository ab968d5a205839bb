"""Any OpenAI-compatible endpoint as a distilabel LLM: a thin shell around `client`.

The shell is what distilabel serialises, pickles and loads; the client is what it opens on this machine.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

from distilabel.models.llms import AsyncLLM
from pydantic import Field, PrivateAttr

from castwright.generators.calls.account import Account
from castwright.generators.models.answer import as_output
from castwright.generators.models.client import ChatClient
from castwright.generators.models.config import OpenAIModel
from castwright.generators.prompt import Message


class OpenAICompatibleLLM(AsyncLLM):
    """An OpenAI-compatible endpoint: a provider, vLLM, TGI, llama.cpp, Ollama, or `serve-offline`."""

    block: OpenAIModel
    account: Account = Field(default_factory=Account, exclude=True, repr=False)

    _client: ChatClient | None = PrivateAttr(default=None)

    @property
    def model_name(self) -> str:
        return self.block.model

    @property
    def rows_wanted(self) -> int:
        """How many rows should wait in its step, so that its window is never short of them."""
        return self.block.batch.max_requests if self.block.batch else 4 * self.block.max_in_flight

    def load(self) -> None:
        """Read the key and ask the server one cheap question, so that a wrong set-up is said before row one.

        Blocks for at most a few seconds; a server that does not know `/models` is fine.

        Raises:
            ModelError: the key's variable is unset, nobody answers, or the key is refused.
            JournalError: the journal cannot be opened.
        """
        super().load()
        # httpx2 logs one line per request at INFO; with distilabel's handlers that is a line per row.
        if logging.getLogger("httpx2").level == logging.NOTSET:
            logging.getLogger("httpx2").setLevel(logging.WARNING)
        try:
            _run_apart(self.client().endpoint.probe())
        except BaseException:
            self.unload()
            raise

    def client(self) -> ChatClient:
        """Return what makes the calls, opened on first use. Raises what `load` raises, but asks no server."""
        if self._client is None:
            self._client = ChatClient(self.block, self.account)
        return self._client

    def unload(self) -> None:
        """Close the connections of every loop and give the journal back."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def aclose(self) -> None:
        """Close the connections of the running loop, with all replies written down."""
        if self._client is not None:
            await self._client.aclose()

    async def agenerate(
        self,
        input: list[Message],  # noqa: A002 (distilabel's name)
        num_generations: int = 1,
        sample: int = 0,
        json_schema: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the replies for samples `sample` to `sample + num_generations - 1`; never raises for a row.

        Args:
            input: the chat messages.
            num_generations: how many replies to ask for, one request each.
            sample: the index of the first reply; sent as `seed`.
            json_schema: the schema that the reply must follow, asked for as far as the server can.

        Raises:
            ModelError: what would fail for every row: no server, a refused key, an unknown model, no quota.
            Stopped: the run was told to stop, or its budget is used up.
            JournalError: the journal cannot be written.
        """
        client = self.client()
        calls = [client.answer(input, sample + i, json_schema) for i in range(num_generations)]
        return as_output(await asyncio.gather(*calls))


def _run_apart(coroutine: Any) -> None:
    """Run a coroutine to its end in a thread with its own loop: the caller may be inside a running one."""
    caught: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(coroutine)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=work, name="castwright-probe", daemon=True)
    thread.start()
    thread.join()
    if caught:
        raise caught[0]
