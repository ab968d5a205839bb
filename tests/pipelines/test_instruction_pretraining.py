"""The stage instruction_pretraining: sources of scripts in, passages with a usable loss mask out, nothing lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from small_run import recipe_of, rerun, table, write_lines

from castwright.errors import BadRecord, RecipeError, SourceError
from castwright.generators.script import normalise, parse_script
from castwright.pipelines import LoadRows, instruction_pretraining, run_local
from castwright.pipelines.fingerprint import input_files
from castwright.pipelines.inputs import read_scripts
from castwright.pipelines.instruction_pretraining import STAGE, passage_rows
from castwright.pipelines.lineage import trace
from castwright.pipelines.preview import readable
from castwright.pipelines.recipe import BundledRows, TableRows, TextFiles
from castwright.pipelines.runner import run_recipe
from castwright.pipelines.stage import Context

ONLY = {"stages": ["instruction_pretraining"]}
TALK = "\n\n".join(f"{name}: This is line {n} of a talk, in ten words." for n, name in enumerate(["ANNA", "BOB"] * 10))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run over a table with a good script, one twice, a monologue, an empty row and the export."""
    folder = tmp_path_factory.mktemp("scripts")
    source = write_lines(
        folder / "plays.jsonl",
        [
            {"text": TALK, "script_id": "talk", "title": "A Talk"},
            {"text": TALK.upper().replace("ANNA:", "ANNA: ").lower(), "script_id": "again", "title": ""},
            {"text": "ANNA: I am alone.", "script_id": "alone"},
            {"text": "", "script_id": "empty"},
        ],
    )
    recipe = recipe_of(
        stages=["persona_cards", "instruction_pretraining", "export"],
        personas={"count": 2, "sources": [{"kind": "grid"}]},
        scripts={"kind": "table", "path": str(source), "licence": "CC-BY-4.0"},
        instruction_pretraining={"max_words": 60},
    )
    run_recipe(recipe, folder / "run")
    return folder / "run"


def test_passages_hold_the_script_and_keep_to_the_bound(run: Path) -> None:
    """Parts count from 1, are at most 60 words long, and joined they are the script."""
    rows = table(run, "instruction_pretraining")
    assert [(row["script_id"], row["part"]) for row in rows] == [("talk", n) for n in range(1, len(rows) + 1)]
    assert len(rows) > 3
    assert all(len(row["text"].split()) <= 60 for row in rows)
    assert normalise("\n".join(row["text"] for row in rows)) == normalise(TALK)


def test_a_row_keeps_its_contract(run: Path) -> None:
    """Segments joined are the text, spans are the dialogues, parents name the record, one script is in one split."""
    rows = table(run, "instruction_pretraining")
    for row in rows:
        assert "".join(segment["text"] for segment in row["segments"]) == row["text"]
        spoken = [segment["text"] for segment in row["segments"] if segment["train"]]
        assert [row["text"][span["start"] : span["end"]] for span in row["spans"]] == spoken
        assert {segment["role"] for segment in row["segments"] if segment["train"]} == {"dialogue"}
        assert row["parents"] == ["plays.jsonl:1"]
        assert (row["source"], row["title"], row["model"], row["verdict"]) == (
            "plays.jsonl",
            "A Talk",
            "source:scripts",
            "keep",
        )
        assert row["turns"] >= 2
    assert len({row["split"] for row in rows}) == 1
    assert len({row["row_id"] for row in rows}) == len(rows)


def test_what_is_dropped_says_why(run: Path) -> None:
    """The same script in other letters is a duplicate, the monologue has too few turns, the empty row was bad."""
    rejected = table(run, "instruction_pretraining", rejected=True)
    assert {row["filter"] for row in rejected} == {"exact_duplicates", "min_turns", "source"}
    alone = next(row for row in rejected if row["filter"] == "min_turns")
    assert (alone["script_id"], alone["reason"]) == ("alone", "1 turns of dialogue, fewer than 2")
    twice = [row for row in rejected if row["filter"] == "exact_duplicates"]
    kept = [row["row_id"] for row in table(run, "instruction_pretraining")]
    assert [row["reason"] for row in twice] == [f"same text as {row_id}" for row_id in kept]
    assert [row["parents"] for row in rejected if row["filter"] == "source"] == [["plays.jsonl:4"]]


def test_the_export_is_the_table_with_a_card_that_says_how_to_use_it(run: Path) -> None:
    """The config default has text, segments and spans; the card has the licence, no language it cannot know."""
    folder = run / "export" / "instruction_pretraining"
    exported = pl.read_parquet(sorted((folder / "default").glob("*.parquet"))).to_dicts()
    rows = table(run, "instruction_pretraining")
    for name in ("row_id", "parents", "text", "segments", "spans", "script_id"):
        assert [row[name] for row in exported] == [row[name] for row in rows]
    card = (folder / "README.md").read_text(encoding="utf-8")
    header = yaml.safe_load(card.split("---\n")[1])
    assert header["license"] == "cc-by-4.0"
    assert "language" not in header
    assert "synthetic" not in header["tags"]
    assert "labels_from_spans" in card
    assert "Splits are made by script" in card
    assert "no persona stands" not in card
    assert "machine-generated and has not been read" not in card


