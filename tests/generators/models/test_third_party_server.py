"""Our client against a server that none of us wrote: `transformers serve` on loopback, with a tiny model.

Random weights say nothing of sense, so what is tested is what happens around the text. This server has its own
habits: errors as FastAPI shapes them (`detail`), a plain-text 500 to `/v1/models` where there is no cache of
downloads, `response_format` accepted and ignored, 400 for a model it was not started with.
"""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import requests
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from numpy.typing import NDArray

from castwright.generators.models.config import OpenAIModel
from castwright.generators.models.load import make_llm
from castwright.generators.prompt import Message
from castwright.generators.step import ModelStep
from castwright.generators.structured import read_object
from castwright.pipelines.executor import run_local

TEMPLATE = (
    "{% for m in messages %}<s>{{ m['role'] }}: {{ m['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant:{% endif %}"
)
CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "max_position_embeddings": 2048,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "tie_word_embeddings": False,
    "dtype": "float32",
}
SECONDS_TO_START = 50
MAX_TOKENS = 8
QUESTIONS = [f"What does the map show at number {i}?" for i in range(12)]


class Ask(ModelStep):
    """Asks the question of a row, and keeps the text as it is."""

    empty: ClassVar[dict[str, Any]] = {"text": ""}

    @property
    def inputs(self) -> list[str]:
        return ["question"]

    def prompt(self, row: dict[str, Any]) -> list[Message]:
        return [{"role": "user", "content": row["question"]}]

    def parse(self, row: dict[str, Any], text: str) -> dict[str, Any]:
        return {"text": text}


class AskForJson(Ask):
    """Asks for an object of a shape that random weights will not hit upon."""

    def json_schema(self) -> dict[str, Any]:
        properties = {"place": {"type": "string"}}
        return {"type": "object", "properties": properties, "required": ["place"], "additionalProperties": False}

    def parse(self, row: dict[str, Any], text: str) -> dict[str, Any]:
        return {"text": str(read_object(text).value["place"])}


def make_tiny_model(folder: Path) -> None:
    """Save a Llama of two small layers with random weights, and a tokenizer of single bytes.

    Written by hand: to import torch here too would take as long as the server does to start.
    """
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    tokens = ["<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<s>", "</s>"])
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    named = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps({**named, "chat_template": TEMPLATE}))
    (folder / "config.json").write_text(json.dumps({**CONFIG, "vocab_size": len(tokens)}))
    save_file(random_weights(len(tokens)), folder / "model.safetensors", metadata={"format": "pt"})


def random_weights(tokens: int) -> dict[str, NDArray[np.float32]]:
    """Return the weights of `CONFIG`, by name."""
    wide, inner = CONFIG["hidden_size"], CONFIG["intermediate_size"]
    attention = {f"self_attn.{name}_proj": (wide, wide) for name in "qkvo"}
    mlp = {"mlp.gate_proj": (inner, wide), "mlp.up_proj": (inner, wide), "mlp.down_proj": (wide, inner)}
    norms = {"input_layernorm": (wide,), "post_attention_layernorm": (wide,)}
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens": (tokens, wide), "lm_head": (tokens, wide)}
    for layer in range(CONFIG["num_hidden_layers"]):
        shapes |= {f"model.layers.{layer}.{name}": shape for name, shape in (attention | mlp | norms).items()}
    shapes["model.norm"] = (wide,)
    rng = np.random.default_rng(7)
    # Wide weights: the largest logit stands clear of the second and does not hang on float noise.
    return {
        f"{name}.weight": (np.ones(shape) if len(shape) == 1 else rng.normal(0, 0.5, shape)).astype(np.float32)
        for name, shape in shapes.items()
    }


