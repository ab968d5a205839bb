"""A sentence-transformers model on all cores: copies that share its weights, each in a thread of one torch thread.

Two such threads do nearly twice what one does, which torch's own threads inside one batch do not, and a batch gives
the same bits however many there are. In bfloat16 the weights of the linear layers are rounded once and not at every
batch, and attention is spelled out: torch's fused kernel is the slower one for heads of 32 numbers on a processor. So
bfloat16 is some three times as fast as sentence-transformers at its defaults. (Rejected: OpenVINO, another runtime of
200 MB for the same speed; processes, which load the weights once each; torch's dynamic int8, whose vectors are off.)
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from castwright.filters.neighbours import cores

Vectors = npt.NDArray[np.float32]
Precision = Literal["float32", "bfloat16"]


class Workers:
    """A model, and as many copies of it as there are cores; a model on a GPU works alone."""

    def __init__(self, model: Any, precision: Precision) -> None:
        self._on_cpu = model.device.type == "cpu"
        self._device = str(model.device.type)
        self._precision = precision
        self._models = [in_half_precision(model, spelled_out=self._on_cpu) if precision == "bfloat16" else model]

    def encode(self, batches: Sequence[list[str]]) -> list[Vectors]:
        """Return the unit vectors of each batch, in order."""
        if not self._on_cpu:
            return [self._encoded(self._models[0], batch) for batch in batches]
        import torch

        while len(self._models) < min(cores(), len(batches)):
            self._models.append(sharing_copy(self._models[0]))
        idle: SimpleQueue[Any] = SimpleQueue()
        for model in self._models:
            idle.put(model)

        def work(batch: list[str]) -> Vectors:
            model = idle.get()
            try:
                return self._encoded(model, batch)
            finally:
                idle.put(model)

        threads = torch.get_num_threads()  # a worker's setting is its own, but threads begun later would take it over
        try:
            with ThreadPoolExecutor(len(self._models), initializer=torch.set_num_threads, initargs=(1,)) as pool:
                return list(pool.map(work, batches))
        finally:
            torch.set_num_threads(threads)

    def _encoded(self, model: Any, batch: list[str]) -> Vectors:
        with self._autocast():
            vectors: Vectors = model.encode(
                batch, batch_size=len(batch), normalize_embeddings=True, show_progress_bar=False
            )
        return vectors

    def _autocast(self) -> Any:
        """Return what rounds the rest of the model; a thread has to enter it for itself."""
        if self._precision == "float32":
            return contextlib.nullcontext()
        import torch

        return torch.autocast(self._device, dtype=torch.bfloat16)


def sharing_copy(model: Any) -> Any:
    """Return a copy of a model that has its own tokenizer and shares the weights.

    Hugging Face's fast tokenizers raise "Already borrowed" when two threads use one.
    """
    weights = [*model.parameters(), *model.buffers()]
    return copy.deepcopy(model, {id(one): one for one in weights})


def in_half_precision(model: Any, *, spelled_out: bool) -> Any:
    """Return a copy whose linear layers have bfloat16 weights, to be run under autocast; the rest is shared.

    With `spelled_out`, attention is two products and a softmax in place of torch's fused kernel.
    """
    import torch

    half = sharing_copy(model)
    for module in list(half.modules()):
        if isinstance(module, torch.nn.Linear):
            for name, values in list(module.named_parameters(recurse=False)):
                rounded = torch.nn.Parameter(values.detach().to(torch.bfloat16), requires_grad=False)
                setattr(module, name, rounded)
        if spelled_out and hasattr(module, "set_attn_implementation"):
            module.set_attn_implementation("eager")
    return half
