"""The last pass of a stage: rows go where their verdicts say, in order, and can be put back as they came."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.errors import CastwrightError
from castwright.pipelines.contracts import SCHEMAS
from castwright.pipelines.settled_table import (
    DROPPED_ACROSS,
    DROPPED_BEFORE,
    KEPT,
    PLACES,
    Settled,
    left_over,
    rejoined,
    write_settled,
)
from castwright.pipelines.table_files import part_files, stored_tables

SCHEMA = SCHEMAS["personas"]


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, SCHEMA)


def row(number: int, place: int) -> dict[str, Any]:
    """Return a row as it comes from a graph: dropped there or not."""
    dropped = place == DROPPED_BEFORE
    return {
        "row_id": f"r-{number}",
        "persona_id": f"p-{number}",
        "name": f"Name {number}",
        "traits": ["patient"] * (number % 3),
        "verdict": "drop" if dropped else "keep",
        "filter": "card_extraction" if dropped else "",
        "reason": f"reply {number} was empty" if dropped else "",
        "score": 0.25 if dropped else None,
    }


def settled(places: list[int]) -> Settled:
    """Return verdicts that drop the rows whose place is DROPPED_ACROSS, and say nothing of use of the others."""
    gone = [place == DROPPED_ACROSS for place in places]
    columns = {
        "row_id": [f"r-{n}" for n in range(len(places))],
        "verdict": ["drop" if one else "keep" for one in gone],
        "filter": ["near_duplicates" if one else "" for one in gone],
        "reason": [f"near r-{n}" if one else "" for n, one in enumerate(gone)],
        "score": pl.Series([0.97 if one else None for one in gone], dtype=pl.Float64),
        "split_group": [f"p-{n // 2}" for n in range(len(places))],
    }
    return Settled(pl.DataFrame(columns))


@given(places=st.lists(st.sampled_from([KEPT, DROPPED_BEFORE, DROPPED_ACROSS]), max_size=40), bad=st.integers(0, 3))
def test_rows_go_where_their_verdicts_say_and_come_back_as_they_were(places: list[int], bad: int) -> None:
    """Kept and rejected rows stand in order, unread records behind, counts are right, and rejoining undoes it all."""
    made = [row(number, place) for number, place in enumerate(places)]
    unread = [{"row_id": f"b-{n}", "verdict": "drop", "filter": "source", "reason": f"no ({n})"} for n in range(bad)]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        written = write_settled(
            [table_of(made[:7]), table_of(made[7:])], settled(places), [table_of(unread)], SCHEMA, folder
        )
        kept = pl.read_parquet(part_files(folder))
        rejected = pl.read_parquet(part_files(folder / "rejected"))
        stored = np.load(folder / PLACES)
        back = pa.concat_tables(
            [
                SCHEMA.empty_table(),
                *rejoined(
                    stored_tables(part_files(folder)), stored_tables(part_files(folder / "rejected")), stored, SCHEMA
                ),
            ]
        )
        rest = list(left_over(stored_tables(part_files(folder / "rejected")), stored))
    assert stored.tolist() == places
    assert kept["row_id"].to_list() == [f"r-{n}" for n, place in enumerate(places) if place == KEPT]
    assert rejected["row_id"].to_list() == [
        *(f"r-{n}" for n, place in enumerate(places) if place != KEPT),
        *(f"b-{n}" for n in range(bad)),
    ]
    assert written.kept == kept.height
    assert sum(sum(kinds.values()) for kinds in written.rejected.values()) == rejected.height
    assert written.rejected.get("near_duplicates", {}) == (
        {"near rN": places.count(DROPPED_ACROSS)} if DROPPED_ACROSS in places else {}
    )
    split = back.column("split_group").to_pylist()
    assert split == [f"p-{n // 2}" for n in range(len(places))]
    assert back.drop_columns(["split_group"]).to_pylist() == table_of(made).drop_columns(["split_group"]).to_pylist()
    assert [one for part in rest for one in part.column("row_id").to_pylist()] == [f"b-{n}" for n in range(bad)]


@pytest.mark.parametrize("change", ["one too few", "one too many", "another order"])
def test_verdicts_of_other_rows_are_refused(tmp_path: Path, change: str) -> None:
    """A verdict is never written beside a row that it was not made for."""
    places = [KEPT, DROPPED_ACROSS, KEPT]
    table = settled(places).table
    wrong = {
        "one too few": table.head(2),
        "one too many": pl.concat([table, table.tail(1)]),
        "another order": table.reverse(),
    }[change]
    rows = table_of([row(number, place) for number, place in enumerate(places)])
    with pytest.raises(CastwrightError, match="nothing was written"):
        write_settled([rows], Settled(wrong), [], SCHEMA, tmp_path)


def test_rows_that_are_missing_where_a_table_is_put_back_are_an_error(tmp_path: Path) -> None:
    """A damaged stage is not passed off as a whole one."""
    places = [KEPT, DROPPED_ACROSS, KEPT]
    write_settled([table_of([row(n, place) for n, place in enumerate(places)])], settled(places), [], SCHEMA, tmp_path)
    with pytest.raises(CastwrightError, match="2 rows of the stage that stands are missing"):
        list(rejoined([], stored_tables(part_files(tmp_path / "rejected")), np.load(tmp_path / PLACES), SCHEMA))
