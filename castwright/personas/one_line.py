"""One-line personas (PersonaHub style): one person to a line of text, or to a cell of a column.

The line is the text of a character without facts: a model gives it a name, because a name made up here would go
before whatever the model finds fitting. Bullets, numbers and quotation marks around a line are taken off, as they
come from the list and not from the person. (Rejected: reading them as a table with one column, where every comma of
a .txt cuts a person in two.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from castwright.errors import BadRecord, SourceError, nearest
from castwright.personas.card import Kind
from castwright.personas.character import Character
from castwright.personas.columns import check_columns, flat_names, getters_of, is_missing, pick
from castwright.personas.file_tree import walk_files
from castwright.personas.hub import hub_licence, hub_rows
from castwright.personas.lines import DataFile, excerpt, format_of, read_head, read_lines, reason_of, shown, unreadable
from castwright.personas.origin import Found, Origin
from castwright.personas.tables import Record, column_names, read_records, require_good, require_some, take_good

MAX_CHARACTERS = 2000
COLUMNS = ("persona", "input persona", "input_persona", "description", "persona_description", "text")
_BULLET = re.compile(r"^(?:[-*•–]\s+|\(?\d{1,9}[.):]\s+)")
_QUOTES = {'"': '"', "“": "”", "'": "'", "«": "»"}
_SPEECH = re.compile(r"^[A-Z][\w .'-]{0,30}:\s")
_PERSON = re.compile(
    r"^(?:an?|the|someone|somebody|my|this|you are|i am|i'm|he|she|they|former|retired|young|old)\b", re.IGNORECASE
)
_SAMPLE_ROWS = 100


def one_line_characters(
    path: str | Path | None = None,
    *,
    name: str | None = None,
    column: str | None = None,
    split: str = "train",
    config: str | None = None,
    revision: str | None = None,
    licence: str = "unknown",
    dataset: str | None = None,
    kind: Kind | None = None,
    modern: bool | None = None,
    limit: int | None = None,
) -> Found:
    """Yield a character for each line of text files, or each cell of a column.

    Args:
        path: a .txt (also .gz, .bz2, .zst), a table (formats of `tables.read_records`), or a folder of these.
        name, split, config, revision: instead of `path`, a data set of the Hub as in `sources.hub_characters`.
        column: of a table or data set; None takes the first of `COLUMNS` that is there, or the only column.
        licence, dataset, kind, modern, limit: as in `tavern.tavern_characters`.

    Raises:
        SourceError: neither `path` nor `name` or both; nothing there; no such column; not one persona.
    """
    if (path is None) == (name is None):
        raise SourceError("one-line personas need a path (a file or folder) or a name (a data set of the Hub)")
    if name is not None:
        where = f"the dataset {name!r}"
        stated = hub_licence(name, revision=revision) or licence
        called = dataset or (Path(name).resolve().name if Path(name).is_dir() else name)
        uri = "" if Path(name).is_dir() else f"https://huggingface.co/datasets/{name}"
        origin = Origin.of(called, licence=stated, dataset=called, uri=uri, kind=kind, modern=modern)
        found = _of_hub(name, column, split, config, revision, origin)
    else:
        source = Path(str(path)).expanduser()
        where = str(source)
        origin = Origin.of(source, licence=licence, dataset=dataset, kind=kind, modern=modern)
        found = (item for file in walk_files(source) for item in _of_file(file, column, origin))
    return take_good(require_some(require_good(found, where), f"no persona in {where}: it is empty"), limit)


def line_file(file: DataFile, origin: Origin) -> Found:
    """Yield the characters of one text file, a person a line; blank lines are nobody."""
    for number, line, trouble in read_lines(file):
        if line.isspace() and not trouble:
            continue
        place = f"{file.name}:{number}"
        trouble = trouble or unreadable(line)
        yield BadRecord(place, trouble, excerpt(line)) if trouble else _character(line.decode(), place, origin)


def _of_file(file: DataFile | BadRecord, column: str | None, origin: Origin) -> Found:
    if isinstance(file, BadRecord):
        yield file
        return
    try:
        if format_of(file.path) is None:
            binary = BadRecord(file.name, "a binary file, or UTF-16 without a byte order mark: save it as UTF-8")
            yield from [binary] if _is_binary(file.path) else line_file(file, origin)
            return
        folder = file.name.removesuffix(shown(file.path.name))  # a table's places name the file alone
        chosen = column or _column(column_names(file.path, rows=_SAMPLE_ROWS), str(file.path))
        for record in read_records(file.path, columns={"persona": chosen}):
            if isinstance(record, BadRecord):
                yield BadRecord(folder + record.place, record.reason, record.excerpt)
            else:
                yield _of_record(Record(folder + record.place, record.values), chosen, origin)
    except SourceError as error:
        yield BadRecord(file.name, reason_of(error))
    except OSError as error:
        yield BadRecord(file.name, f"it cannot be read: {reason_of(error)}")


def _is_binary(path: Path) -> bool:
    """Return whether a file is no text: NUL bytes in its first line."""
    return b"\0" in read_head(path, 1024).partition(b"\n")[0]


def _of_hub(
    name: str, column: str | None, split: str, config: str | None, revision: str | None, origin: Origin
) -> Found:
    rows = hub_rows(name, split=split, config=config, revision=revision)
    sample = list(islice(rows, _SAMPLE_ROWS))
    if not sample:
        return
    where = f"the dataset {name!r}"
    chosen = column or _column(flat_names(sample), where)
    check_columns([chosen], sample, where)
    getters = getters_of({"persona": chosen})
    for number, row in enumerate(chain(sample, rows), start=1):
        yield _of_record(Record(f"{split}[row {number}]", pick(row, getters)), chosen, origin)


def _column(names: list[str], where: str) -> str:
    known = {name.lower().strip(): name for name in reversed(names)}
    found = next((known[name] for name in COLUMNS if name in known), None) or (names[0] if len(names) == 1 else None)
    if found is None:
        there = ", ".join(map(repr, names[:20]))
        hint = nearest("persona", names)
        raise SourceError(f"no column of {where} is known as a persona{hint} ({there}): say which with column:")
    return found


def _of_record(record: Record, column: str, origin: Origin) -> Character | BadRecord:
    value = record.values["persona"]
    if is_missing(value):
        return BadRecord(record.place, f"no value in the column {column!r}")
    if not isinstance(value, str):
        reason = f"the column {column!r} holds a {type(value).__name__} where a text is expected"
        return BadRecord(record.place, reason, excerpt(value))
    return _character(value, record.place, origin)


def _character(line: str, place: str, origin: Origin) -> Character | BadRecord:
    text = _bare(line)
    if not any(character.isalpha() for character in text):
        return BadRecord(place, "no words in it", excerpt(line))
    if len(text) > MAX_CHARACTERS:
        reason = f"{len(text):,} characters: a one-line persona has at most {MAX_CHARACTERS:,}"
        return BadRecord(place, reason, excerpt(line))
    return Character(facts=dict(origin.defaults), text=text, source=origin.at(place))


def _bare(line: str) -> str:
    text = _BULLET.sub("", " ".join(line.split()))
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        text = text[1:-1].strip()
    return text


def looks_like_personas(rows: Iterator[str]) -> bool:
    """Return whether lines of text are a person each: short ones of several words, none a speech (`NAME: words`)."""
    sample = [row for row in islice((row.strip() for row in rows), 200) if row]
    if not sample:
        return False
    fitting = sum(2 <= len(_bare(row).split()) <= 80 and not _SPEECH.match(row) for row in sample)
    persons = sum(bool(_PERSON.match(_bare(row))) for row in sample)
    return fitting >= 0.95 * len(sample) and persons >= 0.6 * len(sample)
