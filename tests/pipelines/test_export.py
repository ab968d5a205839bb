"""What a finished run exports loads in `datasets` as its card says, and no split leaks into another."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from datasets import DatasetDict, Features, load_dataset
from finished_run import SFT, finished_run
from hypothesis import given
from hypothesis import strategies as st

from castwright.pipelines.data_set import SPLITS, by_split
from castwright.pipelines.export import data_sets, kept_ids, kto_rows
from castwright.pipelines.lineage import find_row
from castwright.pipelines.stage import Context

CONFIGS = [
    ("personas", "default"),
    ("seed_examples", "default"),
    ("style_pairs", "default"),
    ("sft", "default"),
    ("sft", "persona_responses"),
    ("sft", "contrastive_pairs"),
    ("sft", "dialogues"),
    ("preference_pairs", "dpo"),
    ("preference_pairs", "kto"),
    ("instruction_pretraining", "default"),
]
Loaded = dict[tuple[str, str], DatasetDict]
Row = dict[str, Any]

every_config = pytest.mark.parametrize(
    ("name", "config"), CONFIGS, ids=[f"{config} of {name}" for name, config in CONFIGS]
)


@pytest.fixture(scope="module")
def run() -> Context:
    """The finished small run."""
    return finished_run()


@pytest.fixture(scope="module")
def loaded(run: Context, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """Every config of every exported data set, as `load_dataset` gives it with the Hub switched off."""
    cache = str(tmp_path_factory.mktemp("datasets-cache"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("datasets.config.HF_HUB_OFFLINE", True)
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        return {
            (name, config): load_dataset(str(run.folder("export") / name), config, cache_dir=cache)
            for name, config in CONFIGS
        }


def header(run: Context, name: str) -> dict[str, Any]:
    text = (run.folder("export") / name / "README.md").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return found


def rows_with_split(data: DatasetDict) -> list[tuple[str, Row]]:
    return [(split, row) for split in data for row in data[split]]


def exported_ids(loaded: Loaded, *keys: tuple[str, str]) -> set[str]:
    return {
        row["row_id"].removesuffix("-chosen").removesuffix("-rejected")
        for key in keys
        for _, row in rows_with_split(loaded[key])
        if not row["row_id"].endswith("-plain")
    }


def test_the_data_sets_and_configs_are_those_of_the_cards(run: Context) -> None:
    """No folder without a card, no config that the card does not name."""
    folders = sorted(path.name for path in run.folder("export").iterdir() if path.is_dir())
    named = [(name, entry["config_name"]) for name in folders for entry in header(run, name)["configs"]]
    assert sorted(named) == sorted(CONFIGS)


@every_config
def test_a_config_has_the_splits_and_rows_its_card_states(run: Context, loaded: Loaded, name: str, config: str) -> None:
    """Split names, their order and their row counts equal the YAML's."""
    info = next(one for one in header(run, name)["dataset_info"] if one["config_name"] == config)
    stated = [(split["name"], split["num_examples"]) for split in info["splits"]]
    assert stated == [(split, data.num_rows) for split, data in loaded[name, config].items()]
    assert all(rows > 0 for _, rows in stated)


@every_config
def test_a_config_has_the_features_its_card_states(run: Context, loaded: Loaded, name: str, config: str) -> None:
    """The YAML's features are the loaded ones, in every split."""
    info = next(one for one in header(run, name)["dataset_info"] if one["config_name"] == config)
    stated = Features._from_yaml_list(info["features"])
    for data in loaded[name, config].values():
        assert data.features == stated
        assert list(data.features) == list(stated)


def test_the_files_on_disk_are_those_the_cards_name(run: Context) -> None:
    """Every parquet file belongs to a config, and every file a config names is there."""
    for folder in run.folder("export").iterdir():
        if folder.is_dir():
            named = {file["path"] for entry in header(run, folder.name)["configs"] for file in entry["data_files"]}
            assert named == {str(path.relative_to(folder)) for path in folder.rglob("*.parquet")}


def test_a_config_without_one_of_the_splits_loads(loaded: Loaded) -> None:
    """Two seed examples fill at most two splits: the others are not there, which breaks nothing."""
    data = loaded["seed_examples", "default"]
    assert 0 < len(data) < len(SPLITS)
    assert sum(data.num_rows.values()) == 2


