"""The misbehaving server's Batch and Files API, asked by openai's own client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest
from misbehaving import BatchFaults, Faults, Handle, misbehaving
from openai.types import Batch

from castwright.generators.offline.reply import reply

LINE: dict[str, Any] = {"method": "POST", "url": "/v1/chat/completions"}


def messages(i: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"Question {i}?"}]


def lines(count: int, **body: Any) -> bytes:
    """An input file of that many requests, `row-0` and up."""
    bodies = ({"model": "offline", "messages": messages(i), **body} for i in range(count))
    return b"\n".join(
        json.dumps({"custom_id": f"row-{i}", **LINE, "body": body}).encode() for i, body in enumerate(bodies)
    )


def with_client(faults: Faults, use: Callable[[openai.AsyncOpenAI, Handle], Awaitable[Any]]) -> Any:
    """Return what `use` returns, with a server and a client for it that tries once."""

    async def run(server: Handle) -> Any:
        async with openai.AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0) as client:
            return await use(client, server)

    with misbehaving(faults) as server:
        return asyncio.run(run(server))


async def submit(client: openai.AsyncOpenAI, content: bytes, **metadata: str) -> Batch:
    file = await client.files.create(file=("in.jsonl", content), purpose="batch")
    return await client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata=metadata
    )


async def ended(client: openai.AsyncOpenAI, batch: Batch) -> Batch:
    """Poll until the batch is over."""
    async with asyncio.timeout(20):
        while batch.status in ("validating", "in_progress", "finalizing", "cancelling"):
            await asyncio.sleep(0.02)
            batch = await client.batches.retrieve(batch.id)
    return batch


async def rows(client: openai.AsyncOpenAI, file_id: str | None) -> list[dict[str, Any]]:
    """Return the lines of an output or error file, none where there is none."""
    if file_id is None:
        return []
    content = await client.files.content(file_id)
    return [json.loads(line) for line in content.text.splitlines()]


def test_a_batch_answers_every_request_in_any_order() -> None:
    """Completed, one line per custom_id with the offline model's reply, shuffled, usage and counts right."""

    async def use(client: openai.AsyncOpenAI, server: Handle) -> None:
        batch = await submit(client, lines(30, seed=2), run="r1")
        assert batch.status == "validating"
        assert batch.metadata == {"run": "r1"}
        batch = await ended(client, batch)
        assert (batch.status, batch.error_file_id, batch.errors, batch.model) == ("completed", None, None, "offline")
        assert batch.request_counts is not None
        assert (batch.request_counts.total, batch.request_counts.completed) == (30, 30)
        assert None not in (batch.in_progress_at, batch.finalizing_at, batch.completed_at, batch.expires_at)
        out = await rows(client, batch.output_file_id)
        assert [row["custom_id"] for row in out] != [f"row-{i}" for i in range(30)]
        texts = {row["custom_id"]: row["response"]["body"]["choices"][0]["message"]["content"] for row in out}
        assert texts == {f"row-{i}": reply(messages(i), sample=2) for i in range(30)}
        assert {row["response"]["status_code"] for row in out} == {200}
        stats = server.stats()["batch"]
        assert (stats["uploads"], stats["batches"], stats["requests"]) == (1, 1, 30)
        assert stats["requests_per_content"] == {"1": 30}
        assert batch.usage is not None
        assert (stats["tokens_in"], stats["tokens_out"]) == (batch.usage.input_tokens, batch.usage.output_tokens)
        assert stats["tokens_out"] == sum(row["response"]["body"]["usage"]["completion_tokens"] for row in out)

    with_client(Faults(), use)