def test_the_code_on_the_card_runs_and_masks_all_but_the_dialogue(run: Path) -> None:
    """The snippet, with a tokenizer that gives one token per character, labels exactly the dialogue."""
    card = (run / "export" / "instruction_pretraining" / "README.md").read_text(encoding="utf-8")
    code = next(part for part in card.split("```") if "labels_from_spans" in part).removeprefix("python\n")

    def tokenizer(text: str, return_offsets_mapping: bool) -> dict[str, Any]:
        assert return_offsets_mapping
        return {"input_ids": [*map(ord, text)], "offset_mapping": [(n, n + 1) for n in range(len(text))]}

    names: dict[str, Any] = {"tokenizer": tokenizer}
    exec(code.split("tokenized =")[0], names)  # noqa: S102 (our own card)
    row = table(run, "instruction_pretraining")[0]
    tokens = names["tokenize"](row)
    assert set(tokens) == {"input_ids", "labels"}
    spoken = "".join(segment["text"] for segment in row["segments"] if segment["train"])
    assert "".join(chr(label) for label in tokens["labels"] if label != -100) == spoken


def test_why_and_preview_show_a_passage(run: Path) -> None:
    """A passage is found by its id and shown with marks around what the loss falls on; a bad record too."""
    row = table(run, "instruction_pretraining")[0]
    assert trace(run, row["row_id"])[0].stage == "instruction_pretraining"
    shown = readable("instruction_pretraining", row)
    assert "ANNA: »This is line 0 of a talk, in ten words.«" in shown
    for rejected in table(run, "instruction_pretraining", rejected=True):
        assert rejected["reason"] in readable("instruction_pretraining", rejected)


def test_the_bundled_scripts_run_without_persona_cards(tmp_path: Path) -> None:
    """The stage needs no other, every bundled scene is kept, and a preview takes as many as it was asked for."""
    recipe = recipe_of(**ONLY)
    assert rerun(recipe, tmp_path / "run") == {"instruction_pretraining"}
    assert rerun(recipe, tmp_path / "run") == set()
    rows = table(tmp_path / "run", "instruction_pretraining")
    assert len(rows) == len(list(read_scripts(BundledRows()))) >= 12
    assert {row["source"] for row in rows} == {"castwright-bundled"}
    run_recipe(recipe, tmp_path / "few", limit=2)
    assert len(table(tmp_path / "few", "instruction_pretraining")) == 2


def test_splits_go_by_script_and_the_shares_of_the_export(tmp_path: Path) -> None:
    """With half of the scripts for testing there are some in both splits, and no script in two."""
    recipe = recipe_of(**ONLY, export={"test": 0.5}, instruction_pretraining={"max_words": 60})
    run_recipe(recipe, tmp_path)
    rows = table(tmp_path, "instruction_pretraining")
    by_script = {(row["script_id"], row["split"]) for row in rows}
    assert len(by_script) == len({row["script_id"] for row in rows}) < len(rows)
    assert {split for _, split in by_script} >= {"train", "test"}


def test_a_changed_script_or_setting_runs_the_stage_again(tmp_path: Path) -> None:
    """The file's content and the section determine the rows; where the file lies is in the recipe too."""
    play = tmp_path / "play.txt"
    play.write_text(TALK, encoding="utf-8")
    source = {"kind": "text", "path": str(play)}
    recipe = recipe_of(**ONLY, scripts=source)
    assert rerun(recipe, tmp_path / "run") == {"instruction_pretraining"}
    assert input_files(STAGE, recipe) == [play]
    play.write_text(TALK + "\n\nANNA: More.", encoding="utf-8")
    assert rerun(recipe, tmp_path / "run") == {"instruction_pretraining"}
    shorter = recipe_of(**ONLY, scripts=source, instruction_pretraining={"max_words": 50})
    assert rerun(shorter, tmp_path / "run") == {"instruction_pretraining"}
    assert rerun(shorter, tmp_path / "run") == set()


