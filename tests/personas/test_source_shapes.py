"""Every source format, in the shapes that programs and people really write it in, read as a recipe spells it."""

from __future__ import annotations

import bz2
import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import TypeAdapter
from source_files import (
    GRACE,
    IDA,
    OCCUPATION,
    OLD,
    V1,
    V2,
    V3,
    chunk,
    coded,
    dump,
    json_lines,
    parquet,
    png,
    text_chunk,
    zstd,
)

from castwright.errors import BadRecord
from castwright.personas.character import Character
from castwright.personas.sources import PersonaSource, read_characters

SOURCE: TypeAdapter[Any] = TypeAdapter(PersonaSource)


@dataclass(frozen=True)
class Expected:
    """One character: its record, its name (None: nobody named them), some of its facts, a part of its text."""

    record: str
    name: str | None
    text: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Shape:
    """Files of one source (paths below its folder), what a recipe says of it, and the characters it holds.

    A single file is the source itself, more are read as their folder, unless `folder` says so. `licence` is what the
    cards must have where the source states its own.
    """

    kind: str
    files: dict[str, bytes]
    expected: list[Expected]
    options: dict[str, Any] = field(default_factory=dict)
    folder: bool = False
    licence: str = "CC-BY-4.0"


def rows(*places: str, text: bool = True) -> list[Expected]:
    """Return Ada and Zoë, whom most tables here hold, at two places."""
    facts: dict[str, Any] = {"basic_info": {"age": 36}, "traits": ["kind", "dry"]}
    ada = Expected(places[0], "Ada", "Counts, and\nwrites." if text else "", facts)
    return [ada, Expected(places[1], "Zoë", "Sails “far”." if text else "", {"traits": ["bold"]})]


