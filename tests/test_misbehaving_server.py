"""The misbehaving server is itself a tool of tests: its draws, settings, counts, log and processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import psutil
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from misbehaving import Faults, Handle, misbehaving, misbehaving_process
from misbehaving_faults import CONTENT_KINDS, FAULT_KINDS, Kind, fault_for, kinds_until_answered, request_digest
from misbehaving_ledger import read_log

DIGESTS = st.text("0123456789abcdef", min_size=16, max_size=16)


def ask(text: str = "Where is the harbour?", **more: Any) -> dict[str, Any]:
    return {"model": "offline", "messages": [{"role": "user", "content": text}], **more}


def post(server: Handle, body: dict[str, Any], *, key: str = "", timeout: float = 10.0) -> requests.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return requests.post(f"{server.url}/chat/completions", json=body, headers=headers, timeout=timeout)


@given(seed=st.integers(0, 2**32), digest=DIGESTS, attempt=st.integers(1, 50))
def test_a_fault_depends_on_seed_content_and_attempt_alone(seed: int, digest: str, attempt: int) -> None:
    """Drawn twice it is the same, and past the most faults of a request it is none."""
    plan = Faults(seed=seed, rate_limited=0.4, dropped=0.4, most_faults_per_request=3)
    assert fault_for(plan, digest, attempt) == fault_for(plan, digest, attempt)
    assert attempt <= 3 or fault_for(plan, digest, attempt) == "ok"


@given(seed=st.integers(0, 2**32), digest=DIGESTS)
def test_a_lasting_fault_comes_at_every_attempt(seed: int, digest: str) -> None:
    """Lasting kinds are a matter of the content, whatever the limit of faults per request."""
    plan = Faults(
        seed=seed, bad_request=0.3, empty=0.3, rate_limited=0.4, lasting=CONTENT_KINDS, most_faults_per_request=1
    )
    kinds = [fault_for(plan, digest, attempt) for attempt in range(1, 9)]
    if kinds[0] in CONTENT_KINDS:
        assert set(kinds) == {kinds[0]}
    else:
        assert not set(kinds) & set(CONTENT_KINDS)
        assert kinds[1:] == ["ok"] * 7


def test_the_shares_come_out_as_asked_for() -> None:
    """Over 20,000 contents, every kind within a third of a percent of its share."""
    shares: dict[Kind, float] = {kind: 0.01 + 0.005 * i for i, kind in enumerate(FAULT_KINDS)}
    plan = Faults(seed=5, **shares)  # type: ignore[arg-type]
    drawn = [fault_for(plan, request_digest("offline", [i]), 1) for i in range(20_000)]
    for kind, share in shares.items():
        assert abs(drawn.count(kind) / len(drawn) - share) < 1 / 300, kind


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param({"hang": 1.5}, id="a share above one"),
        pytest.param({"hang": 0.6, "dropped": 0.6}, id="shares above one together"),
        pytest.param({"lasting": ["ok"]}, id="a lasting kind that is no fault"),
        pytest.param({"batches": {"expired": -1}}, id="a negative share of batches"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(plan: dict[str, Any]) -> None:
    """With a ValueError, also through JSON."""
    with pytest.raises(ValueError, match=r"shares of faults|lasting names"):
        Faults.from_json(json.dumps(plan))


def test_a_plan_survives_json() -> None:
    """All fields, the nested ones and the tuples included."""
    plan = Faults(seed=3, slow=0.5, lasting=("empty",), models=("a", "b"), retry_after=0.5)
    assert Faults.from_json(plan.to_json()) == plan


# Settings


@pytest.mark.parametrize(
    ("settings", "more", "status", "code"),
    [
        pytest.param({"api_key": "right"}, {}, 401, "invalid_api_key", id="another key"),
        pytest.param({"unauthorized": True}, {}, 401, "invalid_api_key", id="any key"),
        pytest.param({"forbidden": True}, {}, 403, "forbidden", id="a forbidden key"),
        pytest.param({"quota": True}, {}, 429, "insufficient_quota", id="no quota left"),
        pytest.param({"models": ("a", "b")}, {}, 404, "model_not_found", id="another model"),
        pytest.param({"context_tokens": 20}, {"max_tokens": 16}, 400, "context_length_exceeded", id="a long prompt"),
        pytest.param(
            {"refuse_json_schema": True},
            {"response_format": {"type": "json_schema"}},
            400,
            "no_json_schema",
            id="a JSON schema",
        ),
        pytest.param(
            {"refuse_json_object": True},
            {"response_format": {"type": "json_object"}},
            400,
            "no_json_object",
            id="a JSON object",
        ),
    ],
)
def test_what_is_turned_away_is_no_attempt(
    settings: dict[str, Any], more: dict[str, Any], status: int, code: str
) -> None:
    """Refused with OpenAI's status and code, counted by code, billed nothing, no content seen."""
    with misbehaving(Faults(**settings)) as server:
        response = post(server, ask(**more), key="wrong")
        stats = server.stats()
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    kind = "unauthorized" if status == 401 else code
    assert (stats["kinds"], stats["contents"], stats["tokens_in"]) == ({kind: 1}, 0, 0)


