"""A mixed folder as one source: every file goes to the reader that its content fits, whatever it is called.

Each reader says by itself whether a file is its own, from the first kilobytes; they are asked in a fixed order, the
most telling mark first (a PNG signature, the fields of a chat card, the keys of an entity), and tables by their
extension after them, since their first line can be anything. A file that no reader knows is one bad record with what
was looked for. A new format is one more line in `readers`. (Rejected: a setting per file, which nobody writes for a
thousand files, and trying every reader until one succeeds, which calls half-read files good.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from castwright.errors import BadRecord, SourceError
from castwright.personas.card import Kind
from castwright.personas.character import Character
from castwright.personas.entities import dump_characters
from castwright.personas.entity_dump import holds_entities
from castwright.personas.file_tree import walk_files
from castwright.personas.json_value import load_json
from castwright.personas.lines import DataFile, format_of, plain_suffix, read_head, reason_of, shown
from castwright.personas.one_line import line_file, looks_like_personas
from castwright.personas.origin import Found, Origin
from castwright.personas.tables import require_good, require_some, take_good
from castwright.personas.tavern import is_card, tavern_file
from castwright.personas.tavern_png import is_png

Reader = tuple[Callable[[DataFile, bytes], bool], Callable[[DataFile, Origin], Found]]
_TEXT_SUFFIXES = (".txt", ".text", "")


def folder_characters(
    path: str | Path,
    *,
    tables: Callable[..., Found],
    others: Sequence[Reader] = (),
    licence: str = "unknown",
    dataset: str | None = None,
    kind: Kind | None = None,
    modern: bool | None = None,
    limit: int | None = None,
) -> Found:
    """Yield the characters of all files of a folder and those under it, in order of path.

    Args:
        tables: what reads a table, as `sources.table_characters` does.
        others: more readers, asked before those for lines of text and tables.
        licence, dataset, kind, modern, limit: as in `tavern.tavern_characters`, for every file.

    Raises:
        SourceError: nothing at the path, or not one character in it.
    """
    source = Path(path).expanduser()
    origin = Origin.of(source, licence=licence, dataset=dataset, kind=kind, modern=modern)
    readers = (*_FIRST, *others, *_LAST, (_is_table, _table_reader(tables)))
    found = (item for file in walk_files(source) for item in _read(file, readers, origin))
    return take_good(require_some(require_good(found, str(source)), f"no file in the folder {source}"), limit)


def _read(file: DataFile | BadRecord, readers: Sequence[Reader], origin: Origin) -> Found:
    if isinstance(file, BadRecord):
        yield file
        return
    try:
        head = b"" if not file.path.stat().st_size else read_head(file.path)
        if not head:
            yield BadRecord(file.name, "an empty file")
            return
        reader = next((read for fits, read in readers if fits(file, head)), None)
        if reader is None:
            yield BadRecord(file.name, _unknown(head))
            return
        yield from reader(file, origin)
    except (SourceError, OSError) as error:
        yield BadRecord(file.name, reason_of(error))


def _unknown(head: bytes) -> str:
    if b"\0" in head:
        return "a binary file that is no PNG and no parquet"
    known = "a chat program's card, an entity dump, lines of one persona each, or a table (.csv, .json ...)"
    return f"not a file of characters that castwright knows: it does not look like {known}"


def _is_png(_file: DataFile, head: bytes) -> bool:
    return is_png(head)


def _is_tavern(_file: DataFile, head: bytes) -> bool:
    """Return whether the first object of a JSON file is a chat card; a large or broken one is known by its keys."""
    if not head.startswith((b"{", b"[")):
        return False
    value = _first_object(head)
    if value is not None:
        return is_card(value)
    marks = (b'"chara_card_v2"', b'"chara_card_v3"', b'"first_mes"', b'"mes_example"', b'"char_persona"')
    return any(mark in head for mark in marks)


def _is_dump(_file: DataFile, head: bytes) -> bool:
    return holds_entities(head)


def _is_lines(file: DataFile, head: bytes) -> bool:
    if plain_suffix(file.path) not in _TEXT_SUFFIXES:
        return False
    rows = head.decode("utf-8", "replace").split("\n")
    return looks_like_personas(iter(rows[:-1] if len(rows) > 1 else rows))


def _is_table(file: DataFile, _head: bytes) -> bool:
    return format_of(file.path) is not None


def _first_object(head: bytes) -> Any:
    """Return the first object of a JSON file where it is whole within the head, else None."""
    for text in (head, head.partition(b"\n")[0]):
        try:
            value = load_json(text.strip())
        except ValueError:
            continue
        return value[0] if isinstance(value, list) and value else value
    return None


def _table_reader(tables: Callable[..., Found]) -> Callable[[DataFile, Origin], Found]:
    def read(file: DataFile, origin: Origin) -> Found:
        folder = file.name.removesuffix(shown(file.path.name))  # a table's places name the file alone
        stated = {name: origin.defaults.get(name) for name in ("kind", "modern")}
        found = tables(file.path, licence=origin.source.licence, dataset=origin.source.dataset, **stated)
        yield from _placed(found, folder)

    return read


def _placed(found: Found, folder: str) -> Iterator[Character | BadRecord]:
    for item in found:
        if isinstance(item, BadRecord):
            yield BadRecord(folder + item.place, item.reason, item.excerpt)
        else:
            source = item.source.model_copy(update={"record": folder + item.source.record})
            yield item.model_copy(update={"source": source})


_FIRST: tuple[Reader, ...] = ((_is_png, tavern_file), (_is_tavern, tavern_file), (_is_dump, dump_characters))
_LAST: tuple[Reader, ...] = ((_is_lines, line_file),)
