"""A long text cut into parts that a model reads one at a time.

Cut where a paragraph ends, else a sentence, else a word, in the last third of what fits; each part begins a little
before the last one ended, so that a sentence at the border is read whole once. Parts are offsets into the text, so
what is found in one has its place in the whole. (Rejected: parts of so many tokens, for which every model has its
own tokenizer, and a border in the middle of a name.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

OVERLAP_CHARACTERS = 400
"""How much of a part at most is read a second time at the beginning of the next."""
_BORDERS = (re.compile(r"\n[^\S\n]*\n\s*"), re.compile(r"\n"), re.compile(r"[.!?…][\"”’')\]]*\s+"), re.compile(r"\s+"))


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a text: from `start` up to `end`, in characters."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """Return the part itself."""
        return text[self.start : self.end]


def text_chunks(text: str, most: int, overlap: int = OVERLAP_CHARACTERS) -> list[Chunk]:
    """Return the parts of a text, of at most `most` characters each, in order; together they are all of it.

    Raises:
        ValueError: `most` is less than 1.
    """
    if most < 1:
        raise ValueError(f"parts of {most} characters: at least 1 is needed")
    chunks: list[Chunk] = []
    start = 0
    while len(text) - start > most:
        end = _border(text, start + most - most // 3, start + most)
        chunks.append(Chunk(start, end))
        back = max(start + 1, end - min(overlap, most // 4))
        start = _border(text, back, end, first=True)
    chunks.append(Chunk(start, len(text)))
    return chunks


def _border(text: str, low: int, high: int, *, first: bool = False) -> int:
    """Return the best place to cut between two offsets: the last one of the best kind, or the first; else `high`."""
    for border in _BORDERS:
        places = [match.end() for match in border.finditer(text, low, high)]
        if places:
            return places[0] if first else places[-1]
    return high
