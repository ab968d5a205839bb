"""What stands on disk: a stage's folder is whole or not there, and its manifest counts like reasons together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.pipelines import table_files
from castwright.pipelines.checkpoint import (
    Manifest,
    count_reasons,
    digest_files,
    read_manifest,
    reason_kind,
    replacing,
    settle,
    write_manifest,
    write_table,
)
from castwright.pipelines.contracts import SCHEMAS, digest_of_json, row_digest, unit_draw
from castwright.pipelines.stage import as_json


def fill(folder: Path, text: str) -> None:
    """Write a folder anew with one file."""
    with replacing(folder) as work:
        (work / "rows").write_text(text, encoding="utf-8")


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    """What the old one held is gone, what the new one holds is there, nothing lies beside it."""
    folder = tmp_path / "stage"
    with replacing(folder) as work:
        (work / "old only").write_text("1", encoding="utf-8")
        assert not folder.exists()
    fill(folder, "2")
    assert [path.name for path in folder.iterdir()] == ["rows"]
    assert [path.name for path in tmp_path.iterdir()] == ["stage"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt], ids=["an error", "Ctrl-C"])
def test_an_error_leaves_the_old_folder_and_no_other(tmp_path: Path, error: type[BaseException]) -> None:
    """The half-written folder is removed, also when the run is interrupted."""
    folder = tmp_path / "stage"
    fill(folder, "old")
    with pytest.raises(error), replacing(folder) as work:  # noqa: PT012 (the writing is what fails)
        (work / "rows").write_text("half", encoding="utf-8")
        raise error
    assert (folder / "rows").read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["stage"]


@pytest.mark.parametrize("at", range(1, 3), ids=["before the first rename", "between the two renames"])
def test_a_kill_at_a_rename_leaves_the_old_folder_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """What a kill leaves is settled when the folder is next looked at."""
    folder = tmp_path / "stage"
    fill(folder, "old")
    rename = Path.rename
    renamed: list[Path] = []

    def killed(path: Path, target: Path) -> Path:
        renamed.append(path)
        if len(renamed) == at:
            os._exit(9)
        return rename(path, target)

    child = os.fork()
    if child == 0:  # pragma: no cover (the child ends in `killed`)
        try:
            monkeypatch.setattr(Path, "rename", killed)
            fill(folder, "new")
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    settle(folder)
    assert (folder / "rows").read_text(encoding="utf-8") == ("old" if at == 1 else "new")
    fill(folder, "newer")
    assert [path.name for path in tmp_path.iterdir()] == ["stage"]


def test_what_a_killed_run_left_half_written_is_not_mistaken_for_a_stage(tmp_path: Path) -> None:
    """A leftover of a killed run is thrown away by the next one."""
    left = tmp_path / ".stage.writing"
    left.mkdir()
    (left / "rows from before").write_text("half", encoding="utf-8")
    assert read_manifest(tmp_path / "stage") is None
    fill(tmp_path / "stage", "whole")
    assert [path.name for path in (tmp_path / "stage").iterdir()] == ["rows"]


def test_a_manifest_reads_back_as_it_was_written(tmp_path: Path) -> None:
    """Counts, digests and details survive the file."""
    manifest = Manifest(
        "curate", "f", 10, 7, {"length": {"N words": 2}, "source": {"no text": 1}}, "d", 1.5, 9, {"a": 1}
    )
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest
    assert manifest.rows_rejected == 3


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"stage": "curate"}', '{"stage": 1, "unknown": 2}'],
    ids=["empty", "cut", "list", "short", "other"],
)
def test_a_manifest_that_is_not_whole_is_none(tmp_path: Path, text: str) -> None:
    """A stage with a broken manifest does not stand: it is made again."""
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    assert read_manifest(tmp_path) is None


@pytest.mark.parametrize("table", SCHEMAS)
def test_a_table_without_rows_has_the_columns_of_its_contract(tmp_path: Path, table: str) -> None:
    """An empty table is one file with the schema, so that readers need no special case."""
    write_table([], table, tmp_path)
    frame = pl.read_parquet(tmp_path / "part-00000.parquet")
    assert frame.height == 0
    assert frame.columns == SCHEMAS[table].names
    assert {"row_id", "parents", "stage", "model", "verdict", "filter", "reason", "score"} <= set(frame.columns)


def test_a_long_table_is_cut_into_files_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files sort as their rows do, and no row is lost at a cut."""
    monkeypatch.setattr(table_files, "ROWS_PER_FILE", 4)
    rows: list[dict[str, Any]] = [{"row_id": f"r-{n}", "table": "t", "not in the contract": 1} for n in range(9)]
    write_table(rows, "curate", tmp_path)
    files = sorted(tmp_path.glob("*.parquet"))
    assert [pl.read_parquet(file).height for file in files] == [4, 4, 1]
    assert pl.read_parquet(files)["row_id"].to_list() == [row["row_id"] for row in rows]


