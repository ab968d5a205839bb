"""Tables written in pieces: the same bytes however they came, cut where they have to be, linked and not copied."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.pipelines.table_files import GroupWriter, PartWriter, part_files, stored_tables

SCHEMA = pa.schema([("row_id", pa.string()), ("words", pa.list_(pa.string())), ("score", pa.float64())])


def rows(count: int, start: int = 0) -> pa.Table:
    """Return rows with texts, lists and nulls."""
    made = [
        {"row_id": f"r-{n}", "words": None if n % 5 == 0 else ["w"] * (n % 3), "score": n / 7 if n % 2 else None}
        for n in range(start, start + count)
    ]
    return pa.Table.from_pylist(made, SCHEMA)


def written(path: Path, pieces: list[int], group: int) -> bytes:
    """Return the bytes of a file that was written in pieces of these sizes."""
    start = 0
    with GroupWriter(path, SCHEMA, group=group) as writer:
        for size in pieces:
            writer.write(rows(size, start))
            start += size
    return path.read_bytes()


@given(pieces=st.lists(st.integers(0, 40), max_size=12), group=st.integers(1, 30))
def test_a_file_does_not_depend_on_the_pieces_it_was_written_in(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[int], group: int
) -> None:
    """Row groups are cut anew: the bytes are those of all rows written at once, and no row is lost."""
    folder = tmp_path_factory.mktemp("pieces")
    assert written(folder / "a.parquet", pieces, group) == written(folder / "b.parquet", [sum(pieces)], group)
    assert pq.read_table(folder / "a.parquet").equals(rows(sum(pieces)))
    groups = pq.ParquetFile(folder / "a.parquet").metadata
    sizes = [groups.row_group(number).num_rows for number in range(groups.num_row_groups)]
    assert all(size == group for size in sizes[:-1])


def test_an_error_while_writing_leaves_no_open_file(tmp_path: Path) -> None:
    """What waits is not written, and the file can be removed and written again."""
    path = tmp_path / "a.parquet"
    with pytest.raises(ZeroDivisionError), GroupWriter(path, SCHEMA, group=4) as writer:  # noqa: PT012
        writer.write(rows(6))
        raise ZeroDivisionError
    assert written(path, [3], 4) == written(tmp_path / "b.parquet", [3], 4)


def test_files_go_on_from_a_number_and_an_empty_addition_is_no_file(tmp_path: Path) -> None:
    """What is added to a table stands behind its files; adding nothing adds nothing."""
    with PartWriter(tmp_path, SCHEMA, first=3) as writer:
        writer.write(rows(0))
    assert part_files(tmp_path) == []
    with PartWriter(tmp_path, SCHEMA, first=3) as writer:
        writer.write(rows(5))
    assert [path.name for path in part_files(tmp_path)] == ["part-00003.parquet"]


def test_stored_rows_come_back_in_order_with_the_columns_asked_for(tmp_path: Path) -> None:
    """File after file, batch after batch."""
    for number, start in enumerate((0, 5_000)):
        with PartWriter(tmp_path, SCHEMA, first=number) as writer:
            writer.write(rows(5_000, start))
    tables = list(stored_tables(part_files(tmp_path), ["row_id"]))
    assert len(tables) > 2
    assert [table.column_names for table in tables] == [["row_id"]] * len(tables)
    assert pa.concat_tables(tables).column("row_id").to_pylist() == [f"r-{n}" for n in range(10_000)]