CSV_TEXT = 'name,bio,age,traits\r\nAda,"Counts, and\nwrites.",36,kind; dry\r\nZoë,Sails “far”.,,bold\r\n'
EXCEL_TEXT = CSV_TEXT.replace(",", ";").replace("Counts;", "Counts,").replace("kind; dry", '"kind; dry"')
TSV_TEXT = 'name\tbio\tage\ttraits\nAda\tCounts.\t36\tkind | dry\n\nZoë\tA 6" gun and a 9" hat.\t\tbold\n'
ROWS = [
    {"name": "Ada", "bio": "Counts, and\nwrites.", "age": 36, "traits": ["kind", "dry"]},
    {"name": "Zoë", "bio": "Sails “far”.", "age": None, "traits": ["bold"]},
]
NESTED = [{"id": n, "who": {"name": row["name"], "age": row["age"]}, **row} for n, row in enumerate(ROWS)]
NESTED_COLUMNS = {"name": "who.name", "age": "who.age", "description": "bio", "traits": "traits"}
ARROW = pa.table(
    {
        "name": pa.array([row["name"] for row in ROWS], pa.large_string()),
        "bio": pa.array([row["bio"] for row in ROWS], pa.string()).dictionary_encode(),
        "age": pa.array([36.0, float("nan")]),
        "traits": pa.array([row["traits"] for row in ROWS], pa.large_list(pa.string())),
    }
)
TABLES = {
    "csv as RFC 4180 has it": Shape("table", {"a.csv": CSV_TEXT.encode()}, rows("a.csv:2", "a.csv:4")),
    "csv of Excel, with a mark and semicolons": Shape(
        "table", {"a.csv": EXCEL_TEXT.encode("utf-8-sig")}, rows("a.csv:2", "a.csv:4")
    ),
    "csv of Excel that states its separator": Shape(
        "table", {"a.csv": b"sep=;\r\n" + EXCEL_TEXT.encode()}, rows("a.csv:3", "a.csv:5")
    ),
    "csv of a spreadsheet as Unicode text": Shape(
        "table",
        {"a.csv": CSV_TEXT.replace(",", "\t").replace("Counts\t", "Counts,").encode("utf-16")},
        rows("a.csv:2", "a.csv:4"),
    ),
    "csv with bars, from a database": Shape(
        "table",
        {"a.csv": CSV_TEXT.replace(",", "|").replace("Counts|", "Counts,").encode()},
        rows("a.csv:2", "a.csv:4"),
    ),
    "csv with the line ends of old Macs": Shape(
        "table",
        {"a.csv": CSV_TEXT.replace(", and\nwrites", "").replace("\r\n", "\r").encode()},
        [Expected("a.csv:2", "Ada", "Counts."), Expected("a.csv:3", "Zoë", "Sails “far”.")],
    ),
    "csv in gzip": Shape("table", {"a.csv.gz": gzip.compress(CSV_TEXT.encode())}, rows("a.csv.gz:2", "a.csv.gz:4")),
    "csv in bzip2": Shape("table", {"a.csv.bz2": bz2.compress(CSV_TEXT.encode())}, rows("a.csv.bz2:2", "a.csv.bz2:4")),
    "tsv without quoting": Shape(
        "table",
        {"a.tsv": TSV_TEXT.encode()},
        [
            Expected("a.tsv:2", "Ada", "Counts.", {"basic_info": {"age": 36}, "traits": ["kind", "dry"]}),
            Expected("a.tsv:4", "Zoë", 'A 6" gun and a 9" hat.', {"traits": ["bold"]}),
        ],
    ),
    "tsv with quoted line ends": Shape(
        "table",
        {"a.tsv": CSV_TEXT.replace(",", "\t").replace("Counts\t", "Counts,").encode()},
        rows("a.tsv:2", "a.tsv:4"),
    ),
    "json lines with blank ones and Windows line ends": Shape(
        "table",
        {"a.jsonl": b"\r\n" + json_lines(ROWS[0], end="\r\n\r\n") + json_lines(ROWS[1])},
        rows("a.jsonl:2", "a.jsonl:4"),
    ),
    "json lines with nested columns": Shape(
        "table", {"a.ndjson": json_lines(*NESTED)}, rows("a.ndjson:1", "a.ndjson:2"), {"columns": NESTED_COLUMNS}
    ),
    "json lines of pandas, with NaN, in Zstandard": Shape(
        "table",
        {"a.jsonl.zst": zstd(json_lines(*ROWS).replace(b'"age": null', b'"age": NaN'))},
        rows("a.jsonl.zst:1", "a.jsonl.zst:2"),
    ),
    "a json list": Shape(
        "table", {"a.json": json.dumps(ROWS, indent=2).encode()}, rows("a.json[row 1]", "a.json[row 2]")
    ),
    "a json answer of a web service around the list": Shape(
        "table",
        {"a.json": json.dumps({"total": 2, "rows": [{"row_idx": 0, "row": row} for row in ROWS], "tags": []}).encode()},
        rows("a.json[row 1]", "a.json[row 2]"),
        {"columns": {"name": "row.name", "description": "row.bio", "age": "row.age", "traits": "row.traits"}},
    ),
    "json lines that are named json": Shape("table", {"a.json": json_lines(*ROWS)}, rows("a.json:1", "a.json:2")),
    "parquet with structs and lists": Shape(
        "table",
        {"a.parquet": parquet(pa.Table.from_pylist(NESTED))},
        rows("a.parquet[row 1]", "a.parquet[row 2]"),
        {"columns": NESTED_COLUMNS},
    ),
    "parquet with large strings, a dictionary and groups of one row": Shape(
        "table", {"a.parquet": parquet(ARROW, row_group_size=1)}, rows("a.parquet[row 1]", "a.parquet[row 2]")
    ),
    "parquet of a writer that marks texts as bytes": Shape(
        "table",
        {"a.parquet": parquet({"name": [b"Ada", "Zoë".encode()], "bio": [b"Counts.", b"Sails."]})},
        [Expected("a.parquet[row 1]", "Ada", "Counts."), Expected("a.parquet[row 2]", "Zoë", "Sails.")],
    ),
    "a folder of shards": Shape(
        "table",
        {"b.jsonl": json_lines(ROWS[1]), "a.parquet": parquet(ARROW.slice(0, 1)), "manifest.json": b"{}"},
        rows("a.parquet[row 1]", "b.jsonl:1"),
    ),
}
README = (
    b"---\nlicense: cc0-1.0\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/*\n---\n"
)
HUB_PLACES = ("train[row 1]", "train[row 2]")
HUB = {
    "a data set of parquet shards with a card": Shape(
        "hub",
        {
            "README.md": README,
            "data/train-00000-of-00002.parquet": parquet(ARROW.slice(0, 1)),
            "data/train-00001-of-00002.parquet": parquet(ARROW.slice(1, 1)),
        },
        rows(*HUB_PLACES),
        licence="cc0-1.0",
    ),
    "a data set of one file of json lines": Shape(
        "hub", {"train.jsonl": json_lines(*ROWS)}, rows(*HUB_PLACES), folder=True
    ),
    "a data set with nested columns": Shape(
        "hub", {"train.jsonl": json_lines(*NESTED)}, rows(*HUB_PLACES), {"columns": NESTED_COLUMNS}, folder=True
    ),
}
PERSONAS = ("A tailor of sails, who sings.", "The last ferryman of the fen.")
ONE_LINE = {
    "plain lines of text with a mark": Shape(
        "one_line",
        {"a.txt": ("\n".join(PERSONAS) + "\n").encode("utf-8-sig")},
        [Expected(f"a.txt:{number}", None, text) for number, text in enumerate(PERSONAS, start=1)],
    ),
    "a numbered list with quotes and Windows line ends": Shape(
        "one_line",
        {"a.txt": f"1. “{PERSONAS[0]}”\r\n\r\n2. {PERSONAS[1]}\r\n".encode()},
        [Expected("a.txt:1", None, PERSONAS[0]), Expected("a.txt:3", None, PERSONAS[1])],
    ),
    "json lines as PersonaHub has them": Shape(
        "one_line",
        {
            "a.jsonl": json_lines(
                *({"input persona": one, "synthesized text": "x", "description": "y"} for one in PERSONAS)
            )
        },
        [Expected(f"a.jsonl:{number}", None, text) for number, text in enumerate(PERSONAS, start=1)],
    ),
    "parquet with one column of many": Shape(
        "one_line",
        {"a.parquet": parquet({"id": [1, 2], "who": list(PERSONAS)})},
        [Expected(f"a.parquet[row {number}]", None, text) for number, text in enumerate(PERSONAS, start=1)],
        {"column": "who"},
    ),
    "lines with the line ends of old Macs": Shape(
        "one_line",
        {"a.txt": "\r".join(PERSONAS).encode()},
        [Expected(f"a.txt:{number}", None, text) for number, text in enumerate(PERSONAS, start=1)],
    ),
    "lines in Zstandard": Shape(
        "one_line",
        {"a.txt.zst": zstd("\n".join(PERSONAS).encode())},
        [Expected(f"a.txt.zst:{number}", None, text) for number, text in enumerate(PERSONAS, start=1)],
    ),
}
VERA = {"example_lines": ["Mind the bees.", "They sting the hasty."], "traits": ["dry", "patient"]}
ROOF = "Vera keeps bees on a flat roof."