def test_reasons_of_one_kind_count_together() -> None:
    """Numbers, quotes and ids are the particulars of a reason."""
    rows = [
        {"filter": "length", "reason": "2 words, fewer than 3"},
        {"filter": "length", "reason": "1 words, fewer than 3"},
        {"filter": "near_duplicates", "reason": "near to r-0123456789abcdef0123 (0.98)"},
        {"filter": "near_duplicates", "reason": "near to r-ffffffffffffffff0000 (1.0)"},
        {"filter": "source", "reason": "no column 'a' (at f.csv:2)"},
        {"filter": None, "reason": None},
    ]
    assert count_reasons(rows) == {
        "length": {"N words, fewer than N": 2},
        "near_duplicates": {"near to … …": 2},
        "source": {"no column … …": 1},
        "unknown": {"no reason given": 1},
    }


@given(st.text(max_size=300))
def test_a_kind_of_reason_is_short_and_the_kind_of_itself_has_no_number(reason: str) -> None:
    """Whatever a filter says, its kind fits a line and holds no particular number."""
    kind = reason_kind(reason)
    assert len(kind) <= 80
    assert not any(character in "0123456789" for character in kind)


def test_a_digest_tells_content_and_names_apart_and_nothing_else(tmp_path: Path) -> None:
    """Time stamps and the order in which files are given do not count."""
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_text("1", encoding="utf-8")
    b.write_text("2", encoding="utf-8")
    first = digest_files([a, b])
    os.utime(a, (1, 1))
    assert digest_files(iter([b, a])) == first
    b.write_text("3", encoding="utf-8")
    assert digest_files([a, b]) != first
    assert digest_files([a]) != digest_files([a.rename(tmp_path / "c")])


def test_the_digest_of_a_folder_sees_every_file_in_it(tmp_path: Path) -> None:
    """A changed file deep in a folder changes the folder's digest."""
    deep = tmp_path / "in" / "here"
    deep.mkdir(parents=True)
    (deep / "file").write_text("1", encoding="utf-8")
    first = digest_files([tmp_path / "in"])
    (deep / "file").write_text("2", encoding="utf-8")
    assert digest_files([tmp_path / "in"]) != first


@given(st.lists(st.text(max_size=5) | st.integers(), max_size=3))
def test_ids_and_draws_depend_on_their_parts_alone(parts: list[Any]) -> None:
    """The same parts give the same id and the same draw, in every process."""
    assert row_digest(*parts) == row_digest(*parts)
    assert row_digest(*parts) != row_digest(*parts, "more")
    assert row_digest(*parts) == digest_of_json(*map(as_json, parts))
    assert 0 <= unit_draw(*parts) == unit_draw(*parts) < 1


def test_ids_and_draws_stay_what_they_are() -> None:
    """A new version must not rename every row that was ever published."""
    assert row_digest("persona", "p-1", {"b": 2, "a": "é"}) == row_digest("persona", "p-1", {"a": "é", "b": 2})
    assert row_digest("a") == "r-0eb5b8d6f81bc677da8a"
    assert round(unit_draw("a"), 9) == 0.057460358
