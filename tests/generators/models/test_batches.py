"""Calls through the Batch API of a server that misbehaves, and through deaths and stops of our own."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any, ClassVar

import misbehaving_batch_work
import misbehaving_batches
import orjson
import pytest
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from misbehaving import BatchFaults, Faults, Handle, misbehaving

from castwright.errors import ModelError, Stopped
from castwright.generators.calls.account import Account, Budget
from castwright.generators.calls.journal import Journal
from castwright.generators.calls.submissions import KEPT_SECONDS, Submission, Submissions, submission_name
from castwright.generators.models import batch_service
from castwright.generators.models.answer import Answer
from castwright.generators.models.batch_files import custom_id
from castwright.generators.models.chat import request_body
from castwright.generators.models.client import ChatClient
from castwright.generators.models.config import OpenAIModel
from castwright.generators.models.openai import OpenAICompatibleLLM
from castwright.generators.offline.reply import reply
from castwright.generators.step import ModelStep
from castwright.pipelines.executor import run_local

KEY = "castwright" + "-marker-" + "b4tch0f0ne"


def question(i: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"Question {i}?"}]


def block(
    url: str, *, max_retries: int = 5, max_tokens: int | None = None, model: str = "offline", **batch: Any
) -> OpenAIModel:
    """A model whose batches are polled often and sent soon."""
    settings = {"poll": 0.05, "quiet": 0.05, **batch}
    given = {"model": model, "base_url": url, "max_retries": max_retries, "max_tokens": max_tokens, "batch": settings}
    return OpenAIModel.model_validate(given)


async def ask(client: ChatClient, *numbers: int) -> list[Answer]:
    """Ask questions at once, and close the client whatever happens."""
    try:
        return list(await asyncio.gather(*(client.answer(question(i)) for i in numbers)))
    finally:
        await client.aclose()


def answers(model: Any, *numbers: int, account: Account | None = None) -> list[Answer]:
    """Ask questions in an event loop of their own."""
    client = ChatClient(model, account or Account())
    try:
        return asyncio.run(ask(client, *numbers))
    finally:
        client.close()


def expected(*numbers: int) -> list[str]:
    return [reply(question(i), sample=0) for i in numbers]


def texts(given: list[Answer]) -> list[str | None]:
    return [answer.text for answer in given]


class Answering(ModelStep):
    """A step of the usual kind."""

    empty: ClassVar[dict[str, Any]] = {"answer": ""}

    @property
    def inputs(self) -> list[str]:
        return ["n"]

    def prompt(self, row: dict[str, Any]) -> Any:
        return question(row["n"])

    def parse(self, row: dict[str, Any], text: str) -> dict[str, Any]:
        return {"answer": text}


def run(model: Any, *numbers: int) -> list[dict[str, Any]]:
    """Through the local executor, row by row."""
    with Pipeline(name="batches") as pipeline:
        rows = LoadDataFromDicts(data=[{"n": n} for n in numbers])
        rows >> Answering(llm=OpenAICompatibleLLM(block=model))
    return run_local(pipeline).rows


def counts(server: Handle) -> dict[str, Any]:
    stats: dict[str, Any] = server.stats()["batch"]
    return stats


def until(server: Handle, batches: int, seconds: float = 20.0) -> None:
    """Wait until so many batches were created."""
    end = time.monotonic() + seconds
    while counts(server)["batches"] < batches:
        assert time.monotonic() < end, "no batch came"
        time.sleep(0.02)


def test_a_run_in_batches_of_seven_answers_every_row_in_its_place() -> None:
    """Forty rows are six batches, whose lines come back shuffled; a replay from the journal sends nothing."""
    with misbehaving(Faults(batches=BatchFaults(seconds=0.1))) as server:
        for _ in range(2):
            rows = run(block(server.url, max_requests=7), *range(40))
            assert [row["n"] for row in rows] == list(range(40))
            assert [row["answer"] for row in rows] == expected(*range(40))
            assert {row["verdict"] for row in rows} == {"keep"}
            seen = counts(server)
            assert (seen["batches"], seen["uploads"], seen["downloads"], seen["requests"]) == (6, 6, 6, 40)
        assert server.stats()["requests"] == 0


def test_a_batch_is_cut_at_its_bytes_too() -> None:
    """No file is larger than max_bytes: the server's own limit is just that, and refuses none."""
    with misbehaving(Faults(batches=BatchFaults(most_bytes=1_500))) as server:
        assert texts(answers(block(server.url, max_bytes=1_500), *range(30))) == expected(*range(30))
        assert counts(server)["batches"] == counts(server)["downloads"] > 2


