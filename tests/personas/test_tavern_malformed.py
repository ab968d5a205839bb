"""Damaged character cards in JSON: each is kept aside with its place and reason, and the others are read."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from castwright.errors import BadRecord, SourceError
from castwright.personas import json_value
from castwright.personas.character import Character
from castwright.personas.tavern import tavern_characters

GOOD = json.dumps({"name": "Vera", "description": "A beekeeper.", "first_mes": "Mind the bees."}).encode()
SETTINGS = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# name, content, how many cards, place and reason of each bad one
CASES: dict[str, tuple[str, bytes, int, dict[str, str]]] = {
    "truncated JSON": ("a.json", GOOD[:-9], 0, {"a.json": "not valid JSON"}),
    "a truncated line": ("a.jsonl", GOOD + b"\n" + GOOD[:-9] + b"\n" + GOOD, 2, {"a.jsonl:2": "not valid JSON"}),
    "a truncated first line": ("a.jsonl", GOOD[:-9] + b"\n" + GOOD, 1, {"a.jsonl:1": "not valid JSON"}),
    "an empty file": ("a.json", b"", 0, {"a.json": "an empty file"}),
    "blank lines only": ("a.jsonl", b" \n\r\n", 0, {"a.jsonl": "an empty file"}),
    "blanks only": ("a.json", b"  ", 0, {"a.json": "an empty file"}),
    "an empty list": ("a.json", b"[]", 0, {"a.json": "an empty list"}),
    "Latin-1": ("a.json", '{"name": "Zoë"}'.encode("latin-1"), 0, {"a.json": "not UTF-8"}),
    "UTF-16 with its mark": ("a.json", GOOD.decode().encode("utf-16"), 1, {}),
    "a UTF-8 byte order mark": ("a.json", b"\xef\xbb\xbf" + GOOD, 1, {}),
    "Windows line ends": ("a.jsonl", GOOD + b"\r\n" + GOOD + b"\r\n", 2, {}),
    "gzip": ("a.json.gz", gzip.compress(GOOD), 1, {}),
    "gzip that is cut off": (
        "a.json.gz",
        gzip.compress(GOOD)[:-12],
        0,
        {"a.json.gz": "cut off or damaged|cannot read"},
    ),
    "JSON lines named .json": ("a.json", GOOD + b"\n" + GOOD, 2, {}),
    "pretty JSON": ("a.json", json.dumps(json.loads(GOOD), indent=1).encode(), 1, {}),
    "a card without an extension": ("card", GOOD, 1, {}),
    "JSON named .png": ("a.png", GOOD, 0, {"a.png": "not a PNG"}),
    "a zip": ("a.charx", b"PK\x03\x04\x14\x00\x00\x00", 0, {"a.charx": "neither a PNG nor JSON"}),
    "a web page": ("a.json", b"<html>404</html>", 0, {"a.json": "not valid JSON"}),
    "NaN": ("a.json", b'{"name": "V", "description": "x", "talkativeness": NaN}', 1, {}),
    "a hundred thousand brackets": ("a.json", b"[" * 100_000, 0, {"a.json": "not valid JSON"}),
    "deep nesting": (
        "a.json",
        b'{"name": "V", "extensions": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001,
        0,
        {"a.json": "JSON"},
    ),
    "half a surrogate pair": ("a.json", b'{"name": "\\ud800"}', 0, {"a.json": "not valid JSON"}),
    "nested quotes": ("a.json", b'{"name": "V "the" B"}', 0, {"a.json": "not valid JSON"}),
    "a number": ("a.json", b"3", 0, {"a.json": "a int where a character card"}),
    "a card of numbers": (
        "a.json",
        b'{"name": 7, "description": {"a": 1}}',
        0,
        {"a.json": "'description' holds an object"},
    ),
    "data that is no object": (
        "a.json",
        b'{"spec": "chara_card_v2", "data": null}',
        0,
        {"a.json": "no character card"},
    ),
    "someone's package.json": (
        "a.json",
        b'{"version": "1", "scripts": {}}',
        0,
        {"a.json": "no character card: it has 'ver"},
    ),
    "all fields empty": (
        "a.json",
        b'{"name": "", "description": null}',
        0,
        {"a.json": "neither a name nor a description"},
    ),
    "a name of 201 letters": ("a.json", b'{"name": "' + b"n" * 201 + b'"}', 0, {"a.json": "at most 200 characters"}),
    "a lorebook": ("a.json", b'{"spec": "lorebook_v3", "data": {"entries": []}}', 0, {"a.json": "a lorebook"}),
    "odd types everywhere": (
        "a.json",
        b'{"name": "V", "tags": 3, "alternate_greetings": {"a": 1}, "character_book": [], "extensions": []}',
        1,
        {},
    ),
    "an odd book": ("a.json", b'{"name": "V", "character_book": {"entries": [1, {"constant": true}, null]}}', 1, {}),
    "a book of numbered entries": (
        "a.json",
        b'{"name": "V", "character_book": {"entries": {"0": {"constant": true, "content": "c"}}}}',
        1,
        {},
    ),
    "an extension of ours that is broken": (
        "a.json",
        b'{"name": "V", "extensions": {"castwright": {"card": 3}}}',
        1,
        {},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_damaged_card_is_kept_aside_among_others(tmp_path: Path, case: str) -> None:
    """What can be read is read; what cannot has its place and a reason; the good file beside it is read."""
    name, content, count, reasons = CASES[case]
    (tmp_path / name).write_bytes(content)
    (tmp_path / "z.json").write_bytes(GOOD)
    items = list(tavern_characters(tmp_path))
    bad = [item for item in items if isinstance(item, BadRecord)]
    assert len(items) - len(bad) == count + 1
    assert [item.place for item in bad] == list(reasons)
    for item, reason in zip(bad, reasons.values(), strict=True):
        assert any(part in item.reason for part in reason.split("|")), item.reason
        assert len(item.excerpt) <= 200


def test_a_line_of_fifty_megabytes_is_one_bad_record(tmp_path: Path) -> None:
    """A huge value, in a file of its own or in a line among others, is refused with the bound; the rest is read."""
    big = b'{"name": "V", "description": "' + b"word " * 10_000_000 + b'"}'
    (tmp_path / "a.json").write_bytes(big)
    (tmp_path / "b.jsonl").write_bytes(GOOD + b"\n" + big + b"\n" + GOOD + b"\n")
    items = list(tavern_characters(tmp_path))
    assert [item.source.record for item in items if isinstance(item, Character)] == ["b.jsonl:1", "b.jsonl:3"]
    assert {item.place: item.reason for item in items if isinstance(item, BadRecord)} == {
        "a.json": f"a file of more than {json_value.MAX_FILE_BYTES:,} bytes",
        "b.jsonl:2": "a description of more than 500,000 characters",
    }


def test_links_that_lead_in_circles_end(tmp_path: Path) -> None:
    """A folder that holds a link to itself is read once; dangling and circular links have their reasons."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a.json").write_bytes(GOOD)
    (tmp_path / "in" / "deep" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "gone.json").symlink_to(tmp_path / "nothing")
    (tmp_path / "in" / "me.json").symlink_to(tmp_path / "in" / "me.json")
    (tmp_path / "in" / ".hidden.json").write_bytes(b"{")
    items = list(tavern_characters(tmp_path / "in"))
    assert [item.source.record for item in items if isinstance(item, Character)] == ["deep/a.json"]
    reasons = {item.place: item.reason for item in items if isinstance(item, BadRecord)}
    assert reasons == {
        "deep/loop": "a link to a folder that is read already",
        "gone.json": "a link that leads nowhere, or in a circle",
        "me.json": "a link that leads nowhere, or in a circle",
    }


