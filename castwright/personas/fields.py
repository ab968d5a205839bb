"""From the values of a record to the facts of a card: which column is which field, and what a value means.

One table, `FIELDS`, says for every card field how a value is read and what columns are commonly called, so
that the mapping a user writes, the automatic match and the messages cannot differ. A value is read strictly
(an age "abc" makes the record a bad one): a silent None would give the character an invented age later.
(Rejected: pydantic on the whole record, whose messages name our fields and not the user's columns.)
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from castwright.errors import SourceError, nearest
from castwright.personas.card import KINDS, REGISTERS, SENTENCE_LENGTHS
from castwright.personas.columns import is_missing
from castwright.personas.lines import excerpt

MAX_NAME_CHARACTERS = 200
MAX_AGE = 10_000
_MOST_WRITTEN = 100_000  # characters of a list in Python's spelling: its reader takes a hundred times that in memory
_AGE = re.compile(r"(\d{1,9})(?:\.0+)?(?:\s*(?:years?|yrs?|y\.?o\.?)(?:[\s-]*old)?)?", re.IGNORECASE | re.ASCII)
_YES_NO = {
    "true": True,
    "yes": True,
    "y": True,
    "1": True,
    "false": False,
    "no": False,
    "n": False,
    "0": False,
}


class BadValueError(ValueError):
    """A value that its field cannot hold; the message names column, value and what is allowed."""


@dataclass(frozen=True, slots=True)
class CardField:
    """A field that a column can fill: how to read its values, and names that such columns often have."""

    read: Callable[[Any], Any]
    names: tuple[str, ...]


def _text(value: Any, joiner: str = ", ") -> str:
    if isinstance(value, (list, tuple)):
        return joiner.join(_items(value))
    if isinstance(value, (dict, bytes)):
        raise ValueError("a text is wanted (map a nested value by a dotted path)")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _prose(value: Any) -> str:
    return _text(value, " ")


def _name(value: Any) -> str:
    name = " ".join(_text(value).split())
    if len(name) > MAX_NAME_CHARACTERS:
        raise ValueError(f"a name has at most {MAX_NAME_CHARACTERS} characters, not {len(name)}")
    return name


def _age(value: Any) -> int:
    match = _AGE.fullmatch(_text(value))
    if match is None or int(match.group(1)) > MAX_AGE:
        raise ValueError(f"an age is a whole number of years from 0 to {MAX_AGE}")
    return int(match.group(1))


def _yes_no(value: Any) -> bool:
    word = _text(value).lower()
    if word not in _YES_NO:
        raise ValueError("allowed are yes and no (or true, false, 1, 0)")
    return _YES_NO[word]


def _one_of(allowed: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        word = _text(value).lower()
        if word not in allowed:
            raise ValueError(f"allowed are {', '.join(allowed)}{nearest(word, allowed)}")
        return word

    return read


def _items(value: Any) -> list[str]:
    """Return a list's texts; one text is a JSON or Python list, or split at "|", line ends or ";"."""
    if isinstance(value, str):
        written = _written_list(value)
        value = _split(value) if written is None else written
    elif not isinstance(value, (list, tuple)):
        value = [value]
    return [text for text in (_text(item) for item in value if not is_missing(item)) if text]


def _split(text: str) -> list[str]:
    separator = next((mark for mark in ("|", "\n", ";") if mark in text), None)
    return text.split(separator) if separator else [text]


def _written_list(text: str) -> list[Any] | None:
    """Return the list that a cell such as `["a", "b"]` or pandas' `['a', 'b']` spells out, else None."""
    text = text.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    readers = (orjson.loads, ast.literal_eval) if len(text) <= _MOST_WRITTEN else (orjson.loads,)
    for read in readers:
        try:
            value = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue  # the next reader, or a text that merely stands in brackets
        if isinstance(value, list):
            return value
    return None


_DESCRIPTIONS: tuple[str, ...] = (
    "description",
    "character_description",
    "bio",
    "biography",
    "persona",
    "input_persona",
)
_DESCRIPTIONS += ("summary", "profile", "about", "text")

