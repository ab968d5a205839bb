"""The tables as the sampler uses them: contexts, what clashes, how many of each; and who was drawn so far.

Made once for a set of tables and never changed, but for caches that fill up as they are asked: what steers the
draws (`grid_balance`) is kept apart, so that runs share one world.
"""

from __future__ import annotations

from dataclasses import dataclass

from castwright.personas.grid_contexts import Context, Job, Picker, given_names, historical_contexts, modern_contexts
from castwright.personas.grid_tables import GridTables, NameTable

TRIES = 12  # draws of one part (a word, the other's job) before it is left out


class World:
    """The tables as the sampler uses them: contexts, what clashes, how many of each."""

    def __init__(self, tables: GridTables) -> None:
        self.tables = tables
        self.modern = modern_contexts(tables)
        self.historical = historical_contexts(tables)
        self.genders = {id(culture): _gender_picker(tables, culture) for culture in tables.names.values()}
        self.lengths: dict[str, Picker[str]] = {
            str(register): Picker((str(length), weight) for length, weight in weights.items())
            for register, weights in tables.sentence_lengths.items()
        }
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
        self._poles: dict[frozenset[str], dict[str, Picker[str]]] = {}

    def directions(self, leans: frozenset[str]) -> dict[str, Picker[str]]:
        """Return the poles of each Big-Five factor, those an occupation leans towards weighing more."""
        if leans not in self._poles:
            lean = self.tables.lean_factor
            poles = {
                factor: [factor + sign for sign in "+-" if factor + sign in self.tables.traits]
                for factor in self.factors
            }
            self._poles[leans] = {
                factor: Picker((pole, lean if pole in leans else 1.0) for pole in found)
                for factor, found in poles.items()
            }
        return self._poles[leans]


@dataclass(slots=True)
class Person:
    """Who a character is, before how they are."""

    context: Context
    culture: NameTable
    gender: str
    job: Job
    age: int
    given: str
    name: str


def _gender_picker(tables: GridTables, culture: NameTable) -> Picker[str]:
    weights = tables.genders.items()
    return Picker((gender, weight) for gender, weight in weights if given_names(culture, gender, 0))
