"""The calls to a provider's Batch and Files API, made until they work or cannot.

A batch takes hours and is paid for, so trouble on the line never loses one: each call is tried again with growing
pauses for an hour, then the run is stopped and the next one goes on. The `openai` client's own retries are off,
because it would create a batch a second time where only the reply was lost; here, whoever does not know whether his
batch was made looks for it first. (Rejected: giving up after a number of attempts, which says nothing about time.)
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import IO, TypeVar

import openai
from openai.types import Batch, FileObject

from castwright.errors import ModelError
from castwright.generators.calls.submissions import Submission
from castwright.generators.models import faults
from castwright.generators.models.batch_files import URL, Problem, Results
from castwright.generators.models.config import BatchSettings
from castwright.generators.models.endpoint import Endpoint
from castwright.generators.models.faults import Fault

METADATA = "castwright"
"""The key under which a submission's name stands in its batch's metadata."""
PATIENCE = 3600.0
"""Seconds of nothing but failures after which a call is given up, and the run with it."""
MAX_PAUSE = 600.0
"""The longest wait, in seconds, that a server may ask for between two attempts."""
WARN_AFTER = 3
"""After how many failures in a row the user is told."""
TRANSFER_SECONDS = 600.0
"""How long the connection may be silent while a file goes up or comes down."""
SECOND_LOOK = 2.0
"""Seconds after which a batch that was not listed is looked for once more: lists lag behind."""
CLOCK_SKEW = 24 * 3600.0
"""How much older than its submission, by the provider's clock, a batch may be."""
MISSING_LOOKS = 3
"""How often a batch or file may be unknown before it is held to be gone."""

