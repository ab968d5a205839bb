"""Damaged sources of every kind: each bad record has its file, line and reason, and no good one is lost.

What is wrong with one record, or one file of several, is kept aside; what is wrong with the whole source is one error
that names the file and says what to do. Nothing else is ever raised. One table for all formats, so that what holds for
one is seen to hold for all; what is special to a format is in the tests of that format.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import os
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter
from source_files import (
    GRACE,
    HEADER,
    IDA,
    SIGNATURE,
    V1,
    V2,
    V3,
    chunk,
    coded,
    dump,
    entity,
    json_lines,
    parquet,
    png,
    text_chunk,
    zstd,
)

from castwright.errors import BadRecord, SourceError
from castwright.personas.character import Character
from castwright.personas.sources import PersonaSource, read_characters

SOURCE: TypeAdapter[Any] = TypeAdapter(PersonaSource)
Content = bytes | Callable[[Path], object]


@dataclass(frozen=True)
class Damaged:
    """Files of one source, the records of its good characters, and place -> part of the reason of each bad one.

    A single file is the source itself, more are read as their folder, unless `folder` says so.
    """

    kind: str
    files: dict[str, Content]
    good: list[str]
    bad: dict[str, str]
    options: dict[str, Any] = field(default_factory=dict)
    folder: bool = False


@dataclass(frozen=True)
class Refused:
    """Files of a source that cannot be used at all, and what its one line must say beside the file's name."""

    kind: str
    files: dict[str, Content]
    says: tuple[str, ...]
    named: str
    folder: bool = False


