"""Entities of a Wikibase dump (Wikidata's JSON), one at a time, whatever way the file lays them out.

The official dump is a JSON array with one entity a line; parts of it go round as JSON lines, as one long array, or
as the answer of the web service (`{"entities": {...}}`). Line by line where lines are entities; otherwise the file is
cut at its brackets while it streams, so that neither a dump of 1 TB nor one on a single line fills the memory.
(Rejected: an incremental JSON parser, a dependency that is slower than cutting first and parsing each piece with the
fast parser.) An entity has a bound: the largest of Wikidata are near 5 MB.

Source: Wikibase JSON format, "Data dumps" of Wikidata.
"""

from __future__ import annotations

import bz2
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from castwright.errors import BadRecord, SourceError
from castwright.personas import lines
from castwright.personas.json_value import load_json
from castwright.personas.lines import DataFile, Line, excerpt, read_lines, reason_of

MAX_ENTITY_BYTES = 16 * 1024 * 1024
_BUFFER_BYTES = 1 << 18
_HEAD_BUFFER_BYTES = 1 << 16
_HEAD_BYTES = 800  # of a bad entity, for its excerpt
_DAMAGE = (OSError, EOFError, zlib.error)
_ENTITIES = re.compile(rb'\{\s*(?:"success"\s*:\s*\d\s*,\s*)?"entities"\s*:')
_FIRST_ENTITY = re.compile(rb'\[?\s*\{[^{}\[\]]*"id"\s*:\s*"[QPL]\d+"')
_KEYS = (b'"labels"', b'"claims"', b'"descriptions"', b'"aliases"', b'"sitelinks"')
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\]]', re.DOTALL)
_STRING_END = re.compile(rb'["\\]')

Entity = tuple[str, dict[str, Any]]  # its place, its JSON object


def read_entities(file: DataFile) -> Iterator[Entity | BadRecord]:
    """Yield a dump's entities with their places ("dump.json:12", "answer.json[3]"), bad ones in place.

    Compressed files (gzip, bzip2; Zstandard where lines are entities) are known by their first bytes.

    Raises:
        SourceError: the file cannot be opened, or holds nothing.
    """
    depth = _depth(dump_head(file.path))
    pieces = _line_pieces(file) if depth is None else _cut_pieces(file, depth)
    count = 0
    for place, data, trouble in pieces:
        count += 1
        yield from _entities(place, data, trouble)
    if not count:
        raise SourceError(f"no entity in {file.path}")


def holds_entities(head: bytes) -> bool:
    """Return whether a file that begins like this (`dump_head`) is a dump: by the keys of its first entity."""
    if _ENTITIES.match(head):
        return True
    return bool(_FIRST_ENTITY.match(head)) and sum(key in head for key in _KEYS) > 1


