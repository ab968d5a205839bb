"""A script in blocks: each speech with its label taken apart, and what stands between speeches.

The part of the script parser that says who speaks and which brackets are stage directions, without what it is used
for: generators train on blocks, sources of characters count what is said in them. A block ends at an empty line,
at a heading or at the next label, so that nothing unsure is taken for speech. Rejected: one pass that judges each
line alone (see `script_labels`), and keeping indentation, which has no meaning here (`screenplay` reads by it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from castwright.personas.script_labels import is_heading, is_stranger, read_label

_BLANKS = re.compile(r"[^\S\n]+")
_MANY_LINES = re.compile(r"\n{3,}")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\ufeff]")
_OPEN, _CLOSE = "([", {")": "(", "]": "["}
_TAIL = re.compile(r"[.,;:]*[^\S\n]*\n*")


def normalise(text: str) -> str:
    """Return a text with "\\n" as line end, single blanks, no blank at either end of a line, no run of empty lines.

    Control characters and halves of surrogate pairs go. A text that is not empty ends in one "\\n".
    """
    clean = _CONTROL.sub("", text.encode("utf-8", "ignore").decode("utf-8"))
    lines = (_BLANKS.sub(" ", line).strip() for line in clean.splitlines())
    joined = _MANY_LINES.sub("\n\n", "\n".join(lines)).strip("\n")
    return f"{joined}\n" if joined else ""


@dataclass(slots=True)
class Block:
    """Some lines that belong together: a speech with what stands before it, or narration when there is no name.

    `start` is the index of its first line.
    """

    stamp: str = ""
    name: str = ""
    aside: str = ""
    body: str = ""
    start: int = 0


def script_blocks(lines: Sequence[str], cast: frozenset[str]) -> Iterator[Block]:
    """Yield the blocks of normalised lines; every character is in one of them. `cast`: keys as of `find_cast`."""
    block = Block()
    colons = all(key[-1] == ":" for key in cast)
    ended = False  # an empty line ends a block
    for number, line in enumerate(lines):
        if not line:
            block.body += "\n"
            # a name alone on its line is followed by its speech, even behind an empty line
            ended = not block.name or bool(block.body.strip())
            continue
        label = read_label(line, cast)
        heading = is_heading(line)
        narration = label is None and (heading or (colons and is_stranger(line)))
        if label is not None or ended or (narration and block.name):
            if block.name or block.body:
                yield block
            block = Block(start=number)
        if label is None:
            block.body += f"{line}\n"
        elif label.narrates:
            block.body = f"{line}\n"
        else:
            block = Block(label.stamp, label.name, label.aside, f"{label.rest}\n", number)
        ended = heading
    if block.name or block.body:
        yield block


def stage_directions(text: str) -> list[tuple[int, int]]:
    """Return the outermost bracketed stage directions of a speech, in order, with the blank before and the tail."""
    found: list[tuple[int, int]] = []
    opened: list[int] = []
    for place, sign in enumerate(text):
        if sign in _OPEN:
            opened.append(place)
        elif sign in _CLOSE and opened and text[opened[-1]] == _CLOSE[sign]:
            left = opened.pop()
            if _is_direction(text, left, place):
                while found and found[-1][0] >= left:
                    found.pop()
                found.append((left, place + 1))
    return [_widened(text, left, right) for left, right in found]


def _is_direction(text: str, left: int, right: int) -> bool:
    """Return whether brackets hold words: not 555, not [1], and the left one is no part of f(x) or of a smiley."""
    before = text[left - 1] if left else " "
    return not before.isalnum() and before not in ":;=-^" and any(map(str.isalpha, text[left + 1 : right]))


def _widened(text: str, left: int, right: int) -> tuple[int, int]:
    tail = _TAIL.match(text, right)
    end = tail.end() if tail else right
    if end < len(text) and text[end - 1] == " ":
        end -= 1  # the blank before the next words is theirs
    return (left - 1 if left and text[left - 1] == " " else left), end
