"""Reading tables: every format, every kind of damage, and nothing lost on the way."""

from __future__ import annotations

import gzip
import io
import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, settings

from castwright.errors import BadRecord, SourceError
from castwright.personas.tables import Record, column_names, read_records

ROWS = [{"name": "Ada", "age": 36}, {"name": "Bo", "age": 51}, {"name": "Cleo", "age": 9}]
GOOD_LINE = b'{"name": "Ada", "text": "Counts."}\n'
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def split(path: Path, **options: Any) -> tuple[list[Record], list[BadRecord]]:
    items = list(read_records(path, **options))
    good = [item for item in items if isinstance(item, Record)]
    return good, [item for item in items if isinstance(item, BadRecord)]


def as_csv(delimiter: str) -> bytes:
    return "\n".join([f"name{delimiter}age", *(f"{r['name']}{delimiter}{r['age']}" for r in ROWS)]).encode()


def as_lines() -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)


def as_parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), sink)
    return sink.getvalue()


FORMATS: dict[str, bytes] = {
    "t.csv": as_csv(","),
    "semicolons.csv": as_csv(";"),
    "t.tsv": as_csv("\t"),
    "t.jsonl": as_lines(),
    "t.ndjson": as_lines(),
    "t.json": json.dumps(ROWS, indent=1).encode(),
    "wrapped.json": json.dumps({"version": 1, "tags": ["x"], "rows": ROWS}).encode(),
    "lines.json": as_lines(),
    "t.parquet": as_parquet(),
    "t.csv.gz": gzip.compress(as_csv(",")),
    "t.jsonl.gz": gzip.compress(as_lines()),
    "t.json.gz": gzip.compress(json.dumps(ROWS).encode()),
    "gzip_without_the_name.jsonl": gzip.compress(as_lines()),
    "SHOUTED.CSV": as_csv(","),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_records(tmp_path: Path, name: str) -> None:
    """The same three rows come out of each format (CSV knows text only)."""
    good, bad = split(write(tmp_path / name, FORMATS[name]))
    assert not bad
    assert [(r.values["name"], int(r.values["age"])) for r in good] == [("Ada", 36), ("Bo", 51), ("Cleo", 9)]


def test_zstd_is_read(tmp_path: Path) -> None:
    """A .jsonl.zst gives its lines."""
    path = tmp_path / "t.jsonl.zst"
    with pa.CompressedOutputStream(str(path), "zstd") as stream:
        stream.write(as_lines())
    assert [r.values for r in split(path)[0]] == ROWS


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.json"])
def test_a_byte_order_mark_is_no_part_of_the_data(tmp_path: Path, name: str, encoding: str) -> None:
    """UTF-8, UTF-16 and UTF-32 with a mark read the same."""
    content = {
        "t.csv": "näme,age\r\nZoë,3\r\n",
        "t.jsonl": '{"näme": "Zoë"}\n',
        "t.json": '[{"näme": "Zoë"}]',
    }
    good, bad = split(write(tmp_path / name, content[name].encode(encoding)))
    assert not bad
    assert good[0].values["näme"] == "Zoë"


@pytest.mark.parametrize(
    ("name", "content", "places"),
    [
        pytest.param("a.jsonl", b'{"a":1}\n\n{"a":2}\n', ["a.jsonl:1", "a.jsonl:3"], id="lines with a blank one"),
        pytest.param("a.csv", b'a,b\n1,"x\ny\nz"\n2,w\n', ["a.csv:2", "a.csv:5"], id="quoted line ends"),
        pytest.param("a.csv", b'\n\na,b\r\n1,"x\r\ny"\r\n\r\n2,w', ["a.csv:4", "a.csv:7"], id="CRLF and blanks"),
        pytest.param("a.json", b'[{"a": 1}, {"a": 2}]', ["a.json[row 1]", "a.json[row 2]"], id="a JSON list"),
    ],
)
def test_a_place_is_the_physical_line_where_a_record_starts(
    tmp_path: Path, name: str, content: bytes, places: list[str]
) -> None:
    """Blank and quoted lines count, as they do in an editor."""
    assert [record.place for record in split(write(tmp_path / name, content))[0]] == places


def test_parquet_rows_are_counted_over_batches(tmp_path: Path) -> None:
    """Row numbers go on from batch to batch, and a NaN is None."""
    table = pa.table({"n": list(range(3000)), "x": [math.nan] * 3000})
    pq.write_table(table, tmp_path / "t.parquet")
    good, _ = split(tmp_path / "t.parquet")
    assert [record.place for record in good[::1500]] == ["t.parquet[row 1]", "t.parquet[row 1501]"]
    assert [record.values["n"] for record in good] == list(range(3000))
    assert {record.values["x"] for record in good} == {None}


def test_a_tsv_with_stray_quotes_is_read_without_quoting(tmp_path: Path) -> None:
    """Many TSVs know no quotes: where strict quoting fails and the tabs fit, the line is taken as it is."""
    content = b'a\tb\n"Hi" she said\t1\n"x\ty"\t2\nlone " quote\t3\n"open\t4\n'
    good, bad = split(write(tmp_path / "t.tsv", content))
    assert not bad
    assert [r.values["a"] for r in good] == ['"Hi" she said', "x\ty", 'lone " quote', '"open']


def test_python_nan_in_json_is_none(tmp_path: Path) -> None:
    """What json.dumps and pandas write for a missing number reads as missing, at any depth."""
    good, _ = split(write(tmp_path / "t.jsonl", b'{"a": NaN, "b": {"c": -Infinity}, "d": "NaN"}\n'))
    assert good[0].values == {"a": None, "b": {"c": None}, "d": "NaN"}


def test_nan_cells_are_none_but_names_stay(tmp_path: Path) -> None:
    """pandas' "nan" is a missing cell; Nan is somebody's name."""
    good, _ = split(write(tmp_path / "t.csv", b"a,b\nnan,NaN\nNan,<NA>\n"))
    assert [list(record.values.values()) for record in good] == [[None, None], ["Nan", None]]


def test_a_semicolon_file_may_quote_a_comma_in_its_header(tmp_path: Path) -> None:
    """What stands in quotes does not decide what separates the columns."""
    good, _ = split(write(tmp_path / "t.csv", b'"name, in full";age\nAda;3\n'))
    assert good[0].values == {"name, in full": "Ada", "age": "3"}


def test_columns_without_a_name_are_left_out(tmp_path: Path) -> None:
    """A spreadsheet's trailing commas are no columns."""
    good, _ = split(write(tmp_path / "t.csv", b"a,b,,\n1,2,,\n"))
    assert good[0].values == {"a": "1", "b": "2"}


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    """A mistyped name is answered with the nearest ones, at the call."""
    write(tmp_path / "people.csv", b"a\n1\n")
    with pytest.raises(SourceError, match=r"no file or folder .*poeple\.csv: that folder has people\.csv"):
        read_records(tmp_path / "poeple.csv")
    with pytest.raises(SourceError, match="there is no folder"):
        read_records(tmp_path / "nowhere" / "people.csv")
    with pytest.raises(SourceError, match="cannot read"):
        read_records(tmp_path / ("x" * 5000 + ".csv"))


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.json", "t.parquet"])
def test_a_mapped_column_that_is_nowhere_is_refused(tmp_path: Path, name: str) -> None:
    """The message has the columns there are and the nearest one, at the call."""
    path = write(tmp_path / name, FORMATS[name])
    with pytest.raises(SourceError, match=r"no column 'nmae' in .* \(did you mean 'name'\?\): it has 'name', 'age'"):
        read_records(path, columns={"who": "nmae"})
    with pytest.raises(SourceError, match="no column 'question'"):
        read_records(path, required=["question"])


def test_a_column_that_comes_late_is_found(tmp_path: Path) -> None:
    """In JSON lines an optional field may first stand anywhere."""
    content = GOOD_LINE * 3000 + b'{"name": "Z", "age": 3}\n'
    good, bad = split(write(tmp_path / "t.jsonl", content), columns={"age": "age"})
    assert (len(good), len(bad)) == (3001, 0)
    assert [record.values["age"] for record in (good[0], good[-1])] == [None, 3]


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        pytest.param({"q": "bio.text"}, {"q": "T"}, id="into an object"),
        pytest.param({"q": "turns.1"}, {"q": "two"}, id="into a list"),
        pytest.param({"q": "turns.0", "n": "name"}, {"q": "one", "n": "Ada"}, id="two fields"),
        pytest.param({"q": "deep.list.0.x"}, {"q": 7}, id="through both"),
        pytest.param({"q": "a.dotted"}, {"q": "own"}, id="a column with a dot in its name"),
    ],
)
@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_dotted_paths_reach_into_nested_values(
    tmp_path: Path, kind: str, columns: dict[str, str], values: dict[str, Any]
) -> None:
    """A path is followed through objects and lists; a column's own name goes first."""
    row = {"name": "Ada", "bio": {"text": "T"}, "turns": ["one", "two"], "deep": {"list": [{"x": 7}]}}
    row["a.dotted"] = "own"
    path = tmp_path / f"t.{kind}"
    if kind == "jsonl":
        write(path, json.dumps(row).encode())
    else:
        pq.write_table(pa.Table.from_pylist([row]), path)
    assert [record.values for record in split(path, columns=columns)[0]] == [values]


