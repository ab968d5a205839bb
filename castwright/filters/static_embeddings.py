"""Static embeddings: a text's vector is the sum of its words', some ten thousand texts a second on a CPU.

The word table grows as texts come: a word is taken apart by the tokenizer once, and its row is the sum of its
tokens' vectors; a text is then one sum of rows (torch's `embedding_bag`, else numpy). The result is model2vec's own
`encode` of the normalised text up to rounding, without tokenizing every text anew, which is where its time goes.
(Rejected: averaging over words, which would weigh a word of four tokens as one.) Texts are normalised first, since
a changed case or comma must not change a vector.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from castwright.filters.distillation import TokenTable
from castwright.filters.normalised import normalise

Vectors = npt.NDArray[np.float32]

CHUNK = 8192
"""Texts at a time: their words are held as one frame, some 100 MiB at a hundred words each."""

MOST_WORDS = 200_000
"""Rows of the word table, at most: 200 MiB at 256 dimensions. A table that grows past it is begun anew."""


class StaticEmbedder:
    """An `Embedder` over a token table (`tokens`). Deterministic; safe to share between threads."""

    def __init__(self, tokens: TokenTable) -> None:
        from tokenizers import Tokenizer

        self.tokens = tokens
        self._tokenizer = Tokenizer.from_str(tokens.tokenizer)
        self._lock = threading.Lock()
        self._places: dict[str, int] = {}
        self._table = np.zeros((4096, self.dimensions), dtype=np.float32)
        self._count = 0

    @property
    def digest(self) -> str:
        """Return what the vectors depend on: the digest of the model that was distilled."""
        return self.tokens.digest

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        return int(self.tokens.vectors.shape[1])

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape (len(texts), d); a text without any known word gets zeros."""
        return self.encode_normalised(normalise(pl.Series("text", texts, dtype=pl.String)))

    def encode_normalised(self, texts: pl.Series) -> Vectors:
        """Return the vectors of texts that `normalised` has been through, words apart by single spaces."""
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        with self._lock:
            for start in range(0, len(texts), CHUNK):
                part = texts.slice(start, CHUNK)
                vectors[start : start + len(part)] = self._sums(part)
        norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        np.divide(vectors, norms[:, None], out=vectors, where=norms[:, None] > 0)
        return vectors

    def _sums(self, texts: pl.Series) -> Vectors:
        words = texts.str.split(" ")
        lengths = words.list.len().to_numpy()
        flat = words.explode()
        rows = self._rows(flat)
        starts = np.concatenate([[0], np.cumsum(lengths[:-1])]).astype(np.int64)
        return bag_sums(self._table[: self._count], rows, starts)

    def _rows(self, words: pl.Series) -> npt.NDArray[np.int64]:
        """Return each word's row in the table, which learns the new ones first."""
        frame = words.to_frame("word")
        distinct = frame.select(pl.col("word").unique(maintain_order=True)).to_series().to_list()
        fresh = [word for word in distinct if word not in self._places]
        if self._count + len(fresh) > MOST_WORDS:
            self._forget()
            fresh = distinct
        self._learn(fresh)
        places = pl.DataFrame({"word": distinct, "row": [self._places[word] for word in distinct]})
        joined = frame.join(places, on="word", how="left", maintain_order="left")
        return joined.get_column("row").to_numpy(writable=True)

    def _learn(self, words: Sequence[str]) -> None:
        if not words:
            return
        tokens = [coded.ids for coded in self._tokenizer.encode_batch(list(words), add_special_tokens=False)]
        lengths = np.array([len(ids) for ids in tokens])
        known = np.flatnonzero(lengths)
        added = np.zeros((len(words), self.dimensions), dtype=np.float32)
        if len(known):
            flat = np.concatenate([tokens[place] for place in known])
            starts = np.concatenate([[0], np.cumsum(lengths[known][:-1])])
            added[known] = np.add.reduceat(self.tokens.vectors[flat], starts, axis=0)
        self._places.update(zip(words, range(self._count, self._count + len(words)), strict=True))
        if self._count + len(words) > len(self._table):
            grown = np.zeros((max(2 * len(self._table), self._count + len(words)), self.dimensions), dtype=np.float32)
            grown[: self._count] = self._table[: self._count]
            self._table = grown
        self._table[self._count : self._count + len(words)] = added
        self._count += len(words)

    def _forget(self) -> None:
        self._places = {}
        self._table = np.zeros((4096, self.dimensions), dtype=np.float32)
        self._count = 0


def bag_sums(table: Vectors, rows: npt.NDArray[np.int64], starts: npt.NDArray[np.int64]) -> Vectors:
    """Return the sum of table rows of each bag, shape (bags, d); bag i is rows[starts[i]:starts[i + 1]], not empty."""
    if importlib.util.find_spec("torch") is None:
        return _numpy_sums(table, rows, starts)
    torch: Any = importlib.import_module("torch")
    with torch.inference_mode():
        sums = torch.nn.functional.embedding_bag(
            torch.from_numpy(rows), torch.from_numpy(table), torch.from_numpy(starts), mode="sum"
        )
    made: Vectors = sums.numpy()
    return made


def _numpy_sums(
    table: Vectors, rows: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], block: int = 256
) -> Vectors:
    """The same without torch, in blocks of bags: each word's vector is copied, a kilobyte each."""
    sums = np.empty((len(starts), table.shape[1]), dtype=np.float32)
    for first in range(0, len(starts), block):
        begin = starts[first]
        last = starts[first + block] if first + block < len(starts) else len(rows)
        sums[first : first + block] = np.add.reduceat(
            table[rows[begin:last]], starts[first : first + block] - begin, axis=0
        )
    return sums
