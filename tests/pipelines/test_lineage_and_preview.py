"""Every row tells where it came from, down to the character; and every row can be read by a person."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from small_run import FULL, recipe_of, table

from castwright.errors import SourceError
from castwright.pipelines.export import data_sets
from castwright.pipelines.lineage import curation_of, find_row, trace
from castwright.pipelines.preview import readable
from castwright.pipelines.runner import run_recipe
from castwright.pipelines.stage import Context

TABLES = (
    "persona_cards",
    "seed_examples",
    "style_rewriter",
    "persona_responses",
    "contrastive_pairs",
    "dialogues",
    "preference_pairs",
)
BEHIND: dict[str, list[str]] = {
    "persona_cards": [],
    "seed_examples": ["persona_cards"],
    "style_rewriter": [],
    "persona_responses": ["persona_cards", "seed_examples"],
    "contrastive_pairs": ["persona_cards"],
    "dialogues": ["persona_cards"],
    "preference_pairs": ["persona_cards"],
}


@pytest.mark.parametrize("stage", TABLES)
def test_every_row_s_story_goes_back_to_its_persona(finished: Path, stage: str) -> None:
    """The story begins with the row itself, each step is a parent of one before, and the persona is in it."""
    for row in table(finished, stage)[:4]:
        story = trace(finished, row["row_id"])
        assert (story[0].stage, story[0].depth, story[0].row["row_id"]) == (stage, 0, row["row_id"])
        assert set(BEHIND[stage]) <= {found.stage for found in story[1:]}
        for found in story[1:]:
            parents = {
                parent for before in story if before.depth == found.depth - 1 for parent in before.row["parents"]
            }
            assert parents & {found.row["row_id"], found.row.get("persona_id"), found.row.get("pair_id")}
        if "persona_id" in row:
            assert any(
                found.row["persona_id"] == row["persona_id"] for found in story if found.stage == "persona_cards"
            )


def test_every_exported_row_is_found_again(finished: Path) -> None:
    """A row id of a published data set leads back into the run, both sides of a KTO pair included."""
    for data_set in data_sets(Context(recipe_of(), finished)):
        for config in data_set.configs:
            for _split, rows in config.tables():
                for row in rows.slice(0, 3).to_pylist():
                    plain = row.get("model") == "source:sft"  # a row of the user's own SFT set: its pair has the story
                    wanted = row["pair_id"] if plain else row["row_id"]
                    assert find_row(finished, wanted) is not None, (data_set.name, config.name, row)


def test_a_persona_is_found_by_its_persona_id(finished: Path) -> None:
    """The id that all other tables carry leads to the card, not to the first row that mentions it."""
    for row in table(finished, "persona_cards"):
        found = find_row(finished, row["persona_id"])
        assert found is not None
        assert (found[0], found[1]["row_id"]) == ("persona_cards", row["row_id"])


def test_a_rejected_row_is_found_with_its_reason(finished: Path) -> None:
    """What was dropped has a story too."""
    dropped = [(stage, row) for stage in TABLES for row in table(finished, stage, rejected=True)]
    assert dropped
    for stage, row in dropped:
        found = find_row(finished, row["row_id"])
        assert found is not None
        assert (found[0], found[1]["reason"]) == (stage, row["reason"])


def test_curation_says_what_it_thought_of_a_row(finished: Path) -> None:
    """Each row that curation saw has its verdict, any other has none."""
    response = table(finished, "persona_responses")[0]["row_id"]
    verdict = curation_of(finished, response)
    assert verdict is not None
    assert verdict["verdict"] in ("keep", "drop")
    assert curation_of(finished, table(finished, "persona_cards")[0]["row_id"]) is None


def test_an_unknown_row_and_a_folder_that_is_no_run_are_named(finished: Path, tmp_path: Path) -> None:
    """Both are errors a user can mend."""
    with pytest.raises(SourceError, match="no row 'r-0'"):
        trace(finished, "r-0")
    with pytest.raises(SourceError, match="no run at"):
        trace(tmp_path / "nowhere", "r-0")


def test_parents_that_go_round_end_the_story(finished: Path, tmp_path: Path) -> None:
    """A table edited by hand, whose row is its own grandparent, does not hang the command."""
    run = Path(shutil.copytree(finished, tmp_path / "run"))
    file = run / "seed_examples" / "part-00000.parquet"
    frame = pl.read_parquet(file)
    ids = frame["row_id"].to_list()
    frame.with_columns(parents=pl.Series([[ids[1]], [ids[0]], *[[i] for i in ids[2:]]])).write_parquet(file)
    assert len(trace(run, ids[0])) == 2


@pytest.mark.parametrize("stage", [*TABLES, "curate"])
def test_every_row_can_be_read_by_a_person(finished: Path, stage: str) -> None:
    """The text holds what matters of the row, in a few lines, without Python's or JSON's signs."""
    for rejected in (False, True):
        for row in table(finished, stage, rejected=rejected):
            text = readable(stage, row)
            assert text.strip()
            assert "None" not in text.split()
            for nested in ("basic_info", "dialogue_style", "source", "messages", "check", "prompt", "parents"):
                assert not row.get(nested) or str(row[nested]) not in text
            if rejected:
                assert text.endswith(f"dropped by {row['filter']}: {row['reason']}")


SHOWN = {
    "seed_examples": ("question", "response"),
    "style_rewriter": ("formal", "casual"),
    "persona_responses": ("question", "raw_response", "response"),
    "contrastive_pairs": ("question", "answer", "persona_answer"),
}


@pytest.mark.parametrize(("stage", "columns"), SHOWN.items(), ids=SHOWN.keys())
def test_the_texts_of_a_row_are_shown_whole(finished: Path, stage: str, columns: tuple[str, ...]) -> None:
    """A preview that cuts its texts would hide what it is for."""
    for row in table(finished, stage):
        for column in columns:
            assert row[column] in readable(stage, row)


def test_a_bad_record_is_shown_with_its_place_and_nothing_else() -> None:
    """It has no text to show: the line says what was wrong and where."""
    row = {"verdict": "drop", "filter": "source", "reason": "not JSON (at f.jsonl:3)"}
    for stage in TABLES:
        assert readable(stage, row) == "dropped by source: not JSON (at f.jsonl:3)"


def test_a_preview_takes_a_few_rows_of_every_source_through_every_stage(tmp_path: Path) -> None:
    """Each stage gets at most that many rows of what is before it, and no rewriter is trained."""
    sources: list[dict[str, Any]] = [{"kind": "bundled"}, {"kind": "grid"}]
    recipe = recipe_of(personas={"count": 50, "sources": sources})
    results = {result.manifest.stage: result.manifest for result in run_recipe(recipe, tmp_path / "run", limit=2)}
    assert results["persona_cards"].rows_in == 2
    assert len({row["source"]["dataset"] for row in table(tmp_path / "run", "persona_cards")}) == 2
    assert results["style_rewriter"].rows_in == 2
    assert results["rewriter_training"].details["skipped"]
    assert results["persona_responses"].rows_in == 2 * FULL["persona_responses"]["per_persona"]
    assert results["contrastive_pairs"].rows_in == 2
    assert 0 < results["preference_pairs"].rows_in <= 2
    assert not (tmp_path / "run" / "rewriter_training" / "checkpoint").exists()
