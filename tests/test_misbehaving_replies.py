"""The misbehaving server's replies: every kind of fault is on the wire what it is said to be, and is counted."""

from __future__ import annotations

import asyncio
import time
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import pytest
import requests
from misbehaving import Faults, Handle, misbehaving
from misbehaving_faults import Kind

from castwright.generators.offline.reply import reply


def ask(text: str = "Where is the harbour?", **more: Any) -> dict[str, Any]:
    return {"model": "offline", "messages": [{"role": "user", "content": text}], **more}


def post(server: Handle, body: dict[str, Any], *, timeout: float = 10.0) -> requests.Response:
    return requests.post(f"{server.url}/chat/completions", json=body, timeout=timeout)


def always(kind: Kind, **settings: Any) -> Faults:
    shares: dict[str, Any] = {kind: 1.0}
    return Faults(**shares, **settings)


def settled(server: Handle) -> dict[str, Any]:
    """Return the stats once the server has noticed that nobody waits any more."""
    deadline = time.monotonic() + 10
    while (stats := server.stats())["in_flight"] and time.monotonic() < deadline:
        time.sleep(0.02)
    return stats


def seconds_until(date: str) -> float:
    return parsedate_to_datetime(date).timestamp() - time.time()


def test_without_faults_it_is_the_offline_model() -> None:
    """The same text, counted once and billed as its usage says."""
    with misbehaving() as server:
        body = post(server, ask(seed=4)).json()
        stats = server.stats()
    assert body["choices"][0]["message"]["content"] == reply(ask()["messages"], sample=4)
    assert (stats["requests"], stats["contents_answered"], stats["kinds"]) == (1, 1, {"ok": 1})
    assert (stats["tokens_in"], stats["tokens_out"]) == tuple(
        body["usage"][name] for name in ("prompt_tokens", "completion_tokens")
    )
    assert stats["authorization_seen"] is False


@pytest.mark.parametrize(
    ("form", "header", "read"),
    [
        pytest.param("seconds", "retry-after", float, id="in seconds"),
        pytest.param("milliseconds", "retry-after-ms", lambda value: float(value) / 1000, id="in milliseconds"),
        pytest.param("date", "retry-after", seconds_until, id="as a date"),
    ],
)
def test_a_rate_limit_says_how_long_to_wait(form: Any, header: str, read: Any) -> None:
    """In each of the three ways in which servers say it; a date is good to a second."""
    with misbehaving(always("rate_limited", retry_after=30.0, retry_after_form=form)) as server:
        response = post(server, ask())
    assert response.status_code == 429
    assert response.json()["error"]["code"] == "rate_limit_exceeded"
    assert read(response.headers[header]) == pytest.approx(30.0, abs=2.0)


def test_server_errors_come_in_three_statuses() -> None:
    """500 and 503 in OpenAI's shape, 502 as a proxy's page."""
    with misbehaving(always("server_error")) as server:
        seen = {r.status_code: r for r in (post(server, ask(f"Question {i}")) for i in range(24))}
    assert set(seen) == {500, 502, 503}
    assert seen[502].headers["content-type"].startswith("text/html")
    assert seen[500].json()["error"]["type"] == "server_error"


async def _raw(url: str, body: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """Return the headers and all bytes of the body that come before the connection ends."""
    got = b""
    async with aiohttp.ClientSession() as session, session.post(url + "/chat/completions", json=body) as response:
        try:
            async for chunk in response.content.iter_any():
                got += chunk
        except aiohttp.ClientPayloadError:
            return dict(response.headers), got
    raise AssertionError("the body came whole")


def test_a_drop_comes_in_the_middle_of_the_body() -> None:
    """The promised length is that of the good reply, half of it comes; it is billed and not answered."""
    with misbehaving(always("dropped", most_faults_per_request=1)) as server:
        headers, got = asyncio.run(_raw(server.url, ask()))
        stats = server.stats()
        whole = post(server, ask()).content
    assert int(headers["Content-Length"]) == len(whole)
    assert got == whole[: len(whole) // 2]
    assert stats["tokens_out"] > 0
    assert stats["contents_answered"] == 0


def test_a_connection_is_refused_before_any_byte() -> None:
    """Both as a close and as a reset, over a few contents; nothing is billed."""
    errors = set()
    with misbehaving(always("refused_early")) as server:
        for i in range(12):
            with pytest.raises(requests.ConnectionError) as caught:
                post(server, ask(f"Question {i}"))
            errors.add("reset" if "ConnectionResetError" in str(caught.value) else "closed")
        stats = server.stats()
    assert errors == {"reset", "closed"}
    assert (stats["kinds"], stats["tokens_out"]) == ({"refused_early": 12}, 0)


def test_a_malformed_body_is_half_a_good_one() -> None:
    """A 200 with the right length, JSON that ends in its middle, billed."""
    with misbehaving(always("malformed", most_faults_per_request=1)) as server:
        cut, whole = post(server, ask()), post(server, ask())
        stats = server.stats()
    assert cut.status_code == 200
    assert cut.content == whole.content[: len(whole.content) // 2]
    with pytest.raises(ValueError, match=r"."):
        cut.json()
    assert stats["tokens_out"] == 2 * whole.json()["usage"]["completion_tokens"]


def test_a_wrong_shape_is_an_error_under_200_or_no_choices() -> None:
    """Both forms come."""
    with misbehaving(always("wrong_shape")) as server:
        bodies = [post(server, ask(f"Question {i}")).json() for i in range(12)]
    assert {"error" if "error" in body else str(body["choices"]) for body in bodies} == {"error", "[]"}


@pytest.mark.parametrize(
    ("kind", "finish"),
    [("empty", "stop"), ("truncated", "length"), ("filtered", "content_filter")],
)
def test_content_faults_have_their_finish_reason(kind: Kind, finish: str) -> None:
    """Empty ones in both forms, null and an empty text; a truncated one begins as the good one."""
    with misbehaving(always(kind)) as server:
        choices = [post(server, ask(f"Question {i}")).json()["choices"][0] for i in range(12)]
    assert {choice["finish_reason"] for choice in choices} == {finish}
    contents = [choice["message"]["content"] for choice in choices]
    if kind == "truncated":
        whole = [reply(ask(f"Question {i}")["messages"]) for i in range(12)]
        assert all(full.startswith(part) and part != full for full, part in zip(whole, contents, strict=True))
    else:
        assert set(contents) == {None, ""}


def test_a_hang_gives_no_reply_and_leaves_nothing_in_flight() -> None:
    """The client's timeout ends it, also in the server's count; nothing is billed."""
    with misbehaving(always("hang", most_faults_per_request=1)) as server:
        with pytest.raises(requests.ReadTimeout):
            post(server, ask(), timeout=0.3)
        stats = settled(server)
        assert post(server, ask()).status_code == 200
    assert (stats["kinds"], stats["in_flight"], stats["tokens_out"]) == ({"hang": 1}, 0, 0)


def test_who_leaves_before_a_slow_reply_is_billed_all_the_same() -> None:
    """As an answer that nobody took, which is not counted as an answer."""
    with misbehaving(always("slow", slow_seconds=5.0)) as server:
        with pytest.raises(requests.ReadTimeout):
            post(server, ask(), timeout=0.3)
        stats = settled(server)
    assert (stats["answers_nobody_took"], stats["contents_answered"]) == (1, 0)
    assert stats["tokens_out"] > 0
