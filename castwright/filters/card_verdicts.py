"""From who stands for whom to a verdict per card, its group of the split, and the numbers of a report.

Pure tables: what was found goes in, what is stored and shown comes out, alike for a first decision and a later one
under another threshold. (Rejected: the verdict filters' lists per row, which take a gigabyte for a million cards.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from castwright.filters.card_index import EXACT_SCHEMA, CardIndex, Method, settled_rows
from castwright.filters.card_search import Decision, Standing, rule_of, unconfirmed
from castwright.filters.clusters import cluster_sizes, cluster_table
from castwright.filters.duplicate_index import row_ids_of
from castwright.filters.neighbours import Pairs
from castwright.filters.normalised import normalise
from castwright.filters.split_groups import Rows, split_groups
from castwright.filters.text_digests import Digests, earlier_with, first_among, key_digests

NAMED_KINDS = ("historical", "screen", "virtual")
"""Kinds of characters that a name tells: two originals may have one name and be two people."""

_RESULT: dict[str, pl.DataType] = {
    "verdict": pl.String(),
    "filter": pl.String(),
    "reason": pl.String(),
    "score": pl.Float64(),
    "split_group": pl.String(),
}


@dataclass(frozen=True)
class Run:
    """What a run asks and knows of its cards.

    `cards`: those that were compared for near duplicates, with their `position` among all. `exact`: those that were
    dropped before, as EXACT_SCHEMA, with their position.
    """

    threshold: float
    override: bool
    method: Method
    cards: pl.DataFrame
    exact: pl.DataFrame
    against: tuple[str, ...] = ()
    decision: Decision | None = None


def name_digests(cards: pl.DataFrame) -> Digests:
    """Return digests of name and kind, zeros for kinds that a name does not tell and where there is no name."""
    names = normalise(cards.get_column("name"))
    told = (names != "") & cards.get_column("kind").is_in(NAMED_KINDS).fill_null(False)
    keys = pl.DataFrame({"name": names, "kind": cards.get_column("kind"), "told": told}).select(
        pl.when("told").then(pl.concat_str("name", "kind", separator="\0")).otherwise(pl.lit(""))
    )
    return key_digests(keys.to_series())


def exact_drops(
    cards: pl.DataFrame, base: CardIndex | None, standing: Sequence[Standing]
) -> tuple[pl.DataFrame, Digests]:
    """Return the cards whose identity is an earlier one's, and digests of all identities.

    Columns: EXACT_SCHEMA's, `place` in `cards` and `position`.
    """
    digests = key_digests(normalise(cards.get_column("identity")))
    ids, start = cards.get_column("row_id"), len(base.index) if base else 0
    found = []
    if base is not None:
        number = earlier_with([base.digests("identity")], digests)
        place = np.flatnonzero(number >= 0)
        names = row_ids_of(base.index).gather(pl.Series(number[place]))
        found.append(_same_text(place, names, number[place]))
    for other in standing:
        number = earlier_with([other.cards.digests("identity")], digests)
        place = np.flatnonzero(number >= 0)
        told = other.told(number[place])
        found.append(_same_text(place, told.get_column("name"), None, told.get_column("split_group")))
    first = first_among(digests)
    place = np.flatnonzero(first >= 0)
    known = np.zeros(len(digests), dtype=np.bool_)
    for part in found:
        known[part.get_column("place").to_numpy()] = True
    new = ~known & (first < 0)  # rows of the index to be: they are numbered on from `start`
    numbers = start + np.cumsum(new) - 1
    found.append(_same_text(place, ids.gather(pl.Series(first[place])), numbers[first[place]]))
    drops = pl.concat(found).unique("place", keep="first", maintain_order=True).sort("place")
    at = drops.get_column("place")
    return drops.with_columns(ids.gather(at).alias("row_id"), cards.get_column("position").gather(at)), digests


def _same_text(
    place: npt.NDArray[np.int64],
    names: pl.Series,
    numbers: npt.NDArray[np.int64] | None,
    groups: pl.Series | None = None,
) -> pl.DataFrame:
    """Return the columns of `exact_drops` but those that come from the cards."""
    frame = pl.DataFrame({"place": place, "name": names}, schema_overrides={"name": pl.String})
    return frame.select(
        pl.col("place").cast(pl.Int64),
        pl.Series("number", numbers, dtype=pl.Int64) if numbers is not None else pl.lit(None, pl.Int64).alias("number"),
        ("same text as " + pl.col("name")).alias("reason"),
        groups.alias("split_group") if groups is not None else pl.lit(None, pl.String).alias("split_group"),
    )


def concluded(
    cards: pl.DataFrame, found: CardIndex, run: Run, identified: tuple[Digests, Digests]
) -> tuple[CardIndex, pl.DataFrame, dict[str, Any]]:
    """Return the index with what was decided, the verdicts of all cards, and the details.

    `found`: the index with the run's cards as its last part, its `settled` those of earlier runs alone. `identified`:
    digests of the run's identities and names.
    """
    if run.decision is None:
        raise AssertionError("a run is concluded when it is decided")
    start, total = found.index.last_start, len(found.index)
    keeper = run.decision.keeper
    grouped, split = _grouped(found, run, keeper, identified[1])
    settled = settled_rows(np.where(keeper < total, keeper, -1), run.decision.cosine, grouped[start:], *identified)
    everything = pl.concat([found.settled, settled])
    near = _near_rows(found, run, keeper, grouped[start:])
    exact = run.exact.with_columns(
        pl.coalesce(grouped.gather(run.exact.get_column("number")), "split_group").alias("split_group")
    )
    dropped = exact.select(
        "position",
        pl.lit("drop").alias("verdict"),
        pl.lit("exact_duplicates").alias("filter"),
        "reason",
        pl.lit(1.0).alias("score"),
        "split_group",
    )
    stored = replace(found, settled=everything, exact=exact.select(*EXACT_SCHEMA))
    return stored, _table(cards, pl.concat([dropped, near])), details_of(stored, run, split)


def _grouped(
    found: CardIndex, run: Run, keeper: npt.NDArray[np.int64], names: Digests
) -> tuple[pl.Series, dict[str, Any]]:
    """Return the split's group of every row of the index, and what is said of the split."""
    start, total = found.index.last_start, len(found.index)
    old = found.kept
    fresh = keeper == np.arange(start, total)
    kept = np.concatenate([old, fresh])
    place = np.cumsum(kept) - 1
    pairs = found.index.parts[-1].pairs
    among = kept[pairs.left] & kept[pairs.right]
    near = Pairs(place[pairs.left[among]], place[pairs.right[among]], pairs.cosine[among])
    earlier, old_names = found.settled.get_column("split_group"), found.digests("name")
    ids = run.cards.get_column("persona_id").cast(pl.String).fill_null("")
    rows = Rows(earlier.filter(pl.Series(old)), ids.filter(pl.Series(fresh)), np.vstack([old_names[old], names[fresh]]))
    groups = split_groups(rows, near, run.threshold, found.floor)
    outside = found.outside.rows.get_column("split_group")
    # of kept rows in order, then of outside ones: what a keeper's number points into
    told = pl.concat([rows.groups, groups.groups, outside])
    numbers = np.concatenate([place, len(rows.groups) + len(rows.ids) + np.arange(len(outside))])
    mine = told.gather(pl.Series(numbers[keeper], dtype=pl.Int64))
    return pl.concat([earlier, mine]).alias("split_group"), groups.details


