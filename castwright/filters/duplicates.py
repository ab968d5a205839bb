"""Duplicates: the same text but for its dress, and nearly the same meaning.

Two filters, to be run in this order: a normalised key, grouped in polars (seconds for a million rows), then
cosine of embeddings for what is left. Both keep the best-scored row, else the first, and name it in the
reason, so a drop can be checked by hand. Few rows all go through the embedding model; many go through the cascade,
which asks it about the pairs in doubt only. (Rejected: MinHash, which at chat length sees shared words and not
meaning; and one vector column in the rows, which costs gigabytes where a closure costs one array.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from castwright.errors import RecipeError
from castwright.filters.calibration import calibrate
from castwright.filters.cascade import Rule, confirmed, crowded, duplicates_among, representatives, search, stars
from castwright.filters.clusters import cluster_table
from castwright.filters.compared_rows import compared_groups, line_ranks
from castwright.filters.embeddings import Distillable, Embedder, pair_similarity
from castwright.filters.neighbours import Pairs, concatenated
from castwright.filters.normalised import normalise
from castwright.filters.similarity import Stars, stars_of_pairs
from castwright.filters.verdict import require_columns, row_names, texts, verdicts

WHOLE_UP_TO = 2000
"""Rows up to which every text goes through the embedding model: half a minute of long texts on two CPU cores."""


def exact_duplicates(
    frame: pl.DataFrame, *, columns: Sequence[str], keep_best: str | None = None, within: str | None = None
) -> pl.DataFrame:
    """Drop rows whose `columns` all read the same as another row's, but for case, punctuation and spacing.

    Kept is the row with the greatest number in `keep_best`, else the first. With `within`, only rows equal in
    that column are compared (a null there equals nothing). Rows empty in every column are not compared.
    Score: 1.0 for a dropped row, null for a kept one.
    """
    require_columns(frame, [*columns, *_given(keep_best, within)], "exact_duplicates")
    if not columns:
        raise RecipeError("filter 'exact_duplicates': columns is empty; name the columns to compare")
    keys = [f"key {number}" for number in range(len(columns))]
    table = frame.select(
        *(normalise(frame.get_column(column)).alias(key) for column, key in zip(columns, keys, strict=True)),
        (pl.col(within).cast(pl.String) if within else pl.lit("")).alias("group"),
    ).with_columns(
        pl.Series("rank", line_ranks(frame, keep_best), dtype=pl.Int64),
        pl.int_range(pl.len(), dtype=pl.Int64).alias("row"),
    )
    comparable = pl.any_horizontal(pl.col(key) != "" for key in keys) & pl.col("group").is_not_null()
    first = pl.col("row").sort_by("rank").first().over([*keys, "group"])
    keeper = table.select(pl.when(comparable).then(first).otherwise(pl.col("row"))).to_series().to_list()
    names = row_names(frame)
    reasons = ["" if kept == row else f"same text as {names[kept]}" for row, kept in enumerate(keeper)]
    return verdicts(reasons, [1.0 if reason else None for reason in reasons])


def near_duplicates(
    frame: pl.DataFrame,
    *,
    columns: Sequence[str] = ("text",),
    embedder: Embedder,
    threshold: float = 0.95,
    keep_best: str | None = None,
    within: str | None = None,
    block: int = 4096,
    override: bool = False,
) -> pl.DataFrame:
    """Drop rows whose meaning is all but that of a better (else earlier) row that is kept.

    The columns are joined by newlines and embedded; rows are visited best first, and one is dropped when its
    cosine with a row kept before reaches `threshold`. With `within`, only rows equal in that column are compared (a
    null there equals nothing). Rows with no text are not compared. Above WHOLE_UP_TO rows, an embedder that can be
    distilled is asked about pairs in doubt only (see `cascade`), and the cosine is that of its static form; there the
    threshold is held against the corpus (see `calibration`), unless `within` is given or `override` is true.
    Score: cosine with the row kept in its stead, in [threshold, 1]; null for a kept row.
    `block` bounds the memory of small and of crowded sets: block x block cosines at a time.

    Raises:
        RecipeError: an option is out of range, a column is missing, or the threshold lies inside the distribution.
    """
    require_columns(frame, [*columns, *_given(keep_best, within)], "near_duplicates")
    if not 0.0 < threshold <= 1.0:
        raise RecipeError(f"filter 'near_duplicates': threshold={threshold} must lie above 0 and at most at 1")
    if block < 1:
        raise RecipeError(f"filter 'near_duplicates': block={block} must be at least 1")
    joined = ["\n".join(parts).strip() for parts in zip(*(texts(frame, c) for c in columns), strict=True)]
    groups, ranks = compared_groups(frame, joined, within), line_ranks(frame, keep_best)
    if sum(map(len, groups)) > WHOLE_UP_TO and isinstance(embedder, Distillable):
        checked = within is None and not override
        found = _cascaded(joined, groups, ranks, embedder, Rule(threshold), checked=checked, block=block)
    else:
        found = _embedded(joined, groups, ranks, embedder, threshold, block)
    return _near_verdicts(row_names(frame), found)


def _embedded(
    joined: Sequence[str],
    groups: Sequence[npt.NDArray[np.int64]],
    ranks: npt.NDArray[np.int64],
    embedder: Embedder,
    threshold: float,
    block: int,
) -> Stars:
    """Return the stars by the embedder's own vectors of every text."""
    whole = _alone(len(joined))
    if not groups:
        return whole
    vectors = embedder.encode([joined[row] for row in np.concatenate(groups).tolist()])
    start = 0
    for group in groups:
        mine = vectors[start : start + len(group)]
        _place(whole, group, stars(mine, np.argsort(ranks[group]), threshold, block))
        start += len(group)
    return whole