def test_every_split_is_exercised(loaded: Loaded) -> None:
    """The run is chosen so that the leak tests below look at all three splits."""
    for key in [("personas", "default"), ("sft", "default"), ("sft", "contrastive_pairs"), ("preference_pairs", "dpo")]:
        assert tuple(loaded[key]) == SPLITS, key


def test_no_persona_stands_in_two_splits(loaded: Loaded) -> None:
    """Over personas, seed examples, SFT and preference pairs together."""
    splits: dict[str, set[str]] = defaultdict(set)
    for key, data in loaded.items():
        for split, row in rows_with_split(data):
            if row.get("persona_id"):
                splits[row["persona_id"]].add(split)
            assert "persona_id" in row or key[0] in ("style_pairs", "instruction_pretraining")
    assert len(splits) == 18
    assert [persona for persona, found in splits.items() if len(found) > 1] == []


def test_no_sft_question_stands_in_two_splits(loaded: Loaded) -> None:
    """A contrastive question is drawn into one split, and all its personas are from there."""
    splits: dict[str, set[str]] = defaultdict(set)
    for split, row in rows_with_split(loaded["sft", "contrastive_pairs"]):
        splits[question_of(row["messages"])].add(split)
    assert len(splits) > 5
    assert [question for question, found in splits.items() if len(found) > 1] == []


def question_of(messages: list[dict[str, str]]) -> str:
    return next(message["content"] for message in messages if message["role"] == "user")


def test_both_rows_of_a_contrastive_pair_share_pair_id_and_split(loaded: Loaded) -> None:
    """Each pair_id has exactly one plain row, one or two personas' rows, one question and one split."""
    pairs: dict[str, list[tuple[str, Row]]] = defaultdict(list)
    for split, row in rows_with_split(loaded["sft", "contrastive_pairs"]):
        pairs[row["pair_id"]].append((split, row))
    sizes = Counter()
    for members in pairs.values():
        assert len({split for split, _ in members}) == 1
        assert len({question_of(row["messages"]) for _, row in members}) == 1
        plain = [row for _, row in members if not row["persona_id"]]
        assert len(plain) == 1
        sizes[len(members) - 1] += 1
        roles = [message["role"] for message in plain[0]["messages"]]
        assert roles == ["user", "assistant"]
        assert tuple(message["content"] for message in plain[0]["messages"]) in SFT
    assert set(sizes) <= {1, 2}
    assert sizes[2] > 0


@pytest.mark.parametrize("table", ["persona_responses", "dialogues"])
def test_rows_that_are_no_pair_have_no_pair_id(loaded: Loaded, table: str) -> None:
    """The column is there, so that the tables can be joined, and empty."""
    assert {row["pair_id"] for _, row in rows_with_split(loaded["sft", table])} == {""}


def test_the_default_sft_config_is_the_union_of_the_tables(loaded: Loaded) -> None:
    """D = D_p, D_c and the dialogues: the same rows in the same splits, none twice."""
    union = Counter((split, row["row_id"]) for split, row in rows_with_split(loaded["sft", "default"]))
    parts = Counter(
        (split, row["row_id"])
        for config in ("persona_responses", "contrastive_pairs", "dialogues")
        for split, row in rows_with_split(loaded["sft", config])
    )
    assert union == parts
    assert set(union.values()) == {1}


def test_rejected_rows_are_never_exported(run: Context, loaded: Loaded) -> None:
    """What any stage or the curation dropped is in no data set, and each of these dropped something."""
    rejected: set[str] = set()
    for stage in ("style_rewriter", "contrastive_pairs", "preference_pairs", "curate"):
        dropped = {row["row_id"] for row in run.rows(stage, rejected=True)}
        assert dropped, stage
        rejected |= dropped
    assert exported_ids(loaded, *CONFIGS) & rejected == set()


def test_every_kept_row_is_exported(run: Context, loaded: Loaded) -> None:
    """Curation's keeps, and no other rows, stand in the SFT and preference sets."""
    exported = exported_ids(loaded, ("sft", "default"), ("preference_pairs", "dpo"))
    assert exported == {row["row_id"] for row in run.rows("curate")}
    assert exported_ids(loaded, ("preference_pairs", "kto")) == exported_ids(loaded, ("preference_pairs", "dpo"))
    assert exported_ids(loaded, ("personas", "default")) == {row["row_id"] for row in run.rows("persona_cards")}


