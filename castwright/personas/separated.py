"""CSV and TSV as rows with their places, where one broken record costs itself and no other.

Python's strict `csv` on lines that we count ourselves was taken because it alone lets us name the physical line of a
record and go on behind a broken one: its lines but the first are handed out again. (Rejected: polars and pyarrow,
whose errors end the file and have no line; `csv.Sniffer`, which takes the commas of a text for columns; the header
says what separates them.)
"""

from __future__ import annotations

import csv
import re
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

from castwright.errors import BadRecord, SourceError
from castwright.personas import lines
from castwright.personas.lines import DataFile, Line, excerpt, read_lines

Row = tuple[str, dict[str, Any]]  # its place ("file.csv:12"), its values by column

_NOT_A_NUMBER = frozenset({"nan", "NaN", "<NA>"})  # what pandas and polars write; "Nan" is a first name
_QUOTED = re.compile('"[^"]*"')
_SEPARATOR_LINE = re.compile(r'"?sep=([^\w\s"]|\t)"?\s*', re.IGNORECASE)  # what Excel writes above a header


def check_header(names: list[str], wanted: frozenset[str] | None, file: DataFile) -> None:
    """Refuse a header in which a column that is used stands twice (one of the two would be lost).

    Raises:
        SourceError: names the column.
    """
    for name, count in Counter(names).items():
        if count > 1 and name and (wanted is None or name in wanted):
            raise SourceError(f"{file.path}: the column {name!r} stands {count} times in it: rename one")


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


def separated_rows(file: DataFile, wanted: frozenset[str] | None) -> Iterator[Row | BadRecord]:
    """Yield the rows of a CSV or TSV file, cells as text; `wanted` names the columns that are used (None: all).

    Raises:
        SourceError: it cannot be read, or its header cannot.
    """
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
        stated = _SEPARATOR_LINE.fullmatch(text)
        if stated:
            text = next(line for line in feeder if line.strip())
        delimiter = stated[1] if stated else "\t" if file.format == "tsv" else _delimiter(text)
        feeder.give_back(len(feeder.record) - 1)
        feeder.start_record()
        header = next(csv.reader(feeder, delimiter=delimiter, strict=True))
    except StopIteration:
        raise SourceError(f"{file.path} is empty: fill it, or leave it out") from None
    except (csv.Error, _LineTroubleError) as error:
        number = feeder.record[0][0]
        raise SourceError(f"{file.path}:{number}: the header cannot be read: {_csv_reason(error)}") from error
    if feeder.trouble:
        raise SourceError(f"{file.path}:{feeder.record[0][0]}: the header cannot be read: {feeder.trouble}")
    return [name.strip() for name in header], delimiter


def _delimiter(header: str) -> str:
    """Return what separates the columns of a .csv: a comma, or a semicolon, tab or bar where no comma stands."""
    bare = _QUOTED.sub("", header)
    return "," if "," in bare else max(",;\t|", key=bare.count)


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
