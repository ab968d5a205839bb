"""A long script in passages that a model can read at once, cut where a speech begins.

Passages keep segments whole and in order, and together hold each of them once. A short rest at the end is evened
out with the passage before it, so that a script does not end in one lost line. Rejected: a fixed window over the
text, which cuts speeches, and overlapping passages, which train twice on the same words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from castwright.generators.script import Segment


def cut_passages(segments: Sequence[Segment], max_words: int) -> list[tuple[Segment, ...]]:
    """Return the segments in passages of at most `max_words` words (whitespace-separated), cut at borders.

    A border lies before a speaker's name and before a paragraph of narration. What lies between two borders is
    never cut: a single longer speech is a passage of its own.
    """
    passages: list[list[tuple[Segment, ...]]] = []
    words = 0
    for unit in _units(segments):
        size = _words(unit)
        if not passages or words + size > max_words:
            passages.append([])
            words = 0
        passages[-1].append(unit)
        words += size
    if len(passages) > 1 and words < max_words / 2:
        passages[-2:] = _evened(passages[-2] + passages[-1], max_words)
    return [tuple(segment for unit in passage for segment in unit) for passage in passages]


def _units(segments: Sequence[Segment]) -> Iterator[tuple[Segment, ...]]:
    unit: list[Segment] = []
    for position, segment in enumerate(segments):
        if unit and _is_border(segments, position):
            yield tuple(unit)
            unit = []
        unit.append(segment)
    if unit:
        yield tuple(unit)


def _is_border(segments: Sequence[Segment], position: int) -> bool:
    here, before = segments[position], segments[position - 1]
    if here.role == "dialogue" or not before.text.endswith("\n"):
        return False
    if here.role == "name":
        return True
    following = segments[position + 1] if position + 1 < len(segments) else None
    if following and following.role == "name" and not here.text.endswith("\n"):
        return True  # the time before a name
    # behind a bare name the paragraph is its speech, however it begins
    return before.role != "name" and before.text.endswith("\n\n")


def _evened(units: list[tuple[Segment, ...]], max_words: int) -> list[list[tuple[Segment, ...]]]:
    """Return the units in two passages as equal as may be, both within the bound where that is possible."""
    sizes = [_words(unit) for unit in units]
    total = sum(sizes)
    best, best_cost, first = 1, (True, float(total)), 0
    for cut in range(1, len(units)):
        first += sizes[cut - 1]
        cost = (max(first, total - first) > max_words, float(abs(total - 2 * first)))
        if cost < best_cost:
            best, best_cost = cut, cost
    return [units[:best], units[best:]]


def _words(unit: Sequence[Segment]) -> int:
    return len("".join(segment.text for segment in unit).split())