# "description" becomes `Character.text`; every other key is a path in the card
FIELDS: dict[str, CardField] = {
    "name": CardField(_name, ("name", "full_name", "character_name", "persona_name", "character")),
    "description": CardField(_prose, _DESCRIPTIONS),
    "kind": CardField(_one_of(KINDS), ("kind",)),
    "modern": CardField(_yes_no, ("modern",)),
    "language": CardField(_text, ("language", "lang")),
    "basic_info.age": CardField(_age, ("age",)),
    "basic_info.gender": CardField(_text, ("gender", "sex")),
    "basic_info.occupation": CardField(_text, ("occupation", "job", "profession", "job_title")),
    "basic_info.place": CardField(_text, ("place", "city", "location", "hometown", "residence", "country")),
    "basic_info.era": CardField(_text, ("era", "period", "time_period", "century")),
    "basic_info.relationships": CardField(_items, ("relationships", "relations", "family")),
    "traits": CardField(_items, ("traits", "personality_traits", "personality", "characteristics", "character_traits")),
    "dialogue_style.register": CardField(_one_of(REGISTERS), ("register",)),
    "dialogue_style.sentence_length": CardField(_one_of(SENTENCE_LENGTHS), ("sentence_length",)),
    "dialogue_style.catchphrases": CardField(_items, ("catchphrases", "catchphrase")),
    "dialogue_style.quirks": CardField(_items, ("quirks", "habits", "mannerisms")),
    "background": CardField(_prose, ("background", "backstory")),
    "example_lines": CardField(_items, ("example_lines", "quotes", "sample_lines")),
}
_SHORT = {path.rpartition(".")[2]: path for path in FIELDS} | {"text": "description"}


def check_fields(columns: Mapping[str, str]) -> dict[str, str]:
    """Return a user's mapping with full card fields as keys ("age" is taken as "basic_info.age").

    Raises:
        SourceError: a key is no card field; with the nearest and all there are.
    """
    checked: dict[str, str] = {}
    for field, column in columns.items():
        path = field if field in FIELDS else _SHORT.get(field)
        if path is None:
            hint = nearest(field, [*FIELDS, *_SHORT])
            raise SourceError(f"no card field {field!r}{hint}: a column can fill {', '.join(FIELDS)}")
        if path in checked:
            raise SourceError(f"the card field {path!r} is filled twice, from {checked[path]!r} and {column!r}")
        checked[path] = column
    return checked


def match_columns(names: Iterable[str], *, without: Iterable[str] = ()) -> dict[str, str]:
    """Return card field -> column for columns with common names (`Job Title`, `bio`, `basic_info.age`).

    A column fills one field; where two would do, the name listed first in `FIELDS` wins. The fields in
    `without` stay unmatched.
    """
    free: dict[str, str] = {}
    for name in names:
        free.setdefault(re.sub(r"[^\w.]+", "_", name.lower()).strip("_"), name)
    matched: dict[str, str] = {}
    for path, field in FIELDS.items():
        known = next((known for known in (path, *field.names) if known in free), None)
        if known is not None and path not in without:
            matched[path] = free.pop(known)
    return matched


def read_facts(values: Mapping[str, Any], columns: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """Return the card facts (nested, in the card's shape, no empty values) and the free text of a record.

    Args:
        values: card field -> value, as read.
        columns: card field -> column, for messages.

    Raises:
        BadValueError: a value does not fit its field.
    """
    facts: dict[str, Any] = {}
    text = ""
    for path, value in values.items():
        if is_missing(value):
            continue
        try:
            read = FIELDS[path].read(value)
        except (ValueError, RecursionError) as error:
            shown = repr(value) if isinstance(value, (int, float)) else repr(excerpt(value)[:60])
            raise BadValueError(f"column {columns.get(path, path)!r}: {shown}: {error}") from error
        if is_missing(read):
            continue
        if path == "description":
            text = read
            continue
        outer, _, inner = path.rpartition(".")
        (facts.setdefault(outer, {}) if outer else facts)[inner] = read
    return facts, text
