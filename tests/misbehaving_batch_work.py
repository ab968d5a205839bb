"""One batch from its input file to its output and error files, as the misbehaving server works it off.

A batch is checked as a whole (any bad line fails it, as at OpenAI), then its requests are answered one by one
while its time passes, so that a cancelled one is left half done. Error codes are those that OpenAI reports;
only that of a file too large is a guess. A request that fails is a line in the error file with the status in
its `response`; one that never ran has no `response` but an `error`. (Rejected: all answers at the end, which
makes progress and cancelling untrue.)
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from misbehaving_faults import CONTENT_KINDS, Faults, batch_fault_for, draw, fault_for, request_digest
from misbehaving_ledger import Ledger
from misbehaving_replies import completed

from castwright.generators.models.completions import RefusedRequestError, read_request

ENDPOINT = "/v1/chat/completions"
WINDOW_SECONDS = 24 * 3600

_NOT_RUN = {
    "expired": ("batch_expired", "This request could not be executed before the completion window expired."),
    "cancelled": ("batch_cancelled", "This batch was cancelled before this request was executed."),
}
_FAILED = {
    "bad_request": (400, "Invalid prompt: this server takes no messages like these.", "invalid_prompt"),
    "rate_limited": (429, "Rate limit reached on requests per min.", "rate_limit_exceeded"),
    "server_error": (500, "The server had an error while processing your request.", None),
}
_SHARES_OF_TIME = {"validating": 0.1, "in_progress": 0.8, "finalizing": 0.1}


@dataclass(slots=True)
class Batch:
    """A batch: what was asked, and how far it is. Times are whole seconds since the epoch."""

    id: str
    input_file_id: str
    metadata: dict[str, str] | None
    faults: Faults
    created: int
    requests: list[dict[str, Any]] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    status: str = "validating"
    reached: dict[str, int] = field(default_factory=dict)
    good: list[bytes] = field(default_factory=list)
    bad: list[bytes] = field(default_factory=list)
    started: int = 0
    tokens: tuple[int, int] = (0, 0)
    output_file_id: str | None = None
    error_file_id: str | None = None

    def reach(self, status: str) -> None:
        """Move on to a status, and note when."""
        self.status = status
        self.reached[f"{status}_at"] = int(time.time())

    def data(self) -> dict[str, Any]:
        """Return the batch object in OpenAI's shape."""
        when = dict.fromkeys(
            f"{status}_at"
            for status in ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
        )
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": ENDPOINT,
            "model": self.requests[0]["body"]["model"] if self.requests and not self.problems else None,
            "errors": {"object": "list", "data": self.problems} if self.status == "failed" else None,
            "input_file_id": self.input_file_id,
            "completion_window": "24h",
            "status": self.status,
            "output_file_id": self.output_file_id,
            "error_file_id": self.error_file_id,
            "created_at": self.created,
            "expires_at": self.created + WINDOW_SECONDS,
            **when,
            **self.reached,
            "request_counts": {
                "total": 0 if self.status in ("validating", "failed") else len(self.requests),
                "completed": len(self.good),
                "failed": len(self.bad),
            },
            "usage": {
                "input_tokens": self.tokens[0],
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": self.tokens[1],
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": sum(self.tokens),
            },
            "metadata": self.metadata,
        }


