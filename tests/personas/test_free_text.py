"""Free text as a source: the name, what the text states in so many words, and the passages about the character."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.errors import BadRecord, SourceError
from castwright.personas.character import Character
from castwright.personas.free_text import GAP, passages, passages_about, text_characters
from castwright.personas.quotes import paragraphs_of
from castwright.personas.text_facts import stated_name, text_facts
from castwright.personas.text_lines import TextFile

DATA = Path(__file__).parents[1] / "data" / "characters"

NAMES = {
    "a Markdown heading": ("# Ada Lovelace\n\nShe counted.", "Ada Lovelace", "Ada Lovelace"),
    "an underlined heading": ("Ada Lovelace\n============\n\nShe counted.", "Ada Lovelace", "Ada Lovelace"),
    "a wiki heading": ("== Ada Lovelace ==\nShe counted.", "Ada Lovelace", "Ada Lovelace"),
    "a first line by itself": ("Ada Lovelace\n\nShe counted.", "Ada Lovelace", "Ada Lovelace"),
    "front matter": ("---\nlang: en\nname: Ada Lovelace\n---\n# Life\n\nText.", "Ada Lovelace", "Ada Lovelace"),
    "the file's name, found in the text": ("It is said that Jane Grey reigned.", "Jane Grey", "Jane Grey"),
    "the file's name, not in the text": ("She reigned nine days.", "Jane Grey", ""),
    "a chapter's heading is no name": ("CHAPTER ONE\n\nShe reigned.", "Jane Grey", ""),
    "a sentence is no name": ("She reigned.\n\nNine days.", "Jane Grey", ""),
    "a common heading is no name": ("# Early life\n\nShe reigned.", "Jane Grey", ""),
}


@pytest.mark.parametrize(("text", "name", "quote"), NAMES.values(), ids=NAMES)
def test_the_name_is_stated_or_the_files(text: str, name: str, quote: str) -> None:
    """And its quote is where it stands, or nothing where it stands nowhere."""
    lines = text.split("\n")
    found = stated_name(TextFile("jane-grey.txt", lines, list(range(len(lines)))), Path("jane-grey.txt"))
    assert (found.value, found.quote) == (name, quote)
    assert found.quote in lines[found.line]


def facts(text: str) -> dict[str, str]:
    return {fact.field: fact.value for fact in text_facts(next(paragraphs_of(text.split("\n"))), "Ada Hale")}


STATED = {
    "years in brackets": (
        "Ada Hale (10 May 1815 – 27 June 1852) was an English poet.",
        {"basic_info.occupation": "poet", "basic_info.era": "1815–1852", "living": "no"},
    ),
    "years in sentences": (
        "Ada Hale was a ship builder from Hull. She was born in Hull in 1815. She died on 3 May 1852.",
        {"basic_info.occupation": "ship builder", "basic_info.era": "1815–1852", "living": "no"},
    ),
    "years in one sentence": (
        "Ada Hale was born in 1815 and died in 1852.",
        {"basic_info.era": "1815–1852", "living": "no"},
    ),
    "someone alive": (
        "Ada Hale (born 12 May 1985) is a British runner.",
        {"basic_info.occupation": "runner", "living": "yes"},
    ),
    "someone born long ago": (
        "Ada Hale, born in 1790, was a nurse.",
        {"basic_info.occupation": "nurse", "living": "no"},
    ),
    "someone invented": (
        "Ada Hale is a fictional detective.",
        {"basic_info.occupation": "detective", "kind": "virtual", "living": "no"},
    ),
    "a full name with titles": (
        "Augusta Ada King, Countess of Hale (née Grey; 10 May 1815 – 27 June 1852), was an English poet and writer.",
        {"basic_info.occupation": "poet and writer", "basic_info.era": "1815–1852", "living": "no"},
    ),
    "a namesake's house": ("The house of Ada was a mill built in 1810.", {}),
    "another's death": ("Ada Hale was a nurse. Her father died in 1810.", {"basic_info.occupation": "nurse"}),
    "another's birth": ("Ada Hale was a nurse. Her son was born in 1810.", {"basic_info.occupation": "nurse"}),
    "another's trade": ("Ada Hale's mother was a teacher.", {}),
    "weather": ("It was a dark and stormy night.", {}),
    "no trade": ("Ada Hale was a woman of few words.", {}),
    "a long phrase": ("Ada Hale was a more or less tolerably well paid clerk.", {}),
}


@pytest.mark.parametrize(("text", "expected"), STATED.values(), ids=STATED)
def test_only_what_is_stated_of_the_character_is_a_fact(text: str, expected: dict[str, str]) -> None:
    """What is said of others, or in other forms, is left to the model."""
    assert facts(text) == expected


def test_the_place_of_a_fact_is_its_own_line() -> None:
    """Not the first line of the paragraph."""
    opening = next(paragraphs_of(["Ada Hale was a nurse.", "She died in 1852."]))
    assert {fact.field: fact.line for fact in text_facts(opening, "Ada Hale")} == {
        "basic_info.occupation": 0,
        "living": 1,
    }


def test_a_long_text_is_cut_to_the_passages_about_the_character_where_that_is_asked_for(tmp_path: Path) -> None:
    """The weather goes, the gap shows, the order stays, nothing stands twice; else the text is whole."""
    weather = [f"It rained on day {day}. " * 40 for day in range(20)]
    told = ["Ada came.", *weather[:10], "Ada spoke to Ada.", "Ada left.", *weather[10:], "Ada died."]
    kept = list(passages_about("Ada Hale", told, 3_000))
    assert sum(len(one) for _, one in kept) <= 3_000
    assert [one for _, one in kept].count("Ada spoke to Ada.") == 1
    assert kept == sorted(kept)
    assert all(told[index] == one for index, one in kept)
    path = tmp_path / "ada.txt"
    path.write_text("Ada Hale\n\n" + "\n\n".join(told), encoding="utf-8")
    cut, whole = (next(text_characters(path, max_characters=most)) for most in (5_000, None))
    assert isinstance(cut, Character)
    assert isinstance(whole, Character)
    assert len(cut.text) <= 5_000
    assert GAP in cut.text
    assert whole.text == "\n\n".join(one.strip() for one in told)


def test_one_paragraph_that_is_too_long_is_cut_at_a_sentence() -> None:
    """Not in a word."""
    kept = list(passages_about("Ada", ["Ada counted to ten. " * 100], 210))
    assert kept == [(0, " ".join(["Ada counted to ten."] * 10))]


@given(st.lists(st.text(min_size=1, max_size=400), min_size=1, max_size=30), st.integers(1, 900))
@settings(max_examples=100, deadline=None)
def test_passages_cover_every_paragraph_and_the_cut_keeps_its_bound(paragraphs: list[str], most: int) -> None:
    """Neighbours share at most one paragraph, and what is kept is no longer than asked."""
    parts = passages(paragraphs, size=300)
    assert sorted({index for part in parts for index in part}) == list(range(len(paragraphs)))
    assert all(len(set(one) & set(two)) <= 1 for one, two in pairwise(parts))
    assert sum(len(one) for _, one in passages_about("Ada", paragraphs, most)) <= most


def test_a_file_gives_one_character_with_its_facts() -> None:
    """Name, trade, years and text; the licence is the source's."""
    found = list(text_characters(DATA / "ada-lovelace.md", licence="CC0-1.0", kind="historical"))
    assert len(found) == 1
    ada = found[0]
    assert isinstance(ada, Character)
    assert ada.facts == {
        "kind": "historical",
        "name": "Ada Lovelace",
        "basic_info": {"occupation": "mathematician and writer", "era": "1815–1852"},
    }
    assert ada.living is False
    assert ada.source.licence == "CC0-1.0"
    assert "#" not in ada.text
    assert "stubborn, merry" in ada.text


