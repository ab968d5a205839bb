"""Style pairs: their splits, their sentences, their digest."""

from __future__ import annotations

import pytest

from castwright.errors import SourceError
from castwright.generators.rewriter.pairs import StylePair, pairs_digest, sentence_pairs, split_pairs


def some_pairs(count: int, split: str = "") -> list[StylePair]:
    return [StylePair(f"It is number {n}.", f"it's number {n}", split) for n in range(count)]


def test_named_splits_are_kept() -> None:
    """Pairs that name their split stay where they are."""
    training, held_out = split_pairs([*some_pairs(30, "train"), *some_pairs(5, "test")], 0.5)
    assert (len(training), len(held_out)) == (30, 5)


def test_unnamed_splits_are_drawn_by_content() -> None:
    """More pairs never move one from one side to the other."""
    _, few = split_pairs(some_pairs(100), 0.2)
    _, many = split_pairs(some_pairs(200), 0.2)
    assert 10 <= len(few) <= 30
    assert set(few) <= set(many)


def test_nothing_is_held_out_at_a_share_of_zero() -> None:
    """All pairs train when nothing is to be held out."""
    assert split_pairs(some_pairs(30), 0.0) == (some_pairs(30), [])


@pytest.mark.parametrize("count", [pytest.param(0, id="none"), pytest.param(19, id="nineteen")])
def test_too_few_pairs_are_refused_with_the_remedy(count: int) -> None:
    """The message names the count found, the count needed and what to do."""
    with pytest.raises(SourceError, match=rf"{count} usable style pairs.*at least 20.*add chats"):
        split_pairs(some_pairs(count), 0.0)


def test_blank_pairs_do_not_count() -> None:
    """A pair with an empty side is no pair."""
    with pytest.raises(SourceError, match="19 usable"):
        split_pairs([*some_pairs(19), StylePair("It is.", "  ")], 0.0)


def test_pairs_are_cut_into_sentences_where_both_sides_agree() -> None:
    """Two sentences on both sides are two pairs; two against one stay together."""
    cut = sentence_pairs([StylePair("It is late. I am off.", "it's late. i'm off"), StylePair("A. B.", "a b")])
    assert cut == [("It is late.", "it's late."), ("I am off.", "i'm off"), ("A. B.", "a b")]


def test_the_digest_changes_with_any_text_and_the_order() -> None:
    """What determines the training determines the digest."""
    pairs = some_pairs(3)
    changed = [pairs[0], pairs[1], StylePair("It is number 2.", "its number 2")]
    assert len({pairs_digest(pairs), pairs_digest(changed), pairs_digest(pairs[::-1]), pairs_digest([])}) == 4
