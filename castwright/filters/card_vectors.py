"""The vectors of new cards: of their profiles as they are, or, for large sets, of the normalised ones.

Texts go to the encoder in pieces and each text once; repeats and empty texts get zeros, which are near nothing.
(Rejected: one call for all, which would hold every vector twice while they are put in their places.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from castwright.filters.card_index import Method
from castwright.filters.embeddings import Distillable, Embedder
from castwright.filters.neighbours import Positions, Vectors
from castwright.filters.normalised import normalise
from castwright.filters.text_digests import Digests, first_among, key_digests

PIECE = 65_536
"""Texts encoded at a time."""


@dataclass(frozen=True)
class CardVectors:
    """New cards as they are compared: texts as encoded, digests of those, and vectors, shape (n, d).

    `same_as`: the position of the first card with the same text, -1 for that one, and for all where texts are not
    normalised. `filled`: which cards have a text.
    """

    texts: pl.Series
    digests: Digests
    vectors: Vectors
    same_as: Positions
    filled: npt.NDArray[np.bool_]

    @property
    def compared(self) -> Positions:
        """Return the positions of those that have a vector."""
        return np.flatnonzero(self.filled & (self.same_as < 0))


def card_vectors(profiles: pl.Series, method: Method, embedder: Embedder, width: int) -> CardVectors:
    """Return the texts of new cards with their vectors, zeros for empty texts and for repeats of a normalised one.

    `width`: of the vectors where no card has a text.
    """
    if method == "static" and isinstance(embedder, Distillable):
        texts = normalise(profiles)
        encode: Callable[[pl.Series], Vectors] = embedder.static().encode_normalised
        digests = key_digests(texts)
        same_as = first_among(digests)
    else:
        texts = profiles.cast(pl.String).fill_null("").str.strip_chars()
        digests, same_as = key_digests(texts), np.full(len(texts), -1, dtype=np.int64)

        def encode(part: pl.Series) -> Vectors:
            return embedder.encode(part.to_list())

    filled = (texts != "").to_numpy()
    rows = np.flatnonzero(filled & (same_as < 0))
    vectors = np.zeros((0, 0), dtype=np.float32)
    for start in range(0, len(rows), PIECE):
        piece = rows[start : start + PIECE]
        made = encode(texts.gather(pl.Series(piece)))
        if not start:
            vectors = np.zeros((len(texts), made.shape[1]), dtype=np.float32)
        vectors[piece] = made
    if not len(rows):
        vectors = np.zeros((len(texts), width), dtype=np.float32)
    return CardVectors(texts, digests, vectors, same_as, filled)