def test_the_graph_stands_alone() -> None:
    """Rows without a cast look for their speakers themselves, and the graph runs as any other."""
    rows = [{"row_id": "a", "text": "ANNA: Hi.\nBOB: No."}, {"row_id": "b", "text": "prose alone"}]
    pipeline = instruction_pretraining(rows, min_turns=1)
    assert isinstance(pipeline.dag.get_step("load_rows_0")["step"], LoadRows)
    made = run_local(pipeline).rows
    assert [(row["row_id"], row["turns"], row["verdict"]) for row in made] == [("a", 2, "keep"), ("b", 0, "drop")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with text files in several encodings, good and bad, and one that is no text file."""
    (tmp_path / "acts").mkdir()
    files = {
        "acts/two.TXT": "ANNA: Grüße!".encode("cp1252"),
        "one.txt": b"\xef\xbb\xbf" + "ANNA: Grüße!".encode(),
        "wide.txt": "ANNA: Grüße!".encode("utf-16"),
        "empty.txt": b" \n",
        "binary.txt": b"ANNA: a\0b",
        "notes.md": b"ANNA: no",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_text_files_are_read_by_byte_order_mark_and_stated_encoding(folder: Path) -> None:
    """UTF-8 and UTF-16 are recognised; another encoding is read where the recipe states it."""
    found = list(read_scripts(TextFiles(kind="text", path=str(folder), encoding="cp1252")))
    good = {script.place: script.text for script in found if not isinstance(script, BadRecord)}
    assert good == dict.fromkeys(["acts/two.TXT", "one.txt", "wide.txt"], "ANNA: Grüße!")
    ids = [script.script_id for script in found if not isinstance(script, BadRecord)]
    assert ids == ["acts/two", "one", "wide"]
    assert {record.place for record in found if isinstance(record, BadRecord)} == {"empty.txt", "binary.txt"}


def test_an_encoding_is_never_guessed(folder: Path) -> None:
    """A file that is not UTF-8 is kept aside with the remedy, and the others are read."""
    found = list(read_scripts(TextFiles(kind="text", path=str(folder))))
    bad = next(item for item in found if isinstance(item, BadRecord) and item.place == "acts/two.TXT")
    assert bad.reason.startswith("not UTF-8: byte 0xfc")
    assert "encoding" in bad.reason
    assert len([item for item in found if not isinstance(item, BadRecord)]) == 2


def test_limit_counts_the_scripts_that_can_be_read(folder: Path) -> None:
    """Bad files do not use up the limit."""
    found = list(read_scripts(TextFiles(kind="text", path=str(folder), limit=2)))
    assert [item.place for item in found if not isinstance(item, BadRecord)] == ["one.txt", "wide.txt"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("missing", "no file or folder"), ("bare", "no .txt file"), ("empty.txt", "an empty file")],
    ids=["nothing there", "a folder without text files", "a file without text"],
)
def test_a_source_that_cannot_be_used_says_so(tmp_path: Path, name: str, said: str) -> None:
    """One line with what is wrong."""
    (tmp_path / "bare").mkdir()
    (tmp_path / "empty.txt").write_text("\n", encoding="utf-8")
    with pytest.raises(SourceError, match=said):
        list(read_scripts(TextFiles(kind="text", path=str(tmp_path / name))))


def test_a_table_names_its_columns(tmp_path: Path) -> None:
    """Other column names are mapped, ids are made from the text where there are none, unknown fields refused."""
    path = write_lines(tmp_path / "p.jsonl", [{"play": TALK, "name": "T"}, {"play": "x\u0000", "name": "U"}])
    scripts = list(read_scripts(TableRows(kind="table", path=str(path), columns={"text": "play", "title": "name"})))
    first = scripts[0]
    assert not isinstance(first, BadRecord)
    assert (first.title, first.source, first.place) == ("T", "p.jsonl", "p.jsonl:1")
    assert first.script_id.startswith("s-")
    with pytest.raises(RecipeError, match=r"scripts.columns: unknown field 'txt' .did you mean 'text'"):
        list(read_scripts(TableRows(kind="table", path=str(path), columns={"txt": "play"})))


def test_a_script_of_nothing_but_control_characters_is_kept_aside(tmp_path: Path) -> None:
    """No script disappears without a word."""
    path = write_lines(tmp_path / "p.jsonl", [{"text": TALK}, {"text": "\u0001\u0002"}])
    run_recipe(recipe_of(**ONLY, scripts={"kind": "table", "path": str(path)}), tmp_path / "run")
    rejected = table(tmp_path / "run", "instruction_pretraining", rejected=True)
    assert [(row["parents"], row["filter"]) for row in rejected] == [(["p.jsonl:2"], "source")]


def test_a_wrong_encoding_or_section_key_is_refused() -> None:
    """The recipe says what is wrong before anything is read."""
    with pytest.raises(RecipeError, match="no text encoding 'utf-9'"):
        recipe_of(scripts={"kind": "text", "path": "x", "encoding": "utf-9"})
    with pytest.raises(RecipeError, match="did you mean 'max_words'"):
        recipe_of(instruction_pretraining={"max_word": 3})
    with pytest.raises(RecipeError, match=r"scripts: unknown kind 'txt' .did you mean 'text'"):
        recipe_of(scripts={"kind": "txt", "path": "x"})


def test_every_passage_of_a_script_brings_the_cast_of_all_of_it() -> None:
    """A name in small letters that stands once in a passage is still a speaker there."""
    names = ["Anna", "Bob", "Cy", "Dora"] * 5
    talk = "\n".join(f"{name}: one two three four five" for name in names)
    script = next(iter(read_scripts(BundledRows(limit=1))))
    assert not isinstance(script, BadRecord)
    rows = list(passage_rows(type(script)("s", "", talk, "src", "p:1"), 24))
    assert len(rows) == 5
    made = run_local(instruction_pretraining(rows)).rows
    assert [row["turns"] for row in made] == [4] * 5
    assert parse_script(rows[0]["text"]).turns == 0
    context = Context(recipe_of(), Path())
    assert STAGE.finish(context, made[0])["parents"] == ["p:1"]
