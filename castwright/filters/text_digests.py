"""Digests that stand for texts: 16 bytes each, so a million old texts are compared without being read.

BLAKE2b, because it is in the standard library and the same on every machine (rejected: the hash of polars, which may
change with its version; 8 bytes, where among a million texts one in forty million sets has a false pair, but a set
that grows has more than one chance).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from castwright.filters.neighbours import Positions

Digests = npt.NDArray[np.uint64]
"""Shape (n, 2): 16 bytes a text, zeros for an empty one."""


def key_digests(keys: pl.Series) -> Digests:
    """Return a 16-byte BLAKE2b of each text: it stands for the text when later rows are compared."""
    raw = b"".join(hashlib.blake2b(key.encode(), digest_size=16).digest() for key in keys.to_list())
    digests = np.frombuffer(raw, dtype="<u8").reshape(-1, 2).astype(np.uint64)
    digests[(keys == "").to_numpy()] = 0
    return digests


def first_among(digests: Digests) -> Positions:
    """Return the position of the first row with the same text, -1 for that row itself and for empty texts."""
    frame = _digest_frame(digests)
    first = frame.select(pl.col("row").min().over("a", "b")).to_series().to_numpy()
    alone = (first == np.arange(len(first))) | ~digests.any(axis=1)
    return np.where(alone, -1, first).astype(np.int64)


def earlier_with(parts: Sequence[Digests], digests: Digests) -> Positions:
    """Return the number, through all parts, of the first row there with the same text; -1 where there is none."""
    wanted = _digest_frame(digests).filter((pl.col("a") != 0) | (pl.col("b") != 0))
    found = np.full(len(digests), -1, dtype=np.int64)
    start = 0
    for part in parts:
        there = _digest_frame(part).join(wanted, on=["a", "b"], how="semi")
        first = there.group_by("a", "b").agg(pl.col("row").min().alias("first"))
        met = wanted.join(first, on=["a", "b"]).select("row", "first")
        rows, numbers = met.get_column("row").to_numpy(), met.get_column("first").to_numpy() + start
        fresh = found[rows] < 0
        found[rows[fresh]] = numbers[fresh]
        start += len(part)
    return found


def _digest_frame(digests: Digests) -> pl.DataFrame:
    return pl.DataFrame({"row": np.arange(len(digests)), "a": digests[:, 0], "b": digests[:, 1]})
