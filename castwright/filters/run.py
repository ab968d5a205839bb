"""Runs filters over a frame, in order, and keeps every reject with its reason.

The named filters are a plain dict of functions and a `FilterSpec` is checked against the function's own
signature, so a new filter is one function and one line here, and its options are documented in one place.
(Rejected: a registry with decorators, which hides what exists, and a config class per filter, which repeats
every signature.) A row dropped by one filter is not seen by the next: order them cheapest first.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
from pydantic import (
    BaseModel,
    ConfigDict,
    PydanticSchemaGenerationError,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from castwright.errors import RecipeError, nearest
from castwright.filters.duplicates import exact_duplicates, near_duplicates
from castwright.filters.embeddings import Embedder, load_embedder
from castwright.filters.length import length
from castwright.filters.minhash_duplicates import minhash_duplicates
from castwright.filters.minors import minors
from castwright.filters.named_persons import named_persons
from castwright.filters.out_of_character import out_of_character
from castwright.filters.personal_data import personal_data
from castwright.filters.refusal import refusal
from castwright.filters.slurs import slurs
from castwright.filters.verdict import VERDICT_SCHEMA

Filter = Callable[..., pl.DataFrame]

FILTERS: dict[str, Filter] = {
    "exact_duplicates": exact_duplicates,
    "length": length,
    "minhash_duplicates": minhash_duplicates,
    "minors": minors,
    "named_persons": named_persons,
    "near_duplicates": near_duplicates,
    "out_of_character": out_of_character,
    "personal_data": personal_data,
    "refusal": refusal,
    "slurs": slurs,
}

COMPARING = ("exact_duplicates", "minhash_duplicates", "near_duplicates")
"""Filters that compare rows with each other: they want to see all rows at once."""

_RESULT_SCHEMA: dict[str, pl.DataType] = {
    "verdict": pl.String(),
    "filter": pl.String(),
    "reason": pl.String(),
    "score": pl.Float64(),
}


class FilterSpec(BaseModel):
    """One filter of a recipe: its name and its options, checked against the function's signature.

    Raises:
        RecipeError: the name or an option is unknown, a needed option is missing, or a value is of the wrong
        type.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    options: dict[str, Any] = {}

    @model_validator(mode="after")
    def _check(self) -> FilterSpec:
        if self.name not in FILTERS:
            raise RecipeError(
                f"unknown filter {self.name!r}{nearest(self.name, FILTERS)}; there are: {', '.join(sorted(FILTERS))}"
            )
        check_options(self.name, FILTERS[self.name], self.options)
        return self


def check_options(name: str, function: Filter, options: dict[str, Any]) -> None:
    """Check options against a filter function's keyword parameters.

    Raises:
        RecipeError: see `FilterSpec`.
    """
    known = option_parameters(function)
    hints = typing.get_type_hints(function)
    for option, value in options.items():
        if option not in known:
            raise RecipeError(
                f"filter {name!r}: unknown option {option!r}{nearest(option, known)}; it takes: {', '.join(known)}"
            )
        try:
            TypeAdapter(hints[option]).validate_python(value)
        except PydanticSchemaGenerationError:
            continue
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
            raise RecipeError(f"filter {name!r}: option {option}={value!r} will not do: {problem}") from None
    for option, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and option not in options:
            raise RecipeError(f"filter {name!r}: it needs the option {option!r}; add it under options")


def option_parameters(function: Filter) -> dict[str, inspect.Parameter]:
    """Return the parameters a recipe may set: all but the frame and the embedder, which the runner gives."""
    parameters = inspect.signature(function).parameters
    return {name: value for name, value in parameters.items() if name not in ("frame", "embedder")}


def needs_embedder(filters: Sequence[FilterSpec]) -> bool:
    """Return whether any of the filters works on embeddings."""
    return any("embedder" in inspect.signature(FILTERS[spec.name]).parameters for spec in filters)


def apply_filters(
    frame: pl.DataFrame, filters: Sequence[FilterSpec], *, embedder: Embedder | None = None
) -> pl.DataFrame:
    """Return the frame with the columns verdict ("keep" or "drop"), filter, reason and score.

    Every row comes back, in order. Rows that arrive with verdict "drop" stay as they are and no filter sees
    them. `filter` names the dropping filter ("" for kept rows), `reason` says why and `score` is that
    filter's score (null for kept rows). Reasons name other rows by `row_id`, else by position in this frame.
    The embedder defaults to the offline one and is loaded only when a filter needs it.

    Raises:
        RecipeError: a filter reads a column that the frame lacks.
        ModelError: an embedder is needed and its packages are not installed.
    """
    results = _results_so_far(frame)
    alive = np.array([verdict != "drop" for verdict in results["verdict"]], dtype=bool)
    named = frame
    if "row_id" not in frame.columns:
        named = frame.with_columns(pl.format("row {}", pl.int_range(frame.height)).alias("row_id"))
    for spec in filters:
        rows = np.flatnonzero(alive)
        judged = _judge(named[rows.tolist()], spec, embedder)
        for row, keep, reason, score in zip(rows.tolist(), *judged.get_columns(), strict=True):
            if not keep:
                alive[row] = False
                for column, value in zip(_RESULT_SCHEMA, ("drop", spec.name, reason, score), strict=True):
                    results[column][row] = value
    columns = [pl.Series(name, results[name], dtype=dtype) for name, dtype in _RESULT_SCHEMA.items()]
    return frame.with_columns(columns)


def _judge(frame: pl.DataFrame, spec: FilterSpec, embedder: Embedder | None) -> pl.DataFrame:
    """Return one filter's verdicts, held to the contract: one per row, in the verdict columns."""
    function = FILTERS[spec.name]
    options = dict(spec.options)
    if needs_embedder([spec]):
        options["embedder"] = embedder or load_embedder()
    judged = function(frame, **options).select(pl.col(name).cast(dtype) for name, dtype in VERDICT_SCHEMA.items())
    if judged.height != frame.height:
        raise AssertionError(f"filter {spec.name!r} gave {judged.height} verdicts for {frame.height} rows")
    return judged


def _results_so_far(frame: pl.DataFrame) -> dict[str, list[Any]]:
    """Return the four result columns as lists: what dropped rows carry, and a clean "keep" for the rest."""
    blank: dict[str, Any] = {"verdict": "keep", "filter": "", "reason": "", "score": None}
    results: dict[str, list[Any]] = {name: [value] * frame.height for name, value in blank.items()}
    if "verdict" not in frame.columns:
        return results
    for row in np.flatnonzero((frame.get_column("verdict") == "drop").fill_null(False).to_numpy()).tolist():
        for name in blank:
            carried = frame.get_column(name)[row] if name in frame.columns else blank[name]
            results[name][row] = blank[name] if carried is None else carried
    return results
