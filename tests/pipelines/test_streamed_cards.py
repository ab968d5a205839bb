"""The stage of persona cards as a stream: the same table however it came, added to, and judged anew without a model."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from misbehaving import misbehaving
from small_run import data_files, rerun, table, write_lines

from castwright.errors import RecipeError, Stopped
from castwright.generators.calls.stop import Stop
from castwright.generators.card_extraction import identity, profile
from castwright.personas.card import PersonaCard
from castwright.personas.store import read_cards
from castwright.pipelines.card_texts import card_texts
from castwright.pipelines.checkpoint import Manifest, read_manifest
from castwright.pipelines.contracts import SCHEMAS, row_digest
from castwright.pipelines.persona_cards import STAGE
from castwright.pipelines.progress import Quiet, Stoppable
from castwright.pipelines.recipe import Recipe
from castwright.pipelines.recipe_file import validate_recipe
from castwright.pipelines.runner import run_recipe, run_stage
from castwright.pipelines.stage import Context

ADA = {
    "name": "Ada Birch",
    "occupation": "surveyor",
    "traits": ["patient", "dry", "exact"],
    "background": "A surveyor who maps the moors and drains the bogs of her county in all weathers.",
}
TOM = {"name": "Tom Reed", "background": "A ferryman on a wide river, who knows each of its moods."}
CAST: list[dict[str, Any] | str] = [
    ADA,
    '{"name": "Broken',
    {**ADA, "occupation": "land surveyor"},  # near the first
    {**ADA, "background": "Another life."},  # who the first is, exactly
    {"name": "Old Kerr", "background": "A singer of the fens who never writes a song down."},
    TOM,
    {"name": "", "background": ""},
]


def recipe_of(path: Path, **changes: Any) -> Recipe:
    """Return a recipe of persona cards from a table and a few from the grid."""
    sources = [{"kind": "table", "path": str(path)}, {"kind": "grid", "count": 5}]
    cards = {"near_duplicate": 0.97, **changes.pop("persona_cards", {})}
    stages = ["persona_cards", *changes.pop("more", [])]
    return validate_recipe(
        {"name": "cast", "stages": stages, "personas": {"sources": sources}, "persona_cards": cards, **changes}
    )


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with a near and an exact duplicate, and two records that are none."""
    return write_lines(tmp_path_factory.mktemp("cast") / "cast.jsonl", CAST)


