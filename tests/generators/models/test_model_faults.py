"""Waits, server words and replies, as pure functions under wild input."""

from __future__ import annotations

import json
import socket
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.generators.calls.journal import Reply
from castwright.generators.models.answer import Answer, as_output
from castwright.generators.models.chat import read_reply
from castwright.generators.models.faults import (
    BASE_DELAY,
    MAX_DELAY,
    Fault,
    delay,
    fault_of,
    is_unreachable,
    retry_after,
    server_words,
    status_fault,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"retry-after": "3"}, 3.0, id="seconds"),
        pytest.param({"retry-after": "0.25"}, 0.25, id="a fraction"),
        pytest.param({"retry-after-ms": "1500", "retry-after": "9"}, 1.5, id="milliseconds first"),
        pytest.param({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 90.0, id="a date"),
        pytest.param({"retry-after": "Thu, 01 Jan 1970 00:00:05 GMT"}, 0.0, id="a date gone by"),
        pytest.param({"retry-after": "soon"}, None, id="nonsense"),
        pytest.param({"retry-after": "inf"}, None, id="for ever"),
        pytest.param({"retry-after": "-5"}, 0.0, id="negative"),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, milliseconds or a date, counted from ten seconds after the epoch here."""
    assert retry_after(headers, now=10.0) == seconds


@given(st.integers(1, 10_000), st.text(max_size=5))
def test_waits_grow_are_bounded_and_repeat(attempt: int, seed: str) -> None:
    """Between half the doubled base and the whole, at most the cap, the same for the same seed."""
    fault = Fault("retry", "x")
    whole = min(MAX_DELAY, BASE_DELAY * 2.0 ** min(attempt - 1, 30))
    assert whole / 2 <= delay(attempt, fault, seed) <= whole
    assert delay(attempt, fault, seed) == delay(attempt, fault, seed)


@given(st.floats(0, 100), st.text(max_size=5))
def test_a_server_is_never_asked_before_its_time(asked: float, seed: str) -> None:
    """With Retry-After, the wait is that and a little more."""
    assert asked <= delay(1, Fault("retry", "x", retry_after=asked), seed) <= asked + BASE_DELAY


@given(st.text() | JSON.map(json.dumps))
def test_any_error_body_gives_a_short_line(body: str) -> None:
    """Whatever a server sends, its words are one line of at most 200 characters."""
    words = server_words(body)
    assert words
    assert len(words) <= 200
    assert "\n" not in words


@given(st.text() | JSON.map(json.dumps))
def test_any_body_of_a_200_is_a_reply_or_a_fault(body: str) -> None:
    """Reading a reply never raises."""
    outcome = read_reply(body)
    assert isinstance(outcome, (Reply, Fault))


@given(JSON)
def test_any_choice_is_a_reply_or_a_fault(choice: object) -> None:
    """The same one level further in, where a proxy's half-translated reply would go wrong."""
    assert isinstance(read_reply(json.dumps({"choices": [choice]})), (Reply, Fault))
    assert isinstance(read_reply(json.dumps({"choices": [{"message": {"content": choice}}]})), (Reply, Fault))


@given(JSON)
def test_any_count_of_tokens_is_a_number_or_a_fault(count: object) -> None:
    """And in the counts, which some servers leave out, write as texts or nest."""
    choices = [{"message": {"content": "Hello."}}]
    for usage in (count, {"prompt_tokens": count}, {"prompt_tokens_details": {"cached_tokens": count}}):
        outcome = read_reply(json.dumps({"choices": choices, "usage": usage}))
        assert isinstance(outcome, (Reply, Fault))
        if isinstance(outcome, Reply):
            assert all(type(tokens) is int for tokens in (outcome.input_tokens, outcome.cached_tokens))


def test_a_lost_reply_and_a_crowded_server_are_told_from_a_refusal() -> None:
    """What may have been billed, and what has to slow down, decide the books and the window."""
    timeout, reset = fault_of(TimeoutError(), timeout=5), fault_of(ConnectionResetError(104, "reset"), timeout=5)
    assert (timeout.lost, timeout.congested) == (True, True)
    assert (reset.lost, reset.congested) == (True, False)
    busy, broken = status_fault(429, {}, ""), status_fault(500, {}, "")
    assert (busy.lost, busy.congested) == (False, True)
    assert (broken.lost, broken.congested) == (False, False)
    assert status_fault(429, {}, '{"error": {"code": "insufficient_quota"}}').congested is False


def test_a_secret_in_the_servers_words_is_cut_out_before_they_are_cut_short() -> None:
    """A key that begins within the first 200 characters and ends after them does not slip through."""
    key = "sk-very-secret-1234"
    assert "sk-" not in server_words("x" * 190 + key, key)


@pytest.mark.parametrize(
    ("error", "unreachable"),
    [
        (ConnectionRefusedError(111, "refused"), True),
        (socket.gaierror(-2, "unknown host"), True),
        (ExceptionGroup("all failed", [ConnectionRefusedError(111, "refused")]), True),
        (ConnectionResetError(104, "reset"), False),
        (TimeoutError(), False),
    ],
)
def test_nobody_there_is_told_from_a_broken_connection(error: Exception, unreachable: bool) -> None:
    """The cause counts, however deep it lies under the client's own exception."""
    outer = RuntimeError("request timed out")
    outer.__cause__ = error
    assert is_unreachable(outer) is unreachable


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        pytest.param(TimeoutError(), "no reply within 5 s", id="a timeout"),
        pytest.param(ConnectionResetError(104, "reset"), "connection lost", id="a reset"),
        pytest.param(ConnectionRefusedError(111, "refused"), "no server at the address", id="a refusal"),
    ],
)
def test_a_transport_that_calls_everything_a_timeout_is_seen_through(cause: Exception, reason: str) -> None:
    """openai's aiohttp transport reports refused and broken connections as timeouts; the cause tells."""
    request: Any = None
    error = openai.APITimeoutError(request)
    error.__cause__ = cause
    assert fault_of(error, timeout=5).reason == reason


def test_an_error_that_nobody_foresaw_drops_the_row() -> None:
    """It is data with its type and words, and is not repeated."""
    fault = fault_of(KeyError("x"), timeout=5)
    assert (fault.verdict, fault.reason) == ("drop", "KeyError: 'x'")


def test_an_answer_is_a_text_or_a_failure() -> None:
    """Neither both nor none."""
    with pytest.raises(ValueError, match="either a text or a failure"):
        Answer()
    with pytest.raises(ValueError, match="either a text or a failure"):
        Answer("text", "failure")


def test_outputs_have_one_item_per_generation() -> None:
    """distilabel zips these lists; all must be of one length."""
    output = as_output([Answer("a", None, "stop", 1, 2), Answer(failure="gone")])
    assert output == {
        "generations": ["a", None],
        "statistics": {"input_tokens": [1, 0], "output_tokens": [2, 0]},
        "failure": [None, "gone"],
        "finish_reason": ["stop", None],
    }