def test_a_refused_format_is_named_in_param() -> None:
    """So that a client can tell it from another 400."""
    with misbehaving(Faults(refuse_json_schema=True)) as server:
        error = post(server, ask(response_format={"type": "json_schema"})).json()["error"]
    assert error["param"] == "response_format"
    assert "json_schema" in error["message"]


def test_a_key_is_seen_and_never_told() -> None:
    """The stats say that one came and not which; with echo_key the error body says which."""
    with misbehaving(Faults(bad_request=1.0, echo_key=True)) as server:
        response = post(server, ask(), key="sk-secret")
        stats = server.stats()
    assert "sk-secret" in response.json()["error"]["message"]
    assert stats["authorization_seen"] is True
    assert "sk-secret" not in json.dumps(stats)


def test_the_models_are_those_of_the_plan() -> None:
    """As openai's client lists them."""
    with misbehaving(Faults(models=("small", "large"))) as server:
        client = openai.OpenAI(base_url=server.url, api_key="none", max_retries=0)
        assert [model.id for model in client.models.list()] == ["small", "large"]


def test_more_than_its_capacity_is_turned_away() -> None:
    """Six at once where two have room: four get a 429, and never more than two are worked on."""
    with misbehaving(Faults(capacity=2, latency=0.5)) as server, ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(lambda i: post(server, ask(f"Question {i}")).status_code, range(6)))
        stats = server.stats()
    assert statuses == [200, 200, 429, 429, 429, 429]
    assert stats["kinds"] == {"ok": 2, "over_capacity": 4}


# Counts


def test_every_content_meets_what_the_plan_says_in_any_order() -> None:
    """Sixty contents asked by sixteen threads until answered: kinds and number of calls as computed beforehand."""
    plan = Faults(seed=2, rate_limited=0.3, server_error=0.2, malformed=0.2)

    def until_answered(i: int) -> None:
        for _ in range(20):
            response = post(server, ask(f"Question {i}"))
            if response.status_code == 200 and response.content.endswith(b"}"):
                return
        raise AssertionError("never answered")

    with misbehaving(plan) as server, ThreadPoolExecutor(16) as pool:
        list(pool.map(until_answered, range(60)))
        contents, stats = server.contents(), server.stats()
    digests = [request_digest("offline", ask(f"Question {i}")["messages"]) for i in range(60)]
    assert contents == {digest: list(kinds_until_answered(plan, digest, 20)) for digest in digests}
    assert stats["requests"] == sum(map(len, contents.values())) > 60
    assert stats["contents_answered"] == 60
    assert stats["most_requests_per_content"] == max(map(len, contents.values()))
    assert stats["contents_answered_more_than_once"] == stats["requests_after_an_answer"] == 0