def vera(record: str, name: str = "Vera", facts: dict[str, Any] = VERA, text: str = ROOF) -> list[Expected]:
    """Return the beekeeper of the cards here."""
    return [Expected(record, name, text, facts)]


OLD_VERA = vera("a.json", facts={"example_lines": ["Mind the bees."]}, text="She keeps bees.")
TAVERN = {
    "a flat card of the first version": Shape("tavern", {"a.json": json.dumps(V1).encode()}, vera("a.json")),
    "a card under the names of a forerunner": Shape("tavern", {"a.json": json.dumps(OLD).encode()}, OLD_VERA),
    "a second version with another program's data": Shape(
        "tavern", {"a.json": json.dumps(V2, indent="\t").encode()}, vera("a.json", facts={**VERA, "kind": "original"})
    ),
    "a second version that repeats the first beside it": Shape(
        "tavern", {"a.json": json.dumps({**V1, "description": "", **V2}).encode()}, vera("a.json")
    ),
    "a third version with assets and a book": Shape(
        "tavern", {"a.json": json.dumps(V3).encode()}, vera("a.json", "Vera Moth", text="Her roof is in Hull.")
    ),
    "a list of cards with a mark": Shape(
        "tavern",
        {"a.json": b"\xef\xbb\xbf" + json.dumps([V1, V2]).encode()},
        [*vera("a.json[1]"), *vera("a.json[2]")],
    ),
    "cards a line, in bzip2": Shape(
        "tavern",
        {"a.jsonl.bz2": bz2.compress(json_lines(V1, V3))},
        [*vera("a.jsonl.bz2:1"), *vera("a.jsonl.bz2:2", "Vera Moth")],
    ),
    "a card in Zstandard": Shape("tavern", {"a.json.zst": zstd(json.dumps(V1).encode())}, vera("a.json.zst")),
    "a picture with a second version": Shape("tavern", {"a.png": png(text_chunk(V2))}, vera("a.png")),
    "a picture with both versions": Shape(
        "tavern", {"a.png": png(text_chunk(V2), text_chunk(V3, b"ccv3"))}, vera("a.png", "Vera Moth")
    ),
    "a picture with a compressed card": Shape(
        "tavern", {"a.png": png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(coded(V2))))}, vera("a.png")
    ),
    "a picture with an international card": Shape(
        "tavern",
        {"a.png": png(chunk(b"iTXt", b"ccv3\0\1\0en\0\0" + zlib.compress(coded(V3))))},
        vera("a.png", "Vera Moth"),
    ),
}
KEEPERS = [
    ("Grace Darling", "Born in 1815.", {"basic_info": {"occupation": "lighthouse keeper", "era": "19th century"}}),
    ("Ida Lewis", "Died in 1911.", {"basic_info": {"occupation": "lighthouse keeper", "era": "20th century"}}),
]


