"""The persona card: the validated profile of one character.

A card is frozen data with no behaviour: rendering lives in `render`, reading in `sources`, sampling in
`grid`. Its id is a digest of its content, so the same character from two runs has one id and a changed
trait makes a new card (rejected: a running number, which breaks lineage when a source is reordered).
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Kind = Literal["historical", "screen", "virtual", "original"]
Register = Literal["casual", "neutral", "formal", "archaic"]
SentenceLength = Literal["short", "medium", "long"]

KINDS: tuple[str, ...] = get_args(Kind)
REGISTERS: tuple[str, ...] = get_args(Register)
SENTENCE_LENGTHS: tuple[str, ...] = get_args(SentenceLength)


def _without_blanks(values: Any) -> Any:
    """Drop blank texts before the length of a list is checked: a card of blank traits has no traits."""
    if not isinstance(values, (list, tuple)):
        return values
    return tuple(value for value in values if not isinstance(value, str) or value.strip())


def _stripped(value: Any) -> Any:
    """Strip all that Python takes for white space (pydantic leaves control characters such as 0x1c)."""
    return value.strip() if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_without_blanks)]
Stripped = Annotated[str, BeforeValidator(_stripped)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class BasicInfo(_Frozen):
    """Who the character is. `age` is in years and None where it has no meaning (a god, a house)."""

    age: int | None = Field(default=None, ge=0, le=10_000)
    gender: str = ""
    occupation: str = ""
    place: str = ""
    era: str = ""
    relationships: Texts = ()


class DialogueStyle(_Frozen):
    """How the character speaks."""

    register_: Register = Field(default="neutral", alias="register")
    sentence_length: SentenceLength = "medium"
    catchphrases: Texts = ()
    quirks: Texts = ()

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
    name: Stripped = Field(min_length=1, max_length=200)
    kind: Kind = "original"
    modern: bool = True
    language: Stripped = Field(default="en", min_length=1)
    basic_info: BasicInfo = BasicInfo()
    traits: Texts = Field(min_length=1)
    dialogue_style: DialogueStyle = DialogueStyle()
    background: Stripped = Field(min_length=1)
    example_lines: Texts = ()
    source: Source = Source()

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
