"""The file formats castwright reads, each as one stream of rows with their places.

A format reader yields `(place, values)` or a `BadRecord` in the order of the file and holds one record at a
time (.json alone is loaded whole). Python's strict `csv` on lines that we count ourselves was taken because
it alone lets us name the physical line of a record and go on behind a broken one. Rejected: polars and
pyarrow CSV (whole-file errors, no line numbers), `datasets` (one bad line ends the file), and guessing
encodings (a wrong guess is silent; a line that is not UTF-8 is reported).
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

import orjson

from castwright.errors import BadRecord, SourceError
from castwright.personas import lines
from castwright.personas.lines import DataFile, Line, excerpt, read_bytes, read_lines

Row = tuple[str, dict[str, Any]]

PARQUET_BATCH_ROWS = 1024
_LIST_KEYS = ("data", "rows", "records", "items", "examples", "train")
_NOT_A_NUMBER = frozenset({"nan", "NaN", "<NA>"})  # what pandas and polars write; "Nan" is a first name
_QUOTED = re.compile('"[^"]*"')
_JSON_WORDS = {str: "text", list: "a list", int: "a number", float: "a number", bool: "true or false"}


def read_rows(file: DataFile, wanted: frozenset[str] | None = None) -> Iterator[Row | BadRecord]:
    """Yield a file's rows with their places, bad ones in place; `wanted` names the columns that are used.

    Blank lines are no records. JSON values come as they are, CSV cells as text, and NaN as None.

    Raises:
        SourceError: what is wrong concerns the whole file (not readable, no header, no list).
    """
    match file.format:
        case "csv" | "tsv":
            return _separated_rows(file, wanted)
        case "jsonl":
            return _json_line_rows(file)
        case "json":
            return _json_rows(file)
        case _:
            return _parquet_rows(file, wanted)


def check_header(names: list[str], wanted: frozenset[str] | None, file: DataFile) -> None:
    """Refuse a header in which a column that is used stands twice (one of the two would be lost).

    Raises:
        SourceError: names the column.
    """
    for name, count in Counter(names).items():
        if count > 1 and name and (wanted is None or name in wanted):
            raise SourceError(f"{file.path}: the column {name!r} stands {count} times in it: rename one")


# ---- CSV and TSV


class _LineTroubleError(Exception):
    """Stops `csv.reader` inside a record whose next line cannot be read."""


class _Feeder:
    """Hands physical lines to `csv.reader` and remembers those of the record that is being read.

    When a record turns out to be broken only its first line is given up: the others are handed out again,
    so that an unclosed quote costs one line and not the rest of the file.
    """

    def __init__(self, source: Iterator[Line]) -> None:
        self._source = source
        self._again: deque[Line] = deque()
        self._bytes = 0
        self.record: list[Line] = []
        self.trouble = ""

    def __iter__(self) -> _Feeder:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._source)
        _, data, trouble = line
        self.record.append(line)
        self._bytes += len(data)
        if trouble or self._bytes > lines.MAX_LINE_BYTES:
            raise _LineTroubleError(trouble or "a record of more than 64 MB (is a quote left open?)")
        text = data.decode("utf-8", "surrogateescape")
        if not text.isascii() or "\0" in text:
            self.trouble = self.trouble or lines.unreadable(data)
        return text

    def start_record(self) -> None:
        self.record.clear()
        self._bytes, self.trouble = 0, ""

    def give_back(self, kept: int = 1) -> None:
        """Hand out again all lines of this record but the first `kept`."""
        self._again.extendleft(reversed(self.record[kept:]))
        del self.record[kept:]

    def bad(self, file: DataFile, reason: str) -> BadRecord:
        number, data, _ = self.record[0]
        return BadRecord(f"{file.name}:{number}", reason, excerpt(data))


def _separated_rows(file: DataFile, wanted: frozenset[str] | None) -> Iterator[Row | BadRecord]:
    csv.field_size_limit(max(csv.field_size_limit(), lines.MAX_LINE_BYTES))
    feeder = _Feeder(read_lines(file))
    header, delimiter = _header(feeder, file)
    check_header(header, wanted, file)
    reader, width, nameless = csv.reader(feeder, delimiter=delimiter, strict=True), len(header), "" in header
    while True:
        feeder.start_record()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _LineTroubleError) as error:
            feeder.give_back()
            feeder.trouble = lines.unreadable(feeder.record[0][1])
            literal = _unquoted(feeder.record[0], delimiter, width)
            if literal is None:
                yield feeder.bad(file, _csv_reason(error))
                continue
            cells = literal
        if len(cells) < 2 and not feeder.record[0][1].strip():
            continue
        if feeder.trouble:
            yield feeder.bad(file, feeder.trouble)
        elif len(cells) != width:
            yield feeder.bad(file, f"{len(cells)} values where the header has {width} columns")
        else:
            values: dict[str, Any] = dict(zip(header, cells, strict=True))
            if not _NOT_A_NUMBER.isdisjoint(cells):
                values = {name: None if cell in _NOT_A_NUMBER else cell for name, cell in values.items()}
            if nameless:
                del values[""]
            yield f"{file.name}:{feeder.record[0][0]}", values


def _header(feeder: _Feeder, file: DataFile) -> tuple[list[str], str]:
    """Read the first line that is not blank as the header; return its columns and the delimiter."""
    try:
        text = next(line for line in feeder if line.strip())
        delimiter = "\t" if file.format == "tsv" else _delimiter(text)
        feeder.give_back(len(feeder.record) - 1)
        feeder.start_record()
        header = next(csv.reader(feeder, delimiter=delimiter, strict=True))
    except StopIteration:
        raise SourceError(f"{file.path} is empty") from None
    except (csv.Error, _LineTroubleError) as error:
        number = feeder.record[0][0]
        raise SourceError(f"{file.path}:{number}: the header cannot be read: {_csv_reason(error)}") from error
    if feeder.trouble:
        raise SourceError(f"{file.path}:{feeder.record[0][0]}: the header cannot be read: {feeder.trouble}")
    return [name.strip() for name in header], delimiter


def _delimiter(header: str) -> str:
    """Return what separates the columns of a .csv: a comma, or a semicolon or tab where no comma stands."""
    bare = _QUOTED.sub("", header)
    return "," if "," in bare else max(",;\t", key=bare.count)


def _unquoted(line: Line, delimiter: str, width: int) -> list[str] | None:
    """Return the cells of a TSV line read without quoting, where that fits: many TSVs know no quotes."""
    if delimiter != "\t" or line[1].count(b"\t") != width - 1 or line[2]:
        return None
    return line[1].decode("utf-8", "surrogateescape").rstrip("\r\n").split("\t")


def _csv_reason(error: Exception) -> str:
    message = str(error)
    if "unexpected end of data" in message:
        return "a quote is opened and never closed"
    if "expected after" in message:
        return "a quote is closed in the middle of a value (double the quotes inside, or one is left open)"
    if "new-line character" in message:
        return "a bare carriage return outside quotes (save the file with LF or CRLF line ends)"
    return message


# ---- JSON


def _json_line_rows(file: DataFile) -> Iterator[Row | BadRecord]:
    name, loads = file.name, orjson.loads
    for number, line, trouble in read_lines(file):
        place = f"{name}:{number}"
        try:
            value = None if trouble else loads(line)
        except orjson.JSONDecodeError as error:
            if line.isspace():
                continue
            trouble = lines.unreadable(line)
            value = None if trouble else _json_with_nan(line)
            if value is None:
                trouble = trouble or f"not valid JSON: {error.msg} at column {error.colno}"
        if type(value) is dict:
            yield place, value
        else:
            yield BadRecord(place, trouble or _no_object(value), excerpt(line))


def _json_with_nan(data: bytes) -> Any:
    """Return JSON that holds Python's NaN or Infinity (as None), or None when something else is wrong."""
    if b"NaN" not in data and b"Infinity" not in data:
        return None
    try:
        value = json.loads(data, parse_constant=lambda _: None)
        orjson.dumps(value)  # what the strict parser would have refused besides: lone surrogates
    except (ValueError, TypeError, RecursionError):
        return None
    return value