def start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start the server in the model's parent folder, so that the model is called by the folder's name."""
    command = [sys.executable, "-c", "from transformers.cli.transformers import main; main()", "serve", folder.name]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--log-level", "error"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder.parent / "hub")}
    with (folder.parent / "server.log").open("wb") as log:
        return subprocess.Popen(command, cwd=folder.parent, env=environment, stdout=log, stderr=log)  # noqa: S603


def wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"http://127.0.0.1:{port}/health", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.2)
    raise AssertionError(f"transformers serve does not answer:\n{log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="module")
def third_party_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the base URL of `transformers serve`, which has one model, `tiny`."""
    missing = [name for name in ("torch", "transformers", "fastapi", "uvicorn") if not importlib.util.find_spec(name)]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed; pip install torch 'transformers[serving]' for this test")
    folder = tmp_path_factory.mktemp("third-party") / "tiny"
    make_tiny_model(folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = start(folder, port)
    try:
        wait_until_ready(process, port, folder.parent / "server.log")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)


@pytest.fixture(autouse=True)
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep these calls out of the user's own journal, and its answers out of these tests."""
    path = tmp_path / "journal.db"
    monkeypatch.setenv("CASTWRIGHT_JOURNAL", str(path))
    return path


def block(url: str, **fields: Any) -> OpenAIModel:
    given = {"model": "tiny", "max_tokens": MAX_TOKENS, "temperature": 0.0, "allow_truncated": True, "max_retries": 1}
    return OpenAIModel(base_url=url, **{**given, **fields})


def asked(model: OpenAIModel, step: type[Ask] = Ask, questions: list[str] = QUESTIONS) -> list[dict[str, Any]]:
    """Return the rows of a graph that asks a model some questions."""
    with Pipeline(name="third-party") as pipeline:
        data = LoadDataFromDicts(data=[{"question": question} for question in questions])
        data >> step(name="ask", llm=make_llm(model))
    rows: list[dict[str, Any]] = run_local(pipeline).rows
    return rows


def said(url: str, question: str) -> str:
    """Return what the server says when asked past our client."""
    body = {"model": "tiny", "messages": [{"role": "user", "content": question}], "max_tokens": MAX_TOKENS}
    reply = requests.post(f"{url}/chat/completions", json={**body, "temperature": 0.0, "seed": 0}, timeout=30).json()
    return str(reply["choices"][0]["message"]["content"])


def test_a_graph_gets_the_text_of_every_row(third_party_server: str) -> None:
    """Twelve rows in order, each kept with the text that the server gives for its question."""
    rows = asked(block(third_party_server))
    assert [row["question"] for row in rows] == QUESTIONS
    assert [(row["verdict"], row["reason"], row["model"]) for row in rows] == [("keep", "", "tiny")] * len(QUESTIONS)
    assert [row["text"] for row in rows] == [said(third_party_server, question) for question in QUESTIONS]
    assert all(row["text"].strip() for row in rows)


def test_its_usage_is_counted(third_party_server: str) -> None:
    """One token a byte: the prompt's length is known, and the reply is as long as it may be."""
    llm = make_llm(block(third_party_server))
    llm.load()
    (output,) = llm.generate_outputs([[{"role": "user", "content": QUESTIONS[0]}]])
    llm.unload()
    prompt = f"user: {QUESTIONS[0]}assistant:"
    assert output["statistics"] == {"input_tokens": [len(prompt) + 3], "output_tokens": [MAX_TOKENS]}


def test_a_reply_that_was_cut_off_is_said_to_be(third_party_server: str) -> None:
    """Its finish_reason is read."""
    (row,) = asked(block(third_party_server, allow_truncated=False), questions=QUESTIONS[:1])
    assert row["verdict"] == "drop"
    assert "cut off at max_tokens (8)" in row["reason"]


def test_a_schema_that_is_ignored_costs_the_row_and_not_the_run(third_party_server: str) -> None:
    """The server takes response_format, ignores it and sends babble: one repair request, then a reason per row."""
    rows = asked(block(third_party_server), AskForJson, QUESTIONS[:2])
    assert [row["verdict"] for row in rows] == ["drop", "drop"]
    assert all("after one repair request" in row["reason"] for row in rows)


def test_a_refused_model_is_told_in_the_servers_words(third_party_server: str) -> None:
    """A 400 in FastAPI's shape."""
    (row,) = asked(block(third_party_server, model="another"), questions=QUESTIONS[:1])
    assert row["verdict"] == "drop"
    assert "Server is pinned to 'tiny'; requested 'another'" in row["reason"]
