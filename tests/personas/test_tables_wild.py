"""Reading tables under wild input: no crash, nothing lost, and memory that does not grow."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from castwright.errors import BadRecord, SourceError
from castwright.personas import lines
from castwright.personas.tables import Record, read_records

GOOD_LINE = b'{"name": "Ada", "text": "Counts."}\n'
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def split(path: Path, **options: Any) -> tuple[list[Record], list[BadRecord]]:
    items = list(read_records(path, **options))
    good = [item for item in items if isinstance(item, Record)]
    return good, [item for item in items if isinstance(item, BadRecord)]


@pytest.mark.parametrize("name", ["t.jsonl", "t.csv", "t.tsv", "t.json", "t.parquet", "t.jsonl.gz"])
@given(
    content=st.one_of(st.binary(max_size=400), st.text(alphabet='a",;\t\r\n{}[]:1 \x00é', max_size=80).map(str.encode))
)
@SETTINGS
def test_no_bytes_whatsoever_crash_the_reader(tmp_path: Path, name: str, content: bytes) -> None:
    """Any bytes give records, bad records or a SourceError."""
    path = write(tmp_path / name, gzip.compress(content) if name.endswith(".gz") else content)
    items: list[Record | BadRecord] = []
    with suppress(SourceError):
        items.extend(read_records(path))
    assert all(item.place.startswith(name) for item in items)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(rows=st.lists(st.dictionaries(st.text(), JSON_VALUES, max_size=4), min_size=1, max_size=8))
@SETTINGS
def test_json_lines_come_back_as_they_were_written(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    """Any objects written by json.dumps read back the same, one record a line."""
    text = "\n".join(json.dumps(row, ensure_ascii=len(rows) % 2 == 0) for row in rows)
    good, bad = split(write(tmp_path / "t.jsonl", text.encode("utf-8")))
    assert not bad
    assert [record.values for record in good] == rows
    assert [record.place for record in good] == [f"t.jsonl:{n}" for n in range(1, len(rows) + 1)]


CELLS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12).filter(
    lambda cell: cell not in ("nan", "NaN", "<NA>")
)


@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=8),
    line_end=st.sampled_from(["\n", "\r\n"]),
    delimiter=st.sampled_from([",", ";", "\t"]),
)
@SETTINGS
def test_csv_comes_back_as_it_was_written(
    tmp_path: Path, rows: list[tuple[str, str, str]], line_end: str, delimiter: str
) -> None:
    """Any cells written by csv.writer read back the same, with the line where each record starts."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator=line_end, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["a", "b", "c"])
    starts = []
    for row in rows:
        starts.append(buffer.getvalue().count("\n") + 1)
        writer.writerow(row)
    good, bad = split(write(tmp_path / "t.csv", buffer.getvalue().encode("utf-8")))
    assert not bad
    assert [tuple(record.values.values()) for record in good] == rows
    assert [record.place for record in good] == [f"t.csv:{start}" for start in starts]


GOOD_OR_BAD = {
    "jsonl": ([b'{"a": 1, "b": 2}'], [b"oops", b'{"a":', b'"x"', b"\xff\xfe", b"[]", b"{'a': 1}", b"a\0"]),
    "csv": ([b"1,2", b'"1","2"', b'x"y",2'], [b"1", b"1,2,3", b"\xff,2", b"1,\0", b'"x"y,2', b"1,a\rb"]),
}


@given(data=st.data(), kind=st.sampled_from(["jsonl", "csv"]))
@SETTINGS
def test_records_and_bad_records_are_all_the_lines(tmp_path: Path, data: st.DataObject, kind: str) -> None:
    """Nothing is lost and nothing appears: each line that is not blank is one record or one bad record."""
    good_lines, bad_lines = GOOD_OR_BAD[kind]
    chosen = data.draw(st.lists(st.sampled_from([*good_lines, *bad_lines, b"", b"  "]), max_size=20))
    content = [*([b"a,b"] if kind == "csv" else []), good_lines[0], *chosen]
    good, bad = split(write(tmp_path / f"t.{kind}", b"\n".join(content)))
    assert len(good) == 1 + sum(line in good_lines for line in chosen)
    assert len(bad) == sum(line in bad_lines for line in chosen)


@given(before=st.integers(0, 5), after=st.integers(0, 30))
@SETTINGS
def test_an_unclosed_quote_costs_one_line(tmp_path: Path, before: int, after: int) -> None:
    """All records around it are read, however many follow."""
    content = b"a,b\n" + b"1,x\n" * before + b'2,"open\n' + b'3,"y"\n' * after + b"4,z\n"
    good, bad = split(write(tmp_path / "t.csv", content))
    assert len(good) == before + after + 1
    assert [record.place for record in bad] == [f"t.csv:{before + 2}"]


def peak_of(action: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, kind: str) -> None:
    """A file ten times as long needs no more memory; nor does a line far over the bound."""
    line = {"jsonl": b'{"a": "' + b"x" * 1000 + b'"}\n', "csv": b"x" * 1000 + b"\n"}[kind]
    head = b"a\n" if kind == "csv" else b""
    short = write(tmp_path / f"short.{kind}", head + line * 1_000)
    long = write(tmp_path / f"long.{kind}", head + line * 10_000)
    counts = [0, 0]

    def read(path: Path, index: int) -> None:
        counts[index] = sum(isinstance(item, Record) for item in read_records(path))

    first, second = peak_of(lambda: read(short, 0)), peak_of(lambda: read(long, 1))
    assert counts == [1_000, 10_000]
    assert second < first + 200_000


def test_a_line_over_the_bound_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty bounds' worth of one line is passed over in pieces."""
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1 << 20)
    path = write(tmp_path / "t.jsonl", b"x" * (30 << 20) + b"\n" + GOOD_LINE)
    found: list[Record | BadRecord] = []
    peak = peak_of(lambda: found.extend(read_records(path)))
    assert [type(item) for item in found] == [BadRecord, Record]
    assert peak < 6 << 20
