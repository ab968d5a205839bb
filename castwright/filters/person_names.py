"""Names of people made comparable, and the list that a user gives of them.

A name becomes its words: without case, accents, punctuation, honorifics and what follows a name ("Jr."), "Last, First"
turned round. Order is kept otherwise: James Henry is not Henry James. (Rejected: nearness of spelling, which takes
Joan Baker for John Baker; and initials for first names, which fit hundreds of people: aliases in the list serve both.)
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from castwright.errors import RecipeError, SourceError, nearest
from castwright.filters.prose import load_lexicon
from castwright.filters.screened_text import folded

_LEXICON: dict[str, list[str]] = load_lexicon("person_names")
OFFICES = frozenset(_LEXICON["offices"])
_BEFORE = OFFICES | frozenset(_LEXICON["titles"])
_AFTER = frozenset(_LEXICON["after"])
_WITHIN_WORDS = re.compile(r"['’ʼ`´]|(?<=\b\w)\.(?=\w\b)")  # "d'Essai", "J.R. Baker"
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """One name of the list in comparable words, and the place where it stands ("people.txt:12")."""

    words: tuple[str, ...]
    place: str


@dataclass(frozen=True, slots=True)
class Name:
    """A name in comparable words; `office` is whether a title of office stood before it ("President")."""

    words: tuple[str, ...]
    office: bool = False


@lru_cache(maxsize=4096)
def comparable_name(text: str) -> Name:
    """Return the comparable words of a name; titles go unless one word or none would be left of a longer name."""
    last, comma, first = text.partition(",")
    tail = _words(first)
    if comma and tail and not set(tail) <= _AFTER:
        text = f"{first} {last}"
    words = list(_words(text))
    while len(words) > 1 and words[-1] in _AFTER:
        words.pop()
    start = 0
    while start < len(words) - 1 and words[start] in _BEFORE:
        start += 1
    return Name(tuple(words[start:]), office=bool(OFFICES & set(words[:start])))


def read_people(path: str, column: str = "name") -> list[ListedPerson]:
    """Return the people of a file: text (a name per line, "#" a comment), .csv, .tsv or .jsonl with a column `column`.

    Aliases stand after a tab or "|" in a line, and in a column "aliases", "|" between them (JSONL: or a list).

    Raises:
        SourceError: the file cannot be read, a line of it cannot be understood, or it holds no name.
    """
    shown = Path(path).name
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SourceError(f"filter 'named_persons': names_file {path!r} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SourceError(f"filter 'named_persons': {shown}:{line} is not UTF-8; save the file as UTF-8") from None
    readers = {".csv": _csv, ".tsv": _csv, ".jsonl": _jsonl, ".ndjson": _jsonl}
    lines = readers.get(Path(path).suffix.lower(), _plain)(text, shown, column)
    people = [person for line, names in lines for person in _people(names, f"{shown}:{line}")]
    if not people:
        raise SourceError(f"filter 'named_persons': names_file {path!r} holds no name; give one per line")
    return people


def given_people(names: Sequence[str]) -> list[ListedPerson]:
    """Return the people of the option `names`, aliases as in a line of a file.

    Raises:
        RecipeError: one of them holds no letter.
    """
    people: list[ListedPerson] = []
    for number, name in enumerate(names, start=1):
        found = list(_people(re.split(r"[|\t]", name), f"names, entry {number}"))
        if not found:
            raise RecipeError(f"filter 'named_persons': names holds {name!r}, which is no name")
        people += found
    return people


def comparable_words(text: str) -> tuple[str, ...]:
    """Return the words of any text as names are compared: folded, apostrophes left out."""
    return _words(text)


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(_WITHIN_WORDS.sub("", folded(text))))


def _people(names: Sequence[str], place: str) -> Iterator[ListedPerson]:
    for name in names:
        words = _listed_words(name)
        if words:
            yield ListedPerson(words, place)


def _listed_words(name: str) -> tuple[str, ...]:
    """Return a listed name's words; one word with its title keeps it: "Pope Francis" is not every Francis."""
    words = comparable_name(name).words
    return words if len(words) != 1 else _words(name)


def _plain(text: str, _shown: str, _column: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, re.split(r"[|\t]", line)


def _csv(text: str, shown: str, column: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter="\t" if shown.lower().endswith(".tsv") else ",", strict=True
    )
    header: list[str] = []
    start = 1  # the line on which the record at hand begins
    try:
        for cells in reader:
            line, start = start, reader.line_num + 1
            if not header:
                header = [cell.strip() for cell in cells]
                if column not in header:
                    raise SourceError(
                        f"filter 'named_persons': {shown}:{line} has no column {column!r}{nearest(column, header)}; "
                        f"it has: {', '.join(header)}; set names_column"
                    )
                continue
            row = dict(zip(header, cells, strict=False))
            if any(cell.strip() for cell in cells):
                if not row.get(column, "").strip():
                    raise SourceError(
                        f"filter 'named_persons': {shown}:{line} has no {column}; fill it or delete the line"
                    )
                yield line, [row[column], *row.get("aliases", "").split("|")]
    except csv.Error as error:
        raise SourceError(f"filter 'named_persons': {shown}:{reader.line_num} is no CSV: {error}") from None


def _jsonl(text: str, shown: str, column: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record: Any = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise SourceError(f"filter 'named_persons': {shown}:{number} is no JSON: {error}") from None
        name = record.get(column) if isinstance(record, dict) else None
        if not isinstance(name, str) or not name.strip():
            raise SourceError(f"filter 'named_persons': {shown}:{number} has no text {column!r}; set names_column")
        aliases = record.get("aliases") or []
        aliases = aliases.split("|") if isinstance(aliases, str) else aliases
        if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
            raise SourceError(f"filter 'named_persons': {shown}:{number}: aliases must be text or a list of texts")
        yield number, [name, *aliases]
