"""A character becomes a persona card: the model writes what the source does not say; known facts win."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from pydantic import ValidationError

from castwright.generators.prompt import Message, load_prompt
from castwright.generators.step import ModelStep, Row
from castwright.generators.structured import read_object
from castwright.personas.card import PersonaCard
from castwright.personas.character import merge_facts

_FIELDS = frozenset(PersonaCard.model_fields) - {"persona_id"}


def read_card(reply: str, facts: dict[str, Any]) -> PersonaCard:
    """Return the card in a model's reply, with every known fact put in its place.

    Raises:
        ValueError: the reply holds no JSON object, or one that makes no card; says which field is wrong.
    """
    read = read_object(reply)
    known = {key: value for key, value in read.value.items() if key in _FIELDS}
    # a quote in a text makes its second half look like a key: in a repaired card an unknown one may be lost words
    strangers = [key for key in read.value if key not in PersonaCard.model_fields]
    if read.repaired and strangers:
        raise ValueError(
            f"the reply is no JSON object: repaired, it has a field {strangers[0][:40]!r} that no card has"
        )
    try:
        return PersonaCard.model_validate({**merge_facts(known, facts), "source": {}})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"the card's field {field} will not do: {first['msg']}") from None


class CardExtraction(ModelStep):
    """Fills `card` (JSON), `profile` and `identity` of rows with `facts` (JSON) and `text`."""

    empty: ClassVar[dict[str, Any]] = {"card": "", "profile": "", "identity": ""}

    @property
    def inputs(self) -> list[str]:
        return ["facts", "text"]

    def json_schema(self) -> dict[str, Any]:
        """Return the schema of the reply: a card without its id and source."""
        schema = PersonaCard.model_json_schema(by_alias=True)
        for name in ("persona_id", "source"):
            schema["properties"].pop(name)
        return schema

    def prompt(self, row: Row) -> list[Message] | None:
        """Return the messages for a character, or None for one that is a complete card already."""
        if row.get("card"):
            return None
        return load_prompt("card_extraction").messages(facts=row["facts"], text=row["text"])

    def parse(self, row: Row, text: str) -> Row:
        """Return the card's fields."""
        card = read_card(text, json.loads(row["facts"]))
        return {
            "card": json.dumps(card.content(), ensure_ascii=False, sort_keys=True),
            "profile": profile(card),
            "identity": identity(card),
        }


def identity(card: PersonaCard) -> str:
    """Return who a card is about, for exact duplicates: name, occupation, place and era."""
    info = card.basic_info
    return " | ".join((card.name, info.occupation, info.place, info.era))


def profile(card: PersonaCard) -> str:
    """Return what sets a card apart, for near-duplicates: who, traits, background.

    Labels and style words are left out: all cards share them, so they bring unlike characters nearer.
    """
    return f"{identity(card)}. {', '.join(card.traits)}. {card.background}"
