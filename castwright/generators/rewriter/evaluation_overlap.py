"""Whether outputs are copied from the training texts, and how varied they are.

Runs of eight words are too long to be shared by chance. A run that stands in the output's own source is no copy from
training: the rewriter was given it. Runs are compared as they are, without hashing: the outputs' runs are few, and the
training texts, which are many, only pass by. Rejected: suffix arrays over the training texts, for a share.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from castwright.errors import SourceError

RUN = 8
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Overlap:
    """Runs of words of the outputs that are not in their sources, and how many of them the training texts have."""

    runs: int
    copied_runs: int
    texts: int
    copied_texts: int

    @property
    def share_of_runs(self) -> float:
        """The share of runs that stand in a training text; 0 without any."""
        return self.copied_runs / self.runs if self.runs else 0.0

    @property
    def share_of_texts(self) -> float:
        """The share of outputs with such a run."""
        return self.copied_texts / self.texts if self.texts else 0.0


def eight_gram_overlap(
    outputs: Sequence[str], training: Iterable[str], sources: Sequence[str] | None = None, *, length: int = RUN
) -> Overlap:
    """Return how many runs of `length` words of the outputs stand in a training text; case and marks do not count.

    Raises:
        SourceError: not one source for each output.
    """
    if sources is not None and len(sources) != len(outputs):
        raise SourceError(f"{len(sources)} sources and {len(outputs)} outputs: give one source for each output")
    own = [set(_runs(text, length)) for text in outputs]
    for runs, source in zip(own, sources or [""] * len(outputs), strict=True):
        runs -= set(_runs(source, length))
    wanted = set().union(*own)
    found = {run for text in training for run in _runs(text, length) if run in wanted}
    return Overlap(
        sum(map(len, own)),
        sum(len(runs & found) for runs in own),
        len(outputs),
        sum(bool(runs & found) for runs in own),
    )


def distinct_share(texts: Iterable[str], length: int = 2) -> float:
    """Return the share of runs of `length` words that are distinct (distinct-n, Li et al. 2016); 0 without any."""
    runs = [run for text in texts for run in _runs(text, length)]
    return len(set(runs)) / len(runs) if runs else 0.0


def _runs(text: str, length: int) -> Iterator[tuple[str, ...]]:
    words = _WORD.findall(text.lower().replace("’", "'"))
    for start in range(len(words) - length + 1):
        yield tuple(words[start : start + length])