def test_a_request_larger_than_a_file_costs_its_row_alone() -> None:
    """With the setting that stands against it in the reason."""
    with misbehaving() as server:
        client = ChatClient(block(server.url, max_bytes=1_000), Account())

        async def both() -> list[Answer]:
            long = [{"role": "user", "content": "x" * 2_000}]
            try:
                return list(await asyncio.gather(client.answer(long), client.answer(question(1))))
            finally:
                await client.aclose()

        large, small = asyncio.run(both())
        client.close()
        assert "batch.max_bytes" in str(large.failure)
        assert small.text == expected(1)[0]


def test_the_same_question_twice_is_one_request() -> None:
    """Both rows get the reply; one is paid."""
    with misbehaving() as server:
        rows = run(block(server.url), 1, 2, 1, 1)
        assert [row["answer"] for row in rows] == expected(1, 2, 1, 1)
        assert counts(server)["requests"] == 2


def test_the_same_body_posted_twice_is_one_request() -> None:
    """Whoever asks: the queue itself knows."""

    async def both(client: ChatClient) -> list[Any]:
        queue = client._batches
        assert queue is not None
        body = b'{"model":"offline","messages":[{"role":"user","content":"Hm?"}]}'
        try:
            return list(await asyncio.gather(queue.post(body), queue.post(body)))
        finally:
            await client.aclose()

    with misbehaving() as server:
        client = ChatClient(block(server.url), Account())
        first, second = asyncio.run(both(client))
        client.close()
        assert isinstance(first, bytes)
        assert first == second
        assert counts(server)["requests"] == 1


def test_what_fails_for_a_while_is_sent_again_and_what_fails_for_good_is_kept_with_the_servers_words() -> None:
    """400, 429 and 500 in the error file: only the first is final, and no answered row is asked twice."""
    shares = BatchFaults(bad_request=0.2, rate_limited=0.2, server_error=0.2)
    with misbehaving(Faults(seed=3, most_faults_per_request=1, batches=shares)) as server:
        rows = run(block(server.url), *range(40))
        kinds = counts(server)["kinds"]
        assert min(kinds["bad_request"], kinds["rate_limited"], kinds["server_error"]) > 0
        bad = [row for row in rows if row["verdict"] == "drop"]
        assert len(bad) == kinds["bad_request"]
        assert {row["reason"] for row in bad} == {"http 400: Invalid prompt: this server takes no messages like these."}
        good = [row for row in rows if row["verdict"] == "keep"]
        assert [row["answer"] for row in good] == expected(*(row["n"] for row in good))
        assert counts(server)["contents_answered_more_than_once"] == 0
        # Those that failed for good are asked again by the next run, and only those.
        again = run(block(server.url), *range(40))
        assert {row["verdict"] for row in again} == {"keep"}
        assert counts(server)["requests"] == 40 + sum(kinds[kind] for kind in kinds if kind != "ok")


def test_the_part_of_a_batch_that_expired_is_sent_again() -> None:
    """What was answered in time counts."""
    with misbehaving(Faults(seed=1, most_faults_per_request=1, batches=BatchFaults(expired=0.3))) as server:
        assert texts(answers(block(server.url), *range(40))) == expected(*range(40))
        kinds = counts(server)["kinds"]
        assert kinds["expired"] > 3
        assert kinds["ok"] == 40


def test_an_empty_reply_is_asked_for_again_and_not_taken_from_the_same_batch() -> None:
    """Each attempt has another seed, and what was of no use is remembered nowhere."""
    with misbehaving(Faults(seed=2, empty=0.4, most_faults_per_request=1)) as server:
        given = answers(block(server.url), *range(20))
        assert all(answer.text for answer in given)
        assert counts(server)["kinds"]["empty"] > 3


def test_a_reply_that_a_filter_held_back_is_asked_for_again_by_the_next_run() -> None:
    """It is disowned: for thirty days the batch would give the same, and the row could never be had."""
    with misbehaving(Faults(seed=1, filtered=1.0)) as server:
        [first] = answers(block(server.url), 1)
        assert "content filter" in str(first.failure)
        server.replan(Faults())
        assert texts(answers(block(server.url), 1)) == expected(1)
        assert counts(server)["requests"] == 2


