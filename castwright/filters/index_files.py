"""An index of duplicates in a folder: a folder per part, and one small file that says which parts count.

Vectors are plain .npy files that are mapped and not read; texts, ids and pairs are parquet. Adding rows writes one
new part and then replaces the small file, so an interruption leaves the index as it was, and what is there is never
written again: the grown index of another folder has the same files, by hard links. (Rejected: one file of vectors,
which every addition would copy; a database, which the two libraries that read these files anyway do not need.)
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from castwright.errors import SourceError
from castwright.filters.duplicate_index import Index, Part
from castwright.filters.neighbours import Bound, Pairs

FORMAT = 2
CONTENTS = "index.json"


@dataclass(frozen=True, slots=True)
class _Contents:
    """What the small file says: the parts' folders, in order, and what is common to them."""

    floor: float
    encoder: str
    parts: tuple[str, ...]


def save_index(index: Index, folder: Path, *, base: Path | None = None) -> None:
    """Write an index, or the parts that a folder with its beginning lacks.

    `base`: another folder with its beginning, whose files are linked into this one (copied across file systems).

    Raises:
        SourceError: the folder holds the index of something else, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there: tuple[str, ...] = ()
        if base is not None:
            there = _matching(index, base)
            for name in (*there, "basis.npy"):
                link_or_copy(base / name, folder / name)
        elif (folder / CONTENTS).exists():
            there = _matching(index, folder)
        else:
            write_array(folder / "basis.npy", index.bound.basis)
        names = list(there)
        for part in index.parts[len(there) :]:
            names.append(_write_part(part, folder, len(names)))
        told = {"format": FORMAT, "floor": index.floor, "encoder": index.encoder, "parts": names}
        replace_text(folder / CONTENTS, json.dumps(told, indent=1) + "\n")
    except OSError as error:
        raise SourceError(f"{folder}: the index of duplicates cannot be written ({error.strerror})") from error


def link_or_copy(source: Path, target: Path) -> None:
    """Make a file, or a folder of files, stand at a second place: hard links where the file system has them.

    What stands at the target is replaced.
    """
    if source.is_dir():
        target.mkdir(exist_ok=True)
        for file in sorted(source.iterdir()):
            link_or_copy(file, target / file.name)
        return
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


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
    same = contents.encoder == index.encoder and contents.floor <= index.floor
    sizes = [len(np.load(folder / name / "digests.npy", mmap_mode="r")) for name in contents.parts]
    if not same or sizes != [part.rows.height for part in index.parts[: len(sizes)]]:
        raise SourceError(f"{folder}: holds another index of duplicates; give another folder or remove it")
    return contents.parts


def _write_part(part: Part, folder: Path, number: int) -> str:
    """Write one part beside the others, whole or not at all; return its folder's name."""
    name = f"part-{number:05d}"
    scratch, target = folder / f".{name}.writing", folder / name
    for left in (scratch, target):  # of an addition that was interrupted before it counted
        if left.exists():
            shutil.rmtree(left)
    scratch.mkdir()
    try:
        write_array(scratch / "vectors.npy", part.vectors)
        write_array(scratch / "digests.npy", part.digests)
        part.rows.write_parquet(scratch / "rows.parquet", compression="lz4")
        part.texts.collect().write_parquet(scratch / "texts.parquet", compression="lz4")
        pairs = {
            "left": part.pairs.left,
            "right": part.pairs.right,
            "cosine": part.pairs.cosine,
            "confirmed": part.confirmations,
        }
        pl.DataFrame(pairs).write_parquet(scratch / "pairs.parquet", compression="lz4")
        scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return name


def _read_part(folder: Path) -> Part:
    pairs = pl.read_parquet(folder / "pairs.parquet")
    left, right = (pairs.get_column(side).to_numpy() for side in ("left", "right"))
    return Part(
        pl.read_parquet(folder / "rows.parquet"),
        pl.scan_parquet(folder / "texts.parquet"),
        np.load(folder / "vectors.npy", mmap_mode="r"),
        np.load(folder / "digests.npy"),
        Pairs(left, right, pairs.get_column("cosine").to_numpy()),
        pairs.get_column("confirmed").to_numpy(),
    )


def write_array(path: Path, values: npt.NDArray[np.generic]) -> None:
    """Write an array as a .npy file, and wait until it is on the disk."""
    with path.open("wb") as file:
        np.save(file, values)
        file.flush()
        os.fsync(file.fileno())


def replace_text(path: Path, text: str) -> None:
    """Write a text file so that it is there whole or as it was; links to what it was keep that."""
    part = path.with_name(f".{path.name}.writing")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