def put(files: dict[str, Content], folder: Path, *, whole: bool) -> Path:
    """Write files into a folder and return the path of the source: the only file, or the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content(path)
    return folder if whole or len(files) != 1 else folder / next(iter(files))


def read(kind: str, path: Path, **options: Any) -> tuple[list[Character], list[BadRecord]]:
    """Read a source as a recipe spells it."""
    source = SOURCE.validate_python({"kind": kind, "name" if kind == "hub" else "path": str(path), **options})
    found = list(read_characters(source, count=None, seed=0))
    characters = [item for item in found if isinstance(item, Character)]
    return characters, [item for item in found if isinstance(item, BadRecord)]


ADA, BO = json_lines({"name": "Ada", "bio": "Counts."}), json_lines({"name": "Bo", "bio": "Dives."})
CARD = json.dumps(V1).encode()
HUNDRED = [
    json.dumps({"name": f"N{n}", "bio": f"{n * 2654435761 % 2**61:x}" * 20}).encode() + b"\n" for n in range(100)
]
PLAY = "".join(f"ANN: I have {n} ropes for you.\nBOB: Keep {n} of them.\n" for n in range(2, 8)).encode()
STORY = "\n\n".join(f"“I have {n} ropes for you,” said Ann." for n in range(2, 8)).encode()
PAGE = b"Ida Lewis was a lighthouse keeper of Newport, who rowed out in every weather.\n"
ONES = b"A tailor of sails.\nThe last ferryman of the fen.\n"


def link(target: str) -> Callable[[Path], object]:
    """Return what puts a link in the place of a file."""
    return lambda path: path.symlink_to(path.parent / target)


def sparse(before: bytes, size: int, after: bytes) -> Callable[[Path], object]:
    """Return what writes a line of so many bytes that takes no room on the disk."""

    def write(path: Path) -> None:
        with path.open("wb") as stream:
            stream.write(before)
            stream.seek(size, io.SEEK_CUR)
            stream.write(b"\n" + after)

    return write


def group_of_unknown_encoding() -> bytes:
    """Return a parquet file of two groups of rows, the first written in an encoding that does not exist."""
    table = {"name": [f"N{n}" for n in range(10)], "bio": ["x"] * 10}
    data = bytearray(parquet(table, use_dictionary=False, compression="none", row_group_size=5))
    start = pq.ParquetFile(io.BytesIO(bytes(data))).metadata.row_group(0).column(0).data_page_offset
    header = data.index(b"\x2c\x15", start)  # the page's header, and in it the number of values
    data[data.index(b"\x15\x00", header + 1) + 1] = 0x3E  # encoding 31 where 0 (PLAIN) stood
    return bytes(data)


def group_of_junk() -> bytes:
    """Return a parquet file of three groups of rows, the second overwritten."""
    table = {"name": [f"N{n}" for n in range(30)], "bio": ["word " * 9] * 30}
    data = bytearray(parquet(table, use_dictionary=False, row_group_size=10))
    column = pq.ParquetFile(io.BytesIO(bytes(data))).metadata.row_group(1).column(0)
    start = column.data_page_offset
    data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    return bytes(data)


def not_text() -> bytes:
    """Return a parquet file whose second name is no UTF-8, and whose third has a date far from any calendar."""
    offsets = pa.array([0, 1, 2, 3, 4], pa.int32()).buffers()[1]
    names = pa.Array.from_buffers(pa.string(), 4, [None, offsets, pa.py_buffer(b"A\xffCD")])
    eras = pa.array([0, 0, 10**17, 0], pa.timestamp("ms"))
    return parquet(pa.table({"name": names, "bio": ["w", "x", "y", "z"], "era": eras}))


def places(name: str, *numbers: int) -> list[str]:
    """Return places on lines."""
    return [f"{name}:{number}" for number in numbers]


def row_places(name: str, *numbers: int) -> list[str]:
    """Return places in files without lines."""
    return [f"{name}[row {number}]" for number in numbers]


TABLES = {
    "csv: a quote never closed": Damaged(
        "table",
        {"a.csv": b'name,bio\nAda,x\nBo,"open\nCy,z\nDi,w\n'},
        places("a.csv", 2, 4, 5),
        {"a.csv:3": "a quote is opened and never closed"},
    ),
    "csv: nested quotes": Damaged(
        "table",
        {"a.csv": b'name,bio\nAda,"says "no" twice"\nBo,"says ""yes"""\n'},
        ["a.csv:3"],
        {"a.csv:2": "double the quotes inside"},
    ),
    "csv: a row with too few and one with too many values": Damaged(
        "table",
        {"a.csv": b"name,bio\nAda\nBo,x\nCy,y,z\n"},
        ["a.csv:3"],
        {"a.csv:2": "1 values where the header has 2", "a.csv:4": "3 values where the header has 2"},
    ),
    "csv: Latin-1 in one row": Damaged(
        "table", {"a.csv": b"name,bio\nZo\xeb,x\nBo,y\n"}, ["a.csv:3"], {"a.csv:2": "0xeb at position 3; save"}
    ),
    "csv: mixed line ends": Damaged(
        "table",
        {"a.csv": b"name,bio\r\nAda,x\nBo,y\r\nCy,z\rDi,w\r\nEd,v\n"},
        places("a.csv", 2, 3, 5),
        {"a.csv:4": "a bare carriage return"},
    ),
    "csv: NUL bytes in the middle": Damaged(
        "table", {"a.csv": b"name,bio\nAda,x\n\0\0\0,\0\nBo,y\n"}, places("a.csv", 2, 4), {"a.csv:3": "a NUL byte"}
    ),
    "csv: a line of 50 MB": Damaged(
        "table",
        {"a.csv": sparse(b"name,bio\nAda,x\nBo,", 50_000_000, b"Cy,y\n")},
        places("a.csv", 2, 4),
        {"a.csv:3": "a NUL byte"},
    ),
    "csv: a line of 70 MB": Damaged(
        "table",
        {"a.csv": sparse(b"name,bio\nAda,x\nBo,", 70_000_000, b"Cy,y\n")},
        places("a.csv", 2, 4),
        {"a.csv:3": "a line of more than 67,108,864 bytes"},
    ),
    "tsv: a row with too many values": Damaged(
        "table", {"a.tsv": b"name\tbio\nAda\tx\ty\nBo\tz\n"}, ["a.tsv:3"], {"a.tsv:2": "3 values where"}
    ),
    "csv: a folder by the name of a table": Damaged(
        "table",
        {"x.csv": Path.mkdir, "b.jsonl": ADA},
        ["b.jsonl:1"],
        {},
    ),
    "jsonl: a truncated line among good ones": Damaged(
        "table", {"a.jsonl": ADA + b'{"name": "B\n' + BO}, places("a.jsonl", 1, 3), {"a.jsonl:2": "not valid JSON"}
    ),
    "jsonl: Latin-1 in one line": Damaged(
        "table",
        {"a.jsonl": ADA + b'{"name": "Zo\xeb"}\n' + BO},
        places("a.jsonl", 1, 3),
        {"a.jsonl:2": "not UTF-8: byte 0xeb at position 13; save the file as UTF-8"},
    ),
    "jsonl: half a surrogate pair": Damaged(
        "table", {"a.jsonl": b'{"name": "\\udc00"}\n' + BO}, ["a.jsonl:2"], {"a.jsonl:1": "not valid JSON"}
    ),
    "jsonl: UTF-16 without a mark beside a good file": Damaged(
        "table",
        {"a.jsonl": ADA.decode().encode("utf-16-le"), "b.jsonl": BO},
        ["b.jsonl:1"],
        {"a.jsonl:1": "UTF-16 without a byte order mark", "a.jsonl:2": "UTF-16 without a byte order mark"},
    ),
    "jsonl: nesting of a hundred thousand": Damaged(
        "table", {"a.jsonl": b'{"name":' + b"[" * 100_000 + b"\n" + BO}, ["a.jsonl:2"], {"a.jsonl:1": "depth limit"}
    ),
    "jsonl: a number of five thousand digits and an Infinity": Damaged(
        "table",
        {"a.jsonl": b'{"name": "A", "age": ' + b"1" * 5000 + b'}\n{"name": "Bo", "age": Infinity}\n'},
        ["a.jsonl:2"],
        {"a.jsonl:1": "number is infinity"},
    ),
    "jsonl: values that no card can hold": Damaged(
        "table",
        {"a.jsonl": json_lines({"name": "A", "age": -1}, {"name": {"b": 1}}, {"name": "n" * 201}, {"name": "Bo"})},
        ["a.jsonl:4"],
        {"a.jsonl:1": "column 'age': -1", "a.jsonl:2": "a text is wanted", "a.jsonl:3": "at most 200 characters"},
    ),
    "jsonl: a list of a million in Python's spelling": Damaged(
        "table",
        {"a.jsonl": b'{"name": "A", "age": "[' + b"a," * 1_000_000 + b']"}\n' + BO},
        ["a.jsonl:2"],
        {"a.jsonl:1": "an age is a whole number"},
    ),
    "json: a list that is cut off": Damaged(
        "table",
        {"a.json": json.dumps([{"name": "Ada"}, {"name": "Bo"}, {"name": "Cy"}], indent=1).encode()[:-12]},
        row_places("a.json", 1, 2),
        {"a.json": "unexpected end of data at line 9 column 8: only its whole objects were read; mend it there"},
    ),
    "json: one broken object in a list": Damaged(
        "table",
        {"a.json": b'[{"name": "Ada"},\n{"name": "B" o},\n{"name": "Cy"}]'},
        row_places("a.json", 1, 3),
        {"a.json[row 2]": "not valid JSON", "a.json": "at line 2 column 14: only its whole objects were read"},
    ),
    "json: what is no object in a list": Damaged(
        "table",
        {"a.json": b'[null, {"name": "Ada"}, 3]'},
        ["a.json[row 2]"],
        {"a.json[row 1]": "null where an object", "a.json[row 3]": "a number where an object"},
    ),
    "gzip: cut off": Damaged(
        "table",
        {"a.jsonl.gz": gzip.compress(ADA + BO)[:-4]},
        places("a.jsonl.gz", 1, 2),
        {"a.jsonl.gz:3": "the file is cut off or damaged from here on"},
    ),
    "gzip: a wrong checksum": Damaged(
        "table",
        {"a.jsonl.gz": gzip.compress(ADA + BO)[:-8] + b"\0" * 8},
        places("a.jsonl.gz", 1, 2),
        {"a.jsonl.gz:3": "CRC check failed"},
    ),
    "parquet: an encoding that does not exist": Damaged(
        "table",
        {"a.parquet": group_of_unknown_encoding()},
        row_places("a.parquet", 6, 7, 8, 9, 10),
        {"a.parquet[row 1]": "the rows 1 to 5 are damaged"},
    ),
    "parquet: a damaged group of rows": Damaged(
        "table",
        {"a.parquet": group_of_junk()},
        row_places("a.parquet", *range(1, 11), *range(21, 31)),
        {"a.parquet[row 11]": "the rows 11 to 20 are damaged"},
    ),
    "parquet: values that are no text and no date": Damaged(
        "table",
        {"a.parquet": not_text()},
        row_places("a.parquet", 1, 4),
        {"a.parquet[row 2]": "the column 'name' holds a value that", "a.parquet[row 3]": "the column 'era' holds a"},
    ),
    "parquet: cut off, beside a good one": Damaged(
        "table",
        {"a.parquet": parquet({"name": ["A"]})[:-9], "b.parquet": parquet({"name": ["Bo"]})},
        ["b.parquet[row 1]"],
        {"a.parquet": "is it whole, and parquet? Get or write it again"},
    ),
}
LINES = {
    "one line: Latin-1, NUL and no words": Damaged(
        "one_line",
        {"a.txt": b"A tailor.\ncaf\xe9 owner\na\0b\n123\nThe ferryman.\n"},
        places("a.txt", 1, 5),
        {"a.txt:2": "0xe9 at position 4", "a.txt:3": "a NUL byte", "a.txt:4": "no words in it"},
    ),
    "one line: UTF-16 without a mark": Damaged(
        "one_line",
        {"a.txt": ONES.decode().encode("utf-16-le"), "b.txt": ONES},
        places("b.txt", 1, 2),
        {"a.txt": "UTF-16 without a byte order mark: save it as UTF-8"},
    ),
    "one line: numbers in the column": Damaged(
        "one_line",
        {"a.jsonl": json_lines({"persona": 3}, {"persona": "A diver."}, {"persona": None}, {"persona": ["x"]})},
        ["a.jsonl:2"],
        {"a.jsonl:1": "holds a int", "a.jsonl:3": "no value", "a.jsonl:4": "holds a list"},
    ),
    "script: a line in another encoding and one of 50 MB": Damaged(
        "script",
        {"a.txt": sparse(PLAY + b"ANN: Caf\xe9.\nBOB: ", 50_000_000, PLAY)},
        ["a.txt[ANN]", "a.txt[BOB]"],
        {"a.txt:13": "0xe9 at position 9", "a.txt:14": "a line of 50,000,006 bytes"},
    ),
    "script: gzip that is cut off": Damaged(
        "script", {"a.txt.gz": gzip.compress(PLAY)[:-9]}, ["a.txt.gz[ANN]", "a.txt.gz[BOB]"], {"a.txt.gz:13": "cut off"}
    ),
    "script: a table with rows that say nothing": Damaged(
        "script",
        {"a.csv": b"speaker,line\n" + b"Ann,Hello there.\n" * 5 + b",Boo.\nBob,\nAnn,a,b\n"},
        ["a.csv[Ann]"],
        {"a.csv:7": "nobody is named", "a.csv:8": "no words in the line", "a.csv:9": "3 values where"},
    ),
    "novel: a chapter in Latin-1 beside a good one": Damaged(
        "novel",
        {
            "a.txt": STORY.decode().replace("“", '"').replace("”", '"').replace("I", "\xcf").encode("latin-1"),
            "b.txt": STORY,
        },
        ["b.txt[Ann]"],
        {**{f"a.txt:{n}": "not UTF-8: byte 0xcf at position 2" for n in range(1, 12, 2)}, "a.txt": "no speech"},
    ),
    "text: an empty file, NUL bytes and a good page": Damaged(
        "text",
        {"a.txt": b"", "b.txt": b"\0" * 4000, "ida.txt": PAGE},
        ["ida.txt"],
        {"a.txt": "no text about anyone", "b.txt:1": "a NUL byte", "b.txt": "no text about anyone"},
    ),
}
CARDS: dict[str, tuple[bytes, str]] = {
    "an empty file": (b"", "an empty file"),
    "no card in it": (png(), "without a character card"),
    "a wrong checksum": (png(chunk(b"tEXt", b"chara\0" + coded(V2), 5)), "checksum (CRC) is wrong"),
    "cut off in the picture": (png(text_chunk(V2))[:-20], "cut off or damaged in its chunk 'IDAT'"),
    "a chunk of two gigabytes": (SIGNATURE + HEADER + b"\x7f\xff\xff\xfftEXtchara\0", "cut off or damaged"),
    "no base64": (png(chunk(b"tEXt", b"chara\0*not base64*")), "it is no base64"),
    "base64 of no JSON": (png(chunk(b"tEXt", b"chara\0aGVsbG8=")), "not valid JSON"),
    "a compressed bomb": (
        png(chunk(b"iTXt", b"chara\0\1\0\0\0" + zlib.compress(bytes(40_000_000), 9))),
        "more than 33,554,432 bytes when it is unpacked",
    ),
    "compression cut off": (
        png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(coded(V3))[:-7])),
        "compression is cut off",
    ),
    "a JPEG by that name": (
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        "not a PNG but a JPEG: a converted picture has lost its card",
    ),
    "a WebP by that name": (b"RIFF\x10\0\0\0WEBPVP8 ", "not a PNG but a WebP"),
}
TAVERN = {
    f"picture: {name}": Damaged("tavern", {"a.png": content, "z.json": CARD}, ["z.json"], {"a.png": reason})
    for name, (content, reason) in CARDS.items()
} | {
    "card: truncated, nested quotes, and a line of another encoding": Damaged(
        "tavern",
        {"a.jsonl": b"\n".join([CARD[:-9], CARD, b'{"name": "V "the" B"}', CARD.replace(b"flat", b"fl\xe4t"), CARD])},
        places("a.jsonl", 2, 5),
        {"a.jsonl:1": "not valid JSON", "a.jsonl:3": "not valid JSON", "a.jsonl:4": "not UTF-8: byte 0xe4"},
    ),
    "card: Zstandard and bzip2 that are cut off": Damaged(
        "tavern",
        {"a.json.zst": zstd(CARD)[:-9], "b.json.bz2": bz2.compress(CARD)[:-9], "z.json": CARD},
        ["z.json"],
        {"a.json.zst": "it is cut off or damaged", "b.json.bz2": "it is cut off or damaged"},
    ),
    "card: an archive": Damaged(
        "tavern", {"a.charx": b"PK\3\4\x14\0\0\0", "z.json": CARD}, ["z.json"], {"a.charx": "take the card.json"}
    ),
}
ENTITIES = {
    "entity: without a label, and the same id twice": Damaged(
        "entities",
        {"a.json": dump(GRACE, entity(9, ""), GRACE, IDA)},
        places("a.json", 2, 5),
        {"a.json:3": "the entity Q9 has no label", "a.json:4": "the entity Q455 was read before, at a.json:2"},
    ),
    "entity: numbers that no item has": Damaged(
        "entities",
        {
            "a.jsonl": json.dumps(GRACE).replace("82594", "99999999999999999999").encode()
            + b"\n"
            + json.dumps(IDA).encode()
        },
        places("a.jsonl", 1, 2),
        {},
    ),
    "entity: a line of 50 MB": Damaged(
        "entities",
        {"a.jsonl": sparse(json_lines(GRACE) + b'{"id": "Q1', 50_000_000, json_lines(IDA))},
        places("a.jsonl", 1, 3),
        {"a.jsonl:2": "an entity of more than 16,777,216 bytes"},
    ),
    "entity: bzip2 cut off behind its first block": Damaged(
        "entities",
        {"a.jsonl.bz2": bz2.compress(json_lines(GRACE, IDA)) + bz2.compress(json_lines(GRACE))[:60]},
        places("a.jsonl.bz2", 1, 2),
        {"a.jsonl.bz2:3": "cut off or damaged from here on"},
    ),
    "entity: an array on one line that is cut off": Damaged(
        "entities",
        {"a.json": json.dumps([GRACE, IDA]).encode()[:-99]},
        ["a.json[1]"],
        {"a.json[2]": "the file is cut off inside this entity"},
    ),
}
FOLDERS = {
    "folder: links in circles and to nowhere": Damaged(
        "folder",
        {"a.jsonl": ADA, "loop": link("."), "me.json": link("me.json"), "gone.csv": link("nothing")},
        ["a.jsonl:1"],
        {
            "gone.csv": "a link that leads nowhere",
            "loop": "a link to a folder that is read already",
            "me.json": "a link that leads nowhere, or in a circle",
        },
    ),
    "folder: a name that is not UTF-8": Damaged(
        "folder",
        {"a.jsonl": ADA, os.fsdecode(b"caf\xe9.jsonl"): BO, os.fsdecode(b"caf\xe9.json"): b"{"},
        ["a.jsonl:1", "caf\\udce9.jsonl:1"],
        {"caf\\udce9.json": "not valid JSON"},
    ),
    "folder: a pipe, a picture and a program": Damaged(
        "folder",
        {"a.jsonl": ADA, "b.csv": os.mkfifo, "c.jpg": b"\xff\xd8\xff\xe0\0\x10JFIF", "d.py": b"print(1)\n"},
        ["a.jsonl:1"],
        {"b.csv": "not a regular file", "c.jpg": "a binary file", "d.py": "not a file of characters"},
    ),
    "folder: one bad file of each format": Damaged(
        "folder",
        {
            "a.csv": b"name,name\nA,B\n",
            "b.json": json.dumps(V2).encode()[:-30],
            "c.parquet": b"PAR1",
            "d.jsonl": b"",
            "e.png": png(),
            "f.txt": b"x" * 500,
            "z.jsonl": ADA,
        },
        ["z.jsonl:1"],
        {
            "a.csv": "stands 2 times",
            "b.json": "not valid JSON",
            "c.parquet": "as parquet",
            "d.jsonl": "an empty file",
            "e.png": "without a character card",
            "f.txt": "not a file of characters",
        },
    ),
}
DAMAGED = TABLES | LINES | TAVERN | ENTITIES | FOLDERS


