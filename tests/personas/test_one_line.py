"""One-line personas: a person to a line or a cell, whatever holds the lines."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from castwright.errors import BadRecord, SourceError
from castwright.personas.character import Character
from castwright.personas.lines import DataFile
from castwright.personas.one_line import line_file, looks_like_personas, one_line_characters
from castwright.personas.origin import Origin
from castwright.personas.sources import OneLineSource, read_characters

DATA = Path(__file__).parent.parent / "data" / "personas"
SETTINGS = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def split(path: Path, **options: Any) -> tuple[list[Character], list[BadRecord]]:
    items = list(one_line_characters(path, **options))
    good = [item for item in items if isinstance(item, Character)]
    return good, [item for item in items if isinstance(item, BadRecord)]


def test_each_line_of_a_text_is_a_person_without_a_name() -> None:
    """Bullets, numbers and quotes go, blank lines are nobody, and the recipe's words are in every character."""
    good, bad = split(DATA / "lines.txt", licence="CC-BY-4.0", kind="original", modern=True)
    assert not bad
    assert [item.text for item in good][2:4] == [
        "A math teacher who hates puzzles and says so",
        "A beekeeper in Lyon who reads to her bees",
    ]
    assert [item.source.record for item in good] == [f"lines.txt:{n}" for n in (1, 2, 4, 5, 6)]
    assert all(item.facts == {"kind": "original", "modern": True} for item in good)
    assert {item.source.licence for item in good} == {"CC-BY-4.0"}
    assert {item.source.dataset for item in good} == {"lines"}


def test_a_column_of_a_table_is_found_or_named(tmp_path: Path) -> None:
    """PersonaHub's column is known; another is named; the only one there is needs no name."""
    good, bad = split(DATA / "hub.jsonl")
    assert [item.text[:16] for item in good] == ["A ferry captain "] * 2
    assert [(item.place, item.reason) for item in bad] == [("hub.jsonl:3", "no value in the column 'input persona'")]
    assert split(DATA / "hub.jsonl", column="synthesized text", limit=1)[0][0].text == "x"
    pl.DataFrame({"who": ["a baker, who sings", None]}).write_parquet(tmp_path / "a.parquet")
    good, bad = split(tmp_path / "a.parquet")
    assert good[0].text == "a baker, who sings"
    assert bad[0].place == "a.parquet[row 2]"


def test_a_recipe_reads_a_folder_of_texts_and_tables(tmp_path: Path) -> None:
    """Files of a folder come in order, with their paths; one without a known column is kept aside."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"a baker of rye\n"))
    (tmp_path / "b.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\n" * 9)
    (tmp_path / "sub" / "c.csv").write_text("persona,y\n,2\na diver,3\n")
    found = list(read_characters(OneLineSource(path=str(tmp_path)), count=None, seed=0))
    places = [item.place if isinstance(item, BadRecord) else item.source.record for item in found]
    assert places == ["a.txt.gz:1", "b.csv", "b.jpg", "sub/c.csv:2", "sub/c.csv:3"]
    assert "is known as a persona ('x', 'y'): say which with column:" in found[1].reason  # type: ignore[union-attr]


def test_a_data_set_in_the_layout_of_the_hub_is_read(tmp_path: Path) -> None:
    """A local folder stands for a data set; its card's licence goes first."""
    (tmp_path / "set" / "data").mkdir(parents=True)
    (tmp_path / "set" / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n")
    rows = [{"persona": "a stargazer", "n": 1}, {"persona": "a tailor of sails", "n": 2}]
    (tmp_path / "set" / "data" / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = list(one_line_characters(name=str(tmp_path / "set"), licence="mine"))
    assert [item.text for item in found if isinstance(item, Character)] == ["a stargazer", "a tailor of sails"]
    sources = [item.source for item in found if isinstance(item, Character)]
    assert (sources[0].record, sources[0].licence, sources[0].dataset) == ("train[row 1]", "cc-by-4.0", "set")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(b"caf\xe9 owner", "not UTF-8", id="Latin-1"),
        pytest.param(b"a ba\x00ker", "NUL byte", id="NUL byte"),
        pytest.param(b"12345 !!", "no words", id="no words"),
        pytest.param(b"word " * 1000, "5,000 characters|4,999 characters", id="a page on one line"),
        pytest.param(b"word " * 10_000_000, "at most 2,000", id="50 MB on one line"),
        pytest.param(b"word " * 14_000_000, "a line of more than 67,108,864 bytes", id="70 MB on one line"),
    ],
)
def test_a_line_that_is_nobody_is_kept_aside(tmp_path: Path, line: bytes, reason: str) -> None:
    """The lines around it are read, with their own numbers."""
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfa baker\r\n" + line + b"\r\na diver")
    good, bad = split(tmp_path / "a.txt")
    assert [(item.text, item.source.record) for item in good] == [("a baker", "a.txt:1"), ("a diver", "a.txt:3")]
    assert [item.place for item in bad] == ["a.txt:2"]
    assert any(part in bad[0].reason for part in reason.split("|"))
    assert len(bad[0].excerpt) <= 200


def test_what_cannot_be_a_source_is_one_clear_line(tmp_path: Path) -> None:
    """Nothing given, both given, an empty file, a column that is not there."""
    for given_both in ({}, {"path": "a", "name": "b"}):
        with pytest.raises(SourceError, match="need a path"):
            one_line_characters(**given_both)  # type: ignore[arg-type]
    (tmp_path / "a.txt").write_bytes(b"")
    with pytest.raises(SourceError, match="no persona in"):
        list(one_line_characters(tmp_path / "a.txt"))
    with pytest.raises(SourceError, match="no column 'person'"):
        list(one_line_characters(DATA / "hub.jsonl", column="person"))


@given(content=st.binary(max_size=200))
@SETTINGS
def test_no_bytes_whatsoever_crash_the_reader(tmp_path: Path, content: bytes) -> None:
    """Every line that is not blank gives one character or one bad record."""
    (tmp_path / "a.txt").write_bytes(b"start\n" + content)
    found = list(line_file(DataFile(tmp_path / "a.txt", "a.txt", ""), Origin.of("a")))
    wanted = [n for n, line in enumerate((b"start\n" + content).split(b"\n"), start=1) if line and not line.isspace()]
    places = [item.place if isinstance(item, BadRecord) else item.source.record for item in found]
    assert places == [f"a.txt:{n}" for n in wanted]


def test_lines_of_personas_are_told_from_other_texts() -> None:
    """A script, prose and a list of words are not personas."""
    lines = (DATA / "lines.txt").read_text().splitlines()
    assert looks_like_personas(iter(lines))
    assert not looks_like_personas(iter(["ANNA: A door is open.", "BEN: The other is not."] * 5))
    assert not looks_like_personas(iter(["It was late. " * 40, "Nobody came. " * 60]))
    assert not looks_like_personas(iter(["apple", "pear", "plum"]))
    assert not looks_like_personas(iter([]))
