"""Screenplays: names alone on a line in capitals, above what is said, told apart from action by indentation.

A cue is a line in capitals behind an empty line, with words right below it. In an indented screenplay it must
also stand well to the right; in one without indentation (Fountain, copied web pages) capitals and the empty line are
all there is, so only a name that comes back counts. What is said ends at an empty line, or where an indented text goes
back to the margin of the action. (Rejected: fixed columns of the industry's format: every converter moves them.)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from castwright.personas.script_labels import is_heading

MAX_CUE_CHARACTERS = 40
_INDENTED_FROM = 8
_SCENE = re.compile(r"\s*(?:\d+[A-Z]?\.?\s+)?(?:INT|EXT|EST|I/E)[./ ]", re.IGNORECASE)
_CUE = re.compile(r"@?(?P<name>[^\W\d_][\w .'’&#/,-]*?)(?P<marks>(?:\s*\([^()]{1,30}\))*)\s*\^?")
_NO_CUES = re.compile(
    r"(?:FADE|CUT|DISSOLVE|SMASH|MATCH|JUMP|CONTINUED|TITLE|SUPER|MONTAGE|END|THE END|INTERCUT|INSERT|BACK TO|ANGLE"
    r"|CLOSE|LATER|MORE|OMITTED|CREDITS?|FLASHBACK|WIDE|POV)\b"
)


@dataclass(frozen=True, slots=True)
class Cue:
    """A name and what stands under it: the indices of the lines said (those in brackets are left out)."""

    name: str
    index: int
    said: tuple[int, ...]


def is_screenplay(lines: Sequence[str]) -> bool:
    """Return whether a text has the scene headings of a screenplay (INT., EXT.)."""
    return any(_SCENE.match(line) for line in lines)


def screenplay_cues(lines: Sequence[str]) -> list[Cue]:
    """Return the cues of a screenplay's raw lines (with their indentation), in order."""
    found = [(index, name) for index, name in _candidates(lines)]
    uses = Counter(name for _, name in found)
    deep = Counter(_indent(lines[index]) for index, name in found if uses[name] > 1)
    indented = bool(deep) and deep.most_common(1)[0][0] >= _INDENTED_FROM
    cues = []
    for index, name in found:
        if _indent(lines[index]) < _INDENTED_FROM if indented else uses[name] < 2:
            continue
        cues.append(Cue(name, index, tuple(_said(lines, index, indented))))
    return [cue for cue in cues if cue.said]


def _candidates(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    for index, line in enumerate(lines[:-1]):
        bare = line.strip()
        if not bare or len(bare) > MAX_CUE_CHARACTERS or (index and lines[index - 1].strip()):
            continue
        if not lines[index + 1].strip() or _SCENE.match(bare) or is_heading(bare) or _NO_CUES.match(bare):
            continue
        match = _CUE.fullmatch(bare)
        if match and match["name"].isupper() and match["name"][-1] not in ".-":
            yield index, match["name"].strip()


def _said(lines: Sequence[str], cue: int, indented: bool) -> Iterator[int]:
    """Yield the indices of the lines said under a cue; bracketed lines are directions, also over several lines."""
    margin, bracket = None, False
    for index in range(cue + 1, len(lines)):
        bare = lines[index].strip()
        if not bare:
            return
        depth = _indent(lines[index])
        opens = bare.startswith("(") or bracket
        if not opens:
            margin = depth if margin is None else margin
            if indented and depth < margin - 2:
                return
            yield index
        bracket = opens and not bare.endswith(")")


def _indent(line: str) -> int:
    expanded = line.expandtabs(8)
    return len(expanded) - len(expanded.lstrip())