def test_asking_again_after_an_answer_is_seen() -> None:
    """Another seed is another content."""
    with misbehaving() as server:
        for seed in (1, 1, 1, 2):
            post(server, ask(seed=seed))
        stats = server.stats()
    assert stats["requests_per_content"] == {"1": 1, "3": 1}
    assert (stats["contents_answered_more_than_once"], stats["requests_after_an_answer"]) == (1, 2)


def test_the_most_in_flight_and_the_times_are_noted() -> None:
    """Five at once at 0.3 s; the first and last arrivals lie within the test."""
    start = time.time()
    with misbehaving(Faults(latency=0.3)) as server, ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda i: post(server, ask(f"Question {i}")), range(5)))
        stats = server.stats()
    assert (stats["most_in_flight"], stats["in_flight"], stats["requests_in_busiest_second"]) == (5, 0, 5)
    assert start <= stats["first_request"] <= stats["last_request"] <= time.time()


def test_a_reset_forgets_and_a_new_plan_does_not() -> None:
    """Attempts are counted on under a new plan, and anew after a reset."""
    with misbehaving(Faults(rate_limited=1.0)) as server:
        assert post(server, ask()).status_code == 429
        server.replan(Faults(rate_limited=1.0, most_faults_per_request=1))
        assert post(server, ask()).status_code == 200
        assert server.stats()["requests"] == 2
        server.reset()
        assert server.stats()["requests"] == 0
        assert post(server, ask()).status_code == 429
        server.reset(Faults())
        assert post(server, ask()).status_code == 200


# Processes


def test_as_a_process_it_logs_at_arrival_and_outlives_the_clients_group(tmp_path: Path) -> None:
    """A killed process group does not take it along; the log has every call, the hanging one too."""
    log = tmp_path / "calls.log"
    with misbehaving_process(Faults(hang=1.0, most_faults_per_request=1), log=log) as server:
        assert server.pid is not None
        code = (
            f"import requests; requests.post('{server.url}/chat/completions', "
            "json={'model': 'offline', 'messages': [{'role': 'user', 'content': 'Hello?'}]})"
        )
        client = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)  # noqa: S603
        deadline = time.monotonic() + 20
        while not (log.exists() and read_log(log)) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(client.pid, signal.SIGKILL)
        client.wait(timeout=10)
        assert post(server, ask("Hello?")).status_code == 200
        digest = request_digest("offline", ask("Hello?")["messages"])
        assert read_log(log) == [(digest, 1, "hang"), (digest, 2, "ok")]
        assert os.getpgid(server.pid) != os.getpgid(0)


def test_a_key_in_the_plan_stands_in_no_process_arguments() -> None:
    """It goes in by stdin; and the server checks it."""
    with misbehaving_process(Faults(api_key="sk-loopback-secret")) as server:
        assert post(server, ask(), key="sk-loopback-secret").status_code == 200
        assert post(server, ask(), key="another").status_code == 401
        assert "sk-loopback-secret" not in " ".join(psutil.Process(server.pid).cmdline())


def test_the_process_ends_with_the_one_that_started_it() -> None:
    """Also when that is killed outright."""
    code = (
        "from misbehaving import misbehaving_process\nimport time\n"
        "with misbehaving_process() as server:\n    print(server.pid, flush=True)\n    time.sleep(60)\n"
    )
    starter = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", code], cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    server = psutil.Process(int(starter.stdout.readline()))
    starter.kill()
    starter.communicate(timeout=10)
    server.wait(timeout=10)
    assert not server.is_running()


def test_a_process_that_cannot_start_says_why() -> None:
    """Here because its port is taken."""
    with misbehaving() as server:
        port = int(server.url.split(":")[2].removesuffix("/v1"))
        with pytest.raises(RuntimeError, match="address already in use"), misbehaving_process(port=port):
            pass
