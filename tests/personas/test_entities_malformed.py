"""Damaged and wild entity dumps: each bad entity has its place and reason, no other is lost, memory stays bounded."""

from __future__ import annotations

import bz2
import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from castwright.errors import BadRecord, SourceError
from castwright.personas import entity_dump
from castwright.personas.character import Character
from castwright.personas.entities import entity_characters
from castwright.personas.entity_dump import read_entities
from castwright.personas.entity_values import moments_of
from castwright.personas.lines import DataFile

DUMP = Path(__file__).parent.parent / "data" / "entities" / "people.json"
ENTITIES: list[dict[str, Any]] = json.loads(DUMP.read_text(encoding="utf-8"))
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def split(path: Path, **options: Any) -> tuple[list[Character], list[BadRecord]]:
    items = list(entity_characters(path, **options))
    good = [item for item in items if isinstance(item, Character)]
    return good, [item for item in items if isinstance(item, BadRecord)]


def as_lines(entities: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in entities)


ADA = json.dumps(ENTITIES[0]).encode()
DAMAGED: dict[str, tuple[bytes, dict[str, str]]] = {
    "a truncated line": (ADA[:-30] + b",\n" + ADA, {":1": "not valid JSON"}),
    "a dump that is cut off": (b"[\n" + ADA + b",\n" + ADA[:500], {":3": "not valid JSON"}),
    "Latin-1": (ADA + b'\n{"id": "Q1", "x": "\xeb"}\n', {":2": "not UTF-8"}),
    "a number and a list": (ADA + b"\n3\n[[4]]\n", {":2": "a int where an entity", ":3": "not valid JSON"}),
    "no id": (ADA + b'\n{"labels": {}}\n', {":2": "without an id"}),
    "a NUL byte": (ADA + b'\n{"id": "Q1\x00"}\n', {":2": "NUL byte"}),
    "no label": (ADA + b"\n" + json.dumps(ENTITIES[3] | {"labels": []}).encode(), {":2": "no label in en, mul"}),
    "a pretty array that is cut off": (json.dumps(ENTITIES[:2], indent=1).encode()[:-400], {"[2]": "cut off inside"}),
    "a name of 201 letters": (
        ADA + b"\n" + json.dumps(ENTITIES[3] | {"labels": {"en": {"value": "n" * 201}}}).encode(),
        {":2": "at most 200"},
    ),
    "deep nesting": (ADA + b"\n" + b'{"id": ' + b"[" * 100_000 + b"\n", {":2": "not valid JSON"}),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_entity_is_kept_aside_in_its_place(tmp_path: Path, case: str) -> None:
    """Ada is there, and each bad entity has its place and reason, once."""
    content, places = DAMAGED[case]
    (tmp_path / "d.json").write_bytes(content)
    good, bad = split(tmp_path / "d.json")
    assert [item.facts["name"] for item in good] == ["Ada Lovelace"]
    assert [item.place for item in bad] == [f"d.json{place}" for place in places]
    for item, reason in zip(bad, places.values(), strict=True):
        assert reason in item.reason


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress], ids=["gzip", "bzip2"])
def test_a_compressed_dump_that_is_cut_off_gives_what_came_before(
    tmp_path: Path, packed: Callable[[bytes], bytes]
) -> None:
    """What could be unpacked is read; the cut is one bad record."""
    crowd = [ENTITIES[0] | {"id": f"Q{n}", "noise": str(n * 2654435761 % 2**61) * 400} for n in range(1, 900)]
    data = packed(as_lines(crowd))
    (tmp_path / "d.jsonl").write_bytes(data[: len(data) // 2])
    good, bad = split(tmp_path / "d.jsonl")
    assert 10 < len(good) < 899
    assert "cut off or damaged" in bad[-1].reason


def test_a_line_of_fifty_megabytes_is_one_bad_record(tmp_path: Path) -> None:
    """A huge entity, on a line or inside an array, is refused with the bound; those around it are read."""
    huge = b'{"id": "Q1", "labels": {"en": {"value": "' + b"x" * 50_000_000 + b'"}}}'
    (tmp_path / "lines.jsonl").write_bytes(ADA + b"\n" + huge + b"\n" + ADA.replace(b"Q7259", b"Q2"))
    (tmp_path / "array.json").write_bytes(b"[" + ADA + b"," + huge + b"," + ADA.replace(b"Q7259", b"Q2") + b"]")
    for name, places in (("lines.jsonl", [":1", ":3", ":2"]), ("array.json", ["[1]", "[3]", "[2]"])):
        good, bad = split(tmp_path / name)
        assert [item.source.record for item in good] + [item.place for item in bad] == [name + at for at in places]
        assert bad[0].reason == "an entity of more than 16,777,216 bytes"
        assert len(bad[0].excerpt) <= 200


def test_memory_does_not_grow_with_the_dump(tmp_path: Path) -> None:
    """A one-line array of 10 MB is cut while it streams: the peak stays under 3 MB."""
    with (tmp_path / "d.json").open("wb") as stream:
        stream.write(b"[")
        for number in range(1, 3000):
            stream.write((b"," if number > 1 else b"") + ADA.replace(b"Q7259", b"Q%d" % number))
        stream.write(b"]")
    tracemalloc.start()
    count = sum(1 for _ in read_entities(DataFile(tmp_path / "d.json", "d.json", "")))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 2999
    assert (tmp_path / "d.json").stat().st_size > 10_000_000
    assert peak < 3_000_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "no entity in", id="empty file"),
        pytest.param(b"[\n]\n", "no entity in", id="empty array"),
        pytest.param(b'{"entities": []}', "no entity in", id="empty answer"),
        pytest.param(b"hello\n", "no usable record", id="plain text"),
    ],
)
def test_a_dump_without_people_is_one_clear_line(tmp_path: Path, content: bytes, message: str) -> None:
    """The error names the file."""
    (tmp_path / "d.json").write_bytes(content)
    with pytest.raises(SourceError, match=message) as caught:
        list(entity_characters(tmp_path / "d.json"))
    assert "d.json" in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(
    patch=st.dictionaries(st.sampled_from(["labels", "descriptions", "aliases", "modified", "id", "type"]), JSON),
    claims=st.dictionaries(st.sampled_from(["P31", "P569", "P570", "P106", "P21"]), JSON),
)
@SETTINGS
def test_no_entity_whatsoever_crashes_the_reader(tmp_path: Path, patch: dict[str, Any], claims: Any) -> None:
    """Any values in any place give a character, a bad record or nothing; the entity beside it is read."""
    wild = {**ENTITIES[3], **patch, "claims": {**ENTITIES[3]["claims"], **claims}}
    (tmp_path / "d.jsonl").write_bytes(as_lines([ENTITIES[0], wild]))
    good, _ = split(tmp_path / "d.jsonl")
    assert good[0].facts["name"] == "Ada Lovelace"


