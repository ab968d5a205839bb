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
from castwright.pipelines.settled_table import Settled
from castwright.pipelines.streams import Row
from castwright.pipelines.table_files import part_files

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
        files = part_files(folder)
        return pl.read_parquet(files).to_dicts() if files else []

    @cached_property
    def cards(self) -> dict[str, PersonaCard]:
        """The persona cards of this run, by id, in the order of the table."""
        return read_cards(self.folder("persona_cards"))

    @cached_property
    def split_groups(self) -> dict[str, str]:
        """The persona whose split a persona shares, for those that share another one's; empty before stage 1."""
        files = part_files(self.folder("persona_cards"))
        cards = pl.scan_parquet(files) if files else pl.LazyFrame()
        if "split_group" not in cards.collect_schema().names():  # a run of an older version
            return {}
        apart = pl.col("split_group") != pl.col("persona_id")
        return dict(cards.filter(apart).select("persona_id", "split_group").collect().iter_rows())

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
        """Return the split of a persona or a question: a function of its id and the seed alone.

        A persona that is near another one is drawn by that one's id, so that both stand in one split.
        """
        shares = self.recipe.export
        draw = unit_draw("split", self.recipe.seed, self.split_groups.get(key, key))
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
    `asks` says how often a row that goes in asks a model, at the fewest; `calls` the fewest and the most calls for each
    time, for each of `Recipe.models_of` the stage.
    """

    rows: Callable[[Context], ExpectedRows] | None = None
    asks: Callable[[Recipe, Row], int] = lambda _recipe, row: int(row["verdict"] != "drop")
    calls: Callable[[Recipe], Sequence[tuple[int, int]]] = lambda _recipe: ((1, 1),)


@dataclass(frozen=True)
class Stage:
    """One stage of a run.

    `table` names its row contract. `needs` are stages it cannot do without, `uses` those it takes if they are
    in the recipe. `reads` are the recipe's sections (or "section.key") that determine it, `sources` those that
    name input files. `prompts` are the templates it sends. Exactly one of `graph` and `work` is given. `demand` counts
    where `calls_model`.

    A stage with `across` is streamed: its rows are never all in memory. `across` sees them all when they are made, as
    a scan of the table with the folder to leave files of its own in, and settles which stay. `total` is how many rows
    are expected (None: unknown), `block` how many an engine that holds all its rows gets at a time. `late` are
    settings ("section.key") that only `across` reads: when nothing else has changed, `again` settles the rows that
    stand anew, or gives None where it cannot. `measures` looks at the finished table in a folder, for the manifest's
    details. `workings` are files in the folder that are no rows. `base` is the
    finished stage of another run whose rows come first; `others` are all stages of other runs that are read, checked.
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
    graph: Callable[[Context, Any], Pipeline] | None = None
    finish: Callable[[Context, Row], Row] = field(default=lambda _context, row: row)
    work: Callable[[Context, Path, Report], dict[str, Any]] | None = None
    across: Callable[[Context, pl.LazyFrame, Path], Settled] | None = None
    again: Callable[[Context, pl.LazyFrame, Path], Settled | None] | None = None
    measures: Callable[[Context, Path], dict[str, Any]] = lambda _context, _folder: {}
    total: Callable[[Context], int | None] = lambda _context: None
    block: int = 20_000
    late: tuple[str, ...] = ()
    workings: tuple[str, ...] = ()
    base: Callable[[Context], Path | None] = lambda _context: None
    others: Callable[[Context], tuple[Path, ...]] = lambda _context: ()

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
