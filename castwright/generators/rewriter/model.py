"""The trained rewriter: formal text in, casual text out, sentence by sentence.

Every distinct sentence of all texts is rewritten once, in batches of similar length, greedily and with a
key-value cache. A sentence whose rewrite cannot be trusted (a slot lost, the model unsure, something missing
by the gate) stays as it was, so a text is at worst unchanged. Rejected: whole responses at once, where one
slip costs the response and small models lose their place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from castwright.errors import ModelError
from castwright.generators.rewriter.assemble import assemble
from castwright.generators.rewriter.formats import Asked, Gate, RewriteFormat, load_format
from castwright.generators.rewriter.quiet import quiet
from castwright.generators.rewriter.threads import threads_for
from castwright.generators.rewriter.words import split_sentences


def require_packages() -> None:
    """Check that the training packages are there.

    Raises:
        ModelError: torch, transformers or TRL is missing.
    """
    from importlib.util import find_spec

    missing = [name for name in ("torch", "transformers", "trl", "accelerate") if find_spec(name) is None]
    if missing:
        raise ModelError(
            f"the style rewriter needs {', '.join(missing)}, not installed: pip install 'castwright[train]'"
        )


class Rewriter:
    """A style rewriter in memory. Make one with `Rewriter.load`.

    `gate(before, after)` names what a sentence's rewrite lost, or None; such a sentence stays as it was.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        style: RewriteFormat,
        *,
        gate: Gate | None = None,
        training: dict[str, Any] | None = None,
    ) -> None:
        self._model = model.eval()
        self._tokenizer = tokenizer
        self._style = style
        self._gate = gate
        self.training = training or {}

    @classmethod
    def load(cls, path: str | Path, device: str | None = None, *, gate: Gate | None = None) -> Rewriter:
        """Return the rewriter of a checkpoint folder; `device` None takes CUDA (bf16) where there is one.

        Raises:
            ModelError: the folder holds no rewriter, or its packages are missing.
        """
        require_packages()
        import torch

        folder = Path(path)
        style, training = load_format(folder)
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        dtype = torch.bfloat16 if device.startswith("cuda") else torch.float32
        with quiet():
            model, tokenizer = load_checkpoint(str(folder), dtype)
        return cls(model.to(device), tokenizer, style, gate=gate, training=training)

    def rewrite(self, texts: Sequence[str], *, batch_size: int = 32) -> list[str]:
        """Return the casual form of each text, in order; what cannot be rewritten safely stays as it was."""
        cut = [split_sentences(text) for text in texts]
        asked: dict[str, Asked] = {}
        for parts in cut:
            for sentence in parts[::2]:
                if sentence not in asked and (question := self._style.ask(sentence)):
                    asked[sentence] = question
        order = sorted(asked.values(), key=lambda item: (-item.words, item.sentence))
        said: dict[str, str] = {}
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            for question, reply in zip(batch, self._replies(batch), strict=True):
                if reply and (self._gate is None or self._gate(question.sentence, reply) is None):
                    said[question.sentence] = reply
        return [assemble(parts, said, self._style.lower) for parts in cut]

    def _replies(self, batch: Sequence[Asked]) -> Iterator[str | None]:
        """Yield the reply to each prompt, or None where it is not to be trusted."""
        import torch

        model, tokenizer = self._model, self._tokenizer
        tokenizer.padding_side = "left"
        inputs = tokenizer([item.prompt for item in batch], return_tensors="pt", padding=True)
        inputs = inputs.to(model.device)
        inputs.pop("token_type_ids", None)
        longest = max(len(tokenizer(item.sentence)["input_ids"]) for item in batch)
        unsure = self._style.min_confidence > 0
        with torch.inference_mode(), threads_for(model):
            output = model.generate(
                **inputs,
                max_new_tokens=8 + int(1.5 * longest),
                do_sample=False,
                num_beams=1,
                pad_token_id=tokenizer.pad_token_id,
                return_dict_in_generate=True,
                output_logits=unsure,
            )
        written = output.sequences[:, inputs["input_ids"].shape[1] :]
        sure = _confidences(output.logits, written, tokenizer.eos_token_id) if unsure else [1.0] * len(batch)
        for item, ids, confidence in zip(batch, written, sure, strict=True):
            yield self._style.read(item, tokenizer.decode(ids, skip_special_tokens=True), confidence)


def load_checkpoint(name: str, dtype: Any) -> tuple[Any, Any]:
    """Return (model, tokenizer) of a causal checkpoint by name or path.

    Raises:
        ModelError: there is no such checkpoint, or it cannot be read.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        model = AutoModelForCausalLM.from_pretrained(name, dtype=dtype)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"the checkpoint {name!r} cannot be loaded ({reason}): give a folder with a causal "
            "language model, or a name on the Hub; leave `base` out to train from scratch"
        ) from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model, tokenizer


def _confidences(logits: Sequence[Any], written: Any, end: int) -> list[float]:
    """Return for each reply the smallest probability of any of its tokens, its end included."""
    import torch

    best = torch.stack([step.float().log_softmax(-1).max(-1).values for step in logits], dim=1)
    ended = (written == end).cumsum(dim=1)
    counted = (ended == 0) | ((written == end) & (ended == 1))
    smallest: list[float] = best.masked_fill(~counted, 0.0).min(dim=1).values.exp().tolist()
    return smallest
