"""Parsers on wild input: what a standard writer wrote comes back exactly, and no bytes whatsoever crash a reader.

Beside the property tests of single formats (`test_tables_wild`, `test_tavern`, `test_entities_malformed` ...): what had
none, and every kind of source on arbitrary bytes under every name.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from source_files import GRACE, V1, dump, json_lines, parquet, png, text_chunk, zstd

from castwright.errors import BadRecord, SourceError
from castwright.personas.character import Character
from castwright.personas.columns import flat_names, getters_of, pick
from castwright.personas.hub import licence_of
from castwright.personas.json_cutter import Cutter
from castwright.personas.lines import DataFile, read_head, read_lines
from castwright.personas.one_line import one_line_characters
from castwright.personas.quotes import paragraphs_of, quotations_of, speech_marks
from castwright.personas.script_blocks import normalise, script_blocks, stage_directions
from castwright.personas.script_labels import find_cast
from castwright.personas.sources import PersonaSource, read_characters
from castwright.personas.speakers import script_utterances
from castwright.personas.tables import Record, read_records
from castwright.personas.text_lines import TextFile

SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SOURCE: TypeAdapter[Any] = TypeAdapter(PersonaSource)
PACKERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".zst": zstd}
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)


def values_of(path: Path) -> list[dict[str, Any]]:
    """Return the values of a table in which no record may be bad."""
    records = list(read_records(path))
    assert [record for record in records if isinstance(record, BadRecord)] == []
    return [record.values for record in records if isinstance(record, Record)]


def outcome(read: Callable[[], Iterable[Any]]) -> tuple[list[Any], str]:
    """Return what a source gives and "", or nothing and what its error says."""
    try:
        return list(read()), ""
    except SourceError as error:
        return [], str(error)


# ---- what a standard writer wrote comes back

ARROW_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.none() | st.text(st.characters(codec="utf-8"), max_size=12),
            "count": st.none() | st.integers(-(2**63), 2**63 - 1),
            "share": st.none() | st.floats(allow_nan=False),
            "words": st.none() | st.lists(TEXT, max_size=3),
            "nested": st.fixed_dictionaries({"a": st.none() | TEXT, "b": st.lists(st.booleans(), max_size=2)}),
        }
    ),
    min_size=1,
    max_size=8,
)
SCHEMA = pa.schema(
    {
        "text": pa.large_string(),
        "count": pa.int64(),
        "share": pa.float64(),
        "words": pa.list_(pa.string()),
        "nested": pa.struct({"a": pa.string(), "b": pa.list_(pa.bool_())}),
    }
)


@given(rows=ARROW_ROWS, groups=st.integers(1, 5), compression=st.sampled_from(["none", "snappy", "zstd", "gzip"]))
@SETTINGS
def test_parquet_comes_back_as_pyarrow_wrote_it(
    tmp_path: Path, rows: list[dict[str, Any]], groups: int, compression: str
) -> None:
    """Texts, numbers, lists and structs, over any groups of rows."""
    table = pa.Table.from_pylist(rows, SCHEMA)
    (tmp_path / "a.parquet").write_bytes(parquet(table, row_group_size=groups, compression=compression))
    assert values_of(tmp_path / "a.parquet") == rows


@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=6),
    suffix=st.sampled_from([".tsv", ".csv"]),
    delimiter=st.sampled_from(";\t|"),
    packed=st.sampled_from(["", *PACKERS]),
)
@SETTINGS
def test_separated_values_come_back_as_the_csv_module_wrote_them(
    tmp_path: Path, rows: list[tuple[str, ...]], suffix: str, delimiter: str, packed: str
) -> None:
    """With any separator that is known, quoted line ends and quotes in it, packed or not."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, delimiter="\t" if suffix == ".tsv" else delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b", "c"), *rows])
    path = tmp_path / f"t{suffix}{packed}"
    path.write_bytes(PACKERS.get(packed, bytes)(sink.getvalue().encode()))
    spoken = [
        dict(zip("abc", (None if cell in ("nan", "NaN", "<NA>") else cell for cell in row), strict=True))
        for row in rows
    ]
    assert values_of(path) == spoken


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(TEXT, VALUES, min_size=1, max_size=3), min_size=1, max_size=5)


