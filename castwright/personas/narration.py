"""What a story tells of its speakers outside of their speech: the passages that name them.

A character's lines show how they talk; what they do and what they are like stands between the lines. A passage is
what stands between two quotations, or a whole paragraph without one, line by line as in the source; it is told of
whom it names. (Rejected: following pronouns from paragraph to paragraph, which gives one man's temper to another.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from castwright.personas.quotes import Paragraph, quotations_of, speech_marks
from castwright.personas.speech_words import words_of
from castwright.personas.text_lines import TextFile

LEAST_WORDS = 5
"""A passage with fewer words is no more than "said she"."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of narration: its lines, each with its place ("file:line")."""

    lines: tuple[str, ...]
    places: tuple[str, ...]

    @property
    def text(self) -> str:
        """The passage as one text with single blanks."""
        return " ".join(" ".join(self.lines).split())


def narration(text: TextFile, paragraphs: Sequence[Paragraph]) -> Iterator[Passage]:
    """Yield the passages of a story that are not speech, in order; headings and "said she" are left out."""
    family = speech_marks(paragraphs)
    for paragraph in paragraphs:
        start = 0
        spans = [(one.start, one.end) for one in quotations_of(paragraph.text, family)]
        for left, right in [*spans, (len(paragraph.text), 0)]:
            gap = paragraph.text[start:left]
            if len(words_of(gap)) >= LEAST_WORDS:
                yield _passage(text, paragraph, gap, start)
            start = right


def told_of(labels: Iterable[str], passages: Sequence[Passage]) -> list[Passage]:
    """Return the passages that have one of a character's names as it stands in the source."""
    names = "|".join(sorted(map(re.escape, labels), key=len, reverse=True))
    named = re.compile(rf"(?<!\w)(?:{names})(?!\w)") if names else None
    return [passage for passage in passages if named is not None and named.search(passage.text)]


def _passage(text: TextFile, paragraph: Paragraph, gap: str, start: int) -> Passage:
    first = paragraph.line_at(start + len(gap) - len(gap.lstrip()))
    lines = tuple(line.strip() for line in gap.strip().split("\n"))
    return Passage(lines, tuple(text.place(first + index) for index in range(len(lines))))