def keepers(*places: str) -> list[Expected]:
    """Return the two people of the dumps here at their places."""
    return [Expected(place, name, text, facts) for place, (name, text, facts) in zip(places, KEEPERS, strict=True)]


PEOPLE = (OCCUPATION, GRACE, IDA)
ENTITIES = {
    "the array of a dump, with a comma behind each line": Shape(
        "entities", {"a.json": dump(*PEOPLE)}, keepers("a.json:3", "a.json:4")
    ),
    "json lines in bzip2": Shape(
        "entities", {"a.json.bz2": bz2.compress(json_lines(*PEOPLE))}, keepers("a.json.bz2:2", "a.json.bz2:3")
    ),
    "one line for all, in Zstandard": Shape(
        "entities", {"a.json.zst": zstd(json.dumps(PEOPLE).encode())}, keepers("a.json.zst[2]", "a.json.zst[3]")
    ),
    "the answer of the web service, indented": Shape(
        "entities",
        {"a.json": json.dumps({"entities": {one["id"]: one for one in PEOPLE}, "success": 1}, indent=1).encode()},
        keepers("a.json[2]", "a.json[3]"),
    ),
    "one file an entity": Shape(
        "entities",
        {f"{one['id']}.json": json.dumps(one).encode() for one in PEOPLE},
        keepers("Q455.json:1", "Q456.json:1"),
    ),
}
SAID = [
    ("ANN", "The tide will not wait for you."),
    ("BOB", "Nor will the baker, and I am hungry."),
    ("ANN", "You are always hungry, Bob."),
    ("BOB", "I am always early, which is worse."),
    ("ANN", "Then carry the rope."),
    ("BOB", "I carried it on Monday."),
]
PLAY = "ACT I\n\n" + "\n\n".join(f"{who}: {words}" for who, words in SAID) + "\n"
SCREENPLAY = "INT. HARBOUR - DAY\n\nGulls.\n\n" + "\n".join(
    f"{' ' * 22}{who}\n{' ' * 16}(dry)\n{' ' * 11}{words}\n" for who, words in SAID
)
QUOTES = "who,line\n" + "".join(f'{who.title()},"{words}"\n' for who, words in SAID)
CHAT = "".join(f"3/4/21, 10:0{n} - {who.title()}: {words}\n" for n, (who, words) in enumerate(SAID))