def _near_rows(found: CardIndex, run: Run, keeper: npt.NDArray[np.int64], groups: pl.Series) -> pl.DataFrame:
    """Return the verdicts of the cards that were compared: `position` and _RESULT."""
    start, total = found.index.last_start, len(found.index)
    outside = found.outside.rows.get_column("name")
    earlier = found.settled.get_column("keeper").to_numpy()
    whole = np.concatenate([earlier, keeper, np.arange(total, total + len(outside))])
    whole = np.where(whole < 0, np.arange(len(whole)), whole)
    cosine = np.ones(len(whole))
    if run.decision is not None:
        cosine[start:total] = run.decision.cosine
    table = cluster_table(pl.concat([row_ids_of(found.index), outside]), whole, cosine)[start:total]
    drops = table.with_row_index("place").filter(~pl.col("keep")).select("place", "kept", "cluster", "similarity")
    reasons = [f"near {kept} (cluster {cluster}, cosine {near:.3f})" for _, kept, cluster, near in drops.rows()]
    told = pl.repeat("", table.height, dtype=pl.String, eager=True).scatter(drops.get_column("place"), reasons)
    return pl.DataFrame(
        {"position": run.cards.get_column("position"), "reason": told, "score": table["similarity"], "group": groups}
    ).select(
        "position",
        pl.when(pl.col("reason") == "").then(pl.lit("keep")).otherwise(pl.lit("drop")).alias("verdict"),
        pl.when(pl.col("reason") == "").then(pl.lit("")).otherwise(pl.lit("near_duplicates")).alias("filter"),
        "reason",
        "score",
        pl.col("group").alias("split_group"),
    )


