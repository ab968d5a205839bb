"""A local checkpoint as a distilabel LLM, batched by length.

Concurrent calls are gathered into micro-batches (`batching`). Sampling adds Gumbel noise from one seeded
generator *per row* to the logits and takes the largest, which is an exact draw from the softmax: so a row's
sample depends on its prompt and sample index, never on its neighbours in the batch (rejected: `do_sample`,
whose one generator serves the whole batch). What batching does change is the last bits of the logits, because
padding changes the shape of the matrix products: in float32 greedy texts came out equal in every test of
ours, in bfloat16 two candidates closer than a few thousandths may swap.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import orjson
from distilabel.models.llms import AsyncLLM
from pydantic import Field, PrivateAttr

from castwright.errors import ModelError
from castwright.generators.calls.account import Account
from castwright.generators.calls.desk import CallKeys, Desk, Fetched
from castwright.generators.calls.journal import Reply
from castwright.generators.calls.purse import Bound
from castwright.generators.models.answer import Answer, as_output, finished
from castwright.generators.models.batching import MicroBatcher
from castwright.generators.models.config import TransformersModel
from castwright.generators.models.faults import excerpt
from castwright.generators.prompt import Message

INSTALL = "pip install 'castwright[train]'"


@dataclass(frozen=True, slots=True)
class _Call:
    """One prompt of a batch: its token ids, and the seed of its own generator."""

    ids: list[int]
    seed: int


class LocalTransformersLLM(AsyncLLM):
    """A causal language model from a folder or the Hub, on CUDA (bfloat16) or the CPU (float32) by itself."""

    block: TransformersModel
    account: Account = Field(default_factory=Account, exclude=True, repr=False)

    _desk: Desk | None = PrivateAttr(default=None)
    _keys: CallKeys | None = PrivateAttr(default=None)
    _model: Any = PrivateAttr(default=None)
    _tokenizer: Any = PrivateAttr(default=None)
    _device: str = PrivateAttr(default="cpu")
    _room: int = PrivateAttr(default=0)
    _batcher: MicroBatcher[_Call, Reply] | None = PrivateAttr(default=None)

    @property
    def model_name(self) -> str:
        return self.block.model

    def load(self) -> None:
        """Load tokenizer and weights.

        Raises:
            ModelError: a package is missing, or the checkpoint cannot be read or is no causal language model.
        """
        super().load()
        self._device, self._tokenizer, self._model = _read_checkpoint(self.block)
        # Some tokenizers state no limit and report 1e30.
        self._room = min(
            int(getattr(self._model.config, "max_position_embeddings", 0) or 1 << 30),
            int(self._tokenizer.model_max_length),
        )
        self._batcher = MicroBatcher(
            self._generate_batch, size=self.block.batch_size, length=lambda call: len(call.ids)
        )
        self._desk = Desk(self.account, (self.block.model, False), f"transformers on {self._device}")
        self._keys = CallKeys("transformers", self.block.model, _parameters(self.block))

    def unload(self) -> None:
        """Finish the waiting batches, give the journal back and let go of the weights."""
        if self._batcher is not None:
            self._batcher.close()
        desk, self._desk = self._desk, None
        if desk is not None:
            desk.close()
        self._batcher = self._model = self._tokenizer = None
        if self._device.startswith("cuda"):
            import torch

            torch.cuda.empty_cache()

    def client(self) -> Self:
        """Return what makes the calls: this object itself."""
        return self

    async def agenerate(
        self,
        input: list[Message],  # noqa: A002 (distilabel's name)
        num_generations: int = 1,
        sample: int = 0,
        json_schema: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the replies for samples `sample` to `sample + num_generations - 1`; never raises for a row.

        Args:
            input: the chat messages.
            num_generations: how many replies to make; with temperature 0 they are all the same.
            sample: the index of the first reply, which seeds its sampling.
            json_schema: accepted as the other models accept it; the reply is not constrained to it.
        """
        calls = [self.answer(input, sample + i) for i in range(num_generations)]
        return as_output(await asyncio.gather(*calls))

    async def aclose(self) -> None:
        """Write all replies of the running loop down."""
        if self._desk is not None:
            await self._desk.aflush()

    async def answer(self, messages: list[Message], sample: int = 0, schema: dict[str, Any] | None = None) -> Answer:
        """Return one reply, or why there is none.

        Raises:
            Stopped: the run was told to stop.
            JournalError: the journal cannot be written.
        """
        if self._desk is None or self._keys is None:
            self.load()
        assert self._desk is not None and self._keys is not None  # noqa: S101, PT018 (for mypy: loaded)
        desk = self._desk
        # The schema is no part of the call: this model is not constrained to it.
        found = await desk.answer(self._keys.key(messages, sample, None), lambda: self._fetch(desk, messages, sample))
        if isinstance(found, str):
            return Answer(failure=found)
        tokens = (found.input_tokens, found.output_tokens)
        allow, limit = self.block.allow_truncated, self.block.max_tokens
        return finished(found.text, found.finish_reason, tokens, allow_truncated=allow, limit=limit)

    async def _fetch(self, desk: Desk, messages: list[Message], sample: int) -> Fetched | str:
        ids = prompt_ids(self._tokenizer, messages)
        if len(ids) + self.block.max_tokens > self._room:
            return (
                f"the prompt's {len(ids)} tokens and max_tokens {self.block.max_tokens} "
                f"exceed the model's context of {self._room}"
            )
        assert self._batcher is not None  # noqa: S101 (for mypy: answer has loaded it)
        bound, reply = Bound(len(ids), self.block.max_tokens), None
        await desk.admit(bound)
        began = time.monotonic()
        try:
            reply = await self._batcher.submit(_Call(ids, call_seed(messages, sample)))
        except Exception as error:
            return excerpt(f"{type(error).__name__}: {error}")
        finally:
            desk.settle(bound, reply)
        return Fetched(replace(reply, latency=time.monotonic() - began), 1)

    def _generate_batch(self, calls: list[_Call]) -> list[Reply]:
        """Return the replies of one batch. Runs in the batcher's thread."""
        import torch

        pad, ends = _special_ids(self._tokenizer, self._model)
        ids, mask = left_pad([call.ids for call in calls], pad)
        sampling: dict[str, Any] = {
            "do_sample": False,
            "num_beams": 1,
            "temperature": None,
            "top_p": None,
            "top_k": None,
        }
        if self.block.temperature > 0:
            noise = _gumbel_noise([call.seed for call in calls], self.block.temperature, self._device)
            sampling["logits_processor"] = [noise]
        with torch.inference_mode():
            output = self._model.generate(
                input_ids=torch.tensor(ids, device=self._device),
                attention_mask=torch.tensor(mask, device=self._device),
                max_new_tokens=self.block.max_tokens,
                pad_token_id=pad,
                eos_token_id=ends or None,
                **sampling,
            )
        written = output[:, len(ids[0]) :].tolist()
        return [self._read(call, row, set(ends)) for call, row in zip(calls, written, strict=True)]

    def _read(self, call: _Call, row: list[int], ends: set[int]) -> Reply:
        """Return the reply in one row of new token ids: up to its first end token."""
        end = next((i for i, token in enumerate(row) if token in ends), None)
        kept = row if end is None else row[:end]
        text = self._tokenizer.decode(kept, skip_special_tokens=True).strip()
        return Reply(text, "length" if end is None else "stop", len(call.ids), 0, len(kept))


