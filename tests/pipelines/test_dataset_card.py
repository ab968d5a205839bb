"""The dataset card: its YAML is what the Hub reads, its numbers are the manifests', its licence is honest."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from finished_run import finished_run
from huggingface_hub import DatasetCard
from hypothesis import given
from hypothesis import strategies as st

from castwright.generators.models.config import OpenAIModel
from castwright.pipelines.checkpoint import Manifest, read_manifest, write_manifest
from castwright.pipelines.dataset_card import card_data, reduce_licences, size_category, sources_of, write_card
from castwright.pipelines.export import data_sets
from castwright.pipelines.recipe_file import validate_recipe
from castwright.pipelines.stage import Context

NAMES = ("personas", "seed_examples", "style_pairs", "sft", "preference_pairs", "instruction_pretraining")
WRITTEN = NAMES[:-1]  # scripts are only read and marked up
NO_MODEL = ("rewriter_training", "curate", "instruction_pretraining")
HUB_SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M")
every_card = pytest.mark.parametrize("name", NAMES)
every_written_card = pytest.mark.parametrize("name", WRITTEN)


@pytest.fixture(scope="module")
def run() -> Context:
    """The finished small run."""
    return finished_run()


def card_of(run: Context, name: str) -> DatasetCard:
    return DatasetCard.load(run.folder("export") / name / "README.md")


def table_after(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the first Markdown table after a heading, without its two head lines."""
    lines = text[text.index(heading) :].splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def manifest_of(run: Context, stage: str) -> Manifest:
    manifest = read_manifest(run.folder(stage))
    assert manifest is not None
    return manifest


@every_card
def test_the_hub_library_reads_the_card(run: Context, name: str) -> None:
    """`DatasetCard` parses the YAML, and each of the Hub's keys has a value of the Hub's."""
    data = card_of(run, name).data.to_dict()
    assert data["annotations_creators"] == ["machine-generated"]
    assert data["language_creators"] == ["machine-generated" if name in WRITTEN else "found"]
    assert ("synthetic" in data["tags"]) == (name in WRITTEN)
    assert data["language"] == ["en"]
    assert data["task_categories"] == ["text-generation"]
    assert data["size_categories"] == ["n<1K"]
    assert "castwright" in data["tags"]
    assert len(set(data["tags"])) == len(data["tags"])
    assert data["pretty_name"].startswith("small ")
    names = [entry["config_name"] for entry in data["configs"]]
    assert names == [entry["config_name"] for entry in data["dataset_info"]]
    for entry, info in zip(data["configs"], data["dataset_info"], strict=True):
        assert [file["split"] for file in entry["data_files"]] == [split["name"] for split in info["splits"]]


@every_card
def test_the_card_survives_a_round_trip_through_the_hub_library(run: Context, name: str) -> None:
    """Saved again by huggingface_hub, as a later edit would, the data stays the same."""
    card = card_of(run, name)
    assert DatasetCard(str(card)).data.to_dict() == card.data.to_dict()


@every_card
def test_the_funnel_is_what_the_manifests_say(run: Context, name: str) -> None:
    """Rows in, out and dropped of every stage in the table are the numbers in that stage's manifest."""
    funnel = table_after(card_of(run, name).text, "## How it was made")
    assert funnel
    for stage, model, rows_in, rows_out, dropped in funnel:
        manifest = manifest_of(run, stage)
        assert (int(rows_in), int(rows_out), int(dropped)) == (
            manifest.rows_in,
            manifest.rows_out,
            manifest.rows_rejected,
        )
        assert model == ("" if stage in NO_MODEL else "offline")


def test_the_reasons_add_up_to_what_was_dropped(run: Context) -> None:
    """Each stage's reasons in the card count as many rows as its line in the funnel says it dropped."""
    text = card_of(run, "sft").text
    by_stage: dict[str, int] = {}
    for stage, _, _, rows in table_after(text, "### What was dropped"):
        by_stage[stage] = by_stage.get(stage, 0) + int(rows)
    dropped = {line[0]: int(line[4]) for line in table_after(text, "## How it was made") if int(line[4])}
    assert by_stage == dropped
    assert {"curate", "contrastive_pairs"} <= set(dropped)


