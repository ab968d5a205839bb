"""Files that a recipe only names count with what is in them: lists for filters, tables to fill up."""

from __future__ import annotations

from pathlib import Path

from castwright.personas.character import Character, complete_card
from castwright.personas.sources import GridSource, read_characters
from castwright.personas.store import write_cards
from castwright.pipelines.curate import STAGE as CURATE
from castwright.pipelines.fingerprint import fingerprint, input_files
from castwright.pipelines.persona_cards import STAGE as PERSONA_CARDS
from castwright.pipelines.recipe import Recipe
from castwright.pipelines.recipe_file import validate_recipe
from castwright.pipelines.stage import Context


def recipe_with(names: Path, section: str) -> Recipe:
    """Return a recipe whose section screens names by a file."""
    spec = {"name": "named_persons", "options": {"names_file": str(names)}}
    return validate_recipe({"name": "r", section: {"filters": [spec]}})


def test_a_changed_list_makes_the_stage_again(tmp_path: Path) -> None:
    """The path is the same and the names are not: the fingerprint says so, for curation and for cards."""
    names = tmp_path / "people.txt"
    for stage, section in ((CURATE, "curate"), (PERSONA_CARDS, "persona_cards")):
        context = Context(recipe_with(names, section), tmp_path / "run")
        names.write_text("Ann Example\n", encoding="utf-8")
        before = fingerprint(stage, context)
        assert fingerprint(stage, context) == before
        names.write_text("Bob Example\n", encoding="utf-8")
        assert fingerprint(stage, context) != before


def test_a_table_to_fill_up_counts_beside_the_tables_of_the_grid(tmp_path: Path) -> None:
    """`against` is an input of the stage, and the shipped tables stay one."""
    source = {"kind": "grid", "against": str(tmp_path / "cards.parquet")}
    found = input_files(PERSONA_CARDS, validate_recipe({"name": "r", "personas": {"sources": [source]}}))
    assert tmp_path / "cards.parquet" in found
    assert any(path.name == "grid" for path in found)


def test_a_grid_fills_up_what_is_thin_in_a_table(tmp_path: Path) -> None:
    """Against a table of women alone, most characters drawn are not women; without it about half are."""
    women = [c for c in read_characters(GridSource(), count=400, seed=1) if isinstance(c, Character)]
    cards = [
        complete_card(c.model_copy(update={"facts": {**c.facts, "background": "Somebody."}}))
        for c in women
        if c.facts["basic_info"]["gender"] == "woman"
    ]
    write_cards([card for card in cards if card], tmp_path / "women.parquet")

    def share(source: GridSource) -> float:
        drawn = [c for c in read_characters(source, count=100, seed=2) if isinstance(c, Character)]
        return sum(c.facts["basic_info"]["gender"] == "woman" for c in drawn) / len(drawn)

    assert share(GridSource(against=str(tmp_path / "women.parquet"))) < 0.2 < share(GridSource())
