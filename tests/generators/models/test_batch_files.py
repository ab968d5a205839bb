"""The files of a Batch API as bytes: what goes in, where it is cut, what comes out, whatever comes out."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from castwright.generators.models.batch_files import (
    Parcel,
    Problem,
    Results,
    custom_id,
    halves,
    line_bytes,
    read_refusal,
    read_result,
    request_line,
    write_requests,
)
from castwright.generators.models.faults import Fault

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@dataclass
class Asked:
    """A request as a parcel takes it."""

    name: str
    body: bytes


def result(name: str, status: int | None = 200, body: Any = None, error: Any = None) -> bytes:
    """One line of an output or error file."""
    response = None if status is None else {"status_code": status, "request_id": "r", "body": body}
    return json.dumps({"id": "x", "custom_id": name, "response": response, "error": error}).encode() + b"\n"


def results(*files: bytes) -> Results:
    return Results([io.BytesIO(file) for file in files])


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=10), JSON, max_size=5))
def test_a_request_line_is_one_line_of_json_that_holds_the_body(body: dict[str, Any]) -> None:
    """Whatever the body says, also where it has line breaks; and its length is known before it is made."""
    raw = orjson.dumps(body)
    line = request_line(custom_id(raw), raw)
    assert len(line) == line_bytes(raw)
    assert line.count(b"\n") == 1
    assert orjson.loads(line) == {
        "custom_id": custom_id(raw),
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": orjson.loads(raw),
    }


def test_a_name_is_the_digest_of_the_body() -> None:
    """The same in every process: 32 hex digits, which provider limits on ids leave room for."""
    assert custom_id(b'{"model":"m"}') == custom_id(b'{"model":"m"}') != custom_id(b'{"model":"n"}')
    assert custom_id(b"{}") == "2afb9b83f9314e5d029766197f539792"


def test_a_file_has_its_requests_in_the_order_of_their_names() -> None:
    """So a line number means the same request to whoever knows the names."""
    bodies = {custom_id(body): body for body in (b'{"a":1}', b'{"a":2}', b'{"a":3}')}
    with write_requests(bodies) as file:
        names = [orjson.loads(line)["custom_id"] for line in file]
    assert names == sorted(bodies)


@given(st.lists(st.integers(2, 400), max_size=60), st.integers(1, 9), st.integers(600, 2_000))
@example([2, 2, 2, 2, 292], 3, 600)  # room for a body of no bytes is room
def test_a_parcel_never_passes_its_limits_and_parcels_hold_everything(
    sizes: list[int], most: int, most_bytes: int
) -> None:
    """Filled as a queue fills them, for bodies of any size that a file has room for."""
    asked = [Asked(f"{number:032x}", b"x" * size) for number, size in enumerate(sizes)]
    parcels = [Parcel[Asked](most, most_bytes)]
    for one in asked:
        if not parcels[-1].has_room(one):
            parcels.append(Parcel(most, most_bytes))
        parcels[-1].add(one)
    assert [one for parcel in parcels for one in parcel.calls.values()] == asked
    for parcel in parcels:
        assert len(parcel.calls) <= most
        assert parcel.size == sum(line_bytes(one.body) for one in parcel.calls.values()) <= most_bytes
        assert not parcel.is_full or not parcel.has_room(Asked("z", b""))


def test_the_same_request_twice_takes_one_place() -> None:
    """In count and in bytes."""
    parcel = Parcel[Asked](5, 1_000)
    for _ in range(2):
        parcel.add(Asked("a", b"{}"))
    assert (len(parcel.calls), parcel.size) == (1, line_bytes(b"{}"))


@given(st.lists(st.text(), min_size=2))
def test_halves_are_never_empty_and_make_the_whole(names: list[str]) -> None:
    """So that sending in halves comes to an end."""
    first, second = halves(names)
    assert first + second == names
    assert len(first) - len(second) in (0, 1)


def test_results_are_found_by_name_in_either_file_and_any_order() -> None:
    """With the body as it came, and the server's words for what failed."""
    found = results(
        result("b", body={"choices": ["ü"]}) + result("a", body={"choices": [1]}),
        result("c", 400, {"error": {"message": "no such thing", "code": "bad"}}),
    )
    assert orjson.loads(found.read("a")) == {"choices": [1]}  # type: ignore[arg-type]
    assert orjson.loads(found.read("b")) == {"choices": ["ü"]}  # type: ignore[arg-type]
    refused = found.read("c")
    assert isinstance(refused, Fault)
    assert (refused.verdict, refused.reason, refused.status) == ("drop", "http 400: no such thing", 400)
    assert found.good == {"a", "b"}
    found.close()