@pytest.mark.parametrize(
    "faults",
    [BatchFaults(drop_uploads=2), BatchFaults(drop_creates=1), BatchFaults(drop_downloads=2)],
    ids=["uploads", "creates", "downloads"],
)
def test_connections_that_drop_lose_and_repeat_nothing(faults: BatchFaults) -> None:
    """Above all, a batch whose creation got no reply is found again, not created a second time."""
    with misbehaving(Faults(batches=faults)) as server:
        assert texts(answers(block(server.url, max_retries=0), *range(5))) == expected(*range(5))
        assert counts(server)["batches"] == 1
        assert counts(server)["requests_per_content"] == {"1": 5}


def test_a_batch_is_found_by_its_file_where_a_provider_keeps_no_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some speak the format without it."""
    real = misbehaving_batch_work.Batch
    monkeypatch.setattr(misbehaving_batches, "Batch", lambda i, f, _m, *rest, **named: real(i, f, None, *rest, **named))
    with misbehaving(Faults(batches=BatchFaults(drop_creates=1))) as server:
        assert texts(answers(block(server.url), 1, 2)) == expected(1, 2)
        assert counts(server)["batches"] == 1


def test_a_provider_that_takes_smaller_batches_gets_them_in_halves(caplog: pytest.LogCaptureFixture) -> None:
    """And the user is told which limit it was."""
    with misbehaving(Faults(batches=BatchFaults(most_requests=6))) as server:
        assert texts(answers(block(server.url), *range(20))) == expected(*range(20))
        assert counts(server)["requests"] == 20
        assert "too_many_tasks: The input file holds 20 requests; the most are 6." in caplog.text


def refusing(monkeypatch: pytest.MonkeyPatch, problems: Any) -> None:
    """Let the server's check of a file say what `problems(requests)` gives, if it gives any."""
    real = misbehaving_batch_work.check

    def check(content: bytes, faults: Faults) -> Any:
        requests, found = real(content, faults)
        return requests, found or problems(requests)

    monkeypatch.setattr(misbehaving_batches, "check", check)


def problem(code: str, message: str, line: int | None = None) -> dict[str, Any]:
    return {"code": code, "message": message, "line": line, "param": None}