def test_what_is_not_a_regular_file_is_named(tmp_path: Path) -> None:
    """A pipe among the cards does not hang the reader."""
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "z.json").write_bytes(GOOD)
    bad, good = tavern_characters(tmp_path)
    assert isinstance(good, Character)
    assert isinstance(bad, BadRecord)
    assert (bad.place, bad.reason) == ("pipe.json", "not a regular file")


def test_nothing_to_read_is_one_clear_line(tmp_path: Path) -> None:
    """A missing path and an empty folder are named."""
    with pytest.raises(SourceError, match=r"no file or folder .*missing"):
        tavern_characters(tmp_path / "missing")
    with pytest.raises(SourceError, match="no file in the folder"):
        list(tavern_characters(tmp_path))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = (
    "name",
    "description",
    "personality",
    "first_mes",
    "mes_example",
    "tags",
    "character_book",
    "extensions",
    "source",
)


@given(
    value=st.dictionaries(st.sampled_from([*KEYS, "nickname", "alternate_greetings", "data", "spec", "x"]), JSON),
    nested=st.booleans(),
)
@SETTINGS
def test_no_json_whatsoever_crashes_the_reader(tmp_path: Path, value: object, nested: bool) -> None:
    """Any values in any fields give one character or one bad record."""
    whole = {"spec": "chara_card_v2", "data": value} if nested else value
    (tmp_path / "a.jsonl").write_text(json.dumps(whole), encoding="utf-8")
    (tmp_path / "z.json").write_bytes(GOOD)
    assert len(list(tavern_characters(tmp_path))) == 2


@given(content=st.binary(max_size=200))
@SETTINGS
def test_no_bytes_whatsoever_crash_the_reader(tmp_path: Path, content: bytes) -> None:
    """Any bytes give something with the name of the file."""
    (tmp_path / "a").write_bytes(content)
    (tmp_path / "z.json").write_bytes(GOOD)
    items = list(tavern_characters(tmp_path))
    assert len(items) >= 2
