"""What the duplicates benchmark makes of kept rows: how right they are, the table, and the goals met or missed.

Counted by row: of a character's rows all but one are to go. A removal is right as long as the character still has a
row; a character without any is lost, which is the worst mistake, since nothing brings it back. (Rejected: counting
pairs, where one copied ten times weighs as much as fifty copied once.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from duplicates_corpus import Card

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Quality:
    """How right a choice of rows is.

    `recall`: share of the rows too many that went. `precision`: share of the removals that were right. `lost`:
    characters left without a row, of `characters`. `kinds`: removed and all rows by kind of card.
    """

    recall: float
    precision: float
    lost: int
    characters: int
    kinds: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measure:
    """One run of one variant: `seconds` and `cpu` of the run alone, `peak` bytes of the process and its children."""

    variant: str
    rows: int
    seconds: float = 0.0
    cpu: float = 0.0
    peak: int = 0
    quality: Quality | None = None
    failed: str = ""


def quality_of(cards: Sequence[Card], kept: Sequence[int]) -> Quality:
    """Return how right it is to keep these rows."""
    chosen = set(kept)
    everyone = Counter(card.character for card in cards)
    left = Counter(cards[row].character for row in chosen)
    too_many = len(cards) - len(everyone)
    still_too_many = sum(left.values()) - len(left)
    removed = len(cards) - len(chosen)
    all_kinds = Counter(card.kind for card in cards)
    gone = Counter(card.kind for row, card in enumerate(cards) if row not in chosen)
    return Quality(
        recall=1 - still_too_many / too_many if too_many else 1.0,
        precision=(too_many - still_too_many) / removed if removed else 1.0,
        lost=len(everyone) - len(left),
        characters=len(everyone),
        kinds={kind: (gone[kind], count) for kind, count in sorted(all_kinds.items())},
    )


def table(measures: Sequence[Measure]) -> str:
    """Return the measurements as a Markdown table, times and memory relative to the first too."""
    lines = ["| variant | rows | s | time × | CPU s | peak MiB | row recall | row precision | lost whole |"]
    lines.append("|" + "---|" * 9)
    base = measures[0]
    for one in measures:
        if one.failed or one.quality is None:
            lines.append(f"| {one.variant} | {one.rows:,} | failed: {one.failed} | | | | | | |")
            continue
        ratio = f"{one.seconds / base.seconds:.2f}" if base.seconds and one.rows == base.rows else "-"
        told = one.quality
        lines.append(
            f"| {one.variant} | {one.rows:,} | {one.seconds:.2f} | {ratio} | {one.cpu:.1f} | {one.peak / MIB:,.0f} | "
            f"{told.recall:.4f} | {told.precision:.4f} | {told.lost} ({told.lost / told.characters:.3%}) |"
        )
    return "\n".join(lines)


def goal(name: str, value: float | None, *, at_least: float | None = None, at_most: float | None = None) -> str:
    """Return one line: the value, the goal, and whether it is met."""
    wanted = f"at least {at_least:g}" if at_least is not None else f"at most {at_most:g}"
    if value is None:
        return f"- {name}: not measured (goal: {wanted})"
    met = value >= at_least if at_least is not None else value <= (at_most or 0.0)
    return f"- {name}: {value:.5g} (goal: {wanted}): {'met' if met else 'missed'}"


def own_goals(ours: Measure | None) -> list[str]:
    """Return the goals that castwright's own choice of rows decides."""
    mine = ours.quality if ours and not ours.failed else None
    return [
        goal("row recall", mine.recall if mine else None, at_least=0.998),
        goal("row precision", mine.precision if mine else None, at_least=0.998),
        goal("share of characters lost whole", mine.lost / mine.characters if mine else None, at_most=0.001),
    ]


def goals(measures: Sequence[Measure]) -> list[str]:
    """Return the goals that the variants decide."""
    done = {one.variant: one for one in measures if one.quality is not None and not one.failed}
    ours, peer = done.get("castwright"), done.get("semhash")
    ratio = peer.seconds / ours.seconds if ours and peer else None
    lines = [goal("times as fast as SemHash with the same encoder", ratio, at_least=4), *own_goals(ours)]
    if ours and ours.quality and peer and peer.quality:
        lines.append(goal("row recall beyond SemHash's", ours.quality.recall - peer.quality.recall, at_least=0))
        lines.append(
            goal("row precision beyond SemHash's", ours.quality.precision - peer.quality.precision, at_least=0)
        )
    return lines


def kinds(measure: Measure) -> str:
    """Return how many rows of each kind a variant removed."""
    found = measure.quality.kinds if measure.quality else {}
    return ", ".join(f"{kind} {gone:,} of {count:,}" for kind, (gone, count) in found.items())
