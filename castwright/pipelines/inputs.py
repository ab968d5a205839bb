"""The rows a recipe points to beside characters: seed questions, chat turns, SFT pairs, scripts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from castwright.errors import BadRecord, RecipeError, SourceError, nearest
from castwright.generators.rewriter.pairs import StylePair
from castwright.personas.lines import MAX_LINE_BYTES, DataFile, excerpt, read_bytes, unreadable
from castwright.personas.tables import Record, read_records, require_good, take_good
from castwright.pipelines.contracts import row_digest
from castwright.pipelines.recipe import BundledRows, RowSource, TextFiles

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """A seed question; `kind` is "iq" (know or solve) or "eq" (social, emotional), or "" when unknown."""

    question_id: str
    question: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One chat turn. `previous` is the turn before it in its conversation, or ""."""

    text: str
    conversation: str
    previous: str
    place: str


@dataclass(frozen=True, slots=True)
class SFTPair:
    """One (q, a) of an SFT set; `place` says where it stood."""

    question: str
    answer: str
    place: str


@dataclass(frozen=True, slots=True)
class ScriptText:
    """A script as it was read; `source` names the file or folder it is from, `place` where it stood there."""

    script_id: str
    title: str
    text: str
    source: str
    place: str


_COLUMNS: dict[str, tuple[str, ...]] = {
    "questions": ("question", "question_id", "kind"),
    "chat": ("text", "conv", "turn"),
    "sft": ("question", "answer"),
    "scripts": ("text", "script_id", "title"),
}
_REQUIRED = {"questions": ("question",), "chat": ("text",), "sft": ("question", "answer"), "scripts": ("text",)}


def source_path(table: str, source: RowSource | TextFiles) -> Path:
    """Return the file or folder that a source of this table reads."""
    if isinstance(source, BundledRows):
        return Path(str(resources.files("castwright.generators") / "bundled" / f"{table}.jsonl"))
    return Path(source.path)


def _records(table: str, source: RowSource) -> Iterator[Record | BadRecord]:
    columns: dict[str, str] | None = None
    if not isinstance(source, BundledRows):
        columns = {**source.columns} or None
        unknown = [key for key in source.columns if key not in _COLUMNS[table]]
        if unknown:
            raise RecipeError(
                f"{table}.columns: unknown field {unknown[0]!r}{nearest(unknown[0], _COLUMNS[table])}; "
                f"fields are {', '.join(_COLUMNS[table])}"
            )
    return read_records(source_path(table, source), columns=columns, required=_REQUIRED[table], limit=source.limit)


def read_questions(source: RowSource) -> Iterator[Question | BadRecord]:
    """Yield the seed questions of a source; one without an id gets one from its text."""
    for record in _records("questions", source):
        if isinstance(record, BadRecord):
            yield record
            continue
        text = _text(record.values["question"])
        given = _text(record.values.get("question_id"))
        yield Question(given or "q-" + row_digest(text)[2:12], text, _text(record.values.get("kind")))


def read_turns(source: RowSource) -> Iterator[Turn | BadRecord]:
    """Yield the chat turns of a source with the turn before each; turns of a conversation stand together."""
    conversation, previous = "", ""
    for record in _records("chat", source):
        if isinstance(record, BadRecord):
            yield record
            continue
        text = _text(record.values["text"])
        here = _text(record.values.get("conv")) or record.place
        yield Turn(text, here, previous if here == conversation else "", record.place)
        conversation, previous = here, text


def read_sft(source: RowSource) -> Iterator[SFTPair | BadRecord]:
    """Yield the (question, answer) pairs of a source."""
    for record in _records("sft", source):
        if isinstance(record, BadRecord):
            yield record
            continue
        yield SFTPair(_text(record.values["question"]), _text(record.values["answer"]), record.place)


def read_scripts(source: RowSource | TextFiles) -> Iterator[ScriptText | BadRecord]:
    """Yield the scripts of a source: rows of a table, or whole text files.

    Raises:
        SourceError: nothing is there, or nothing that can be read.
    """
    if isinstance(source, TextFiles):
        root = Path(source.path).expanduser()
        found = (_read_text_file(path, root, source.encoding) for path in _text_files(root))
        yield from take_good(require_good(found, str(root)), source.limit)
        return
    origin = "castwright-bundled" if isinstance(source, BundledRows) else Path(source.path).name
    for record in _records("scripts", source):
        if isinstance(record, BadRecord):
            yield record
            continue
        text = _text(record.values["text"])
        script_id = _text(record.values.get("script_id")) or "s-" + row_digest(text)[2:12]
        yield ScriptText(script_id, _text(record.values.get("title")), text, origin, record.place)


def _text_files(root: Path) -> list[Path]:
    """Return a text file, or the .txt files under a folder in the order of their paths.

    Raises:
        SourceError: there are none.
    """
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise SourceError(f"scripts: no file or folder {root}; give the path of a .txt file or of a folder of them")
    files = sorted(path for path in root.rglob("*") if path.suffix.lower() == ".txt" and path.is_file())
    if not files:
        raise SourceError(f"scripts: no .txt file in the folder {root}; for other formats write kind: table")
    return files


def _read_text_file(path: Path, root: Path, encoding: str) -> ScriptText | BadRecord:
    place = path.name if path == root else path.relative_to(root).as_posix()
    try:
        if path.stat().st_size > MAX_LINE_BYTES:
            return BadRecord(place, f"a file of more than {MAX_LINE_BYTES:,} bytes; split it")
        data = read_bytes(DataFile(path, place, "text"))
    except (OSError, SourceError) as error:
        return BadRecord(place, str(error))
    trouble = unreadable(data)
    try:
        text = data.decode(encoding if trouble.startswith("not UTF-8") else "utf-8")
    except UnicodeDecodeError:
        return BadRecord(place, f"{trouble}, or state its `encoding`", excerpt(data))
    if "\0" in text:
        return BadRecord(place, trouble or "a NUL byte in it: the file is damaged", excerpt(data))
    if not text.strip():
        return BadRecord(place, "an empty file")
    return ScriptText(Path(place).with_suffix("").as_posix(), path.stem, text, root.name, place)


def read_style_pairs(path: Path, formal: str, casual: str) -> tuple[list[StylePair], list[BadRecord]]:
    """Return the style pairs of a table, and the records that are none; a `split` column is taken over."""
    pairs: list[StylePair] = []
    bad: list[BadRecord] = []
    columns = None if (formal, casual) == ("formal", "casual") else {"formal": formal, "casual": casual}
    for record in read_records(path, columns=columns, required=("formal", "casual")):
        if isinstance(record, BadRecord):
            bad.append(record)
            continue
        values = record.values
        pairs.append(StylePair(_text(values["formal"]), _text(values["casual"]), _text(values.get("split"))))
    return pairs, bad


def take(items: Iterator[T], limit: int | None) -> Iterator[T]:
    """Yield the first `limit` items, or all."""
    return items if limit is None else islice(items, limit)


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
