"""Damaged tables: what is bad is kept aside with its place and reason, and nothing else is lost."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from castwright.errors import BadRecord, SourceError
from castwright.personas import lines
from castwright.personas.tables import Record, read_records

GOOD_LINE = b'{"name": "Ada", "text": "Counts."}\n'


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def split(path: Path, **options: Any) -> tuple[list[Record], list[BadRecord]]:
    items = list(read_records(path, **options))
    good = [item for item in items if isinstance(item, Record)]
    return good, [item for item in items if isinstance(item, BadRecord)]


def parquet_bytes() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"name": ["Ada"], "age": [36]}), sink)
    return sink.getvalue()


# ---- one bad record among good ones: (file name, content, good records, place and reason of the bad ones)

BIG = b"x" * 5000
MALFORMED: dict[str, tuple[str, bytes, int, dict[str, str] | None]] = {
    "truncated JSON line": ("jsonl", GOOD_LINE + b'{"name": "B', 1, {":2": "not valid JSON"}),
    "bare string": ("jsonl", b'"Ada"\n' + GOOD_LINE, 1, {":1": "text where an object"}),
    "a list, a number, a null": (
        "jsonl",
        b"[1]\n3\nnull\n" + GOOD_LINE,
        1,
        {":1": "a list", ":2": "a number", ":3": "null"},
    ),
    "Latin-1 bytes in JSON": (
        "jsonl",
        b'{"name": "Zo\xeb"}\n' + GOOD_LINE,
        1,
        {":1": "not UTF-8: byte 0xeb at position 13"},
    ),
    "a stray byte before the first object": ("jsonl", b"\xff{}\n" + GOOD_LINE, 1, {":1": "not UTF-8"}),
    "a null byte in JSON": ("jsonl", GOOD_LINE + b'{"name": "a\x00b"}\n', 1, {":2": "NUL byte"}),
    "a block of null bytes": ("jsonl", GOOD_LINE + b"\x00" * 300 + b"\n" + GOOD_LINE, 2, {":2": "NUL byte"}),
    "half a surrogate pair": ("jsonl", GOOD_LINE + b'{"name": "\\ud800"}\n', 1, {":2": "not valid JSON"}),
    "half a surrogate pair beside a NaN": (
        "jsonl",
        GOOD_LINE + b'{"a": NaN, "b": "\\ud800"}\n',
        1,
        {":2": "not valid JSON"},
    ),
    "a hundred thousand brackets": ("jsonl", GOOD_LINE + b"[" * 100_000 + b"\n", 1, {":2": "not valid JSON"}),
    "very deep objects with a NaN": (
        "jsonl",
        GOOD_LINE + b'{"a":' * 50_000 + b"NaN" + b"}" * 50_000 + b"\n",
        1,
        {":2": "not valid JSON"},
    ),
    "Python instead of JSON": ("jsonl", GOOD_LINE + b"{'name': 'Bo'}\n", 1, {":2": "not valid JSON"}),
    "two objects on a line": ("jsonl", GOOD_LINE + b'{"a": 1} {"a": 2}\n', 1, {":2": "not valid JSON"}),
    "a web page at the end": ("jsonl", GOOD_LINE + b"<html>404</html>\n", 1, {":2": "not valid JSON"}),
    "strange items in a JSON list": (
        "json",
        b'[{"a": 1}, "b", null]',
        1,
        {"[row 2]": "text where", "[row 3]": "null where"},
    ),
    "a JSON list that is cut off": (
        "json",
        b'[{"a": 1},\n {"a": [{}]},\n {"a": ',
        2,
        {"": "not valid JSON: unexpected end of data at line 3 column 8: only its whole objects were read"},
    ),
    "a bad object in a JSON list": (
        "json",
        b'[{"a": "}"}, {"a": "\\ud800"}, {"a": 3}]',
        2,
        {"[row 2]": "not valid JSON", "": "only its whole objects were read"},
    ),
    "too few columns": ("csv", b"a,b\n1\n2,x\n", 1, {":2": "1 values where the header has 2"}),
    "too many columns": ("csv", b"a,b\n1,2,3\n2,x\n", 1, {":2": "3 values where the header has 2"}),
    "nested quotes": ("csv", b'a,b\n1,"he said "hi" to me"\n2,x\n', 1, {":2": "double the quotes"}),
    "unclosed quote": ("csv", b'a,b\n1,"open\n2,x\n3,y\n', 2, {":2": "never closed"}),
    "unclosed quote before quoted lines": (
        "csv",
        b'a,b\n1,"open\n2,"x"\n3,"y"\n',
        2,
        {":2": "quote is closed in the middle"},
    ),
    "a quote as the last byte": ("csv", b'a,b\n1,x\n2,"', 1, {":3": "never closed"}),
    "Latin-1 bytes in CSV": ("csv", b"a,b\n1,Zo\xeb\n2,x\n", 1, {":2": "not UTF-8"}),
    "Latin-1 bytes in a quoted value of two lines": (
        "csv",
        b'a,b\n1,"Zo\xeb\n3,4"\n2,x\n',
        1,
        {":2": "not UTF-8"},
    ),
    "a null byte in CSV": ("csv", b"a,b\n1,x\x00y\n2,x\n", 1, {":2": "NUL byte"}),
    "a bare carriage return": ("csv", b"a,b\n1,x\ry\n2,x\n", 1, {":2": "carriage return"}),
    "huge field in CSV": ("csv", b"a,b\n1," + BIG + b"\n2,x\n", 1, {":2": "a line of more than"}),
    "huge line inside quotes": (
        "csv",
        b'a,b\n1,"x\n' + BIG + b'"\n2,x\n',
        1,
        {":2": "a line of more than", ":3": "a line of more than"},
    ),
    "a quoted value over the bound": ("csv", b'a,b\n1,"' + b"word\n" * 1000 + b'"\n2,x\n', 1, None),
    "huge field in JSON": ("jsonl", b'{"a": "' + BIG + b'"}\n' + GOOD_LINE, 1, {":1": "a line of more than"}),
    "huge blanks behind an object": (
        "jsonl",
        GOOD_LINE + b"{}" + b" " * 5000,
        1,
        {":2": "a line of more than"},
    ),
    "too few columns in TSV": ("tsv", b"a\tb\n1\n2\tx\n", 1, {":2": "1 values where"}),
    "Latin-1 bytes beside a stray quote in TSV": (
        "tsv",
        b'a\tb\n"Zo\xeb" x\t1\n2\tx\n',
        1,
        {":2": "not UTF-8"},
    ),
    "UTF-16 with half a character at the end": (
        "jsonl",
        (GOOD_LINE * 2).decode().encode("utf-16") + b"\x00",
        2,
        {":3": "cut off or damaged"},
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_bad_record_is_kept_aside_in_its_place(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
) -> None:
    """The good records are all there, the bad one has its file, line and reason, and nothing is raised."""
    kind, content, good_count, bad_places = MALFORMED[case]
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 4096 if len(content) < 100_000 else 1_000_000)
    good, bad = split(write(tmp_path / f"t.{kind}", content))
    assert len(good) == good_count
    assert all(len(record.excerpt) <= 200 for record in bad)
    if bad_places is None:
        assert len(bad) >= 1
        return
    assert [record.place for record in bad] == [f"t.{kind}{place}" for place in bad_places]
    for record, reason in zip(bad, bad_places.values(), strict=True):
        assert reason in record.reason


def test_a_gzip_that_is_cut_off_gives_what_came_before(tmp_path: Path) -> None:
    """The lines before the cut are read; the cut is one bad record with its line."""
    content = "".join(json.dumps({"n": n, "t": str(hash_free(n))}) + "\n" for n in range(5000)).encode()
    packed = gzip.compress(content)
    good, bad = split(write(tmp_path / "t.jsonl.gz", packed[: len(packed) // 2]))
    assert [record.values["n"] for record in good] == list(range(len(good)))
    assert 1000 < len(good) < 5000
    assert [record.place for record in bad] == [f"t.jsonl.gz:{len(good) + 1}"]
    assert "cut off or damaged" in bad[0].reason


def hash_free(number: int) -> int:
    """A spread of digits that does not compress to nothing."""
    return number * 2654435761 % 2**32


def test_damaged_gzip_bytes_are_one_bad_record(tmp_path: Path) -> None:
    """A flipped stretch in the middle ends the file there, with a reason."""
    packed = bytearray(gzip.compress("".join(f'{{"n": {hash_free(n)}}}\n' for n in range(20_000)).encode()))
    middle = len(packed) // 2
    packed[middle : middle + 64] = b"\xaa" * 64
    good, bad = split(write(tmp_path / "t.jsonl.gz", bytes(packed)))
    assert good
    assert "damaged" in bad[-1].reason


# ---- what is wrong with the whole source


WHOLE = [
    pytest.param("t.csv", b"", "is empty", id="empty file"),
    pytest.param("t.jsonl", b"", "no record in", id="empty JSON lines"),
    pytest.param("t.jsonl", b"\n \n\r\n", "no record in", id="nothing but blank lines"),
    pytest.param("t.json", b"  ", "is empty", id="blank JSON"),
    pytest.param("t.csv", b"a,b\n", "no record in", id="header only"),
    pytest.param("t.csv", b"a,a\n1,2\n", "'a' stands 2 times", id="duplicate header"),
    pytest.param("t.csv", b'a,"b\n', "the header cannot be read", id="unclosed quote in the header"),
    pytest.param("t.csv", b"n\xe4me\n1\n", "the header cannot be read: not UTF-8", id="Latin-1 header"),
    pytest.param("t.csv", "a,b\n1,2\n".encode("utf-16-le"), "NUL byte", id="UTF-16 without a mark"),
    pytest.param("t.csv", b"a,b\n1\n2\n", "all 2 records are bad, the first at t.csv:2", id="all rows too short"),
    pytest.param("t.jsonl", b"hello\n", "its only record is bad, at t.jsonl:1: not valid JSON", id="plain text"),
    pytest.param("t.json", b'{"a": 1}', "no list of objects ('a')", id="JSON object without a list"),
    pytest.param("t.json", b'{"a": [{}], "b": [{}]}', "more than one list", id="JSON object with two lists"),
    pytest.param("t.json", b'"text"', "holds text, not a list", id="JSON text"),
    pytest.param("t.json", b"[]", "no record in", id="empty JSON list"),
    pytest.param("t.json", b'[\n{"a": ', "not valid JSON: unexpected end of data at line 2", id="truncated JSON"),
    pytest.param("t.json", b'[{"a": "\xe4"}]', "not UTF-8", id="Latin-1 JSON"),
    pytest.param("t.jsonl.gz", b"plain text\n", "not compressed in that way", id="gz that is no gzip"),
    pytest.param("t.jsonl.gz", gzip.compress(GOOD_LINE)[:12], "cannot read", id="gz cut off in its header"),
    pytest.param("t.parquet", b"not parquet at all, not even close", "as parquet", id="parquet that is not parquet"),
    pytest.param("t.parquet", parquet_bytes()[:-40], "as parquet", id="parquet without its end"),
    pytest.param("t.parquet", b"", "as parquet", id="empty parquet"),
    pytest.param("t.xlsx", b"PK", "its extension is none of .csv", id="unknown extension"),
    pytest.param("table", b"a,b\n", "its extension is none of .csv", id="no extension"),
]


@pytest.mark.parametrize(("name", "content", "message"), WHOLE)
def test_a_source_that_cannot_be_used_is_one_clear_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    """The error names the path and the remedy, in one line."""
    path = write(tmp_path / name, content)
    with pytest.raises(SourceError) as caught:
        list(read_records(path))
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
