"""The OpenAI-compatible model against a real socket that misbehaves on purpose."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import uvloop
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts

from castwright.errors import ModelError
from castwright.generators.calls.account import Account
from castwright.generators.calls.journal import Journal
from castwright.generators.models import faults
from castwright.generators.models.config import OpenAIModel
from castwright.generators.models.openai import OpenAICompatibleLLM
from castwright.generators.step import ModelStep

ASK = [{"role": "user", "content": "Where is the harbour?"}]

Behaviour = Callable[[asyncio.StreamWriter, dict[str, Any]], Awaitable[None]]


def chat_body(text: str | None = "By the old mill.", finish: str = "stop") -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage}


def error_body(message: str, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "error", "param": None, "code": code}}


def says(status: int, body: dict[str, Any] | bytes, *, wait: float = 0.0, **headers: str) -> Behaviour:
    """A whole response, after `wait` seconds."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def behave(writer: asyncio.StreamWriter, _request: dict[str, Any]) -> None:
        await asyncio.sleep(wait)
        named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(raw)}\r\n"
        writer.write(f"{head}{named}\r\n".encode() + raw)

    return behave


async def drops_mid_body(writer: asyncio.StreamWriter, _request: dict[str, Any]) -> None:
    """Promise a thousand bytes, send twenty, hang up."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n")
    writer.write(b'{"choices":[{"messag')
    await writer.drain()
    writer.close()


async def drops_at_once(writer: asyncio.StreamWriter, _request: dict[str, Any]) -> None:
    """Hang up without a word."""
    writer.close()


async def speaks_no_http(writer: asyncio.StreamWriter, _request: dict[str, Any]) -> None:
    """Answer as another kind of server would."""
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    await writer.drain()
    writer.close()


GOOD = says(200, chat_body())


class FaultServer:
    """An HTTP/1.1 server that answers the nth POST with the nth behaviour, and the rest with the last."""

    def __init__(self) -> None:
        self.behaviours: list[Behaviour] = [GOOD]
        self.models: Behaviour = says(200, {"data": [{"id": "m"}, {"id": "small"}]})
        self.requests: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.keys: list[str] = []
        self.in_flight = self.most_in_flight = 0
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                self.keys.append(fields.get("authorization", ""))
                if head.startswith("GET"):
                    await self.models(writer, {})
                    continue
                self.requests.append(json.loads(body))
                self.times.append(time.monotonic())
                behave = self.behaviours[min(len(self.requests), len(self.behaviours)) - 1]
                self.in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self.in_flight)
                try:
                    await behave(writer, self.requests[-1])
                finally:
                    self.in_flight -= 1
                if not writer.is_closing():
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return  # the client hung up, or the test is over
        finally:
            writer.close()

    def stop(self) -> None:
        async def close() -> None:
            self._server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()


@pytest.fixture
def server() -> Iterator[FaultServer]:
    running = FaultServer()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "BASE_DELAY", 0.002)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture(autouse=True, params=["on_asyncio", "on_uvloop"])
def event_loops(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run every test on both kinds of loop: uvloop's under our executor, asyncio's wherever else."""
    before = asyncio.get_event_loop_policy()
    if request.param == "on_uvloop":
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    yield
    asyncio.set_event_loop_policy(before)


def asks(*questions: str) -> list[list[dict[str, str]]]:
    """Messages for calls that are not one and the same."""
    return [[{"role": "user", "content": question}] for question in questions]


def model_of(server: FaultServer, **fields: Any) -> OpenAICompatibleLLM:
    return OpenAICompatibleLLM(block=OpenAIModel(**{"model": "m", "base_url": server.url, "max_retries": 2, **fields}))


def ask(llm: OpenAICompatibleLLM, **arguments: Any) -> dict[str, Any]:
    """One call in a loop of its own, with the connections closed in it."""

    async def call() -> dict[str, Any]:
        try:
            return await llm.agenerate(ASK, **arguments)
        finally:
            await llm.aclose()

    llm.load()
    try:
        return asyncio.run(call())
    finally:
        llm.unload()


