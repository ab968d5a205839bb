"""What a finder found in a text, and where: the words it was read from are its evidence.

A finder of ours gives a value and the place that it matched; the quote is the sentence around that, or of a long one
the clauses, because a reader must see from it that the value is true. (Rejected: the matched words alone: "42" shows
nothing; and the whole paragraph, in which the reader has to search again.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

LONGEST = 240
"""Characters of a quote; a longer sentence is cut to the clauses around what was found."""
_END = re.compile(r"[.!?…]+[\"”’')\]]*(?=\s|$)|\n[^\S\n]*\n")
_NO_END = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|st|prof|capt|col|gen|sgt|lt|rev|hon|jr|sr|no|vs|c|ca)|\b[A-Z])\.$", re.IGNORECASE
)
_CLAUSE = re.compile(r"[,;:—–]\s+|\s+(?=[—–(])")


@dataclass(frozen=True, slots=True)
class Spot(Generic[T]):
    """A value and the part of the text that it was read from, in characters."""

    value: T
    start: int
    end: int

    def quote(self, text: str) -> str:
        """Return the words of the text that show the value."""
        return quote_at(text, self.start, self.end)


def quote_at(text: str, start: int, end: int) -> str:
    """Return the sentence around a part of a text, cut to its clauses where it is longer than `LONGEST`."""
    first, last = _sentence_span(text, start, end)
    if last - first > LONGEST:
        cuts = [first, *(match.end() for match in _CLAUSE.finditer(text, first, last)), last]
        before = [cut for cut in cuts if cut <= start and end - cut <= LONGEST and start - cut <= LONGEST // 2]
        first = before[0] if before else max(first, _word(text, start))
        after = [cut for cut in cuts if cut >= end and cut - first <= LONGEST]
        last = after[-1] if after else end
    return " ".join(text[first:last].split()).rstrip(" ,;:—–(")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return where each sentence of a text begins and ends; an empty line ends one too."""
    spans, start = [], 0
    for match in _END.finditer(text):
        if match[0] == "." and _NO_END.search(text, max(0, match.start() - 8), match.end()):
            continue
        spans.append((start, match.start() if match[0].isspace() else match.end()))
        start = match.end()
    spans.append((start, len(text)))
    return [_stripped(text, *span) for span in spans if text[slice(*span)].strip()]


def _sentence_span(text: str, start: int, end: int) -> tuple[int, int]:
    """Return where the sentences begin and end that a part of a text stands in."""
    spans = [span for span in sentence_spans(text) if span[1] > start and span[0] < max(end, start + 1)]
    return (min(start, spans[0][0]), max(end, spans[-1][1])) if spans else (start, end)


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())


def spot_of(value: T, match: re.Match[str], group: str | int = 0) -> Spot[T]:
    """Return a value as read from a match, or from one of its groups."""
    return Spot(value, match.start(group), match.end(group))


def _word(text: str, at: int) -> int:
    """Return where the word begins that stands at an offset."""
    return text.rfind(" ", 0, at) + 1
