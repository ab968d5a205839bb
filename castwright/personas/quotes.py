"""Quoted speech in prose: paragraphs, and what stands between quotation marks in them.

A book uses one family of marks for speech, double or single, straight or curly; the other family is then quotation
inside speech and stays in it. The family is counted over the whole text: which marks paragraphs begin with. A quotation
that a paragraph leaves open goes on in the next one if that begins with the mark again (speech of several paragraphs),
else it is a slip and nothing is taken. Single straight marks are apostrophes too, so they open only before and close
only behind what they must. (Rejected: one expression for all marks, which takes "dogs' tails" for speech.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_DOUBLE, _SINGLE = '"“”„', "'‘’"
_OPENING = {_DOUBLE: '"“„', _SINGLE: "'‘"}
_SPEECH_END = re.compile(r"[,.!?…;:—–-]\W*$")
_DOUBLE_MARK = re.compile('["“”„]')
_SINGLE_MARK = re.compile(
    r"(?P<open>(?<![^\s(\[—–-])['‘](?=[^\W_]|[…—“\"]))|(?P<close>(?<=[,.!?…;:—–-])['’](?![^\W_]))"
)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph as one text, and where its lines begin in it: (offset, index of the line)."""

    text: str
    starts: tuple[tuple[int, int], ...]

    def line_at(self, offset: int) -> int:
        """Return the index of the line that a place in the text stands on."""
        return max((start, index) for start, index in self.starts if start <= offset)[1]


@dataclass(frozen=True, slots=True)
class Quotation:
    """What stands between two marks: `start` and `end` are the offsets of the marks, `end` behind the second one.

    `closed` is False where the paragraph ends first.
    """

    start: int
    end: int
    text: str
    closed: bool = True

    @property
    def is_speech(self) -> bool:
        """Whether it ends like speech: a title or a single word in quotation marks has no mark of its own."""
        return not self.closed or _SPEECH_END.search(self.text) is not None


def paragraphs_of(lines: Sequence[str]) -> Iterator[Paragraph]:
    """Yield the paragraphs of a text: parted by empty lines, or each line one where there are next to none of these."""
    filled = sum(1 for line in lines if line.strip())
    blank = len(lines) - filled
    each = blank * 20 < filled and sum(map(len, lines)) > 200 * filled  # long lines without empty ones between
    parts: list[str] = []
    starts: list[tuple[int, int]] = []
    length = 0
    for index, line in enumerate([*lines, ""]):
        bare = line.strip()
        if bare:
            starts.append((length, index))
            parts.append(bare)
            length += len(bare) + 1
        if parts and (not bare or each):
            yield Paragraph("\n".join(parts), tuple(starts))
            parts, starts, length = [], [], 0


def speech_marks(paragraphs: Sequence[Paragraph]) -> str:
    """Return the family of marks that speech has in a text: all its characters, double or single."""
    counts = {
        family: sum(1 for paragraph in paragraphs if paragraph.text[0] in opening)
        for family, opening in _OPENING.items()
    }
    return _SINGLE if counts[_SINGLE] > counts[_DOUBLE] else _DOUBLE


def begins_with_mark(paragraph: Paragraph, family: str) -> bool:
    """Return whether a paragraph begins with an opening mark of a family."""
    return paragraph.text[0] in _OPENING[family]


def quotations_of(text: str, family: str) -> list[Quotation]:
    """Return the outermost quotations of a paragraph, in order; the last may be open."""
    found: list[Quotation] = []
    start = None
    for at, opens in _marks(text, family):
        if start is None:
            if opens is not False:
                start = at
        elif opens is not True:
            found.append(Quotation(start, at + 1, text[start + 1 : at]))
            start = None
    if start is not None:
        found.append(Quotation(start, len(text), text[start + 1 :], closed=False))
    return found


def _marks(text: str, family: str) -> Iterator[tuple[int, bool | None]]:
    """Yield the marks of a family: where, and whether they open (True), close (False), or may do both (None)."""
    if family == _SINGLE:
        for match in _SINGLE_MARK.finditer(text):
            yield match.start(), match["open"] is not None
        return
    for match in _DOUBLE_MARK.finditer(text):
        yield match.start(), None if match[0] == '"' else match[0] in "“„"