def check(content: bytes, faults: Faults) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the requests in an input file, and what is wrong with it (in OpenAI's `errors.data`)."""
    limits = faults.batches
    if len(content) > limits.most_bytes:
        return [], [_problem("file_too_large", f"The input file is larger than {limits.most_bytes} bytes.")]
    lines = [line for line in content.split(b"\n") if line.strip()]
    if not lines:
        return [], [_problem("empty_file", "The input file is empty.")]
    if len(lines) > limits.most_requests:
        words = f"The input file holds {len(lines)} requests; the most are {limits.most_requests}."
        return [], [_problem("too_many_tasks", words)]
    requests: list[dict[str, Any]] = []
    problems: list[dict[str, Any]] = []
    seen: set[str] = set()
    model: str | None = None
    for number, line in enumerate(lines, start=1):
        request = _parsed(line)
        problem = _line_problem(request, seen, model, faults, number)
        if problem is not None:
            problems.append(problem)
        elif request is not None:
            seen.add(request["custom_id"])
            model = model or request["body"]["model"]
            requests.append(request)
    return requests, problems


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        data = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return data if isinstance(data, dict) else None


def _line_problem(
    request: dict[str, Any] | None, seen: set[str], model: str | None, faults: Faults, number: int
) -> dict[str, Any] | None:
    if request is None:
        return _problem("invalid_json_line", "This line is not parseable as valid JSON.", number)
    wanted: dict[str, type] = {"custom_id": str, "method": str, "url": str, "body": dict}
    for name, kind in wanted.items():
        if not isinstance(request.get(name), kind):
            return _problem("missing_required_parameter", f"Missing required parameter: '{name}'.", number, name)
    if request["custom_id"] in seen:
        words = "The custom_id for this request is a duplicate of another request; it must be unique in a batch."
        return _problem("duplicate_custom_id", words, number, "custom_id")
    if request["method"] != "POST" or request["url"] != ENDPOINT:
        return _problem("url_mismatch", f"The request is not for POST {ENDPOINT}.", number, "url")
    named = request["body"].get("model")
    if named not in faults.models:
        return _problem("model_not_found", f"The model {named!r} does not exist.", number, "body.model")
    if model is not None and named != model:
        return _problem("model_mismatch", "All requests of a batch must be for one model.", number, "body.model")
    return None


def _problem(code: str, message: str, line: int | None = None, param: str | None = None) -> dict[str, Any]:
    return {"code": code, "line": line, "message": message, "param": param}


async def work(batch: Batch, ledger: Ledger) -> None:
    """Take a batch through its statuses, in its own time, to just before it is finished."""
    seconds = batch.faults.batches.seconds
    await asyncio.sleep(seconds * _SHARES_OF_TIME["validating"])
    if batch.problems:
        batch.reach("failed")
        return
    batch.reach("in_progress")
    size = max(1, min(50, len(batch.requests) // 20))
    pause = seconds * _SHARES_OF_TIME["in_progress"] * size / len(batch.requests)
    for request in batch.requests:
        _run(batch, request, ledger)
        if batch.started % size == 0:
            await asyncio.sleep(pause)
    batch.reach("finalizing")
    await asyncio.sleep(seconds * _SHARES_OF_TIME["finalizing"])


def finish(batch: Batch) -> Iterator[tuple[str, bytes]]:
    """End a batch, and yield the kind ("output" or "error") and content of each file it leaves."""
    for request in batch.requests[batch.started :]:
        batch.bad.append(_line(batch, request, error=_NOT_RUN["cancelled"]))
    if batch.faults.batches.shuffled:
        random.Random(f"{batch.faults.seed}:{batch.id}").shuffle(batch.good)
    for kind, lines in (("output", batch.good), ("error", batch.bad)):
        if lines:
            yield kind, b"".join(line + b"\n" for line in lines)


def _run(batch: Batch, request: dict[str, Any], ledger: Ledger) -> None:
    """Answer one request, into the good or the bad lines."""
    batch.started += 1
    faults, body = batch.faults, request["body"]
    try:
        asked = read_request(orjson.dumps(body), body["model"])
    except RefusedRequestError as refused:
        batch.bad.append(_line(batch, request, refused.status, refused.body()))
        return
    digest = request_digest(body["model"], asked.messages, asked.seed)
    number = len(ledger.batch_history.get(digest, ())) + 1
    kind: str = batch_fault_for(faults, digest, number)
    if kind == "ok" and (content := fault_for(faults, digest, number)) in CONTENT_KINDS:
        kind = content
    ledger.batched(digest, kind)
    if kind == "expired":
        batch.bad.append(_line(batch, request, error=_NOT_RUN[kind]))
    elif kind in _FAILED:
        status, words, code = _FAILED[kind]
        error = {"message": words, "type": "invalid_request_error", "param": None, "code": code}
        batch.bad.append(_line(batch, request, status, {"error": error}))
    else:
        reply = completed(asked, body["model"], kind, draw(faults.seed, digest, number, "form"))
        ledger.bill_batch(reply["usage"])
        batch.tokens = (
            batch.tokens[0] + reply["usage"]["prompt_tokens"],
            batch.tokens[1] + reply["usage"]["completion_tokens"],
        )
        batch.good.append(_line(batch, request, 200, reply))


def _line(
    batch: Batch,
    request: dict[str, Any],
    status: int | None = None,
    body: dict[str, Any] | None = None,
    error: tuple[str, str] | None = None,
) -> bytes:
    number = f"{len(batch.good) + len(batch.bad) + 1:06d}"
    ran = {"status_code": status, "request_id": f"req_{batch.id}_{number}", "body": body}
    return orjson.dumps(
        {
            "id": f"batch_req_{batch.id}_{number}",
            "custom_id": request["custom_id"],
            "response": None if status is None else ran,
            "error": None if error is None else {"code": error[0], "message": error[1]},
        }
    )
