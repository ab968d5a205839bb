"""Columns by dotted path: "bio.text" is the text in the object `bio`, "turns.0" the first of `turns`.

A column whose own name has a dot goes before the path, so that any header can be named as it stands. A path
that is in no row is an error rather than a column of Nones: it is a typing mistake in nearly every case.
(Rejected: JSONPath, whose filters and wildcards no data set here needs.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from castwright.errors import SourceError, nearest

Getter = tuple[str, str, list[str] | None]  # our field, their column, its path if it has a dot

_NOT_THERE = object()


def getters_of(columns: Mapping[str, str]) -> tuple[Getter, ...]:
    """Return a mapping (our field -> their column) made ready for `pick`."""
    return tuple((ours, theirs, theirs.split(".") if "." in theirs else None) for ours, theirs in columns.items())


def pick(row: Mapping[str, Any], getters: Iterable[Getter]) -> dict[str, Any]:
    """Return our fields of a row; a field that is not in it is None."""
    return {ours: row.get(column) if path is None else _at(row, column, path) for ours, column, path in getters}


def is_missing(value: Any) -> bool:
    """Return whether a value says nothing: None, NaN, blank text, an empty list or object."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value != value or (isinstance(value, (list, tuple, dict)) and not value)


def flat_names(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the columns of some rows, in order; those nested in an object also as "outer.inner"."""
    names: dict[str, None] = {}
    for row in rows:
        for name, value in row.items():
            names[name] = None
            if isinstance(value, dict):
                names.update((f"{name}.{inner}", None) for inner in value)
    return list(names)


def check_columns(columns: Iterable[str], rows: Iterable[Mapping[str, Any]], where: str) -> None:
    """Read rows until each column has been seen once: as a rule, that is the first row.

    Raises:
        SourceError: a column is in none of the rows; names the nearest, and those there are.
    """
    missing = {column: column.split(".") for column in columns}
    known: dict[str, None] = {}
    for row in rows:
        missing = {name: path for name, path in missing.items() if _find(row, name, path) is _NOT_THERE}
        if not missing:
            return
        known.update(dict.fromkeys(flat_names([row])))
    if known:  # without a single row there is nothing to compare with: the reader says what is wrong
        name = next(iter(missing))
        there = ", ".join(repr(column) for column in list(known)[:20])
        raise SourceError(f"no column {name!r} in {where}{nearest(name, known)}: it has {there}")


def _at(row: Mapping[str, Any], column: str, path: list[str]) -> Any:
    found = _find(row, column, path)
    return None if found is _NOT_THERE else found


def _find(row: Mapping[str, Any], column: str, path: list[str]) -> Any:
    if column in row:
        return row[column]
    here: Any = row
    for key in path:
        if isinstance(here, dict):
            here = here.get(key, _NOT_THERE)
        elif isinstance(here, (list, tuple)) and key.isdecimal():
            here = here[int(key)] if int(key) < len(here) else _NOT_THERE
        else:
            return _NOT_THERE
    return here