def _parameters(block: TransformersModel) -> dict[str, Any]:
    """Return what of a block decides a reply, beside the name: a folder's files too, which training replaces."""
    folder = Path(block.model).expanduser()
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    stamps = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return {"temperature": block.temperature, "max_tokens": block.max_tokens, "dtype": block.dtype, "files": stamps}


def prompt_ids(tokenizer: Any, messages: list[Message]) -> list[int]:
    """Return the token ids of a chat: by the tokenizer's chat template, else its messages one per paragraph.

    A template that refuses a system message (Gemma's does) gets it as the head of the first user message.
    """
    if getattr(tokenizer, "chat_template", None) is None:
        text = "\n\n".join(message["content"] for message in messages) + "\n\n"
        return list(tokenizer(text)["input_ids"])
    from jinja2 import TemplateError

    try:
        text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    except TemplateError:
        text = tokenizer.apply_chat_template(_without_system(messages), add_generation_prompt=True, tokenize=False)
    # The template has written the special tokens already.
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _without_system(messages: list[Message]) -> list[Message]:
    system = "\n\n".join(m["content"] for m in messages if m["role"] == "system")
    rest = [dict(m) for m in messages if m["role"] != "system"]
    if system and rest:
        rest[0]["content"] = f"{system}\n\n{rest[0]['content']}"
    return rest