@given(
    rows=OBJECTS,
    indent=st.sampled_from([None, 0, 2]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    packed=st.sampled_from(["", *PACKERS]),
)
@SETTINGS
def test_a_json_list_comes_back_as_the_json_module_wrote_it(
    tmp_path: Path, rows: list[dict[str, Any]], indent: int | None, encoding: str, packed: str
) -> None:
    """In any encoding with a mark, packed or not."""
    text = json.dumps(rows, indent=indent, ensure_ascii=False)
    path = tmp_path / f"a.json{packed}"
    path.write_bytes(PACKERS.get(packed, bytes)(text.encode(encoding)))
    assert values_of(path) == rows


@given(rows=OBJECTS, data=st.data(), indent=st.sampled_from([None, 1]))
@SETTINGS
def test_a_json_list_that_is_cut_off_gives_its_whole_objects(
    tmp_path: Path, rows: list[dict[str, Any]], data: st.DataObject, indent: int | None
) -> None:
    """Wherever the cut is, the objects before it are there unchanged, and what is missing is said."""
    written = json.dumps(rows, indent=indent).encode()
    cut = data.draw(st.integers(1, len(written) - 1))
    (tmp_path / "a.json").write_bytes(written[:cut])
    found, error = outcome(lambda: read_records(tmp_path / "a.json"))
    if error:
        assert "not valid JSON" in error
        return
    good = [record.values for record in found if isinstance(record, Record)]
    assert good == rows[: len(good)]
    assert isinstance(found[-1], BadRecord)
    assert len(found) == len(good) + 1


@given(value=VALUES, size=st.integers(1, 30))
@SETTINGS
def test_the_cutter_takes_a_document_apart_at_any_buffer(value: Any, size: int) -> None:
    """What it cuts out of a list are the list's objects."""
    listed = [value, {"last": [{}]}]
    data = json.dumps(listed).encode()
    cutter = Cutter(1, len(data))
    pieces = [piece for start in range(0, len(data), size) for piece, _ in cutter.feed(data[start : start + size])]
    assert [json.loads(piece) for piece in pieces] == [item for item in listed if isinstance(item, dict)]
    assert not cutter.inside


WORDS = st.lists(st.sampled_from(["sail", "rope", "tide", "gull", "lamp", "keep"]), min_size=2, max_size=8).map(
    " ".join
)


@given(people=st.lists(WORDS, min_size=1, max_size=8), end=st.sampled_from(["\n", "\r\n", "\r"]))
@SETTINGS
def test_lines_of_personas_come_back_with_any_line_end(tmp_path: Path, people: list[str], end: str) -> None:
    """A person a line, at the number of the line."""
    (tmp_path / "a.txt").write_bytes((end.join(people) + end).encode())
    found = list(one_line_characters(tmp_path / "a.txt"))
    told = [(item.source.record, item.text) for item in found if isinstance(item, Character)]
    assert told == [(f"a.txt:{number}", text) for number, text in enumerate(people, start=1)]


@given(said=st.lists(st.tuples(st.sampled_from(["ANN", "BOB", "CY"]), WORDS), min_size=6, max_size=20))
@SETTINGS
def test_a_script_gives_back_what_was_written_into_it(said: list[tuple[str, str]]) -> None:
    """Who says what, in order, each with its line."""
    said = [
        *said,
        ("ANN", "so it is"),
        ("BOB", "so it was"),
        ("ANN", "and will be"),
        ("BOB", "then go"),
        ("CY", "all"),
        ("CY", "of us"),
    ]
    lines = [f"{who}: {words.capitalize()}." for who, words in said]
    text = TextFile("a.txt", lines, list(range(1, len(lines) + 1)))
    heard = [(item.label.rstrip(":"), item.line.text, item.line.place) for item in script_utterances(text)]
    assert heard == [(who, f"{words.capitalize()}.", f"a.txt:{n}") for n, (who, words) in enumerate(said, start=1)]


# ---- nothing crashes a reader

KINDS = ("table", "tavern", "entities", "one_line", "script", "novel", "text", "folder")
NAMES = (
    "a.csv",
    "a.tsv",
    "a.jsonl",
    "a.json",
    "a.parquet",
    "a.png",
    "a.txt",
    "a",
    "a.csv.gz",
    "a.json.bz2",
    "a.txt.zst",
)
SEEDS = (
    b'name,bio\nAda,"Counts."\n',
    json_lines({"name": "Ada", "bio": "x"}),
    json.dumps([V1]).encode(),
    png(text_chunk(V1)),
    dump(GRACE),
    parquet({"name": ["Ada"], "bio": ["x"]}),
    gzip.compress(b"name\nAda\n"),
    bz2.compress(b'[{"name": "Ada"}]'),
    zstd(b"A tailor of sails.\n"),
    b"ANN: Hello.\nBOB: Hi.\n" * 4,
    "“Hello,” said Ann.\n\n".encode() * 6,
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Any bytes, or a good file cut off, overwritten somewhere, or with something put into it."""
    seed = draw(st.sampled_from(SEEDS))
    junk = draw(st.binary(max_size=16))
    at = draw(st.integers(0, len(seed)))
    return draw(
        st.sampled_from([junk * 3, seed[:at], seed[:at] + junk + seed[at + len(junk) :], seed[:at] + junk + seed[at:]])
    )


@pytest.mark.parametrize("kind", KINDS)
@given(content=damaged(), name=st.sampled_from(NAMES))
@settings(SETTINGS, max_examples=150)
def test_no_bytes_whatsoever_crash_a_source(tmp_path: Path, kind: str, content: bytes, name: str) -> None:
    """They give characters and bad records that can be written down, or one line that says what is wrong."""
    for old in tmp_path.iterdir():
        old.unlink()
    (tmp_path / name).write_bytes(content)
    source = SOURCE.validate_python({"kind": kind, "path": str(tmp_path / name)})
    found, error = outcome(lambda: read_characters(source, count=None, seed=0))
    assert bool(found) != bool(error)
    assert "\n" not in error
    error.encode()
    for item in found:
        if isinstance(item, BadRecord):
            assert item.place.startswith(name.split("[")[0])
            (item.reason + item.excerpt).encode()
        else:
            assert item.source.record.startswith(name)
            json.dumps(item.facts, ensure_ascii=False).encode()
            item.text.encode()


@given(content=st.binary(max_size=300), cut=st.integers(0, 400), packed=st.sampled_from(list(PACKERS)))
@SETTINGS
def test_a_packed_file_cut_anywhere_gives_a_beginning_of_it(
    tmp_path: Path, content: bytes, cut: int, packed: str
) -> None:
    """Never other bytes than were packed, and a cut is always told."""
    data = PACKERS[packed](b"first line\n" + content)
    path = tmp_path / "a.txt"
    path.write_bytes(data[:cut])
    file = DataFile(path, "a.txt", "")
    lines, error = outcome(lambda: read_lines(file))
    if error:
        assert cut < len(data)
        return
    read = b"".join(line for _, line, _ in lines)
    whole = b"first line\n" + content
    told = any(trouble for _, _, trouble in lines)
    if data[:cut].startswith(data[:10]):  # else it is too short to be known as packed, and read as it stands
        assert whole.startswith(read)
        assert told or read == whole
        assert whole.lstrip().startswith(read_head(path))


@given(readme=st.text(max_size=80) | st.text("-\nlicense: [&*]{}a!?|>'\"0", max_size=80))
@example("---\nlicense: 2020-13-45\n---\n")
@example("---\nlicense: " + "[" * 600 + "\n---\n")
@example("---\nlicense: &a [*a, *a]\n---\n")
@example("---\n? [a]\n: b\n---\n")
@example("---\nlicense: !!python/object:os.system x\n---\n")
@example("---\nlicense: \x00\n---\n")
@SETTINGS
def test_no_card_of_a_data_set_whatsoever_crashes_the_reader(readme: str) -> None:
    """It states a licence or none, alone and behind the dashes that open a card."""
    assert isinstance(licence_of(readme), str)
    assert isinstance(licence_of(f"---\nlicense: {readme}\n---\n"), str)


@given(rows=OBJECTS, path=st.text("ab.01", max_size=6))
@SETTINGS
def test_every_column_that_is_listed_can_be_picked(rows: list[dict[str, Any]], path: str) -> None:
    """By its name as it stands, and no path whatsoever crashes."""
    for row in rows:
        for name in row:
            assert pick(row, getters_of({"ours": name}))["ours"] == row[name]
        listed = flat_names([row])
        assert pick(row, getters_of(dict(zip(listed, listed, strict=True)))).keys() == set(listed)
        pick(row, getters_of({"ours": path}))


MARKED = st.text("ab \n.,!?'\"“”‘’„()[]:-AB", max_size=60)


@given(text=MARKED)
@SETTINGS
def test_quotations_and_stage_directions_stand_in_their_text(text: str) -> None:
    """Whatever the marks: in order, apart from each other, and with the words between the marks."""
    paragraphs = list(paragraphs_of(text.split("\n")))
    family = speech_marks(paragraphs)
    for paragraph in paragraphs:
        found = quotations_of(paragraph.text, family)
        assert all(one.end <= two.start for one, two in pairwise(found))
        assert all(one.text == paragraph.text[one.start + 1 : one.end - one.closed] for one in found)
        assert 0 <= paragraph.line_at(0) <= text.count("\n")
    spans = stage_directions(text)
    assert all(0 <= left < right <= len(text) for left, right in spans)
    assert all(one[1] <= two[0] for one, two in pairwise(spans))


@given(text=st.text("AB:. \n([])ab", max_size=60))
@SETTINGS
def test_every_word_of_a_script_is_in_one_block(text: str) -> None:
    """Blocks lose nothing but blanks and the marks of labels."""
    lines = normalise(text).rstrip("\n").split("\n")
    blocks = list(script_blocks(lines, frozenset(find_cast(lines))))
    letters = [sign for sign in "".join(lines) if sign.isalpha()]
    kept = "".join(block.stamp + block.name + block.aside + block.body for block in blocks)
    assert sorted(sign for sign in kept if sign.isalpha()) == sorted(letters)
    assert [block.start for block in blocks] == sorted({block.start for block in blocks})
