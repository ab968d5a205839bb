"""What share of the grid's characters the tables promise to each value and to each pair of values.

Summed exactly over the conditional tables (place, culture, gender, occupation, age, register, poles), not
estimated from a sample: the design steers by these numbers and the coverage report measures against them, so
noise in them would be noise in both. Clashes are left out, which move register and poles by a percent or two.
(Rejected: numpy over the full product; the sums are sparse and take a tenth of a second in all.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from castwright.personas.age_bands import AGE_BANDS, age_band
from castwright.personas.grid_contexts import Context, Job
from castwright.personas.grid_files import load_tables
from castwright.personas.grid_world import World

Alone = dict[str, float]
Together = dict[str, dict[str, float]]
MODERN, HISTORICAL = "modern", "historical"
_Pairs = defaultdict[str, defaultdict[str, float]]

PAIRS = (
    ("area", "gender"),
    ("area", "occupation"),
    ("area", "age_band"),
    ("area", "register"),
    ("area", "pole"),
    ("gender", "occupation"),
    ("occupation", "age_band"),
    ("occupation", "register"),
    ("occupation", "pole"),
    ("gender", "age_band"),
    ("age_band", "register"),
    ("register", "sentence_length"),
    ("register", "pole"),
)


@dataclass(frozen=True, slots=True)
class Shares:
    """Expected numbers per character, of values and of pairs that the tables allow.

    `alone`: attribute -> value -> share. `together`: a pair of attributes -> value -> value -> share. Shares of
    one attribute sum to 1, those of `pole` to the mean number of traits. `homes`: home -> (modern, area).
    """

    alone: Mapping[str, Alone]
    together: Mapping[tuple[str, str], Together]
    homes: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True, eq=False)
class _Profile:
    """What follows from an occupation in a context: shares of bands, of (band, register), of poles.

    Compared by identity: one profile serves all the rows that it holds for.
    """

    bands: Alone
    registers: Alone
    both: Together
    poles: Alone


_Person = tuple[str, str, str, _Profile]  # area, gender, occupation, and what follows from them


def grid_shares(world: World, modern_share: float) -> Shares:
    """Return the shares of the tables of a world, when `modern_share` of the characters are modern."""
    profiles: dict[tuple[object, ...], _Profile] = {}
    people: defaultdict[_Person, float] = defaultdict(float)
    places: defaultdict[str, float] = defaultdict(float)
    homes: dict[str, tuple[str, str]] = {}
    for context, chance in _contexts(world, modern_share):
        places[context.home] += chance
        homes[context.home] = (MODERN if context.modern else HISTORICAL, context.area)
        for gender, job, share in _people(world, context):
            key = (job.youngest, job.oldest, job.register, job.leans, "" if context.modern else context.area)
            if key not in profiles:
                profiles[key] = _profile(world, context, job)
            people[context.area, gender, job.title, profiles[key]] += chance * share
    whole = sum(people.values()) or 1.0
    people = defaultdict(float, {person: share / whole for person, share in people.items()})
    together = _together(world, people)
    return Shares(_alone(together, dict(places), modern_share), together, homes)


def _contexts(world: World, modern_share: float) -> Iterable[tuple[Context, float]]:
    for picker, share in ((world.modern, modern_share), (world.historical, 1 - modern_share)):
        if share > 0:
            yield from ((context, chance * share) for context, chance in picker.shares())


def _people(world: World, context: Context) -> Iterable[tuple[str, Job, float]]:
    """Yield genders and occupations of a context with their chance."""
    genders: defaultdict[str, float] = defaultdict(float)
    for culture, share in context.cultures.shares():
        for gender, chance in world.genders[id(culture)].shares():
            genders[gender] += share * chance
    for gender, share in genders.items():
        for job, chance in context.jobs_of(gender).shares():
            yield gender, job, share * chance


def _profile(world: World, context: Context, job: Job) -> _Profile:
    years = job.oldest - job.youngest + 1
    both: _Pairs = defaultdict(lambda: defaultdict(float))
    registers: defaultdict[str, float] = defaultdict(float)
    for age in range(job.youngest, job.oldest + 1):
        for register, share in context.registers(age, job.register).shares():
            both[age_band(age)][register] += share / years
            registers[register] += share / years
    bands = {band: sum(both[band].values()) for band in AGE_BANDS if band in both}
    numbers = world.counts["traits"].shares()
    each = sum(count * share for count, share in numbers) / len(world.factors)
    poles = {pole: each * share for picker in world.directions(job.leans).values() for pole, share in picker.shares()}
    return _Profile(bands, dict(registers), {band: dict(found) for band, found in both.items()}, poles)


def _together(world: World, people: Mapping[_Person, float]) -> dict[tuple[str, str], Together]:
    pairs: dict[tuple[str, str], _Pairs] = {pair: defaultdict(lambda: defaultdict(float)) for pair in PAIRS}
    profiles: dict[str, defaultdict[tuple[str, _Profile], float]] = {
        name: defaultdict(float) for name in ("area", "gender", "occupation", "")
    }
    for (area, gender, title, profile), share in people.items():
        pairs["area", "gender"][area][gender] += share
        pairs["area", "occupation"][area][title] += share
        pairs["gender", "occupation"][gender][title] += share
        for name, value in (("area", area), ("gender", gender), ("occupation", title), ("", "")):
            profiles[name][value, profile] += share
    for name in ("area", "gender", "occupation"):
        for (value, profile), share in profiles[name].items():
            for other, found in (("age_band", profile.bands), ("register", profile.registers), ("pole", profile.poles)):
                if (name, other) in pairs:
                    _add(pairs[name, other][value], found, share)
    for (_, profile), share in profiles[""].items():
        _add_manner(world, pairs, profile, share)
    return {pair: {value: dict(found) for value, found in table.items()} for pair, table in pairs.items()}


def _add_manner(world: World, pairs: dict[tuple[str, str], _Pairs], profile: _Profile, share: float) -> None:
    for band, registers in profile.both.items():
        _add(pairs["age_band", "register"][band], registers, share)
    for register, chance in profile.registers.items():
        _add(pairs["register", "pole"][register], profile.poles, share * chance)
        lengths = dict(world.lengths[register].shares())
        _add(pairs["register", "sentence_length"][register], lengths, share * chance)


def _add(into: defaultdict[str, float], shares: Alone, factor: float) -> None:
    for value, share in shares.items():
        into[value] += share * factor


def _alone(together: Mapping[tuple[str, str], Together], homes: Alone, modern_share: float) -> dict[str, Alone]:
    """Return the shares of single values: the pairs' sums over the other attribute."""
    firsts = {"area": "gender", "occupation": "age_band", "gender": "age_band", "age_band": "register"}
    alone = {
        name: {value: sum(found.values()) for value, found in together[name, other].items()}
        for name, other in firsts.items()
    }
    for first, name in (("area", "register"), ("area", "pole"), ("register", "sentence_length")):
        sums: defaultdict[str, float] = defaultdict(float)
        for found in together[first, name].values():
            _add(sums, found, 1.0)
        alone[name] = dict(sums)
    times = {MODERN: modern_share, HISTORICAL: 1 - modern_share}
    return {"modern": {time: share for time, share in times.items() if share > 0}, "home": homes, **alone}


@cache
def shipped_world() -> World:
    """Return the world of the tables that come with castwright; made once."""
    return World(load_tables())


@lru_cache(maxsize=8)
def shipped_shares(modern_share: float) -> Shares:
    """Return `grid_shares` of the tables that come with castwright; made once for each share."""
    return grid_shares(shipped_world(), modern_share)