@pytest.fixture(scope="module")
def made(cast: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of it; copy it before changing anything."""
    run = tmp_path_factory.mktemp("made") / "run"
    run_recipe(recipe_of(cast), run)
    return run


def manifest_of(run: Path) -> Manifest:
    manifest = read_manifest(run / "persona_cards")
    assert manifest is not None
    return manifest


def blocked(recipe: Recipe, out: Path, block: int) -> dict[str, bytes]:
    """Return the files of the stage, made with a block size."""
    stage = replace(STAGE, block=block)
    run_stage(stage, Context(recipe, out), "mark", Stoppable(Quiet(), Stop()))
    return data_files(out / "persona_cards")


def test_kept_and_rejected_rows_are_all_the_records_in_their_order(made: Path) -> None:
    """Rows that a filter dropped come first among the rejects, unread records last, and the manifest counts them."""
    kept, rejected = table(made, "persona_cards"), table(made, "persona_cards", rejected=True)
    manifest = manifest_of(made)
    assert [row["name"] for row in kept][:3] == ["Ada Birch", "Old Kerr", "Tom Reed"]
    assert [row["filter"] for row in rejected] == ["near_duplicates", "exact_duplicates", "source", "source"]
    assert [row["parents"][0] for row in rejected[2:]] == ["cast.jsonl:2", "cast.jsonl:7"]
    assert manifest.rows_in == len(kept) + len(rejected) == len(CAST) + 5
    assert (manifest.rows_out, manifest.rows_rejected) == (len(kept), len(rejected))
    assert {name: sum(kinds.values()) for name, kinds in manifest.rejected.items()} == {
        "exact_duplicates": 1,
        "near_duplicates": 1,
        "source": 2,
    }
    assert all(kept[0]["row_id"] in row["reason"] for row in rejected[:2])
    assert not list(made.rglob(".spool*"))


def test_a_row_is_what_its_card_says(made: Path) -> None:
    """Ids, identity and profile are those of the card as an object, though no such object is made on the way."""
    cards = read_cards(made / "persona_cards")
    texts = card_texts(pl.scan_parquet(made / "persona_cards" / "*.parquet"))
    for row, text in zip(table(made, "persona_cards"), texts.sort("place").iter_rows(named=True), strict=True):
        card = cards[row["persona_id"]]
        assert PersonaCard.model_validate({**card.content(), "source": card.source}).persona_id == row["persona_id"]
        assert row["row_id"] == row_digest("persona", row["persona_id"], row["source"])
        assert (text["identity"], text["profile"]) == (identity(card), profile(card))


def test_of_two_cards_of_one_character_the_fuller_one_stays(tmp_path: Path) -> None:
    """The first says less, so it goes; of two that say as much the first stays. The table keeps its order."""
    bare = {"name": "Ann Bly", "occupation": "surveyor", "traits": ["patient"], "background": "Ann maps the coast."}
    full = {**bare, "traits": ["patient", "dry", "exact"], "quirks": ["counts her steps"], "age": 41}
    again = {**full, "background": "Ann maps the coast, on foot."}
    source = write_lines(tmp_path / "cast.jsonl", [bare, full, again])
    out = tmp_path / "run"
    run_recipe(
        validate_recipe(
            {
                "name": "r",
                "stages": ["persona_cards"],
                "personas": {"sources": [{"kind": "table", "path": str(source)}]},
            }
        ),
        out,
    )
    (kept,) = table(out, "persona_cards")
    assert (kept["basic_info"]["age"], kept["background"]) == (41, "Ann maps the coast.")
    rejected = table(out, "persona_cards", rejected=True)
    assert [len(row["traits"]) for row in rejected] == [1, 3]
    assert all(kept["row_id"] in row["reason"] for row in rejected)


def test_the_table_does_not_depend_on_the_size_of_its_blocks(cast: Path, tmp_path: Path) -> None:
    """Byte for byte, the index of duplicates included."""
    few, many = (blocked(recipe_of(cast), tmp_path / str(block), block) for block in (3, 1000))
    assert few == many
    assert len(few) > 4


@pytest.mark.slow
def test_an_engine_that_holds_its_rows_gets_them_in_blocks_and_gives_the_same_table(cast: Path, tmp_path: Path) -> None:
    """distilabel's own engine, in two runs of a few rows each."""
    theirs = blocked(recipe_of(cast, engine="distilabel"), tmp_path / "theirs", 6)
    assert theirs == blocked(recipe_of(cast), tmp_path / "ours", 1000)


def test_a_stop_ends_the_stream_and_leaves_what_stood(made: Path, cast: Path, tmp_path: Path) -> None:
    """The old stage is there, nothing beside it, and the same run again is whole."""
    run = Path(shutil.copytree(made, tmp_path / "run"))
    stop = Stop()

    class Stopping(Quiet):
        def step(self, step: str, rows: int) -> None:
            if rows == 3:
                stop.request(Stopped("enough"), grace=0.0)

    with pytest.raises(Stopped, match="enough"):
        run_stage(STAGE, Context(recipe_of(cast), run), "mark", Stoppable(Stopping(), stop))
    assert data_files(run) == data_files(made)
    assert {path.name for path in run.iterdir()} == {"persona_cards", "recipe.yaml", ".state"}


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second table: a character of the first one again, and a new one."""
    return write_lines(tmp_path_factory.mktemp("more") / "more.jsonl", [TOM, {**TOM, "name": "Una Field"}, "no json"])


def test_a_run_that_extends_another_has_its_rows_first_and_its_files_as_they_are(
    made: Path, more: Path, tmp_path: Path
) -> None:
    """Old files are linked, new cards are held against old ones, and the counts are those of both."""
    sources = {"sources": [{"kind": "table", "path": str(more)}]}
    recipe = recipe_of(more, personas=sources, persona_cards={"extends": str(made)})
    run = tmp_path / "run"
    run_recipe(recipe, run)
    for folder in ("persona_cards", "persona_cards/rejected"):
        old, new = (each / folder / "part-00000.parquet" for each in (made, run))
        assert old.stat().st_ino == new.stat().st_ino
    before, after = manifest_of(made), manifest_of(run)
    kept, rejected = table(run, "persona_cards"), table(run, "persona_cards", rejected=True)
    assert kept[: before.rows_out] == table(made, "persona_cards")
    assert rejected[: before.rows_rejected] == table(made, "persona_cards", rejected=True)
    assert [row["name"] for row in kept[before.rows_out :]] == ["Una Field"]
    assert [row["filter"] for row in rejected[before.rows_rejected :]] == ["exact_duplicates", "source"]
    assert (after.rows_in, after.rows_out, after.rows_rejected) == (before.rows_in + 3, len(kept), len(rejected))
    assert rerun(recipe, run) == set()
    rerun(recipe_of(more, personas=sources, persona_cards={"extends": str(made), "near_duplicate": 0.98}), run)
    assert table(run, "persona_cards") == kept


def test_a_run_against_another_has_its_own_rows_only(made: Path, more: Path, tmp_path: Path) -> None:
    """A character of the other run is rejected, with the row that it repeats."""
    sources = {"sources": [{"kind": "table", "path": str(more)}]}
    run_recipe(recipe_of(more, personas=sources, persona_cards={"against": [str(made)]}), tmp_path / "run")
    assert [row["name"] for row in table(tmp_path / "run", "persona_cards")] == ["Una Field"]
    repeated = next(row["row_id"] for row in table(made, "persona_cards") if row["name"] == "Tom Reed")
    assert repeated in table(tmp_path / "run", "persona_cards", rejected=True)[0]["reason"]


def test_a_changed_run_that_is_extended_runs_the_stage_again(
    made: Path, cast: Path, more: Path, tmp_path: Path
) -> None:
    """What the other run holds is part of what this one was made from."""
    other = Path(shutil.copytree(made, tmp_path / "other"))
    sources = {"sources": [{"kind": "table", "path": str(more)}]}
    recipe = recipe_of(more, personas=sources, persona_cards={"extends": str(other)})
    run_recipe(recipe, tmp_path / "run")
    run_recipe(recipe_of(cast, seed=8), other)
    assert rerun(recipe, tmp_path / "run") == {"persona_cards"}
    assert table(tmp_path / "run", "persona_cards")[:-1] == table(other, "persona_cards")


UNUSABLE = {
    "no such folder": ("nowhere", "no finished persona cards in .*nowhere"),
    "no index": ("bare", "no index of duplicates, it was made by an older castwright; .*--force persona_cards"),
    "itself": ("run", "is the folder of this run itself"),
}


@pytest.mark.parametrize("setting", ["extends", "against"])
@pytest.mark.parametrize(("other", "words"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_run_that_cannot_be_built_on_is_refused_before_any_work(
    made: Path, cast: Path, tmp_path: Path, setting: str, other: str, words: str
) -> None:
    """One line with the setting, the folder and the remedy; what stood stays."""
    run = Path(shutil.copytree(made, tmp_path / "run"))
    shutil.rmtree(shutil.copytree(made, tmp_path / "bare") / "persona_cards" / "duplicates")
    named = str(tmp_path / other)
    with pytest.raises(RecipeError, match=rf"persona_cards\.{setting}: .*{words}"):
        run_recipe(recipe_of(cast, persona_cards={setting: named if setting == "extends" else [named]}), run)
    assert data_files(run / "persona_cards") == data_files(made / "persona_cards")


def test_another_threshold_is_settled_without_a_model_to_the_table_of_a_full_run(
    cast: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request is made and the calls of before stand; with the old threshold the old table is back."""
    with misbehaving() as server:
        model = {"kind": "openai", "model": "offline", "base_url": server.url}

        def recipe(threshold: float) -> Recipe:
            return recipe_of(cast, model=model, persona_cards={"near_duplicate": threshold})

        run = tmp_path / "run"
        run_recipe(recipe(0.97), run)
        first, asked = data_files(run), sum(map(len, server.contents().values()))
        assert asked > 0
        # a card that is made again has to be asked for
        monkeypatch.setenv("CASTWRIGHT_JOURNAL", str(tmp_path / "another.db"))
        assert rerun(recipe(0.995), run) == {"persona_cards"}
        assert sum(map(len, server.contents().values())) == asked
        assert [row["filter"] for row in table(run, "persona_cards", rejected=True)][:1] == ["exact_duplicates"]
        assert manifest_of(run).calls["asked"] == asked
        settled = tables(run)
        assert rerun(recipe(0.97), run) == {"persona_cards"}
        assert sum(map(len, server.contents().values())) == asked
        assert tables(run) == {name: first[name] for name in tables(run)}
        run_recipe(recipe(0.995), tmp_path / "anew")
        assert tables(tmp_path / "anew") == settled
        assert rerun(recipe(0.6), run) == {"persona_cards"}  # below what the index holds: all is made again
        assert sum(map(len, server.contents().values())) > asked
        assert manifest_of(run).rows_in == len(CAST) + 5


def tables(run: Path) -> dict[str, bytes]:
    """Return the parquet files of the stage's rows."""
    return {name: data for name, data in data_files(run).items() if "/part-" in name and "duplicates" not in name}


def test_personas_of_one_split_group_stand_in_one_split(tmp_path: Path, cast: Path) -> None:
    """The split is drawn by the group's id, of a persona that is alone by its own; older tables have no groups."""
    ids = [f"p-{number}" for number in range(40)]
    rows = [{"persona_id": one, "split_group": ids[place // 4 * 4]} for place, one in enumerate(ids)]
    recipe = recipe_of(cast, export={"test": 0.3, "validation": 0.3})
    for folder, schema in (("new", SCHEMAS["personas"]), ("old", pa.schema([("persona_id", pa.string())]))):
        (tmp_path / folder / "persona_cards").mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows, schema), tmp_path / folder / "persona_cards" / "part-00000.parquet")
    new, old = (Context(recipe, tmp_path / folder) for folder in ("new", "old"))
    assert [new.split(one) for one in ids] == [old.split(ids[place // 4 * 4]) for place, one in enumerate(ids)]
    assert len({new.split(one) for one in ids}) == 3
    assert [new.split(one) for one in ids] != [old.split(one) for one in ids]
    assert Context(recipe, tmp_path / "nothing yet").split("p-1") == old.split("p-1")
