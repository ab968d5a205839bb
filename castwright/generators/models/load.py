"""From a `model:` block to a model.

A table of three closed kinds is a `match`, not a registry: a reader sees all of it, and mypy sees when a
kind is missing. Each class is imported in its branch, because the third one is heavy.
"""

from __future__ import annotations

from typing import assert_never

from distilabel.models.llms import AsyncLLM

from castwright.generators.calls.account import Account
from castwright.generators.models.config import ModelBlock, OfflineModel, OpenAIModel, TransformersModel


def make_llm(block: ModelBlock, account: Account | None = None) -> AsyncLLM:
    """Return the model a block describes, not loaded yet (`load()` reaches for keys, servers and weights).

    `account` says what its calls are booked on; None: on no run, in the user's own journal.
    """
    booked = account or Account()
    match block:
        case OfflineModel():
            from castwright.generators.models.offline import OfflineLLM

            return OfflineLLM(block=block, account=booked)
        case OpenAIModel():
            from castwright.generators.models.openai import OpenAICompatibleLLM

            return OpenAICompatibleLLM(block=block, account=booked)
        case TransformersModel():
            from castwright.generators.models.transformers import LocalTransformersLLM

            return LocalTransformersLLM(block=block, account=booked)
        case _:
            assert_never(block)


def model_label(block: ModelBlock) -> str:
    """Return what rows carry in their `model` column: "offline", or the model's name."""
    return "offline" if isinstance(block, OfflineModel) else block.model