@every_card
def test_the_row_counts_in_the_body_are_those_of_the_yaml(run: Context, name: str) -> None:
    """What a reader sees and what the Hub reads are the same numbers."""
    card = card_of(run, name)
    stated = [
        [info["config_name"], split["name"], str(split["num_examples"])]
        for info in card.data.to_dict()["dataset_info"]
        for split in info["splits"]
    ]
    assert table_after(card.text, "## What is in it") == stated


@every_written_card
def test_the_offline_warning_stands_on_every_card(run: Context, name: str) -> None:
    """Rows of the rule-based stand-in are never published without a word about it."""
    assert "**Made by the offline model.**" in card_of(run, name).text


def test_what_no_model_wrote_has_no_offline_warning(run: Context) -> None:
    """Scripts that were only read and marked up are not the stand-in's."""
    assert "**Made by the offline model.**" not in card_of(run, "instruction_pretraining").text


def test_no_offline_warning_where_another_model_wrote(run: Context) -> None:
    """With a real model in every stage the card does not warn, and names that model."""
    recipe = run.recipe.model_copy(update={"model": OpenAIModel(kind="openai", model="a-real-model")})
    text = page(Context(recipe, run.out), "sft")
    assert "offline" not in table_cells(text)
    assert "**Made by the offline model.**" not in text
    assert "| a-real-model |" in text


def test_one_offline_stage_is_enough_for_the_warning(run: Context) -> None:
    """A single stage with the offline model among real ones is warned of."""
    recipe = run.recipe.model_copy(
        update={
            "model": OpenAIModel(kind="openai", model="a-real-model"),
            "persona_responses": run.recipe.persona_responses.model_copy(update={"model": run.recipe.model}),
        }
    )
    assert "**Made by the offline model.**" in page(Context(recipe, run.out), "sft")


def table_cells(text: str) -> set[str]:
    return {cell for line in table_after(text, "## How it was made") for cell in line}


def page(context: Context, name: str) -> str:
    """Return the card that a context would write for a data set."""
    dataset = next(made for made in data_sets(context) if made.name == name)
    with tempfile.TemporaryDirectory() as folder:
        write_card(dataset, context, Path(folder))
        return (Path(folder) / "README.md").read_text(encoding="utf-8")


def test_how_many_rewrites_were_taken_is_said(run: Context) -> None:
    """The sentence about the style rewriter has the manifest's numbers."""
    details = manifest_of(run, "persona_responses").details
    assert details["rewrites_tried"] > 0
    said = f"Of {details['rewrites_tried']} responses of modern personas, {details['rewrites_accepted']} were rewritten"
    assert said in card_of(run, "sft").text


def test_the_recipe_in_the_card_makes_the_same_data_again(run: Context) -> None:
    """It validates, kinds of sources included, and equals the recipe but for the folder of a file."""
    text = card_of(run, "sft").text
    block = text[text.index("## The recipe") :].split("```yaml\n")[1].split("```")[0]
    again = validate_recipe(yaml.safe_load(block))
    sft = run.recipe.sft.model_copy(update={"path": "sft.jsonl"})
    assert again == run.recipe.model_copy(update={"sft": sft})


@every_card
def test_no_path_of_this_machine_is_published(run: Context, name: str) -> None:
    """The run's folder and the folder of a source file stay private."""
    text = str(card_of(run, name))
    assert str(run.out) not in text
    assert str(run.out.parent) not in text


