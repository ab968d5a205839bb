"""Which persona cards are the same character as another: of this run, of one that it extends, or of others.

Exact duplicates have one identity, near ones one profile; both are held against a stored index, which is written whole
into the run's folder, so that a later run adds to it for the price of its own cards and a changed threshold is decided
without a model. The verdicts are those of the filters `exact_duplicates` and `near_duplicates` on one set. Up to
WHOLE_UP_TO cards the index holds the embedder's own vectors, which decide there, and the texts; when a larger set
extends it or is held against it, its texts are encoded again by the static form, in less than a second, and what was
decided stands. (Rejected: static vectors beside the others for every small set, whose first use distils the model.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from castwright.errors import RecipeError
from castwright.filters.calibration import Calibration, calibrate
from castwright.filters.card_index import (
    NOTHING_SETTLED,
    CardIndex,
    Method,
    as_static,
    as_wide,
    encoder_name,
    load_cards,
    require_encoder,
    run_name,
    save_cards,
)
from castwright.filters.card_search import (
    Standing,
    confirm_relevant,
    decide,
    decide_in_blocks,
    find_outside,
    listed_floor,
    needed_floor,
    rule_of,
)
from castwright.filters.card_vectors import CardVectors, card_vectors
from castwright.filters.card_verdicts import Run, concluded, exact_drops, name_digests
from castwright.filters.cascade import EXACT_UP_TO, Confirm, Rule
from castwright.filters.cells import sampled_recall
from castwright.filters.duplicate_index import NO_PAIRS, ROUNDING, Index, add_vectors
from castwright.filters.duplicates import WHOLE_UP_TO
from castwright.filters.embeddings import Distillable, Embedder, pair_similarity
from castwright.filters.neighbours import Pairs, Vectors, choose_bound
from castwright.filters.verdict import require_columns

COLUMNS = ("row_id", "persona_id", "name", "kind", "identity", "profile", "verdict", "filter", "reason", "score")
REGROWN = 1.25
"""The corpus is calibrated anew when it has this many times the rows that it was calibrated on."""


@dataclass(frozen=True)
class CardRule:
    """When two cards are one character: a cosine of profiles at or above `threshold`.

    `override` lets the threshold lie inside what unlike cards of the corpus reach (see `calibration`). `extends`: the
    `duplicates` folder of an earlier run, whose cards stand before the new ones and are part of the index from then
    on. `against`: such folders of other runs, whose kept cards are compared with and no more.

    Raises:
        RecipeError: the threshold lies outside (0, 1].
    """

    threshold: float
    override: bool = False
    extends: Path | None = None
    against: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        Rule(self.threshold)


@dataclass(frozen=True)
class CardVerdicts:
    """What became of each card: row_id, verdict, filter, reason, score and split_group, one row per card, in order.

    `details` is for the stage's manifest, JSON-ready; its keys are those of `card_verdicts.details_of`.
    """

    table: pl.DataFrame
    details: dict[str, Any]


def settle_cards(cards: pl.DataFrame, *, rule: CardRule, embedder: Embedder, folder: Path) -> CardVerdicts:
    """Decide which of the cards stay, and write the index of those that were compared into an empty folder.

    `cards` has COLUMNS; rows with verdict "drop" stay as they are and are not compared. Of two cards the one that
    comes first stays, those of earlier runs before all. Kept cards that are near or have a character's name in common
    share a `split_group`; a dropped card has that of the card kept in its stead. Memory: 1 KB of vectors a card, the
    list of pairs, and an eighth of the vectors again for the search.

    Raises:
        RecipeError: a column is missing, an index was made with another embedding model, or the threshold lies inside
            the distribution (only above WHOLE_UP_TO cards, and not with `override`).
        SourceError: an index cannot be read, or this one cannot be written.
    """
    cards = _checked(cards)
    base = load_cards(rule.extends) if rule.extends is not None else None
    standing = [Standing(load_cards(path), path) for path in rule.against]
    alive = cards.select((pl.col("verdict") != "drop").fill_null(True)).to_series()
    open_cards = cards.with_row_index("position").filter(alive)
    exact, identities = exact_drops(open_cards, base, standing)
    stays = np.ones(open_cards.height, dtype=np.bool_)
    stays[exact.get_column("place").to_numpy()] = False
    fresh = open_cards.filter(pl.Series(stays))
    base, standing, method, linked = _comparable(base, standing, fresh, embedder, rule)
    made = card_vectors(fresh.get_column("profile"), method, embedder, _width(base, standing))
    width = made.vectors.shape[1]
    if base is not None:
        linked &= base.index.parts[0].vectors.shape[1] == width
        base = as_wide(base, width)
    standing = [replace(other, cards=as_wide(other.cards, width)) for other in standing]
    with _one_thread():
        before = [part.vectors for part in base.index.parts] if base else []
        calibration = _calibration(base, method, [*before, made.vectors])
        if method == "static" and not rule.override:
            calibration.require(rule.threshold, "filter 'near_duplicates'")
        run = Run(rule.threshold, rule.override, method, fresh, exact, tuple(map(run_name, rule.against)))
        found, run = _found(run, rule_of(rule.threshold, method), made, base, standing, calibration, embedder)
        identified = identities[stays], name_digests(fresh)
        grown, table, details = concluded(cards, found, run, identified)
    save_cards(grown, folder, base=rule.extends, linked=linked)
    return CardVerdicts(table, details)


def resettle_cards(cards: pl.DataFrame, *, rule: CardRule, folder: Path) -> CardVerdicts:
    """Decide again by another threshold or override, from the index in a folder alone, and note it there.

    The verdicts are those of `settle_cards` under that rule, but for pairs that only the new band asks about: there the
    static cosine decides, and `unconfirmed_pairs` counts them. Where the threshold is lowered by more than 0.01 the
    split's margin is what the index's pairs allow. `rule.extends` and `rule.against` are not read: what was found
    there is in the index. Cards that the index knows are decided anew whatever verdict they bring; the others must
    be dropped ones and stay so. Files in the folder are replaced and never written into: they may be links.

    Raises:
        RecipeError: the index's pairs do not reach down to what the rule needs, the cards are not those of the index,
            or the threshold lies inside the distribution.
        SourceError: there is no index, or it cannot be read or written.
    """
    cards = _checked(cards)
    stored = load_cards(folder)
    told = rule_of(rule.threshold, stored.method)
    if stored.floor is None or needed_floor(told) < stored.floor - ROUNDING:
        there = "no pairs, for there were too many" if stored.floor is None else f"pairs from {stored.floor:g} on"
        raise RecipeError(
            f"{folder}: threshold={rule.threshold:g} needs pairs of near duplicates from {needed_floor(told):g} on, "
            f"and this index holds {there}; run the stage again with --force, or set a higher threshold"
        )
    if stored.method == "static" and not rule.override:
        stored.calibration.require(rule.threshold, "filter 'near_duplicates'")
    fresh, equal = _known(cards, stored, folder)
    exact = stored.exact.with_columns(equal.get_column("position"))
    with _one_thread():
        run = Run(rule.threshold, rule.override, stored.method, fresh, exact, tuple(map(run_name, rule.against)))
        start = stored.index.last_start
        run = replace(run, decision=decide(stored.index, told, stored.kept[:start], stored.outside))
        identified = stored.digests("identity")[start:], stored.digests("name")[start:]
        earlier = replace(stored, settled=stored.settled[:start])
        grown, table, details = concluded(cards, earlier, run, identified)
    save_cards(grown, folder)
    return CardVerdicts(table, details)


def _known(cards: pl.DataFrame, stored: CardIndex, folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the cards that are the index's last rows, and those that it knows for exact duplicates.

    Raises:
        RecipeError: the index is of other cards.
    """
    last, equal_ids = stored.index.parts[-1].rows.get_column("row_id"), stored.exact.get_column("row_id")
    placed = cards.with_row_index("position")
    fresh = placed.filter(pl.col("row_id").is_in(last.implode()))
    equal = placed.filter(pl.col("row_id").is_in(equal_ids.implode()))
    others = cards.filter((pl.col("verdict") != "drop").fill_null(True)).get_column("row_id")
    strange = ~others.is_in(pl.concat([last, equal_ids]).implode())
    same = fresh.get_column("row_id").equals(last) and equal.get_column("row_id").equals(equal_ids)
    if not same or strange.any():
        raise RecipeError(f"{folder}: the index is not of these cards; run the stage again with --force")
    return fresh, equal


