"""Static embeddings: a text's vector is the sum of its words', some ten thousand texts a second on a CPU.

The word table grows as texts come: a word is taken apart by the tokenizer once, and its row is the sum of its
tokens' vectors; a text is then one sum of rows. The result is model2vec's own `encode` of the normalised text up to
rounding, without tokenizing every text anew, which is where its time goes. Texts are normalised first, since a changed
case or comma must not change a vector. (Rejected: averaging over words, which would weigh a word of four tokens as
one; torch's `embedding_bag`, which gives the same bits and was not the slow part, but takes seconds to import.)
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import polars as pl

from castwright.filters.distillation import TokenTable
from castwright.filters.neighbours import threaded
from castwright.filters.normalised import normalise

Vectors = npt.NDArray[np.float32]

Bags = tuple[Vectors, npt.NDArray[np.int64], npt.NDArray[np.int64]]

CHUNK = 8192
"""Texts at a time: their words are held as one frame, some 100 MiB at a hundred words each."""

BAGS = 256
"""Texts whose sums one thread adds up at a time: half a MiB, which stays in the processor's cache."""

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

        def add_up(start: int, bags: Bags) -> None:
            vectors[start : start + len(bags[-1])] = bag_sums(*bags)

        # one chunk is added up while the words of the next are looked up; the table's rows so far never change
        with self._lock, ThreadPoolExecutor(1) as adding:
            added: Future[None] | None = None
            for start in range(0, len(texts), CHUNK):
                bags = self._bags(texts.slice(start, CHUNK))
                if added is not None:
                    added.result()
                added = adding.submit(add_up, start, bags)
            if added is not None:
                added.result()
        norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        np.divide(vectors, norms[:, None], out=vectors, where=norms[:, None] > 0)
        return vectors

    def _bags(self, texts: pl.Series) -> Bags:
        """Return what `bag_sums` takes for some texts."""
        words = texts.str.split(" ")
        lengths = words.list.len().to_numpy()
        flat = words.explode()
        rows = self._rows(flat)
        starts = np.concatenate([[0], np.cumsum(lengths[:-1])]).astype(np.int64)
        return self._table[: self._count], rows, starts

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
    """Return the sum of table rows of each bag, shape (bags, d); bag i is rows[starts[i]:starts[i + 1]], not empty.

    Rows are added one after the other, as `embedding_bag` does, so a bag's sum depends on nothing but the bag.
    """
    lengths = np.diff(starts, append=len(rows))
    longest_first = np.argsort(-lengths, kind="stable")
    sums = np.empty((len(starts), table.shape[1]), dtype=np.float32)

    def add_up(first: int) -> None:
        bags = longest_first[first : first + BAGS]
        begin, length = starts[bags], lengths[bags]
        total = np.zeros((len(bags), table.shape[1]), dtype=np.float32)
        taken = np.empty_like(total)
        for place in range(int(length[0])):
            count = int(np.searchsorted(-length, -place))  # bags that have a word at this place
            # "clip" spares the copy that the check of bounds would make; all rows lie in the table
            np.take(table, rows[begin[:count] + place], axis=0, out=taken[:count], mode="clip")
            total[:count] += taken[:count]
        sums[bags] = total

    blocks = range(0, len(starts), BAGS)
    for _ in map(add_up, blocks) if len(blocks) < 2 else threaded(add_up, blocks):
        continue
    return sums