def test_a_request_in_neither_file_is_worth_another_attempt() -> None:
    """An expired batch may leave some out."""
    missing = results(result("a", body={})).read("b")
    assert isinstance(missing, Fault)
    assert missing.verdict == "retry"


def test_a_broken_line_harms_no_other() -> None:
    """Cut off, binary, no object, no name: the lines around it are read all the same."""
    broken = [b'{"custom_id":"x","resp\n', b"\xff\xfe\n", b"[]\n", b"\n", b'{"custom_id":7}\n']
    lines = [result(f"r{i}", body={"n": i}) + each for i, each in enumerate(broken)]
    found = results(b"".join(lines)[:-1])
    assert [orjson.loads(found.read(f"r{i}")) for i in range(5)] == [{"n": i} for i in range(5)]  # type: ignore[arg-type]
    lost = found.read("x")
    assert isinstance(lost, Fault)
    assert lost.verdict == "retry"


def test_an_answer_counts_more_than_an_error_for_the_same_request() -> None:
    """In whichever file and order they stand."""
    answer, error = result("a", body={"ok": 1}), result("a", 500, {"error": {"message": "oops"}})
    for files in ((answer + error,), (error + answer,), (answer, error), (error, answer)):
        assert results(*files).read("a") == b'{"ok":1}'


@pytest.mark.parametrize(
    ("line", "verdict", "words"),
    [
        (result("a", 429, {"error": {"message": "slow down"}}), "retry", "http 429: slow down"),
        (result("a", 500, {"error": {"message": "oops"}}), "retry", "http 500: oops"),
        (result("a", 400, "no object"), "drop", "http 400: no object"),
        (result("a", 401, {"error": {"message": "key K refused"}}), "stop", "http 401: key [key] refused"),
        (result("a", None, error={"code": "batch_expired", "message": "too late"}), "retry", "batch_expired: too late"),
        (result("a", None, error={"code": "x", "message": "K"}), "retry", "x: [key]"),
        (result("a", None), "retry", "holds none"),
        (result("a", 200, "no object"), "retry", "holds none"),
    ],
    ids=["rate limit", "server error", "bad request", "key", "expired", "key in an error", "nothing", "no completion"],
)
def test_what_a_line_of_failure_means(line: bytes, verdict: str, words: str) -> None:
    """The same as the same status means to a call of its own; the key is cut out."""
    fault = read_result(line, "K")
    assert isinstance(fault, Fault)
    assert fault.verdict == verdict
    assert words in fault.reason


@given(st.binary(max_size=60) | JSON.map(orjson.dumps))
def test_no_line_makes_reading_fail(line: bytes) -> None:
    """Whatever stands in it, it is a result or a fault; alone and in a file."""
    assert isinstance(read_result(line), (bytes, Fault))
    assert isinstance(results(line).read("a"), (bytes, Fault))


@pytest.mark.parametrize(
    ("problems", "kind"),
    [
        ([Problem("token_limit_exceeded", "Enqueued token limit reached for gpt in organization o.")], "tokens"),
        ([Problem(None, "Enqueued token limit reached. Limit: 90,000 enqueued tokens.")], "tokens"),
        ([Problem("too_many_tasks", "50,001 requests")], "size"),
        ([Problem("invalid_file", "The file is too large.")], "size"),
        ([Problem("model_not_found", "no such model", 3)], "stop"),
        ([Problem("billing_hard_limit_reached", "pay first")], "stop"),
        ([Problem("bad", "bad line", 3), Problem("bad", "bad line", 9)], "lines"),
        ([Problem("bad", "bad line", 3), Problem("worse", "bad file")], "all"),
        ([Problem("bad", "bad line", 3), Problem("too_many_tasks", "many")], "size"),
        ([], "all"),
    ],
    ids=["token code", "token words", "count", "size words", "model", "bill", "lines", "line and file", "both", "none"],
)
def test_why_a_batch_was_refused(problems: list[Problem], kind: str) -> None:
    """By code where there is one, by words where not, the most far-reaching first."""
    assert read_refusal(problems).kind == kind


def test_a_refusal_names_its_lines_and_keeps_no_key() -> None:
    """Each line with its own words."""
    refusal = read_refusal([Problem("bad", "a K", 2), Problem(None, "b", 5)], "K")
    assert refusal.lines == {2: "bad: a [key]", 5: "b"}
    assert refusal.words == "bad: a [key]"
