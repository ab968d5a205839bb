"""The `model:` block: what it takes, what it refuses, and that no secret gets into it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from castwright.generators.models.config import (
    ModelBlock,
    OfflineModel,
    OpenAIModel,
    TransformersModel,
    read_model_block,
)
from castwright.generators.models.load import make_llm, model_label


@pytest.mark.parametrize(
    ("data", "kind", "label", "llm"),
    [
        pytest.param({"kind": "offline"}, OfflineModel, "offline", "OfflineLLM", id="offline"),
        pytest.param({"kind": "openai", "model": "m"}, OpenAIModel, "m", "OpenAICompatibleLLM", id="openai"),
        pytest.param(
            {"kind": "transformers", "model": "./rewriter"},
            TransformersModel,
            "./rewriter",
            "LocalTransformersLLM",
            id="transformers",
        ),
    ],
)
def test_each_kind_has_its_block_its_label_and_its_model(
    data: dict[str, Any], kind: type, label: str, llm: str
) -> None:
    """A mapping becomes a block, the block a distilabel LLM of that name that dumps and loads as it is."""
    block = read_model_block(data)
    assert type(block) is kind
    assert model_label(block) == label
    made = make_llm(block)
    assert type(made).__name__ == llm
    assert made.model_name == label
    assert type(made).from_dict(made.dump()).block == block


@pytest.mark.parametrize(
    ("data", "place"),
    [
        pytest.param({"kind": "openai", "model": "m", "temprature": 1}, "openai.temprature", id="misspelt key"),
        pytest.param({"kind": "openai"}, "openai.model", id="no model"),
        pytest.param({"kind": "magic"}, "", id="unknown kind"),
        pytest.param({"kind": "openai", "model": "m", "timeout": 0}, "openai.timeout", id="no time"),
        pytest.param({"kind": "openai", "model": "m", "base_url": "localhost:8000"}, "openai.base_url", id="no scheme"),
        pytest.param({"kind": "transformers", "model": "m", "dtype": "int8"}, "transformers.dtype", id="dtype"),
    ],
)
def test_a_wrong_block_is_refused_with_its_place(data: dict[str, Any], place: str) -> None:
    """pydantic names the key that is wrong."""
    with pytest.raises(ValidationError) as caught:
        read_model_block(data)
    assert ".".join(map(str, caught.value.errors()[0]["loc"])) == place


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"api_key_env": "sk-proj-abcdef123456"}, id="a key as the variable's name"),
        pytest.param({"api_key_env": "hf_abcdefghijklmnopqrstuv"}, id="a Hub token as the variable's name"),
        pytest.param({"api_key_env": "abcdef 123456"}, id="no name at all"),
        pytest.param({"base_url": "https://me:abcdef123456@host/v1"}, id="a password in the URL"),
        pytest.param({"base_url": "https://host/v1?api_key=abcdef123456"}, id="a key in the URL"),
        pytest.param({"extra_body": {"options": {"api_key": "abcdef123456"}}}, id="a key in the body"),
        pytest.param({"extra_body": {"things": ["sk-abcdef123456"]}}, id="something like a key in the body"),
        pytest.param({"api_key": "sk-abcdef123456"}, id="a key under its usual name"),
    ],
)
def test_a_secret_in_the_block_is_refused_and_not_repeated(fields: dict[str, Any]) -> None:
    """The error says what to do and does not carry the key into a log."""
    with pytest.raises(ValidationError) as caught:
        read_model_block({"kind": "openai", "model": "m", **fields})
    assert "abcdef" not in str(caught.value)


@pytest.mark.parametrize("body", [{"prompt_cache_key": "book"}, {"eos_token": "</s>"}, {"top_k": 5}, {"seed": None}])
def test_ordinary_parameters_are_no_secrets(body: dict[str, Any]) -> None:
    """Names that only sound like keys pass."""
    assert OpenAIModel(model="m", extra_body=body).extra_body == body


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        (None, False),
        ("http://127.0.0.1:8000/v1", True),
        ("http://localhost:8000/v1/", True),
        ("http://[::1]:8000/v1", True),
        ("http://10.0.0.5/v1", False),
        ("https://localhost.example.org/v1", False),
    ],
)
def test_loopback_is_told_from_elsewhere(url: str | None, loopback: bool) -> None:
    """Only a server on this machine needs no key."""
    assert OpenAIModel(model="m", base_url=url).is_loopback is loopback


def test_a_block_is_frozen() -> None:
    """Blocks go into fingerprints; they do not change under way."""
    with pytest.raises(ValidationError, match="frozen"):
        OpenAIModel(model="m").model = "n"  # type: ignore[misc]


def test_the_union_is_a_field_of_a_recipe() -> None:
    """`ModelBlock` is told apart by `kind` inside another pydantic model."""

    class Recipe(BaseModel):
        model_config = ConfigDict(hide_input_in_errors=True)
        model: ModelBlock = OfflineModel()

    assert Recipe.model_validate({"model": {"kind": "openai", "model": "m"}}).model == OpenAIModel(model="m")
    assert Recipe().model == OfflineModel()