def test_a_good_reply_comes_back_with_its_tokens_and_finish_reason(server: FaultServer) -> None:
    """The whole output of a call that went well, and the whole body that was sent for it."""
    output = ask(model_of(server, temperature=0.5, max_tokens=99, extra_body={"top_k": 5}), sample=3)
    assert output == {
        "generations": ["By the old mill."],
        "statistics": {"input_tokens": [7], "output_tokens": [5]},
        "failure": [None],
        "finish_reason": ["stop"],
    }
    assert server.requests == [
        {"model": "m", "messages": ASK, "seed": 3, "temperature": 0.5, "max_tokens": 99, "top_k": 5}
    ]


def test_every_generation_is_a_call_with_its_own_seed(server: FaultServer) -> None:
    """Three generations from sample 4 on are three requests, seeded 4, 5 and 6."""
    output = ask(model_of(server), num_generations=3, sample=4)
    assert output["generations"] == ["By the old mill."] * 3
    assert sorted(request["seed"] for request in server.requests) == [4, 5, 6]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(says(429, error_body("slow down")), id="rate limit"),
        pytest.param(says(500, error_body("oops")), id="server error"),
        pytest.param(says(503, b"<html>busy</html>"), id="busy, in html"),
        pytest.param(drops_mid_body, id="connection dropped in the body"),
        pytest.param(drops_at_once, id="connection dropped before the head"),
        pytest.param(says(200, b'{"choices": [{"mess'), id="malformed json"),
        pytest.param(says(200, error_body("upstream went away")), id="error body under a 200"),
        pytest.param(says(200, chat_body("")), id="empty content"),
        pytest.param(says(200, chat_body(None)), id="no content"),
        pytest.param(says(200, chat_body("  \n")), id="blank content"),
    ],
)
def test_a_passing_fault_costs_nothing_but_another_attempt(server: FaultServer, fault: Behaviour) -> None:
    """Whatever goes wrong once, the second attempt answers the row."""
    server.behaviours = [fault, GOOD]
    output = ask(model_of(server))
    assert output["generations"] == ["By the old mill."]
    assert output["failure"] == [None]
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param(says(429, error_body("slow down")), "http 429 after 3 attempts: slow down", id="rate limit"),
        pytest.param(says(500, error_body("oops")), "http 500 after 3 attempts: oops", id="server error"),
        pytest.param(says(502, b"bad  gateway\n"), "http 502 after 3 attempts: bad gateway", id="plain text"),
        pytest.param(says(500, b""), "http 500 after 3 attempts: (no words)", id="no words"),
        pytest.param(drops_at_once, "connection lost after 3 attempts", id="dropped"),
        pytest.param(drops_mid_body, "connection lost after 3 attempts", id="dropped in the body"),
        pytest.param(speaks_no_http, "connection lost after 3 attempts", id="no http"),
        pytest.param(says(200, b"nonsense"), "the reply is no JSON after 3 attempts: 'nonsense'", id="malformed"),
        pytest.param(says(200, b'{"id": 1}'), 'the reply holds no message after 3 attempts: {"id":1}', id="shape"),
        pytest.param(says(200, chat_body("")), "empty reply after 3 attempts", id="empty"),
    ],
)
def test_a_lasting_fault_is_data_with_the_servers_words(server: FaultServer, fault: Behaviour, reason: str) -> None:
    """After the last attempt there is a reason instead of a text, and no exception."""
    server.behaviours = [fault]
    output = ask(model_of(server))
    assert output["generations"] == [None]
    assert output["failure"][0].startswith(reason)
    assert len(server.requests) == 3


def test_an_empty_reply_is_asked_for_again_with_another_seed(server: FaultServer) -> None:
    """The same seed would give the same nothing; and nothing is paid for three times at most."""
    server.behaviours = [says(200, chat_body(""))]
    output = ask(model_of(server, max_retries=9))
    assert output["failure"] == ["empty reply after 3 attempts"]
    assert len({request["seed"] for request in server.requests}) == 3


def test_the_servers_words_are_cut_at_two_hundred_characters(server: FaultServer) -> None:
    """A page of html does not end up in every row."""
    server.behaviours = [says(400, b"x" * 5000)]
    assert ask(model_of(server))["failure"] == ["http 400: " + "x" * 200]


