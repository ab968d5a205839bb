"""How one character is drawn: person first, then traits, then style, then relationships.

Each step narrows the next (place, culture, gender, job, age, name; traits, register, quirks), so that almost
nothing is drawn in vain: what a table says beforehand is looked up in the context, and only what depends on
words drawn before (a clash, an age that does not meet) is drawn again, a bounded number of times. (Rejected:
drawing everything freely and refusing what does not fit, which refuses nearly all.)
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from castwright.personas.grid_contexts import (
    Context,
    Job,
    Picker,
    given_names,
    historical_contexts,
    modern_contexts,
)
from castwright.personas.grid_tables import GridTables, NameTable, Relationship

_TRIES = 12  # draws of one part (a word, the other's job) before it is left out


class World:
    """The tables as the sampler uses them: contexts, what clashes, how many of each."""

    def __init__(self, tables: GridTables) -> None:
        self.tables = tables
        self.modern = modern_contexts(tables)
        self.historical = historical_contexts(tables)
        self.genders = {id(culture): _gender_picker(tables, culture) for culture in tables.names.values()}
        self.lengths = {str(register): Picker(w.items()) for register, w in tables.sentence_lengths.items()}
        counts: dict[str, dict[int, float]] = tables.counts.model_dump()
        self.counts = {name: Picker(weights.items()) for name, weights in counts.items()}
        self.fewest = {name: min(weights) for name, weights in counts.items()}
        self.factors = sorted({pole[:-1] for pole in tables.traits})
        self.excluded = frozenset(tables.excluded_names)
        self.clashes: dict[str, set[str]] = {}
        for first, others in tables.clashes.items():
            for other in others:
                self.clashes.setdefault(first, set()).add(other)
                self.clashes.setdefault(other, set()).add(first)
        self._poles: dict[tuple[str, frozenset[str]], Picker[str]] = {}

    def directions(self, factor: str, leans: frozenset[str]) -> Picker[str]:
        """Return the poles of a Big-Five factor, those the occupation leans towards weighing more."""
        if (factor, leans) not in self._poles:
            poles = [factor + sign for sign in "+-" if factor + sign in self.tables.traits]
            lean = self.tables.lean_factor
            self._poles[factor, leans] = Picker((pole, lean if pole in leans else 1.0) for pole in poles)
        return self._poles[factor, leans]


@dataclass(slots=True)
class _Person:
    """Who a character is, before how they are."""

    context: Context
    culture: NameTable
    gender: str
    job: Job
    age: int
    given: str
    name: str


def draw_facts(world: World, rng: random.Random, modern_share: float) -> dict[str, Any] | None:
    """Return the facts of one character, or None where the draws did not fit together."""
    person = _draw_person(world, rng, modern_share)
    if person is None or person.name in world.excluded:
        return None
    traits = _draw_traits(world, rng, person.job.leans)
    style = _draw_style(world, rng, person, traits) if traits else None
    relationships = _draw_relationships(world, rng, person) if style else None
    if relationships is None:
        return None
    return {
        "name": person.name,
        "kind": "original",
        "modern": person.context.modern,
        "language": "en",
        "basic_info": {
            "age": person.age,
            "gender": person.gender,
            "occupation": person.job.title,
            "place": person.context.place,
            "era": person.context.era,
            "relationships": relationships,
        },
        "traits": traits,
        "dialogue_style": style,
    }


def _draw_person(world: World, rng: random.Random, modern_share: float) -> _Person | None:
    draw = rng.random
    context = (world.modern if draw() < modern_share else world.historical).pick(draw())
    culture = context.cultures.pick(draw())
    genders = world.genders[id(culture)]
    gender = genders.pick(draw()) if genders else ""
    jobs = context.jobs_of(gender)
    if not gender or not jobs:
        return None
    job = jobs.pick(draw())
    age = job.youngest + int(draw() * (job.oldest - job.youngest + 1))
    names = given_names(culture, gender, age)
    given = names[int(draw() * len(names))]
    name = _full_name(culture, gender, given, draw())
    return _Person(context, culture, gender, job, age, given, name)


def _full_name(culture: NameTable, gender: str, given: str, draw: float) -> str:
    woman = gender == "woman"
    family = (woman and culture.family_women) or culture.family
    pattern = (woman and culture.pattern_women) or culture.pattern
    return pattern.format(given=given, family=family[int(draw * len(family))] if family else "")


def _draw_traits(world: World, rng: random.Random, leans: frozenset[str]) -> list[str] | None:
    """Return traits, at most one per Big-Five factor and none that clash, or None if too few go together."""
    wanted = world.counts["traits"].pick(rng.random())
    traits: list[str] = []
    for factor in _sample(rng, world.factors, len(world.factors)):
        words = world.tables.traits[world.directions(factor, leans).pick(rng.random())]
        for _ in range(_TRIES):
            word = words[int(rng.random() * len(words))]
            if _goes_with(world, word, traits):
                traits.append(word)
                break
        if len(traits) == wanted:
            break
    return traits if len(traits) >= world.fewest["traits"] else None


def _goes_with(world: World, word: str, others: Iterable[str]) -> bool:
    clashing = world.clashes.get(word)
    return clashing is None or clashing.isdisjoint(others)


def _draw_style(world: World, rng: random.Random, person: _Person, traits: list[str]) -> dict[str, Any] | None:
    """Return a dialogue style that fits the person and their traits, or None if none came up."""
    chosen = list(traits)  # and what is added to it: nothing later may clash with anything here
    registers = person.context.registers(person.age, person.job.register)
    register = _pick_fitting(world, rng, registers, chosen)
    length = _pick_fitting(world, rng, world.lengths[register], chosen) if register else None
    if register is None or length is None:
        return None
    chosen += [register, length]
    quirks = _draw_quirks(world, rng, person, chosen)
    phrases = person.context.phrases(register)
    wanted = min(world.counts["catchphrases"].pick(rng.random()), len(phrases))
    catchphrases = [text for text in _sample(rng, phrases, wanted) if _goes_with(world, text, chosen)]
    if quirks is None or len(catchphrases) < min(wanted, world.fewest["catchphrases"]):
        return None
    return {"register": register, "sentence_length": length, "catchphrases": catchphrases, "quirks": quirks}


def _pick_fitting(world: World, rng: random.Random, picker: Picker[Any], chosen: list[str]) -> str | None:
    for _ in range(_TRIES):
        word = str(picker.pick(rng.random()))
        if _goes_with(world, word, chosen):
            return word
    return None


def _draw_quirks(world: World, rng: random.Random, person: _Person, chosen: list[str]) -> list[str] | None:
    """Return quirks of different templates that go with `chosen` (which grows), or None if too few do."""
    wanted = world.counts["quirks"].pick(rng.random())
    choices = person.context.quirks(chosen[-2])
    quirks: list[str] = []
    for _ in range(_TRIES if choices else 0):
        if len(quirks) == wanted:
            break
        choice = choices.pick(rng.random())
        if choice.template in chosen or not _goes_with(world, choice.template, chosen):
            continue
        quirk = choice.template
        if choice.fills:
            quirk = quirk.replace("{}", _fill(world, rng, choice.fills, person.job.metaphor))
        if _goes_with(world, quirk, chosen):
            quirks.append(quirk)
            chosen += (choice.template, quirk)
    return quirks if len(quirks) >= world.fewest["quirks"] else None


def _fill(world: World, rng: random.Random, fills: tuple[str, ...], metaphor: str) -> str:
    """Return a word for a quirk; a trade's own metaphor `lean_factor` times as often as the others."""
    lean = world.tables.lean_factor
    if metaphor in fills and rng.random() < lean / (lean + 1):
        return metaphor
    return fills[int(rng.random() * len(fills))]