def dump_head(path: Path) -> bytes:
    """Return the first 64 KB of a dump, unpacked, from its first byte that is not blank.

    Raises:
        SourceError: the file cannot be opened.
    """
    try:
        with _open(path) as stream:
            return stream.read(_HEAD_BUFFER_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    except _DAMAGE as error:
        raise SourceError(f"cannot read {path}: {reason_of(error)}") from error


def _entities(place: str, data: bytes, trouble: str) -> Iterator[Entity | BadRecord]:
    try:
        if trouble or len(data) > MAX_ENTITY_BYTES:
            raise ValueError(trouble or _too_large())
        value = load_json(data)
    except ValueError as error:
        yield BadRecord(place, str(error), excerpt(data))
        return
    if not isinstance(value, dict):
        yield BadRecord(place, f"a {type(value).__name__} where an entity {{...}} is expected", excerpt(data))
        return
    inner = value.get("entities")
    if "id" not in value and isinstance(inner, dict):
        for name, entity in inner.items():
            good = isinstance(entity, dict)
            yield (f"{place}[{name}]", entity) if good else BadRecord(f"{place}[{name}]", "no object", excerpt(entity))
    elif not isinstance(value.get("id"), str):
        yield BadRecord(place, "an object without an id: not an entity of a dump", excerpt(data))
    else:
        yield place, value


def _too_large() -> str:
    return f"an entity of more than {MAX_ENTITY_BYTES:,} bytes"


def _depth(head: bytes) -> int | None:
    """Return how deep a document's entities stand (0: it is one, 1: in a list, 2: by id), None where lines are."""
    first, end, rest = head.partition(b"\n")
    if first.startswith(b"["):
        begun = first[1:].strip().removesuffix(b",")
        if not begun:
            return 1 if rest.lstrip().partition(b"\n")[0].strip() == b"{" else None
        try:
            if end:
                load_json(begun)
        except ValueError:
            return 1
        return None if end else 1
    if _ENTITIES.match(head):
        return 2
    return 0 if first.strip() == b"{" else None


# ---- entities on lines


def _line_pieces(file: DataFile) -> Iterator[tuple[str, bytes, str]]:
    for number, line, trouble in _dump_lines(file):
        bare = line.strip()
        if not trouble:
            bare = bare.removesuffix(b",")
            if bare.startswith(b"["):
                bare = bare[1:].lstrip()
            if bare.endswith(b"]") and (bare == b"]" or bare.endswith(b"}]")):
                bare = bare[:-1].rstrip()
        if bare or trouble:
            yield f"{file.name}:{number}", bare, trouble


def _dump_lines(file: DataFile) -> Iterator[Line]:
    """Yield a dump's lines as `read_lines` does, bzip2 included."""
    if not _head(file.path).startswith(b"BZh"):
        yield from read_lines(file)
        return
    number = 0
    with bz2.open(file.path) as stream:
        while True:
            number += 1
            trouble = ""
            try:
                line = stream.readline(lines.MAX_LINE_BYTES + 1)
                if len(line) > lines.MAX_LINE_BYTES:
                    trouble = f"a line of more than {lines.MAX_LINE_BYTES:,} bytes"
                    rest, line = line, line[:_HEAD_BYTES]
                    while rest and not rest.endswith(b"\n"):
                        rest = stream.readline(_BUFFER_BYTES)
            except _DAMAGE as error:
                if number == 1:
                    raise SourceError(f"cannot read {file.path}: {reason_of(error)}") from error
                yield number, b"", f"the file is cut off or damaged from here on: {reason_of(error)}"
                return
            if not line:
                return
            yield number, line, trouble


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(4)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {reason_of(error)}") from error


def _open(path: Path) -> BinaryIO:
    head = _head(path)
    if head.startswith(b"BZh"):
        return cast("BinaryIO", bz2.open(path))
    return cast("BinaryIO", gzip.open(path)) if head.startswith(b"\x1f\x8b") else path.open("rb")


# ---- entities inside one document


class _Cutter:
    """Cuts the objects at one depth out of a JSON document that comes in buffers of any length."""

    def __init__(self, depth: int) -> None:
        self._at, self._depth = depth, 0
        self._in_string, self._skip = False, False
        self._piece = bytearray()
        self._large = False
        self.inside = False

    @property
    def head(self) -> bytes:
        """The beginning of the object that is being read."""
        return bytes(self._piece[:_HEAD_BYTES])

    def feed(self, buffer: bytes) -> Iterator[tuple[bytes, str]]:
        """Yield the objects that end in this buffer, each with what is wrong with it or ""."""
        start = position = 0
        while (mark := self._next(buffer, position)) is not None:
            position, token = mark
            if token in b"{[":
                if self._depth == self._at and token == b"{":
                    self.inside, start = True, position - 1
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth == self._at and self.inside and token == b"}":
                    self._keep(buffer[start:position])
                    yield bytes(self._piece), _too_large() if self._large else ""
                    self._piece.clear()
                    self.inside = self._large = False
        if self.inside:
            self._keep(buffer[start:])

    def _keep(self, data: bytes) -> None:
        if not self._large and len(self._piece) + len(data) > MAX_ENTITY_BYTES:
            self._large = True
            self._piece = (self._piece + data[:_HEAD_BYTES])[:_HEAD_BYTES]
        elif not self._large:
            self._piece += data

    def _next(self, buffer: bytes, position: int) -> tuple[int, bytes] | None:
        """Return the next bracket and where it ends, or None when the buffer is used up."""
        while position < len(buffer):
            if self._skip:
                self._skip = False
                position += 1
            elif self._in_string:
                found = _STRING_END.search(buffer, position)
                if found is None:
                    return None
                position = found.end()
                self._skip = found.group() == b"\\"
                self._in_string = self._skip
            else:
                found = _TOKEN.search(buffer, position)
                if found is None:
                    return None
                position = found.end()
                token = found.group()
                if token == b'"':
                    self._in_string = True  # its end is in a later buffer
                elif not token.startswith(b'"'):
                    return position, token
        return None


def _cut_pieces(file: DataFile, depth: int) -> Iterator[tuple[str, bytes, str]]:
    cutter = _Cutter(depth)
    count = 0
    try:
        with _open(file.path) as stream:
            while buffer := stream.read(_BUFFER_BYTES):
                for piece, trouble in cutter.feed(buffer):
                    count += 1
                    yield f"{file.name}[{count}]", piece, trouble
        reason = "the file is cut off inside this entity" if cutter.inside else ""
    except _DAMAGE as error:
        reason = f"the file is cut off or damaged from here on: {reason_of(error)}"
    if reason:
        yield f"{file.name}[{count + 1}]", cutter.head, reason