def _checked(cards: pl.DataFrame) -> pl.DataFrame:
    """Return COLUMNS as text, the score as a number; RecipeError where one is missing."""
    require_columns(cards, COLUMNS, "near_duplicates")
    return cards.select(*(pl.col(name).cast(pl.String) for name in COLUMNS[:-1]), pl.col("score").cast(pl.Float64))


def _comparable(
    base: CardIndex | None, standing: Sequence[Standing], fresh: pl.DataFrame, embedder: Embedder, rule: CardRule
) -> tuple[CardIndex | None, list[Standing], Method, bool]:
    """Return the earlier indexes with vectors of one kind, that kind, and whether the files of `base` are as they were.

    Raises:
        RecipeError: one was made with another embedding model.
    """
    folders = [*([rule.extends] if rule.extends is not None else []), *(other.folder for other in standing)]
    indexes = [*([base] if base else []), *(other.cards for other in standing)]
    for cards, folder in zip(indexes, folders, strict=True):
        require_encoder(cards, embedder, folder)
    total = int((fresh.get_column("profile").fill_null("").str.strip_chars() != "").sum())
    total += sum(len(cards.index) for cards in indexes)
    static = total > WHOLE_UP_TO or any(cards.method == "static" for cards in indexes)
    if not static or not isinstance(embedder, Distillable):
        return base, list(standing), "embeddings", True
    form = embedder.static()
    alike = [cards if cards.method == "static" else as_static(cards, form) for cards in indexes]
    linked = base is None or base.method == "static"
    others = [Standing(cards, folder) for cards, folder in zip(alike, folders, strict=True)]
    return (alike[0] if base else None), others[1 if base else 0 :], "static", linked


