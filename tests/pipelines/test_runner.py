"""The runner's contract: what is made twice is the same, what stands is not made again, nothing vanishes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from small_run import FULL, data_files, recipe_of, rerun, table, write_lines

from castwright.errors import RecipeError, SourceError, StepError
from castwright.generators import prompt
from castwright.generators.persona_response import PersonaResponse
from castwright.pipelines.checkpoint import read_manifest
from castwright.pipelines.fingerprint import fingerprint
from castwright.pipelines.recipe import STAGES
from castwright.pipelines.runner import run_recipe
from castwright.pipelines.stage import Context
from castwright.pipelines.stages import STAGE_BY_NAME

GRAPHS = [name for name, stage in STAGE_BY_NAME.items() if stage.graph]
ONLY_CARDS = {"stages": ["persona_cards"]}
SEEDS = {"stages": ["persona_cards", "seed_examples"]}


def test_a_run_in_another_process_and_folder_is_byte_identical(finished: Path, tmp_path: Path) -> None:
    """The same recipe gives the same bytes: every table, every reject, the trained weights, every export and card."""
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(FULL), encoding="utf-8")
    environment = {**os.environ, "PYTHONHASHSEED": "99", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "castwright", "run", str(path), "--out", str(tmp_path / "again")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    first, second = data_files(finished), data_files(tmp_path / "again")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
    suffixes = {Path(name).suffix for name in first}
    assert {".parquet", ".safetensors", ".md", ".yaml"} <= suffixes
    for stage in STAGES:
        assert f"{stage} " in done.stdout


def test_a_second_run_into_the_same_folder_makes_nothing(standing: Path) -> None:
    """Every stage stood already, and no file of a stage was written."""
    before = {path: path.stat().st_mtime_ns for path in standing.rglob("*") if path.name != "recipe.yaml"}
    before.pop(standing, None)
    results = run_recipe(recipe_of(), standing)
    assert [result.manifest.stage for result in results] == list(STAGES)
    assert all(result.reused for result in results)
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a folder with copies of the prompt templates, which the prompts are read from."""
    room = Path(prompt.__file__).parent
    folder = tmp_path / "templates"
    folder.mkdir()
    for template in (*room.glob("*.jinja"), room / "prompt.py"):  # the module too: its code is in the fingerprint
        shutil.copy(template, folder)
    # only where templates are looked for is changed: the module's own file is part of the fingerprints too
    monkeypatch.setattr(prompt, "Path", lambda _file: folder / "prompt.py")
    prompt.load_prompt.cache_clear()
    yield folder
    prompt.load_prompt.cache_clear()


PROMPTS = {
    "card_extraction": {"persona_cards"},
    "character_notes": {"persona_cards"},
    "persona_response": {"seed_examples", "persona_responses"},
    "formal_rewrite": {"style_rewriter"},
    "persona_answer": {"contrastive_pairs"},
    "rejected_response": {"preference_pairs"},
    "dialogue_ask": {"dialogues"},
    "dialogue_chat": {"dialogues"},
}


@pytest.mark.parametrize(("task", "stages"), PROMPTS.items(), ids=PROMPTS.keys())
def test_a_changed_prompt_runs_the_stages_that_send_it_again(
    standing: Path, templates: Path, task: str, stages: set[str]
) -> None:
    """Only they run; what reads their rows does not, because the rows came out the same."""
    assert rerun(recipe_of(), standing) == set()
    template = templates / f"{task}.jinja"
    template.write_text("{# a remark that is not sent #}" + template.read_text(encoding="utf-8"), encoding="utf-8")
    prompt.load_prompt.cache_clear()
    assert rerun(recipe_of(), standing) == stages


def test_every_template_is_some_stage_s_prompt() -> None:
    """No template is sent without standing in a fingerprint."""
    templates = {path.stem for path in Path(prompt.__file__).parent.glob("*.jinja")}
    assert templates == set(PROMPTS) == {task for stage in STAGE_BY_NAME.values() for task in stage.prompts}