def test_a_plain_row_stands_only_beside_a_kept_persona_row(run: Context, loaded: Loaded) -> None:
    """A question all of whose personas' answers were dropped leaves no plain row behind."""
    kept = {row["pair_id"] for row in run.rows("curate") if row["table"] == "contrastive_pairs"}
    plain = {row["pair_id"] for _, row in rows_with_split(loaded["sft", "default"]) if row["row_id"].endswith("-plain")}
    assert plain == kept


def test_a_recipe_that_leaves_curation_out_exports_all_rows(run: Context) -> None:
    """The verdicts of an older run's curation, still in the folder, do not count then."""
    without = run.recipe.model_copy(update={"stages": tuple(s for s in run.recipe.stages if s != "curate")})
    context = Context(without, run.out)
    tables = ("persona_responses", "contrastive_pairs", "dialogues", "preference_pairs")
    assert kept_ids(context) == {row["row_id"] for table in tables for row in run.rows(table)}
    assert len(kept_ids(context)) > len(kept_ids(run))


def test_a_run_of_cards_alone_exports_only_them(run: Context) -> None:
    """A data set whose stage is not in the recipe is left out, not empty."""
    context = Context(run.recipe.model_copy(update={"stages": ("persona_cards", "export")}), run.out)
    assert [made.name for made in data_sets(context)] == ["personas"]


