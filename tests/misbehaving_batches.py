"""The Batch and Files API of the misbehaving server, in OpenAI's shapes.

Everything lives in memory for as long as the server does, and on no clock but its own: a client may upload,
create, die, and find its batch by the metadata it gave it, as with a provider. Connections are dropped after
the work was done, which is the case that makes clients pay twice. What happens inside a batch is in
`misbehaving_batch_work`. (Rejected: batches that finish when they are polled; then nothing goes on while a
killed client is away.)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web
from misbehaving_batch_work import ENDPOINT, Batch, check, finish, work
from misbehaving_faults import Faults
from misbehaving_ledger import Ledger
from misbehaving_replies import as_json, half, hang_up

from castwright.generators.models.completions import RefusedRequestError

JSONL = "application/jsonl"
_MOST_LISTED = 100
_ENDED = frozenset({"failed", "completed", "expired", "cancelled"})


class BatchRoom:
    """The files and batches of one server."""

    def __init__(self, plan: Callable[[], Faults], ledger: Ledger) -> None:
        self._plan, self._ledger = plan, ledger
        self._files: dict[str, dict[str, Any]] = {}
        self._contents: dict[str, bytes] = {}
        self._batches: dict[str, Batch] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._numbers = 0

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add all routes."""
        router.add_post("/v1/files", self._upload)
        router.add_get("/v1/files", self._list_files)
        router.add_get("/v1/files/{id}", self._file)
        router.add_delete("/v1/files/{id}", self._delete_file)
        router.add_get("/v1/files/{id}/content", self._content)
        router.add_post("/v1/batches", self._create)
        router.add_get("/v1/batches", self._list_batches)
        router.add_get("/v1/batches/{id}", self._batch)
        router.add_post("/v1/batches/{id}/cancel", self._cancel)

    def clear(self) -> None:
        """Stop and forget everything. Ids go on, so that an old one never names something new."""
        for task in self._tasks.values():
            task.cancel()
        for kept in (self._files, self._contents, self._batches, self._tasks):
            kept.clear()

    def _new_id(self, kind: str) -> str:
        self._numbers += 1
        return f"{kind}{self._numbers:08d}"

    # Files

    async def _upload(self, http: web.Request) -> web.StreamResponse:
        if not http.content_type.startswith("multipart/"):
            raise RefusedRequestError(400, "upload a file as multipart/form-data", "file")
        parts: dict[str, tuple[str, bytes]] = {}
        async for part in await http.multipart():
            # A body part, not a nested multipart: OpenAI's form is flat.
            name, filename = getattr(part, "name", None), getattr(part, "filename", None)
            parts[str(name)] = (str(filename or ""), bytes(await part.read()))  # type: ignore[union-attr]
        if "file" not in parts:
            raise RefusedRequestError(400, "'file' is a required property", "file")
        purpose = parts.get("purpose", ("", b""))[1].decode()
        if purpose != "batch":
            raise RefusedRequestError(400, f"this server takes files with purpose 'batch', not {purpose!r}", "purpose")
        made = self._keep(parts["file"][0], parts["file"][1], purpose)
        self._ledger.uploads += 1
        return await self._answer(http, made, self._ledger.uploads <= self._plan().batches.drop_uploads)

    def _keep(self, name: str, content: bytes, purpose: str) -> dict[str, Any]:
        file_id = self._new_id("file-")
        made = {
            "id": file_id,
            "object": "file",
            "bytes": len(content),
            "created_at": int(time.time()),
            "expires_at": None,
            "filename": name,
            "purpose": purpose,
            "status": "processed",
            "status_details": None,
        }
        self._files[file_id], self._contents[file_id] = made, content
        return made

    async def _list_files(self, http: web.Request) -> web.Response:
        purpose = http.query.get("purpose")
        wanted = [file for file in self._files.values() if purpose in (None, file["purpose"])]
        return _page(http, wanted[::-1], 10_000)

    def _file_id(self, http: web.Request) -> str:
        file_id = http.match_info["id"]
        if file_id not in self._files:
            raise RefusedRequestError(404, f"No such File object: {file_id}", "id")
        return file_id

    async def _file(self, http: web.Request) -> web.Response:
        return as_json(self._files[self._file_id(http)])

    async def _delete_file(self, http: web.Request) -> web.Response:
        file_id = self._file_id(http)
        del self._files[file_id], self._contents[file_id]
        return as_json({"id": file_id, "object": "file", "deleted": True})

    async def _content(self, http: web.Request) -> web.StreamResponse:
        content = self._contents[self._file_id(http)]
        self._ledger.downloads += 1
        if self._ledger.downloads <= self._plan().batches.drop_downloads:
            return await half(http, content, JSONL)
        return web.Response(body=content, content_type=JSONL)

    # Batches

    async def _create(self, http: web.Request) -> web.StreamResponse:
        try:
            asked = orjson.loads(await http.read())
        except orjson.JSONDecodeError:
            asked = None
        if not isinstance(asked, dict):
            raise RefusedRequestError(400, "the body must be a JSON object")
        batch = self._created(asked, self._plan())
        self._batches[batch.id] = batch
        self._tasks[batch.id] = asyncio.create_task(self._work(batch))
        self._ledger.batches += 1
        return await self._answer(http, batch.data(), self._ledger.batches <= batch.faults.batches.drop_creates)

    def _created(self, asked: dict[str, Any], faults: Faults) -> Batch:
        if asked.get("endpoint") != ENDPOINT:
            raise RefusedRequestError(400, f"Invalid value for endpoint; this server has {ENDPOINT}", "endpoint")
        if asked.get("completion_window") != "24h":
            raise RefusedRequestError(400, "Invalid value for completion_window: only '24h'", "completion_window")
        file_id = asked.get("input_file_id")
        if not isinstance(file_id, str) or file_id not in self._files:
            raise RefusedRequestError(400, f"No such File object: {file_id}", "input_file_id")
        metadata = asked.get("metadata")
        if metadata is not None and not _is_metadata(metadata):
            words = "metadata takes at most 16 pairs of texts, keys up to 64 and values up to 512 characters"
            raise RefusedRequestError(400, words, "metadata")
        requests, problems = check(self._contents[file_id], faults)
        return Batch(
            self._new_id("batch_"), file_id, metadata, faults, int(time.time()), requests=requests, problems=problems
        )

    async def _work(self, batch: Batch) -> None:
        await work(batch, self._ledger)
        if batch.status != "failed":
            expired = any(b'"batch_expired"' in line for line in batch.bad)
            self._finish(batch, "expired" if expired else "completed")

    def _finish(self, batch: Batch, status: str) -> None:
        for kind, content in finish(batch):
            made = self._keep(f"{batch.id}_{kind}.jsonl", content, "batch_output")
            if kind == "output":
                batch.output_file_id = made["id"]
            else:
                batch.error_file_id = made["id"]
        batch.reach(status)

    def _found(self, http: web.Request) -> Batch:
        batch = self._batches.get(http.match_info["id"])
        if batch is None:
            raise RefusedRequestError(404, f"No batch found with id '{http.match_info['id']}'.", "id")
        return batch

    async def _batch(self, http: web.Request) -> web.Response:
        return as_json(self._found(http).data())

    async def _list_batches(self, http: web.Request) -> web.Response:
        return _page(http, [batch.data() for batch in reversed(self._batches.values())], 20)

    async def _cancel(self, http: web.Request) -> web.Response:
        batch = self._found(http)
        if batch.status in _ENDED:
            raise RefusedRequestError(409, f"Cannot cancel a batch with status '{batch.status}'.", "id")
        if batch.status != "cancelling":
            self._tasks[batch.id].cancel()
            batch.reach("cancelling")
            self._tasks[batch.id] = asyncio.create_task(self._cancelled(batch))
        return as_json(batch.data())

    async def _cancelled(self, batch: Batch) -> None:
        await asyncio.sleep(batch.faults.batches.seconds / 10)
        self._finish(batch, "cancelled")

    async def _answer(self, http: web.Request, made: dict[str, Any], drop: bool) -> web.StreamResponse:
        if drop:
            await hang_up(http, reset=False)
        return as_json(made)


def _is_metadata(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= 16
        and all(isinstance(v, str) and len(k) <= 64 and len(v) <= 512 for k, v in value.items())
    )


def _page(http: web.Request, newest_first: list[dict[str, Any]], default: int) -> web.Response:
    """Return one page of a list: up to `limit` objects behind the one named by `after`."""
    raw, after = http.query.get("limit", str(default)), http.query.get("after")
    if not raw.isdecimal() or not 1 <= int(raw) <= max(default, _MOST_LISTED):
        raise RefusedRequestError(
            400, f"limit must be between 1 and {max(default, _MOST_LISTED)}, not {raw!r}", "limit"
        )
    ids = [item["id"] for item in newest_first]
    if after is not None and after not in ids:
        raise RefusedRequestError(400, f"no object with id {after!r} to go on after", "after")
    start = ids.index(after) + 1 if after is not None else 0
    page = newest_first[start : start + int(raw)]
    return as_json(
        {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": start + len(page) < len(newest_first),
        }
    )