def test_failed_requests_land_in_the_error_file_and_succeed_another_time() -> None:
    """With 400, 429 and 500, in their shares; a second batch of just those is answered whole."""
    shares = BatchFaults(bad_request=0.2, rate_limited=0.2, server_error=0.2)

    async def use(client: openai.AsyncOpenAI, server: Handle) -> None:
        batch = await ended(client, await submit(client, lines(60)))
        good, bad = await rows(client, batch.output_file_id), await rows(client, batch.error_file_id)
        assert batch.status == "completed"
        assert {row["custom_id"] for row in good + bad} == {f"row-{i}" for i in range(60)}
        assert {row["response"]["status_code"] for row in bad} == {400, 429, 500}
        assert all(row["error"] is None and row["response"]["body"]["error"]["message"] for row in bad)
        assert batch.request_counts is not None
        assert (batch.request_counts.completed, batch.request_counts.failed) == (len(good), len(bad))
        again = {row["custom_id"] for row in bad}
        content = b"\n".join(line for line in lines(60).splitlines() if json.loads(line)["custom_id"] in again)
        batch = await ended(client, await submit(client, content))
        assert batch.error_file_id is None
        assert {row["custom_id"] for row in await rows(client, batch.output_file_id)} == again
        assert server.stats()["batch"]["contents_answered_more_than_once"] == 0

    with_client(Faults(seed=1, most_faults_per_request=1, batches=shares), use)


def test_an_expired_batch_keeps_what_was_answered() -> None:
    """The rest has no response, and an error with code batch_expired."""

    async def use(client: openai.AsyncOpenAI, _server: Handle) -> None:
        batch = await ended(client, await submit(client, lines(40)))
        good, bad = await rows(client, batch.output_file_id), await rows(client, batch.error_file_id)
        assert batch.status == "expired"
        assert batch.expired_at is not None
        assert good
        assert {row["error"]["code"] for row in bad} == {"batch_expired"}
        assert {row["response"] for row in bad} == {None}
        assert len(good) + len(bad) == 40

    with_client(Faults(batches=BatchFaults(expired=0.5)), use)


def test_a_batch_of_failures_alone_has_no_output_file() -> None:
    """As at OpenAI: completed, with an error file only."""

    async def use(client: openai.AsyncOpenAI, _server: Handle) -> None:
        batch = await ended(client, await submit(client, lines(3)))
        assert (batch.status, batch.output_file_id) == ("completed", None)
        assert len(await rows(client, batch.error_file_id)) == 3

    with_client(Faults(batches=BatchFaults(server_error=1.0)), use)


def test_content_faults_come_in_the_output_file() -> None:
    """A truncated reply is an answered request, and a request without messages a failed one."""

    async def use(client: openai.AsyncOpenAI, _server: Handle) -> None:
        empty = json.dumps({"custom_id": "none", **LINE, "body": {"model": "offline", "messages": []}}).encode()
        batch = await ended(client, await submit(client, lines(2) + b"\n" + empty))
        out = await rows(client, batch.output_file_id)
        assert {row["response"]["body"]["choices"][0]["finish_reason"] for row in out} == {"length"}
        (bad,) = await rows(client, batch.error_file_id)
        assert (bad["custom_id"], bad["response"]["status_code"]) == ("none", 400)

    with_client(Faults(truncated=1.0), use)


ONE = json.loads(lines(1))


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        pytest.param(b"", "empty_file", None, id="an empty file"),
        pytest.param(lines(6), "too_many_tasks", None, id="too many requests"),
        pytest.param(lines(3, extra="x" * 900), "file_too_large", None, id="too many bytes"),
        pytest.param(lines(1) + b"\n{", "invalid_json_line", 2, id="a line that is no JSON"),
        pytest.param(lines(1) + b"\n" + lines(1), "duplicate_custom_id", 2, id="a custom_id twice"),
        pytest.param(json.dumps({**ONE, "url": "/v1/embeddings"}).encode(), "url_mismatch", 1, id="another endpoint"),
        pytest.param(json.dumps({**ONE, "method": None}).encode(), "missing_required_parameter", 1, id="no method"),
        pytest.param(lines(1, model="gpt"), "model_not_found", 1, id="an unknown model"),
        pytest.param(
            lines(1) + b"\n" + json.dumps({**ONE, "custom_id": "b", "body": {"model": "other"}}).encode(),
            "model_mismatch",
            2,
            id="two models",
        ),
    ],
)
def test_one_bad_line_fails_the_whole_batch(content: bytes, code: str, line: int | None) -> None:
    """Created all the same, then failed with the code and line in errors.data, and nothing answered."""

    async def use(client: openai.AsyncOpenAI, server: Handle) -> None:
        batch = await ended(client, await submit(client, content))
        assert batch.status == "failed"
        assert batch.errors is not None
        assert batch.errors.data is not None
        assert [(problem.code, problem.line) for problem in batch.errors.data] == [(code, line)]
        assert (batch.output_file_id, batch.error_file_id) == (None, None)
        assert server.stats()["batch"]["requests"] == 0

    limits = BatchFaults(most_requests=5, most_bytes=2_000)
    with_client(Faults(models=("offline", "other"), batches=limits), use)


