"""An index of texts that new ones are held against: vectors, keys and neighbour lists, grown and never remade.

All pairs above a floor are kept with their cosines, so the threshold can be changed afterwards without computing
anything again; and adding rows costs the new rows against all, not all against all. Rows that came earlier stand
before later ones: what was kept stays kept when rows are added. An index is frozen data in parts, one per addition,
and adding returns a new one. (Rejected: storing kept rows alone, which would make a lower threshold a lie.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from castwright.errors import RecipeError
from castwright.filters.calibration import Calibration, calibrate
from castwright.filters.cascade import MOST_NEIGHBOURS, Confirm, Rule, confirmed, crowded, duplicates_among, search
from castwright.filters.cells import distinct
from castwright.filters.clusters import cluster_table
from castwright.filters.neighbours import (
    Bound,
    Pairs,
    Positions,
    Vectors,
    choose_bound,
    concatenated,
    find_pairs_across,
    joined,
)
from castwright.filters.normalised import normalise
from castwright.filters.similarity import stars_of_pairs
from castwright.filters.text_digests import Digests, earlier_with, first_among, key_digests

ROUNDING = 1e-9
"""0.95 - 0.02 is a little below 0.93 in floating point: such floors are the same."""

NO_PAIRS = 2.0
"""The floor of an index without pairs: no cosine reaches it."""


class Encoder(Protocol):
    """Turns normalised texts into vectors; `StaticEmbedder` is one."""

    @property
    def digest(self) -> str:
        """Return what names all that the vectors depend on."""

    def encode_normalised(self, texts: pl.Series) -> Vectors:
        """Return unit vectors, shape (n, d)."""


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one addition.

    `rows`: row_id, score (greater is better) and same_as (number of the first row of this part with the same text, else
    null). `texts`: column key, the text that was encoded; lazy, since it is wanted for pairs in doubt alone. `vectors`:
    (n, d), zeros for repeats within the part. `digests`: of the texts. `pairs`: of a row of this part (right) with a
    row of this or an earlier part (left), both numbered through all parts. `confirmations`: one per pair, NaN where no
    transformer was asked.
    """

    rows: pl.DataFrame
    texts: pl.LazyFrame
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

    @property
    def last_start(self) -> int:
        """Return the number of the last part's first row."""
        return len(self) - self.parts[-1].rows.height

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
    if rule is not None:
        require_floor(index, rule)
    digests = key_digests(keys)
    same_as = first_among(digests)
    if crowded(vectors, index.floor, np.flatnonzero(same_as < 0)):
        raise RecipeError(
            f"near duplicates: at floor={index.floor} a row has more than {MOST_NEIGHBOURS} neighbours on average, "
            "so it lies inside what unlike rows reach; raise it"
        )
    vectors[same_as >= 0] = 0.0
    names = pl.Series(row_ids, dtype=pl.String)
    grown = add_vectors(index, keys, vectors, row_ids=names, digests=digests, same_as=same_as, scores=scores)
    return grown if rule is None or confirm is None else confirm_last(grown, rule, confirm)


def add_vectors(
    index: Index,
    texts: pl.Series,
    vectors: Vectors,
    *,
    row_ids: pl.Series,
    digests: Digests,
    same_as: Positions,
    scores: Sequence[float] | None = None,
    listed: bool = True,
) -> Index:
    """Return the index with one more part, of texts whose unit vectors, shape (n, d), are at hand.

    `same_as`: position of the first of equal texts, -1 for those compared; others have zeros. `listed`: with pairs.
    """
    offset = len(index)
    pairs = _new_pairs(index, vectors, _equal_before(index, digests, same_as)) if listed else concatenated([])
    rows = pl.DataFrame(
        {
            "row_id": row_ids,
            "score": pl.Series([0.0] * len(texts) if scores is None else scores, dtype=pl.Float64),
            "same_as": pl.Series(np.where(same_as >= 0, same_as + offset, -1), dtype=pl.Int64),
        }
    ).with_columns(pl.when(pl.col("same_as") >= 0).then("same_as").alias("same_as"))
    lazy = texts.alias("key").to_frame().lazy()
    part = Part(rows, lazy, vectors, digests, pairs, np.full(len(pairs), np.nan, dtype=np.float32))
    return replace(index, parts=(*index.parts, part))


