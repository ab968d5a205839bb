"""The relationships of a character: ties to others of the same place, era and culture, in words.

Whom a tie leads to is drawn as the character was: a name of the culture, an age that the tie allows, a job that
exists there at that age. What does not meet is drawn again a few times, then left out.
"""

from __future__ import annotations

import random

from castwright.personas.grid_contexts import Job, Picker, Tie, given_names
from castwright.personas.grid_world import TRIES, Person, World


def draw_relationships(world: World, rng: random.Random, person: Person) -> list[str] | None:
    """Return ties to others of the same place, era and culture, or None if too few fit."""
    wanted = world.counts["relationships"].pick(rng.random())
    ties = person.context.ties.of(person.gender, person.age)
    found: list[str] = []
    groups, names = set[str](), {person.given}
    for _ in range(TRIES if ties else 0):
        if len(found) == wanted:
            break
        tie = ties.pick(rng.random())
        kind = tie.kind
        if (kind.group and kind.group in groups) or (kind.married and person.job.unmarried):
            continue
        if text := _draw_tie(world, rng, person, tie, names):
            found.append(text)
            groups.add(kind.group)
    enough = len(found) >= world.fewest["relationships"] or not world.tables.relationships
    return found if enough else None


def _draw_tie(world: World, rng: random.Random, person: Person, tie: Tie, names: set[str]) -> str | None:
    """Return one tie in words, its other's name added to `names`, or None where nobody fits."""
    kind, draw = tie.kind, rng.random
    age = tie.youngest + int(draw() * (tie.oldest - tie.youngest + 1))
    gender = person.gender if kind.other == "same" else str(kind.other)
    if gender == "any":
        gender = world.genders[id(person.culture)].pick(draw())
    given = given_names(person.culture, gender, age)
    name = given[int(draw() * len(given))] if given else person.given
    if name in names:
        return None
    job = _draw_job(rng, person.context.jobs_of(gender), age, kind.married) if "{job}" in kind.text else ""
    if job is None:
        return None
    names.add(name)
    return kind.text.format(name=name, job=job, age=age)


def _draw_job(rng: random.Random, jobs: Picker[Job], age: int, married: bool) -> str | None:
    for _ in range(TRIES if jobs else 0):
        job = jobs.pick(rng.random())
        if job.youngest <= age <= job.oldest and not (married and job.unmarried):
            return job.noun
    return None
