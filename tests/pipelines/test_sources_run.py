"""A run from each kind of source: cards come out whole, licences with them, and what is bad is kept aside."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from castwright.cli import app
from castwright.errors import SourceError
from castwright.personas.character import complete_card
from castwright.personas.tavern import tavern_characters
from castwright.pipelines import run_recipe
from castwright.pipelines.fingerprint import input_files
from castwright.pipelines.recipe_file import validate_recipe
from castwright.pipelines.stage import Context
from castwright.pipelines.stages import STAGE_BY_NAME

DATA = Path(__file__).parent.parent / "data"


def cards_of(tmp_path: Path, *sources: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the cards and the rejected rows of a run of the first stage, offline, living people among them."""
    recipe = {"name": "tiny", "stages": ["persona_cards"], "personas": {"count": None, "sources": list(sources)}}
    read = validate_recipe({**recipe, "persona_cards": {"living": "keep"}})
    run_recipe(read, tmp_path / "run")
    context = Context(read, tmp_path / "run")
    return list(context.rows("persona_cards")), list(context.rows("persona_cards", rejected=True))


def test_cards_of_chat_programs_become_persona_cards_and_go_out_again(tmp_path: Path) -> None:
    """The run keeps names, lines and licence; the command writes cards that read back as the same."""
    folder = tmp_path / "cards"
    folder.mkdir()
    (folder / "broken.json").write_text('{"name": "V')
    for file in (DATA / "tavern").rglob("*.json*"):
        (folder / file.name).write_bytes(file.read_bytes())
    cards, rejected = cards_of(tmp_path, {"kind": "tavern", "path": str(folder), "licence": "CC0-1.0"})
    assert {card["name"] for card in cards} == {"Marit Holm", "Ambrose Tell", "Captain Ilse Vorr", "Old Pell"}
    assert {card["source"]["licence"] for card in cards} == {"CC0-1.0"}
    assert [row["reason"] for row in rejected if "not valid JSON" in row["reason"]]
    marit = next(card for card in cards if card["name"] == "Marit Holm")
    assert marit["traits"] == ["patient", "dry-humoured", "stubborn"]
    assert "Lonely? I have the weather. It never once agreed with me." in marit["example_lines"]
    assert "{{" not in json.dumps(cards)
    for form in ("json", "png", "jsonl"):
        out = tmp_path / f"out.{form}"
        said = CliRunner().invoke(app, ["export-cards", str(tmp_path / "run"), str(out), "--format", form])
        assert said.exit_code == 0, said.output
        assert "wrote 4 cards" in said.output
        back = [complete_card(character) for character in tavern_characters(out)]  # type: ignore[arg-type]
        assert {card.persona_id for card in back if card} == {card["persona_id"] for card in cards}


def test_a_picture_is_for_pictures_only(tmp_path: Path) -> None:
    """--image without --format png is refused with the remedy."""
    said = CliRunner().invoke(app, ["export-cards", "run", "out", "--image", "a.png"])
    assert "--format png" in str(said.exception)


def test_people_of_an_entity_dump_become_persona_cards(tmp_path: Path) -> None:
    """Facts of the dump stand in the cards, with the address of the entity; the source's licence too."""
    dump = {"kind": "entities", "path": str(DATA / "entities" / "people.json"), "licence": "CC0-1.0"}
    cards, rejected = cards_of(tmp_path, dump)
    assert not rejected
    ada = next(card for card in cards if card["name"] == "Ada Lovelace")
    assert ada["basic_info"]["occupation"] == "mathematician, poet"
    assert (ada["kind"], ada["modern"], ada["basic_info"]["era"]) == ("historical", False, "19th century")
    assert ada["source"]["uri"] == "https://www.wikidata.org/wiki/Q7259"
    assert {card["source"]["licence"] for card in cards} == {"CC0-1.0"}
    assert len(cards) == 8


def test_one_line_personas_become_cards_of_their_own(tmp_path: Path) -> None:
    """People of one trade stay two cards with two names, nobody is dropped as a duplicate of another."""
    lines = tmp_path / "lines.txt"
    wishes = ("chess", "the sea", "old trains", "wild birds", "bread", "winter", "her sister", "long words")
    lines.write_text("".join(f"A math teacher who thinks of nothing but {wish}.\n" for wish in wishes) + "\x00\n")
    cards, rejected = cards_of(tmp_path, {"kind": "one_line", "path": str(lines), "licence": "CC0-1.0"})
    assert len({card["name"] for card in cards}) == len(cards) == len(wishes)
    assert {card["basic_info"]["occupation"] for card in cards} == {"math teacher"}
    assert {card["source"]["licence"] for card in cards} == {"CC0-1.0"}
    assert [row["parents"][0] for row in rejected] == ["lines.txt:9"]


