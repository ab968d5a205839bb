"""What a model is asked to write as a card, and how its reply is read: values, each with the quote that shows it.

The quote stands in the same object as the value and before it: a list of evidence beside the card loses its
place in long replies, and a value that is written first gets a quote made up to fit. The schema has only what
strict structured output takes everywhere (all keys required, none beside them, no bounds, no formats); bounds are
checked by the card's own model afterwards. A reply may hold bare values in place of objects, as models without
structured output write them: they are values without a quote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from castwright.generators.structured import read_object
from castwright.personas.card import KINDS, REGISTERS, SENTENCE_LENGTHS, PersonaCard
from castwright.personas.character import merge_facts
from castwright.personas.speech_words import sentences_of

_FIELDS = frozenset(PersonaCard.model_fields) - {"persona_id"}
_CLAIM = frozenset(("quote", "value"))


@dataclass(frozen=True, slots=True)
class Claim:
    """What a model says that a source shows: the card's field, its value as text, the words. Not checked yet."""

    field: str
    value: str
    quote: str


@dataclass(frozen=True, slots=True)
class Written:
    """The card in a reply, with every known fact in its place, and what the model claims to have read it from."""

    card: PersonaCard
    claims: tuple[Claim, ...]


def card_schema() -> dict[str, Any]:
    """Return the JSON schema of the reply: a card without its id and source, its values with their quotes."""
    text = {"type": "string"}
    age = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    info = {name: _claim(text) for name in ("gender", "occupation", "place", "era")}
    return shape(
        {
            "name": text,
            "kind": _one_of(KINDS),
            "modern": {"type": "boolean"},
            "language": text,
            "basic_info": shape({"age": _claim(age), **info, "relationships": list_of(_claim(text))}),
            "traits": list_of(_claim(text)),
            "dialogue_style": shape(
                {
                    "register": _claim(_one_of(REGISTERS)),
                    "sentence_length": _claim(_one_of(SENTENCE_LENGTHS)),
                    "catchphrases": list_of(text),
                    "quirks": list_of(_claim(text)),
                }
            ),
            "background": list_of(_claim(text)),
            "example_lines": list_of(text),
        }
    )


def shape(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with exactly these properties, as strict structured output wants it."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def list_of(items: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def _claim(value: dict[str, Any]) -> dict[str, Any]:
    return shape({"quote": {"type": "string"}, "value": value})


def _one_of(values: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


def read_written(reply: str, facts: dict[str, Any]) -> Written:
    """Return the card in a model's reply, with every known fact put in its place, and its claims.

    Raises:
        ValueError: the reply holds no JSON object, or one that makes no card; says which field is wrong.
    """
    read = read_object(reply)
    # a quote in a text makes its second half look like a key: in a repaired card an unknown one may be lost words
    strangers = list(_strange_keys(read.value)) if read.repaired else []
    if strangers:
        raise ValueError(
            f"the reply is no JSON object: repaired, it has a field {strangers[0][:40]!r} that no card has"
        )
    claims: list[Claim] = []
    known = {key: _value(key, value, claims) for key, value in read.value.items() if key in _FIELDS}
    if isinstance(known.get("background"), list):
        known["background"] = " ".join(str(one).strip() for one in known["background"] if str(one or "").strip())
    try:
        card = PersonaCard.model_validate({**merge_facts(_without_nulls(known), facts), "source": {}})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"the card's field {field} will not do: {first['msg']}") from None
    return Written(card, tuple(claims))


def _value(field: str, value: Any, claims: list[Claim]) -> Any:
    """Return a value without its quotes, which are put among the claims."""
    if isinstance(value, list):
        return [one for one in (_value(field, item, claims) for item in value) if one is not None]
    if not isinstance(value, dict):
        return value
    if "value" not in value:
        return {key: _value(f"{field}.{key}", item, claims) for key, item in value.items()}
    told, quote = value["value"], value.get("quote")
    if told in ("...", "…"):  # the dots of the shape that was asked for, copied
        return ""
    if isinstance(quote, str) and quote.strip() and isinstance(told, (str, int)):
        # a background is kept as sentences, and a claim may be for two of them
        parts = sentences_of(told) if field == "background" and isinstance(told, str) else [str(told)]
        claims += [Claim(field, part, quote) for part in parts]
    return told


def _without_nulls(known: dict[str, Any]) -> dict[str, Any]:
    """Return data in which what a model said is nothing is left out where a card has a text there."""
    kept: dict[str, Any] = {}
    for key, value in known.items():
        if isinstance(value, dict):
            kept[key] = {name: one for name, one in value.items() if one is not None}
        else:
            kept[key] = value
    return kept


def _strange_keys(reply: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of a reply that no card has, and those beside a value and its quote."""
    yield from (key for key in reply if key not in PersonaCard.model_fields)
    yield from _strange_parts(reply)


def _strange_parts(value: Any) -> Iterator[str]:
    """Yield the keys of objects with a value and a quote that are neither."""
    if isinstance(value, Mapping):
        if "value" in value or "quote" in value:
            yield from (str(key) for key in value if key not in _CLAIM)
        for part in value.values():
            yield from _strange_parts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strange_parts(part)
