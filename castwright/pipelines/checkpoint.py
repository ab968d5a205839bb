"""What stands on disk of a stage: its parquet, its rejects, its manifest; written whole or not at all.

The file system is the truth about progress. A stage is written into a temporary folder beside its place,
synced, and renamed over it, so a killed run leaves either the old stage or the new one. The fingerprint in the
manifest says what the stage was made from; the digest says what it is. (Rejected: a status database, which can
disagree with the files.)
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa

from castwright.pipelines.contracts import SCHEMAS
from castwright.pipelines.streams import Row
from castwright.pipelines.table_files import ROWS_PER_GROUP, PartWriter

MANIFEST = "manifest.json"

_KIND_LENGTH = 80
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”|`[^`]*`|\([^)]*\)|\[[^\]]*\]")
_ID = re.compile(r"\b[rp]-[0-9a-f]{16,}\b")
_LABELLED = re.compile(r"^([a-z]+(?: [a-z]+){0,2}): [^\d;]{1,60}$")
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Manifest:
    """What a finished stage says of itself.

    `rejected` counts by filter and kind of reason; `digest` is the SHA-256 of its data files; `seconds` is
    wall time and `peak_memory` bytes of this process at the end of the stage. `calls` says what its model calls
    were and cost (see `spending`); it is empty where the stage asks no model.
    """

    stage: str
    fingerprint: str
    rows_in: int
    rows_out: int
    rejected: dict[str, dict[str, int]] = field(default_factory=dict)
    digest: str = ""
    seconds: float = 0.0
    peak_memory: int = 0
    calls: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def rows_rejected(self) -> int:
        return sum(count for reasons in self.rejected.values() for count in reasons.values())

    @property
    def failed_calls(self) -> int:
        """How many model calls failed for good: what a re-run asks again."""
        return int(self.calls.get("failed", 0))


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a finished stage, or None when it is not there or was not written whole."""
    try:
        return Manifest(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Give an empty temporary folder that takes the place of `folder` when the block ends without an error."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    settle(folder)
    work, old = _beside(folder)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        yield work
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    for path in sorted(work.rglob("*")):
        _sync(path)
    _sync(work)
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    work.rename(folder)
    _sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def settle(folder: Path) -> None:
    """Finish what a kill between the two renames of `replacing` left: the new folder is whole by then."""
    work, old = _beside(folder)
    if not old.is_dir():
        return
    if not folder.exists():
        (work if work.is_dir() else old).rename(folder)
        _sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _beside(folder: Path) -> tuple[Path, Path]:
    """Return where a folder is written and where the one it replaces waits."""
    return folder.with_name(f".{folder.name}.writing"), folder.with_name(f".{folder.name}.old")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_table(rows: Sequence[Row], table: str, folder: Path) -> None:
    """Write rows as parquet files of a table's contract; an empty table is one file without rows."""
    schema = SCHEMAS[table]
    with PartWriter(folder, schema) as writer:
        for start in range(0, len(rows), ROWS_PER_GROUP):
            # pyarrow takes missing keys for nulls and leaves out keys that are no columns
            writer.write(pa.Table.from_pylist(list(rows[start : start + ROWS_PER_GROUP]), schema))


def write_durably(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut."""
    part = path.with_name(f".{path.name}.writing")
    part.write_text(text, encoding="utf-8")
    _sync(part)
    part.replace(path)
    _sync(path.parent)


def unique_id(out: Path, name: str) -> str:
    """Return the id that a run's folder holds under a name, made where it is not there: 32 hexadecimal digits."""
    path = _id_file(out, name)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, uuid4().hex)
    return path.read_text(encoding="utf-8").strip()


def forget_id(out: Path, name: str) -> None:
    """Let the next `unique_id` of this name be another one."""
    _id_file(out, name).unlink(missing_ok=True)


def _id_file(out: Path, name: str) -> Path:
    return out / ".state" / name


def run_id(out: Path) -> str:
    """Return what the spending of a run is counted under, for as long as its folder is there."""
    return unique_id(out, "run")


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a stage into its folder."""
    text = json.dumps(asdict(manifest), indent=2, sort_keys=True, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def count_reasons(rows: Iterable[Row]) -> dict[str, dict[str, int]]:
    """Return how many rows each filter dropped, by kind of reason."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(row["filter"] or "unknown", Counter())[reason_kind(row["reason"])] += 1
    return {name: dict(sorted(found.items())) for name, found in sorted(counts.items())}


def reason_kind(reason: str) -> str:
    """Return a reason without its particulars, so that reasons of one kind count together.

    What is quoted or in brackets becomes an ellipsis, ids too, and numbers become N; the words that a short
    label points to ("garbled: libarian") are cut off.
    """
    text = _QUOTED.sub("…", reason or "no reason given")
    text = _LABELLED.sub(r"\1", _ID.sub("…", text))
    return _NUMBER.sub("N", text)[:_KIND_LENGTH].strip()


def digest_files(paths: Iterable[Path]) -> str:
    """Return one SHA-256 over files, by name and content; a folder stands for all files in it (no byte code)."""
    total = hashlib.sha256()
    for path in sorted(paths):
        files = (
            sorted(entry for entry in path.rglob("*") if entry.is_file() and entry.suffix != ".pyc")
            if path.is_dir()
            else [path]
        )
        for file in files:
            total.update(file.name.encode())
            with file.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()