def test_markup_is_taken_out_of_the_text(tmp_path: Path) -> None:
    """Links, bold and note numbers are not what the model should read."""
    path = tmp_path / "ada.txt"
    path.write_text("'''Ada''' was a [[Poetry|poet]] of [Hull](http://x) and **loved** the sea.[12]", encoding="utf-8")
    found = next(text_characters(path))
    assert isinstance(found, Character)
    assert found.text == "Ada was a poet of Hull and loved the sea."


def test_years_behind_a_name_in_bold_are_read(tmp_path: Path) -> None:
    """A page's first sentence often has its name in bold; the place of what is read stays the line in the file."""
    path = tmp_path / "ida.md"
    path.write_text("# Ida Lind\n\n**Ida Lind** (1842–1911) was an American lighthouse keeper.\n", encoding="utf-8")
    found = next(text_characters(path))
    assert isinstance(found, Character)
    assert found.facts["basic_info"]["era"] == "1842–1911"
    assert ("basic_info.era", "ida.md:3") in [(item.field, item.place) for item in found.evidence]


def test_a_folder_keeps_bad_files_aside(tmp_path: Path) -> None:
    """An empty file, a heading alone and a binary one each say why."""
    (tmp_path / "a.txt").write_text("Ada Hale\n\nAda Hale was a nurse in the north.", encoding="utf-8")
    (tmp_path / "b.txt").write_bytes(b"")
    (tmp_path / "c.txt").write_text("# Ada Hale\n", encoding="utf-8")
    (tmp_path / "d.txt").write_bytes(b"\x00\x01\x02")
    found = list(text_characters(tmp_path))
    bad = {item.place: item.reason for item in found if isinstance(item, BadRecord)}
    assert bad["b.txt"] == bad["c.txt"] == bad["d.txt"] == "no text about anyone in it"
    assert "NUL" in bad["d.txt:1"]
    with pytest.raises(SourceError, match="no text about anyone"):
        list(text_characters(tmp_path / "b.txt"))
