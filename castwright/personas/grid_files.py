"""Reads the tables of the grid from YAML: one file, or a folder of files that share the sections out.

A user's files hold whole sections (`regions`, `names`, `traits`, ...); a section they leave out is taken from
the tables that ship with castwright, because most users only want other places or other words. (Rejected:
merging inside a section, where one cannot see what is left of the default.) The YAML nodes are kept while the
tables are checked, so that every mistake comes back as one line with file, line and column.

What may be conditional, and on what; a number is a weight, and what is left out means everywhere, for anyone:

- occupation on place, era and gender: `only`, `gender`, `given` and `weight`, of a field or one occupation; a setting
  has occupations of its own;
- age on occupation: `ages`; names on place, era, gender and age: `names` of a place, `elder_*` of a culture;
- register on age (`modern_registers`), setting (its `registers`) and occupation (its `register`, `lean_factor` times
  as frequent); sentence length on register; quirks and catchphrases on place, era and register;
- Big-Five poles on occupation: `leans`, `lean_factor` times as frequent.

A file that replaces occupations, the registers of modern people and how strongly an occupation leans:

    occupations:
      harbour:
        only: [coast]
        leans: [conscientiousness+, neuroticism-]
        jobs:
          crane driver: {ages: [21, 64], given: {woman: 0.5}, metaphor: machine}
          fish auctioneer: {ages: [25, 70], register: formal, leans: [extraversion+]}
          net mender: [18, 80]
      inland:
        only: [modern]
        given: {coast: 0.2}
        jobs:
          miller: [20, 70]
          potter: {ages: [18, 80], leans: [openness+]}
    modern_registers:
      - {ages: [0, 39], weights: {casual: 3, neutral: 1}}
      - {ages: [40, 120], weights: {neutral: 2, formal: 1}}
    lean_factor: 5
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from castwright.errors import SourceError, nearest
from castwright.personas import grid_entries
from castwright.personas.grid_tables import GridTables

_SHIPPED = Path(__file__).parent / "grid"
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KNOWN_KEYS = {
    field.alias or name
    for model in (GridTables, *vars(grid_entries).values())
    if isinstance(model, type) and issubclass(model, BaseModel)
    for name, field in model.model_fields.items()
}
_REMEDIES = {
    "extra_forbidden": "remove the key or correct its spelling",
    "missing": "add the key",
    "too_short": "give it at least one entry, or remove it",
    "string_too_short": "fill it in or remove it",
    "string_type": "write a text; quote words that YAML reads as something else, such as 'No'",
    "greater_than": "give a number above zero",
}


@dataclass(frozen=True, slots=True)
class _Section:
    """One top-level key of a file: what it holds and where it stands."""

    file: Path
    node: yaml.Node
    data: Any


def load_tables(path: Path | None = None) -> GridTables:
    """Return the tables of a YAML file or of all YAML files in a folder; without a path, those we ship.

    Raises:
        SourceError: the path cannot be read or a table is wrong; names file, line, column, key and remedy.
    """
    shipped = _shipped_sections()
    if path is None:
        return _shipped_tables()
    own = _read_sections(path)
    return _validated({**shipped, **own}, frozenset(own))


@cache
def _shipped_sections() -> dict[str, _Section]:
    return _read_sections(_SHIPPED)


@cache
def _shipped_tables() -> GridTables:
    sections = _shipped_sections()
    return _validated(sections, frozenset(sections))


def _validated(sections: dict[str, _Section], own: frozenset[str]) -> GridTables:
    data = {name: section.data for name, section in sections.items()}
    try:
        return GridTables.model_validate(data, context={"own_sections": own})
    except ValidationError as error:
        raise SourceError(_message(error.errors()[0], sections)) from None


def _read_sections(path: Path) -> dict[str, _Section]:
    """Return the sections of a file or folder by name; a section stands in one file only."""
    files = sorted([*path.glob("*.yaml"), *path.glob("*.yml")]) if path.is_dir() else [path]
    if not files:
        raise SourceError(f"{path}: no YAML file in this folder; put the grid's tables there or name a file")
    sections: dict[str, _Section] = {}
    for file in files:
        for name, section in _read_file(file).items():
            if name in sections:
                where = f"{_place(file, section.node)}: the section {name!r} stands in {sections[name].file} too"
                raise SourceError(f"{where}; keep one of them")
            sections[name] = section
    return sections


def _read_file(file: Path) -> dict[str, _Section]:
    try:
        loader = _LOADER(file.read_text(encoding="utf-8"))
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise SourceError(f"{file}: tables are a mapping of sections such as `regions:`; see the shipped tables")
        _refuse_double_keys(file, root)
        data = loader.construct_document(root)
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{file}: cannot be read ({error}); name a YAML file or a folder of them") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
        raise SourceError(f"{where}: not valid YAML ({error.problem}); correct the line") from None
    except yaml.YAMLError as error:
        raise SourceError(f"{file}: not valid YAML ({' '.join(str(error).split())}); correct it") from None
    return {str(key.value): _Section(file, value, data.get(key.value)) for key, value in root.value}


def _refuse_double_keys(file: Path, node: yaml.Node) -> None:
    """Refuse a mapping that names a key twice: YAML would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise SourceError(f"{_place(file, key)}: the key {key.value!r} stands here twice; keep one of them")
            seen.add(str(key.value))
            _refuse_double_keys(file, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_double_keys(file, value)


def _message(error: ErrorDetails, sections: dict[str, _Section]) -> str:
    """Return the one line a user sees for the first mistake in their tables."""
    path = tuple(error.get("ctx", {}).get("path", error["loc"]))
    reason = error["msg"].removeprefix("Value error, ")
    remedy = _REMEDIES.get(error["type"], "correct it")
    if error["type"] == "extra_forbidden":
        reason = f"unknown key {str(path[-1])!r}{nearest(str(path[-1]), _KNOWN_KEYS)}"
    key = ".".join(str(part) for part in path if part != "[key]")
    section = sections.get(str(path[0])) if path else None
    if section is None:
        return f"grid tables: {key}: {reason}; {remedy}"
    return f"{_place(section.file, _node_at(section.node, path[1:]))}: {key}: {reason}; {remedy}"


def _node_at(node: yaml.Node, path: tuple[Any, ...]) -> yaml.Node:
    """Return the deepest node on a path of keys and positions."""
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next((value for key, value in node.value if str(key.value) == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = node.value[part]
        else:
            found = None
        if found is None:
            break
        node = found
    return node


def _place(file: Path, node: yaml.Node) -> str:
    return f"{file}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