@pytest.mark.parametrize(
    ("licences", "given", "expected"),
    [
        pytest.param(["CC0-1.0", "cc0-1.0"], None, ("cc0-1.0", None), id="one licence in two spellings"),
        pytest.param(["cc0-1.0", "CC-BY-4.0"], None, ("other", "cc-by-4.0; cc0-1.0"), id="two licences"),
        pytest.param(["unknown"], None, ("unknown", None), id="only unknown"),
        pytest.param([], None, ("unknown", None), id="no source"),
        pytest.param(["cc0-1.0", "unknown"], None, ("other", "cc0-1.0; unknown"), id="one known and one unknown"),
        pytest.param(["cc0-1.0", "unknown"], "CC-BY-SA-4.0", ("cc-by-sa-4.0", None), id="given in the recipe"),
    ],
)
def test_licences_reduce_to_one(licences: list[str], given: str | None, expected: tuple[str, str | None]) -> None:
    """One shared licence stands, several become "other" with all their names, the recipe's own wins."""
    assert reduce_licences(licences, given) == expected


@given(st.lists(st.sampled_from(["cc0-1.0", "CC0-1.0", "mit", "unknown", "apache-2.0"])))
def test_no_licence_is_lost_in_the_reduction(licences: list[str]) -> None:
    """Every licence is the result or named in it, in whatever order they come."""
    licence, name = reduce_licences(licences, None)
    assert {one.lower() for one in licences} <= {licence, *(name or "").split("; ")}
    assert reduce_licences(licences[::-1], None) == (licence, name)


def test_the_licence_follows_from_the_sources_of_each_data_set(run: Context) -> None:
    """Only what was made from the CC-BY table says so; the rest is the bundled content's CC0."""
    stated = {name: card_of(run, name).data.to_dict() for name in NAMES}
    assert {name: data["license"] for name, data in stated.items()} == {
        "personas": "cc0-1.0",
        "seed_examples": "cc0-1.0",
        "style_pairs": "cc0-1.0",
        "sft": "other",
        "preference_pairs": "cc0-1.0",
        "instruction_pretraining": "cc0-1.0",
    }
    assert stated["sft"]["license_name"] == "cc-by-4.0; cc0-1.0"
    assert ("sft: sft.jsonl", "CC-BY-4.0") in sources_of("sft", run)


def test_a_licence_given_in_the_recipe_stands_on_every_card(run: Context) -> None:
    """`export.licence` decides, in the Hub's spelling."""
    export = run.recipe.export.model_copy(update={"licence": "CC-BY-4.0", "pretty_name": "Ours"})
    context = replace(run, recipe=run.recipe.model_copy(update={"export": export}))
    for dataset in data_sets(context):
        data = card_data(dataset, context, sources_of(dataset.name, context))
        assert (data["license"], data["pretty_name"]) == ("cc-by-4.0", "Ours")
        assert "license_name" not in data


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        (0, "n<1K"),
        (999, "n<1K"),
        (1_000, "1K<n<10K"),
        (9_999, "1K<n<10K"),
        (10_000, "10K<n<100K"),
        (100_000, "100K<n<1M"),
        (1_000_000, "1M<n<10M"),
        (10_000_000, "10M<n<100M"),
    ],
    ids=lambda value: f"{value:,} rows" if isinstance(value, int) else str(value),
)
def test_sizes_are_the_hubs_words(rows: int, word: str) -> None:
    """The bounds belong to the larger category."""
    assert size_category(rows) == word
    assert word in HUB_SIZES


def test_a_bar_in_a_reason_does_not_break_the_table(run: Context) -> None:
    """Reasons are free text: a bar or a line break stays inside its cell."""
    stage = run.folder("curate") / "manifest.json"
    kept = stage.read_bytes()
    try:
        manifest = manifest_of(run, "curate")
        odd = replace(manifest, rejected={"length": {"a | b\nc": manifest.rows_rejected}})
        write_manifest(run.folder("curate"), odd)
        lines = [line for line in table_after(page(run, "sft"), "### What was dropped") if line[0] == "curate"]
    finally:
        stage.write_bytes(kept)
    assert lines == [["curate", "length", "a \\| b c", str(manifest.rows_rejected)]]
