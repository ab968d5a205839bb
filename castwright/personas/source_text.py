"""A character's text as what quotes are checked against: is this in it, and where.

A model that is asked to quote also remembers, corrects and shortens. So a quote is looked up and what the source
has is kept, not what the model wrote: case, white space, dashes and the shape of quotation marks may differ, an
ellipsis may stand for words left out, a full stop may be added; every word must be there, in order. (Rejected: edit
distance, which takes "was not cruel" for "was cruel".)
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from castwright.personas.line_map import NOBODYS, LineMap
from castwright.personas.speech_words import STOP_WORDS, words_of

LONGEST_QUOTE = 600
"""Characters of a quote: what is longer is no evidence for one fact but the page again."""
LARGEST_GAP = 300
"""Characters that an ellipsis may stand for; behind that it joins what does not belong together."""
_MARKS = r"[\"“”„«»'‘’‚`]+"
_TOKEN = re.compile(rf"(?P<mark>{_MARKS})|(?P<dash>[-‐‑–—]+)|(?P<blank>\s+)|(?P<other>[^\"“”„«»'‘’‚`\-‐‑–—\s]+)")
_ELLIPSIS = re.compile(r"\s*(?:\[\s*(?:\.{2,}|…)\s*\]|\(\s*(?:\.{3,}|…)\s*\)|\.{3,}|…)\s*")
_DOUBLE = '"“”„«»'
_EDGE = " \t\r\n\"“”„«»'‘’‚`.,;:!?…"


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote as the source has it (white space in single blanks), its offset in the text, and its place."""

    start: int
    quote: str
    place: str


class SourceText:
    """A text with the places of its lines; `record` is the place of what has no lines of its own."""

    def __init__(self, text: str, record: str, lines: LineMap | None = None) -> None:
        self.text, self.record, self.lines = text, record, lines
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def find(self, quote: str, start: int = 0, end: int | None = None) -> Quoted | None:
        """Return the words of the text from `start` up to `end` that a quote is, or None where they are not in it.

        Of a quote with an ellipsis it is the whole stretch where that is short, else its longest part.
        """
        quote = quote.strip()
        if not self.text or not quote or len(quote) > LONGEST_QUOTE or not tells(quote):
            return None
        spans = self._spans(quote, start, len(self.text) if end is None else end)
        if not spans:
            return None
        whole = (spans[0][0], spans[-1][1])
        gaps = (after[0] - before[1] for before, after in pairwise(spans))
        if any(gap > LARGEST_GAP for gap in gaps) or not self._in_one_piece(*whole):
            whole = max(spans, key=lambda span: span[1] - span[0])
        if not self._in_one_piece(*whole) or not tells(self.text[slice(*whole)]):
            return None
        return Quoted(whole[0], " ".join(self.text[slice(*whole)].split()), self.place(whole[0]))

    def place(self, offset: int) -> str:
        """Return the place of an offset: "file:line", or the record's."""
        number = self._number(offset)
        return f"{self.lines.file}:{number}" if self.lines and number != NOBODYS else self.record

    def _spans(self, quote: str, start: int, end: int) -> list[tuple[int, int]]:
        """Return where a quote stands: one span, or one for each part between ellipses, in order; nothing for none."""
        if (found := self._search(quote, start, end)) is not None:
            return [found]
        parts = [part for part in _ELLIPSIS.split(quote) if part.strip(_EDGE)]
        spans: list[tuple[int, int]] = []
        at = start
        for part in parts:
            found = self._search(part, at, end)
            if found is None:
                return []
            spans.append(found)
            at = found[1]
        return spans

    def _search(self, words: str, start: int, end: int) -> tuple[int, int] | None:
        for tried in dict.fromkeys((_unquoted(words.strip()), words.strip(_EDGE))):
            if not tried:
                continue
            match = _pattern(tried).search(self.text, start, end)
            while match is not None and not self._said(match.start(), match.end()):
                match = _pattern(tried).search(self.text, match.end(), end)
            if match is not None:
                return match.span()
        return None

    def _said(self, start: int, end: int) -> bool:
        """Return whether a stretch stands on lines of the source: what we wrote above them is no quote."""
        return self.lines is None or NOBODYS not in (self._number(start), self._number(end - 1))

    def _in_one_piece(self, start: int, end: int) -> bool:
        """Return whether the lines of a stretch follow each other in the source too."""
        if self.lines is None:
            return True
        first, last = self._line(start), self._line(max(start, end - 1))
        before = self.lines.number(first)
        return all(self.lines.number(line) == before + line - first for line in range(first, last + 1))

    def _line(self, offset: int) -> int:
        return bisect_right(self._starts, offset)

    def _number(self, offset: int) -> int:
        return self.lines.number(self._line(offset)) if self.lines else NOBODYS


def _unquoted(words: str) -> str:
    """Return words without marks around the whole, or one too many: a line's marks may be ours and not the source's."""
    marks = [mark for mark in words if mark in _DOUBLE]
    around = words[:1] in _DOUBLE and words[-1:] in _DOUBLE
    return words.strip(_DOUBLE + " ") if around or len(marks) % 2 else words


def tells(quote: str) -> bool:
    """Return whether a quote can show anything: three words, a number, or a word beside "the" and "was"."""
    words = words_of(quote)
    return len(words) > 2 or any(word not in STOP_WORDS for word in words) or any(map(str.isdigit, quote))


@lru_cache(maxsize=256)
def _pattern(words: str) -> re.Pattern[str]:
    """Return what finds words in a text, whatever the case, white space, dashes and marks between them."""
    parts = []
    for token in _TOKEN.finditer(words):
        kind = token.lastgroup
        parts.append({"mark": _MARKS, "dash": r"[-‐‑–—]+", "blank": r"\s+"}.get(kind or "", re.escape(token[0])))
    before = r"(?<!\w)" if words[0].isalnum() else ""
    after = r"(?!\w)" if words[-1].isalnum() else ""
    return re.compile(before + "".join(parts) + after, re.IGNORECASE)
