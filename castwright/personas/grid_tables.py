"""The tables of the grid: their shape and their checks (`grid_files` reads them from YAML).

Everything the sampler knows is data that a user can replace, so all checks are made when tables are loaded
and none while characters are drawn. Places and words meet through tags: an entry with `only: [tags]` exists
where a place has one of them. One word serves region, country, era and coast alike (rejected: a field for
each, which every entry would have to fill in).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import Annotated

from pydantic import Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from castwright.errors import nearest
from castwright.personas.card import REGISTERS, SENTENCE_LENGTHS, Register, SentenceLength
from castwright.personas.grid_entries import (
    GENDERS,
    OLDEST,
    Counts,
    Entry,
    Fill,
    Gender,
    NameTable,
    Occupation,
    OccupationField,
    PhraseGroup,
    Place,
    Quirk,
    RegisterBand,
    Relationship,
    Setting,
    Text,
    Weight,
    Words,
)

__all__ = [
    "Fill",
    "GridTables",
    "NameTable",
    "Occupation",
    "OccupationField",
    "Place",
    "Relationship",
    "Setting",
    "fits",
    "place_tags",
    "setting_tags",
]

Path = tuple[str | int, ...]  # of a key in the tables: ("settings", 3, "names")
Finding = tuple[Path, str]  # a key and what is wrong with it


class GridTables(Entry):
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
    clashes: dict[Text, Words] = Field(default_factory=dict)

    @cached_property
    def _register_bands(self) -> tuple[int, ...]:
        bands = self.modern_registers
        return tuple(
            next((n for n, band in enumerate(bands) if band.ages[0] <= age <= band.ages[1]), len(bands) - 1)
            for age in range(OLDEST + 1)
        )

    def register_band(self, age: int) -> int:
        """Return the number of the register band of an age in years; above the last one's ages, that one."""
        return self._register_bands[min(age, OLDEST)]

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
    for age in range(OLDEST + 1):
        if not any(band.ages[0] <= age <= band.ages[1] for band in tables.modern_registers):
            yield ("modern_registers",), f"no band covers the age {age} (ages 0 to {OLDEST} are needed)"
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
        yield from _unknown((*path, "given"), job.given, tags.union(GENDERS), "tag or gender")
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
