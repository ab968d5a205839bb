"""Coverage of the grid: what its tables promise against what a set of cards has.

Stricter than `card_coverage`: every value and pair that the tables allow is known beforehand, so what was never met
has a name, and the distance from the stated shares can be told from luck. Cards of other sources count where their
values are words of the tables, which is how a mixed set is topped up.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from castwright.errors import SourceError
from castwright.personas.attribute_coverage import attribute_coverage, pair_coverage
from castwright.personas.character import Character
from castwright.personas.coverage import Coverage, count_values, flat_cards
from castwright.personas.grid_files import load_tables
from castwright.personas.grid_shares import PAIRS, grid_shares, shipped_shares
from castwright.personas.grid_tables import GridTables
from castwright.personas.grid_world import World

if TYPE_CHECKING:
    import polars as pl


def grid_coverage(
    cards: pl.LazyFrame | pl.DataFrame | Iterable[Character],
    *,
    tables: GridTables | None = None,
    modern_share: float = 0.6,
) -> Coverage:
    """Return how cards fill the space of the tables (ours unless given), drawn with this share of modern ones.

    `cards` is a personas table, or characters as the sampler yields them. `counts` of the result is what
    `sample_characters` takes as `against`.
    """
    import polars as pl

    known = tables or load_tables()
    shares = grid_shares(World(tables), modern_share) if tables is not None else shipped_shares(modern_share)
    frame = cards if isinstance(cards, (pl.DataFrame, pl.LazyFrame)) else characters_frame(cards)
    flat = _with_area(flat_cards(frame), known)
    total, counts, pairs = count_values(flat, tuple(shares.alone), PAIRS)
    attributes = [attribute_coverage(name, counts[name], shares=found) for name, found in shares.alone.items()]
    together = []
    for (first, second), found in pairs.items():
        table = shares.together[first, second]
        expected = {(one, other): total * share for one in table for other, share in table[one].items()}
        together.append(pair_coverage(f"{first} x {second}", found, expected))
    return Coverage(total, tuple(attributes), tuple(together))


def table_coverage(path: str | Path, *, tables: GridTables | None = None, modern_share: float = 0.6) -> Coverage:
    """Return `grid_coverage` of a personas table on disk: a parquet file, or the parquet files of a folder.

    Raises:
        SourceError: no such file, no parquet in the folder, or it is no personas table.
    """
    import polars as pl

    place = Path(path).expanduser()
    files = sorted(place.glob("*.parquet")) if place.is_dir() else [place]
    if not files or not files[0].is_file():
        raise SourceError(f"no personas table at {place}: name a parquet file or a folder of them")
    try:
        return grid_coverage(pl.scan_parquet(files), tables=tables, modern_share=modern_share)
    except pl.exceptions.PolarsError as error:
        raise SourceError(f"{place} cannot be read as a personas table: {str(error).splitlines()[0]}") from None


def characters_frame(characters: Iterable[Character]) -> pl.DataFrame:
    """Return the facts of characters as the columns of a personas table that coverage counts."""
    import polars as pl

    info: dict[str, Any] = {"age": pl.Int64, **dict.fromkeys(("gender", "occupation", "place", "era"), pl.String)}
    style: dict[str, Any] = dict.fromkeys(("register", "sentence_length"), pl.String)
    schema: dict[str, Any] = {
        "kind": pl.String,
        "modern": pl.Boolean,
        "language": pl.String,
        "basic_info": pl.Struct(info),
        "traits": pl.List(pl.String),
        "dialogue_style": pl.Struct(style),
    }
    parts: dict[str, dict[str, Any]] = {"basic_info": info, "dialogue_style": style}
    rows = []
    for character in characters:
        facts = {name: character.facts.get(name) for name in schema}
        facts |= {name: {key: (facts[name] or {}).get(key) for key in keys} for name, keys in parts.items()}
        rows.append(facts)
    return pl.DataFrame(rows, schema=schema)


def _with_area(flat: pl.LazyFrame, tables: GridTables) -> pl.LazyFrame:
    """Add `area` and `home`: those of a place of the tables, "" for any other."""
    import polars as pl

    regions = {place: region for region, places in tables.regions.items() for place in places}
    poles = {trait: pole for pole, words in tables.traits.items() for trait in words}
    setting = pl.format("{}, {}", "place", "era")
    modern = pl.col("modern") == "modern"
    settings = [f"{setting.place}, {setting.era}" for setting in tables.settings]
    historical = pl.when(setting.is_in(settings)).then(setting).otherwise(pl.lit(""))
    region = pl.col("place").replace_strict(regions, default="", return_dtype=pl.String)
    return flat.with_columns(
        area=pl.when(modern).then(region).otherwise(historical),
        home=pl.when(modern & (region != ""))
        .then(pl.col("place"))
        .when(~modern)
        .then(historical)
        .otherwise(pl.lit("")),
        pole=pl.col("trait").list.eval(pl.element().replace_strict(poles, default="", return_dtype=pl.String)),
    )
