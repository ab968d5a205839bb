"""Which personas must stand on one side of train, validation and test: groups of rows that are alike, but all kept.

Two kept rows belong together when they were nearly dropped for each other, or when two sources know the same character
by the same name. Groups are connected components, because a split may not cut a chain; and because components chain
without an end where everything resembles everything, the margin is cut back when a group takes up too much. Groups of
earlier runs never change: their rows are in somebody's training set. (Rejected: the stars of duplicates, which leave
two kept rows with one neighbour on both sides; a component library, for ten lines of numpy that import in no time.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from castwright.filters.neighbours import Pairs, Positions
from castwright.filters.text_digests import Digests, earlier_with, first_among

MARGINS = (0.02, 0.01)
"""How far below the threshold a pair still belongs together; the second where the first chains."""

LARGEST_SHARE = 0.01
LARGEST_ROWS = 50
"""A group of more rows than both of these (a share of all kept rows, and a number) is taken for a chain."""

_SAME_NAME = 2.0  # nearer than any cosine


@dataclass(frozen=True)
class Rows:
    """Kept rows that are grouped: those of earlier runs, whose groups stand, and the new ones after them.

    `groups`: of the earlier rows. `ids`: what a group of new rows is called after its first one. `names`: digests of
    name and kind, zeros where a name says nothing, shape (earlier + new, 2).
    """

    groups: pl.Series
    ids: pl.Series
    names: Digests

    @property
    def start(self) -> int:
        """Return the number of the first new row."""
        return len(self.groups)


@dataclass(frozen=True)
class Groups:
    """The group of each new row, and what a report says of them, JSON-ready."""

    groups: pl.Series
    details: dict[str, Any]


def split_groups(rows: Rows, pairs: Pairs, threshold: float, floor: float | None) -> Groups:
    """Return the groups of the new rows, by `pairs` of kept rows at or above `floor` (None: pairs were not listed).

    A component of new rows that touches an earlier group joins it; one that touches several joins that of its nearest
    pair and is counted as `bridged`. Details: `groups` (of all kept rows), `largest` (rows) and `largest_share` among
    the groups that have new rows, `largest_by_name` (what it would be without near pairs), `margin` (below the
    threshold; null where near pairs are not used), `cut_back` (whether a chain was cut) and `bridged`.
    """
    named = _same_names(rows)
    bare, bridged = _joined_groups(rows, pairs.at_least(_SAME_NAME), named)
    details = by_name = _sizes(rows, bare)
    most = max(LARGEST_ROWS, LARGEST_SHARE * (rows.start + len(rows.ids)))
    if by_name["largest"] > most:  # names alone do it: near pairs are not to blame until they double it
        most = 2 * by_name["largest"]
    groups, used = bare, None
    margins = [] if floor is None else [min(margin, threshold - floor) for margin in MARGINS]
    for margin in margins:
        wider, crossed = _joined_groups(rows, pairs.at_least(threshold - margin), named)
        found = _sizes(rows, wider)
        if found["largest"] <= most:
            groups, used, details, bridged = wider, round(margin, 6), found, crossed
            break
    told = {"largest_by_name": by_name["largest"], "margin": used, "bridged": bridged}
    return Groups(groups, {**details, **told, "cut_back": bool(margins) and used != round(margins[0], 6)})


def components(count: int, left: Positions, right: Positions) -> Positions:
    """Return for each of `count` nodes the least node of its connected component."""
    label = np.arange(count, dtype=np.int64)
    while True:
        low, high = np.minimum(label[left], label[right]), np.maximum(label[left], label[right])
        apart = low < high
        if not apart.any():
            return label
        np.minimum.at(label, high[apart], low[apart])
        while True:
            further = label[label]
            if np.array_equal(further, label):
                break
            label = further


def _same_names(rows: Rows) -> Pairs:
    """Return each new row with the first earlier and the first new row of its name."""
    start, mine = rows.start, rows.names[rows.start :]
    earlier, among = earlier_with([rows.names[:start]], mine), first_among(mine)
    old, new = np.flatnonzero(earlier >= 0), np.flatnonzero(among >= 0)
    left, right = np.concatenate([earlier[old], among[new] + start]), np.concatenate([old, new]) + start
    return Pairs(left, right, np.full(len(left), _SAME_NAME, dtype=np.float32))


def _joined_groups(rows: Rows, near: Pairs, named: Pairs) -> tuple[pl.Series, int]:
    """Return the group of each new row, and how many components touch more than one earlier group."""
    start, count = rows.start, len(rows.ids)
    left, right = np.concatenate([near.left, named.left]), np.concatenate([near.right, named.right])
    cosine = np.concatenate([near.cosine, named.cosine])
    fresh = left >= start
    label = components(count, left[fresh] - start, right[fresh] - start)
    groups = rows.ids.gather(pl.Series(label))
    if fresh.all():
        return groups, 0
    touched = pl.DataFrame(
        {
            "component": label[right[~fresh] - start],
            "cosine": -cosine[~fresh],
            "old": left[~fresh],
            "group": rows.groups.gather(pl.Series(left[~fresh])),
        }
    ).sort("component", "cosine", "old")
    told = touched.group_by("component", maintain_order=True).agg(
        pl.col("group").first(), pl.col("group").n_unique().alias("several")
    )
    frame = pl.DataFrame({"component": label, "own": groups}).join(
        told, on="component", how="left", maintain_order="left"
    )
    joined = frame.select(pl.coalesce("group", "own").alias("split_group")).to_series()
    return joined, int((told.get_column("several") > 1).sum())


def _sizes(rows: Rows, groups: pl.Series) -> dict[str, Any]:
    """Return how many groups there are, and how large the largest one with a new row is."""
    new = pl.DataFrame({"group": groups, "new": True}, schema={"group": pl.String, "new": pl.Boolean})
    old = pl.DataFrame({"group": rows.groups, "new": False}, schema={"group": pl.String, "new": pl.Boolean})
    sizes = pl.concat([old, new]).group_by("group").agg(pl.len().alias("rows"), pl.col("new").any())
    largest = sizes.filter("new").get_column("rows").max()
    most = largest if isinstance(largest, int) else 0
    return {
        "groups": sizes.height,
        "largest": most,
        "largest_share": round(most / max(1, len(groups) + len(rows.groups)), 6),
    }