def test_a_reply_slower_than_the_timeout_is_retried_and_then_given_up(server: FaultServer) -> None:
    """The timeout holds for each attempt as a whole."""
    server.behaviours = [says(200, chat_body(), wait=30.0)]
    start = time.monotonic()
    output = ask(model_of(server, timeout=0.1, max_retries=1))
    assert output["failure"] == ["no reply within 0.1 s after 2 attempts"]
    assert time.monotonic() - start < 20  # the reply itself would take 30


def test_a_reply_that_trickles_is_held_to_the_timeout_too(server: FaultServer) -> None:
    """A byte every 50 ms never lets a read time out; the attempt as a whole still does."""

    async def trickles(writer: asyncio.StreamWriter, _request: dict[str, Any]) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n")
        for _ in range(400):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    server.behaviours = [trickles]
    output = ask(model_of(server, timeout=0.3, max_retries=0))
    assert output["failure"] == ["no reply within 0.3 s after 1 attempt"]


def test_retry_after_is_honoured(server: FaultServer) -> None:
    """A server that asks for 0.4 s is left alone for 0.4 s."""
    server.behaviours = [says(429, error_body("slow down"), retry_after="0.4"), GOOD]
    assert ask(model_of(server))["failure"] == [None]
    assert 0.4 <= server.times[1] - server.times[0] < 10


def test_a_server_that_asks_for_an_hour_is_not_waited_for(server: FaultServer) -> None:
    """Beyond two minutes the row is given up at once."""
    server.behaviours = [says(429, error_body("come back later"), retry_after="3600")]
    assert ask(model_of(server))["failure"] == ["http 429: come back later (asked to wait 3600 s)"]
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_request_is_not_repeated(server: FaultServer, status: int) -> None:
    """What the server will not take once it will not take twice; other rows may still do."""
    server.behaviours = [says(status, error_body("too many tokens"))]
    assert ask(model_of(server))["failure"] == [f"http {status}: too many tokens"]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("length", "cut off at max_tokens (50)"),
        ("content_filter", "the server's content filter held the reply back"),
    ],
)
def test_a_reply_that_is_not_whole_is_a_failure(server: FaultServer, finish: str, reason: str) -> None:
    """Half an answer is no training data; it is not asked for again, and was paid for all the same."""
    server.behaviours = [says(200, chat_body("By the", finish))]
    account = Account(run="r", stage="s")
    output = ask(OpenAICompatibleLLM(block=model_of(server, max_tokens=50).block, account=account))
    assert output["generations"] == [None]
    assert output["failure"][0].startswith(reason)
    assert len(server.requests) == 1
    used = Journal(account.path).used("r")["m", False]
    assert (used.paid_input, used.paid_output, used.attempts) == (7, 5, 1)


def test_a_truncated_reply_is_kept_where_the_block_allows_it(server: FaultServer) -> None:
    """`allow_truncated` turns the same reply into a text."""
    server.behaviours = [says(200, chat_body("By the", "length"))]
    output = ask(model_of(server, allow_truncated=True))
    assert (output["generations"], output["finish_reason"]) == (["By the"], ["length"])


def test_content_in_parts_is_joined(server: FaultServer) -> None:
    """Some servers send a list of parts, thoughts among them; the text parts are the reply."""
    body = chat_body()
    body["choices"][0]["message"]["content"] = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "By the mill."},
    ]
    del body["usage"]
    server.behaviours = [says(200, body)]
    output = ask(model_of(server))
    assert output["generations"] == ["By the mill."]
    assert output["statistics"]["output_tokens"] == [3]  # not counted by the server: one for four characters