def left_pad(rows: list[list[int]], pad: int) -> tuple[list[list[int]], list[list[int]]]:
    """Return (token ids, attention mask), both [batch, longest], the padding on the left."""
    longest = max(map(len, rows))
    ids = [[pad] * (longest - len(row)) + row for row in rows]
    mask = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
    return ids, mask


def call_seed(messages: list[Message], sample: int) -> int:
    """Return the 63-bit seed of one call's sampling: a digest of its messages and its sample index."""
    digest = hashlib.sha256(orjson.dumps([messages, sample])).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _gumbel_noise(seeds: list[int], temperature: float, device: str) -> Any:
    """Return a logits processor that makes the largest logit a draw at `temperature` (Gumbel-max).

    argmax(logits / T + G) with G ~ Gumbel(0, 1) is distributed as softmax(logits / T).
    """
    import torch

    generators = [torch.Generator(device=device).manual_seed(seed) for seed in seeds]

    def add_noise(_ids: Any, scores: Any) -> Any:
        uniform = torch.stack(
            [torch.rand(scores.shape[-1], generator=generator, device=device) for generator in generators]
        )
        # Clamped away from 0 and 1, where the double logarithm is infinite.
        gumbel = -torch.log(-torch.log(uniform.clamp(1e-10, 1 - 1e-7)))
        return scores.float() / temperature + gumbel

    return add_noise


def _special_ids(tokenizer: Any, model: Any) -> tuple[int, list[int]]:
    """Return the padding id and the ids that end a reply."""
    stated = model.generation_config.eos_token_id
    ends = stated if isinstance(stated, list) else [stated]
    ends = sorted({int(end) for end in (*ends, tokenizer.eos_token_id) if end is not None})
    pad = tokenizer.pad_token_id
    return (int(pad) if pad is not None else (ends[0] if ends else 0)), ends


def _read_checkpoint(block: TransformersModel) -> tuple[str, Any, Any]:
    """Return (device, tokenizer, model in evaluation mode)."""
    try:
        import torch
        from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise ModelError(f"model {block.model!r} needs the package {error.name!r}: {INSTALL}") from error
    device = block.device or ("cuda" if torch.cuda.is_available() else "cpu")
    dtype = getattr(torch, block.dtype or ("bfloat16" if device.startswith("cuda") else "float32"))
    try:
        if AutoConfig.from_pretrained(block.model).is_encoder_decoder:
            raise ModelError(f"model {block.model!r} is an encoder-decoder; a causal language model is needed")
        tokenizer = AutoTokenizer.from_pretrained(block.model)
        model = AutoModelForCausalLM.from_pretrained(block.model, dtype=dtype).to(device).eval()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"model {block.model!r} cannot be loaded on {device}: {excerpt(str(error))}; "
            "it must be a folder with a checkpoint or a name on the Hub"
        ) from error
    return device, tokenizer, model
