"""Filters over cards while they pass: they see a card's fields as columns, and rows keep only the verdict."""

from __future__ import annotations

import json
from typing import Any

import pytest

from castwright.errors import RecipeError
from castwright.filters.run import FilterSpec
from castwright.generators.models.offline import OfflineLLM
from castwright.personas.card import BasicInfo, DialogueStyle, PersonaCard
from castwright.personas.character import Character
from castwright.pipelines import character_row, persona_cards, run_local
from castwright.pipelines.card_screening import card_columns, screened
from castwright.pipelines.recipe_file import validate_recipe

CARD = PersonaCard(
    name="Odile Marchetti",
    traits=("patient", "wry"),
    background="Odile has baked by the harbour for thirty years and knows every boat by its horn.",
    basic_info=BasicInfo(age=51, occupation="baker", place="Ghent", relationships=("sister of Bram",)),
    dialogue_style=DialogueStyle(register="casual", catchphrases=("Bread first.",), quirks=("hums",)),
    example_lines=("Morning.",),
)
COLUMNS = {
    *("name", "kind", "modern", "language", "age", "gender", "occupation", "place", "era", "relationships"),
    *("traits", "register", "catchphrases", "quirks", "background", "example_lines", "text"),
}
SHORT = FilterSpec(name="length", options={"column": "background", "min_words": 5, "max_words": 600})


def row_of(of: PersonaCard, **changes: Any) -> dict[str, Any]:
    return {**character_row(Character(facts=of.content(), text="The source says so.")), **changes}


def test_a_filter_sees_every_field_of_a_card_as_a_plain_column() -> None:
    """The columns are those that the recipes' page names, with the values of the card."""
    columns = card_columns(row_of(CARD))
    assert set(columns) >= COLUMNS
    assert (columns["age"], columns["register"], columns["quirks"]) == (51, "casual", ["hums"])
    assert (columns["relationships"], columns["text"]) == (["sister of Bram"], "The source says so.")


def test_a_row_without_a_card_has_empty_columns_and_keeps_its_reason() -> None:
    """What was dropped before is not judged again."""
    row = row_of(CARD, card="", verdict="drop", filter="card_extraction", reason="no reply", score=None)
    assert card_columns(row)["name"] is None
    (judged,) = screened([row], [SHORT])
    assert (judged["filter"], judged["reason"]) == ("card_extraction", "no reply")


def test_rows_keep_their_keys_and_get_a_verdict() -> None:
    """A card that a filter refuses is dropped with its reason; nothing of the columns stays in the row."""
    short = CARD.model_copy(update={"persona_id": "", "background": "A baker."})
    kept, dropped = screened([row_of(CARD), row_of(short)], [SHORT])
    assert kept == {**row_of(CARD), "score": None}
    assert set(dropped) == set(kept)
    assert (dropped["verdict"], dropped["filter"]) == ("drop", "length")
    assert json.loads(dropped["card"])["background"] == "A baker."


def test_the_graph_screens_before_it_looks_for_duplicates() -> None:
    """The first of two cards of one character is refused, so the second is nobody's duplicate."""
    first = CARD.model_copy(update={"background": "A baker."})
    rows = [row_of(first), row_of(CARD)]
    made = run_local(persona_cards(rows, llm=OfflineLLM(), filters=[SHORT.model_dump()])).rows
    assert [row["filter"] for row in made] == ["length", ""]


@pytest.mark.parametrize("name", ["exact_duplicates", "near_duplicates"])
def test_a_filter_that_compares_cards_is_refused_with_the_remedy(name: str) -> None:
    """Cards pass in batches, so what compares them has its own place."""
    options = {"columns": ["name"]}
    with pytest.raises(RecipeError, match=f"{name} compares cards.*near_duplicate"):
        validate_recipe({"name": "mine", "persona_cards": {"filters": [{"name": name, "options": options}]}})
