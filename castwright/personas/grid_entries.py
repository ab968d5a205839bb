"""What one entry of the grid's tables is: a name table, a place, an occupation, a quirk, a relationship.

Each model checks itself alone; what one section names and another must have is checked in `grid_tables`. Keys
that a table may leave out have the value that means "everywhere, for anyone, as often as the others".
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from castwright.personas.card import Register

Gender = Literal["woman", "man", "non-binary"]
GENDERS: tuple[str, ...] = get_args(Gender)
Text = Annotated[str, Field(min_length=1)]
Words = Annotated[tuple[Text, ...], Field(min_length=1)]
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Years = Annotated[int, Field(ge=0, le=150)]

OLDEST = 120  # years; every age up to it needs a register band
_PLACEHOLDER = re.compile(r"\{(\w*)\}")


class Entry(BaseModel):
    """Frozen, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class NameTable(Entry):
    """The names of one culture; `elder_*` are borne by those aged 60 and over, `pattern` joins the parts."""

    women: Words
    men: Words
    neutral: tuple[Text, ...] = ()
    elder_women: tuple[Text, ...] = ()
    elder_men: tuple[Text, ...] = ()
    family: tuple[Text, ...] = ()
    family_women: tuple[Text, ...] = ()
    pattern: Text = "{given} {family}"
    pattern_women: str = ""

    @model_validator(mode="after")
    def _patterns_can_be_filled(self) -> NameTable:
        for pattern in filter(None, (self.pattern, self.pattern_women)):
            parts = set(_PLACEHOLDER.findall(pattern))
            if "given" not in parts or parts - {"given", "family"}:
                raise ValueError(f"pattern {pattern!r} must hold {{given}} and may hold {{family}}, nothing else")
            if "family" in parts and not self.family:
                raise ValueError(f"pattern {pattern!r} needs a list `family`")
        return self


class Place(Entry):
    """A modern place: which naming cultures live there, more tags, how frequent it is."""

    names: dict[str, Weight] = Field(min_length=1)
    tags: tuple[Text, ...] = ()
    weight: Weight = 1.0


class _Ages(Entry):
    ages: tuple[Years, Years]

    @field_validator("ages")
    @classmethod
    def _in_order(cls, ages: tuple[int, int]) -> tuple[int, int]:
        if ages[0] > ages[1]:
            raise ValueError(f"the youngest age, {ages[0]}, is above the oldest, {ages[1]}")
        return ages


class Occupation(_Ages):
    """An occupation: its ages in years (`[a, b]` is short for it), where it exists, what it leans towards.

    `given` multiplies its weight where a tag holds or for a gender: `{coast: 3, woman: 0.5}`.
    """

    weight: Weight = 1.0
    given: dict[Text, Weight] = Field(default_factory=dict)
    only: tuple[Text, ...] = ()
    gender: Gender | None = None
    unmarried: bool = False
    metaphor: str = ""
    register_: Register | None = Field(default=None, alias="register")
    leans: tuple[Text, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"ages": value} if isinstance(value, (list, tuple)) else value


class OccupationField(Entry):
    """A field of occupations; `only`, `weight` and `given` hold for all its jobs, the rest are defaults."""

    weight: Weight = 1.0
    given: dict[Text, Weight] = Field(default_factory=dict)
    only: tuple[Text, ...] = ()
    leans: tuple[Text, ...] = ()
    metaphor: str = ""
    register_: Register | None = Field(default=None, alias="register")
    jobs: dict[Text, Occupation] = Field(min_length=1)


class Setting(Entry):
    """A historical setting: a place in an era, with its names, registers and occupations."""

    place: Text
    era: Text
    names: dict[str, Weight] = Field(min_length=1)
    tags: tuple[Text, ...] = ()
    registers: dict[Register, Weight] = Field(min_length=1)
    occupations: dict[Text, Occupation] = Field(min_length=1)
    weight: Weight = 1.0


class RegisterBand(_Ages):
    """How modern characters of these ages speak."""

    weights: dict[Register, Weight] = Field(min_length=1)

    @field_validator("weights")
    @classmethod
    def _not_archaic(cls, weights: dict[Register, float]) -> dict[Register, float]:
        if "archaic" in weights:
            raise ValueError("'archaic' is for historical settings alone")
        return weights


class Fill(Entry):
    """Words that fill the {} of a quirk, where and in which registers they fit (none given: everywhere)."""

    words: Words
    only: tuple[Text, ...] = ()
    registers: tuple[Register, ...] = ()


class Quirk(Entry):
    """A habit of speech: a text, or a template with {} and its fills."""

    quirk: Text
    weight: Weight = 1.0
    only: tuple[Text, ...] = ()
    registers: tuple[Register, ...] = ()
    fills: tuple[Fill, ...] = ()

    @model_validator(mode="after")
    def _filled_where_open(self) -> Quirk:
        if self.quirk.count("{}") != (1 if self.fills else 0):
            raise ValueError(f"quirk {self.quirk!r} must hold one {{}} if it has `fills`, and none if it has not")
        return self


class PhraseGroup(Entry):
    """Catchphrases that share registers and tags."""

    registers: Annotated[tuple[Register, ...], Field(min_length=1)]
    only: tuple[Text, ...] = ()
    phrases: Words


class Relationship(_Ages):
    """A tie to someone, seen from the character. `gap` is the other's age minus the character's, in years."""

    text: Text
    gender: Gender | None = None
    other: Literal["woman", "man", "any", "same"] = "any"
    gap: tuple[int, int]
    ages: tuple[Years, Years] = (0, OLDEST)
    own: tuple[Years, Years] = (0, OLDEST)
    group: str = ""
    married: bool = False
    only: tuple[Text, ...] = ()
    weight: Weight = 1.0

    @field_validator("text")
    @classmethod
    def _placeholders(cls, text: str) -> str:
        if "{name}" not in text or set(_PLACEHOLDER.findall(text)) - {"name", "job", "age"}:
            raise ValueError(f"{text!r} must hold {{name}} and may hold {{job}} and {{age}}, nothing else")
        return text

    def others(self, age: int) -> tuple[int, int]:
        """Return the youngest and oldest the other can be for a character of this age, in years."""
        return max(age + self.gap[0], self.ages[0], 0), min(age + self.gap[1], self.ages[1])


class Counts(Entry):
    """How many of each a character has: number -> weight."""

    traits: dict[Annotated[int, Field(ge=1)], Weight] = Field(min_length=1)
    catchphrases: dict[Annotated[int, Field(ge=0)], Weight] = Field(min_length=1)
    quirks: dict[Annotated[int, Field(ge=0)], Weight] = Field(min_length=1)
    relationships: dict[Annotated[int, Field(ge=0)], Weight] = Field(min_length=1)
