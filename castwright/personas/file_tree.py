"""The files at a path, folders within folders included, in the order of their paths.

A linked folder is followed, because people collect their files with links; one that leads to a folder that is
being read, or has been, is kept aside with that reason, so that a loop ends and no file counts twice. Hidden files
are skipped: they belong to systems and tools. (Rejected: `Path.rglob`, which in Python 3.11 passes linked folders
over without a word.)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from castwright.errors import BadRecord, SourceError
from castwright.personas.lines import DataFile, reason_of, shown


def walk_files(source: Path) -> Iterator[DataFile | BadRecord]:
    """Yield the files at a path; `name` is the path inside the folder ("sub/card.png"), the format stays open.

    Raises:
        SourceError: at the call: nothing is there, or it may not be looked at.
    """
    try:
        if source.is_dir():
            return _folder(source, "", set())
        if not source.exists():
            trouble = "it is a link that leads nowhere, or in a circle" if source.is_symlink() else "check the path"
            raise SourceError(f"no file or folder {source}: {trouble}")
        if not source.is_file():
            raise SourceError(f"cannot read {source}: it is neither a file nor a folder")
    except OSError as error:
        raise SourceError(f"cannot read {source}: {reason_of(error)}") from error
    return iter([DataFile(source, shown(source.name), "")])


def _folder(folder: Path, prefix: str, seen: set[tuple[int, int]]) -> Iterator[DataFile | BadRecord]:
    try:
        state = folder.stat()
        if (state.st_dev, state.st_ino) in seen:
            yield BadRecord(prefix.rstrip("/"), "a link to a folder that is read already")
            return
        seen.add((state.st_dev, state.st_ino))
        entries = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        yield BadRecord(prefix.rstrip("/") or shown(folder.name), f"the folder cannot be read: {reason_of(error)}")
        return
    for name in entries:
        yield from _entry(folder / name, prefix + shown(name), seen)


def _entry(path: Path, name: str, seen: set[tuple[int, int]]) -> Iterator[DataFile | BadRecord]:
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:
        yield BadRecord(name, f"it cannot be looked at: {reason_of(error)}")
        return
    if is_folder:
        yield from _folder(path, f"{name}/", seen)
    elif is_file:
        yield DataFile(path, name, "")
    else:
        reason = "a link that leads nowhere, or in a circle" if path.is_symlink() else "not a regular file"
        yield BadRecord(name, reason)
