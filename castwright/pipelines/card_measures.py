"""What a table of persona cards is like as a whole: how it fills the space of attributes, and how its texts differ.

Measured once, when the table is there, and kept in the stage's manifest, from where the dataset card has it. Coverage
counts every card; diversity looks at samples of one length, as longer texts repeat more whatever they say. (Rejected:
measuring when the dataset card is written, where nobody sees it before the set is finished.)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from castwright.errors import SourceError
from castwright.filters.diversity import diversity
from castwright.personas.coverage import card_coverage
from castwright.personas.grid import DATASET
from castwright.personas.grid_coverage import grid_coverage
from castwright.personas.grid_files import load_tables
from castwright.personas.source_kinds import GridSource
from castwright.pipelines.recipe import Personas

ENDS = 3
"""Fullest and emptiest values that are named of each attribute."""


def card_measures(personas: Personas, files: Sequence[Path]) -> dict[str, Any]:
    """Return `coverage`, `grid_coverage` (of the grid's cards, where the recipe has a grid) and `diversity`.

    `files` are parquet of the `personas` table. JSON-ready; the keys are those of `Coverage.as_dict` and
    `Diversity.as_dict`. Diversity is that of the backgrounds, and {"reason": ...} where too few are long enough.
    """
    cards = pl.scan_parquet(list(files))
    measured: dict[str, Any] = {"coverage": card_coverage(cards).as_dict(ENDS)}
    grid = next((source for source in personas.sources if isinstance(source, GridSource)), None)
    if grid is not None:
        tables = load_tables(Path(grid.tables).expanduser()) if grid.tables is not None else None
        drawn = cards.filter(pl.col("source").struct.field("dataset") == DATASET)
        measured["grid_coverage"] = grid_coverage(drawn, tables=tables, modern_share=grid.modern_share).as_dict(ENDS)
    backgrounds = cards.select("background").collect().to_series()
    try:
        measured["diversity"] = diversity(backgrounds).as_dict()
    except SourceError as error:
        measured["diversity"] = {"reason": str(error)}
    return measured


def measure_lines(details: dict[str, Any]) -> list[str]:
    """Return what a manifest's measures say, one sentence each, for the dataset card; empty where there are none."""
    lines = [_coverage_line(name, found) for name, found in _attributes(details)]
    found = details.get("diversity", {}).get("measures")
    if found:
        told = details["diversity"]
        head = f"{told['samples']} samples of {told['texts']:,} backgrounds, {told['words_per_text']} words each"
        measures = "; ".join(f"{name.replace('_', ' ')} {mean:.3f} ± {off:.3f}" for name, (mean, off) in found.items())
        lines.append(f"Diversity ({head}): {measures}.")
    return lines


def _attributes(details: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    coverage = details.get("coverage", {}).get("attributes", {})
    wanted = ("kind", "gender", "age_band", "register", "occupation_head", "place", "pole")
    return [(name, coverage[name]) for name in wanted if coverage.get(name, {}).get("seen")]


def _coverage_line(name: str, found: dict[str, Any]) -> str:
    """Return one attribute in words; the effective number is that of equally frequent values as diverse."""
    told = f"{name.replace('_', ' ').capitalize()}: {found['seen']:,} value{'s' * (found['seen'] != 1)}"
    if found["evenness"] is None:
        return f"{told}."
    return f"{told}, effective number {found['effective']:,.1f} (evenness {found['evenness']:.2f})."
