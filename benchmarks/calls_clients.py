"""The bare loops of the model-call benchmark: no parsing, no saving, nothing kept but the texts.

They are limits, not tools: what is left of a call when a row may be lost. aiohttp's is the least that a Python
client can spend; `AsyncOpenAI`'s is what most people write first. All hold at most `in_flight` calls open with a
semaphore, as their documentation shows. (Rejected: a fixed set of workers pulling from a queue, which is leaner
but is not what anybody compares with.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from calls_job import Job
from calls_rows import MODEL, Row
from engine import Ready

Ask = Callable[[str], Awaitable[str | None]]


def bare_aiohttp(job: Job) -> Ready:
    """One `ClientSession`, POST, the body read by orjson."""
    import aiohttp
    import orjson

    async def run() -> list[Row]:
        connector = aiohttp.TCPConnector(limit=0)
        headers = {"content-type": "application/json", "authorization": "Bearer none"}
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

            async def ask(prompt: str) -> str | None:
                body = orjson.dumps({"model": MODEL, "messages": [{"role": "user", "content": prompt}]})
                async with session.post(f"{job.url}/chat/completions", data=body) as answer:
                    return str(orjson.loads(await answer.read())["choices"][0]["message"]["content"])

            return await _all_rows(job, ask)

    return Ready(lambda: asyncio.run(run()), list)


def bare_openai(job: Job) -> Ready:
    """`chat.completions.create` of an `AsyncOpenAI` as it comes."""
    return _openai(job)


def bare_openai_aiohttp(job: Job) -> Ready:
    """The same over the client's aiohttp transport."""
    from openai import DefaultAioHttpClient

    return _openai(job, http_client=DefaultAioHttpClient())


def _openai(job: Job, **settings: Any) -> Ready:
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=job.url, api_key="none", **settings)
    create = client.chat.completions.create  # looked up here, because the first look-up imports half the package

    async def run() -> list[Row]:
        async def ask(prompt: str) -> str | None:
            made = await create(model=MODEL, messages=[{"role": "user", "content": prompt}])
            return str(made.choices[0].message.content)

        async with client:
            return await _all_rows(job, ask)

    return Ready(lambda: asyncio.run(run()), list)


async def _all_rows(job: Job, ask: Ask) -> list[Row]:
    slots = asyncio.Semaphore(job.in_flight)

    async def one(row: Row) -> Row:
        async with slots:
            text = await ask(row["instruction"])
        job.first_row()
        return {"n": row["n"], "reply": text}

    return list(await asyncio.gather(*(one(row) for row in job.rows)))
