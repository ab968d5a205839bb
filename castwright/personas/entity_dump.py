"""Entities of a Wikibase dump (Wikidata's JSON), one at a time, whatever way the file lays them out.

The official dump is a JSON array with one entity a line; parts of it go round as JSON lines, as one long array, or
as the answer of the web service (`{"entities": {...}}`). Line by line where lines are entities; otherwise the file is
cut at its brackets while it streams, so that neither a dump of 1 TB nor one on a single line fills the memory.
An entity has a bound: the largest of Wikidata are near 5 MB.

Source: Wikibase JSON format, "Data dumps" of Wikidata.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from castwright.errors import BadRecord, SourceError
from castwright.personas.json_cutter import Cutter
from castwright.personas.json_value import load_json
from castwright.personas.lines import DataFile, excerpt, read_buffers, read_head, read_lines

MAX_ENTITY_BYTES = 16 * 1024 * 1024
_BUFFER_BYTES = 1 << 18
_ENTITIES = re.compile(rb'\{\s*(?:"success"\s*:\s*\d\s*,\s*)?"entities"\s*:')
_FIRST_ENTITY = re.compile(rb'\[?\s*\{[^{}\[\]]*"id"\s*:\s*"[QPL]\d+"')
_KEYS = (b'"labels"', b'"claims"', b'"descriptions"', b'"aliases"', b'"sitelinks"')

Entity = tuple[str, dict[str, Any]]  # its place, its JSON object


def read_entities(file: DataFile) -> Iterator[Entity | BadRecord]:
    """Yield a dump's entities with their places ("dump.json:12", "answer.json[3]"), bad ones in place.

    Compressed files (gzip, bzip2, Zstandard) are known by their first bytes.

    Raises:
        SourceError: the file cannot be opened, or holds nothing.
    """
    depth = _depth(read_head(file.path))
    pieces = _line_pieces(file) if depth is None else _cut_pieces(file, depth)
    count = 0
    for place, data, trouble in pieces:
        count += 1
        yield from _entities(place, data, trouble)
    if not count:
        raise SourceError(f"no entity in {file.path}: fill it, or leave it out")


def holds_entities(head: bytes) -> bool:
    """Return whether a file that begins like this (`lines.read_head`) is a dump: by the keys of its first entity."""
    if _ENTITIES.match(head):
        return True
    return bool(_FIRST_ENTITY.match(head)) and sum(key in head for key in _KEYS) > 1


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
    for number, line, trouble in read_lines(file):
        bare = line.strip()
        if not trouble:
            bare = bare.removesuffix(b",")
            if bare.startswith(b"["):
                bare = bare[1:].lstrip()
            if bare.endswith(b"]") and (bare == b"]" or bare.endswith(b"}]")):
                bare = bare[:-1].rstrip()
        if bare or trouble:
            yield f"{file.name}:{number}", bare, trouble


def _cut_pieces(file: DataFile, depth: int) -> Iterator[tuple[str, bytes, str]]:
    cutter = Cutter(depth, MAX_ENTITY_BYTES)
    count, reason = 0, ""
    for buffer, reason in read_buffers(file, _BUFFER_BYTES):  # noqa: B007 (what is wrong is said behind the last one)
        for piece, large in cutter.feed(buffer):
            count += 1
            yield f"{file.name}[{count}]", piece, _too_large() if large else ""
    reason = reason or ("the file is cut off inside this entity" if cutter.inside else "")
    if reason:
        yield f"{file.name}[{count + 1}]", cutter.head, reason
