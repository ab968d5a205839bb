"""What an OpenAI-compatible server says: replies, chunks and errors, as plain data.

Pure functions from the body of a request to the body of a response, so that the format is tested without a
socket; `server` only carries the bytes. Requests are checked as far as a client of ours, or a stranger's,
could get them wrong; parameters that the offline model has no use for (temperature, tools, ...) are accepted
and change nothing, as on any small local server.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from castwright.generators.models.answer import estimate_tokens
from castwright.generators.prompt import Message

CREATED = 0
"""The `created` time of all we send: the same request gives the same bytes."""

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_FORMATS = frozenset({"text", "json_object", "json_schema"})
_MOST_CHOICES = 128


@dataclass(eq=False)
class RefusedRequestError(Exception):
    """A request that cannot be answered, in OpenAI's terms."""

    status: int
    message: str
    param: str | None = None
    code: str | None = None

    def body(self) -> dict[str, Any]:
        """Return the error body, in OpenAI's shape."""
        error = {
            "message": self.message,
            "type": "invalid_request_error",
            "param": self.param,
            "code": self.code,
        }
        return {"error": error}


@dataclass(frozen=True, slots=True)
class Request:
    """A checked request. `seed` is used as the sample index of the first choice."""

    messages: list[Message]
    seed: int = 0
    choices: int = 1
    stream: bool = False
    stream_usage: bool = False


def read_request(body: bytes, model: str) -> Request:
    """Return the request in a body.

    Raises:
        RefusedRequestError: it is no JSON object, names another model, or a field has a wrong type or value.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusedRequestError(400, f"the body is not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise RefusedRequestError(400, "the body must be a JSON object")
    if data.get("model") != model:
        raise RefusedRequestError(
            404,
            f"the model {data.get('model')!r} does not exist; this server has {model!r}",
            "model",
            "model_not_found",
        )
    choices = _whole(data, "n", 1)
    if not 1 <= choices <= _MOST_CHOICES:
        raise RefusedRequestError(400, f"n must be between 1 and {_MOST_CHOICES}, not {choices}", "n")
    response_format = data.get("response_format")
    if response_format is not None and (
        not isinstance(response_format, dict) or response_format.get("type") not in _FORMATS
    ):
        raise RefusedRequestError(
            400, "response_format.type must be text, json_object or json_schema", "response_format"
        )
    options = data.get("stream_options") or {}
    return Request(
        messages=_messages(data.get("messages")),
        seed=_whole(data, "seed", 0),
        choices=choices,
        stream=data.get("stream") is True,
        stream_usage=isinstance(options, dict) and options.get("include_usage") is True,
    )


def _whole(data: dict[str, Any], name: str, default: int) -> int:
    value = data.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise RefusedRequestError(400, f"{name} must be a whole number, not {value!r}", name)
    return value


def _messages(value: Any) -> list[Message]:
    if not isinstance(value, list) or not value:
        raise RefusedRequestError(400, "messages must be a list with at least one message", "messages")
    return [_message(item, f"messages[{i}]") for i, item in enumerate(value)]


def _message(item: Any, place: str) -> Message:
    if not isinstance(item, dict) or item.get("role") not in _ROLES:
        raise RefusedRequestError(400, f"{place}.role must be one of {', '.join(sorted(_ROLES))}", f"{place}.role")
    content = item.get("content")
    if isinstance(content, list):
        parts = [str(p["text"]) for p in content if isinstance(p, dict) and isinstance(p.get("text"), str)]
        if len(parts) != len(content):
            raise RefusedRequestError(400, f"{place}.content may hold text parts only", f"{place}.content")
        content = "".join(parts)
    if not isinstance(content, str):
        raise RefusedRequestError(400, f"{place}.content must be a text or a list of text parts", f"{place}.content")
    return {"role": item["role"], "content": content}


def completion(request: Request, model: str, texts: list[str]) -> dict[str, Any]:
    """Return the `chat.completion` object for the texts of a request's choices."""
    return {
        "id": _id(request, model),
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [
            {
                "index": i,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
            for i, text in enumerate(texts)
        ],
        "usage": _usage(request, texts),
    }


def chunks(request: Request, model: str, texts: list[str]) -> Iterator[bytes]:
    """Yield the server-sent events of a streamed completion: choice by choice, a word at a time."""
    head = {"id": _id(request, model), "object": "chat.completion.chunk", "created": CREATED, "model": model}

    def event(choices: list[dict[str, Any]], **more: Any) -> bytes:
        return b"data: " + orjson.dumps({**head, "choices": choices, **more}) + b"\n\n"

    for i, text in enumerate(texts):
        yield event([{"index": i, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
        for word in _words(text):
            yield event([{"index": i, "delta": {"content": word}, "finish_reason": None}])
        yield event([{"index": i, "delta": {}, "finish_reason": "stop"}])
    if request.stream_usage:
        yield event([], usage=_usage(request, texts))
    yield b"data: [DONE]\n\n"


def _words(text: str) -> Iterator[str]:
    """Yield the text in pieces that end after each space; joined they are the text."""
    start = 0
    while start < len(text):
        space = text.find(" ", start)
        end = len(text) if space < 0 else space + 1
        yield text[start:end]
        start = end


def model_list(model: str) -> dict[str, Any]:
    """Return the answer to `GET /v1/models`."""
    return {
        "object": "list",
        "data": [{"id": model, "object": "model", "created": CREATED, "owned_by": "castwright"}],
    }


def _id(request: Request, model: str) -> str:
    digest = hashlib.sha256(orjson.dumps([model, request.messages, request.seed, request.choices]))
    return f"chatcmpl-{digest.hexdigest()[:24]}"


def _usage(request: Request, texts: list[str]) -> dict[str, int]:
    asked = sum(estimate_tokens(message["content"]) for message in request.messages)
    written = sum(map(estimate_tokens, texts))
    return {"prompt_tokens": asked, "completion_tokens": written, "total_tokens": asked + written}
