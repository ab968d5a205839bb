"""A text file as decoded lines with their numbers, and what was left out of it.

Scripts and books are judged over the whole text (who is in the cast, where a quotation ends), so a file's text is
held, but bounded: a line of more than `MAX_LINE` bytes is no line anyone speaks or writes, and behind `MAX_TEXT` the
rest is kept aside. One line in a wrong encoding is one bad record, as in tables. (Rejected: guessing encodings, which
turns a visible fault into wrong letters in a card.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from castwright.errors import BadRecord, SourceError
from castwright.personas.file_tree import walk_files
from castwright.personas.lines import DataFile, excerpt, read_lines, reason_of, unreadable
from castwright.personas.origin import Found, Origin

MAX_LINE = 64 * 1024
"""Bytes of a line: a long paragraph of a book that has one paragraph a line has some thousands."""
MAX_TEXT = 32 * 1024 * 1024
"""Bytes of a file that are read: some ten times a long novel."""

FileReader = Callable[[DataFile, Origin], Found]


@dataclass(slots=True)
class TextFile:
    """A file's lines without line ends (`lines[i]` stands on line `numbers[i]`), and the lines kept aside."""

    name: str
    lines: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)

    def place(self, index: int) -> str:
        """Return the place of a line by its index: "file:line"."""
        return f"{self.name}:{self.numbers[index]}"


def read_text_file(file: DataFile) -> TextFile:
    """Return a file's lines; bad ones, and what is behind `MAX_TEXT`, are kept aside with a reason.

    Raises:
        SourceError: it cannot be opened, or its first line cannot be read.
    """
    text, size = TextFile(file.name), 0
    for number, line, trouble in read_lines(file):
        if not trouble and len(line) > MAX_LINE:
            trouble = f"a line of {len(line):,} bytes: at most {MAX_LINE:,} are read"
        trouble = trouble or unreadable(line)
        if trouble:
            text.bad.append(BadRecord(f"{file.name}:{number}", trouble, excerpt(line)))
            continue
        size += len(line)
        if size > MAX_TEXT:
            reason = f"the file has more than {MAX_TEXT:,} bytes: what follows is not read; split it"
            text.bad.append(BadRecord(f"{file.name}:{number}", reason, excerpt(line)))
            break
        text.lines.append(line.decode().rstrip("\r\n"))
        text.numbers.append(number)
    return text


def read_each(source: Path, read: FileReader, origin: Origin) -> Found:
    """Yield what `read` finds in each file at a path; a file that cannot be read is one bad record.

    Raises:
        SourceError: at the call: nothing is there.
    """
    files = walk_files(source)

    def found() -> Found:
        empty = True
        for file in files:
            empty = False
            if isinstance(file, BadRecord):
                yield file
                continue
            try:
                yield from read(file, origin)
            except SourceError as error:
                yield BadRecord(file.name, reason_of(error))
        if empty:
            raise SourceError(f"no file in the folder {source}: put the texts there")

    return found()
