"""Entity dumps: people and fictional characters out of every layout, with ids as words and the living marked."""

from __future__ import annotations

import bz2
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from castwright.errors import BadRecord, SourceError
from castwright.personas.character import Character
from castwright.personas.entities import entity_characters
from castwright.personas.entity_values import Moment, century, ordinal
from castwright.personas.sources import EntitySource, read_characters

DUMP = Path(__file__).parent.parent / "data" / "entities" / "people.json"
ENTITIES: list[dict[str, Any]] = json.loads(DUMP.read_text(encoding="utf-8"))


def split(path: Path, **options: Any) -> tuple[list[Character], list[BadRecord]]:
    items = list(entity_characters(path, **options))
    good = [item for item in items if isinstance(item, Character)]
    return good, [item for item in items if isinstance(item, BadRecord)]


def named(path: Path = DUMP, **options: Any) -> dict[str, Character]:
    good, bad = split(path, **options)
    assert not bad
    return {item.facts["name"]: item for item in good}


def as_lines(entities: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in entities)


def test_a_historical_person_has_facts_and_sentences() -> None:
    """Ids are labels, unknown ids are left out, dates keep their precision, the source says where."""
    ada = named(licence="CC0-1.0")["Ada Lovelace"]
    assert ada.facts == {
        "name": "Ada Lovelace",
        "kind": "historical",
        "modern": False,
        "basic_info": {
            "gender": "woman",
            "occupation": "mathematician, poet",
            "place": "London",
            "era": "19th century",
        },
    }
    assert ada.text == (
        "Ada Lovelace: English mathematician (1815–1852). Also known as Augusta Ada King, Countess of Lovelace. "
        "Born 10 December 1815 in London. Died 27 November 1852 in London. Occupation: mathematician, poet. "
        "Languages: English."
    )
    assert ada.source.model_dump() == {
        "dataset": "people",
        "record": "people.json:2",
        "uri": "https://www.wikidata.org/wiki/Q7259",
        "licence": "CC0-1.0",
    }
    assert ada.living is False


def test_years_before_christ_and_preferred_statements_count() -> None:
    """The preferred death goes before the other, and the era is of that century."""
    found = named()["Pythagoras"]
    assert found.facts["basic_info"]["era"] == "5th century BC"
    assert "Born in 570 BC. Died in 495 BC." in found.text


def test_a_fictional_character_is_placed_in_its_works() -> None:
    """The kind follows from what it is an instance of; a universe without a label is not shown."""
    found = named()["Sherlock Holmes"]
    assert found.facts["kind"] == "virtual"
    assert "modern" not in found.facts
    assert found.text.endswith("Occupation: detective. Appears in: A Study in Scarlet.")
    assert found.living is False


def test_no_id_is_ever_shown() -> None:
    """Neither facts nor texts hold anything like Q42."""
    for item in named().values():
        assert not any(f"Q{n}" in json.dumps(item.facts) + item.text for n in range(1, 10))


def test_who_may_be_alive_is_marked() -> None:
    """No death and under 120, or no date at all: living. Old, or dead at an unknown time: not."""
    living = {name: item.living for name, item in named().items()}
    assert living == {
        "Ada Lovelace": False,
        "Pythagoras": False,
        "Sherlock Holmes": False,
        "Nora Invented": True,
        "Old Dated": False,
        "Nobody Dated": True,
        "Died Sometime": False,
        "Only Mul": False,
    }
    nora = named()["Nora Invented"].facts
    assert (nora["modern"], nora["basic_info"]["era"], "kind" in nora) == (True, "present day", False)
    assert named()["Died Sometime"].facts["basic_info"]["era"] == "13th century"
    assert named(year=2101)["Nora Invented"].living is False
    assert named(year=1900)["Old Dated"].living is True


def test_another_language_falls_back_label_by_label() -> None:
    """German labels where there are some, English ones where not; the card's language is said to be German."""
    ada = named(language="de")["Ada Lovelace"]
    assert ada.facts["basic_info"]["occupation"] == "Mathematiker, Dichter"
    assert ada.facts["language"] == "de"
    assert "language" not in named(language="de")["Pythagoras"].facts
    assert "britische Mathematikerin" in ada.text


def test_only_the_chosen_kinds_are_taken() -> None:
    """P31 decides; a wrong id is refused with what an id looks like."""
    assert set(named(kinds=["Q15773347"])) == {"Only Mul"}
    assert named(kinds=["Q15773347"])["Only Mul"].facts["basic_info"]["occupation"] == "poet"
    with pytest.raises(SourceError, match="no item 'human'"):
        entity_characters(DUMP, kinds=["human"])
    with pytest.raises(SourceError, match="nobody in"):
        list(entity_characters(DUMP, kinds=["Q1"]))


def test_a_file_of_labels_takes_the_place_of_the_first_pass(tmp_path: Path) -> None:
    """Ids may be written as addresses; what is no id is a bad record; labels of the dump are not used."""
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label\nhttp://www.wikidata.org/entity/Q49757,maker of verse\nx,nothing\n")
    good, bad = split(DUMP, labels=labels)
    assert good[0].facts["basic_info"]["occupation"] == "maker of verse"
    assert [(item.place, item.reason) for item in bad] == [("labels.csv:3", "no id of an item: 'x'")]