def _new_pairs(index: Index, vectors: Vectors, equal: Pairs) -> Pairs:
    """Return the pairs of new rows with each other and with those of all parts; `equal` go before what is found."""
    offset = len(index)
    fresh = search(vectors, index.floor)
    found = [equal, Pairs(fresh.left + offset, fresh.right + offset, fresh.cosine)]
    start = 0
    for part in index.parts:
        across = find_pairs_across(vectors, part.vectors, index.floor, bound=index.bound)
        found.append(Pairs(across.right + start, across.left + offset, across.cosine))
        start += part.rows.height
    return distinct(joined(found))


def _equal_before(index: Index, digests: Digests, same_as: Positions) -> Pairs:
    """Return the pairs of new rows with the earlier row of the same text, at cosine 1.0."""
    earlier = earlier_with([part.digests for part in index.parts], digests)
    rows = np.flatnonzero((earlier >= 0) & (same_as < 0))
    return Pairs(earlier[rows], rows + len(index), np.ones(len(rows), np.float32))


def confirm_last(index: Index, rule: Rule, confirm: Confirm, relevant: npt.NDArray[np.bool_] | None = None) -> Index:
    """Return the index with the pairs of its last part confirmed that lie in the band; `relevant`: only these."""
    last = index.parts[-1]
    places = np.arange(len(last.pairs)) if relevant is None else np.flatnonzero(relevant)
    asked = Pairs(last.pairs.left[places], last.pairs.right[places], last.pairs.cosine[places])
    found = last.confirmations.copy()
    found[places] = confirmed(asked, rule, lambda numbers: texts_of(index, numbers), confirm)
    return replace(index, parts=(*index.parts[:-1], replace(last, confirmations=found)))


def texts_of(index: Index, numbers: Sequence[int]) -> list[str]:
    """Return the texts of rows by their number."""
    wanted = np.asarray(numbers, dtype=np.int64)
    texts = np.empty(len(wanted), dtype=object)
    start = 0
    for part in index.parts:
        here = (wanted >= start) & (wanted < start + part.rows.height)
        if here.any():
            places = pl.Series(wanted[here] - start)
            texts[here] = part.texts.select(pl.col("key").gather(places)).collect().to_series().to_list()
        start += part.rows.height
    return list(texts)


def require_floor(index: Index, rule: Rule) -> None:
    """Raise RecipeError when a rule asks for pairs below the index's floor."""
    if rule.floor < index.floor - ROUNDING:
        raise RecipeError(
            f"near duplicates: threshold={rule.threshold} with its band needs pairs from {rule.floor:.4f} on, and the "
            f"index holds those from {index.floor} on; raise the threshold or make the index anew with a lower floor"
        )


def resolve(index: Index, rule: Rule) -> pl.DataFrame:
    """Return what stays under a rule, one row per row of the index, in order.

    Columns: row_id, keep, cluster (from 1, null for a row that is alone), kept (the row_id of the row kept in its
    stead, itself where it stays) and similarity (the cosine that decided; 1.0 for the same text; null where it stays).
    Earlier parts stand before later ones, then the better score, then the position.

    Raises:
        RecipeError: the rule asks for pairs below the index's floor.
    """
    require_floor(index, rule)
    same = np.concatenate([part.rows.get_column("same_as").fill_null(-1).to_numpy() for part in index.parts])
    count = len(index)
    holder = np.where(same >= 0, same, np.arange(count))
    order = _line(index)
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count)
    best = np.full(count, count, dtype=np.int64)
    np.minimum.at(best, holder, rank)
    head = order[best[holder]]  # of all rows of a part with one text, the first in line
    near = duplicates_among(index.pairs, rule, index.confirmations)
    heads = Pairs(head[near.left], head[near.right], near.cosine)
    stars = stars_of_pairs(count, order, heads)
    keeper = stars.keeper[head]
    cosine = np.where(keeper == head, 1.0, stars.cosine[head])
    return cluster_table(row_ids_of(index), keeper, cosine)


def index_calibration(index: Index) -> Calibration:
    """Return how near each row's nearest other is, on a sample of the distinct texts of the index."""
    return calibrate(*(part.vectors for part in index.parts))


def row_ids_of(index: Index) -> pl.Series:
    """Return the row_ids of all parts, in order."""
    return pl.concat([part.rows.get_column("row_id") for part in index.parts])


def _line(index: Index) -> npt.NDArray[np.int64]:
    """Return all rows in line: part by part, best score first (NaN last), then position."""
    scores = np.concatenate([part.rows.get_column("score").to_numpy() for part in index.parts])
    part = np.repeat(np.arange(len(index.parts)), [one.rows.height for one in index.parts])
    return np.lexsort((-scores, part)).astype(np.int64)
