"""What stands for which new card: the search among new cards, earlier ones and those of other runs.

One list of pairs, from a floor below the threshold on, serves the verdicts, the split and a later change of the
threshold; where the list would be too long the floor is raised step by step, and at last the cards are settled in
blocks and no list is kept. Cards that were kept before are centres that stand whatever comes; cards that were dropped
before are nobody's reason. Linear algebra outside the search's own threads runs on one thread, so that the result does
not depend on their number. (Rejected: pairs among earlier cards: they are decided.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from castwright.filters.card_index import NO_OUTSIDE, CardIndex, Method, Outside, run_name
from castwright.filters.cascade import (
    Confirm,
    Rule,
    confirmed,
    crowded,
    crowded_across,
    duplicates_among,
    in_band,
    stars,
)
from castwright.filters.cells import distinct
from castwright.filters.duplicate_index import Index, Part, confirm_last, row_ids_of, texts_of
from castwright.filters.neighbours import Pairs, Positions, Vectors, concatenated, find_pairs_across, joined
from castwright.filters.similarity import find_stars, stars_of_pairs
from castwright.filters.text_digests import Digests, earlier_with

BELOW = 0.03
"""How far below the threshold pairs are listed: the split wants 0.02, a lowered threshold the rest."""

STEP = 0.005
LEAST_FLOOR = 1e-6


@dataclass(frozen=True)
class Standing:
    """An index that new cards are held against beside the one that they extend, and the folder it is in."""

    cards: CardIndex
    folder: Path

    def told(self, numbers: Positions) -> pl.DataFrame:
        """Return how reasons name rows, and their groups, as in `Outside.rows`."""
        ids = row_ids_of(self.cards.index).gather(pl.Series(numbers))
        groups = self.cards.settled.get_column("split_group").gather(pl.Series(numbers))
        run = f" in {run_name(self.folder)}"
        return pl.DataFrame({"name": ids, "split_group": groups}).with_columns(pl.col("name") + run)


@dataclass(frozen=True)
class Decision:
    """Who stands for each row of an index's last part.

    `keeper`: numbers of the index, then those of outside rows; `cosine` is theirs, 1.0 for the row itself.
    """

    keeper: Positions
    cosine: npt.NDArray[np.floating]


def rule_of(threshold: float, method: Method) -> Rule:
    """Return the rule for vectors of a kind: the embedder's own need no confirmation."""
    return Rule(threshold) if method == "static" else Rule(threshold, below=0.0, above=0.0)


def needed_floor(rule: Rule) -> float:
    """Return the floor that the verdicts of a rule need."""
    return max(rule.floor, LEAST_FLOOR)


def listed_floor(vectors: Vectors, rows: Positions | None, standing: Sequence[Vectors], rule: Rule) -> float | None:
    """Return the least floor from BELOW under the threshold on whose pairs can be listed, None where none can.

    `rows`: those of `vectors` that are compared; None where there are so few that every list is short.
    """
    needed = needed_floor(rule)
    steps = round((rule.floor - (rule.threshold - BELOW)) / STEP)
    for step in range(steps, -1, -1):
        floor = max(round(needed - step * STEP, 9), LEAST_FLOOR)
        full = rows is not None and crowded(vectors, floor, rows)
        if not full and not any(crowded_across(vectors, others, floor) for others in standing):
            return floor
    return None


def find_outside(
    index: Index, standing: Sequence[Standing], floor: float, rule: Rule, confirm: Confirm | None
) -> Outside:
    """Return the rows of other indexes that were kept there and are near to rows of this one's last part."""
    if not standing:
        return NO_OUTSIDE
    last, start = index.parts[-1], index.last_start
    mine = np.flatnonzero(last.rows.get_column("same_as").is_null().to_numpy())
    numbers: list[Positions] = []
    found, before = [], 0
    for other in standing:
        near = _near_standing(other, last.vectors, last.digests, mine, index, floor)
        rows, place = np.unique(near.left, return_inverse=True)
        found.append(Pairs(place.astype(np.int64) + before, near.right + start, near.cosine))
        numbers.append(rows)
        before += len(rows)
    pairs = joined(found)
    asked = np.full(len(pairs), np.nan, dtype=np.float32)
    if confirm is not None:
        marked = Pairs(-1 - pairs.left, pairs.right, pairs.cosine)  # below zero: not a row of this index
        asked = confirmed(marked, rule, lambda rows: _texts(index, standing, numbers, rows), confirm)
    told = [other.told(rows) for other, rows in zip(standing, numbers, strict=True)]
    return Outside(pl.concat([NO_OUTSIDE.rows, *told]), pairs, asked)


def _texts(index: Index, standing: Sequence[Standing], numbers: Sequence[Positions], rows: list[int]) -> list[str]:
    """Return the texts of rows of an index, or of outside rows where they are below zero: all are of one kind."""
    if not rows or rows[0] >= 0:
        return texts_of(index, rows)
    wanted, texts, start = -1 - np.array(rows), np.empty(len(rows), dtype=object), 0
    for other, mine in zip(standing, numbers, strict=True):
        here = (wanted >= start) & (wanted < start + len(mine))
        texts[here] = texts_of(other.cards.index, mine[wanted[here] - start].tolist())
        start += len(mine)
    return list(texts)