@given(times=st.text(max_size=20) | st.from_regex(r"[+-]\d{1,12}-\d\d-\d\dT00", fullmatch=True), precision=JSON)
@SETTINGS
def test_no_time_whatsoever_crashes_the_reader(times: str, precision: object) -> None:
    """Any time is read or passed over, and what is read can be said."""
    value = {"time": times, "precision": precision}
    claim = {"mainsnak": {"snaktype": "value", "datavalue": {"value": value}}}
    for moment in moments_of({"claims": {"P569": [claim]}}, "P569"):
        assert moment.text
        assert moment.latest >= moment.year


@given(
    values=st.lists(st.dictionaries(st.text(max_size=5), JSON, min_size=1, max_size=3), min_size=1, max_size=5),
    buffer=st.integers(1, 40),
    indent=st.sampled_from([None, 1]),
)
@SETTINGS
def test_a_document_is_cut_right_wherever_its_buffers_end(
    tmp_path: Path, values: list[dict[str, Any]], buffer: int, indent: int | None
) -> None:
    """Brackets, quotes and backslashes in texts do not mislead the cutter, however small the buffers are."""
    entities = [{"id": f"Q{number}", "v": value} for number, value in enumerate(values, start=1)]
    (tmp_path / "d.json").write_text(json.dumps([*entities, {"id": "Q0"}], indent=indent), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entity_dump, "_BUFFER_BYTES", buffer)
        found = list(read_entities(DataFile(tmp_path / "d.json", "d.json", "")))
    assert [item[1] for item in found if not isinstance(item, BadRecord)] == [*entities, {"id": "Q0"}]
