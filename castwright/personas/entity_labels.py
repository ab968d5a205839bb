"""The labels that ids stand for, and the ids that were read: on disk, since a dump has a hundred million.

A private SQLite database without a name: small ones stay in memory, large ones spill into a temporary file that is
gone when it is closed, so the memory is bounded by SQLite's page cache. (Rejected: a dict, 12 GB for all of Wikidata;
and a pass that first collects which ids are wanted, since parsing the dump is what costs.)
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence


class LabelStore:
    """Labels by the number of their item, and where each item was first read."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE label (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        self._database.execute("CREATE TABLE seen (id INTEGER PRIMARY KEY, place TEXT NOT NULL)")
        self._database.execute("BEGIN")

    def add(self, labels: Iterable[tuple[int, str]]) -> None:
        """Keep labels; of two for one item the first stays."""
        self._database.executemany("INSERT OR IGNORE INTO label VALUES (?, ?)", labels)

    def of(self, items: Sequence[int]) -> list[str]:
        """Return the labels of items in their order, without those that are not known."""
        query = "SELECT text FROM label WHERE id = ?"
        found = (self._database.execute(query, (item,)).fetchone() for item in items)
        return list(dict.fromkeys(row[0] for row in found if row))

    def read_before(self, item: int, place: str) -> str:
        """Return where an item was read before, or "" and remember that it is read here."""
        row = self._database.execute("SELECT place FROM seen WHERE id = ?", (item,)).fetchone()
        if row:
            return str(row[0])
        self._database.execute("INSERT INTO seen VALUES (?, ?)", (item, place))
        return ""

    def close(self) -> None:
        """Let go of the database and its temporary file."""
        self._database.close()
