"""Characters of the public domain, from short texts written for these tests: every fact is shown in its source.

Not one quote may be missing or made up, whatever the shape of the source: scripts, a screenplay, a table of quotes,
chapters of novels and pages about one person.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from castwright.errors import BadRecord
from castwright.personas.evidence import Evidenced, unfounded
from castwright.personas.free_text import text_evidence
from castwright.personas.novels import novel_evidence
from castwright.personas.origin import Origin
from castwright.personas.speakers import script_evidence

DATA = Path(__file__).parents[1] / "data" / "characters"
READERS = {
    "counting_house.txt": script_evidence,
    "macaroons.txt": script_evidence,
    "baker_street.txt": script_evidence,
    "tea_party.csv": script_evidence,
    "heath.txt": script_evidence,
    "assembly.txt": novel_evidence,
    "inn.txt": novel_evidence,
    "ada-lovelace.md": text_evidence,
    "captain-nemo.txt": text_evidence,
    "mary-shelley.txt": text_evidence,
    "robin-hood.md": text_evidence,
}


def read(name: str) -> list[Evidenced]:
    path = DATA / name
    found = list(READERS[name](path, Origin.of(path)))
    return [item for item in found if not isinstance(item, BadRecord)]


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
    """In eleven files, none of them twice."""
    names = [item.character.facts["name"] for name in READERS for item in read(name)]
    assert len(names) == len(set(names)) >= 20
    assert sorted(READERS) == sorted(path.name for path in DATA.iterdir())


@pytest.mark.parametrize("name", READERS)
def test_every_quote_stands_in_the_source(name: str) -> None:
    """All evidence of all characters of the file."""
    source = (DATA / name).read_text(encoding="utf-8")
    for item in read(name):
        assert item.evidence
        assert unfounded(item.evidence, source) == []


@pytest.mark.parametrize("name", READERS)
def test_every_fact_has_evidence(name: str) -> None:
    """No value of the facts is without a quote, and no quote is for a value that is not there."""
    for item in read(name):
        shown = {(one.field, one.value) for one in item.evidence if one.field != "living"}
        assert shown == set(values(item.character.facts))


@pytest.mark.parametrize("name", READERS)
def test_every_place_is_the_line_where_the_quote_begins(name: str) -> None:
    """The first words of the quote stand on that line, or below the name that it is under."""
    lines = (DATA / name).read_text(encoding="utf-8").split("\n")
    for item in read(name):
        for one in item.evidence:
            file, _, number = one.place.rpartition(":")
            assert file == name
            near = " ".join(" ".join(lines[int(number) - 1 : int(number) + 3]).split())
            assert " ".join(one.quote.split()[:3]) in near


@pytest.mark.parametrize("name", READERS)
def test_reading_twice_gives_the_same(name: str) -> None:
    """Characters, evidence and order."""
    assert read(name) == read(name)
