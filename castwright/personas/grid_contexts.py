"""The tables made ready for drawing: one context per place or setting, and pickers that draw by weight.

The sampler asks the same small questions millions of times (which jobs exist here, which quirks fit this
register), so each is answered once, when it first comes up, and kept as cumulative weights: a draw is then
one bisection. (Rejected: filtering the tables for every character, which took most of the time, and alias
tables, which gain nothing at these sizes.)
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from math import prod
from typing import Generic, TypeVar

from castwright.personas.grid_entries import GENDERS
from castwright.personas.grid_tables import (
    Fill,
    GridTables,
    NameTable,
    Occupation,
    OccupationField,
    Relationship,
    fits,
    place_tags,
    setting_tags,
)

T = TypeVar("T")

_AN = ("hour", "heir", "honest", "honour")  # open with a vowel in speech alone
_A = ("uni", "use", "eu", "one")  # and these in writing alone

ELDER_AGE = 60  # from here on people bear the names of an older fashion, in years


class Picker(Generic[T]):
    """Items with weights; `pick` draws one. Falsy when there is nothing to draw."""

    __slots__ = ("_items", "_shares", "_upto")

    def __init__(self, weighted: Iterable[tuple[T, float]]) -> None:
        pairs = list(weighted)
        whole = sum(weight for _, weight in pairs)
        self._items = tuple(item for item, _ in pairs)
        self._shares = tuple(weight / whole for _, weight in pairs)
        self._upto = list(accumulate(self._shares))[:-1]  # beyond all of these lies the last item

    def __len__(self) -> int:
        return len(self._items)

    def pick(self, draw: float) -> T:
        """Return the item at `draw`, a number in [0, 1)."""
        return self._items[bisect(self._upto, draw)]

    def shares(self) -> Iterator[tuple[T, float]]:
        """Yield each item with its chance to be picked, 0 to 1."""
        return zip(self._items, self._shares, strict=True)


@dataclass(frozen=True, slots=True)
class Job:
    """An occupation as it stands in one context; `noun` has its article, ages are in years.

    `given` has the factors of its weight that hold for a gender; those of the context are in `weight`.
    """

    title: str
    noun: str
    youngest: int
    oldest: int
    gender: str | None
    unmarried: bool
    metaphor: str
    register: str
    leans: frozenset[str]
    weight: float
    given: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class QuirkChoice:
    """A quirk that fits a context and register: its template, and the words that may fill it (if any)."""

    template: str
    fills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tie:
    """A relationship that someone of a gender and an age can have, and the ages of the other for it, in years."""

    kind: Relationship
    youngest: int
    oldest: int


class Ties:
    """The relationships that exist in a context; contexts with the same ones share one of these."""

    def __init__(self, relationships: tuple[Relationship, ...]) -> None:
        self._relationships = relationships
        self._pickers: dict[tuple[str, int], Picker[Tie]] = {}

    def of(self, gender: str, age: int) -> Picker[Tie]:
        """Return the relationships that someone of this gender and age (in years) can have."""
        if (gender, age) not in self._pickers:
            self._pickers[gender, age] = Picker(
                (Tie(kind, *kind.others(age)), kind.weight)
                for kind in self._relationships
                if _can_have(kind, gender, age)
            )
        return self._pickers[gender, age]


def _can_have(kind: Relationship, gender: str, age: int) -> bool:
    youngest, oldest = kind.others(age)
    return kind.gender in (None, gender) and kind.own[0] <= age <= kind.own[1] and youngest <= oldest


@dataclass(slots=True)
class Context:
    """A modern place or a historical setting, with what exists there. Caches fill up as they are asked.

    `area` is the region of a modern place, "place, era" of a setting; `home` the place, or that again.
    """

    tables: GridTables
    area: str
    home: str
    place: str
    era: str
    modern: bool
    tags: frozenset[str]
    cultures: Picker[NameTable]
    setting_registers: Mapping[str, float]
    jobs: tuple[Job, ...]
    ties: Ties
    _jobs: dict[str, Picker[Job]] = field(default_factory=dict)
    _registers: dict[tuple[int, str], Picker[str]] = field(default_factory=dict)
    _quirks: dict[str, Picker[QuirkChoice]] = field(default_factory=dict)
    _phrases: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def jobs_of(self, gender: str) -> Picker[Job]:
        """Return the occupations that people of this gender have here."""
        if gender not in self._jobs:
            fitting = (job for job in self.jobs if job.gender in (None, gender))
            self._jobs[gender] = Picker((job, job.weight * job.given.get(gender, 1.0)) for job in fitting)
        return self._jobs[gender]

    def registers(self, age: int, leaning: str) -> Picker[str]:
        """Return the registers spoken at this age here, with a leaning of the occupation ("" for none)."""
        band = self.tables.register_band(age) if self.modern else -1
        if (band, leaning) not in self._registers:
            weights = self.tables.modern_registers[band].weights if self.modern else self.setting_registers
            lean = self.tables.lean_factor
            self._registers[band, leaning] = Picker(
                (name, weight * (lean if name == leaning else 1)) for name, weight in weights.items()
            )
        return self._registers[band, leaning]

    def quirks(self, register: str) -> Picker[QuirkChoice]:
        """Return the quirks that fit here in this register."""
        if register not in self._quirks:
            self._quirks[register] = Picker(self._fitting_quirks(register))
        return self._quirks[register]

    def _fitting_quirks(self, register: str) -> Iterable[tuple[QuirkChoice, float]]:
        for quirk in self.tables.quirks:
            if not fits(quirk.only, self.tags) or (quirk.registers and register not in quirk.registers):
                continue
            fitting = (fill for fill in quirk.fills if self._fill_fits(fill, register))
            words = tuple(word for fill in fitting for word in fill.words)
            if words or not quirk.fills:
                yield QuirkChoice(quirk.quirk, words), quirk.weight

    def _fill_fits(self, fill: Fill, register: str) -> bool:
        return fits(fill.only, self.tags) and (not fill.registers or register in fill.registers)

    def phrases(self, register: str) -> tuple[str, ...]:
        """Return the catchphrases that fit here in this register."""
        if register not in self._phrases:
            groups = (group for group in self.tables.catchphrases if fits(group.only, self.tags))
            spoken = (group.phrases for group in groups if register in group.registers)
            found = dict.fromkeys(phrase for phrases in spoken for phrase in phrases)
            self._phrases[register] = tuple(found)
        return self._phrases[register]


def given_names(culture: NameTable, gender: str, age: int) -> tuple[str, ...]:
    """Return the given names of one culture for a gender and an age in years (none: an empty tuple)."""
    if gender == "woman":
        return (age >= ELDER_AGE and culture.elder_women) or culture.women
    if gender == "man":
        return (age >= ELDER_AGE and culture.elder_men) or culture.men
    return culture.neutral


def modern_contexts(tables: GridTables) -> Picker[Context]:
    """Return the modern places as contexts; each region weighs as much as any other."""
    weighted: list[tuple[Context, float]] = []
    shared: dict[tuple[int, ...], Ties] = {}
    for region, places in tables.regions.items():
        whole = sum(place.weight for place in places.values())
        for name, place in places.items():
            tags = place_tags(region, name, place)
            context = Context(
                tables=tables,
                area=region,
                home=name,
                place=name,
                era=tables.modern_era,
                modern=True,
                tags=tags,
                cultures=_cultures(tables, place.names),
                setting_registers={},
                jobs=_jobs(tables, tags, {}),
                ties=_ties(tables, tags, shared),
            )
            weighted.append((context, place.weight / whole))
    return Picker(weighted)


def historical_contexts(tables: GridTables) -> Picker[Context]:
    """Return the historical settings as contexts."""
    weighted: list[tuple[Context, float]] = []
    shared: dict[tuple[int, ...], Ties] = {}
    for setting in tables.settings:
        tags = setting_tags(setting)
        context = Context(
            tables=tables,
            area=f"{setting.place}, {setting.era}",
            home=f"{setting.place}, {setting.era}",
            place=setting.place,
            era=setting.era,
            modern=False,
            tags=tags,
            cultures=_cultures(tables, setting.names),
            setting_registers={str(name): weight for name, weight in setting.registers.items()},
            jobs=_jobs(tables, tags, setting.occupations),
            ties=_ties(tables, tags, shared),
        )
        weighted.append((context, setting.weight))
    return Picker(weighted)


def _cultures(tables: GridTables, names: Mapping[str, float]) -> Picker[NameTable]:
    return Picker((tables.names[name], weight) for name, weight in names.items())


def _ties(tables: GridTables, tags: frozenset[str], shared: dict[tuple[int, ...], Ties]) -> Ties:
    found = [number for number, tie in enumerate(tables.relationships) if fits(tie.only, tags)]
    return shared.setdefault(tuple(found), Ties(tuple(tables.relationships[number] for number in found)))


def _jobs(tables: GridTables, tags: frozenset[str], own: Mapping[str, Occupation]) -> tuple[Job, ...]:
    """Return the occupations of a context; a setting's own word on one wins over the shared one."""
    jobs = {title: _job(title, job, None, tags) for title, job in own.items()}
    for shared in tables.occupations.values():
        if fits(shared.only, tags):
            for title, job in shared.jobs.items():
                if fits(job.only, tags):
                    jobs.setdefault(title, _job(title, job, shared, tags))
    return tuple(jobs.values())


def _job(title: str, job: Occupation, of: OccupationField | None, tags: frozenset[str]) -> Job:
    register = job.register_ or (of.register_ if of else None)
    factors = [(word, factor) for table in (of.given if of else {}, job.given) for word, factor in table.items()]
    given: dict[str, float] = {}
    for word, factor in factors:
        if word in GENDERS:
            given[word] = given.get(word, 1.0) * factor
    return Job(
        title=title,
        noun=with_article(title),
        youngest=job.ages[0],
        oldest=job.ages[1],
        gender=job.gender,
        unmarried=job.unmarried,
        metaphor=job.metaphor or (of.metaphor if of else ""),
        register=str(register or ""),
        leans=frozenset(job.leans or (of.leans if of else ())),
        weight=prod((job.weight, of.weight if of else 1.0, *(factor for word, factor in factors if word in tags))),
        given=given,
    )


def with_article(noun: str) -> str:
    """Return a noun with its indefinite article: "a baker", "an apprentice", "a university lecturer"."""
    start = noun.lower()
    vowel = start.startswith(_AN) or (start[:1] in tuple("aeiou") and not start.startswith(_A))
    return f"{'an' if vowel else 'a'} {noun}"