def speakers(name: str, label: Callable[[str], str] = str.upper) -> list[Expected]:
    """Return the two who talk in the scripts here, each with a line of their own; `label` writes names as the file."""
    said = {"Ann": "The tide will not wait for you.", "Bob": "I carried it on Monday."}
    return [Expected(f"{name}[{label(who)}]", who, facts={"example_lines": [line]}) for who, line in said.items()]


LEAST = {"min_lines": 3}
SCRIPTS = {
    "a play with names and colons": Shape("script", {"a.txt": PLAY.encode()}, speakers("a.txt"), LEAST),
    "a play with the line ends of old Macs": Shape(
        "script", {"a.txt": PLAY.replace("\n", "\r").encode()}, speakers("a.txt"), LEAST
    ),
    "a play with Windows line ends in UTF-16": Shape(
        "script", {"a.txt": PLAY.replace("\n", "\r\n").encode("utf-16")}, speakers("a.txt"), LEAST
    ),
    "an indented screenplay": Shape("script", {"a.txt": SCREENPLAY.encode()}, speakers("a.txt"), LEAST),
    "a table of quotes": Shape("script", {"a.csv": QUOTES.encode()}, speakers("a.csv", str.title), LEAST),
    "json lines of quotes under other names": Shape(
        "script",
        {"a.jsonl": json_lines(*({"p": {"id": who}, "says": words} for who, words in SAID))},
        speakers("a.jsonl"),
        {**LEAST, "columns": {"speaker": "p.id", "line": "says"}},
    ),
    "a chat log with dates, in gzip": Shape(
        "script", {"a.txt.gz": gzip.compress(CHAT.encode())}, speakers("a.txt.gz", str.title), LEAST
    ),
}
TOLD = [f"“{words}” said {who.title()}, and the gulls cried." for who, words in SAID]
SINGLE = [line.replace("“", "'").replace("”", "'") for line in TOLD]
TOLD_LEAST = {"min_lines": 3}


def tellers(name: str) -> list[Expected]:
    """Return those who speak in the stories here."""
    return [Expected(f"{name}[{who}]", who, "3 lines") for who in ("Ann", "Bob")]