def _no_object(value: Any) -> str:
    return f"{_JSON_WORDS.get(type(value), 'null')} where an object {{...}} is expected"


def _json_rows(file: DataFile) -> Iterator[Row | BadRecord]:
    data = read_bytes(file)
    if not data.strip():
        raise SourceError(f"{file.path} is empty")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if _is_json_lines(data):
            yield from _json_line_rows(file)
            return
        value = _json_with_nan(data)
        if value is None:
            where = f"{file.path}:{error.lineno}"
            reason = lines.unreadable(data) or f"not valid JSON: {error.msg} at column {error.colno}"
            raise SourceError(f"{where}: {reason}") from error
    for number, item in enumerate(_record_list(value, file), start=1):
        place = f"{file.name}[row {number}]"
        yield (place, item) if type(item) is dict else BadRecord(place, _no_object(item), excerpt(item))


def _is_json_lines(data: bytes) -> bool:
    """Return whether a .json holds one object a line: the Hub is full of those."""
    first = data.lstrip().split(b"\n", 1)[0]
    try:
        return isinstance(orjson.loads(first), dict)
    except orjson.JSONDecodeError:
        return isinstance(_json_with_nan(first), dict)


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


# ---- Parquet


def _parquet_rows(file: DataFile, wanted: frozenset[str] | None) -> Iterator[Row | BadRecord]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        source = pq.ParquetFile(file.path)
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"cannot read {file.path} as parquet: {lines.reason_of(error)}") from error
    with source:
        names = source.schema_arrow.names
        check_header(names, wanted, file)
        columns = None if wanted is None else [name for name in names if name in wanted] or None
        number = 0
        try:
            for batch in source.iter_batches(batch_size=PARQUET_BATCH_ROWS, columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{file.name}[row {number}]", _without_nan(row)
        except (OSError, pa.ArrowException) as error:
            reason = f"the file is damaged from here on: {lines.reason_of(error)}"
            yield BadRecord(f"{file.name}[row {number + 1}]", reason)


def _without_nan(row: dict[str, Any]) -> dict[str, Any]:
    for name, value in row.items():
        if type(value) is float and value != value:
            row[name] = None
    return row
