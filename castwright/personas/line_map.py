"""On which lines of its source a character's text stands.

A text for the model leaves out headings, the speech of others and what was never about the character, so its lines
are not the file's. The map is a few numbers ("1:7 30:58": the text's first line is the file's seventh, its thirtieth
the fifty-eighth, lines between follow on), small enough to travel as one piece of evidence beside the text. A line
before the first number is nobody's: it was written by us, and nothing in it is a quote. (Rejected: line numbers
in the text itself, which models repeat and which change what is read; a place for each line, larger than the text.)
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from castwright.personas.evidence import TEXT, Evidence

NOBODYS = 0
"""The number of a line that stands in no source."""


@dataclass(frozen=True, slots=True)
class LineMap:
    """Runs of lines: (line of the text, line of the file), each going on to the next; lines count from 1."""

    file: str
    runs: tuple[tuple[int, int], ...]

    @classmethod
    def of_lines(cls, file: str, numbers: Sequence[int]) -> LineMap:
        """Return the map of a text whose lines stand on these lines of the file (`NOBODYS`: on none)."""
        runs: list[tuple[int, int]] = []
        for line, number in enumerate(numbers, start=1):
            last = runs[-1] if runs else None
            follows = last is not None and last[1] != NOBODYS and number == last[1] + line - last[0]
            nobodys = number == NOBODYS and (last is None or last[1] == NOBODYS)
            if not (follows or nobodys):
                runs.append((line, number))
        return cls(file, tuple(runs))

    @classmethod
    def found_in(cls, evidence: Iterable[Evidence]) -> LineMap | None:
        """Return the map that stands among the evidence of a character, or None."""
        for item in evidence:
            if item.field == TEXT and not item.inferred:
                runs = (run.partition(":") for run in item.value.split())
                return cls(item.place, tuple((int(line), int(number)) for line, _, number in runs))
        return None

    def as_evidence(self) -> Evidence:
        """Return the map as it travels: evidence of the field "text", without a quote."""
        return Evidence(TEXT, " ".join(f"{line}:{number}" for line, number in self.runs), "", self.file)

    def number(self, line: int) -> int:
        """Return the file's line of a line of the text, or `NOBODYS`."""
        at = bisect_right(self.runs, (line, 1 << 62)) - 1
        if at < 0 or self.runs[at][1] == NOBODYS:
            return NOBODYS
        return self.runs[at][1] + line - self.runs[at][0]