def marks(folder: Path, **changes: Any) -> dict[str, str]:
    """Return the fingerprint of every stage of the small recipe with these sections changed."""
    context = Context(recipe_of(**changes), folder)
    return {name: fingerprint(stage, context) for name, stage in STAGE_BY_NAME.items()}


OPENAI = {"kind": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1"}
CALLING = {name for name, stage in STAGE_BY_NAME.items() if stage.calls_model}
EMBEDDING = {name for name, stage in STAGE_BY_NAME.items() if stage.embeds}
SETTINGS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "the seed": ({"seed": 4}, set(STAGES) - {"curate"}),
    "the embedder": ({"embeddings": "another"}, EMBEDDING),
    "the description": ({"description": "new"}, {"export"}),
    "the model": ({"model": {**OPENAI, "model": "other"}}, CALLING),
    "the temperature": ({"model": {**OPENAI, "temperature": 0.5}}, CALLING),
    "how fast the model is asked": ({"model": {**OPENAI, "max_in_flight": 7, "timeout": 9, "max_retries": 1}}, set()),
    "where the key is": ({"model": {**OPENAI, "api_key_env": "OTHER_KEY"}}, set()),
    "the engine": ({"engine": "distilabel"}, set()),
    "how many personas": ({"personas": {**FULL["personas"], "count": 11}}, {"persona_cards", "export"}),
    "the licence": ({"export": {"licence": "mit"}}, {"export"}),
    "the split": (
        {"export": {"test": 0.2}},
        {"persona_responses", "contrastive_pairs", "dialogues", "instruction_pretraining", "export"},
    ),
    "the training's batch": (
        {"rewriter_training": {**FULL["rewriter_training"], "batch_size": 8}},
        {"rewriter_training"},
    ),
    "the gate": ({"persona_responses": {**FULL["persona_responses"], "min_similarity": 0.8}}, {"persona_responses"}),
    "the criteria": ({"preference_pairs": {"criteria": {"verbose": 1}}}, {"preference_pairs"}),
    "the filters": ({"curate": {"filters": [{"name": "refusal"}]}}, {"curate"}),
    "the duplicates' threshold": ({"persona_cards": {"near_duplicate": 0.9}}, {"persona_cards"}),
    "the chat": (
        {"chat": {"kind": "bundled", "limit": 33}},
        {"style_rewriter", "export"},
    ),
}


@pytest.mark.parametrize(("changes", "stages"), SETTINGS.values(), ids=SETTINGS.keys())
def test_a_setting_marks_exactly_the_stages_that_read_it(
    finished: Path, changes: dict[str, Any], stages: set[str]
) -> None:
    """With what stands upstream held fixed, only the fingerprints of the stages that read a setting change."""
    base = {"model": OPENAI} if "model" in changes else {}
    before, after = marks(finished, **base), marks(finished, **changes)
    assert {name for name in before if before[name] != after[name]} == stages


def test_a_stage_s_own_model_block_may_be_asked_faster_without_running_again(finished: Path) -> None:
    """The limits of a stage's own block are no part of its fingerprint, its model is."""
    slow = marks(finished, persona_cards={"model": OPENAI})
    assert marks(finished, persona_cards={"model": {**OPENAI, "max_in_flight": 3}}) == slow
    assert marks(finished, persona_cards={"model": {**OPENAI, "top_p": 0.3}}) != slow


def test_a_changed_setting_runs_its_stage_and_what_reads_the_changed_rows(standing: Path) -> None:
    """Dependents run again only where the rows they read are others."""
    strict = {**FULL["persona_responses"], "min_similarity": 0.751}
    assert rerun(recipe_of(persona_responses=strict), standing) == {"persona_responses"}
    more = {"persona_responses": strict, "contrastive_pairs": {"per_question": 2}}
    assert rerun(recipe_of(**more), standing) == {"contrastive_pairs", "curate", "export"}
    assert rerun(recipe_of(**more), standing) == set()


