"""Where characters come from: tables, Hugging Face datasets, chat programs' cards, the bundled cast, the grid.

Every source is one function that yields `Character` or `BadRecord` lazily, and one frozen model that a recipe
spells (`kind: table`, in `source_kinds`). `read_characters` is the only place that knows them all. Functions and
not source classes with a common base: there is nothing to share but the type of what they yield. (Duplicates are
left in on purpose: finding them is a filter's work, which keeps them with a reason.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.resources import as_file, files
from itertools import chain, islice
from pathlib import Path
from typing import Any

from castwright.errors import BadRecord, SourceError
from castwright.personas.card import Kind, Source
from castwright.personas.character import Character, complete_card
from castwright.personas.columns import check_columns, flat_names, getters_of, pick
from castwright.personas.entities import entity_characters
from castwright.personas.fields import BadValueError, check_fields, match_columns, read_facts
from castwright.personas.folder import folder_characters
from castwright.personas.free_text import text_characters
from castwright.personas.hub import hub_licence, hub_rows
from castwright.personas.lines import excerpt
from castwright.personas.novels import novel_characters
from castwright.personas.one_line import one_line_characters
from castwright.personas.origin import Origin
from castwright.personas.source_kinds import (
    AnySource,
    BundledSource,
    EntitySource,
    FolderSource,
    GivenSource,
    GridSource,
    HubSource,
    NovelSource,
    OneLineSource,
    PersonaSource,
    ScriptSource,
    TableSource,
    TavernSource,
    TextSource,
)
from castwright.personas.speakers import script_characters
from castwright.personas.tables import Record, column_names, read_records, require_good, take_good
from castwright.personas.tavern import tavern_characters
from castwright.personas.text_readers import TEXT_READERS

__all__ = [
    "AnySource",
    "BundledSource",
    "EntitySource",
    "FolderSource",
    "GridSource",
    "HubSource",
    "NovelSource",
    "OneLineSource",
    "PersonaSource",
    "ScriptSource",
    "TableSource",
    "TavernSource",
    "TextSource",
    "bundled_characters",
    "entity_characters",
    "folder_characters",
    "hub_characters",
    "novel_characters",
    "one_line_characters",
    "read_characters",
    "script_characters",
    "table_characters",
    "tavern_characters",
    "text_characters",
]
_SAMPLE_ROWS = 100  # rows looked at to learn the columns of a dataset that states none


def read_characters(source: AnySource, *, count: int | None, seed: int) -> Iterator[Character | BadRecord]:
    """Yield a source's characters in its own order, at most `count` good ones (None: all there are).

    Raises:
        SourceError: the source cannot be read; a grid without a count, which has no end.
    """
    match source:
        case TableSource():
            found = table_characters(source.path, columns=source.columns, **_given(source))
        case HubSource():
            place: dict[str, Any] = {
                "split": source.split,
                "config": source.config,
                "revision": source.revision,
            }
            found = hub_characters(source.name, columns=source.columns, **place, **_given(source))
        case TavernSource():
            found = tavern_characters(source.path, **_given(source))
        case EntitySource():
            named: dict[str, Any] = source.model_dump(include={"language", "fallback", "kinds", "labels", "year"})
            found = entity_characters(source.path, **named, **_given(source))
        case OneLineSource():
            where = source.model_dump(include={"path", "name", "column", "split", "config", "revision"})
            found = one_line_characters(**where, **_given(source))
        case ScriptSource():
            how = source.model_dump(include={"min_lines", "columns"})
            found = script_characters(source.path, seed=seed, **how, **_given(source))
        case NovelSource():
            found = novel_characters(source.path, min_lines=source.min_lines, seed=seed, **_given(source))
        case TextSource():
            found = text_characters(source.path, max_characters=source.max_characters, **_given(source))
        case FolderSource():
            found = folder_characters(source.path, tables=table_characters, others=TEXT_READERS, **_given(source))
        case BundledSource():
            found = bundled_characters()
        case GridSource():
            found = _grid_characters(source, count, seed)
    return take_good(found, count)


def table_characters(
    path: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    licence: str = "unknown",
    dataset: str | None = None,
    kind: Kind | None = None,
    modern: bool | None = None,
    limit: int | None = None,
) -> Iterator[Character | BadRecord]:
    """Yield the characters of a table (formats and folders: `tables.read_records`).

    Args:
        columns: card field -> column ("description" is free text; "age" or "basic_info.age"; a list may be
            a text split at "|", line ends or ";", or a JSON list). None: columns with common names match.
        dataset: name of the source in the cards; the file's name without extensions by default.
        kind, modern: for records that do not say it themselves.
        limit: stop after this many characters.

    Raises:
        SourceError: as `read_records`; a key of `columns` that is no card field; no column for a name or a
            description; not one character in it.
    """
    origin = Origin.of(path, licence=licence, dataset=dataset, kind=kind, modern=modern)
    mapping = _mapping(columns, lambda: column_names(path, rows=_SAMPLE_ROWS), origin, str(path))
    return _characters(read_records(path, columns=mapping), mapping, origin, str(path), limit)


def hub_characters(
    name: str,
    *,
    split: str = "train",
    config: str | None = None,
    revision: str | None = None,
    columns: Mapping[str, str] | None = None,
    licence: str = "unknown",
    dataset: str | None = None,
    kind: Kind | None = None,
    modern: bool | None = None,
    limit: int | None = None,
) -> Iterator[Character | BadRecord]:
    """Yield the characters of a Hugging Face dataset, streamed; records are called "train[row 3]".

    Args:
        name: a Hub name ("user/name") or a local folder in the Hub's layout.
        licence: used where the dataset's own card states none.
        columns, dataset, kind, modern, limit: as in `table_characters`.

    Raises:
        SourceError: not found, offline, wrong split, configuration or column; as `table_characters`.
    """
    rows = hub_rows(name, split=split, config=config, revision=revision)
    sample = list(islice(rows, _SAMPLE_ROWS))
    if not sample:
        raise SourceError(f"the split {split!r} of the dataset {name!r} has no rows")
    local = Path(name).is_dir()
    source = Source(
        dataset=dataset or (Path(name).resolve().name if local else name),
        uri="" if local else f"https://huggingface.co/datasets/{name}",
        licence=hub_licence(name, revision=revision) or licence,
    )
    where = f"the dataset {name!r}"
    origin = Origin(source, Origin.of(name, kind=kind, modern=modern).defaults)
    mapping = _mapping(columns, lambda: flat_names(sample), origin, where)
    check_columns(mapping.values(), sample, where)
    getters = getters_of(mapping)
    numbered = enumerate(chain(sample, rows), start=1)
    records = (Record(f"{split}[row {number}]", pick(row, getters)) for number, row in numbered)
    return _characters(records, mapping, origin, where, limit)


def bundled_characters() -> Iterator[Character | BadRecord]:
    """Yield the characters that come with castwright: complete cards, written for it, CC0."""
    with as_file(files("castwright.personas").joinpath("bundled", "characters.jsonl")) as path:
        for record in read_records(path):
            if isinstance(record, BadRecord):
                yield record
                continue
            source = Source(dataset="castwright-bundled", record=record.place, licence="CC0-1.0")
            character = Character(facts=record.values, source=source)
            whole = complete_card(character) is not None
            yield character if whole else BadRecord(record.place, "no complete card", excerpt(record.values))


def _mapping(
    columns: Mapping[str, str] | None, names: Callable[[], list[str]], origin: Origin, where: str
) -> dict[str, str]:
    """Return card field -> column: the user's, checked, or the match of common names; `where` is for messages.

    Raises:
        SourceError: an unknown card field; nothing that a card could be made of.
    """
    if columns:
        mapping, there = check_fields(columns), list(columns.values())
    else:
        there = names()
        mapping = match_columns(there, without=origin.defaults)
    if not {"name", "description", "background"} & set(mapping):
        known = ", ".join(map(repr, there[:20]))
        remedy = "say which with columns: {name: ..., description: ...}"
        raise SourceError(f"no column of {where} is known as a name or a description ({known}): {remedy}")
    return mapping


def _characters(
    records: Iterator[Record | BadRecord], mapping: dict[str, str], origin: Origin, where: str, limit: int | None
) -> Iterator[Character | BadRecord]:
    found = (record if isinstance(record, BadRecord) else _character(record, mapping, origin) for record in records)
    return take_good(require_good(found, where), limit)


def _character(record: Record, mapping: dict[str, str], origin: Origin) -> Character | BadRecord:
    try:
        facts, text = read_facts(record.values, mapping)
    except BadValueError as error:
        return BadRecord(record.place, str(error), excerpt(record.values))
    if not (text or facts.get("name") or facts.get("background")):
        columns = ", ".join(repr(mapping[key]) for key in ("name", "description", "background") if key in mapping)
        return BadRecord(record.place, f"neither a name nor a description (in {columns})", excerpt(record.values))
    return Character(facts={**origin.defaults, **facts}, text=text, source=origin.at(record.place))


def _given(source: GivenSource) -> dict[str, Any]:
    """Return a recipe's words as the arguments that all readers take."""
    return {
        "licence": source.licence,
        "dataset": source.dataset,
        "kind": source.persona_kind,
        "modern": source.modern,
        "limit": source.limit,
    }


def _grid_characters(source: GridSource, count: int | None, seed: int) -> Iterator[Character | BadRecord]:
    wanted = source.count if source.count is not None else count
    if wanted is None:
        raise SourceError("a grid has no end: give it a count (kind: grid, count: 1000)")
    from castwright.personas.grid import load_tables, sample_characters
    from castwright.personas.grid_coverage import table_coverage

    tables = load_tables(Path(source.tables).expanduser()) if source.tables is not None else None
    share, against = source.modern_share, None
    if source.against is not None:
        against = table_coverage(Path(source.against).expanduser(), tables=tables, modern_share=share).counts
    own_seed = source.seed if source.seed is not None else seed
    yield from sample_characters(
        wanted, own_seed, tables=tables, modern_share=share, start=source.start, against=against
    )
