"""An index of texts that new ones are held against: vectors, keys and neighbour lists, grown and never remade.

All pairs above a floor are kept with their cosines, so the threshold can be changed afterwards without computing
anything again; and adding rows costs the new rows against all, not all against all. Rows that came earlier stand
before later ones: what was kept stays kept when rows are added. An index is frozen data in parts, one per addition,
and adding returns a new one. (Rejected: storing kept rows alone, which would make a lower threshold a lie.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from castwright.errors import RecipeError
from castwright.filters.calibration import Calibration, calibrate
from castwright.filters.cascade import MOST_NEIGHBOURS, Confirm, Rule, confirmed, crowded, duplicates_among, search
from castwright.filters.neighbours import Bound, Pairs, Vectors, choose_bound, concatenated, find_pairs_across, joined
from castwright.filters.normalised import normalise
from castwright.filters.similarity import stars_of_pairs

Digests = npt.NDArray[np.void]
ROUNDING = 1e-9
"""0.95 - 0.02 is a little below 0.93 in floating point: such floors are the same."""

_DIGEST = np.dtype("V16")


class Encoder(Protocol):
    """Turns normalised texts into vectors; `StaticEmbedder` is one."""

    @property
    def digest(self) -> str:
        """Return what names all that the vectors depend on."""
        ...

    def encode_normalised(self, texts: pl.Series) -> Vectors:
        """Return unit vectors, shape (n, d)."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one addition.

    `rows`: row_id, score (greater is better), same_as (number of an earlier row with the same text, else null) and
    key (the normalised text). `vectors`: (n, d), zeros for repeats. `digests`: of the keys. `pairs`: of a row of this
    part (right) with a row of this or an earlier part (left), both numbered through all parts. `confirmations`: one
    per pair, NaN where no transformer was asked.
    """

    rows: pl.DataFrame
    vectors: Vectors
    digests: Digests
    pairs: Pairs
    confirmations: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Index:
    """Texts, their vectors, and all pairs at or above `floor`. `encoder`: the digest of what made the vectors."""

    floor: float
    encoder: str
    bound: Bound
    parts: tuple[Part, ...]

    def __len__(self) -> int:
        return sum(part.rows.height for part in self.parts)

    @cached_property
    def pairs(self) -> Pairs:
        """Return the pairs of all parts, part after part."""
        return concatenated([part.pairs for part in self.parts])

    @cached_property
    def confirmations(self) -> npt.NDArray[np.float32]:
        """Return the confirmations of `pairs`, NaN where no transformer was asked."""
        return np.concatenate([part.confirmations for part in self.parts])


def build_index(
    texts: pl.Series,
    *,
    row_ids: Sequence[str],
    encoder: Encoder,
    floor: float = 0.93,
    scores: Sequence[float] | None = None,
    rule: Rule | None = None,
    confirm: Confirm | None = None,
) -> Index:
    """Return the index of a first set of texts. With `confirm`, pairs in the band of `rule` are confirmed.

    Raises:
        RecipeError: the floor lies outside (0, 1], above the rule's own, or inside what unlike rows reach.
    """
    if not 0.0 < floor <= 1.0:
        raise RecipeError(f"near duplicates: floor={floor} must lie above 0 and at most at 1")
    keys = normalise(texts)
    vectors = encoder.encode_normalised(keys)
    empty = Index(floor, encoder.digest, choose_bound(vectors, floor), ())
    return _grown(empty, keys, vectors, row_ids, scores, rule, confirm)


def add_rows(
    index: Index,
    texts: pl.Series,
    *,
    row_ids: Sequence[str],
    encoder: Encoder,
    scores: Sequence[float] | None = None,
    rule: Rule | None = None,
    confirm: Confirm | None = None,
) -> Index:
    """Return the index with more rows: the new are compared with each other and with all that are there.

    Raises:
        RecipeError: the encoder is not the one that made the index.
    """
    if encoder.digest != index.encoder:
        raise RecipeError(
            f"the index was made with another embedding model ({index.encoder[:12]}) than the one given "
            f"({encoder.digest[:12]}); use that model, or make the index anew"
        )
    keys = normalise(texts)
    return _grown(index, keys, encoder.encode_normalised(keys), row_ids, scores, rule, confirm)


def _grown(
    index: Index,
    keys: pl.Series,
    vectors: Vectors,
    row_ids: Sequence[str],
    scores: Sequence[float] | None,
    rule: Rule | None,
    confirm: Confirm | None,
) -> Index:
    if rule is not None and rule.floor < index.floor - ROUNDING:
        raise RecipeError(
            f"near duplicates: the index holds pairs from {index.floor} on, the rule asks for {rule.floor}"
        )
    offset = len(index)
    digests = key_digests(keys)
    same_as = _same_as(index, digests, keys)
    vectors = np.where((same_as >= 0)[:, None], np.float32(0), vectors)
    if crowded(vectors, index.floor):
        raise RecipeError(
            f"near duplicates: at floor={index.floor} a row has more than {MOST_NEIGHBOURS} neighbours on average, "
            "so it lies inside what unlike rows reach; raise it"
        )
    fresh = search(vectors, index.floor)
    found = [Pairs(fresh.left + offset, fresh.right + offset, fresh.cosine)]
    start = 0
    for part in index.parts:
        across = find_pairs_across(vectors, part.vectors, index.floor, bound=index.bound)
        found.append(Pairs(across.right + start, across.left + offset, across.cosine))
        start += part.rows.height
    pairs = joined(found)
    rows = _row_table(keys, row_ids, scores, same_as)
    bare = Part(rows, vectors, digests, pairs, np.full(len(pairs), np.nan, dtype=np.float32))
    grown = Index(index.floor, index.encoder, index.bound, (*index.parts, bare))
    if rule is None or confirm is None:
        return grown
    asked = confirmed(pairs, rule, lambda numbers: texts_of(grown, numbers), confirm)
    return Index(index.floor, index.encoder, index.bound, (*index.parts, Part(rows, vectors, digests, pairs, asked)))


def _row_table(
    keys: pl.Series, row_ids: Sequence[str], scores: Sequence[float] | None, same_as: npt.NDArray[np.int64]
) -> pl.DataFrame:
    """Return the `rows` of a part."""
    return pl.DataFrame(
        {
            "row_id": pl.Series(row_ids, dtype=pl.String),
            "score": pl.Series([0.0] * len(keys) if scores is None else scores, dtype=pl.Float64),
            "same_as": pl.Series(same_as, dtype=pl.Int64),
            "key": keys,
        }
    ).with_columns(pl.when(pl.col("same_as") >= 0).then("same_as").alias("same_as"))


def key_digests(keys: pl.Series) -> Digests:
    """Return a 16-byte BLAKE2b of each text: it stands for the text when later rows are compared."""
    raw = b"".join(hashlib.blake2b(key.encode(), digest_size=16).digest() for key in keys.to_list())
    return np.frombuffer(raw, dtype=_DIGEST)


def texts_of(index: Index, numbers: Sequence[int]) -> list[str]:
    """Return the normalised texts of rows by their number."""
    wanted = np.asarray(numbers, dtype=np.int64)
    texts = np.empty(len(wanted), dtype=object)
    start = 0
    for part in index.parts:
        here = (wanted >= start) & (wanted < start + part.rows.height)
        if here.any():
            texts[here] = part.rows.get_column("key").gather((wanted[here] - start).tolist()).to_list()
        start += part.rows.height
    return list(texts)


def _same_as(index: Index, digests: Digests, keys: pl.Series) -> npt.NDArray[np.int64]:
    """Return the number of the first row with the same text, -1 for the first itself and for empty texts."""
    halves = np.concatenate([*(part.digests for part in index.parts), digests]).view("u8").reshape(-1, 2)
    frame = pl.DataFrame({"a": halves[:, 0], "b": halves[:, 1]}).with_row_index("row")
    first = frame.select(pl.col("row").cast(pl.Int64).min().over("a", "b")).to_series().to_numpy()
    earliest, own = first[len(index) :], np.arange(len(index), len(first))
    return np.where((earliest == own) | (keys == "").to_numpy(), -1, earliest).astype(np.int64)


def resolve(index: Index, rule: Rule) -> pl.DataFrame:
    """Return what stays under a rule, one row per row of the index, in order.

    Columns: row_id, keep, cluster (from 1, null for a row that is alone), kept (the row_id of the row kept in its
    stead, itself where it stays) and similarity (the cosine that decided; 1.0 for the same text; null where it stays).
    Earlier parts stand before later ones, then the better score, then the position.

    Raises:
        RecipeError: the rule asks for pairs below the index's floor.
    """
    if rule.floor < index.floor - ROUNDING:
        raise RecipeError(
            f"near duplicates: threshold={rule.threshold} with its band needs pairs from {rule.floor:.4f} on, and the "
            f"index holds those from {index.floor} on; raise the threshold or make the index anew with a lower floor"
        )
    same = np.concatenate([part.rows.get_column("same_as").fill_null(-1).to_numpy() for part in index.parts])
    count = len(index)
    holder = np.where(same >= 0, same, np.arange(count))
    order = _line(index)
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count)
    best = np.full(count, count, dtype=np.int64)
    np.minimum.at(best, holder, rank)
    head = order[best[holder]]  # of all rows with one text, the first in line
    near = duplicates_among(index.pairs, rule, index.confirmations)
    heads = Pairs(head[near.left], head[near.right], near.cosine)
    stars = stars_of_pairs(count, order, heads)
    keeper = stars.keeper[head]
    cosine = np.where(keeper == head, 1.0, stars.cosine[head])
    return cluster_table(_row_ids(index), keeper, cosine)


def cluster_table(row_ids: pl.Series, keeper: npt.NDArray[np.int64], cosine: npt.NDArray[np.floating]) -> pl.DataFrame:
    """Return the columns of `resolve`: clusters are numbered in the order of their kept rows."""
    stays = keeper == np.arange(len(keeper))
    numbers = np.zeros(len(keeper), dtype=np.int64)
    centres = np.unique(keeper[~stays])
    numbers[centres] = np.arange(1, len(centres) + 1)
    frame = pl.DataFrame(
        {
            "row_id": row_ids,
            "keep": stays,
            "cluster": numbers[keeper],
            "kept": row_ids.gather(keeper.tolist()),
            "similarity": np.minimum(cosine, 1.0).astype(np.float64).round(4),
        }
    )
    return frame.with_columns(
        pl.when(pl.col("cluster") > 0).then("cluster").alias("cluster"),
        pl.when(~pl.col("keep")).then("similarity").alias("similarity"),
    )


def index_calibration(index: Index) -> Calibration:
    """Return how near each row's nearest other is, on a sample of the distinct texts of the index."""
    return calibrate(np.concatenate([part.vectors for part in index.parts]))


def _row_ids(index: Index) -> pl.Series:
    return pl.concat([part.rows.get_column("row_id") for part in index.parts])


def _line(index: Index) -> npt.NDArray[np.int64]:
    """Return all rows in line: part by part, best score first (NaN last), then position."""
    scores = np.concatenate([part.rows.get_column("score").to_numpy() for part in index.parts])
    part = np.repeat(np.arange(len(index.parts)), [one.rows.height for one in index.parts])
    return np.lexsort((-scores, part)).astype(np.int64)
