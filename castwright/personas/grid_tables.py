"""The tables of the grid: their shape and their checks (`grid_files` reads them from YAML).

Everything the sampler knows is data that a user can replace, so all checks are made when tables are loaded
and none while characters are drawn. Places and words meet through tags: an entry with `only: [tags]` exists
where a place has one of them. One word serves region, country, era and coast alike (rejected: a field for
each, which every entry would have to fill in).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from castwright.errors import nearest
from castwright.personas.card import REGISTERS, SENTENCE_LENGTHS, Register, SentenceLength

Gender = Literal["woman", "man", "non-binary"]
Text = Annotated[str, Field(min_length=1)]
Words = Annotated[tuple[Text, ...], Field(min_length=1)]
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Years = Annotated[int, Field(ge=0, le=150)]

Path = tuple[str | int, ...]  # of a key in the tables: ("settings", 3, "names")
Finding = tuple[Path, str]  # a key and what is wrong with it

_OLDEST = 120
_PLACEHOLDER = re.compile(r"\{(\w*)\}")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class NameTable(_Frozen):
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


class Place(_Frozen):
    """A modern place: which naming cultures live there, more tags, how frequent it is."""

    names: dict[str, Weight] = Field(min_length=1)
    tags: tuple[Text, ...] = ()
    weight: Weight = 1.0


class _Ages(_Frozen):
    ages: tuple[Years, Years]

    @field_validator("ages")
    @classmethod
    def _in_order(cls, ages: tuple[int, int]) -> tuple[int, int]:
        if ages[0] > ages[1]:
            raise ValueError(f"the youngest age, {ages[0]}, is above the oldest, {ages[1]}")
        return ages


class Occupation(_Ages):
    """An occupation: its ages in years (`[a, b]` is short for it), where it exists, what it leans towards."""

    weight: Weight = 1.0
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


class OccupationField(_Frozen):
    """A field of occupations; `only` and `weight` hold for all its jobs, the rest are defaults."""

    weight: Weight = 1.0
    only: tuple[Text, ...] = ()
    leans: tuple[Text, ...] = ()
    metaphor: str = ""
    register_: Register | None = Field(default=None, alias="register")
    jobs: dict[Text, Occupation] = Field(min_length=1)


class Setting(_Frozen):
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


class Fill(_Frozen):
    """Words that fill the {} of a quirk, where and in which registers they fit (none given: everywhere)."""

    words: Words
    only: tuple[Text, ...] = ()
    registers: tuple[Register, ...] = ()


class Quirk(_Frozen):
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


class PhraseGroup(_Frozen):
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
    ages: tuple[Years, Years] = (0, _OLDEST)
    own: tuple[Years, Years] = (0, _OLDEST)
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


class Counts(_Frozen):
    """How many of each a character has: number -> weight."""

    traits: dict[Annotated[int, Field(ge=1)], Weight] = Field(min_length=1)
    catchphrases: dict[Annotated[int, Field(ge=0)], Weight] = Field(min_length=1)
    quirks: dict[Annotated[int, Field(ge=0)], Weight] = Field(min_length=1)
    relationships: dict[Annotated[int, Field(ge=0)], Weight] = Field(min_length=1)


class GridTables(_Frozen):
    """All tables of the grid. Validated as a whole: what one section names, another must have.

    Raises:
        pydantic.ValidationError: a table is incomplete or names what does not exist.
    """

    modern_era: Text
    regions: dict[Text, dict[Text, Place]] = Field(min_length=1)
    settings: Annotated[tuple[Setting, ...], Field(min_length=1)]
    names: dict[str, NameTable] = Field(min_length=1)
    excluded_names: tuple[Text, ...] = ()
    occupations: dict[Text, OccupationField] = Field(min_length=1)
    genders: dict[Gender, Weight] = Field(min_length=1)
    modern_registers: Annotated[tuple[RegisterBand, ...], Field(min_length=1)]
    sentence_lengths: dict[Register, dict[SentenceLength, Weight]]
    counts: Counts
    lean_factor: float = Field(ge=1, le=1000)
    traits: dict[Annotated[str, Field(pattern=r"^\w+[+-]$")], Words] = Field(min_length=1)
    quirks: Annotated[tuple[Quirk, ...], Field(min_length=1)]
    catchphrases: tuple[PhraseGroup, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    clashes: dict[Text, Words] = {}

    @model_validator(mode="after")
    def _sections_agree(self, info: ValidationInfo) -> GridTables:
        own = (info.context or {}).get("own_sections", GridTables.model_fields)
        for path, reason in [
            *_incomplete(self),
            *(found for found in _strangers(self) if found[0][0] in own),
        ]:
            raise PydanticCustomError("grid_tables", "{reason}", {"reason": reason, "path": path})
        return self


def place_tags(region: str, name: str, place: Place) -> frozenset[str]:
    """Return the tags of a modern place: `modern`, its region, the parts of its name, its own tags."""
    return frozenset({"modern", region, *name.split(", "), *place.tags})


def setting_tags(setting: Setting) -> frozenset[str]:
    """Return the tags of a historical setting: `historical`, its place, its era, its own tags."""
    return frozenset({"historical", setting.place, setting.era, *setting.tags})


def _incomplete(tables: GridTables) -> Iterator[Finding]:
    """Yield what the sampler would miss."""
    shared = [(field, job) for field in tables.occupations.values() for job in field.jobs.values()]
    for region, places in tables.regions.items():
        if not places:
            yield ("regions", region), f"no places in region {region!r}"
        for name, place in places.items():
            yield from _unknown(("regions", region, name, "names"), place.names, tables.names, "naming culture")
            found = place_tags(region, name, place)
            if not any(fits(field.only, found) and fits(job.only, found) for field, job in shared):
                yield ("regions", region, name), f"no occupation of `occupations` exists in {name!r}"
    for number, setting in enumerate(tables.settings):
        yield from _unknown(("settings", number, "names"), setting.names, tables.names, "naming culture")
    for age in range(_OLDEST + 1):
        if not any(band.ages[0] <= age <= band.ages[1] for band in tables.modern_registers):
            yield ("modern_registers",), f"no band covers the age {age} (ages 0 to {_OLDEST} are needed)"
            break
    used = {register for band in tables.modern_registers for register in band.weights}
    used |= {register for setting in tables.settings for register in setting.registers}
    for register in sorted(used):
        if not tables.sentence_lengths.get(register):
            yield ("sentence_lengths",), f"no sentence lengths for the register {register!r}"
    most, factors = max(tables.counts.traits), {pole[:-1] for pole in tables.traits}
    if most > len(factors):
        yield ("counts", "traits"), f"{most} traits cannot be given: `traits` has {len(factors)} factors"


def _strangers(tables: GridTables) -> Iterator[Finding]:
    """Yield the words that no other section knows: tags, poles, and what clashes."""
    tags = {"modern", "historical"}
    for region, places in tables.regions.items():
        tags = tags.union(*(place_tags(region, name, place) for name, place in places.items()))
    tags = tags.union(*map(setting_tags, tables.settings))
    for path, only in _only_lists(tables):
        yield from _unknown(path, only, tags, "tag")
    for path, job in _jobs(tables):
        yield from _unknown((*path, "leans"), job.leans, tables.traits, "Big-Five pole")
    known = _attribute_words(tables)
    for first, others in tables.clashes.items():
        yield from _unknown(("clashes", first), (first, *others), known, "trait, quirk or style")


def fits(only: tuple[str, ...], tags: frozenset[str]) -> bool:
    """Return whether an entry with this `only` list exists where these tags hold."""
    return not only or not tags.isdisjoint(only)


def _unknown(path: Path, words: Iterable[str], known: Collection[str], noun: str) -> Iterator[Finding]:
    for word in words:
        if word not in known:
            yield (*path, word), f"unknown {noun} {word!r}{nearest(word, known)}"


def _jobs(tables: GridTables) -> Iterator[tuple[Path, Occupation | OccupationField]]:
    for name, field in tables.occupations.items():
        yield ("occupations", name), field
        for title, job in field.jobs.items():
            yield ("occupations", name, "jobs", title), job
    for number, setting in enumerate(tables.settings):
        for title, job in setting.occupations.items():
            yield ("settings", number, "occupations", title), job


def _only_lists(tables: GridTables) -> Iterator[tuple[Path, tuple[str, ...]]]:
    for path, job in _jobs(tables):
        yield (*path, "only"), job.only
    for number, quirk in enumerate(tables.quirks):
        yield ("quirks", number, "only"), quirk.only
        for position, fill in enumerate(quirk.fills):
            yield ("quirks", number, "fills", position, "only"), fill.only
    for number, group in enumerate(tables.catchphrases):
        yield ("catchphrases", number, "only"), group.only
    for number, relationship in enumerate(tables.relationships):
        yield ("relationships", number, "only"), relationship.only


def _attribute_words(tables: GridTables) -> set[str]:
    words = {trait for pole in tables.traits.values() for trait in pole} | {*REGISTERS, *SENTENCE_LENGTHS}
    words |= {phrase for group in tables.catchphrases for phrase in group.phrases}
    for quirk in tables.quirks:
        words.add(quirk.quirk)
        words |= {quirk.quirk.replace("{}", word) for fill in quirk.fills for word in fill.words}
    return words
