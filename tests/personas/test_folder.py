"""A mixed folder: each file goes to the reader that its content fits, and nothing is lost."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from castwright.errors import BadRecord, SourceError
from castwright.personas.card import PersonaCard
from castwright.personas.character import Character
from castwright.personas.sources import FolderSource, folder_characters, read_characters, table_characters
from castwright.personas.tavern_export import write_tavern, write_tavern_png

DATA = Path(__file__).parent.parent / "data"
CARD = PersonaCard(name="Nils", traits=("calm",), background="He waits.")
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def places(path: Path, **options: Any) -> tuple[list[str], dict[str, str]]:
    """Return the records of the characters, and place -> reason of the bad ones."""
    found = list(read_characters(FolderSource(path=str(path), **options), count=None, seed=0))
    good = [item.source.record for item in found if isinstance(item, Character)]
    return good, {item.place: item.reason for item in found if isinstance(item, BadRecord)}


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Return a folder with every format, some under names that say nothing or lie."""
    folder = tmp_path / "mixed"
    (folder / "cards").mkdir(parents=True)
    (folder / "a-card").write_bytes(write_tavern_png(CARD))
    (folder / "cards" / "v2.json").write_text(json.dumps(write_tavern(CARD)))
    shutil.copy(DATA / "tavern" / "v3-cards.jsonl", folder / "cards" / "v3.jsonl")
    shutil.copy(DATA / "tavern" / "v1-keeper.json", folder / "cards" / "pretty.txt")
    shutil.copy(DATA / "entities" / "people.json", folder / "dump.json")
    (folder / "dump.jsonl.gz").write_bytes(gzip.compress((DATA / "entities" / "people.json").read_bytes()))
    shutil.copy(DATA / "personas" / "lines.txt", folder / "lines.txt")
    (folder / "table.csv").write_text("name,bio\nAnna,A tailor of sails.\n,\n")
    pl.DataFrame({"name": ["Bo"], "bio": ["A diver."]}).write_parquet(folder / "cards" / "table.parquet")
    (folder / ".hidden.json").write_text("{")
    return folder


def test_every_format_is_known_by_its_content(mixed: Path) -> None:
    """Characters come in order of path, each with its place, the licence in all of them."""
    good, bad = places(mixed, licence="CC0-1.0", dataset="mine")
    assert good[:6] == [
        "a-card",
        "cards/pretty.txt",
        "cards/table.parquet[row 1]",
        "cards/v2.json",
        "cards/v3.jsonl:1",
        "cards/v3.jsonl:2",
    ]
    assert [place for place in good if place.startswith("dump.json:")] == [f"dump.json:{n}" for n in range(2, 10)]
    assert len([place for place in good if place.startswith("dump.jsonl.gz:")]) == 8
    assert [place for place in good if place.startswith("lines")] == [f"lines.txt:{n}" for n in (1, 2, 4, 5, 6)]
    assert good[-1] == "table.csv:2"
    assert list(bad) == ["table.csv:3"]
    found = read_characters(FolderSource(path=str(mixed), licence="CC0-1.0", dataset="mine"), count=None, seed=0)
    sources = {(item.source.dataset, item.source.licence) for item in found if isinstance(item, Character)}
    assert sources == {("mine", "CC0-1.0")}


UNKNOWN: dict[str, tuple[str, bytes, str]] = {
    "an empty file": ("x.json", b"", "an empty file"),
    "a picture": ("x.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF", "a binary file"),
    "a PNG without a card": ("x.png", b"\x89PNG\r\n\x1a\n", "cut off"),
    "prose": ("x.txt", b"It was late, and the tide was out for good. " * 50, "not a file of characters"),
    "a program": ("x.py", b"print('hello')\n", "not a file of characters"),
    "settings": ("x.json", b'{"version": 1, "name": "app"}', "no list of objects"),
    "truncated JSON": ("x.json", b'[{"name": "A"', "not valid JSON"),
    "a truncated card": ("x.json", b'{"spec": "chara_card_v2", "data": {"name": "V', "not valid JSON"),
    "a table without people": ("x.csv", b"a,b\n1,2\n", "no column of"),
    "gzip that is cut off": ("x.json.gz", gzip.compress(b'[{"name": "A"}]')[:14], "cannot read"),
    "Latin-1 table": ("x.csv", b"n\xe4me\n1\n", "not UTF-8"),
    "blanks": ("x.txt", b"  \n\n", "an empty file"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_a_file_that_is_not_known_or_broken_is_kept_aside(tmp_path: Path, case: str) -> None:
    """It has its name and a reason, and the file beside it is read."""
    name, content, reason = UNKNOWN[case]
    (tmp_path / name).write_bytes(content)
    (tmp_path / "a.json").write_text(json.dumps(write_tavern(CARD)))
    good, bad = places(tmp_path)
    assert good == ["a.json"]
    assert list(bad) == [name]
    assert reason in bad[name]


def test_a_folder_of_nothing_is_one_clear_line(tmp_path: Path) -> None:
    """An empty folder and one without a single character are errors."""
    with pytest.raises(SourceError, match="no file in the folder"):
        places(tmp_path)
    (tmp_path / "x.py").write_text("print()")
    with pytest.raises(SourceError, match=r"no usable record .*x\.py"):
        places(tmp_path)


def test_more_readers_can_be_handed_in(tmp_path: Path) -> None:
    """A reader of another format is asked before those for lines and tables."""

    def read(file: Any, origin: Any) -> Any:
        yield Character(facts={"name": "Anna"}, source=origin.at(file.name))

    (tmp_path / "play.txt").write_text("ANNA: Hello.\n")
    others = ((lambda _file, head: head.startswith(b"ANNA:"), read),)
    (found,) = folder_characters(tmp_path, tables=table_characters, others=others)
    assert isinstance(found, Character)
    assert found.source.record == "play.txt"


@given(content=st.binary(max_size=120), name=st.sampled_from(["x.json", "x.txt", "x.csv", "x", "x.png", "x.parquet"]))
@SETTINGS
def test_no_file_whatsoever_crashes_the_reader(tmp_path: Path, content: bytes, name: str) -> None:
    """Whatever a file holds, the card beside it is read and the file is told of."""
    for old in tmp_path.iterdir():
        old.unlink()
    (tmp_path / name).write_bytes(content)
    (tmp_path / "a.json").write_text(json.dumps(write_tavern(CARD)))
    good, bad = places(tmp_path)
    assert "a.json" in good
    assert len(good) + len(bad) >= 2
