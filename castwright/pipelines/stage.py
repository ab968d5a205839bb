"""What a stage is: rows in, one distilabel graph, rows out.

A stage is data: `prepare` turns upstream tables and sources into flat rows, `graph` is the distilabel pipeline
they go through, `finish` shapes each row that comes out by its contract. Rows inside a graph are flat and
uniform (text, numbers, JSON text), so every engine carries them alike. Two stages are no graph (training, the
export): they are a `work` function instead. What runs stages is in `runner`; a stage knows nothing of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from distilabel.models.llms.base import LLM
from distilabel.pipeline import Pipeline

from castwright.errors import BadRecord, RecipeError
from castwright.generators.calls.account import Account
from castwright.generators.models.config import ModelBlock
from castwright.generators.models.load import make_llm, model_label
from castwright.personas.card import PersonaCard
from castwright.personas.store import read_cards
from castwright.pipelines.contracts import unit_draw
from castwright.pipelines.recipe import Recipe
from castwright.pipelines.streams import Row

Report = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Booking:
    """What a stage's model calls are booked on; see `Account`."""

    run: str = ""
    execution: str = ""
    attempt: str = ""


@dataclass(frozen=True)
class Context:
    """What a stage may look at: the recipe, the run's folder, and how many rows a preview takes (None: all)."""

    recipe: Recipe
    out: Path
    limit: int | None = None
    booking: Booking = Booking()

    def folder(self, stage: str) -> Path:
        return self.out / stage

    def has(self, stage: str) -> bool:
        """Return whether a stage is in the recipe and stands; what an older recipe left in the folder is not read."""
        return stage in self.recipe.stages and (self.folder(stage) / "manifest.json").is_file()

    def rows(self, stage: str, *, rejected: bool = False) -> list[Row]:
        """Return the kept (or the rejected) rows of a finished stage, in order."""
        folder = self.folder(stage) / "rejected" if rejected else self.folder(stage)
        files = sorted(folder.glob("*.parquet"))
        return pl.read_parquet(files).to_dicts() if files else []

    @cached_property
    def cards(self) -> dict[str, PersonaCard]:
        """The persona cards of this run, by id, in the order of the table."""
        return read_cards(self.folder("persona_cards"))

    def account(self, stage: str) -> Account:
        """Return what the calls of a stage are booked on."""
        recipe, booking = self.recipe, self.booking
        named = {"shared": None, "run": str(self.out / "journal.db")}
        return Account(
            journal=named.get(recipe.journal, recipe.journal),
            run=booking.run,
            stage=stage,
            execution=booking.execution,
            attempt=booking.attempt,
            prices=recipe.prices,
            budget=recipe.budget,
        )

    def llm(self, stage: str, block: ModelBlock | None = None) -> LLM:
        """Return the model of a stage (or another one that it uses), not loaded yet."""
        return make_llm(block or self.recipe.model_of(stage), self.account(stage))

    def model_name(self, stage: str) -> str:
        return model_label(self.recipe.model_of(stage))

    def split(self, key: str) -> str:
        """Return the split of a persona or a question: a function of its id and the seed alone."""
        shares = self.recipe.export
        draw = unit_draw("split", self.recipe.seed, key)
        if draw < shares.test:
            return "test"
        return "validation" if draw < shares.test + shares.validation else "train"


ExpectedRows = Callable[[Mapping[str, float]], float]
"""From the rows that each stage before is expected to keep, by its name, to the rows that go into a stage's graph."""


@dataclass(frozen=True)
class Demand:
    """What a full run will ask in a stage, as far as it is known before: what a preview's estimate stands on.

    `rows` reads the sources and gives a function: from how many rows each stage before is expected to keep to how
    many go into the graph, never fewer from more; every one of them asks. None: the rows depend on sources alone,
    and `prepare` is counted.
    `asks` says whether a row that goes in asks a model at all; `calls` the fewest and the most calls of such a
    row, for each of `Recipe.models_of` the stage.
    """

    rows: Callable[[Context], ExpectedRows] | None = None
    asks: Callable[[Row], bool] = lambda row: bool(row["verdict"] != "drop")
    calls: Callable[[Recipe], Sequence[tuple[int, int]]] = lambda _recipe: ((1, 1),)


@dataclass(frozen=True)
class Stage:
    """One stage of a run.

    `table` names its row contract. `needs` are stages it cannot do without, `uses` those it takes if they are
    in the recipe. `reads` are the recipe's sections (or "section.key") that determine it, `sources` those that
    name input files. `prompts` are the templates it sends. Exactly one of `graph` and `work` is given. `demand` counts
    where `calls_model`.
    """

    name: str
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    table: str = ""
    calls_model: bool = False
    demand: Demand = Demand()
    embeds: bool = False
    prepare: Callable[[Context], Iterator[Row | BadRecord]] | None = None
    graph: Callable[[Context, list[Row]], Pipeline] | None = None
    finish: Callable[[Context, Row], Row] = field(default=lambda _context, row: row)
    work: Callable[[Context, Path, Report], dict[str, Any]] | None = None

    def check(self, recipe: Recipe) -> None:
        """Raise RecipeError when the recipe leaves out a stage that this one needs."""
        missing = [need for need in self.needs if need not in recipe.stages]
        if missing:
            raise RecipeError(
                f"stage {self.name!r} needs {', '.join(map(repr, missing))}, which the recipe's `stages` leaves out; "
                "add it (a finished stage is not run again)"
            )


def as_json(value: Any) -> str:
    """Return a value as one line of JSON, the form in which nested data travels through a graph."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
