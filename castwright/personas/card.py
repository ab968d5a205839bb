"""The persona card: the validated profile of one character.

A card is frozen data with no behaviour: rendering lives in `render`, reading in `sources`, sampling in
`grid`. Its id is a digest of its content, so the same character from two runs has one id and a changed
trait makes a new card (rejected: a running number, which breaks lineage when a source is reordered).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Kind = Literal["historical", "screen", "virtual", "original"]
Register = Literal["casual", "neutral", "formal", "archaic"]
SentenceLength = Literal["short", "medium", "long"]

KINDS: tuple[str, ...] = get_args(Kind)
REGISTERS: tuple[str, ...] = get_args(Register)
SENTENCE_LENGTHS: tuple[str, ...] = get_args(SentenceLength)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class BasicInfo(_Frozen):
    """Who the character is. `age` is in years and None where it has no meaning (a god, a house)."""

    age: int | None = Field(default=None, ge=0, le=10_000)
    gender: str = ""
    occupation: str = ""
    place: str = ""
    era: str = ""
    relationships: tuple[str, ...] = ()


class DialogueStyle(_Frozen):
    """How the character speaks."""

    register_: Register = Field(default="neutral", alias="register")
    sentence_length: SentenceLength = "medium"
    catchphrases: tuple[str, ...] = ()
    quirks: tuple[str, ...] = ()

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, populate_by_name=True)


class Source(_Frozen):
    """Where the character came from; `record` is its place there ("file.csv:12")."""

    dataset: str = ""
    record: str = ""
    uri: str = ""
    licence: str = "unknown"


class PersonaCard(_Frozen):
    """The profile of one character (NGENT section 4.2.1: basic information, characteristics, dialogue style).

    Raises:
        pydantic.ValidationError: a field is missing, of the wrong type or outside its values.
    """

    persona_id: str = ""
    name: str = Field(min_length=1, max_length=200)
    kind: Kind = "original"
    modern: bool = True
    language: str = "en"
    basic_info: BasicInfo = BasicInfo()
    traits: tuple[str, ...] = Field(min_length=1)
    dialogue_style: DialogueStyle = DialogueStyle()
    background: str = Field(min_length=1)
    example_lines: tuple[str, ...] = ()
    source: Source = Source()

    @field_validator("traits", "example_lines")
    @classmethod
    def _no_blanks(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(value for value in values if value)

    @model_validator(mode="after")
    def _fill_id(self) -> PersonaCard:
        if not self.persona_id:
            object.__setattr__(self, "persona_id", card_digest(self.content()))
        return self

    def content(self) -> dict[str, Any]:
        """Return what the character is, as JSON-ready data: everything but its id and its source."""
        return self.model_dump(mode="json", by_alias=True, exclude={"persona_id", "source"})

    def as_row(self) -> dict[str, Any]:
        """Return the card as one JSON-ready row of the `personas` table."""
        return self.model_dump(mode="json", by_alias=True)


def card_digest(content: dict[str, Any]) -> str:
    """Return the persona id of a card's content: "p-" and 16 hex characters of its SHA-256."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return "p-" + hashlib.sha256(text.encode()).hexdigest()[:16]
