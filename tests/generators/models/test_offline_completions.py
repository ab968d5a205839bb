"""The chat-completions format that the offline server speaks, without a socket."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from castwright.generators.models.chat import read_reply
from castwright.generators.models.completions import (
    RefusedRequestError,
    Request,
    chunks,
    completion,
    model_list,
    read_request,
)

HELLO = [{"role": "user", "content": "Hello"}]


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "offline", "messages": HELLO, **fields}).encode()


def test_a_plain_request_is_read() -> None:
    """Defaults: one choice, sample 0, no stream; unknown parameters change nothing."""
    assert read_request(body(temperature=0.3, tools=[]), "offline") == Request(HELLO)
    assert read_request(body(seed=4, n=2, stream=True, stream_options={"include_usage": True}), "offline") == Request(
        HELLO, seed=4, choices=2, stream=True, stream_usage=True
    )


def test_content_in_parts_is_joined() -> None:
    """A list of text parts is one text."""
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]
    assert read_request(body(messages=[{"role": "user", "content": parts}]), "offline").messages == HELLO


@pytest.mark.parametrize("kind", ["text", "json_object", "json_schema"])
def test_every_response_format_is_accepted(kind: str) -> None:
    """The offline model writes what the prompt asks for either way."""
    assert read_request(body(response_format={"type": kind}), "offline").choices == 1


@pytest.mark.parametrize(
    ("raw", "status", "param", "words"),
    [
        pytest.param(b"{", 400, None, "not valid JSON", id="broken json"),
        pytest.param(b"\xff\xfe", 400, None, "not valid JSON", id="no utf-8"),
        pytest.param(b"[]", 400, None, "must be a JSON object", id="a list"),
        pytest.param(body(model="gpt"), 404, "model", "'gpt' does not exist; this server has 'offline'", id="model"),
        pytest.param(b"{}", 404, "model", "None does not exist", id="no model"),
        pytest.param(body(messages=[]), 400, "messages", "at least one message", id="no messages"),
        pytest.param(body(messages="hi"), 400, "messages", "must be a list", id="a text for messages"),
        pytest.param(body(messages=["hi"]), 400, "messages[0].role", "must be one of", id="a text for a message"),
        pytest.param(
            body(messages=[*HELLO, {"role": "judge", "content": ""}]),
            400,
            "messages[1].role",
            "must be one",
            id="role",
        ),
        pytest.param(
            body(messages=[{"role": "user", "content": 5}]),
            400,
            "messages[0].content",
            "must be a text",
            id="number",
        ),
        pytest.param(
            body(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]),
            400,
            "messages[0].content",
            "text parts only",
            id="picture",
        ),
        pytest.param(body(n=0), 400, "n", "between 1 and 128", id="no choices"),
        pytest.param(body(n=129), 400, "n", "between 1 and 128", id="too many choices"),
        pytest.param(body(n="2"), 400, "n", "whole number", id="n as text"),
        pytest.param(body(seed=1.5), 400, "seed", "whole number", id="half a seed"),
        pytest.param(body(seed=True), 400, "seed", "whole number", id="a flag for a seed"),
        pytest.param(body(response_format={"type": "xml"}), 400, "response_format", "json_schema", id="format"),
        pytest.param(body(response_format="json"), 400, "response_format", "json_schema", id="format as text"),
    ],
)
def test_a_wrong_request_is_refused_in_openais_shape(raw: bytes, status: int, param: str | None, words: str) -> None:
    """Status, parameter and words of each refusal."""
    with pytest.raises(RefusedRequestError) as caught:
        read_request(raw, "offline")
    error = caught.value.body()["error"]
    assert (caught.value.status, error["param"]) == (status, param)
    assert words in error["message"]
    assert set(error) == {"message", "type", "param", "code"}


@given(st.binary(max_size=60) | st.recursive(st.none() | st.text(), st.lists).map(lambda d: json.dumps(d).encode()))
def test_no_wild_body_does_anything_but_be_refused(raw: bytes) -> None:
    """Whatever comes in, nothing else is raised."""
    with pytest.raises(RefusedRequestError) as caught:
        read_request(raw, "offline")
    assert caught.value.status in (400, 404)


def test_a_completion_is_what_the_openai_client_expects_and_our_own_reads() -> None:
    """It validates as openai's own type, and comes back as the answer it was made from."""
    made = completion(Request(HELLO, choices=2), "offline", ["Good day.", "Hello."])
    parsed = ChatCompletion.model_validate(made, strict=True)
    assert [choice.message.content for choice in parsed.choices] == ["Good day.", "Hello."]
    assert parsed.usage is not None
    assert parsed.usage.total_tokens == parsed.usage.prompt_tokens + parsed.usage.completion_tokens == 2 + 5
    answer = read_reply(orjson.dumps(made).decode())
    assert getattr(answer, "text", None) == "Good day."


def test_the_same_request_gives_the_same_bytes() -> None:
    """No clock and no chance in the reply; another seed has another id."""
    first, second = (completion(Request(HELLO), "offline", ["Hi."]) for _ in range(2))
    assert first == second
    assert completion(Request(HELLO, seed=1), "offline", ["Hi."])["id"] != first["id"]


@given(st.lists(st.text(), min_size=1, max_size=3), st.booleans())
def test_a_streams_pieces_make_up_the_texts(texts: list[str], usage: bool) -> None:
    """Every event validates as openai's own chunk type; joined per choice the deltas are the texts."""
    request = Request(HELLO, choices=len(texts), stream=True, stream_usage=usage)
    *events, last = list(chunks(request, "offline", texts))
    assert last == b"data: [DONE]\n\n"
    joined = [""] * len(texts)
    parsed = [ChatCompletionChunk.model_validate(orjson.loads(event.removeprefix(b"data: "))) for event in events]
    for chunk in parsed:
        for choice in chunk.choices:
            joined[choice.index] += choice.delta.content or ""
    assert joined == texts
    assert (parsed[-1].usage is not None) is usage
    assert [c.finish_reason for chunk in parsed for c in chunk.choices].count("stop") == len(texts)


def test_the_model_list_names_the_one_model() -> None:
    """As `client.models.list()` reads it."""
    assert [model["id"] for model in model_list("offline")["data"]] == ["offline"]
