"""The journal: every reply that a model ever gave, keyed by the content of the call that it answered.

One SQLite file in WAL mode, shared by all runs of a user and by all processes of a run: readers never wait, and
writers commit many replies at once (see `writer`), synced to the disk before any of their rows moves on. The first
reply to a call stays: whoever asks at the same time gets that one too. Beside the replies stand calls that
failed for good (for the attempt at a stage that they belong to) and what each run has used so far. No request
text, no key and no header is kept. (Rejected: JSON lines, which two processes cannot share and nobody can look
a key up in; a row per attempt, which is a log and not a journal.)
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from castwright.errors import JournalError
from castwright.generators.calls.usage import FIELDS, ModelKey, Usage

VERSION = 1
_BUSY_SECONDS = 60.0
_COUNTS = ", ".join(f"{name} NOT NULL DEFAULT 0" for name in FIELDS)
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS replies (
    key BLOB PRIMARY KEY, text TEXT NOT NULL, finish_reason TEXT, input_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, latency REAL NOT NULL, attempts INTEGER NOT NULL,
    model TEXT NOT NULL, endpoint TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS failures (
    attempt TEXT NOT NULL, key BLOB NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (attempt, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS usage (
    run TEXT NOT NULL, stage TEXT NOT NULL, execution TEXT NOT NULL, model TEXT NOT NULL, batched INTEGER NOT NULL,
    {_COUNTS}, PRIMARY KEY (run, stage, execution, model, batched));
CREATE TABLE IF NOT EXISTS runs (run TEXT PRIMARY KEY, seconds REAL NOT NULL);
CREATE TABLE IF NOT EXISTS batches (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, endpoint TEXT NOT NULL,
    created REAL NOT NULL, owner INTEGER NOT NULL, touched REAL NOT NULL, file TEXT, batch TEXT);
CREATE TABLE IF NOT EXISTS batched_calls (
    key BLOB NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (key, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS calls_of_a_batch ON batched_calls (number, key);
"""
_REPLY = "text, finish_reason, input_tokens, cached_tokens, output_tokens, latency"
_ADD_USAGE = (  # the names put into statements are our own fields, never input
    f"INSERT INTO usage (run, stage, execution, model, batched, {', '.join(FIELDS)}) "
    f"VALUES (?, ?, ?, ?, ?, {', '.join('?' * len(FIELDS))}) ON CONFLICT DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in FIELDS)
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said, as it came: `text` may be cut off (`finish_reason` "length"). `latency` is in seconds."""

    text: str
    finish_reason: str | None = None
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    latency: float = 0.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A reply to write down, `created` in Unix time."""

    key: bytes
    reply: Reply
    attempts: int
    model: str
    endpoint: str
    created: float


@dataclass(frozen=True, slots=True)
class FailedCall:
    """A call that failed for good in one attempt at a stage."""

    attempt: str
    key: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Bill:
    """Counts to add to what a stage of a run has used with one model."""

    run: str
    stage: str
    execution: str
    model: ModelKey
    usage: Usage


class Journal:
    """An open journal. One connection per thread; a forked process has to open its own.

    Raises:
        JournalError: the file cannot be opened, is no journal, or is one of a newer castwright.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).expanduser()
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Replies may hold private chats: nobody else on the machine gets to read them.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            self._set_up(self.connection)
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise JournalError(self._explain("cannot be opened", error)) from error

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        held = getattr(self._local, "connection", None)
        if held is None:
            held = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=64
            )
            # FULL syncs the log at every commit: a reply that was paid for survives a power cut too.
            held.execute("PRAGMA synchronous = FULL")
            self._local.connection = held
            with self._lock:
                self._open.append(held)
        return held

    def _set_up(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise JournalError(
                f"the journal {self.path} was written by a newer castwright (format {version}, this one knows "
                f"{VERSION}); update castwright, or name another journal in CASTWRIGHT_JOURNAL"
            )
        # Other programs number their formats too: the table tells whose file it is.
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and "replies" not in tables:
            raise sqlite3.DatabaseError("it is a database of something else")
        if version == VERSION:
            return
        _write_ahead(connection)
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")

    def reply(self, key: bytes) -> Reply | None:
        """Return the reply to a call, or None when it was never answered."""
        found = self._read(f"SELECT {_REPLY} FROM replies WHERE key = ?", (key,))
        return Reply(*found[0]) if found else None

    def failures(self, attempt: str) -> dict[bytes, str]:
        """Return why calls failed for good in this attempt at a stage, by key."""
        return dict(self._read("SELECT key, reason FROM failures WHERE attempt = ?", (attempt,)))

    def write(
        self,
        entries: Sequence[Entry] = (),
        failures: Sequence[FailedCall] = (),
        bills: Iterable[Bill] = (),
        seconds: tuple[str, float] | None = None,
    ) -> dict[bytes, Reply]:
        """Commit all of it at once, synced to the disk, and return the replies that stood already, by key.

        `seconds` is (run, wall seconds to add to it).

        Raises:
            JournalError: nothing was written: the disk is full, the file is locked or damaged.
        """
        connection = self.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            standing = self._add_replies(connection, entries)
            connection.executemany(
                "INSERT OR REPLACE INTO failures VALUES (?, ?, ?)", [(f.attempt, f.key, f.reason) for f in failures]
            )
            connection.executemany(_ADD_USAGE, [_bill_row(bill) for bill in bills])
            if seconds is not None:
                connection.execute(
                    "INSERT INTO runs VALUES (?, ?) ON CONFLICT DO UPDATE SET seconds = seconds + excluded.seconds",
                    seconds,
                )
            connection.execute("COMMIT")
        except (sqlite3.Error, UnicodeEncodeError, OverflowError) as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise JournalError(self._explain("cannot be written", error)) from error
        return standing

    def _add_replies(self, connection: sqlite3.Connection, entries: Sequence[Entry]) -> dict[bytes, Reply]:
        rows = [
            (e.key, e.reply.text, e.reply.finish_reason, e.reply.input_tokens, e.reply.cached_tokens,
             e.reply.output_tokens, e.reply.latency, e.attempts, e.model, e.endpoint, e.created)
            for e in entries
        ]  # fmt: skip
        added = connection.executemany(
            "INSERT INTO replies VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING", rows
        ).rowcount
        if added == len(rows) or not rows:
            return {}
        return {entry.key: reply for entry in entries if (reply := self.reply(entry.key)) is not None}

    def used(self, run: str, *, stage: str | None = None, execution: str | None = None) -> dict[ModelKey, Usage]:
        """Return what a run has used so far, by model; of one stage, of one execution of it."""
        chosen, values = ["run = ?"], [run]
        for name, value in (("stage", stage), ("execution", execution)):
            if value is not None:
                chosen.append(f"{name} = ?")
                values.append(value)
        sums = ", ".join(f"SUM({name})" for name in FIELDS)
        found = self._read(
            f"SELECT model, batched, {sums} FROM usage WHERE {' AND '.join(chosen)} "
            "GROUP BY model, batched ORDER BY model, batched",
            values,
        )
        return {(row[0], bool(row[1])): Usage(*row[2:]) for row in found}

    def seconds(self, run: str) -> float:
        """Return the wall seconds that a run has taken so far."""
        found = self._read("SELECT seconds FROM runs WHERE run = ?", (run,))
        return float(found[0][0]) if found else 0.0

    def forget_failures(self, attempt: str) -> None:
        """Forget the calls that failed in an attempt at a stage: its stage stands, and a re-run asks them again."""
        self.execute("DELETE FROM failures WHERE attempt = ?", (attempt,))

    def _read(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        try:
            return self.connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise JournalError(self._explain("cannot be read", error)) from error

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement on this thread's connection.

        Raises:
            JournalError: it failed; the file is locked, full or damaged.
        """
        try:
            return self.connection.execute(statement, values)
        except sqlite3.Error as error:
            raise JournalError(self._explain("cannot be changed", error)) from error

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            held, self._open = self._open, []
        for connection in held:
            connection.close()
        self._local = threading.local()

    def _explain(self, what: str, error: Exception) -> str:
        return (
            f"the journal {self.path} {what}: {error}; free the disk or mend its rights, move a damaged file away, "
            "or name another one (CASTWRIGHT_JOURNAL=FILE, or `journal: run` in the recipe)"
        )


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log. SQLite waits for any lock but this one, and two may make a journal at once."""
    end = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
        time.sleep(0.005)


def _bill_row(bill: Bill) -> tuple[object, ...]:
    counts = (getattr(bill.usage, name) for name in FIELDS)
    return (bill.run, bill.stage, bill.execution, bill.model[0], int(bill.model[1]), *counts)
