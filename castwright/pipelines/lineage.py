"""One row's whole story: from any row id back to the characters, questions and records it was made from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from castwright.errors import SourceError

_ID_COLUMNS = ("row_id", "persona_id", "pair_id")
_MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Found:
    """A row, the stage that wrote it, and how many steps it lies behind the row that was asked for."""

    stage: str
    row: dict[str, Any]
    depth: int


def find_row(out: Path, row_id: str) -> tuple[str, dict[str, Any]] | None:
    """Return (stage, row) of the row with this id in a run, kept or rejected, or None.

    A persona is found by its persona id too, and an exported side of a pair by the pair's row.
    """
    wanted = re.sub(r"-(?:chosen|rejected|plain)$", "", row_id)
    for folder in _stage_folders(out):
        for part in (folder, folder / "rejected"):
            files = sorted(part.glob("*.parquet"))
            if not files:
                continue
            frame = pl.scan_parquet(files)
            columns = frame.collect_schema().names()
            keys = [
                key for key in _ID_COLUMNS if key in columns and (key != "persona_id" or folder.name == "persona_cards")
            ]
            rows = frame.filter(pl.any_horizontal([pl.col(key) == wanted for key in keys])).head(1).collect()
            if rows.height:
                return folder.name, rows.to_dicts()[0]
    return None


def _stage_folders(out: Path) -> Iterator[Path]:
    for folder in sorted(out.iterdir()):
        # curation's rows are verdicts on other rows: the row itself is the story
        if (folder / "manifest.json").is_file() and folder.name != "curate":
            yield folder


def curation_of(out: Path, row_id: str) -> dict[str, Any] | None:
    """Return what curation said of a row, or None when it has not seen it."""
    for part in (out / "curate", out / "curate" / "rejected"):
        files = sorted(part.glob("*.parquet"))
        if files:
            rows = pl.scan_parquet(files).filter(pl.col("row_id") == row_id).head(1).collect()
            if rows.height:
                return rows.to_dicts()[0]
    return None


def trace(out: Path, row_id: str) -> list[Found]:
    """Return the row and everything it was made from, nearest first.

    Raises:
        SourceError: the folder is no run, or holds no such row.
    """
    if not out.is_dir():
        raise SourceError(f"no run at {out}; give the folder of a run with --out")
    first = find_row(out, row_id)
    if first is None:
        raise SourceError(f"no row {row_id!r} in the stages of {out}; row ids stand in the column row_id")
    story = [Found(*first, depth=0)]
    seen = {row_id}
    for found in story:
        if len(story) > _MOST_STEPS:
            break
        for parent in found.row.get("parents") or []:
            if parent in seen:
                continue
            seen.add(parent)
            before = find_row(out, parent)
            if before:
                story.append(Found(*before, depth=found.depth + 1))
    return story