@pytest.mark.parametrize("case", DAMAGED)
def test_what_is_bad_is_kept_aside_and_nothing_good_is_lost(case: str, tmp_path: Path) -> None:
    """All good records in order, all bad ones with place and reason, and nothing is raised."""
    damaged = DAMAGED[case]
    folder = tmp_path / "mine"
    folder.mkdir()
    path = put(damaged.files, folder, whole=damaged.folder)
    good, bad = read(damaged.kind, path, **damaged.options)
    assert [item.source.record for item in good] == damaged.good
    assert sorted(item.place for item in bad) == sorted(damaged.bad)
    for item in bad:
        assert damaged.bad[item.place] in item.reason, item.reason
        assert "\n" not in item.reason
        assert len(item.excerpt) <= 200
        (item.place + item.reason + item.excerpt).encode()  # it can be written down


def hub(**files: bytes) -> dict[str, Content]:
    """Return a data set of the given files: train, and what its card says."""
    return {
        {"card": "README.md", "gz": "train.jsonl.gz"}.get(name, f"train.{name}"): data for name, data in files.items()
    }


CYCLE = b"---\nlicense: &a [*a, *a]\n---\n"
REFUSED = {
    "csv: a duplicated header": Refused(
        "table", {"a.csv": b"name,bio,name\nA,b,c\n"}, ("'name' stands 2 times", "rename"), "a.csv"
    ),
    "csv: a header alone": Refused("table", {"a.csv": b"name,bio\n"}, ("no record in", "leave it out"), "a.csv"),
    "csv: an empty file": Refused("table", {"a.csv": b""}, ("is empty", "leave it out"), "a.csv"),
    "csv: UTF-16 without a mark": Refused(
        "table", {"a.csv": "name\nA\n".encode("utf-16-le")}, (":1: the header cannot be read", "NUL byte"), "a.csv"
    ),
    "csv: an empty folder by that name": Refused(
        "table", {"a.csv": Path.mkdir}, ("it holds nothing", "read are .csv"), "a.csv"
    ),
    "csv: a link in a circle": Refused(
        "table", {"a.csv": link("a.csv")}, ("a link that leads nowhere, or in a circle",), "a.csv"
    ),
    "csv: a pipe": Refused("table", {"a.csv": os.mkfifo}, ("neither a file nor a folder",), "a.csv"),
    "jsonl: all records bad": Refused(
        "table", {"a.jsonl": b"x\n{\n"}, ("all 2 records are bad", "a.jsonl:1: not valid"), "a.jsonl"
    ),
    "json: an object that is cut off": Refused(
        "table", {"a.json": b'{"data": [{"name": "Ada"}, {"na'}, ("at column 32", "mend it there"), "a.json"
    ),
    "json: nesting of a hundred thousand": Refused(
        "table", {"a.json": b"[" * 100_000}, ("depth limit", "mend it"), "a.json"
    ),
    "zstd: cut off in its first block": Refused(
        "table",
        {"a.jsonl.zst": zstd(b"".join(HUNDRED))[:99]},
        ("cut off or damaged", "get or save it again"),
        "a.jsonl.zst",
    ),
    "bzip2 that is none": Refused(
        "table", {"a.csv.bz2": b"name\nA\n"}, ("not compressed in that way", "rename it"), "a.csv.bz2"
    ),
    "parquet: cut off": Refused(
        "table", {"a.parquet": parquet({"name": ["A"]})[:-3]}, ("as parquet", "write it again"), "a.parquet"
    ),
    "one line: an empty folder": Refused("one_line", {}, ("no persona in",), "mine", folder=True),
    "script: an empty folder": Refused(
        "script", {}, ("no file in the folder", "put the texts there"), "mine", folder=True
    ),
    "tavern: an empty folder": Refused(
        "tavern", {}, ("no file in the folder", "put character cards there"), "mine", folder=True
    ),
    "entities: an empty file": Refused("entities", {"a.json": b""}, ("no entity in", "leave it out"), "a.json"),
    "folder: nothing in it": Refused("folder", {}, ("no file in the folder",), "mine", folder=True),
    "folder: nothing but unreadable files": Refused(
        "folder", {"a.json": b"{", "b.bin": b"\0\1", "c.csv": b""}, ("all 3 records are bad", "a.json"), "mine"
    ),
    "hub: no data in it": Refused(
        "hub", hub(card=b"---\nlicense: mit\n---\n"), ("doesn't contain any data files",), "mine", folder=True
    ),
    "hub: an empty file": Refused("hub", hub(jsonl=b""), ("it has an empty file",), "mine", folder=True),
    "hub: gzip that is cut off": Refused(
        "hub", hub(gz=gzip.compress(b"".join(HUNDRED))[:-99]), ("end-of-stream",), "mine", folder=True
    ),
    "hub: Latin-1 in one line": Refused(
        "hub",
        hub(jsonl=ADA + b'{"name": "Zo\xeb"}\n', card=CYCLE),
        ("behind row", "kind: table reads its files"),
        "mine",
        folder=True,
    ),
    "hub: parquet that is none": Refused(
        "hub", hub(parquet=b"PAR1"), ("cannot read the dataset",), "mine", folder=True
    ),
    "hub: an archive that is none": Refused(
        "hub", hub(**{"jsonl.zip": b"PK\3\4"}), ("cannot read the dataset",), "mine", folder=True
    ),
    "hub: a card with nesting of six hundred": Refused(
        "hub", hub(jsonl=ADA, card=b"---\nlicense: " + b"[" * 600 + b"\n---\n"), ("recursion",), "mine", folder=True
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_source_that_cannot_be_used_is_one_clear_line(case: str, tmp_path: Path) -> None:
    """The line names the file or folder, says what is wrong with it and, where anything helps, what to do."""
    refused = REFUSED[case]
    folder = tmp_path / "mine"
    folder.mkdir()
    path = put(refused.files, folder, whole=refused.folder)
    with pytest.raises(SourceError) as caught:
        read(refused.kind, path)
    message = str(caught.value)
    assert refused.named in message
    assert all(part in message for part in refused.says), message
    assert "\n" not in message


def test_the_tables_here_are_as_long_as_they_must_be() -> None:
    """Thirty-six malformed inputs and more, over all formats."""
    kinds = {case.kind for case in (*DAMAGED.values(), *REFUSED.values())}
    assert kinds == {"table", "hub", "one_line", "tavern", "entities", "script", "novel", "text", "folder"}
    assert len(DAMAGED) + len(REFUSED) >= 36


@pytest.mark.parametrize("kind", ["table", "tavern", "one_line", "script", "novel", "text", "entities", "folder"])
def test_a_file_without_the_right_to_read_it_is_kept_aside(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has its name and the system's reason, and the file beside it is read."""
    good = {
        "tavern": CARD,
        "one_line": ONES,
        "script": PLAY,
        "novel": STORY,
        "text": PAGE,
        "entities": json_lines(GRACE),
    }
    end = {"table": ".jsonl", "tavern": ".json", "entities": ".json", "folder": ".jsonl"}.get(kind, ".txt")
    for name in ("locked", "open"):
        (tmp_path / f"{name}{end}").write_bytes(good.get(kind, ADA))
    opened = Path.open

    def refuse(self: Path, *args: Any, **options: Any) -> Any:
        if self.name.startswith("locked"):  # whoever runs this may be allowed everything
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *args, **options)

    monkeypatch.setattr(Path, "open", refuse)
    characters, bad = read(kind, tmp_path)
    assert characters
    assert {item.source.record.partition(end)[0] for item in characters} == {"open"}
    assert [(item.place, "Permission denied" in item.reason) for item in bad] == [(f"locked{end}", True)]


def test_a_card_whose_yaml_says_itself_a_million_times_states_no_licence(tmp_path: Path) -> None:
    """Names that stand for lists of names are not written out: the licence of the recipe counts."""
    bomb = b"a: &a [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (after, after, b", ".join([b"*%c" % before] * 10))
        for before, after in zip(b"abcdefgh", b"bcdefghi", strict=True)
    )
    path = put(hub(jsonl=ADA, card=b"---\n" + bomb + b"license: [*i]\n---\n"), tmp_path, whole=True)
    tracemalloc.start()
    good, bad = read("hub", path, licence="CC0-1.0")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [(item.facts["name"], item.source.licence) for item in good] == [("Ada", "CC0-1.0")]
    assert bad == []
    assert peak < 100_000_000


@pytest.mark.parametrize("packer", [gzip.compress, bz2.compress, zstd], ids=["gzip", "bzip2", "zstd"])
def test_a_compressed_file_gives_all_that_came_before_its_cut(packer: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """Two parts, the second cut off at any place: the lines of the first, and some of the second, are there."""
    first, second = packer(b"".join(HUNDRED[:50])), packer(b"".join(HUNDRED[50:]))
    for cut in range(20, len(second) - 1, max(len(second) // 6, 1)):
        (tmp_path / "a.jsonl").write_bytes(first + second[:cut])
        good, bad = read("table", tmp_path / "a.jsonl")
        assert [item.facts["name"] for item in good] == [f"N{n}" for n in range(len(good))]
        assert len(good) >= 50
        assert [item.place for item in bad] == [f"a.jsonl:{len(good) + 1}"]
        assert "cut off or damaged from here on" in bad[0].reason


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    """A source with a bad end gives its first characters: a limit stops before the damage is even seen."""
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b"".join(HUNDRED))[:-40])
    source = SOURCE.validate_python({"kind": "table", "path": str(tmp_path / "a.jsonl.gz"), "limit": 3})
    found: Iterator[Character | BadRecord] = read_characters(source, count=None, seed=0)
    assert [item.source.record for item in found if isinstance(item, Character)] == places("a.jsonl.gz", 1, 2, 3)
