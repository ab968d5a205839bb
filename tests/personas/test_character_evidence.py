"""Characters of the public domain, from short texts written for these tests: every fact is shown in its source.

Not one quote may be missing or made up, whatever the shape of the source: scripts, a screenplay, a table of quotes,
chapters of novels and pages about one person.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from castwright.errors import BadRecord
from castwright.personas.character import Character
from castwright.personas.evidence import TEXT, Evidence, unfounded
from castwright.personas.free_text import text_characters
from castwright.personas.line_map import LineMap
from castwright.personas.markup import without_markup
from castwright.personas.novels import novel_characters
from castwright.personas.speakers import script_characters

DATA = Path(__file__).parents[1] / "data" / "characters"
READERS = {
    "counting_house.txt": script_characters,
    "elsinore.txt": script_characters,
    "macaroons.txt": script_characters,
    "baker_street.txt": script_characters,
    "tea_party.csv": script_characters,
    "heath.txt": script_characters,
    "assembly.txt": novel_characters,
    "inn.txt": novel_characters,
    "ada-lovelace.md": text_characters,
    "captain-nemo.txt": text_characters,
    "don-quixote.txt": text_characters,
    "frankenstein.wiki": text_characters,
    "harker-diary.txt": text_characters,
    "mary-shelley.txt": text_characters,
    "robin-hood.md": text_characters,
}


def read(name: str) -> list[Character]:
    found = list(READERS[name](DATA / name))
    return [item for item in found if not isinstance(item, BadRecord)]


def shown(character: Character) -> list[Evidence]:
    """Return the evidence for a character's facts."""
    return [item for item in character.evidence if item.field != TEXT]


def values(facts: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return every value of a character's facts with its field, lists one by one."""
    found: list[tuple[str, str]] = []
    for key, value in facts.items():
        if isinstance(value, dict):
            found += values(value, f"{prefix}{key}.")
        else:
            found += [(f"{prefix}{key}", str(one)) for one in (value if isinstance(value, list) else [value])]
    return found


def test_there_are_at_least_twenty_characters() -> None:
    """In fifteen files, none of them twice."""
    names = [item.facts["name"] for name in READERS for item in read(name)]
    assert len(names) == len(set(names)) >= 20
    assert sorted(READERS) == sorted(path.name for path in DATA.iterdir())


@pytest.mark.parametrize("name", READERS)
def test_every_quote_stands_in_the_source(name: str) -> None:
    """All evidence of all characters of the file."""
    source = (DATA / name).read_text(encoding="utf-8")
    for item in read(name):
        assert shown(item)
        assert unfounded(item.evidence, source) == []


@pytest.mark.parametrize("name", READERS)
def test_every_fact_has_evidence(name: str) -> None:
    """No value of the facts is without a quote, and no quote is for a value that is not there."""
    for item in read(name):
        proved = {(one.field, one.value) for one in shown(item) if one.field != "living"}
        assert proved == set(values(item.facts))


@pytest.mark.parametrize("name", READERS)
def test_every_place_is_the_line_where_the_quote_begins(name: str) -> None:
    """The first words of the quote stand on that line, or below the name that it is under."""
    lines = (DATA / name).read_text(encoding="utf-8").split("\n")
    for item in read(name):
        for one in shown(item):
            file, _, number = one.place.rpartition(":")
            assert file == name
            near = " ".join(without_markup("\n".join(lines[int(number) - 1 : int(number) + 3])).split())
            assert " ".join(one.quote.split()[:3]) in near


@pytest.mark.parametrize("name", READERS)
def test_every_line_of_the_text_has_its_line_in_the_source(name: str) -> None:
    """What the model reads stands on the lines that the map says, and what was written by us on none."""
    lines = [" ".join(without_markup(line).split()) for line in (DATA / name).read_text(encoding="utf-8").split("\n")]
    for item in read(name):
        places = LineMap.found_in(item.evidence)
        assert places is not None
        mapped = [(places.number(number), line) for number, line in enumerate(item.text.split("\n"), start=1)]
        assert sum(bool(number) for number, _ in mapped) >= 3
        for number, line in mapped:
            words = " ".join(line.strip("“”").partition("[...]")[0].split()[:4])
            assert not number or words in " ".join(lines[number - 1 : number + 3])


@pytest.mark.parametrize("name", READERS)
def test_reading_twice_gives_the_same(name: str) -> None:
    """Characters, evidence and order."""
    assert read(name) == read(name)
