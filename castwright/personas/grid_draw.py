"""How one character is drawn: person first, then traits, then style, then relationships.

Each step narrows the next (place, culture, gender, job, age, name; traits, register, quirks), so that almost
nothing is drawn in vain: what a table says beforehand is looked up in the context, and only what depends on
words drawn before (a clash, an age that does not meet) is drawn again, a bounded number of times. (Rejected:
drawing everything freely and refusing what does not fit, which refuses nearly all.)
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from castwright.personas.age_bands import age_band
from castwright.personas.grid_balance import Balance, Row
from castwright.personas.grid_contexts import Context, Job, Picker, given_names
from castwright.personas.grid_tables import NameTable
from castwright.personas.grid_ties import draw_relationships
from castwright.personas.grid_world import TRIES, Person, World


def draw_facts(world: World, rng: random.Random, modern_share: float, balance: Balance) -> dict[str, Any] | None:
    """Return the facts of one character, or None where the draws did not fit together.

    What was taken is noted in `balance`: the caller keeps or drops it.
    """
    person = _draw_person(world, rng, modern_share, balance)
    if person is None or person.name in world.excluded:
        return None
    traits = _draw_traits(world, rng, person, balance)
    style = _draw_style(world, rng, person, traits, balance) if traits else None
    relationships = draw_relationships(world, rng, person) if style else None
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


def _draw_person(world: World, rng: random.Random, modern_share: float, balance: Balance) -> Person | None:
    draw = rng.random
    context = _draw_context(world, rng, modern_share, balance)
    culture = context.cultures.pick(draw())
    genders = world.genders[id(culture)]
    if not genders:
        return None
    gender = _best(genders, rng, balance.rows("gender", "area", context.area), balance)
    jobs = context.jobs_of(gender)
    if not jobs:
        return None
    job, rows = jobs.pick(draw()), balance.job_rows(context.area, gender)
    for _ in balance.rivals:
        other = jobs.pick(draw())
        if other is not job and balance.behind(rows, other.title, job.title):
            job = other
    balance.note(rows, job.title)
    age = _draw_age(job, rng, balance)
    names = given_names(culture, gender, age)
    given = names[int(draw() * len(names))]
    name = _full_name(culture, gender, given, draw())
    return Person(context, culture, gender, job, age, given, name)


def _draw_context(world: World, rng: random.Random, modern_share: float, balance: Balance) -> Context:
    draw, modern, historical = rng.random, world.modern, world.historical
    context, rows = (modern if draw() < modern_share else historical).pick(draw()), balance.homes
    for _ in balance.rivals:
        other = (modern if draw() < modern_share else historical).pick(draw())
        if other is not context and balance.behind(rows, other.home, context.home):
            context = other
    balance.note(rows, context.home)
    return context


def _draw_age(job: Job, rng: random.Random, balance: Balance) -> int:
    years, rows = job.oldest - job.youngest + 1, balance.rows("age_band", "occupation", job.title)
    age = job.youngest + int(rng.random() * years)
    band = age_band(age)
    for _ in balance.rivals:
        other = job.youngest + int(rng.random() * years)
        if balance.behind(rows, age_band(other), band):
            age, band = other, age_band(other)
    balance.note(rows, band)
    return age


def _best(picker: Picker[str], rng: random.Random, rows: Sequence[Row], balance: Balance) -> str:
    word = picker.pick(rng.random())
    for _ in balance.rivals:
        other = picker.pick(rng.random())
        if other != word and balance.behind(rows, other, word):
            word = other
    balance.note(rows, word)
    return word


def _full_name(culture: NameTable, gender: str, given: str, draw: float) -> str:
    woman = gender == "woman"
    family = (woman and culture.family_women) or culture.family
    pattern = (woman and culture.pattern_women) or culture.pattern
    return pattern.format(given=given, family=family[int(draw * len(family))] if family else "")


def _draw_traits(world: World, rng: random.Random, person: Person, balance: Balance) -> list[str] | None:
    """Return traits, at most one per Big-Five factor and none that clash, or None if too few go together."""
    wanted = world.counts["traits"].pick(rng.random())
    rows = balance.rows("pole", "occupation", person.job.title)
    traits, left, draw = list[str](), list(world.factors), rng.random
    directions, rivals, many = world.directions(person.job.leans), balance.rivals, len(left)
    while many and len(traits) < wanted:
        pole = directions[left[int(draw() * many)]].pick(draw())
        for _ in rivals:
            other = directions[left[int(draw() * many)]].pick(draw())
            if other != pole and balance.behind(rows, other, pole):
                pole = other
        left.remove(pole[:-1])
        many -= 1
        if word := _draw_trait(world, rng, pole, traits):
            traits.append(word)
            balance.note(rows, pole)
    return traits if len(traits) >= world.fewest["traits"] else None


def _draw_trait(world: World, rng: random.Random, pole: str, traits: list[str]) -> str:
    words = world.tables.traits[pole]
    for _ in range(TRIES):
        word = words[int(rng.random() * len(words))]
        if _goes_with(world, word, traits):
            return word
    return ""


def _goes_with(world: World, word: str, others: Iterable[str]) -> bool:
    clashing = world.clashes.get(word)
    return clashing is None or clashing.isdisjoint(others)


def _draw_style(
    world: World, rng: random.Random, person: Person, traits: list[str], balance: Balance
) -> dict[str, Any] | None:
    """Return a dialogue style that fits the person and their traits, or None if none came up."""
    chosen = list(traits)  # and what is added to it: nothing later may clash with anything here
    picker, rows = (
        person.context.registers(person.age, person.job.register),
        balance.rows("register", "occupation", person.job.title),
    )
    register = _best_fitting(world, rng, picker, chosen, rows, balance)
    if not register:
        return None
    rows = balance.rows("sentence_length", "register", register)
    length = _best_fitting(world, rng, world.lengths[register], chosen, rows, balance)
    if not length:
        return None
    chosen += [register, length]
    quirks = _draw_quirks(world, rng, person, chosen)
    phrases = person.context.phrases(register)
    wanted = min(world.counts["catchphrases"].pick(rng.random()), len(phrases))
    catchphrases = [text for text in _sample(rng, phrases, wanted) if _goes_with(world, text, chosen)]
    if quirks is None or len(catchphrases) < min(wanted, world.fewest["catchphrases"]):
        return None
    return {"register": register, "sentence_length": length, "catchphrases": catchphrases, "quirks": quirks}


def _best_fitting(
    world: World,
    rng: random.Random,
    picker: Picker[str],
    chosen: list[str],
    rows: Sequence[Row],
    balance: Balance,
) -> str:
    """Return the best of a few words that go with what was chosen, and note it; "" if none came up."""
    word = ""
    for number in range(TRIES):
        other = picker.pick(rng.random())
        if other != word and _goes_with(world, other, chosen) and (not word or balance.behind(rows, other, word)):
            word = other
        if word and number >= len(balance.rivals):
            break
    if word:
        balance.note(rows, word)
    return word


def _draw_quirks(world: World, rng: random.Random, person: Person, chosen: list[str]) -> list[str] | None:
    """Return quirks of different templates that go with `chosen` (which grows), or None if too few do."""
    wanted = world.counts["quirks"].pick(rng.random())
    choices = person.context.quirks(chosen[-2])
    quirks: list[str] = []
    for _ in range(TRIES if choices else 0):
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