def test_force_runs_a_stage_again_and_nothing_that_reads_the_same_rows(standing: Path, finished: Path) -> None:
    """A forced stage gives the same bytes, so that nothing behind it has to run."""
    made = (standing / "contrastive_pairs" / "part-00000.parquet").stat().st_ino
    assert rerun(recipe_of(), standing, force=["contrastive_pairs"]) == {"contrastive_pairs"}
    assert (standing / "contrastive_pairs" / "part-00000.parquet").stat().st_ino != made
    assert data_files(standing) == data_files(finished)


def test_force_of_an_unknown_stage_is_refused(standing: Path) -> None:
    """A misspelled stage does not pass for one that was forced."""
    with pytest.raises(RecipeError, match="did you mean 'curate'"):
        run_recipe(recipe_of(), standing, force=["curat"])


@pytest.mark.parametrize(
    ("stages", "need"),
    [(["persona_responses"], "'persona_cards'"), (["persona_cards", "preference_pairs"], "'persona_responses'")],
    ids=["cards left out", "responses left out"],
)
def test_a_stage_whose_need_is_left_out_is_refused_before_anything_runs(
    tmp_path: Path, stages: list[str], need: str
) -> None:
    """The error names the stage that is needed, and no folder is made."""
    with pytest.raises(RecipeError, match=f"needs {need}"):
        run_recipe(recipe_of(stages=stages), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_stage_that_the_recipe_leaves_out_is_not_read_from_the_folder(standing: Path) -> None:
    """Rows depend on the recipe, not on what an older recipe left in the folder."""
    stages = [name for name in STAGES if name not in ("seed_examples", "rewriter_training", "style_rewriter")]
    again = rerun(recipe_of(stages=stages), standing)
    assert "persona_responses" in again
    assert {len(row["shots"]) for row in table(standing, "persona_responses")} == {0}
    assert {row["rewrite_refusal_reason"].split(":")[0] for row in table(standing, "persona_responses")} <= {
        "no style rewriter",
        "not asked for",
    }
    assert not (standing / "export" / "style_pairs").exists()
    assert not (standing / "export" / "seed_examples").exists()


def test_a_changed_source_file_runs_its_stage_again(standing: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """The content of a file counts, wherever its path is written from."""
    monkeypatch.setenv("HOME", str(tmp_path))
    path = write_lines(tmp_path / "q.jsonl", [{"question": "Where did you learn your trade?"}])
    recipe = recipe_of(**SEEDS, questions={"kind": "table", "path": "~/q.jsonl"})
    assert rerun(recipe, standing) == {"seed_examples"}
    path.touch()
    assert rerun(recipe, standing) == set()
    write_lines(path, [{"question": "Who taught you your trade?"}])
    assert rerun(recipe, standing) == {"seed_examples"}
    assert {row["question"] for row in table(standing, "seed_examples")} == {"Who taught you your trade?"}


def test_another_rewriter_checkpoint_runs_the_rewriting_again(standing: Path, tmp_path: Path) -> None:
    """A checkpoint that the recipe names counts by its content."""
    checkpoint = Path(shutil.copytree(standing / "rewriter_training" / "checkpoint", tmp_path / "mine"))
    recipe = recipe_of(rewriter_training={"checkpoint": str(checkpoint)})
    assert "persona_responses" in rerun(recipe, standing)
    assert rerun(recipe, standing) == set()
    (checkpoint / "note.txt").write_text("trained on Tuesday", encoding="utf-8")
    assert rerun(recipe, standing) == {"rewriter_training", "persona_responses"}


def test_a_stage_that_fails_leaves_the_standing_one_and_nothing_half_written(
    standing: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in the middle of a stage costs that stage's work only."""
    answered: list[str] = []
    parse = PersonaResponse.parse

    def breaks(self: PersonaResponse, row: dict[str, Any], text: str) -> dict[str, Any]:
        answered.append(text)
        if len(answered) == 3:
            raise ZeroDivisionError("a bug")
        return parse(self, row, text)

    monkeypatch.setattr(PersonaResponse, "parse", breaks)
    with pytest.raises(StepError, match=r"step 'persona_response'.*ZeroDivisionError: a bug"):
        run_recipe(recipe_of(), standing, force=["seed_examples"])
    assert len(answered) >= 3
    assert data_files(standing) == data_files(finished)
    assert {path.name for path in standing.iterdir()} == {*STAGES, "recipe.yaml", ".state"}
    assert rerun(recipe_of(), standing) == set()


KILLED = """
import os, signal, sys
from pathlib import Path
import yaml
from castwright.pipelines.progress import Quiet
from castwright.pipelines.recipe_file import validate_recipe
from castwright.pipelines.runner import run_recipe

class Killing(Quiet):
    def step(self, step, rows):
        if step == "persona_response" and rows == 2:
            os.kill(os.getpid(), signal.SIGKILL)

recipe = validate_recipe(yaml.safe_load(sys.stdin.read()))
run_recipe(recipe, Path(sys.argv[1]), progress=Killing(), force=sys.argv[2:])
"""


@pytest.mark.parametrize("force", [[], ["seed_examples"]], ids=["nothing stood", "an older stage stood"])
def test_a_run_killed_in_the_middle_goes_on_to_the_same_bytes(finished: Path, tmp_path: Path, force: list[str]) -> None:
    """After SIGKILL the stages before stand, the one at work is as it was, and running again ends as if nothing was."""
    run = tmp_path / "run"
    for stage in ("persona_cards", *force):
        shutil.copytree(finished / stage, run / stage)
    recipe = recipe_of(**SEEDS)
    killed = subprocess.run(  # noqa: S603 (our own interpreter)
        [sys.executable, "-W", "ignore", "-c", KILLED, str(run), *force],
        input=yaml.safe_dump(recipe.model_dump(mode="json")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (run / "seed_examples").exists() == bool(force)
    assert (run / ".seed_examples.writing").is_dir()
    assert rerun(recipe, run, force=force) == {"seed_examples"}
    assert {path.name for path in run.iterdir()} == {"persona_cards", "seed_examples", "recipe.yaml", ".state"}
    for stage in SEEDS["stages"]:
        assert data_files(run / stage) == data_files(finished / stage)


@pytest.mark.parametrize("stage", GRAPHS)
def test_every_row_that_goes_into_a_stage_is_kept_or_rejected(finished: Path, stage: str) -> None:
    """The manifest's counts are those of the tables, and every reject says who rejected it and why."""
    manifest = read_manifest(finished / stage)
    kept, rejected = table(finished, stage), table(finished, stage, rejected=True)
    assert manifest is not None
    assert manifest.rows_in == len(kept) + len(rejected) > 0
    assert (manifest.rows_out, manifest.rows_rejected) == (len(kept), len(rejected))
    assert all(row["verdict"] == "keep" and row["stage"] == stage and row["row_id"] for row in kept)
    assert all(row["verdict"] == "drop" and row["filter"] and row["reason"] for row in rejected)
    ids = [row["row_id"] for row in kept + rejected]
    assert len(ids) == len(set(ids))


def test_bad_records_among_good_ones_are_kept_aside_and_the_run_goes_on(tmp_path: Path) -> None:
    """A malformed line, a record without its field, one read before: each is a reject of source with its place."""
    characters = write_lines(
        tmp_path / "cast.jsonl",
        [
            {"name": "Ada Birch", "background": "A surveyor who maps moors.", "occupation": "surveyor"},
            '{"name": "Broken',
            {"name": "", "background": ""},
            {"name": "Tom Reed", "background": "A ferryman on a wide river.", "occupation": "ferryman"},
        ],
    )
    questions = write_lines(tmp_path / "q.jsonl", [{"question": "What do you eat?"}, {"topic": "none"}, "no json"])
    chat = write_lines(
        tmp_path / "chat.jsonl",
        [{"text": "omg i can't find my keys again lol"}, {"text": None}, {"text": "gonna be late, the bus broke down"}],
    )
    sft = write_lines(
        tmp_path / "sft.jsonl",
        [
            {"question": "What is 2 + 2?", "answer": "2 + 2 = 4."},
            {"question": "What is 2 + 2?", "answer": "Four."},
            {"question": "Without an answer?"},
            "[1, 2",
        ],
    )
    recipe = recipe_of(
        stages=["persona_cards", "seed_examples", "style_rewriter", "persona_responses", "contrastive_pairs"],
        personas={"sources": [{"kind": "table", "path": str(characters)}]},
        questions={"kind": "table", "path": str(questions)},
        chat={"kind": "table", "path": str(chat)},
        sft={"kind": "table", "path": str(sft)},
    )
    run = tmp_path / "run"
    run_recipe(recipe, run)
    places = {
        "persona_cards": ["cast.jsonl:2", "cast.jsonl:3"],
        "seed_examples": ["q.jsonl:2", "q.jsonl:3"],
        "style_rewriter": ["chat.jsonl:2"],
        "persona_responses": ["q.jsonl:2", "q.jsonl:3"],
        "contrastive_pairs": ["sft.jsonl:2", "sft.jsonl:3", "sft.jsonl:4"],
    }
    for stage, expected in places.items():
        rejected = [row for row in table(run, stage, rejected=True) if row["filter"] == "source"]
        assert [row["parents"] for row in rejected] == [[place] for place in expected], stage
        assert all(f"(at {place})" in row["reason"] for row, place in zip(rejected, expected, strict=True))
        manifest = read_manifest(run / stage)
        assert manifest is not None
        assert sum(manifest.rejected["source"].values()) == len(expected)
        assert manifest.rows_in == manifest.rows_out + manifest.rows_rejected
        assert manifest.rows_out > 0, stage


UNUSABLE = {
    "nothing but malformed lines": ["{broken", "[1"],
    "no line at all": [],
    "nothing but records without the field": [{"question": ""}, {"question": None}],
}


@pytest.mark.parametrize("lines", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_source_without_a_usable_record_is_one_clear_error(standing: Path, tmp_path: Path, lines: list[Any]) -> None:
    """It names the file, and the stage that stood stays."""
    path = write_lines(tmp_path / "q.jsonl", lines)
    if not lines:
        path.write_text("", encoding="utf-8")
    before = data_files(standing / "seed_examples")
    with pytest.raises(SourceError) as caught:
        run_recipe(recipe_of(**SEEDS, questions={"kind": "table", "path": str(path)}), standing)
    assert "q.jsonl" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert data_files(standing / "seed_examples") == before


def test_the_run_s_folder_may_not_be_a_file(tmp_path: Path) -> None:
    """A file in the way is a user's error."""
    path = tmp_path / "taken"
    path.write_text("", encoding="utf-8")
    with pytest.raises(RecipeError, match="is a file"):
        run_recipe(recipe_of(**ONLY_CARDS), path)


@pytest.mark.slow
def test_both_engines_give_the_same_tables(standing: Path, finished: Path, capfd: Any) -> None:
    """The graphs on distilabel's own engine give the rows of ours, nulls and nested columns included.

    They run although this process has threads of torch and polars, which a fork would not survive.
    """
    assert "torch" in sys.modules or run_recipe(recipe_of(), standing, force=["preference_pairs"])
    stages = ("persona_cards", "contrastive_pairs", "preference_pairs")
    assert rerun(recipe_of(engine="distilabel"), standing, force=stages) == set(stages)
    for stage in stages:
        for rejected in (False, True):
            ours = table(finished, stage, rejected=rejected)
            assert table(standing, stage, rejected=rejected) == ours, stage
        assert pl.read_parquet_schema(standing / stage / "part-00000.parquet") == pl.read_parquet_schema(
            finished / stage / "part-00000.parquet"
        )
    assert data_files(standing).keys() == data_files(finished).keys()
    assert capfd.readouterr().out == ""