PAGE = "Ida Lewis (1842–1911) was an American lighthouse keeper of Newport. She rowed out in every weather."
NOVELS = {
    "curly quotes and empty lines between paragraphs": Shape(
        "novel",
        {"a.txt": "\n\n".join(line.replace(".”", ",”") for line in TOLD).encode()},
        tellers("a.txt"),
        TOLD_LEAST,
    ),
    "single straight quotes and Windows line ends": Shape(
        "novel",
        {"a.txt": "\r\n\r\n".join(line.replace(".'", ",'") for line in SINGLE).encode("utf-8-sig")},
        tellers("a.txt"),
        TOLD_LEAST,
    ),
}
KEEPER = {"basic_info": {"era": "1842–1911"}}
TEXTS = {
    "a page in Markdown with its name above": Shape(
        "text",
        {"ida.md": f"# Ida Lewis\n\n{PAGE}\n".encode()},
        [Expected("ida.md", "Ida Lewis", "rowed out in every weather", KEEPER)],
    ),
    "plain text with Windows line ends in gzip": Shape(
        "text",
        {"ida-lewis.txt.gz": gzip.compress(PAGE.replace(". ", ".\r\n").encode())},
        [Expected("ida-lewis.txt.gz", "Ida Lewis", "rowed out in every weather", KEEPER)],
    ),
}
FOLDERS = {
    "all formats side by side": Shape(
        "folder",
        {
            "a.csv": CSV_TEXT.encode(),
            "b.png": png(text_chunk(V2)),
            "c.json": dump(*PEOPLE),
            "d.txt": ("\n".join([*PERSONAS, "A diver who counts."]) + "\n").encode(),
            "e.parquet": parquet(ARROW),
        },
        [
            *rows("a.csv:2", "a.csv:4"),
            *vera("b.png"),
            *keepers("c.json:3", "c.json:4"),
            *(Expected(f"d.txt:{n}", None, one) for n, one in enumerate([*PERSONAS, "A diver who counts."], start=1)),
            *rows("e.parquet[row 1]", "e.parquet[row 2]"),
        ],
    ),
    "folders in folders, compressed": Shape(
        "folder",
        {
            "cards/deep/a.json.zst": zstd(json.dumps(V1).encode()),
            "cards/b.jsonl.bz2": bz2.compress(json_lines(*ROWS)),
            "dumps/c.json.bz2": bz2.compress(dump(*PEOPLE)),
            ".hidden/x.json": b"{",
        },
        [
            *rows("cards/b.jsonl.bz2:1", "cards/b.jsonl.bz2:2"),
            *vera("cards/deep/a.json.zst"),
            *keepers("dumps/c.json.bz2:3", "dumps/c.json.bz2:4"),
        ],
    ),
}
SHAPES = TABLES | HUB | ONE_LINE | TAVERN | ENTITIES | SCRIPTS | NOVELS | TEXTS | FOLDERS


def characters_of(shape: Shape, folder: Path) -> list[Character]:
    """Return the characters of a shape, read as a recipe would; there must be no bad record among them."""
    for name, content in shape.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    alone = len(shape.files) == 1 and not shape.folder
    path = folder / next(iter(shape.files)) if alone else folder
    where = {"name" if shape.kind == "hub" else "path": str(path)}
    source = SOURCE.validate_python({"kind": shape.kind, **where, "licence": "CC-BY-4.0", **shape.options})
    found = list(read_characters(source, count=None, seed=0))
    assert [item for item in found if isinstance(item, BadRecord)] == []
    return [item for item in found if isinstance(item, Character)]


def holds(facts: dict[str, Any], part: dict[str, Any]) -> bool:
    """Return whether facts have all of a part; of lists, its items."""
    for key, value in part.items():
        there = facts.get(key)
        if isinstance(value, dict):
            if not isinstance(there, dict) or not holds(there, value):
                return False
        elif isinstance(value, list):
            if not set(value) <= set(there or ()):
                return False
        elif there != value:
            return False
    return True


@pytest.mark.parametrize("name", SHAPES)
def test_each_shape_gives_its_characters_whole(name: str, tmp_path: Path) -> None:
    """Names, facts, texts, licence and places of record, in order, and no record kept aside."""
    shape = SHAPES[name]
    folder = tmp_path / "mine"
    folder.mkdir()
    found = characters_of(shape, folder)
    assert [(one.source.record, one.facts.get("name")) for one in found] == [
        (one.record, one.name) for one in shape.expected
    ]
    for one, expected in zip(found, shape.expected, strict=True):
        assert holds(one.facts, expected.facts), one.facts
        assert expected.text in one.text
        assert one.source.licence == shape.licence
        assert one.source.dataset


def test_each_format_has_two_shapes_and_more() -> None:
    """No format is shown by one lucky file."""
    kinds = [shape.kind for shape in SHAPES.values()]
    assert {kind: kinds.count(kind) >= 2 for kind in kinds} == dict.fromkeys(kinds, True)
    assert set(kinds) == {"table", "hub", "one_line", "tavern", "entities", "script", "novel", "text", "folder"}