@pytest.mark.parametrize("path", ["bio.txet", "turns.2", "turns.x", "name.first", "turns.--1"])
def test_a_path_into_nothing_is_refused(tmp_path: Path, path: str) -> None:
    """A path that no record has is a typing mistake."""
    content = b'{"name": "Ada", "bio": {"text": "T"}, "turns": ["one", "two"]}\n'
    with pytest.raises(SourceError, match="no column"):
        read_records(write(tmp_path / "t.jsonl", content), columns={"q": path})


@pytest.mark.parametrize("value", ["null", '""', '"  "', "[]", "{}", "NaN"])
def test_a_missing_required_value_makes_a_bad_record(tmp_path: Path, value: str) -> None:
    """Null, blank, empty and NaN are all missing; the user's column is named."""
    content = f'{{"text": {value}}}\n{{"other": 1}}\n{{"text": "fine"}}\n'.encode()
    good, bad = split(write(tmp_path / "t.jsonl", content), columns={"question": "text"}, required=["question"])
    assert [record.values for record in good] == [{"question": "fine"}]
    assert [(r.place, r.reason) for r in bad] == [
        ("t.jsonl:1", "no value in the column 'text'"),
        ("t.jsonl:2", "no value in the column 'text'"),
    ]


def test_a_required_field_that_is_not_mapped_is_its_own_column(tmp_path: Path) -> None:
    """Only what is called differently needs a mapping; zero and False are values."""
    content = b'{"q": "Why?", "answer": 0, "ok": false, "more": 1}\n'
    good, _ = split(write(tmp_path / "t.jsonl", content), columns={"question": "q"}, required=["answer", "ok"])
    assert good[0].values == {"question": "Why?", "answer": 0, "ok": False}


