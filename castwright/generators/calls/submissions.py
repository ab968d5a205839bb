"""What a run has handed in to a provider's Batch API, remembered beside the journal's replies.

A submission is written down, synced, before its batch is created, and once more with the batch's id: whoever is
killed anywhere between can find it again. It is remembered for as long as a provider keeps the files (30 days) and
not "until it is done": results are handed out before their rows are journalled, and a kill between the two must not
be paid for twice. Journalled calls are never looked for here, so what is left over costs some bytes a call. A
request whose result was of no use is forgotten at once, and asked anew. No text of a request and no key is kept.
(Rejected: a second commit per row to tick it off; a file per batch, which two processes cannot share.)
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from castwright.errors import JournalError
from castwright.generators.calls.journal import Journal

KEPT_SECONDS = 30 * 24 * 3600.0
"""How long a submission is remembered: as long as OpenAI keeps what a batch gave."""
TOUCH_SECONDS = 5.0
"""How often whoever hands a submission in says that he is still at it."""
ABANDONED_SECONDS = 20.0
"""After how long without such a word a submission without a batch is anybody's."""

_NAME_BYTES = 16
_COLUMNS = "number, name, endpoint, created, owner, touched, file, batch"


@dataclass(frozen=True, slots=True)
class Submission:
    """One batch, from the moment it is meant: `name` stands in its metadata, `file` and `batch` are the provider's ids.

    `owner` is the process that hands it in, `created` and `touched` are Unix times.
    """

    number: int
    name: str
    endpoint: str
    created: float
    owner: int
    touched: float
    file: str | None = None
    batch: str | None = None

    def is_abandoned(self, now: float) -> bool:
        """Whether nobody is handing it in any more, at Unix time `now`."""
        return not _may_live(self.owner) or now - self.touched > ABANDONED_SECONDS


class Submissions:
    """The submissions to one endpoint. Custom ids are 32 hex digits. All methods raise JournalError."""

    def __init__(self, journal: Journal, endpoint: str) -> None:
        self._journal, self._endpoint = journal, endpoint

    def record(self, custom_ids: Collection[str]) -> Submission:
        """Write down that these requests are going to be one batch, and return the submission."""
        name = submission_name(custom_ids, os.urandom(_NAME_BYTES))
        now, owner = time.time(), os.getpid()
        with self._writing() as connection:
            number = connection.execute(
                "INSERT INTO batches (name, endpoint, created, owner, touched) VALUES (?, ?, ?, ?, ?)",
                (name, self._endpoint, now, owner, now),
            ).lastrowid
            connection.executemany(
                "INSERT INTO batched_calls VALUES (?, ?)",
                [(bytes.fromhex(custom_id), number) for custom_id in sorted(custom_ids)],
            )
        return Submission(int(number or 0), name, self._endpoint, now, owner, now)

    def touch(self, submission: Submission) -> None:
        """Say that it is still being handed in."""
        self._set(submission, "touched", time.time())

    def release(self, submission: Submission) -> None:
        """Say that nobody hands it in any more, so that whoever comes next need not wait."""
        self._set(submission, "touched", 0.0)

    def uploaded(self, submission: Submission, file: str) -> Submission:
        """Write down the id of its input file, and return it with that."""
        self._set(submission, "file", file)
        return replace(submission, file=file)

    def created(self, submission: Submission, batch: str) -> None:
        """Write down the id of its batch."""
        self._set(submission, "batch", batch)

    def find(self, custom_id: str) -> Submission | None:
        """Return the newest submission that a request is in, or None."""
        columns = ", ".join(f"batches.{name}" for name in _COLUMNS.split(", "))
        return self._one(
            f"SELECT {columns} FROM batched_calls JOIN batches USING (number) "
            "WHERE key = ? AND endpoint = ? ORDER BY number DESC LIMIT 1",
            (bytes.fromhex(custom_id), self._endpoint),
        )

    def get(self, submission: Submission) -> Submission | None:
        """Return a submission as it is now, or None when it was forgotten."""
        return self._one(f"SELECT {_COLUMNS} FROM batches WHERE number = ?", (submission.number,))

    def calls(self, submission: Submission) -> list[str]:
        """Return the custom ids of a submission that are still remembered, in order."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT key FROM batched_calls WHERE number = ? ORDER BY key", (submission.number,)
            ).fetchall()
        return [key.hex() for (key,) in rows]

    def drop_calls(self, submission: Submission, custom_ids: Collection[str]) -> None:
        """Forget that these requests were in a submission: it has no answer for them."""
        if not custom_ids:
            return
        with self._writing() as connection:
            connection.executemany(
                "DELETE FROM batched_calls WHERE key = ? AND number = ?",
                [(bytes.fromhex(custom_id), submission.number) for custom_id in custom_ids],
            )

    def disown(self, custom_id: str) -> None:
        """Forget that a request was ever handed in: its answer is of no use."""
        with self._writing() as connection:
            connection.execute(
                "DELETE FROM batched_calls WHERE key = ? AND number IN (SELECT number FROM batches WHERE endpoint = ?)",
                (bytes.fromhex(custom_id), self._endpoint),
            )

    def forget(self, submission: Submission) -> None:
        """Forget a submission: the provider has no batch of it, or ran none of its requests."""
        with self._writing() as connection:
            for table in ("batched_calls", "batches"):
                connection.execute(f"DELETE FROM {table} WHERE number = ?", (submission.number,))

    def prune(self, before: float) -> None:
        """Forget all submissions, to any endpoint, that were made before a Unix time."""
        with self._reading() as connection:
            old = connection.execute("SELECT number FROM batches WHERE created < ?", (before,)).fetchall()
        if not old:
            return
        with self._writing() as connection:
            for table in ("batched_calls", "batches"):
                connection.executemany(f"DELETE FROM {table} WHERE number = ?", old)

    def _set(self, submission: Submission, column: str, value: object) -> None:
        with self._writing() as connection:
            connection.execute(f"UPDATE batches SET {column} = ? WHERE number = ?", (value, submission.number))

    def _one(self, query: str, values: tuple[object, ...]) -> Submission | None:
        with self._reading() as connection:
            found = connection.execute(query, values).fetchone()
        return Submission(*found) if found else None

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._journal.connection
        except sqlite3.Error as error:
            raise JournalError(f"the journal {self._journal.path} cannot be read for batches: {error}") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Commit all that the block does at once, synced to the disk."""
        connection = self._journal.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise JournalError(
                f"the journal {self._journal.path} cannot be written, so no batch is sent: {error}; free the disk or "
                "mend its rights"
            ) from error


def submission_name(custom_ids: Collection[str], nonce: bytes) -> str:
    """Return what names a submission, 32 hex digits: the digest of its requests and of a nonce.

    The nonce tells two batches of the same requests apart: the second may be sent because the first one was lost.
    """
    digest = hashlib.blake2b(nonce, digest_size=_NAME_BYTES)
    for custom_id in sorted(custom_ids):
        digest.update(custom_id.encode())
    return digest.hexdigest()


def _may_live(process: int) -> bool:
    """Return whether a process of this number may be running (a journal is never shared between machines)."""
    if sys.platform == "win32":  # there, signal 0 would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
