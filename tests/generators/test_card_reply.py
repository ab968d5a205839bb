"""The shape of a card's reply: what strict structured output takes, and what models write instead."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from castwright.generators.card_reply import Claim, card_schema, read_written
from castwright.generators.character_notes import notes_schema

REPLY: dict[str, Any] = {
    "name": "Ada Hale",
    "kind": "historical",
    "modern": False,
    "language": "en",
    "basic_info": {
        "age": {"quote": "aged 36", "value": 36},
        "gender": {"quote": "", "value": "woman"},
        "occupation": {"quote": "was a nurse", "value": "nurse"},
        "place": {"quote": "", "value": ""},
        "era": {"quote": "", "value": "1850s"},
        "relationships": [{"quote": "her sister Jane", "value": "sister Jane"}],
    },
    "traits": [{"quote": "patient in grief", "value": "patient"}, {"quote": "", "value": "dry"}],
    "dialogue_style": {
        "register": {"quote": "", "value": "formal"},
        "sentence_length": {"quote": "", "value": "long"},
        "catchphrases": ["Not yet."],
        "quirks": [{"quote": "she counted", "value": "counts aloud"}],
    },
    "background": [
        {"quote": "She nursed.", "value": "She was a nurse. She nursed at sea."},
        {"quote": "", "value": "She died old."},
    ],
    "example_lines": ["Not yet."],
}


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema inside a schema."""
    if isinstance(schema, dict):
        if "type" in schema or "anyOf" in schema:
            yield schema
        for part in schema.values():
            yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


@pytest.mark.parametrize("schema", [card_schema(), notes_schema()], ids=["card", "notes"])
def test_the_schemas_are_within_strict_structured_output(schema: dict[str, Any]) -> None:
    """All keys required, none beside them, no reference, bound, format or default, an object at the root."""
    assert schema["type"] == "object"
    found = list(objects(schema))
    assert len(found) > 4
    for part in found:
        assert set(part) <= {"type", "properties", "required", "additionalProperties", "items", "enum", "anyOf"}
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])
    claims = [part for part in found if list(part.get("properties", ())) == ["quote", "value"]]
    assert schema is not card_schema()
    assert len(claims) in (0, 11)


def test_values_are_read_with_their_quotes() -> None:
    """A quote of nothing is no claim; a background's claim is for each of its sentences."""
    written = read_written(json.dumps(REPLY), {})
    assert written.card.basic_info.age == 36
    assert written.card.traits == ("patient", "dry")
    assert written.card.background == "She was a nurse. She nursed at sea. She died old."
    assert written.claims == (
        Claim("basic_info.age", "36", "aged 36"),
        Claim("basic_info.occupation", "nurse", "was a nurse"),
        Claim("basic_info.relationships", "sister Jane", "her sister Jane"),
        Claim("traits", "patient", "patient in grief"),
        Claim("dialogue_style.quirks", "counts aloud", "she counted"),
        Claim("background", "She was a nurse.", "She nursed."),
        Claim("background", "She nursed at sea.", "She nursed."),
    )


def test_bare_values_are_values_without_a_quote() -> None:
    """As models write them that follow no schema; a null among texts is nothing."""
    bare = {"name": "Ada", "traits": ["patient", None], "background": "She nursed.", "basic_info": {"place": None}}
    written = read_written(json.dumps(bare), {})
    assert (written.card.traits, written.card.basic_info.place, written.claims) == (("patient",), "", ())


def test_dots_copied_from_the_prompt_are_nothing() -> None:
    """A small model may repeat the shape where it knows nothing."""
    copied = {
        **REPLY,
        "basic_info": {"place": {"quote": "...", "value": "..."}},
        "traits": [*REPLY["traits"], {"quote": "...", "value": "..."}],
    }
    written = read_written(json.dumps(copied), {})
    assert (written.card.basic_info.place, written.card.traits) == ("", ("patient", "dry"))
    assert not [claim for claim in written.claims if claim.quote == "..."]


def test_facts_win_over_values_with_quotes() -> None:
    """The whole list of a fact replaces the model's."""
    written = read_written(json.dumps(REPLY), {"traits": ["brave"], "basic_info": {"age": 40}})
    assert (written.card.traits, written.card.basic_info.age) == (("brave",), 40)
    assert written.card.basic_info.occupation == "nurse"


def test_a_repaired_reply_with_a_strange_key_beside_a_quote_is_refused() -> None:
    """Half of a quote may have become a key."""
    reply = json.dumps(REPLY).replace('"value": "patient"', '"value": "patient", "so she": "was"')
    assert read_written(reply, {}).card.name == "Ada Hale"
    with pytest.raises(ValueError, match="repaired, it has a field 'so she'"):
        read_written(reply[:-1] + ",}", {})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"basic_info": {"age": {"quote": "", "value": -3}}}, "basic_info.age", id="an age below nothing"),
        pytest.param({"traits": []}, "traits", id="no traits"),
        pytest.param({"background": []}, "background", id="no background"),
        pytest.param({"kind": "hero"}, "kind", id="a kind there is not"),
    ],
)
def test_what_makes_no_card_says_which_field(change: dict[str, Any], field: str) -> None:
    """So that the model can be told."""
    with pytest.raises(ValueError, match=f"the card's field {field} will not do"):
        read_written(json.dumps({**REPLY, **change}), {})
