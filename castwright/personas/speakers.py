"""Characters from scripts: plays, screenplays, chat logs and tables of quotes, each speaker with their own lines.

What a file is follows from its content: a table by its extension, a screenplay by its scene headings (INT., EXT.) where
names alone on a line carry more speech than labels do, anything else by labels (`NAME: line`, `NAME. line`). One
file is one world: names are merged and styles compared within it and never across files. (Rejected: a kind for
each shape, which asks a user with a folder of scripts to sort it first.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from castwright.errors import BadRecord, SourceError
from castwright.personas.card import Kind
from castwright.personas.cast_list import MIN_LINES, Utterance, cast_characters
from castwright.personas.columns import is_missing
from castwright.personas.lines import DataFile, format_of
from castwright.personas.origin import Found, Origin
from castwright.personas.screenplay import is_screenplay, screenplay_cues
from castwright.personas.script_blocks import Block, normalise, script_blocks, stage_directions
from castwright.personas.script_labels import find_cast
from castwright.personas.spoken_line import spoken_line
from castwright.personas.tables import Record, column_names, read_records, require_good, take_good
from castwright.personas.text_lines import TextFile, read_each, read_text_file

SPEAKER_COLUMNS = ("character", "speaker", "player", "role", "name", "who", "author", "user", "from")
LINE_COLUMNS = (
    "line",
    "quote",
    "dialogue",
    "dialog",
    "utterance",
    "playerline",
    "message",
    "text",
    "speech",
    "content",
)

_CLOCK = r"\d{1,2}:\d\d(?::\d\d)?(?: ?[AaPp]\.?[Mm]\.?)?"
_DATE = re.compile(rf"^\[?\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{1,4}},?[ T]{_CLOCK}\]?(?: -)? ?")
_HANDLE = re.compile(rf"^(?:\[?{_CLOCK}\]? )?<[ @+%~&]?([^\s<>]{{1,32}})> ")


def script_characters(
    path: str | Path,
    *,
    licence: str = "unknown",
    dataset: str | None = None,
    kind: Kind | None = None,
    modern: bool | None = None,
    limit: int | None = None,
    min_lines: int = MIN_LINES,
    columns: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Found:
    """Yield the speakers of a script, or of all files of a folder, in order of path and of first speech.

    Args:
        path: a text file or a table (.csv, .tsv, .jsonl, .json, .parquet); text also as .gz, .bz2 or .zst.
        licence, dataset, kind, modern: for all characters of the source.
        limit: stop after this many characters.
        min_lines: who says less is kept aside.
        columns: for tables: "speaker" and "line" -> their columns. None: columns with common names match.
        seed: decides ties between equally good example lines.

    Raises:
        SourceError: nothing is at the path, or not one character with enough lines.
    """
    origin = Origin.of(Path(path).expanduser(), licence=licence, dataset=dataset, kind=kind, modern=modern)
    source = Path(path).expanduser()
    read = partial(script_file, min_lines=min_lines, columns=columns, seed=seed)
    return take_good(require_good(read_each(source, read, origin), str(source)), limit)


def script_file(
    file: DataFile,
    origin: Origin,
    *,
    min_lines: int = MIN_LINES,
    columns: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Found:
    """Yield the speakers of one file with their evidence; what is left out is a BadRecord.

    Raises:
        SourceError: the file cannot be read.
    """
    if format_of(file.path) is not None:
        found: list[Utterance] = []
        for item in _table_utterances(file, columns):
            if isinstance(item, BadRecord):
                yield item
            else:
                found.append(item)
    else:
        text = read_text_file(file)
        yield from text.bad
        found = list(script_utterances(text))
    if not found:
        yield BadRecord(file.name, "no speaker in it: wanted are lines such as NAME: words, or a screenplay")
        return
    yield from cast_characters(found, file.name, origin, min_lines=min_lines, seed=seed)


def script_utterances(text: TextFile) -> Iterator[Utterance]:
    """Yield what is said in a script's text: read as a screenplay where that finds more speech than labels do."""
    labelled = list(_labelled_utterances(text))
    if is_screenplay(text.lines):
        cued = list(_cued_utterances(text))
        if len(cued) >= len(labelled):
            yield from cued
            return
    yield from labelled


def _labelled_utterances(text: TextFile) -> Iterator[Utterance]:
    lines = [_as_label(normalise(line).rstrip("\n").replace("\n", " ")) for line in text.lines]
    cast = frozenset(find_cast(lines))
    for block in script_blocks(lines, cast):
        if not block.name:
            continue
        pieces = tuple(_pieces(block))
        line = spoken_line(pieces, text.place(block.start))
        if line is not None:
            yield Utterance(block.name, line, pieces)


def _as_label(line: str) -> str:
    """Return a line of a chat log ("[3/4/21, 10:15] Ann: hi", "10:15 <ann> hi") as "Ann: hi"; others unchanged."""
    return _HANDLE.sub(r"\1: ", _DATE.sub("", line))


def _pieces(block: Block) -> Iterator[str]:
    """Yield what is said in a block, between its stage directions."""
    start = 0
    for left, right in stage_directions(block.body):
        yield block.body[start:left]
        start = right
    yield block.body[start:]


def _cued_utterances(text: TextFile) -> Iterator[Utterance]:
    for cue in screenplay_cues(text.lines):
        said = "\n".join(text.lines[index].strip() for index in cue.said)
        pieces = tuple(_pieces(Block(name=cue.name, body=said)))
        line = spoken_line(pieces, text.place(cue.index))
        if line is not None:
            yield Utterance(cue.name, line, pieces)


def _table_utterances(file: DataFile, columns: Mapping[str, str] | None) -> Iterator[Utterance | BadRecord]:
    mapping = dict(columns) if columns else _matched(column_names(file.path), file.name)
    for wanted in ("speaker", "line"):
        if wanted not in mapping:
            raise SourceError(f"columns for {file.name} lack {wanted!r}: say {{speaker: ..., line: ...}}")
    for record in read_records(file.path, columns=mapping):
        yield record if isinstance(record, BadRecord) else _told(record)


def _told(record: Record) -> Utterance | BadRecord:
    speaker, words = record.values.get("speaker"), record.values.get("line")
    if is_missing(speaker):
        return BadRecord(record.place, "nobody is named as the speaker", str(words)[:200])
    line = None if is_missing(words) else spoken_line([str(words)], record.place)
    if line is None:
        return BadRecord(record.place, "no words in the line", str(speaker)[:200])
    return Utterance(str(speaker), line)


def _matched(names: list[str], where: str) -> dict[str, str]:
    folded = {"".join(filter(str.isalnum, name.casefold())): name for name in reversed(names)}
    mapping = {}
    for ours, known in (("speaker", SPEAKER_COLUMNS), ("line", LINE_COLUMNS)):
        column = next((folded[name] for name in known if name in folded), None)
        if column is None:
            there = ", ".join(map(repr, names[:20]))
            remedy = "say which with columns: {speaker: ..., line: ...}"
            raise SourceError(f"no column of {where} is known as a {ours} ({there}): {remedy}")
        mapping[ours] = column
    return mapping