def test_a_mixed_folder_is_one_source(tmp_path: Path) -> None:
    """Cards, people, lines and what is not known, from one key in the recipe."""
    folder = tmp_path / "mixed"
    shutil.copytree(DATA / "tavern", folder / "tavern")
    shutil.copytree(DATA / "entities", folder / "entities")
    shutil.copytree(DATA / "personas", folder / "personas")
    (folder / "notes.md").write_text("# Notes\n")
    cards, rejected = cards_of(tmp_path, {"kind": "folder", "path": str(folder), "licence": "CC0-1.0"})
    names = {card["name"] for card in cards}
    assert {"Marit Holm", "Ada Lovelace", "Sherlock Holmes"} <= names
    assert {card["source"]["dataset"] for card in cards} == {"mixed"}
    assert len(cards) == 4 + 8 + 5 + 2
    assert {row["parents"][0] for row in rejected} == {"notes.md", "personas/hub.jsonl:3"}


def test_a_stage_is_made_again_when_a_file_of_its_sources_changes() -> None:
    """Every file that a source names counts, the file of labels too; a source that names none is told so when read."""
    sources = (
        {"kind": "tavern", "path": "cards"},
        {"kind": "entities", "path": "dump.json", "labels": "labels.csv"},
        {"kind": "one_line", "path": "lines.txt"},
        {"kind": "one_line"},
        {"kind": "folder", "path": "mixed"},
    )
    recipe = validate_recipe({"name": "tiny", "personas": {"sources": list(sources)}})
    named = [str(path) for path in input_files(STAGE_BY_NAME["persona_cards"], recipe)]
    assert named == ["cards", "dump.json", "labels.csv", "lines.txt", "mixed"]


def test_one_line_personas_from_nowhere_are_one_clear_line(tmp_path: Path) -> None:
    """A source without path and name says what it needs."""
    with pytest.raises(SourceError, match="need a path"):
        cards_of(tmp_path, {"kind": "one_line"})


@pytest.mark.parametrize("choice", ["drop", "keep"])
def test_people_who_live_are_dropped_with_a_reason_unless_kept(tmp_path: Path, choice: str) -> None:
    """A dump that states a birth and no death describes a living person; no card is written for one that is dropped."""
    person = {
        "type": "item",
        "id": "Q9000001",
        "labels": {"en": {"language": "en", "value": "Mira Aldous"}},
        "descriptions": {"en": {"language": "en", "value": "glass painter from the coast"}},
        "modified": "2024-01-01T00:00:00Z",
        "claims": {
            "P31": [claim({"entity-type": "item", "numeric-id": 5, "id": "Q5"}, "wikibase-entityid")],
            "P569": [claim({"time": "+1985-02-03T00:00:00Z", "precision": 11}, "time")],
        },
    }
    dump = tmp_path / "dump.json"
    dump.write_text(json.dumps([person]), encoding="utf-8")
    ada = {"kind": "entities", "path": str(DATA / "entities" / "people.json")}
    recipe = {
        "name": "tiny",
        "stages": ["persona_cards"],
        "persona_cards": {"living": choice},
        "personas": {"count": None, "sources": [ada, {"kind": "entities", "path": str(dump)}]},
    }
    read = validate_recipe(recipe)
    run_recipe(read, tmp_path / "run")
    context = Context(read, tmp_path / "run")
    kept = {row["name"] for row in context.rows("persona_cards")}
    dropped = {row["name"]: row for row in context.rows("persona_cards", rejected=True)}
    assert ("Mira Aldous" in kept) == (choice == "keep")
    assert "Ada Lovelace" in kept
    if choice == "drop":
        assert dropped["Mira Aldous"]["filter"] == "living_person"
        assert "living: keep" in dropped["Mira Aldous"]["reason"]


def claim(value: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return one claim as a Wikidata dump writes it."""
    return {"mainsnak": {"snaktype": "value", "datavalue": {"value": value, "type": kind}}, "rank": "normal"}


def test_characters_of_scripts_novels_and_pages_become_persona_cards(tmp_path: Path) -> None:
    """Each kind by itself, and all of them as one folder: a character's own lines are its example lines."""
    texts = DATA / "characters"
    kinds = {"script": "macaroons.txt", "novel": "assembly.txt", "text": "ada-lovelace.md"}
    sources = [{"kind": kind, "path": str(texts / file), "min_lines": 2} for kind, file in kinds.items()]
    sources[2].pop("min_lines")
    cards, _ = cards_of(tmp_path, *sources)
    assert {card["source"]["dataset"] for card in cards} == {Path(file).stem for file in kinds.values()}
    assert "Ada Lovelace" in {card["name"] for card in cards}
    said = (texts / "macaroons.txt").read_text(encoding="utf-8")
    spoken = [line for card in cards if card["source"]["dataset"] == "macaroons" for line in card["example_lines"]]
    assert spoken
    assert all(" ".join(line.split()) in " ".join(said.split()) for line in spoken)
    together, _ = cards_of(tmp_path / "folder", {"kind": "folder", "path": str(texts)})
    assert {"Ada Lovelace"} < {card["name"] for card in together}