_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class BatchRefusedError(Exception):
    """A call to the Batch API cannot work, for a reason that holds for every batch."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.reason)
        self.fault = fault


class BatchGoneError(Exception):
    """The provider does not know a batch, or a file of it, any more."""


class BatchService:
    """The Batch API at one endpoint, for one event loop. Closed with `aclose`.

    All calls raise BatchRefusedError, and BatchGoneError where they name something that exists no more.
    """

    def __init__(self, endpoint: Endpoint, settings: BatchSettings) -> None:
        self._endpoint, self._settings = endpoint, settings
        # One reply may take as long as a single completion may; files take as long as they move.
        self._client = endpoint.client().with_options(max_retries=0)

    async def upload(self, name: str, file: IO[bytes]) -> str:
        """Send an input file and return its id."""

        async def once() -> str:
            file.seek(0)
            made = await self._client.files.create(
                file=(f"castwright-{name}.jsonl", file, "application/jsonl"), purpose="batch", timeout=TRANSFER_SECONDS
            )
            return _checked(made, FileObject).id

        return await self._insist("an upload", once)

    async def create(self, submission: Submission, file: str) -> str:
        """Create the batch of a submission from its uploaded file and return its id; never a second one."""
        unsure = False

        async def once() -> str:
            nonlocal unsure
            if unsure and (found := await self._look_twice(submission)) is not None:
                return found
            unsure = True
            try:
                made = await self._client.batches.create(
                    input_file_id=file,
                    endpoint=URL,
                    # the API's only value so far, but other providers have others
                    completion_window=self._settings.completion_window,  # type: ignore[arg-type]
                    metadata={METADATA: submission.name},
                )
            except openai.APIStatusError as error:
                unsure = error.status_code >= 500
                raise
            return _checked(made, Batch).id

        return await self._insist("the creation of a batch", once)

    async def find(self, submission: Submission) -> str | None:
        """Return the id of the batch that was made of a submission, or None when there is none."""
        return await self._insist("a list of batches", lambda: self._look_twice(submission))

    async def _look_twice(self, submission: Submission) -> str | None:
        found = await self._look(submission)
        if found is None:
            await asyncio.sleep(SECOND_LOOK)
            found = await self._look(submission)
        return found

    async def _look(self, submission: Submission) -> str | None:
        async for batch in self._client.batches.list(limit=100):
            if (batch.metadata or {}).get(METADATA) == submission.name:
                return batch.id
            if submission.file is not None and batch.input_file_id == submission.file:  # metadata is not kept by all
                return batch.id
            if batch.created_at < submission.created - CLOCK_SKEW:  # the newest come first
                return None
        return None

    async def ended(self, batch_id: str, *, at_once: bool) -> Batch:
        """Ask after a batch until it has ended, now or first in `poll` seconds, and return it."""

        async def once() -> Batch:
            return _checked(await self._client.batches.retrieve(batch_id), Batch)

        while True:
            if not at_once:
                await asyncio.sleep(self._settings.poll)
            at_once = False
            batch = await self._insist(f"the state of {batch_id}", once, named=True)
            if batch.status in _ENDED:
                return batch

    async def results(self, batch: Batch) -> Results:
        """Return what a batch that has ended gave, to be closed by the caller."""
        files: list[IO[bytes]] = []
        try:
            for file_id in (batch.output_file_id, batch.error_file_id):
                if file_id is not None:
                    files.append(tempfile.TemporaryFile())  # noqa: SIM115 (they go on living in the results)
                    await self._download(file_id, files[-1])
            return await asyncio.to_thread(Results, files)
        except BaseException:
            for file in files:
                file.close()
            raise

    async def _download(self, file_id: str, into: IO[bytes]) -> None:
        async def once() -> None:
            into.seek(0)
            into.truncate()
            content = self._client.files.with_streaming_response.content(file_id, timeout=TRANSFER_SECONDS)
            async with content as response:
                async for chunk in response.iter_bytes():
                    into.write(chunk)

        await self._insist(f"the results in {file_id}", once, named=True)

    async def _insist(self, what: str, call: Callable[[], Awaitable[_T]], *, named: bool = False) -> _T:
        """Return what a call returns, trying again as long as its fault allows; `named`: it asks for one id.

        Raises:
            BatchRefusedError: the fault is final, or has gone on for too long.
            BatchGoneError: the id is unknown.
        """
        began, attempt, missing = time.monotonic(), 0, 0
        while True:
            try:
                return await call()
            except Exception as error:  # whatever client and transport raise; read by `_fault_of`
                fault = _fault_of(error, TRANSFER_SECONDS, self._endpoint.secret)
            attempt += 1
            if named and fault.status == 404:
                missing += 1
                if missing >= MISSING_LOOKS:
                    raise BatchGoneError(fault.reason)
            elif fault.verdict != "retry" or time.monotonic() - began > PATIENCE:
                raise BatchRefusedError(fault)
            if attempt == WARN_AFTER:
                url = self._endpoint.block.url
                _log.warning("%s does not give %s (%s); trying on, nothing is lost", url, what, fault.reason)
            await asyncio.sleep(min(MAX_PAUSE, faults.delay(attempt, fault, what)))

    async def explain(self, fault: Fault) -> ModelError:
        """Return the error that stops a run because of a fault that holds for every batch."""
        url, block = self._endpoint.block.url, self._endpoint.block
        if fault.status in (404, 405, 501) and fault.code != "model_not_found":
            return ModelError(f"{url} has no Batch API ({fault.reason}); take `batch: false` for model {block.model!r}")
        if fault.status in (401, 403) or (fault.verdict == "stop" and fault.code is not None):
            return ModelError(await self._endpoint.explain(fault))
        if fault.status == 413:
            return ModelError(f"{url} refused a batch file: {fault.reason}; lower batch.max_bytes or max_requests")
        rest = "what was handed in stays with the provider, run the same command again to go on"
        return ModelError(f"{url} takes no batches for model {block.model!r}: {fault.reason}; {rest}")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()


class _UnreadableError(Exception):
    """A reply that is no object of the API."""


def _checked(made: object, kind: type[_T]) -> _T:
    # A proxy's page under a 200 comes out of the client as text, or as an object without an id.
    if not isinstance(made, kind) or not isinstance(getattr(made, "id", None), str):
        raise _UnreadableError(f"the reply is no {kind.__name__.lower()}: {faults.excerpt(repr(made))}")
    return made


def _fault_of(error: Exception, timeout: float, secret: str) -> Fault:
    """Return the fault behind an exception.

    Raises:
        Exception: the given one, where neither server nor network had to do with it.
    """
    if isinstance(error, (_UnreadableError, openai.APIResponseValidationError, ValueError)):
        return Fault("retry", faults.excerpt(str(error), secret))
    fault = faults.fault_of(error, timeout=timeout, secret=secret)
    if fault.verdict == "drop" and fault.retry_after is not None:
        return replace(fault, verdict="retry")  # too long a wait for a call is none for a batch
    if fault.verdict == "drop" and not isinstance(error, openai.APIStatusError):
        raise error
    return fault


def problems_of(batch: Batch) -> list[Problem]:
    """Return what a failed batch says is wrong with it."""
    listed = (batch.errors.data if batch.errors is not None else None) or []
    return [Problem(one.code, one.message or "(no words)", one.line) for one in listed]