def test_a_batch_with_too_many_tokens_is_offered_again_until_it_is_taken(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """First the same, then in halves; no row loses an attempt by it."""
    limit = "Enqueued token limit reached for offline in organization o."
    refusing(monkeypatch, lambda asked: [problem("token_limit_exceeded", limit)] if len(asked) > 5 else [])
    with misbehaving() as server:
        assert texts(answers(block(server.url, max_retries=0), *range(18))) == expected(*range(18))
        assert counts(server)["requests"] == 18
        assert limit in caplog.text


def test_lines_that_a_provider_refuses_cost_their_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """One bad line fails a whole file there; here the others are sent without it."""

    def problems(asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
        said = [request["body"]["messages"][0]["content"] for request in asked]
        return [problem("bad_line", f"no {text}", n) for n, text in enumerate(said, 1) if text == "Question 3?"]

    refusing(monkeypatch, problems)
    with misbehaving() as server:
        given = answers(block(server.url), *range(6))
        assert texts(given) == [text if i != 3 else None for i, text in enumerate(expected(*range(6)))]
        assert given[3].failure == "the batch failed: bad_line: no Question 3?"


def test_a_batch_that_fails_for_no_line_fails_its_rows_with_the_servers_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent again it would only fail again."""
    refusing(monkeypatch, lambda _asked: [problem("strange", "we do not like it")])
    with misbehaving() as server:
        given = answers(block(server.url), 1, 2)
        assert {answer.failure for answer in given} == {"the batch failed: strange: we do not like it"}
        assert counts(server)["batches"] == 1


@pytest.mark.parametrize(
    ("faults", "model", "words"),
    [
        (Faults(unauthorized=True), "offline", "refused the key: http 401: Incorrect API key provided."),
        (Faults(forbidden=True), "offline", "refused the key: http 403"),
        (Faults(), "other", "does not know model 'other': model_not_found: The model 'other' does not exist.; it has:"),
    ],
    ids=["unknown key", "forbidden", "unknown model"],
)
def test_what_fails_every_batch_stops_the_run_with_a_clear_error(faults: Faults, model: str, words: str) -> None:
    """At once, and not after the attempts of every row."""
    with misbehaving(faults) as server, pytest.raises(ModelError) as raised:
        answers(block(server.url, model=model), *range(5))
    assert words in str(raised.value)


def test_a_server_without_a_batch_api_is_said_to_have_none(offline_server: str) -> None:
    """With the remedy."""
    with pytest.raises(ModelError, match=r"has no Batch API .* take `batch: false`"):
        answers(block(offline_server), 1)


def test_a_key_that_is_refused_while_a_batch_is_waited_for_stops_the_run_and_loses_nothing() -> None:
    """With the right key the next run takes the results over."""
    with misbehaving(Faults(batches=BatchFaults(seconds=0.5))) as server:
        client = ChatClient(block(server.url), Account())

        async def refused() -> None:
            asked = asyncio.create_task(ask(client, 1, 2))
            await asyncio.to_thread(until, server, 1)
            await asyncio.to_thread(server.replan, Faults(unauthorized=True))
            await asked

        with pytest.raises(ModelError, match="refused the key"):
            asyncio.run(refused())
        client.close()
        server.replan(Faults())
        assert texts(answers(block(server.url), 1, 2)) == expected(1, 2)
        assert counts(server)["requests"] == 2


def test_a_batch_that_the_provider_forgot_is_sent_again(caplog: pytest.LogCaptureFixture) -> None:
    """And the user is told, because it may have been paid for."""
    with misbehaving(Faults(batches=BatchFaults(seconds=30))) as server:

        async def forgotten(client: ChatClient) -> list[Answer]:
            asked = asyncio.create_task(ask(client, 1, 2))
            await asyncio.to_thread(until, server, 1)
            await asyncio.to_thread(server.reset, Faults())
            return await asked

        client = ChatClient(block(server.url), Account())
        assert texts(asyncio.run(forgotten(client))) == expected(1, 2)
        client.close()
        assert "are sent again" in caplog.text


def test_a_stop_while_batches_are_waited_for_is_obeyed_at_once_and_the_next_run_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The grace for calls under way is not used up; the user is told once what stays where."""
    with misbehaving(Faults(batches=BatchFaults(seconds=2))) as server:
        client = ChatClient(block(server.url, max_requests=7), Account())

        async def stopped() -> float:
            asked = asyncio.create_task(ask(client, *range(20)))
            await asyncio.to_thread(until, server, 3)
            await asyncio.sleep(0.2)  # the reply to the last creation is on its way
            began = time.monotonic()
            client.desk.ledger.stop.request(Stopped("interrupted", 130), grace=60)
            with pytest.raises(Stopped):
                await asked
            return time.monotonic() - began

        assert asyncio.run(stopped()) < 1
        client.close()
        told = [record.getMessage() for record in caplog.records if "with the" in record.getMessage()]
        assert told == [
            f"with the provider at {server.url}: 20 requests in 3 batches; the next run takes the answers over"
        ]
        assert texts(answers(block(server.url, max_requests=7), *range(20))) == expected(*range(20))
        assert counts(server)["batches"] == 3
        assert counts(server)["requests_per_content"] == {"1": 20}


def test_a_stop_before_anything_was_sent_sends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for the quiet, and nobody is told of batches that are not."""
    with misbehaving() as server:
        client = ChatClient(block(server.url, quiet=60), Account())

        async def stopped() -> None:
            asked = asyncio.create_task(ask(client, 1, 2))
            await asyncio.sleep(0.1)
            client.desk.ledger.stop.request(Stopped("interrupted", 130), grace=60)
            with pytest.raises(Stopped):
                await asyncio.wait_for(asked, 1)

        asyncio.run(stopped())
        client.close()
        assert (counts(server)["uploads"], caplog.text) == (0, "")


def test_a_budget_that_holds_requests_back_does_not_hold_up_the_batch_at_hand() -> None:
    """Two fit at a time: they are sent when it got quiet, and what they leave lets the next ones through."""
    with misbehaving() as server:
        account = Account(run="r", budget=Budget(max_tokens=2_600))
        given = answers(block(server.url, max_tokens=1_000), *range(6), account=account)
        assert texts(given) == expected(*range(6))
        assert counts(server)["batches"] > 1


def test_the_end_of_the_time_is_noticed_while_a_batch_is_waited_for() -> None:
    """Hours may pass between two calls, and nobody else looks at the clock."""
    with misbehaving(Faults(batches=BatchFaults(seconds=30))) as server:
        began = time.monotonic()
        with pytest.raises(Stopped, match="max_time"):
            answers(block(server.url), 1, account=Account(run="r", budget=Budget(max_time=0.6)))
        assert time.monotonic() - began < 3


def test_calls_that_are_cancelled_leave_no_task_behind(caplog: pytest.LogCaptureFixture) -> None:
    """A run that fails elsewhere: the client is closed while its batch is open."""
    with misbehaving(Faults(batches=BatchFaults(seconds=5))) as server:
        client = ChatClient(block(server.url), Account())

        async def cancelled() -> set[Any]:
            asked = asyncio.create_task(ask(client, 1, 2))
            await asyncio.to_thread(until, server, 1)
            await asyncio.sleep(0.2)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            return asyncio.all_tasks() - {asyncio.current_task()}

        assert asyncio.run(cancelled()) == set()
        client.close()
        assert "2 requests in 1 batch;" in caplog.text


def test_a_step_on_distilabels_engine_leaves_no_task_behind_either() -> None:
    """There the model's loop runs only while `process` waits for rows, and nobody closes the queue in it."""
    with misbehaving() as server:
        with Pipeline(name="process"):
            step = Answering(llm=OpenAICompatibleLLM(block=block(server.url)))
        step.load()
        loop = step.llm.event_loop
        for numbers in (range(3), range(3, 5)):
            rows = next(iter(step.process([{"n": n} for n in numbers])))
            assert [row["answer"] for row in rows] == expected(*numbers)
            assert asyncio.all_tasks(loop) == set()
        step.unload()


def test_a_batch_that_another_process_is_handing_in_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """While its owner lives and says so, nobody sends its requests a second time."""
    monkeypatch.setattr(batch_service, "SECOND_LOOK", 0.0)
    with misbehaving() as server:
        client = ChatClient(block(server.url), Account())
        theirs: list[Submission] = []

        async def waited() -> list[Answer]:
            queue = client._batches
            assert queue is not None
            body = orjson.dumps(request_body(client.block, question(1), 0))
            theirs.append(queue._submissions.record([custom_id(body)]))
            asked = asyncio.create_task(ask(client, 1))
            await asyncio.sleep(0.5)
            assert (await asyncio.to_thread(counts, server))["uploads"] == 0
            queue._submissions.release(theirs[0])
            return await asked

        assert texts(asyncio.run(waited())) == expected(1)
        assert client.desk.ledger.journal.connection.execute("SELECT name FROM batches").fetchall() != [
            (theirs[0].name,)
        ]
        client.close()
        assert counts(server)["requests"] == 1


# Deaths

DYING = """
import asyncio, os, signal, sys
from castwright.generators.calls.account import Account
from castwright.generators.calls.ledger import Ledger
from castwright.generators.calls.submissions import Submissions
from castwright.generators.models.batch_service import BatchService
from castwright.generators.models.client import ChatClient
from castwright.generators.models.config import OpenAIModel

def die(*_arguments, **_named):
    os.kill(os.getpid(), signal.SIGKILL)

{where}
model = OpenAIModel(model="offline", base_url=sys.argv[1], batch={{"poll": 0.05, "quiet": 0.05, "max_requests": 7}})
client = ChatClient(model, Account())

async def ask():
    questions = [[{{"role": "user", "content": f"Question {{i}}?"}}] for i in range(20)]
    await asyncio.gather(*map(client.answer, questions))

asyncio.run(ask())
"""
WHERE = {
    "before the upload": "BatchService.upload = die",
    "before the creation": "BatchService.create = die",
    "before the batch's id is written down": "Submissions.created = die",
    "while it waits": "",
    "before the download": "BatchService.results = die",
    "before the answers are journalled": "Ledger.write = die",
}


@pytest.mark.parametrize("where", WHERE)
def test_a_run_that_is_killed_is_finished_by_the_next_one_and_no_request_is_sent_twice(where: str) -> None:
    """At any point between the first row and the journal."""
    with misbehaving(Faults(batches=BatchFaults(seconds=0.5))) as server:
        script = textwrap.dedent(DYING.format(where=WHERE[where]))
        process = subprocess.Popen(  # noqa: S603 (our own interpreter)
            [sys.executable, "-W", "ignore", "-c", script, server.url], env=dict(os.environ)
        )
        if not WHERE[where]:
            until(server, 3)
            process.kill()
        assert process.wait(timeout=60) == -signal.SIGKILL
        rows = run(block(server.url, max_requests=7), *range(20))
        assert [row["answer"] for row in rows] == expected(*range(20))
        assert counts(server)["requests_per_content"] == {"1": 20}


def test_no_key_is_in_the_journal_nor_in_a_file(
    journal: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The server even repeats it in its errors."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    shares = BatchFaults(seconds=0.2, bad_request=0.4, drop_uploads=1)
    with misbehaving(Faults(seed=3, api_key=KEY, echo_key=True, batches=shares)) as server:
        answers(block(server.url), *range(10))
        assert counts(server)["kinds"]["bad_request"] > 0
    written = b"".join(path.read_bytes() for path in journal.parent.iterdir())
    assert b"batched_calls" in written
    assert KEY.encode() not in written
    assert KEY not in caplog.text


# What is remembered


@pytest.fixture
def submissions(journal: Path) -> Submissions:
    return Submissions(Journal(journal), "http://here/v1")


A, B = "aa" * 16, "bb" * 16


def test_a_submission_is_found_by_each_of_its_requests(submissions: Submissions, journal: Path) -> None:
    """By those of the same endpoint, the newest first, with what is known of it by now."""
    first = submissions.record({A, B})
    submissions.uploaded(first, "file-1")
    submissions.created(first, "batch-1")
    found = submissions.find(A)
    assert found is not None
    assert (found.name, found.file, found.batch) == (first.name, "file-1", "batch-1")
    second = submissions.record([A])
    assert [one.name for one in (submissions.find(A), submissions.find(B)) if one] == [second.name, first.name]
    assert Submissions(Journal(journal), "http://there/v1").find(A) is None


def test_what_is_forgotten_is_not_found(submissions: Submissions) -> None:
    """A call of a submission, a call of all, a whole submission, all old ones."""
    first, second = submissions.record([A, B]), submissions.record([A, B])
    assert submissions.calls(first) == [A, B]
    submissions.drop_calls(second, [A])
    found = submissions.find(A)
    assert found is not None
    assert found.name == first.name
    submissions.disown(A)
    assert submissions.find(A) is None
    submissions.forget(second)
    assert submissions.get(second) is None
    submissions.prune(first.created - KEPT_SECONDS)
    assert submissions.find(B) is not None
    submissions.prune(first.created + 1)
    assert submissions.find(B) is None


def test_a_number_is_never_used_again(submissions: Submissions) -> None:
    """Else who still holds a forgotten submission would write into another."""
    first = submissions.record([A])
    submissions.forget(first)
    assert submissions.record([A]).number != first.number


def test_a_submission_is_abandoned_when_its_process_has_ended_or_is_silent(submissions: Submissions) -> None:
    """This process lives, so only silence counts; the number of a dead one says it at once."""
    mine = submissions.record([A])
    assert not mine.is_abandoned(mine.touched + 1)
    assert mine.is_abandoned(mine.touched + 60)
    submissions.release(mine)
    released = submissions.get(mine)
    assert released is not None
    assert released.is_abandoned(mine.created)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with sqlite3.connect(submissions._journal.path) as connection:
        connection.execute("UPDATE batches SET owner = ?, touched = created", (ended.pid,))
    dead = submissions.get(mine)
    assert dead is not None
    assert dead.is_abandoned(dead.touched)


def test_a_submission_is_named_by_its_requests_and_a_nonce() -> None:
    """In any order; another nonce is another submission."""
    assert submission_name([A, B], b"1") == submission_name([B, A], b"1")
    assert len({submission_name([A, B], b"1"), submission_name([A, B], b"2"), submission_name([A], b"1")}) == 3


def test_a_call_that_goes_on_failing_stops_the_run_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour, here shortened: it is said that nothing is lost."""
    monkeypatch.setattr(batch_service, "PATIENCE", 0.5)
    monkeypatch.setattr(batch_service, "WARN_AFTER", 1)
    with misbehaving(Faults(batches=BatchFaults(drop_uploads=1_000))) as server, pytest.raises(ModelError) as raised:
        answers(block(server.url), 1)
    assert "run the same command again" in str(raised.value)
