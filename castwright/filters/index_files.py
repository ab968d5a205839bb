"""An index of duplicates in a folder: a folder per part, and one small file that says which parts count.

Vectors are plain .npy files that are mapped and not read; texts, ids and pairs are parquet. Adding rows writes one
new part and then replaces the small file, so an interruption leaves the index as it was, and what is there is never
written again. (Rejected: one file of vectors, which every addition would copy; a database, which the two libraries
that read these files anyway do not need.)
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from castwright.errors import SourceError
from castwright.filters.duplicate_index import Index, Part
from castwright.filters.neighbours import Bound, Pairs

FORMAT = 1
CONTENTS = "index.json"


@dataclass(frozen=True, slots=True)
class _Contents:
    """What the small file says: the parts' folders, in order, and what is common to them."""

    floor: float
    encoder: str
    parts: tuple[str, ...]


def save_index(index: Index, folder: Path) -> None:
    """Write an index, or the parts that a folder with its beginning lacks.

    Raises:
        SourceError: the folder holds the index of something else, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there: tuple[str, ...] = ()
        if (folder / CONTENTS).exists():
            there = _matching(index, folder)
        else:
            _write_whole(folder / "basis.npy", index.bound.basis)
        names = list(there)
        for part in index.parts[len(there) :]:
            names.append(_write_part(part, folder, len(names)))
        told = {"format": FORMAT, "floor": index.floor, "encoder": index.encoder, "parts": names}
        _replace_text(folder / CONTENTS, json.dumps(told, indent=1) + "\n")
    except OSError as error:
        raise SourceError(f"{folder}: the index of duplicates cannot be written ({error.strerror})") from error


def load_index(folder: Path) -> Index:
    """Return the index in a folder; vectors are mapped, so opening costs next to nothing.

    Raises:
        SourceError: there is none, it is of another format, or a file of it is damaged.
    """
    contents = _contents(folder)
    try:
        basis = np.load(folder / "basis.npy")
        parts = tuple(_read_part(folder / name) for name in contents.parts)
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise SourceError(f"{folder}: the index of duplicates is damaged ({error}); make it anew") from error
    return Index(contents.floor, contents.encoder, Bound(basis), parts)


def _contents(folder: Path) -> _Contents:
    try:
        told = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
        if told["format"] != FORMAT:
            raise SourceError(
                f"{folder}: an index of format {told['format']}, this version reads {FORMAT}; make it anew"
            )
        return _Contents(float(told["floor"]), str(told["encoder"]), tuple(told["parts"]))
    except FileNotFoundError as error:
        raise SourceError(f"{folder}: there is no index of duplicates here ({CONTENTS} is missing)") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{folder / CONTENTS}: cannot be read ({error}); make the index anew") from error


def _matching(index: Index, folder: Path) -> tuple[str, ...]:
    """Return the parts in the folder, which must be the beginning of the index."""
    contents = _contents(folder)
    same = (contents.floor, contents.encoder) == (index.floor, index.encoder)
    sizes = [len(np.load(folder / name / "digests.npy", mmap_mode="r")) for name in contents.parts]
    if not same or sizes != [part.rows.height for part in index.parts[: len(sizes)]]:
        raise SourceError(f"{folder}: holds another index of duplicates; give another folder or remove it")
    return contents.parts


def _write_part(part: Part, folder: Path, number: int) -> str:
    """Write one part beside the others, whole or not at all; return its folder's name."""
    name = f"part-{number:05d}"
    scratch = Path(tempfile.mkdtemp(dir=folder, prefix=".part-"))
    try:
        _write_whole(scratch / "vectors.npy", part.vectors)
        _write_whole(scratch / "digests.npy", part.digests.view("u8").reshape(-1, 2))
        part.rows.write_parquet(scratch / "rows.parquet", compression="lz4")
        pairs = {
            "left": part.pairs.left,
            "right": part.pairs.right,
            "cosine": part.pairs.cosine,
            "confirmed": part.confirmations,
        }
        pl.DataFrame(pairs).write_parquet(scratch / "pairs.parquet", compression="lz4")
        target = folder / name
        if target.exists():  # of an addition that was interrupted before it counted
            shutil.rmtree(target)
        scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return name


def _read_part(folder: Path) -> Part:
    pairs = pl.read_parquet(folder / "pairs.parquet")
    left, right = (pairs.get_column(side).to_numpy() for side in ("left", "right"))
    digests = np.ascontiguousarray(np.load(folder / "digests.npy")).view("V16").ravel()
    return Part(
        pl.read_parquet(folder / "rows.parquet"),
        np.load(folder / "vectors.npy", mmap_mode="r"),
        digests,
        Pairs(left, right, pairs.get_column("cosine").to_numpy()),
        pairs.get_column("confirmed").to_numpy(),
    )


def _write_whole(path: Path, values: npt.NDArray[np.generic]) -> None:
    with path.open("wb") as file:
        np.save(file, values)
        file.flush()
        os.fsync(file.fileno())


def _replace_text(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".json")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