def _sample(rng: random.Random, items: Sequence[str], count: int) -> list[str]:
    """Return `count` different items in random order (a third of the time of `random.sample`)."""
    left = list(items)
    for place in range(count):
        other = place + int(rng.random() * (len(left) - place))
        left[place], left[other] = left[other], left[place]
    return left[:count]


def _draw_relationships(world: World, rng: random.Random, person: _Person) -> list[str] | None:
    """Return ties to others of the same place, era and culture, or None if too few fit."""
    wanted = world.counts["relationships"].pick(rng.random())
    ties = person.context.ties.of(person.gender, person.age)
    found: list[str] = []
    groups, names = set[str](), {person.given}
    for _ in range(_TRIES if ties else 0):
        if len(found) == wanted:
            break
        tie = ties.pick(rng.random())
        if (tie.group and tie.group in groups) or (tie.married and person.job.unmarried):
            continue
        if text := _draw_tie(world, rng, person, tie, names):
            found.append(text)
            groups.add(tie.group)
    enough = len(found) >= world.fewest["relationships"] or not world.tables.relationships
    return found if enough else None


def _draw_tie(world: World, rng: random.Random, person: _Person, tie: Relationship, names: set[str]) -> str | None:
    """Return one tie in words, its other's name added to `names`, or None where nobody fits."""
    youngest, oldest = tie.others(person.age)
    age = youngest + int(rng.random() * (oldest - youngest + 1))
    gender = person.gender if tie.other == "same" else str(tie.other)
    if gender == "any":
        gender = world.genders[id(person.culture)].pick(rng.random())
    given = given_names(person.culture, gender, age)
    name = given[int(rng.random() * len(given))] if given else person.given
    if name in names:
        return None
    job = _draw_job(rng, person.context.jobs_of(gender), age, tie.married) if "{job}" in tie.text else ""
    if job is None:
        return None
    names.add(name)
    return tie.text.format(name=name, job=job, age=age)


def _draw_job(rng: random.Random, jobs: Picker[Job], age: int, married: bool) -> str | None:
    for _ in range(_TRIES if jobs else 0):
        job = jobs.pick(rng.random())
        if job.youngest <= age <= job.oldest and not (married and job.unmarried):
            return job.noun
    return None


def _gender_picker(tables: GridTables, culture: NameTable) -> Picker[str]:
    weights = tables.genders.items()
    return Picker((gender, weight) for gender, weight in weights if given_names(culture, gender, 0))
