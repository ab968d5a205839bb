"""The journal on real files: what was written is there, once, whoever else writes and whatever goes wrong."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.errors import JournalError
from castwright.generators.calls.journal import VERSION, Bill, Entry, FailedCall, Journal, Reply
from castwright.generators.calls.usage import Usage

MODEL = ("m", False)

WRITER = """
import sys
from castwright.generators.calls.journal import Entry, Journal, Reply

path, name, count, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
journal = Journal(path)
for i in range(count):
    keys = [f"{name} {i} {part}" for part in range(size)] + (["shared"] if i == 0 else [])
    journal.write([Entry(key.encode(), Reply(f"{name} says {key}"), 1, "m", "here", 0.0) for key in keys])
    print(i, flush=True)
"""


def entry(key: bytes, reply: Reply) -> Entry:
    return Entry(key, reply, attempts=1, model="m", endpoint="http://here/v1", created=1.5)


def writing(path: Path, name: str, count: int, size: int = 1) -> subprocess.Popen[str]:
    """Start another process that commits `count` times `size` replies and says each number once it is written."""
    command = [sys.executable, "-c", WRITER, str(path), name, str(count), str(size)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 (our own code)


@pytest.fixture
def opened(journal: Path) -> Iterator[Journal]:
    """Return the test's journal, open."""
    held = Journal(journal)
    yield held
    held.close()


def test_a_reply_is_read_back_as_it_was_written(opened: Journal, journal: Path) -> None:
    """All of it, in this opening and in the next; a key that nobody wrote has none."""
    reply = Reply("Grüß Gott,\n\0 \U0001f9a2", "length", 7, 3, 5, 0.25)
    assert opened.write([entry(b"a", reply)]) == {}
    assert opened.reply(b"a") == reply
    assert opened.reply(b"b") is None
    opened.close()
    assert Journal(journal).reply(b"a") == reply


@given(text=st.text(), finish=st.none() | st.text(), tokens=st.integers(0, 2**62), latency=st.floats(0, 1e6))
def test_any_reply_survives(
    tmp_path_factory: pytest.TempPathFactory, text: str, finish: str | None, tokens: int, latency: float
) -> None:
    """Whatever characters a model thinks of."""
    held = Journal(tmp_path_factory.getbasetemp() / "any.db")
    reply, key = Reply(text, finish, tokens, tokens, tokens, latency), os.urandom(16)
    held.write([entry(key, reply)])
    assert held.reply(key) == reply
    held.close()


def test_the_first_reply_to_a_call_stands(opened: Journal) -> None:
    """The second writer is told what stands, and only for its own keys."""
    opened.write([entry(b"a", Reply("first")), entry(b"b", Reply("other"))])
    standing = opened.write([entry(b"a", Reply("second")), entry(b"c", Reply("new"))])
    assert standing[b"a"] == Reply("first")
    assert standing.get(b"c", Reply("new")) == Reply("new")
    assert opened.reply(b"a") == Reply("first")


