"""Plays and `NAME: line` logs as segments of narration, name and dialogue (NGENT 4.1: U = {N, C, D}).

Segments are cut so that no token has to be: a dialogue owns the blank before it and the line ends behind it, for
tokenizers glue blanks to the word that follows and line ends to the full stop before them. So the loss falls on
whole tokens, and a model learns to end a speech too. What is not surely speech is narration: a line that is not
trained on costs little, a name or a stage direction that is trained on spoils the voice. Who speaks is found by
`personas.script_blocks`, which sources of characters read scripts with too. Rejected: a parser of its own for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from castwright.personas.script_blocks import Block, normalise, script_blocks, stage_directions
from castwright.personas.script_labels import find_cast

__all__ = ["Role", "Script", "Segment", "count_turns", "normalise", "parse_script", "span_mask"]

Role = Literal["narration", "name", "dialogue"]


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
        segment for block in script_blocks(lines, frozenset(known)) for segment in _segments_of(block) if segment.text
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


def _segments_of(block: Block) -> Iterator[Segment]:
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
    for left, right in stage_directions(text):
        yield from _words(text[start:left])
        yield Segment("narration", text[left:right])
        start = right
    yield from _words(text[start:])


def _words(text: str) -> Iterator[Segment]:
    if text:
        yield Segment("dialogue" if text.strip() else "narration", text)
