"""Looking after a journal: what it holds, a copy as JSON lines, and making it smaller.

Counting what runs have spent is never pruned: a budget that is resumed next year still knows its past.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from castwright.errors import JournalError
from castwright.generators.calls.account import default_journal, seconds_of
from castwright.generators.calls.journal import Journal

_COLUMNS = (
    "key, model, endpoint, text, finish_reason, input_tokens, cached_tokens, output_tokens, latency, attempts, created"
)


@dataclass(frozen=True, slots=True)
class Held:
    """What a journal holds of one model at one server. `mean_latency` is in seconds."""

    model: str
    endpoint: str
    replies: int
    input_tokens: int
    output_tokens: int
    mean_latency: float
    oldest: datetime
    newest: datetime


def existing(path: Path | None) -> Journal:
    """Open a journal (None: the user's own) that is there already.

    Raises:
        JournalError: there is none, or it cannot be opened.
    """
    file = path or default_journal()
    if not file.is_file():
        raise JournalError(f"no journal at {file}; it is made by the first run that asks a model")
    return Journal(file)


def stats(journal: Journal) -> list[Held]:
    """Return what a journal holds, by model and server, most replies first."""
    rows = journal.connection.execute(
        "SELECT model, endpoint, COUNT(*), SUM(input_tokens), SUM(output_tokens), AVG(latency), MIN(created), "
        "MAX(created) FROM replies GROUP BY model, endpoint ORDER BY COUNT(*) DESC, model, endpoint"
    )
    return [_held(*row) for row in rows]


def _held(
    model: str, endpoint: str, replies: int, asked: int, written: int, latency: float, first: float, last: float
) -> Held:
    oldest, newest = (datetime.fromtimestamp(moment, UTC) for moment in (first, last))
    return Held(model, endpoint, replies, asked, written, latency, oldest, newest)


def export(journal: Journal, file: Path, *, model: str | None = None) -> int:
    """Write a journal's replies (of one model) as JSON lines, oldest first, and return how many.

    Raises:
        JournalError: the file cannot be written.
    """
    where, values = ("WHERE model = ? ", [model]) if model is not None else ("", [])
    rows = journal.connection.execute(f"SELECT {_COLUMNS} FROM replies {where}ORDER BY created, key", values)
    names = _COLUMNS.split(", ")
    count = 0
    try:
        with file.open("w", encoding="utf-8") as stream:
            for count, row in enumerate(rows, start=1):  # noqa: B007 (the number of the last row is the count)
                record = dict(zip(names, row, strict=True)) | {"key": row[0].hex()}
                stream.write(json.dumps(record, ensure_ascii=False) + "\n")
    except OSError as error:
        raise JournalError(f"cannot write {file}: {error.strerror or error}; give another file") from error
    return count


def prune(
    journal: Journal, *, older_than: str | None = None, model: str | None = None, everything: bool = False
) -> int:
    """Delete replies (of one model, older than "30d" or "12h", or all) and return how many.

    Raises:
        JournalError: nothing says what to delete, the age cannot be read, or a run is writing.
    """
    chosen, values = [], list[Any]()
    if older_than is not None:
        try:
            chosen, values = ["created < ?"], [time.time() - seconds_of(older_than)]
        except ValueError as error:
            raise JournalError(f"--older-than {older_than!r}: {error}") from None
    if model is not None:
        chosen, values = [*chosen, "model = ?"], [*values, model]
    if not chosen and not everything:
        raise JournalError("say what to delete: --older-than 30d, --model NAME, or --all")
    where = f" WHERE {' AND '.join(chosen)}" if chosen else ""
    count = journal.execute(f"DELETE FROM replies{where}", values).rowcount
    journal.execute("VACUUM")
    journal.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return int(count)