def test_it_is_a_write_ahead_log_synced_at_every_commit_that_nobody_else_may_read(opened: Journal) -> None:
    """Readers do not wait for writers, a commit is on the disk, and chats are private."""
    assert opened.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert opened.connection.execute("PRAGMA synchronous").fetchone() == (2,)
    opened.write([entry(b"a", Reply("private"))])
    files = list(opened.path.parent.glob("journal.db*"))
    assert {path.name for path in files} == {"journal.db", "journal.db-wal", "journal.db-shm"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    """The user's data folder may not be there yet."""
    Journal(tmp_path / "a" / "b" / "journal.db").close()
    assert (tmp_path / "a" / "b" / "journal.db").is_file()


def no_folder(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("a file")


def no_database(path: Path) -> None:
    path.write_bytes(b"no database, but long enough to be one" * 100)


def somebody_elses(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE holiday_photos (name TEXT)")


def somebody_elses_first_format(path: Path) -> None:
    somebody_elses(path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION}")


def of_the_future(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(no_folder, "cannot be opened.*mend its rights", id="a file where the folder should be"),
        pytest.param(no_database, "cannot be opened: file is not a database", id="no database"),
        pytest.param(somebody_elses, "it is a database of something else", id="another program's"),
        pytest.param(somebody_elses_first_format, "it is a database of something else", id="and its first format"),
        pytest.param(of_the_future, rf"newer castwright \(format {VERSION + 1}.*update castwright", id="a newer one"),
    ],
)
def test_a_file_that_is_no_journal_of_ours_is_named_and_left_alone(tmp_path: Path, spoil: object, words: str) -> None:
    """The error says which file, what is wrong and what to do; not a byte of the file is changed."""
    path = tmp_path / "data" / "journal.db"
    path.parent.mkdir()
    assert callable(spoil)
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(JournalError, match=words) as caught:
        Journal(path)
    assert str(path) in str(caught.value)
    assert "CASTWRIGHT_JOURNAL" in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_is_named(tmp_path: Path) -> None:
    """As above, for a folder that may be read only."""
    tmp_path.chmod(0o500)
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal(tmp_path / "journal.db")
    tmp_path.chmod(0o700)


def test_on_a_full_disk_nothing_is_half_written(opened: Journal) -> None:
    """Neither the first entries of the commit nor its counts; what stood before can be read, and space mends it."""
    opened.write([entry(b"before", Reply("here"))])
    pages = opened.connection.execute("PRAGMA page_count").fetchone()[0]
    opened.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    commit = [entry(b"small", Reply("x")), *(entry(bytes([i]), Reply("y" * 9000)) for i in range(9))]
    bills = [Bill("r", "s", "e", MODEL, Usage(asked=10))]
    with pytest.raises(JournalError, match=r"cannot be written: database or disk is full; free the disk") as caught:
        opened.write(commit, [FailedCall("a", b"f", "gone")], bills, ("r", 5.0))
    assert str(opened.path) in str(caught.value)
    assert opened.reply(b"before") == Reply("here")
    assert opened.reply(b"small") is None
    assert (opened.failures("a"), opened.used("r"), opened.seconds("r")) == ({}, {}, 0.0)
    opened.connection.execute("PRAGMA max_page_count = 1000000")
    opened.write(commit, [FailedCall("a", b"f", "gone")], bills, ("r", 5.0))
    assert opened.reply(b"small") == Reply("x")
    assert opened.seconds("r") == 5.0


@pytest.mark.parametrize("reply", [Reply("\ud800"), Reply("x", None, 10**30)], ids=["half a character", "a number"])
def test_what_does_not_fit_is_an_error_and_the_next_commit_goes_through(opened: Journal, reply: Reply) -> None:
    """No transaction is left open behind it."""
    with pytest.raises(JournalError, match="cannot be written"):
        opened.write([entry(b"good", Reply("y")), entry(b"bad", reply)])
    assert opened.reply(b"good") is None
    opened.write([entry(b"good", Reply("y"))])
    assert opened.reply(b"good") == Reply("y")


def test_usage_is_summed_by_run_stage_execution_and_model(opened: Journal) -> None:
    """Bills add up; another run's do not count."""
    whole, batched = ("m", False), ("m", True)
    for _ in range(2):
        opened.write(bills=[Bill("r", "cards", "1", whole, Usage(asked=2, paid_input=10, seconds=0.5))])
    opened.write(
        bills=[
            Bill("r", "cards", "2", whole, Usage(asked=1)),
            Bill("r", "answers", "1", batched, Usage(asked=7)),
            Bill("other", "cards", "1", whole, Usage(asked=100)),
        ]
    )
    assert opened.used("r", stage="cards", execution="1") == {whole: Usage(asked=4, paid_input=20, seconds=1.0)}
    assert opened.used("r", stage="cards")[whole].asked == 5
    assert {model: usage.asked for model, usage in opened.used("r").items()} == {whole: 5, batched: 7}
    assert opened.used("nobody") == {}


def test_seconds_add_up(opened: Journal) -> None:
    """A run that goes on later has taken the time of all its parts."""
    for seconds in (1.5, 2.5):
        opened.write(seconds=("r", seconds))
    assert (opened.seconds("r"), opened.seconds("other")) == (4.0, 0.0)


def test_failures_belong_to_their_attempt_and_are_forgotten_with_it(opened: Journal) -> None:
    """The last reason counts; another attempt's stay."""
    opened.write(failures=[FailedCall("1", b"a", "http 500"), FailedCall("2", b"a", "http 400")])
    opened.write(failures=[FailedCall("1", b"a", "http 503"), FailedCall("1", b"b", "gone")])
    assert opened.failures("1") == {b"a": "http 503", b"b": "gone"}
    opened.forget_failures("1")
    assert (opened.failures("1"), opened.failures("2")) == ({}, {b"a": "http 400"})


def test_threads_write_at_once_and_lose_nothing(opened: Journal) -> None:
    """Each thread has its own connection."""

    def work(name: int) -> None:
        for i in range(25):
            opened.write([entry(f"{name} {i}".encode(), Reply("x"))], bills=[Bill("r", "", "", MODEL, Usage(asked=1))])

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened.used("r")[MODEL].asked == 100
    assert all(opened.reply(f"{name} {i}".encode()) for name in range(4) for i in range(25))


def test_processes_make_it_and_write_at_once_and_lose_nothing(journal: Path) -> None:
    """Two processes find no journal, both make it, write 500 replies each and agree on the one call they share."""
    writers = [writing(journal, name, 50, size=10) for name in ("one", "two")]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    held = Journal(journal)
    assert held.connection.execute("SELECT COUNT(*) FROM replies").fetchone() == (1001,)
    shared = held.reply(b"shared")
    assert shared is not None
    assert shared.text in {"one says shared", "two says shared"}
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.close()


def test_who_makes_a_journal_that_somebody_else_is_making_waits(journal: Path) -> None:
    """The switch to the write-ahead log is the one lock that SQLite itself does not wait for."""
    other = sqlite3.connect(journal, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.1, other.execute, ["ROLLBACK"]).start()
    held = Journal(journal)
    held.write([entry(b"a", Reply("x"))])
    assert held.reply(b"a") == Reply("x")
    other.close()


def test_a_writer_that_is_killed_leaves_all_that_it_was_told_is_written(journal: Path) -> None:
    """`kill -9` in the middle of commits: every number that was said is there, whole, and writing goes on."""
    writer = writing(journal, "one", 100_000)
    assert writer.stdout is not None
    said = [int(writer.stdout.readline()) for _ in range(40)]
    writer.send_signal(signal.SIGKILL)
    said += [int(line) for line in writer.stdout if line.endswith("\n")]
    writer.wait(timeout=10)
    writer.stdout.close()
    held = Journal(journal)
    assert held.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert [held.reply(f"one {i} 0".encode()) for i in said] == [Reply(f"one says one {i} 0") for i in said]
    held.write([entry(b"after", Reply("on we go"))])
    assert held.reply(b"after") == Reply("on we go")