def _near_standing(
    other: Standing, vectors: Vectors, digests: Digests, mine: Positions, index: Index, floor: float
) -> Pairs:
    """Return the pairs of a kept row of another index (left) and a compared new row (right, from 0)."""
    equal = earlier_with([part.digests for part in other.cards.index.parts], digests[mine])
    met = np.flatnonzero(equal >= 0)
    found, start = [Pairs(equal[met], mine[met], np.ones(len(met), dtype=np.float32))], 0
    for part in other.cards.index.parts:
        across = find_pairs_across(vectors, part.vectors, floor, bound=index.bound)
        found.append(Pairs(across.right + start, across.left, across.cosine))
        start += part.rows.height
    whole = distinct(joined(found))
    kept = other.cards.kept[whole.left]
    return Pairs(whole.left[kept], whole.right[kept], whole.cosine[kept])


def confirm_relevant(index: Index, rule: Rule, confirm: Confirm, kept: npt.NDArray[np.bool_]) -> Index:
    """Return the index with the last part's pairs in the band confirmed; `kept`: of its earlier rows."""
    return confirm_last(index, rule, confirm, relevant=_relevant(index, kept))


def unconfirmed(index: Index, outside: Outside, rule: Rule, kept: npt.NDArray[np.bool_]) -> int:
    """Return how many pairs in the band of a rule have no confirmation, so that their static cosine decides."""
    last = index.parts[-1]
    inside = in_band(last.pairs, rule) & np.isnan(last.confirmations) & _relevant(index, kept)
    return int(inside.sum()) + int((in_band(outside.pairs, rule) & np.isnan(outside.confirmations)).sum())


def decide(index: Index, rule: Rule, kept: npt.NDArray[np.bool_], outside: Outside) -> Decision:
    """Return who stands for each row of the last part, by the pairs there are; `kept`: of its earlier rows."""
    last, start, total = index.parts[-1], index.last_start, len(index)
    relevant = _relevant(index, kept)
    inside = Pairs(last.pairs.left[relevant], last.pairs.right[relevant], last.pairs.cosine[relevant])
    near = duplicates_among(inside, rule, last.confirmations[relevant])
    far = duplicates_among(outside.pairs, rule, outside.confirmations)
    pairs = concatenated([near, Pairs(far.left + total, far.right, far.cosine)])
    count = outside.rows.height
    order = np.concatenate([np.arange(start), np.arange(total, total + count), np.arange(start, total)])
    found = stars_of_pairs(total + count, order, pairs)
    return _followed(index, found.keeper[start:total], found.cosine[start:total])


def decide_in_blocks(
    index: Index, filled: npt.NDArray[np.bool_], rule: Rule, kept: npt.NDArray[np.bool_], standing: Sequence[Standing]
) -> tuple[Decision, Outside]:
    """Return the same where the pairs are too many to list, without confirmations, and the outside rows that are named.

    `filled`: which rows of the last part have a text.
    """
    last, start, threshold = index.parts[-1], index.last_start, rule.threshold
    rows = np.flatnonzero(filled & last.rows.get_column("same_as").is_null().to_numpy())
    mine, order = last.vectors[rows], np.arange(len(rows))
    centres = [(np.flatnonzero(kept), index.parts[:-1])]
    centres += [(np.flatnonzero(other.cards.kept), other.cards.index.parts) for other in standing]
    before = np.concatenate([_gathered(parts, numbers) for numbers, parts in centres if parts] or [mine[:0]])
    found = find_stars(mine, order, threshold, standing=before) if len(before) else stars(mine, order, threshold)
    place, own = -1 - found.keeper, found.keeper >= 0  # place of a centre
    ends = np.cumsum([len(numbers) for numbers, _ in centres])
    far = place >= ends[0]
    named = np.unique(place[far])
    keeper = np.arange(start, len(index))
    keeper[rows[own]] = rows[found.keeper[own]] + start
    old = ~own & ~far
    keeper[rows[old]] = centres[0][0][place[old]]
    keeper[rows[far]] = np.searchsorted(named, place[far]) + len(index)
    cosine = np.ones(last.rows.height, dtype=np.float32)
    cosine[rows] = found.cosine
    told = [NO_OUTSIDE.rows]
    for other, (numbers, _), begin, end in zip(standing, centres[1:], ends[:-1], ends[1:], strict=True):
        told.append(other.told(numbers[named[(named >= begin) & (named < end)] - begin]))
    return _followed(index, keeper, cosine), replace(NO_OUTSIDE, rows=pl.concat(told))


def _relevant(index: Index, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return which pairs of the last part are of two new rows, or of a new one and one that was kept before."""
    left = index.parts[-1].pairs.left
    return np.append(kept, True)[np.minimum(left, len(kept))]


def _followed(index: Index, keeper: Positions, cosine: npt.NDArray[np.floating]) -> Decision:
    """Return a decision in which repeats go where the first row with their text went."""
    start = index.last_start
    same = index.parts[-1].rows.get_column("same_as").fill_null(-1).to_numpy()
    head = np.where(same >= 0, same - start, np.arange(len(keeper)))
    return Decision(keeper[head], np.where(keeper[head] == head + start, 1.0, cosine[head]))


def _gathered(parts: Sequence[Part], numbers: Positions) -> Vectors:
    """Return the vectors of rows, ascending, by their number through all parts."""
    starts = np.cumsum([0, *(part.rows.height for part in parts)])
    bounds = np.searchsorted(numbers, starts)
    return np.concatenate(
        [part.vectors[numbers[bounds[i] : bounds[i + 1]] - starts[i]] for i, part in enumerate(parts)]
    )
