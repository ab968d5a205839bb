"""Plays and `NAME: line` logs as segments of narration, name and dialogue (NGENT 4.1: U = {N, C, D}).

Segments are cut so that no token has to be: a dialogue owns the blank before it and the line ends behind it, for
tokenizers glue blanks to the word that follows and line ends to the full stop before them. So the loss falls on
whole tokens, and a model learns to end a speech too. What is not surely speech is narration: a line that is not
trained on costs little, a name or a stage direction that is trained on spoils the voice. Rejected: one pass that
judges each line alone (see `script_labels`), and keeping indentation, which has no meaning to this parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from castwright.generators.script_labels import find_cast, is_heading, is_stranger, read_label

Role = Literal["narration", "name", "dialogue"]

_BLANKS = re.compile(r"[^\S\n]+")
_MANY_LINES = re.compile(r"\n{3,}")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\ufeff]")
_OPEN, _CLOSE = "([", {")": "(", "]": "["}
_TAIL = re.compile(r"[.,;:]*[^\S\n]*\n*")


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a script. `train`: whether the loss falls on it, which is so for dialogue alone."""

    role: Role
    text: str

    @property
    def train(self) -> bool:
        """Whether the loss falls on this segment."""
        return self.role == "dialogue"


@dataclass(frozen=True, slots=True)
class Script:
    """A parsed script.

    `segments` joined give `text`, the normalised text. `cast` holds the keys of the labels that count, as
    `parse_script` takes them to read a part of the script as it read the whole.
    """

    segments: tuple[Segment, ...]
    cast: tuple[str, ...]

    @property
    def text(self) -> str:
        """The normalised text."""
        return "".join(segment.text for segment in self.segments)

    @property
    def turns(self) -> int:
        """How many speeches have words in them: a speech that a stage direction parts is one."""
        return count_turns(self.segments)


def normalise(text: str) -> str:
    """Return a text with "\\n" as line end, single blanks, no blank at either end of a line, no run of empty lines.

    Control characters and halves of surrogate pairs go. A text that is not empty ends in one "\\n".
    """
    clean = _CONTROL.sub("", text.encode("utf-8", "ignore").decode("utf-8"))
    lines = (_BLANKS.sub(" ", line).strip() for line in clean.splitlines())
    joined = _MANY_LINES.sub("\n\n", "\n".join(lines)).strip("\n")
    return f"{joined}\n" if joined else ""


def parse_script(text: str, cast: Sequence[str] | None = None) -> Script:
    """Return the segments of a script; their texts joined are `normalise(text)`.

    A speech begins at a speaker's label (see `find_cast`) and ends at an empty line, at a heading, or at the next
    label, be it that of a speaker or a "Note:"; matched brackets inside it are narration. `cast` gives the labels
    that count instead of looking for them: with the cast of a whole script, a part of it that begins at a border
    (see `cut_passages`) reads as it did there.
    """
    normal = normalise(text)
    lines = normal.split("\n")[:-1]
    known = find_cast(lines) if cast is None else tuple(cast)
    segments = [
        segment for block in _blocks(lines, frozenset(known)) for segment in _segments_of(block) if segment.text
    ]
    return Script(tuple(segments), known)


def count_turns(segments: Sequence[Segment]) -> int:
    """Return in how many speeches (a name and what follows it) there is dialogue."""
    turns, silent = 0, True
    for segment in segments:
        if segment.role == "name":
            silent = True
        elif segment.role == "dialogue" and silent:
            turns, silent = turns + 1, False
    return turns


def span_mask(segments: Sequence[Segment]) -> list[tuple[int, int]]:
    """Return the trainable spans of the joined text: (start, end) in characters, end exclusive, rising."""
    spans, start = [], 0
    for segment in segments:
        end = start + len(segment.text)
        if segment.train:
            spans.append((start, end))
        start = end
    return spans


@dataclass(slots=True)
class _Block:
    """Some lines that belong together: a speech with what stands before it, or narration when there is no name."""

    stamp: str = ""
    name: str = ""
    aside: str = ""
    body: str = ""


def _blocks(lines: Sequence[str], cast: frozenset[str]) -> Iterator[_Block]:
    """Yield the blocks of the lines of a normalised text; every character is in one of them."""
    block = _Block()
    colons = all(key[-1] == ":" for key in cast)
    ended = False  # an empty line ends a block
    for line in lines:
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
            block = _Block()
        if label is None:
            block.body += f"{line}\n"
        elif label.narrates:
            block.body = f"{line}\n"
        else:
            block = _Block(label.stamp, label.name, label.aside, f"{label.rest}\n")
        ended = heading
    if block.name or block.body:
        yield block


def _segments_of(block: _Block) -> Iterator[Segment]:
    if not block.name:
        yield Segment("narration", block.body)
        return
    spoken = block.body.lstrip("\n")
    gap = block.body[: len(block.body) - len(spoken)]  # a name alone on its line owns its line end
    yield Segment("narration", block.stamp)
    yield Segment("name", block.name + ("" if block.aside else gap))
    yield Segment("narration", block.aside + (gap if block.aside else ""))
    yield from _speech(spoken)


def _speech(text: str) -> Iterator[Segment]:
    """Yield a speech with the stage directions in it as narration; these own the blank before them."""
    start = 0
    for left, right in _directions(text):
        yield from _words(text[start:left])
        yield Segment("narration", text[left:right])
        start = right
    yield from _words(text[start:])


def _words(text: str) -> Iterator[Segment]:
    if text:
        yield Segment("dialogue" if text.strip() else "narration", text)


def _directions(text: str) -> list[tuple[int, int]]:
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