def _table(cards: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Return the verdict columns of all cards: what was decided, and what the others brought."""
    brought = cards.select(
        "row_id",
        pl.col("verdict").fill_null("keep"),
        pl.col("filter").fill_null(""),
        pl.col("reason").fill_null(""),
        "score",
        pl.col("persona_id").fill_null("").alias("split_group"),
    ).with_columns(pl.col(name).cast(dtype) for name, dtype in _RESULT.items())
    places = decided.get_column("position")
    mine = np.zeros(cards.height, dtype=np.bool_)
    mine[places.to_numpy()] = True
    new = decided.sort("position")
    slot = np.where(mine, np.cumsum(mine) - 1, 0)
    columns = {"row_id": brought.get_column("row_id")}
    for name in _RESULT:
        if new.height:
            taken = new.get_column(name).gather(pl.Series(slot))
            columns[name] = taken.zip_with(pl.Series(mine), brought.get_column(name)).alias(name)
        else:
            columns[name] = brought.get_column(name)
    return pl.DataFrame(columns)


def details_of(cards: CardIndex, run: Run, split: dict[str, Any]) -> dict[str, Any]:
    """Return what a manifest says of a run's duplicates, JSON-ready.

    `method`, `threshold`, `override`, `floor` (of the listed pairs; null where they were too many), `rows` (compared
    by their profiles), `earlier_rows`, `against`, `exact_drops`, `near_drops`, `clusters`, `largest_cluster`,
    `cluster_sizes` (rows in a cluster -> clusters), `pairs`, `confirmed_pairs`, `unconfirmed_pairs` (in the band, so
    decided by the static cosine), `nearest_other` (share -> cosine, of a sample), `likely_copies` (share of it that has
    one), `sampled_recall` (null where every pair was looked at) and `split_groups` (see `split_groups`).
    """
    start = cards.index.last_start
    last, outside = cards.index.parts[-1], cards.outside
    keeper = run.decision.keeper if run.decision is not None else np.empty(0, dtype=np.int64)
    dropped = keeper[keeper != np.arange(start, len(cards.index))]
    asked = np.count_nonzero(~np.isnan(last.confirmations)) + np.count_nonzero(~np.isnan(outside.confirmations))
    found = cards.calibration
    rule = rule_of(run.threshold, run.method)
    quantiles = {f"{share:g}": round(near, 6) for share, near in found.quantiles().items()} if len(found.others) else {}
    return {
        "method": run.method,
        "threshold": run.threshold,
        "override": run.override,
        "floor": cards.floor,
        "rows": last.rows.height,
        "earlier_rows": start,
        "against": list(run.against),
        "exact_drops": run.exact.height,
        "near_drops": len(dropped),
        **cluster_sizes(dropped),
        "pairs": len(last.pairs) + len(outside.pairs),
        "confirmed_pairs": int(asked),
        "unconfirmed_pairs": 0 if cards.floor is None else unconfirmed(cards.index, outside, rule, cards.kept[:start]),
        "nearest_other": quantiles,
        "likely_copies": round(found.copies, 6),
        "sampled_recall": cards.recall,
        "split_groups": split,
    }