ANSWER = {"entities": {one["id"]: one for one in ENTITIES}, "success": 1}
LAYOUTS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "the official dump": ("d.json", DUMP.read_bytes, "d.json:2"),
    "the official dump in gzip": ("d.json.gz", lambda: gzip.compress(DUMP.read_bytes()), "d.json.gz:2"),
    "the official dump in bzip2": ("d.json.bz2", lambda: bz2.compress(DUMP.read_bytes()), "d.json.bz2:2"),
    "two bzip2 streams": (
        "d.jsonl.bz2",
        lambda: bz2.compress(as_lines(ENTITIES[:3])) + bz2.compress(as_lines(ENTITIES[3:])),
        "d.jsonl.bz2:1",
    ),
    "JSON lines": ("d.jsonl", lambda: as_lines(ENTITIES), "d.jsonl:1"),
    "JSON lines with Windows line ends and a mark": (
        "d.jsonl",
        lambda: b"\xef\xbb\xbf" + as_lines(ENTITIES).replace(b"\n", b"\r\n"),
        "d.jsonl:1",
    ),
    "an array on one line": ("d.json", lambda: json.dumps(ENTITIES).encode(), "d.json[1]"),
    "a pretty array": ("d.json", lambda: json.dumps(ENTITIES, indent=2).encode(), "d.json[1]"),
    "an answer of the web service": ("d.json", lambda: json.dumps(ANSWER).encode(), "d.json[1]"),
    "a pretty answer": ("d.json", lambda: json.dumps(ANSWER, indent=1).encode(), "d.json[1]"),
    "an answer in bzip2": ("d.json.bz2", lambda: bz2.compress(json.dumps(ANSWER).encode()), "d.json.bz2[1]"),
    "an answer a line": ("d.jsonl", lambda: json.dumps({"x": 1, **ANSWER}).encode() + b"\n", "d.jsonl:1[Q7259]"),
    "an array that begins on its first line": (
        "d.json",
        lambda: b"[" + b",\n".join(as_lines(ENTITIES).splitlines()) + b"]",
        "d.json:1",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_characters(tmp_path: Path, layout: str) -> None:
    """How a dump is laid out or compressed changes the places, and nothing else."""
    name, content, place = LAYOUTS[layout]
    (tmp_path / name).write_bytes(content())
    found = list(named(tmp_path / name).values())
    assert [(item.facts, item.text) for item in found] == [(item.facts, item.text) for item in named().values()]
    assert found[0].source.record == place


def test_one_entity_alone_is_read_too(tmp_path: Path) -> None:
    """A pretty-printed entity in a file of its own is one character."""
    (tmp_path / "Q7259.json").write_text(json.dumps(ENTITIES[0], indent=4))
    assert set(named(tmp_path / "Q7259.json")) == {"Ada Lovelace"}


def test_a_recipe_reads_a_folder_of_dumps_with_labels_across_them(tmp_path: Path) -> None:
    """Labels of one file name the ids of another; an entity that comes again is kept aside with where it stood."""
    (tmp_path / "a.jsonl").write_bytes(as_lines(ENTITIES[:8]))
    (tmp_path / "b.jsonl").write_bytes(as_lines([*ENTITIES[8:], ENTITIES[0]]))
    found = list(read_characters(EntitySource(path=str(tmp_path), dataset="wd"), count=None, seed=0))
    assert isinstance(found[0], Character)
    assert found[0].facts["basic_info"]["occupation"] == "mathematician, poet"
    assert isinstance(found[-1], BadRecord)
    assert (found[-1].place, found[-1].reason) == ("b.jsonl:9", "the entity Q7259 was read before, at a.jsonl:1")
    assert len(found) == 9


@pytest.mark.parametrize(
    ("moment", "text", "latest"),
    [
        pytest.param(Moment(1815, 12, 10, 11), "10 December 1815", 1815, id="day"),
        pytest.param(Moment(1815, 12, 0, 10), "December 1815", 1815, id="month"),
        pytest.param(Moment(1815, 0, 0, 11), "1815", 1815, id="a day that is not there"),
        pytest.param(Moment(1815, 0, 0, 8), "1810s", 1819, id="decade"),
        pytest.param(Moment(1801, 0, 0, 7), "19th century", 1900, id="first year of a century"),
        pytest.param(Moment(1900, 0, 0, 7), "19th century", 1900, id="last year of a century"),
        pytest.param(Moment(-427, 0, 0, 9), "427 BC", -427, id="year BC"),
        pytest.param(Moment(-500, 0, 0, 7), "5th century BC", -500, id="century BC"),
        pytest.param(Moment(1500, 0, 0, 6), "2nd millennium", 2000, id="millennium"),
    ],
)
def test_a_time_is_said_as_precisely_as_it_is_known(moment: Moment, text: str, latest: int) -> None:
    """Words and the last possible year follow from the precision."""
    assert (moment.text, moment.latest) == (text, latest)


def test_ordinals_and_centuries() -> None:
    """11 to 13 are th; the year 2000 is in the 20th century."""
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 111)] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "12th",
        "13th",
        "21st",
        "111th",
    ]
    assert [century(year) for year in (2000, 2001, 1, -1, -100, -101)] == [
        *("20th century", "21st century", "1st century", "1st century BC", "1st century BC", "2nd century BC"),
    ]
