"""The offline model through real HTTP: strangers' requests, the openai client, and ours."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
import requests

from castwright.errors import ModelError
from castwright.generators.models.config import OfflineModel, OpenAIModel
from castwright.generators.models.load import make_llm
from castwright.generators.models.offline import OfflineLLM
from castwright.generators.offline.reply import reply

HELLO: Any = [{"role": "user", "content": "Good day. How do you make tea?"}]


@pytest.fixture
def client(offline_server: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=offline_server, api_key="none", max_retries=0) as made:
        yield made


def test_a_completion_is_the_offline_models_reply(client: openai.OpenAI) -> None:
    """Text, finish reason and token counts, through openai's own client."""
    made = client.chat.completions.create(model="offline", messages=HELLO, seed=3)
    assert made.choices[0].message.content == reply(HELLO, sample=3)
    assert made.choices[0].finish_reason == "stop"
    assert made.usage is not None
    assert made.usage.prompt_tokens > 0
    assert made.usage.completion_tokens > 0


def test_several_choices_are_consecutive_samples(client: openai.OpenAI) -> None:
    """`n` 3 from seed 5 on."""
    made = client.chat.completions.create(model="offline", messages=HELLO, n=3, seed=5)
    assert [c.message.content for c in made.choices] == [reply(HELLO, sample=5 + i) for i in range(3)]


def test_a_stream_says_the_same(client: openai.OpenAI) -> None:
    """Joined, the chunks are the reply; usage comes last where it is asked for."""
    stream = client.chat.completions.create(
        model="offline", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == reply(HELLO, sample=0)
    assert chunks[-1].usage is not None


def test_the_models_are_listed(client: openai.OpenAI) -> None:
    """One, by its name."""
    assert [model.id for model in client.models.list()] == ["offline"]


def test_an_unknown_model_is_a_404_that_names_the_known_one(client: openai.OpenAI) -> None:
    """As at OpenAI: NotFoundError with code model_not_found."""
    with pytest.raises(openai.NotFoundError, match="this server has 'offline'") as caught:
        client.chat.completions.create(model="gpt", messages=HELLO)
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        pytest.param("POST", "/chat/completions", "{", 400, id="broken json"),
        pytest.param("POST", "/embeddings", "{}", 404, id="unknown path"),
        pytest.param("GET", "/chat/completions", None, 405, id="wrong method"),
        pytest.param("POST", "/chat/completions", "x" * (17 * 1024 * 1024), 413, id="too large"),
    ],
)
def test_what_cannot_be_answered_gets_an_error_body(
    offline_server: str, method: str, path: str, body: str | None, status: int
) -> None:
    """Every error has OpenAI's shape, aiohttp's own included."""
    response = requests.request(method, offline_server + path, data=body, timeout=10)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("application/json")
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


def test_the_offline_model_says_the_same_in_process_and_through_http(offline_server: str) -> None:
    """Same messages, same samples: same generations, whichever way."""
    near = make_llm(OfflineModel())
    far = make_llm(OpenAIModel(model="offline", base_url=offline_server))
    prompts = [[{"role": "user", "content": f"Why is number {i} so dear to you?"}] for i in range(5)]
    outputs = []
    for llm in (near, far):
        llm.load()
        outputs.append(llm.generate_outputs(prompts, num_generations=2, sample=3))
        llm.unload()
    assert outputs[0] == outputs[1]


def test_our_client_hears_of_an_unknown_model(offline_server: str) -> None:
    """The whole path of a user's typing error."""
    llm = make_llm(OpenAIModel(model="ofline", base_url=offline_server))
    llm.load()
    with pytest.raises(ModelError, match=r"does not know model 'ofline'.*it has: offline"):
        llm.generate_outputs([HELLO])
    llm.unload()


def test_the_offline_llm_answers_and_counts() -> None:
    """In process: texts, estimated tokens, and a reply per sample."""
    output = asyncio.run(OfflineLLM().agenerate(HELLO, num_generations=2, sample=1))
    assert output["generations"] == [reply(HELLO, sample=1), reply(HELLO, sample=2)]
    assert output["failure"] == [None, None]
    assert output["statistics"]["input_tokens"] == [8, 8]


def run_server(port: int) -> subprocess.Popen[str]:
    code = (
        "import sys\nfrom castwright.errors import CastwrightError\n"
        "from castwright.generators.models.server import serve\n"
        f"try:\n    serve(port={port})\nexcept CastwrightError as error:\n    print(error)\n    sys.exit(2)\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a child process")
def test_serve_prints_its_address_and_leaves_quietly_on_ctrl_c() -> None:
    """The printed address answers; SIGINT ends the process with 0."""
    process = run_server(0)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = next(word for word in line.split() if word.startswith("http"))
        assert requests.get(f"{url}/models", timeout=10).json()["data"][0]["id"] == "offline"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
        assert "kind: openai" in process.stdout.read()
    finally:
        process.kill()


def test_a_port_in_use_is_one_clear_error() -> None:
    """Status 2 and one line that names the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = run_server(port)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    assert f"port {port} on 127.0.0.1 is in use" in out


def test_latency_delays_replies_and_not_each_other() -> None:
    """Twenty calls at 0.2 s each, at once, take far less than four seconds."""
    from aiohttp import web

    from castwright.generators.models.server import build_app

    async def twenty() -> float:
        runner = web.AppRunner(build_app(latency=0.5), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/chat/completions"
        body = json.dumps({"model": "offline", "messages": HELLO})
        start = time.monotonic()
        posts = (asyncio.to_thread(requests.post, url, data=body, timeout=10) for _ in range(20))
        responses = await asyncio.gather(*posts)
        took = time.monotonic() - start
        await runner.cleanup()
        assert {response.status_code for response in responses} == {200}
        return took

    assert 0.5 <= asyncio.run(twenty()) < 8  # one after the other would be 10 s