def test_dpo_rows_are_message_lists_that_split_at_the_reply(loaded: Loaded) -> None:
    """A prompt is a system message and turns that end with the user; each side is one assistant message."""
    for _, row in rows_with_split(loaded["preference_pairs", "dpo"]):
        system, *turns = [message["role"] for message in row["prompt"]]
        assert system == "system"
        assert turns == ["user", *["assistant", "user"] * (len(turns) // 2)]
        for side in ("chosen", "rejected"):
            assert [message["role"] for message in row[side]] == ["assistant"]
            assert row[side][0]["content"].strip()
        assert row["chosen"] != row["rejected"]
        assert row["criterion"] in finished_run().recipe.preference_pairs.criteria


def test_kto_rows_are_the_two_sides_of_the_dpo_rows(loaded: Loaded) -> None:
    """In each split: the same prompts, one row with True and one with False for each pair."""
    for split, data in loaded["preference_pairs", "kto"].items():
        wanted = {
            (row["row_id"], side == "chosen"): (row["prompt"], row[side])
            for row in loaded["preference_pairs", "dpo"][split]
            for side in ("chosen", "rejected")
        }
        made = {(row["row_id"].rsplit("-", 1)[0], row["label"]): (row["prompt"], row["completion"]) for row in data}
        assert made == wanted
        assert data.num_rows == len(wanted)
        assert Counter(data["label"]) == {True: len(wanted) // 2, False: len(wanted) // 2}


@given(st.integers(min_value=4, max_value=60))
def test_kto_rows_keep_the_sides_of_a_pair_apart(count: int) -> None:
    """TRL gives a row the completion of its neighbour for the KL term: that is never its own pair's."""
    pairs = [{"row_id": f"r-{n}", "chosen": f"good {n}", "rejected": f"bad {n}"} for n in range(count)]
    made = kto_rows(pairs)
    assert sorted(row["row_id"] for row in made) == sorted(
        f"r-{n}-{side}" for n in range(count) for side in ("chosen", "rejected")
    )
    assert [row["label"] for row in made] == [True, False] * count
    owners = [row["row_id"].rsplit("-", 1)[0] for row in made]
    assert all(before != after for before, after in pairwise(owners))


@pytest.mark.parametrize("count", [0, 1, 2, 3], ids=["no pair", "one pair", "two pairs", "three pairs"])
def test_kto_rows_of_few_pairs_are_complete(count: int) -> None:
    """Where there is no room to keep sides apart, both are still there."""
    made = kto_rows([{"row_id": str(n), "chosen": "a", "rejected": "b"} for n in range(count)])
    assert Counter((row["row_id"], row["label"]) for row in made) == Counter(
        [(f"{n}-chosen", True) for n in range(count)] + [(f"{n}-rejected", False) for n in range(count)]
    )


def test_sft_messages_alternate_and_end_with_the_assistant(loaded: Loaded) -> None:
    """A persona's row has its card as system message; no message is blank."""
    for _, row in rows_with_split(loaded["sft", "default"]):
        roles = [message["role"] for message in row["messages"]]
        turns = roles[1:] if row["persona_id"] else roles
        assert roles[: len(roles) - len(turns)] == ["system"] * bool(row["persona_id"])
        assert turns == ["user", "assistant"] * (len(turns) // 2)
        assert len(turns) == 2 or row["table"] == "dialogues"
        assert all(message["content"].strip() for message in row["messages"])


def test_the_spans_of_a_passage_are_its_dialogue(loaded: Loaded) -> None:
    """Segments put together are the text, and the loss falls on every character of dialogue and on no other."""
    for _, row in rows_with_split(loaded["instruction_pretraining", "default"]):
        assert "".join(segment["text"] for segment in row["segments"]) == row["text"]
        trained = [False] * len(row["text"])
        for span in row["spans"]:
            assert 0 <= span["start"] < span["end"] <= len(row["text"])
            trained[span["start"] : span["end"]] = [True] * (span["end"] - span["start"])
        spoken = [segment["role"] == "dialogue" for segment in row["segments"] for _ in segment["text"]]
        assert trained == spoken
        assert any(spoken)


def test_style_pairs_split_by_conversation(run: Context, loaded: Loaded) -> None:
    """What was held out of the training is the test split; prompt and completion are its two sides."""
    held_out = {row["row_id"] for row in run.rows("style_rewriter") if row["split"] == "held_out"}
    data = loaded["style_pairs", "default"]
    assert {row["row_id"] for row in data["test"]} == held_out
    made = {row["row_id"]: (row["formal"], row["casual"]) for row in run.rows("style_rewriter")}
    for _, row in rows_with_split(data):
        assert (row["prompt"], row["completion"]) == made[row["row_id"]]


@every_config
def test_every_exported_row_can_be_traced(run: Context, loaded: Loaded, name: str, config: str) -> None:
    """`castwright why` finds each row id of an export in the stages, and each row names its parents."""
    for split, row in rows_with_split(loaded[name, config]):
        assert row["parents"], row
        assert row["model"] or name == "instruction_pretraining", row  # what was only read has no model
        if split == "validation" or config == "contrastive_pairs":  # each look-up reads every table
            assert find_row(run.out, row["row_id"]) is not None


def test_the_same_run_exports_the_same_bytes(run: Context, tmp_path: Path) -> None:
    """Exporting again writes equal parquet files."""
    from castwright.pipelines.data_set import write_data_set

    for dataset in data_sets(Context(run.recipe, run.out)):
        write_data_set(dataset, tmp_path / dataset.name)
    for path in tmp_path.rglob("*.parquet"):
        assert path.read_bytes() == (run.folder("export") / path.relative_to(tmp_path)).read_bytes()
    assert len(list(tmp_path.rglob("*.parquet"))) == len(list(run.folder("export").rglob("*.parquet")))


def test_the_exported_rows_are_counted_in_the_manifest(run: Context, loaded: Loaded) -> None:
    """The manifest's numbers by data set are those of its largest config."""
    from castwright.pipelines.checkpoint import read_manifest

    manifest = read_manifest(run.folder("export"))
    assert manifest is not None
    sizes: dict[str, int] = defaultdict(int)
    for (name, _), data in loaded.items():
        sizes[name] = max(sizes[name], sum(data.num_rows.values()))
    assert manifest.details["data_sets"] == sizes
    assert manifest.rows_out == sum(sizes.values())


def test_parquet_of_an_export_has_no_verdict_columns(run: Context) -> None:
    """What the pipeline thought of a row stays in the run; the reader gets the data."""
    for path in run.folder("export").rglob("*.parquet"):
        assert {"verdict", "filter", "reason", "score", "stage"} & set(pl.read_parquet_schema(path)) == set()


@given(st.lists(st.tuples(st.sampled_from(SPLITS), st.integers())))
def test_rows_are_grouped_by_split_in_order_without_empty_ones(rows: list[tuple[str, int]]) -> None:
    """Nothing is lost, the order inside a split stays, splits come as train, validation, test."""
    groups = by_split([(split, {"n": n}) for split, n in rows])
    assert list(groups) == [split for split in SPLITS if any(split == one for one, _ in rows)]
    for split, found in groups.items():
        assert [row["n"] for row in found] == [n for one, n in rows if one == split]
