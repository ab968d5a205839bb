"""The file formats castwright reads, each as one stream of rows with their places.

A format reader yields `(place, values)` or a `BadRecord` in the order of the file and holds one record at a
time (.json alone is loaded whole). What needs a reader of its own has it (`separated`, `parquet_rows`); JSON is here.
Rejected: `datasets` (one bad line ends the file), and guessing encodings (a wrong guess is silent; a line that is not
UTF-8 is reported).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from castwright.errors import BadRecord, SourceError
from castwright.personas.json_cutter import Cutter
from castwright.personas.json_value import load_json
from castwright.personas.lines import DataFile, excerpt, read_bytes, read_lines
from castwright.personas.parquet_rows import parquet_rows
from castwright.personas.separated import Row, separated_rows

_LIST_KEYS = ("data", "rows", "records", "items", "examples", "train")
_JSON_WORDS = {str: "text", list: "a list", int: "a number", float: "a number", bool: "true or false"}


def read_rows(file: DataFile, wanted: frozenset[str] | None = None) -> Iterator[Row | BadRecord]:
    """Yield a file's rows with their places, bad ones in place; `wanted` names the columns that are used.

    Blank lines are no records. JSON values come as they are, CSV cells as text, and NaN as None.

    Raises:
        SourceError: what is wrong concerns the whole file (not readable, no header, no list).
    """
    match file.format:
        case "csv" | "tsv":
            return separated_rows(file, wanted)
        case "jsonl":
            return _json_line_rows(file)
        case "json":
            return _json_rows(file)
        case _:
            return parquet_rows(file, wanted)


def _json_line_rows(file: DataFile) -> Iterator[Row | BadRecord]:
    name, loads = file.name, orjson.loads
    for number, line, trouble in read_lines(file):
        place = f"{name}:{number}"
        value = None
        try:
            value = None if trouble else loads(line)
        except orjson.JSONDecodeError:
            if line.isspace():
                continue
            try:
                value = load_json(line)
            except ValueError as error:
                trouble = str(error)
        if type(value) is dict:
            yield place, value
        else:
            yield BadRecord(place, trouble or _no_object(value), excerpt(line))


def _no_object(value: Any) -> str:
    return f"{_JSON_WORDS.get(type(value), 'null')} where an object {{...}} is expected"


def _json_rows(file: DataFile) -> Iterator[Row | BadRecord]:
    data = read_bytes(file)
    if not data.strip():
        raise SourceError(f"{file.path} is empty: fill it, or leave it out")
    try:
        value = load_json(data)
    except ValueError as error:
        if _is_json_lines(data):
            yield from _json_line_rows(file)
            return
        yield from _cut_rows(data, str(error), file)
        return
    for number, item in enumerate(_record_list(value, file), start=1):
        place = f"{file.name}[row {number}]"
        yield (place, item) if type(item) is dict else BadRecord(place, _no_object(item), excerpt(item))


def _is_json_lines(data: bytes) -> bool:
    """Return whether a .json holds one object a line: the Hub is full of those."""
    try:
        return isinstance(load_json(data.lstrip().split(b"\n", 1)[0]), dict)
    except ValueError:
        return False


def _cut_rows(data: bytes, reason: str, file: DataFile) -> Iterator[Row | BadRecord]:
    """Yield the whole objects of a list that is no valid JSON, then what is wrong with it.

    Raises:
        SourceError: it is no list of objects, or has no whole one.
    """
    remedy = "mend it there, or save a record a line (.jsonl), where a bad one costs itself alone"
    cutter, found = Cutter(1, len(data)), 0
    for number, (piece, _) in enumerate(cutter.feed(data) if data.lstrip().startswith(b"[") else (), start=1):
        place = f"{file.name}[row {number}]"
        try:
            yield place, load_json(piece)
            found += 1
        except ValueError as error:
            yield BadRecord(place, str(error), excerpt(piece))
    if not found:
        raise SourceError(f"{file.path}: {reason}; {remedy}")
    yield BadRecord(file.name, f"{reason}: only its whole objects were read; {remedy}", excerpt(cutter.head))


def _record_list(value: Any, file: DataFile) -> list[Any]:
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        raise SourceError(f"{file.path} holds {_JSON_WORDS.get(type(value), 'null')}, not a list of objects")
    lists = [key for key, items in value.items() if isinstance(items, list) and _has_object(items)]
    key = lists[0] if len(lists) == 1 else next((key for key in _LIST_KEYS if key in lists), None)
    if key is None:
        keys = ", ".join(map(repr, list(value)[:12])) or "no key"
        found = "more than one list of objects" if lists else "no list of objects"
        raise SourceError(f"{file.path} holds an object with {found} ({keys}): save the list alone")
    return list(value[key])


def _has_object(items: list[Any]) -> bool:
    return any(isinstance(item, dict) for item in items)
