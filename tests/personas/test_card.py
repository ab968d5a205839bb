"""The card, its id, and how facts and written data become one."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from castwright.personas.card import PersonaCard, Source, card_digest
from castwright.personas.character import Character, complete_card, merge_facts

LEAST: dict[str, Any] = {"name": "Ada", "traits": ["calm"], "background": "Keeps bees."}


def test_the_id_is_a_digest_of_the_content() -> None:
    """The same character from two sources has one id; a changed trait makes another card."""
    card = PersonaCard.model_validate(LEAST)
    elsewhere = PersonaCard.model_validate(LEAST | {"source": {"dataset": "other", "record": "x:1"}})
    changed = PersonaCard.model_validate(LEAST | {"traits": ["wild"]})
    assert card.persona_id == elsewhere.persona_id == card_digest(card.content())
    assert card.persona_id != changed.persona_id
    assert card.persona_id.startswith("p-")
    assert len(card.persona_id) == 18


def test_a_row_makes_the_same_card() -> None:
    """as_row and content are plain JSON data that validate again."""
    card = PersonaCard.model_validate(
        LEAST | {"dialogue_style": {"register": "formal"}, "source": Source(dataset="d", licence="mit")}
    )
    assert PersonaCard.model_validate(card.as_row()) == card
    assert PersonaCard.model_validate(card.content()).persona_id == card.persona_id
    assert card.as_row()["dialogue_style"]["register"] == "formal"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"name": ""}, id="no name"),
        pytest.param({"name": " \x1c "}, id="a name of white space and control characters"),
        pytest.param({"name": "x" * 201}, id="an endless name"),
        pytest.param({"background": " \x1f\n"}, id="a blank background"),
        pytest.param({"traits": []}, id="no traits"),
        pytest.param({"traits": ["", "  "]}, id="blank traits only"),
        pytest.param({"traits": "calm"}, id="a text as traits"),
        pytest.param({"traits": [["calm"]]}, id="a list in the traits"),
        pytest.param({"kind": "robot"}, id="an unknown kind"),
        pytest.param({"language": ""}, id="no language"),
        pytest.param({"basic_info": {"age": -1}}, id="a negative age"),
        pytest.param({"dialogue_style": {"register": "slangy"}}, id="an unknown register"),
        pytest.param({"colour": "red"}, id="a field no card has"),
    ],
)
def test_a_card_that_is_none_is_refused(changes: dict[str, Any]) -> None:
    """Missing, blank, unknown and out of bounds: each is a ValidationError."""
    with pytest.raises(ValidationError):
        PersonaCard.model_validate(LEAST | changes)


def test_blank_items_are_dropped_from_every_list() -> None:
    """What says nothing is not in the card, so it cannot change its id."""
    card = PersonaCard.model_validate(
        LEAST
        | {"traits": ["", "calm", " "], "example_lines": [" \n"], "basic_info": {"relationships": [""]}}
        | {"dialogue_style": {"catchphrases": ["", "Hm."], "quirks": ["\x1d"]}}
    )
    assert card.traits == ("calm",)
    assert card.dialogue_style.catchphrases == ("Hm.",)
    assert card.example_lines == card.basic_info.relationships == card.dialogue_style.quirks == ()
    assert PersonaCard.model_validate(card.content()).persona_id == card.persona_id


def test_facts_that_make_a_card_need_no_model() -> None:
    """Complete facts are a card with the character's source; partial or wrong ones are None."""
    source = Source(dataset="d", record="d.csv:2")
    card = complete_card(Character(facts=LEAST, source=source))
    assert card is not None
    assert card.source == source
    assert complete_card(Character(facts={"name": "Ada"}, text="Keeps bees.")) is None
    assert complete_card(Character(facts=LEAST | {"basic_info": {"age": "old"}})) is None


@pytest.mark.parametrize(
    ("facts", "merged"),
    [
        pytest.param({"name": "Bo"}, {"name": "Bo", "info": {"age": 3, "place": "X"}}, id="a fact replaces"),
        pytest.param({"info": {"age": 4}}, {"name": "Ada", "info": {"age": 4, "place": "X"}}, id="objects merge"),
        pytest.param(
            {"info": {"age": None}, "name": ""},
            {"name": "Ada", "info": {"age": 3, "place": "X"}},
            id="an empty fact is none",
        ),
        pytest.param(
            {"info": {"age": 0}, "ok": False},
            {"name": "Ada", "info": {"age": 0, "place": "X"}, "ok": False},
            id="zero and no are facts",
        ),
        pytest.param(
            {"traits": ["a"]},
            {"name": "Ada", "info": {"age": 3, "place": "X"}, "traits": ["a"]},
            id="a fact adds",
        ),
        pytest.param(
            {"name": {"first": "B"}},
            {"name": {"first": "B"}, "info": {"age": 3, "place": "X"}},
            id="an object replaces a text",
        ),
    ],
)
def test_facts_win_over_what_was_written(facts: dict[str, Any], merged: dict[str, Any]) -> None:
    """Known facts replace, empty ones do not, and neither input is changed."""
    written = {"name": "Ada", "info": {"age": 3, "place": "X"}}
    assert merge_facts(written, facts) == merged
    assert written == {"name": "Ada", "info": {"age": 3, "place": "X"}}