def test_a_duplicate_column_matters_only_where_it_is_used(tmp_path: Path) -> None:
    """Two columns called `note` do not spoil a mapping that needs neither."""
    path = write(tmp_path / "t.csv", b"name,note,note\nAda,1,2\n")
    assert split(path, columns={"name": "name"})[0][0].values == {"name": "Ada"}
    with pytest.raises(SourceError, match="'note' stands 2 times"):
        list(read_records(path, columns={"note": "note"}))


def test_a_bad_record_of_deep_values_still_has_an_excerpt(tmp_path: Path) -> None:
    """Nesting that JSON reads and Python cannot write again is no crash."""
    deep = b'{"a": ' + b"[" * 1000 + b"]" * 1000 + b', "text": null}\n'
    _, bad = split(write(tmp_path / "t.jsonl", deep + b'{"text": "x"}\n'), required=["text"])
    assert [(record.place, len(record.excerpt) > 0) for record in bad] == [("t.jsonl:1", True)]


# ---- folders and limits


def test_a_folder_is_its_readable_files_in_name_order(tmp_path: Path) -> None:
    """Other files, hidden ones, folders and a manifest are passed over."""
    write(tmp_path / "b.jsonl", b'{"a": "2"}\n')
    write(tmp_path / "a.csv", b"a\n1\n")
    write(tmp_path / "c.parquet", as_parquet())
    for name in ("README.md", ".hidden.csv", "_tmp.csv", "manifest.json"):
        write(tmp_path / name, b"x\n")
    (tmp_path / "d.csv").mkdir()
    good, bad = split(tmp_path)
    assert not bad
    assert [r.place for r in good[:3]] == ["a.csv:2", "b.jsonl:1", "c.parquet[row 1]"]


def test_one_unreadable_file_in_a_folder_is_one_bad_record(tmp_path: Path) -> None:
    """The other files are read; alone, the same file is an error."""
    write(tmp_path / "a.parquet", b"no")
    write(tmp_path / "b.csv", b"")
    write(tmp_path / "c.jsonl", GOOD_LINE)
    good, bad = split(tmp_path)
    assert len(good) == 1
    assert [record.place for record in bad] == ["a.parquet", "b.csv"]


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    """The message says what is there and what is read."""
    with pytest.raises(SourceError, match=r"it holds nothing; read are \.csv"):
        read_records(tmp_path)
    write(tmp_path / "notes.txt", b"hi")
    with pytest.raises(SourceError, match=r"it holds notes\.txt"):
        read_records(tmp_path)


def test_a_file_of_a_folder_may_lack_a_column(tmp_path: Path) -> None:
    """A column must be in one of the files; where a required one is not, each record says so."""
    write(tmp_path / "a.csv", b"name\nAda\n")
    write(tmp_path / "b.csv", b"name,age\nBo,3\n")
    write(tmp_path / "c.parquet", as_parquet())
    good, bad = split(tmp_path, columns={"age": "age"}, required=["age"])
    assert [record.place for record in bad] == ["a.csv:2"]
    assert len(good) == 4


@pytest.mark.parametrize(("limit", "good", "bad"), [(0, 0, 0), (1, 1, 1), (2, 2, 1), (9, 3, 2)])
def test_the_limit_counts_good_records(tmp_path: Path, limit: int, good: int, bad: int) -> None:
    """Bad records on the way are yielded and not counted; behind the last good one nothing is read."""
    content = b"oops\n" + GOOD_LINE * 2 + b"oops\n" + GOOD_LINE
    records, bad_records = split(write(tmp_path / "t.jsonl", content), limit=limit)
    assert (len(records), len(bad_records)) == (good, bad)


def test_columns_are_listed_with_their_inner_ones(tmp_path: Path) -> None:
    """What a mapping can name, in the order of the file."""
    path = write(tmp_path / "t.jsonl", b'{"a": {"b": 1}, "c": 2}\n{"d": 3}\n')
    assert column_names(path) == ["a", "a.b", "c", "d"]
