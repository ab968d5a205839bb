"""The chat-completions format: the body of a request, the text of a reply.

Pure functions on plain dicts, so that the format can be read and tested without a client or a server. The
reply is read with a forgiving eye (a missing `usage`, content in parts) and an honest one: what is no reply
is said to be none, with the words that came instead.
"""

from __future__ import annotations

from typing import Any, Literal

import orjson

from castwright.generators.calls.journal import Reply
from castwright.generators.models.config import OpenAIModel
from castwright.generators.models.faults import Fault, excerpt, server_words
from castwright.generators.prompt import Message

JsonMode = Literal["schema", "object", "off"]
JSON_MODES: tuple[JsonMode, ...] = ("schema", "object", "off")

_RESEED = 1_000_003
"""The step between the seeds of one sample's retries: a prime above any sample index in use."""


def request_body(
    block: OpenAIModel,
    messages: list[Message],
    sample: int,
    schema: dict[str, Any] | None = None,
    mode: JsonMode = "off",
    *,
    reseed: int = 0,
) -> dict[str, Any]:
    """Return the JSON body of one call.

    `seed` is the sample index, moved on by `reseed` (the number of empty replies so far), so that a server
    that honours it gives the same reply again. What is None is left out; `extra_body` has the last word.
    """
    body: dict[str, Any] = {
        "model": block.model,
        "messages": messages,
        "seed": sample + _RESEED * reseed,
        "temperature": block.temperature,
        "top_p": block.top_p,
        "max_tokens": block.max_tokens,
        "response_format": _response_format(schema, mode),
        **block.extra_body,
    }
    return {key: value for key, value in body.items() if value is not None}


def _response_format(schema: dict[str, Any] | None, mode: JsonMode) -> dict[str, Any] | None:
    if schema is None or mode == "off":
        return None
    if mode == "object":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def read_reply(body: str | bytes) -> Reply | Fault:
    """Return the reply in the body of a 200, or the fault that it is.

    Malformed JSON and JSON of another shape are worth another attempt: both come from proxies and from
    servers that were cut off. Some gateways put an error body under a 200; its words are passed on.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Fault("retry", f"the reply is no JSON: {excerpt(_words(body))!r}", lost=True)
    try:
        choice = data["choices"][0]
        text = _text_of(choice["message"].get("content"))
        finish = choice.get("finish_reason")
        usage = data.get("usage") or {}
        tokens = (int(usage.get("prompt_tokens") or 0), _cached(usage), int(usage.get("completion_tokens") or 0))
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        return Fault("retry", f"the reply holds no message: {server_words(_words(body))}", lost=True)
    return Reply(text or "", finish, *tokens)


def _cached(usage: dict[str, Any]) -> int:
    details = usage.get("prompt_tokens_details") or {}
    return int(details.get("cached_tokens") or 0)


def _words(body: str | bytes) -> str:
    return body if isinstance(body, str) else body.decode("utf-8", errors="replace")


def _text_of(content: Any) -> str | None:
    """Return the text of a message's content, which is a text, a list of parts, or None."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return content if isinstance(content, str) else None
