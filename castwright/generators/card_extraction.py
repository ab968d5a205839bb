"""A character becomes a persona card: the model writes what the source does not say; known facts win."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

from pydantic import ValidationError

from castwright.generators.prompt import Message, load_prompt
from castwright.generators.step import ModelStep, Row
from castwright.personas.card import PersonaCard
from castwright.personas.character import merge_facts

_FENCED = re.compile(r"```(?:json)?\s*(\{.*\})\s*```", re.DOTALL)


def read_card(reply: str, facts: dict[str, Any]) -> PersonaCard:
    """Return the card in a model's reply, with every known fact put in its place.

    Raises:
        ValueError: the reply holds no JSON object, or one that makes no card; says which field is wrong.
    """
    fenced = _FENCED.search(reply)
    text = fenced.group(1) if fenced else reply[reply.find("{") : reply.rfind("}") + 1]
    try:
        written = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"the reply is no JSON object: {error.msg} at character {error.pos}") from None
    if not isinstance(written, dict):
        raise ValueError(f"the reply is a JSON {type(written).__name__}, not an object")
    known = {key: value for key, value in written.items() if key in PersonaCard.model_fields and key != "persona_id"}
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