def _cascaded(
    joined: Sequence[str],
    groups: Sequence[npt.NDArray[np.int64]],
    ranks: npt.NDArray[np.int64],
    embedder: Distillable,
    rule: Rule,
    *,
    checked: bool,
    block: int,
) -> Stars:
    """Return the stars by static vectors of the distinct texts of each group, pairs in the band confirmed."""
    whole, head = _alone(len(joined)), np.arange(len(joined))
    if not groups:
        return whole
    compared = np.concatenate(groups)
    numbers = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    keys = normalise(pl.Series("text", joined, dtype=pl.String))
    firsts = representatives(keys.gather(compared), numbers, ranks[compared])
    head[compared] = compared[firsts]
    places = np.unique(firsts)  # in `compared`, so group after group
    vectors = embedder.static().encode_normalised(keys.gather(compared[places]))
    if checked:
        calibrate(vectors).require(rule.threshold, "filter 'near_duplicates'")
    found: list[Pairs] = []
    bounds = np.searchsorted(numbers[places], np.arange(len(groups) + 1))
    for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        rows, mine = compared[places[start:stop]], vectors[start:stop]
        if crowded(mine, rule.floor):
            _place(whole, rows, stars(mine, np.argsort(ranks[rows]), rule.threshold, block))
            continue
        near = search(mine, rule.floor)
        found.append(Pairs(rows[near.left], rows[near.right], near.cosine))
    pairs = concatenated(found)
    asked = confirmed(
        pairs, rule, lambda rows: keys.gather(rows).to_list(), lambda a, b: pair_similarity(a, b, embedder)
    )
    settled = stars_of_pairs(len(joined), np.argsort(ranks), duplicates_among(pairs, rule, asked))
    moved = ~settled.kept
    whole.keeper[moved], whole.cosine[moved] = settled.keeper[moved], settled.cosine[moved]
    return Stars(whole.keeper[head], whole.cosine[head])  # a repeat goes where the first row with its text went


def _alone(count: int) -> Stars:
    return Stars(np.arange(count, dtype=np.int64), np.ones(count, dtype=np.float32))


def _place(whole: Stars, rows: npt.NDArray[np.int64], part: Stars) -> None:
    """Write the stars of some rows into those of all rows."""
    whole.keeper[rows] = rows[part.keeper]
    whole.cosine[rows] = part.cosine


def _near_verdicts(names: Sequence[str], found: Stars) -> pl.DataFrame:
    table = cluster_table(pl.Series(names, dtype=pl.String), found.keeper, found.cosine)
    reasons = [
        "" if keep else f"near {kept} (cluster {cluster}, cosine {similarity:.3f})"
        for keep, kept, cluster, similarity in table.select("keep", "kept", "cluster", "similarity").rows()
    ]
    return verdicts(reasons, table.get_column("similarity").to_list())


def _given(*columns: str | None) -> list[str]:
    return [column for column in columns if column is not None]