def _width(base: CardIndex | None, standing: Sequence[Standing]) -> int:
    """Return the length of the vectors of earlier indexes; those without any text have zeros of some length."""
    indexes = [*([base] if base else []), *(other.cards for other in standing)]
    return max((cards.index.parts[0].vectors.shape[1] for cards in indexes), default=1)


def _calibration(base: CardIndex | None, method: Method, vectors: Sequence[Vectors]) -> Calibration:
    """Return the distribution of the nearest other: the base's while the corpus has not grown much, else anew."""
    rows = sum(map(len, vectors))
    if base is not None and base.method == method and 0 < rows <= REGROWN * base.calibration.rows:
        return base.calibration
    return calibrate(*vectors)


def _found(
    run: Run,
    rule: Rule,
    made: CardVectors,
    base: CardIndex | None,
    standing: Sequence[Standing],
    calibration: Calibration,
    embedder: Embedder,
) -> tuple[CardIndex, Run]:
    """Return the index with the new cards, its `settled` those of earlier runs, and the run with what was decided."""
    before = [*([base] if base else []), *(other.cards for other in standing)]
    parts = [part.vectors for cards in before for part in cards.index.parts]
    few = len(made.compared) + sum(map(len, parts)) <= WHOLE_UP_TO
    floor = listed_floor(made.vectors, None if few else made.compared, parts, rule)
    bound = base.index.bound if base else choose_bound(made.vectors, floor or rule.threshold)
    searched = Index(floor or NO_PAIRS, encoder_name(embedder, run.method), bound, base.index.parts if base else ())
    index = add_vectors(
        searched,
        made.texts,
        made.vectors,
        row_ids=run.cards.get_column("row_id"),
        digests=made.digests,
        same_as=made.same_as,
        listed=floor is not None,
    )
    kept = base.kept if base else np.empty(0, dtype=np.bool_)
    confirm = _by_the_model(embedder) if run.method == "static" else None
    recall = None
    if floor is None:
        decision, outside = decide_in_blocks(index, made.filled, rule, kept, standing)
    else:
        if confirm is not None:
            index = confirm_relevant(index, rule, confirm, kept)
        outside = find_outside(index, standing, floor, rule, confirm)
        decision = decide(index, rule, kept, outside)
        recall = _recall(index, made.vectors, rule)
    whole = replace(index, floor=max(index.floor, base.index.floor if base else 0.0))
    earlier = base.settled if base else NOTHING_SETTLED
    cards = CardIndex(whole, run.method, floor, calibration, recall, earlier, run.exact, outside)
    return cards, replace(run, decision=decision)


def _by_the_model(embedder: Embedder) -> Confirm:
    """Return what confirms pairs of texts."""
    return lambda left, right: pair_similarity(left, right, embedder)


def _recall(index: Index, vectors: Vectors, rule: Rule) -> float | None:
    """Return the sampled share of near pairs that were found, None where every pair was looked at."""
    if len(vectors) <= EXACT_UP_TO:
        return None
    pairs, start = index.parts[-1].pairs, index.last_start
    own = pairs.left >= start
    mine = Pairs(pairs.left[own] - start, pairs.right[own] - start, pairs.cosine[own])
    return round(sampled_recall(vectors, mine, rule.floor), 6)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep linear algebra on one thread outside the search's own, so that sums do not depend on their number."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1, user_api="blas"):
        yield
