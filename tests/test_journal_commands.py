"""`castwright journal`: what it says of a journal, the copy it writes, what it deletes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from castwright.cli import app
from castwright.errors import JournalError
from castwright.generators.calls.journal import Bill, Entry, Journal, Reply
from castwright.generators.calls.usage import Usage

DAY = 86_400


def entry(number: int, model: str, age: float) -> Entry:
    reply = Reply(f"“Reply” {number}", "stop", 100 + number, 0, 10, 0.5)
    return Entry(bytes([number]) * 16, reply, 1, model, "http://127.0.0.1:1/v1", time.time() - age)


@pytest.fixture
def filled(journal: Path) -> Path:
    """Return a journal of three replies: two of model "old" (40 days and one hour old), one of model "new"."""
    held = Journal(journal)
    usage = Usage(asked=3, paid_input=306)
    entries = [entry(1, "old", 40 * DAY), entry(2, "old", 3600), entry(3, "new", 60)]
    held.write(entries, bills=[Bill("r", "s", "e", ("old", False), usage)], seconds=("r", 2.5))
    held.close()
    return journal


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["journal", *arguments], env={"COLUMNS": "200"})


def test_stats_counts_by_model_with_tokens_and_age(filled: Path) -> None:
    """Every model has a line with its replies and tokens; the file and its size stand below."""
    said = run("stats")
    assert said.exit_code == 0, said.output
    lines = {line.split()[0]: line.split() for line in said.output.splitlines() if line.split()}
    assert lines["old"][2:6] == ["2", "203", "20", "0.50"]
    assert lines["new"][2:6] == ["1", "103", "10", "0.50"]
    assert str(filled) in said.output.replace("\n", "")


@pytest.mark.parametrize(
    ("options", "numbers"), [((), [1, 2, 3]), (("--model", "old"), [1, 2])], ids=["all", "one model"]
)
def test_export_writes_replies_as_json_lines_oldest_first(
    filled: Path, tmp_path: Path, options: tuple[str, ...], numbers: list[int]
) -> None:
    """Each line has the reply as it came and what is known of its call, and no request."""
    file = tmp_path / "replies.jsonl"
    assert run("export", str(file), *options).exit_code == 0
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [record["text"] for record in records] == [f"“Reply” {number}" for number in numbers]
    assert records[0]["key"] == "01" * 16
    assert records[0]["finish_reason"] == "stop"
    assert not {"messages", "request", "headers"} & records[0].keys()


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (("--older-than", "30d"), [2, 3]),
        (("--older-than", "30m"), [3]),
        (("--model", "old"), [3]),
        (("--model", "old", "--older-than", "30d"), [2, 3]),
        (("--all",), []),
    ],
    ids=["older than days", "older than minutes", "one model", "both", "all"],
)
def test_prune_deletes_what_was_named_and_keeps_the_rest(
    filled: Path, options: tuple[str, ...], left: list[int]
) -> None:
    """Replies go; what runs have spent stays, so that a budget still knows its past."""
    said = run("prune", *options)
    assert said.exit_code == 0, said.output
    assert f"deleted {3 - len(left)} replies" in said.output
    held = Journal(filled)
    assert [number for number in (1, 2, 3) if held.reply(bytes([number]) * 16)] == left
    assert held.used("r")["old", False].paid_input == 306
    assert held.seconds("r") == 2.5
    held.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("prune",), "say what to delete"),
        (("prune", "--older-than", "soon"), "a time is seconds"),
        (("export", "no/such/folder/x.jsonl"), "cannot write"),
    ],
    ids=["nothing named", "no time", "no folder"],
)
def test_what_cannot_be_done_is_one_clear_error(filled: Path, arguments: tuple[str, ...], words: str) -> None:
    """And nothing is deleted."""
    said = run(*arguments)
    assert isinstance(said.exception, JournalError)
    assert words in str(said.exception)
    held = Journal(filled)
    assert held.reply(bytes([1]) * 16) is not None
    held.close()


def test_a_journal_that_is_not_there_is_named(tmp_path: Path) -> None:
    """None is made by looking."""
    said = run("stats", "--journal", str(tmp_path / "none.db"))
    assert isinstance(said.exception, JournalError)
    assert "none.db" in str(said.exception)
    assert not (tmp_path / "none.db").exists()
