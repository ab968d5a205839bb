"""Records of any table a user has: characters, questions, chats, question-and-answer rows.

One lazy reader for all formats, which yields good and bad records in the order of the file, so that nothing
is lost and nothing stops a long file. Only what is wrong with the whole source is raised. (Rejected: a
reader per use, whose messages drift apart, and a data frame, which loses line numbers and needs the whole
file in memory.)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from castwright.errors import BadRecord, SourceError
from castwright.personas.columns import Getter, check_columns, flat_names, getters_of, is_missing, pick
from castwright.personas.formats import read_rows
from castwright.personas.lines import READABLE, DataFile, excerpt, format_of, reason_of, shown

T = TypeVar("T")

# what castwright and `datasets` put beside data: a folder of data is read without it
_METADATA = frozenset({"manifest.json", "dataset_info.json", "dataset_infos.json", "state.json"})
_NO_COLUMNS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its place ("file.csv:12", "file.parquet[row 3]") and its values by field."""

    place: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to take of a row, what must be in it, and the columns that this touches (None: all)."""

    getters: tuple[Getter, ...]
    required: tuple[str, ...]
    wanted: frozenset[str] | None


def read_records(
    path: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    required: Sequence[str] = (),
    limit: int | None = None,
) -> Iterator[Record | BadRecord]:
    """Yield the records of a file, or of all readable files of a folder in name order; bad ones in place.

    Args:
        path: .csv, .tsv, .jsonl, .ndjson, .json (a list of objects; each also .gz, .bz2 or .zst), .parquet, or a
            folder. Places name the file alone, so that a record is called the same on every machine.
        columns: our field -> their column, where a dotted path reaches into nested values ("bio.text",
            "turns.0"). Only these fields are in the values. Without it, all columns under their own names.
        required: our fields that a record must have, or it is a BadRecord (None, NaN, "" and [] are
            missing). A required field that `columns` does not name is read from the column of that name.
        limit: stop after this many good records.

    Raises:
        SourceError: at the call: no such path, unknown extension, a folder without readable files, a
            column that no record has. While reading: an unreadable or empty file, no usable record at all.
            In a folder, an unreadable file among others is one BadRecord.
    """
    source = Path(path).expanduser()
    files = list_files(source)
    fields = {name: name for name in required} | dict(columns or {})
    if fields:
        check_columns(fields.values(), _rows_to_check(files, set(fields.values())), str(source))
    used = frozenset(fields.values())
    wanted = used | {column.split(".")[0] for column in used} if columns else None
    plan = _Plan(getters_of(fields) if columns else (), tuple(required), wanted)
    records = (record for file in files for record in _file_records(file, plan, alone=len(files) == 1))
    return take_good(require_good(records, str(source)), limit)


def column_names(path: str | Path, *, rows: int = 100) -> list[str]:
    """Return the columns of the first good rows, in order; those nested in an object as "outer.inner".

    Raises:
        SourceError: as `read_records`.
    """
    records = read_records(path, limit=rows)
    return flat_names(record.values for record in records if isinstance(record, Record))


def take_good(items: Iterator[T | BadRecord], limit: int | None) -> Iterator[T | BadRecord]:
    """Yield items up to and including the `limit`-th that is no bad record (all, where that is None)."""
    good = 0
    while limit is None or good < limit:
        try:
            item = next(items)
        except StopIteration:
            return
        good += not isinstance(item, BadRecord)
        yield item


def require_good(items: Iterator[T | BadRecord], where: str) -> Iterator[T | BadRecord]:
    """Yield all items, and at the end refuse a source in which every single one was bad.

    Raises:
        SourceError: with the number of bad records and the first of them.
    """
    good, bad = 0, 0
    first: BadRecord | None = None
    for item in items:
        if isinstance(item, BadRecord):
            bad, first = bad + 1, first or item
        else:
            good += 1
        yield item
    if not good and first is not None:
        count = f"all {bad} records are bad, the first" if bad > 1 else "its only record is bad,"
        raise SourceError(f"no usable record in {where}: {count} at {first.place}: {first.reason}")


def require_some(items: Iterator[T], trouble: str) -> Iterator[T]:
    """Yield all items, and at the end refuse a source that had none.

    Raises:
        SourceError: with `trouble` as its words.
    """
    empty = True
    for item in items:
        empty = False
        yield item
    if empty:
        raise SourceError(trouble)


def list_files(source: Path) -> list[DataFile]:
    """Return the files to read at a path, a folder's in the order of their names.

    Raises:
        SourceError: there is nothing at the path, or nothing that castwright reads.
    """
    try:
        if source.is_dir():
            return _folder_files(source)
        if not source.exists():
            raise SourceError(f"no file or folder {source}{_nearest_names(source)}")
        if not source.is_file():
            raise SourceError(f"cannot read {source}: it is neither a file nor a folder")
    except OSError as error:  # no right to look, or no possible path
        raise SourceError(f"cannot read {source}: {reason_of(error)}") from error
    kind = format_of(source)
    if kind is None:
        raise SourceError(f"cannot read {source}: its extension is none of {READABLE}")
    return [DataFile(source, shown(source.name), kind)]


def _folder_files(folder: Path) -> list[DataFile]:
    found = sorted(entry for entry in folder.iterdir() if _is_data(entry))
    if not found:
        there = ", ".join(sorted(entry.name for entry in islice(folder.iterdir(), 8))) or "nothing"
        raise SourceError(f"no readable file in the folder {folder}: it holds {there}; read are {READABLE}")
    return [DataFile(entry, shown(entry.name), format_of(entry) or "") for entry in found]


def _is_data(entry: Path) -> bool:
    hidden = entry.name.startswith((".", "_")) or entry.name in _METADATA
    return not hidden and entry.is_file() and format_of(entry) is not None


def _nearest_names(source: Path) -> str:
    if source.is_symlink():
        return ": it is a link that leads nowhere, or in a circle"
    folder = source.parent
    if not folder.is_dir():
        return f": there is no folder {folder} either"
    names = sorted(entry.name for entry in islice(folder.iterdir(), 1000))
    close = difflib.get_close_matches(source.name, names, n=3, cutoff=0.5)
    return f": that folder has {', '.join(close or names[:5]) or 'no files'}"


def _rows_to_check(files: list[DataFile], used: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows in which a column could first show: one, where a header fixes them, else all."""
    for file in files:
        with suppress(SourceError):  # said again, in the same words, when the file is read
            for row in read_rows(file, _NO_COLUMNS):
                if isinstance(row, BadRecord):
                    continue
                yield row[1]
                nested = any("." in name and name.split(".")[0] in row[1] for name in used)
                if file.format in ("csv", "tsv") or (file.format == "parquet" and not nested):
                    break


def _file_records(file: DataFile, plan: _Plan, *, alone: bool) -> Iterator[Record | BadRecord]:
    count = 0
    try:
        for row in read_rows(file, plan.wanted):
            count += 1
            yield row if isinstance(row, BadRecord) else _record(row[0], row[1], plan)
        if not count:
            raise SourceError(f"no record in {file.path}: fill it, or leave it out")
    except SourceError as error:
        if alone:
            raise
        yield BadRecord(file.name, reason_of(error))


def _record(place: str, row: dict[str, Any], plan: _Plan) -> Record | BadRecord:
    values = pick(row, plan.getters) if plan.getters else row
    for name in plan.required:
        if is_missing(values.get(name)):
            column = next((theirs for ours, theirs, _ in plan.getters if ours == name), name)
            return BadRecord(place, f"no value in the column {column!r}", excerpt(row))
    return Record(place, values)