def test_a_cancelled_batch_is_left_half_done() -> None:
    """What ran is in the output file, the rest has code batch_cancelled; a batch that is over stays as it is."""

    async def use(client: openai.AsyncOpenAI, _server: Handle) -> None:
        batch = await submit(client, lines(40))
        while batch.request_counts is None or not batch.request_counts.completed:
            await asyncio.sleep(0.02)
            batch = await client.batches.retrieve(batch.id)
        assert batch.status == "in_progress"
        assert (await client.batches.cancel(batch.id)).status == "cancelling"
        batch = await ended(client, batch)
        good, bad = await rows(client, batch.output_file_id), await rows(client, batch.error_file_id)
        assert batch.status == "cancelled"
        assert len(good) + len(bad) == 40
        assert {row["error"]["code"] for row in bad} == {"batch_cancelled"}
        with pytest.raises(openai.ConflictError):
            await client.batches.cancel(batch.id)

    with_client(Faults(batches=BatchFaults(seconds=2.0)), use)


def test_a_batch_whose_reply_was_lost_is_found_again() -> None:
    """Upload and create are each done although their connection drops; metadata tells whose batch it is."""

    async def use(client: openai.AsyncOpenAI, server: Handle) -> None:
        with pytest.raises(openai.APIConnectionError):
            await client.files.create(file=("in.jsonl", lines(2)), purpose="batch")
        (file,) = [file async for file in client.files.list(purpose="batch")]
        assert (file.filename, file.bytes) == ("in.jsonl", len(lines(2)))
        create = {"input_file_id": file.id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        with pytest.raises(openai.APIConnectionError):
            await client.batches.create(**create, metadata={"run": "mine"})  # type: ignore[arg-type]
        (found,) = [batch async for batch in client.batches.list() if batch.metadata == {"run": "mine"}]
        batch = await ended(client, found)
        assert batch.output_file_id is not None
        with pytest.raises(openai.APIConnectionError):
            await client.files.content(batch.output_file_id)
        assert len(await rows(client, batch.output_file_id)) == 2
        assert server.stats()["batch"]["batches"] == 1

    with_client(Faults(batches=BatchFaults(drop_uploads=1, drop_creates=1, drop_downloads=1)), use)


def test_batches_go_on_while_the_client_is_away_and_are_listed_newest_first() -> None:
    """Submitted by one client, taken by another, in pages of two."""

    async def use(client: openai.AsyncOpenAI, server: Handle) -> None:
        made = [(await submit(client, lines(2))).id for _ in range(5)]
        await client.close()
        await asyncio.sleep(0.3)
        async with openai.AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0) as another:
            first = await another.batches.list(limit=2)
            assert [batch.id for batch in first.data] == made[:2:-1]
            assert first.has_more is True
            assert [batch.id async for batch in another.batches.list(limit=2)] == made[::-1]
            assert {batch.status for batch in first.data} == {"completed"}
            with pytest.raises(openai.BadRequestError, match="limit"):
                await another.batches.list(limit=101)

    with_client(Faults(), use)


def test_files_are_kept_until_deleted() -> None:
    """Retrieved, read back byte for byte, deleted, gone."""

    async def use(client: openai.AsyncOpenAI, _server: Handle) -> None:
        file = await client.files.create(file=("in.jsonl", b"\x00\xff\n"), purpose="batch")
        assert (await client.files.retrieve(file.id)).status == "processed"
        assert (await client.files.content(file.id)).content == b"\x00\xff\n"
        assert (await client.files.delete(file.id)).deleted is True
        with pytest.raises(openai.NotFoundError):
            await client.files.retrieve(file.id)
        with pytest.raises(openai.BadRequestError, match="purpose"):
            await client.files.create(file=("in.jsonl", b"{}"), purpose="user_data")
        with pytest.raises(openai.BadRequestError, match="No such File"):
            await client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")

    with_client(Faults(), use)