@pytest.mark.parametrize("tokens", [-5, 10**30], ids=["less than none", "more than there are"])
def test_a_server_that_cannot_count_is_not_believed(server: FaultServer, tokens: int) -> None:
    """Tokens below none would fill a budget up again, and too many do not fit into a journal: both are estimated."""
    server.behaviours = [says(200, {**chat_body(), "usage": {"prompt_tokens": 7, "completion_tokens": tokens}})]
    output = ask(model_of(server))
    assert output["generations"] == ["By the old mill."]
    assert output["statistics"]["output_tokens"] == [4]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_the_run_and_says_where_it_was_read(
    server: FaultServer, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One clear error with the variable's name, and without the key even if the server repeats it."""
    monkeypatch.setenv("MY_KEY", "sk-very-secret-1234")
    server.behaviours = [says(status, error_body("bad key sk-very-secret-1234"))]
    with pytest.raises(ModelError, match=r"refused the key: http 40\d: bad key \[key\]; .* read from MY_KEY") as caught:
        ask(model_of(server, api_key_env="MY_KEY"))
    assert "secret" not in str(caught.value)
    assert len(server.requests) == 1
    assert "bearer sk-very-secret-1234" in server.keys


def test_a_refused_key_is_found_at_load(server: FaultServer) -> None:
    """Where `/models` asks for the key, no row is sent at all."""
    server.models = says(401, error_body("who are you?"))
    with pytest.raises(ModelError, match=r"who are you.*missing, OPENAI_API_KEY is not set"):
        model_of(server).load()
    assert server.requests == []


def test_an_unknown_model_stops_the_run_and_lists_the_known_ones(server: FaultServer) -> None:
    """A 404 names the models the server has."""
    server.behaviours = [says(404, error_body("no such model", "model_not_found"))]
    with pytest.raises(ModelError, match="does not know model 'm': http 404: no such model; it has: m, small"):
        ask(model_of(server))


def test_a_wrong_path_says_how_base_urls_end(server: FaultServer) -> None:
    """Where `/models` is a 404 too, the address is the likelier culprit."""
    server.behaviours = [says(404, b"not found")]
    server.models = says(404, b"not found")
    with pytest.raises(ModelError, match="check base_url, it usually ends in /v1"):
        ask(model_of(server))


@pytest.mark.parametrize(("status", "code"), [(429, "insufficient_quota"), (402, None), (400, "unsupported_parameter")])
def test_what_would_fail_for_every_row_stops_the_run(server: FaultServer, status: int, code: str | None) -> None:
    """No quota, no money, a parameter the model does not take: no second call is made."""
    server.behaviours = [says(status, error_body("no way", code))]
    with pytest.raises(ModelError, match=f"http {status}: no way"):
        ask(model_of(server))
    assert len(server.requests) == 1


def test_once_stopped_no_waiting_call_is_sent(server: FaultServer) -> None:
    """Of fifty calls through one slot, the first is refused and the others do not ask."""
    server.behaviours = [says(401, error_body("bad key"))]
    llm = model_of(server, max_in_flight=1)
    llm.load()

    async def all_of_them() -> list[Any]:
        try:
            calls = (llm.agenerate(messages) for messages in asks(*map(str, range(50))))
            return list(await asyncio.gather(*calls, return_exceptions=True))
        finally:
            await llm.aclose()

    outcomes = asyncio.run(all_of_them())
    assert {type(outcome) for outcome in outcomes} == {ModelError}
    assert len(server.requests) == 1


def test_an_unset_key_is_an_error_unless_the_server_is_on_this_machine(server: FaultServer) -> None:
    """Loopback needs no key; an address elsewhere does, and the error says which variable."""
    assert ask(model_of(server))["failure"] == [None]
    far = OpenAICompatibleLLM(block=OpenAIModel(model="m", base_url="https://models.example/v1", api_key_env="FAR_KEY"))
    with pytest.raises(ModelError, match=r"variable FAR_KEY is not set, and https://models\.example/v1 needs a key"):
        far.load()


def test_no_server_at_load_is_said_at_once() -> None:
    """A refused connection before any contact is not retried."""
    llm = OpenAICompatibleLLM(block=OpenAIModel(model="m", base_url="http://127.0.0.1:9/v1"))
    start = time.monotonic()
    with pytest.raises(ModelError, match=r"no server at http://127\.0\.0\.1:9/v1; is it running\?"):
        llm.load()
    assert time.monotonic() - start < 15


def test_no_server_at_the_first_call_is_said_at_once() -> None:
    """The same where nobody called load first."""
    llm = OpenAICompatibleLLM(block=OpenAIModel(model="m", base_url="http://127.0.0.1:9/v1"))

    async def call() -> None:
        try:
            await llm.agenerate(ASK)
        finally:
            await llm.aclose()

    with pytest.raises(ModelError, match="is it running"):
        asyncio.run(call())
    llm.unload()


def test_a_server_that_goes_away_in_mid_run_costs_rows_and_not_the_run(server: FaultServer) -> None:
    """After a first contact a refused connection is a fault like any other: retried, then data."""
    llm = model_of(server)
    llm.load()

    async def two_calls() -> tuple[dict[str, Any], dict[str, Any]]:
        try:
            first = await llm.agenerate(ASK)
            await asyncio.to_thread(server.stop)
            server.stop = lambda: None  # type: ignore[method-assign]
            return first, await llm.agenerate(asks("And the mill?")[0])
        finally:
            await llm.aclose()

    first, second = asyncio.run(two_calls())
    assert first["failure"] == [None]
    assert second["generations"] == [None]
    assert second["failure"][0].endswith("after 3 attempts")


def test_no_more_calls_are_in_flight_than_the_block_says(server: FaultServer) -> None:
    """Forty calls at once through five slots: five at a time, and all answered."""
    server.behaviours = [says(200, chat_body(), wait=0.02)]
    llm = model_of(server, max_in_flight=5)
    llm.load()

    async def forty() -> list[dict[str, Any]]:
        try:
            return await asyncio.gather(*(llm.agenerate(messages) for messages in asks(*map(str, range(40)))))
        finally:
            await llm.aclose()

    outputs = asyncio.run(forty())
    assert [output["failure"] for output in outputs] == [[None]] * 40
    assert server.most_in_flight == 5


def test_distilabels_own_generate_works_again_and_again(server: FaultServer) -> None:
    """The model's own event loop serves several batches, in order, and unload closes its connections."""
    llm = model_of(server)
    llm.load()
    for questions in (("a", "b"), ("c", "d")):
        outputs = llm.generate_outputs(asks(*questions), num_generations=2)
        assert [output["generations"] for output in outputs] == [["By the old mill."] * 2] * 2
    llm.unload()
    assert len(server.requests) == 8


def test_the_same_question_is_paid_for_once(server: FaultServer) -> None:
    """Asked twice at the same time, again later, and by another model object: one request in all."""
    llm = model_of(server)
    llm.load()
    outputs = [*llm.generate_outputs([ASK, ASK]), *llm.generate_outputs([ASK])]
    llm.unload()
    outputs.append(ask(model_of(server)))
    assert [output["generations"] for output in outputs] == [["By the old mill."]] * 4
    assert len(server.requests) == 1


@pytest.mark.parametrize("fields", [{"temperature": 0.3}, {"top_p": 0.5}, {"max_tokens": 9}, {"extra_body": {"k": 1}}])
def test_another_parameter_is_another_question(server: FaultServer, fields: dict[str, Any]) -> None:
    """Whatever decides a reply is part of what the journal knows it by; the address is not."""
    ask(model_of(server))
    ask(model_of(server, timeout=7.0, max_in_flight=3, base_url=server.url.replace("127.0.0.1", "localhost")))
    assert len(server.requests) == 1
    ask(model_of(server, **fields))
    assert len(server.requests) == 2


def test_several_loops_in_several_threads_share_one_model(server: FaultServer) -> None:
    """Each loop has its own connections; none waits for another's."""
    llm = model_of(server)
    llm.load()
    results: list[Any] = []

    def work() -> None:
        async def calls() -> None:
            results.extend(await asyncio.gather(*map(llm.agenerate, asks("a", "b", "c", "c", "d"))))
            await llm.aclose()

        asyncio.run(calls())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    llm.unload()
    assert [result["failure"] for result in results] == [[None]] * 20


def test_load_and_unload_work_inside_a_running_loop(server: FaultServer) -> None:
    """As the local executor does it: load, calls and unload all inside one loop."""
    llm = model_of(server)

    async def run() -> dict[str, Any]:
        llm.load()
        output = await llm.agenerate(ASK)
        llm.unload()
        await asyncio.sleep(0.05)  # the loop closes the connections as its next task
        return output

    assert asyncio.run(run())["failure"] == [None]


def test_connections_of_loops_that_have_ended_are_closed_too(
    server: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A loop that was closed first, and one that stands still while another one runs: unload ends both in silence."""
    llm, idle = model_of(server), asyncio.new_event_loop()
    asyncio.run(llm.agenerate(asks("a")[0]))
    idle.run_until_complete(llm.agenerate(asks("b")[0]))
    lanes = [lane.session for lane in llm.client().endpoint._lanes.values()]

    async def unload() -> None:
        llm.unload()

    asyncio.run(unload())
    idle.close()
    assert [session.closed for session in lanes] == [True, True]
    del lanes
    gc.collect()
    assert "Unclosed" not in caplog.text


def test_a_schema_is_asked_for_as_strongly_as_the_server_allows(server: FaultServer) -> None:
    """A server that knows no json_schema is asked for a JSON object instead, and the choice is remembered."""

    async def no_schemas(writer: asyncio.StreamWriter, request: dict[str, Any]) -> None:
        kind = request.get("response_format", {}).get("type")
        refused = says(400, error_body("response_format json_schema is not supported"))
        await (refused if kind == "json_schema" else GOOD)(writer, request)

    server.behaviours = [no_schemas]
    llm = model_of(server)
    llm.load()

    async def two_calls() -> list[dict[str, Any]]:
        try:
            return [await llm.agenerate(messages, json_schema={"type": "object"}) for messages in asks("a", "b")]
        finally:
            await llm.aclose()

    outputs = asyncio.run(two_calls())
    assert [output["failure"] for output in outputs] == [[None], [None]]
    kinds = [request["response_format"]["type"] for request in server.requests]
    assert kinds == ["json_schema", "json_object", "json_object"]


def test_a_chosen_json_mode_is_not_weakened(server: FaultServer) -> None:
    """A recipe that says `schema` means it: the refusal is the row's failure."""
    server.behaviours = [says(400, error_body("response_format is not supported"))]
    output = ask(model_of(server, json_mode="schema"), json_schema={"type": "object"})
    assert output["failure"] == ["http 400: response_format is not supported"]


def test_a_null_in_extra_body_removes_a_key(server: FaultServer) -> None:
    """The way out for a server that refuses `seed`."""
    ask(model_of(server, extra_body={"seed": None}))
    assert "seed" not in server.requests[0]


def test_the_key_is_in_no_dump_no_repr_and_no_log(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Everything that is printed, written or logged of a loaded model is free of the key."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-1234")
    server.behaviours = [says(500, error_body("oops")), GOOD]
    llm = model_of(server)
    with caplog.at_level(logging.DEBUG):
        ask(llm)
        llm.load()
    for text in (repr(llm), str(llm), json.dumps(llm.dump()), llm.model_dump_json(), caplog.text):
        assert "sk-very-secret" not in text
    assert OpenAICompatibleLLM.from_dict(llm.dump()).block == llm.block


class Asking(ModelStep):
    """The smallest step there is."""

    empty: ClassVar[dict[str, Any]] = {"answer": ""}

    def prompt(self, row: dict[str, Any]) -> list[dict[str, str]]:
        return [{"role": "user", "content": row["question"]}]

    def parse(self, row: dict[str, Any], text: str) -> dict[str, Any]:
        return {"answer": text}


def test_distilabels_own_engine_asks_the_server_and_writes_no_secret(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loaded and called in another process: a failed row costs one row, and no file has the key."""
    monkeypatch.setenv("MY_KEY", "sk-very-secret-1234")

    async def one_is_refused(writer: asyncio.StreamWriter, request: dict[str, Any]) -> None:
        refused = says(400, error_body("too long"))
        await (refused if request["messages"][0]["content"] == "question 3" else GOOD)(writer, request)

    server.behaviours = [one_is_refused]
    block = OpenAIModel(model="m", base_url=server.url, api_key_env="MY_KEY", max_retries=0)
    with Pipeline(name="engine", cache_dir=tmp_path) as pipeline:
        source = LoadDataFromDicts(data=[{"question": f"question {i}"} for i in range(6)], batch_size=3)
        source >> Asking(llm=OpenAICompatibleLLM(block=block), input_batch_size=3)
    rows = pipeline.run(use_cache=False)["default"]["train"].to_list()
    assert [row["verdict"] for row in rows] == ["keep", "keep", "keep", "drop", "keep", "keep"]
    assert rows[3]["reason"] == "http 400: too long"
    assert {row["model"] for row in rows} == {"m"}
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "pipeline.yaml" for path in written)
    assert not any(b"very-secret" in path.read_bytes() for path in written)
