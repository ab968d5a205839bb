"""The command line as a user meets it: in a process of its own, in an empty folder, without a terminal."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import polars as pl
import pytest
import yaml
from filelock import FileLock

from castwright import __main__ as entry
from castwright import cli
from castwright.pipelines.recipe import STAGES
from castwright.pipelines.recipe_file import read_recipe

Command = Callable[..., subprocess.CompletedProcess[str]]

SMALL: dict[str, Any] = {
    "name": "tiny",
    "personas": {"count": 6, "sources": [{"kind": "bundled"}]},
    "questions": {"kind": "bundled", "limit": 4},
    "chat": {"kind": "bundled", "limit": 12},
    "sft": {"kind": "bundled", "limit": 4},
    "seed_examples": {"personas": 2, "questions": 1},
    "persona_responses": {"per_persona": 1},
    "rewriter_training": {"enabled": False},
}
COMMANDS = ("run", "preview", "stages", "new", "why", "train-rewriter", "serve-offline", "export-cards")


def castwright(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m castwright` in a folder, off the network."""
    return subprocess.run(  # noqa: S603 (our own interpreter)
        [sys.executable, "-m", "castwright", *arguments],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return `castwright` as a function that runs the very same entry point in this process, which is quicker."""

    def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["castwright", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            entry.main()
        said = capsys.readouterr()
        return subprocess.CompletedProcess([*arguments], int(ended.value.code or 0), said.out, said.err)

    return command


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a command: this one, off the network, without a terminal's wishes."""
    kept = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "COLUMNS")}
    return {**kept, "HF_HUB_OFFLINE": "1", **more}


def worked(done: subprocess.CompletedProcess[str]) -> str:
    """Return the output of a command that went well and had nothing to complain of."""
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line of a command that a user's error ended."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("castwright: "), done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stdout + done.stderr
    return done.stderr


def write_recipe(folder: Path, **changes: Any) -> Path:
    """Write the small recipe, with whole sections changed, as `tiny.yaml`."""
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump({**SMALL, **changes}, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `tiny.yaml`, its run in `runs/tiny` and what the command said in `said.txt`."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "command-line"
    with FileLock(f"{folder}.lock"):
        if not (folder / "said.txt").is_file():
            folder.mkdir()
            write_recipe(folder)
            (folder / "said.txt").write_text(worked(castwright(folder, "run", "tiny.yaml")), encoding="utf-8")
    return folder


def test_run_makes_every_data_set_and_says_so_in_plain_lines(made: Path) -> None:
    """Without a terminal there is no bar and no colour: a line as a stage begins, a line as it ends."""
    said = (made / "said.txt").read_text(encoding="utf-8")
    assert "\x1b" not in said
    assert "\r" not in said
    lines = said.splitlines()
    for stage in STAGES:
        assert any(re.match(rf"{stage} +[\d,]+ in +[\d,]+ out +[\d,]+ dropped +[\d.]+ s$", line) for line in lines), (
            stage
        )
    assert any(re.match(r"persona_cards: 6 rows to go", line) for line in lines)
    assert "made in runs/tiny/export:" in lines
    for name in ("personas", "preference_pairs", "seed_examples", "sft", "style_pairs"):
        assert (made / "runs" / "tiny" / "export" / name / "README.md").is_file()
        assert any(line.startswith(f"  {name} ") for line in lines)
    assert "`model: offline`" in said
    assert read_recipe(made / "runs" / "tiny" / "recipe.yaml") == read_recipe(made / "tiny.yaml")


def test_stages_tells_done_from_to_do_and_changed(here: Command, made: Path) -> None:
    """Nothing runs: the list says what a run would make."""

    def states(*arguments: str) -> dict[str, str]:
        lines = worked(here(made, "stages", "tiny.yaml", *arguments)).splitlines()[1:]
        return {line.split()[0]: re.split(r" {2,}", line.strip())[1] for line in lines}

    assert set(states().values()) == {"done"}
    assert set(states()) == set(STAGES)
    assert set(states("--out", "elsewhere").values()) == {"to do"}
    changed = states("--set", "contrastive_pairs.per_question=2")
    assert {name for name, state in changed.items() if state == "changed"} == {"contrastive_pairs", "curate", "export"}
    assert not (made / "elsewhere").exists()


@pytest.mark.parametrize(
    "stage",
    ["persona_cards", "seed_examples", "style_rewriter", "persona_responses", "contrastive_pairs", "preference_pairs"],
)
def test_why_walks_from_a_row_to_its_persona(here: Command, made: Path, stage: str) -> None:
    """The newest run is looked through when none is given."""
    row = pl.read_parquet(made / "runs" / "tiny" / stage / "*.parquet").row(0, named=True)
    said = worked((castwright if stage == "preference_pairs" else here)(made, "why", row["row_id"]))
    assert said.startswith(f"{stage}  {row['row_id']}  model: {row['model']} ")
    if "persona_id" in row:
        (card,) = (
            pl.read_parquet(made / "runs" / "tiny" / "persona_cards" / "*.parquet")
            .filter(pl.col("persona_id") == row["persona_id"])
            .to_dicts()
        )
        assert f"persona_cards  {card['row_id']}" in said
        assert card["name"] in said
    if stage in ("persona_responses", "contrastive_pairs", "preference_pairs"):
        assert re.search(r"^curation: (keep|drop)", said, re.MULTILINE)


def test_preview_prints_rows_of_every_stage(tmp_path: Path) -> None:
    """A few rows through every stage, readable, and nothing left in the folder."""
    write_recipe(tmp_path)
    said = worked(castwright(tmp_path, "preview", "tiny.yaml", "--rows", "2"))
    for stage in (stage for stage in STAGES if stage != "export"):
        assert re.search(rf"─ {stage}: \d+ in, \d+ out ─", said), stage
    for sign in ("Q  ", "A  ", "person  ", "formal  ", "raw  ", "in person  ", "chosen    ", "criterion "):
        assert sign in said
    assert "{'" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


def test_new_writes_a_recipe_that_runs_and_never_over_one(here: Command, tmp_path: Path) -> None:
    """What it writes validates; a file that is there stays unless --force is given."""
    assert "castwright preview my-cast.yaml" in worked(castwright(tmp_path, "new", "my-cast"))
    path = tmp_path / "my-cast.yaml"
    assert read_recipe(path).name == "my-cast"
    path.write_text("name: precious\n", encoding="utf-8")
    assert "my-cast.yaml is there already" in refused(castwright(tmp_path, "new", "my-cast"))
    assert path.read_text(encoding="utf-8") == "name: precious\n"
    worked(here(tmp_path, "new", "my-cast", "--force"))
    assert read_recipe(path).name == "my-cast"
    assert "no folder" in refused(here(tmp_path, "new", "nowhere/my-cast"))


def test_train_rewriter_trains_on_a_table_of_pairs(here: Command, tmp_path: Path) -> None:
    """Pairs of a user's own columns, three steps, a bad line among them: a checkpoint and its numbers."""
    subjects = [
        "the kettle",
        "my brother",
        "that old bus",
        "the garden gate",
        "our neighbour",
        "the radio",
        "her scarf",
    ]
    endings = ["is not working again today", "will be late for dinner", "has to be seen to soon", "looks rather tired"]
    lines = [
        json.dumps({"stiff": f"I am afraid that {a} {b}.", "loose": f"ugh {a} {b} lol"})
        for a in subjects
        for b in endings
    ]
    (tmp_path / "pairs.jsonl").write_text("\n".join([*lines, "{broken"]) + "\n", encoding="utf-8")
    columns = ("--formal", "stiff", "--casual", "loose")
    said = worked(castwright(tmp_path, "train-rewriter", "pairs.jsonl", *columns, "--steps", "3", "--out", "mine"))
    assert "kept aside: pairs.jsonl:29: " in said
    assert "steps: 3" in said
    assert "train_pairs: " in said
    assert {"rewriter.json", "model.safetensors"} <= {path.name for path in (tmp_path / "mine").iterdir()}
    wrong = here(tmp_path, "train-rewriter", "pairs.jsonl", "--formal", "stif", "--casual", "loose")
    assert "did you mean 'stiff'" in refused(wrong)


def test_serve_offline_answers_the_openai_client_until_ctrl_c(tmp_path: Path) -> None:
    """Port 0 takes a free one and says which; after SIGINT the command ends well."""
    server = subprocess.Popen(
        [sys.executable, "-m", "castwright", "serve-offline", "--port", "0"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        announced = [server.stdout.readline() for _ in range(6)]
        url = re.search(r"http://127\.0\.0\.1:\d+/v1", announced[0])
        assert url
        assert yaml.safe_load("".join(announced[2:]))["model"]["base_url"] == url[0]
        client = openai.OpenAI(base_url=url[0], api_key="none", max_retries=0)
        messages: Any = [{"role": "user", "content": "Hello, who are you?"}]
        answer = client.chat.completions.create(model="offline", messages=messages)
        assert answer.choices[0].message.content
        started = time.monotonic()
        server.send_signal(signal.SIGINT)
        _, complaints = server.communicate(timeout=20)
    finally:
        server.kill()
    assert server.returncode == 0
    assert time.monotonic() - started < 10
    assert complaints == ""


def test_help_names_every_command_and_each_has_a_page(here: Command, tmp_path: Path) -> None:
    """The commands of the page are those that exist; asking for one costs no model library."""
    assert {
        command.name or command.callback.__name__ for command in cli.app.registered_commands if command.callback
    } == set(COMMANDS)
    page = worked(castwright(tmp_path, "--help"))
    assert all(f" {command} " in page for command in COMMANDS)
    for command in COMMANDS:
        assert "Usage: " in worked(here(tmp_path, command, "--help"))


GOOD = '{"question": "What do you do all day?"}\n'
ERRORS: dict[str, tuple[dict[str, Any], dict[str, str], list[str]]] = {
    "a wrong key": ({"peronas": {}}, {}, ["tiny.yaml:", "unknown key 'peronas'", "did you mean 'personas'"]),
    "an unknown model kind": ({"model": {"kind": "opnai"}}, {}, ["tiny.yaml:", "unknown kind 'opnai'", "'openai'"]),
    "a missing source file": (
        {"questions": {"kind": "table", "path": "question.jsonl"}},
        {"questions.jsonl": GOOD},
        ["question.jsonl"],
    ),
    "a source of malformed lines": (
        {"questions": {"kind": "table", "path": "q.jsonl"}},
        {"q.jsonl": "{broken\n[1\n"},
        ["q.jsonl", ":1"],
    ),
    "an empty source": ({"questions": {"kind": "table", "path": "q.csv"}}, {"q.csv": ""}, ["q.csv", "empty"]),
    "a wrong column": (
        {"questions": {"kind": "table", "path": "q.jsonl", "columns": {"question": "qestion"}}},
        {"q.jsonl": GOOD},
        ["q.jsonl", "'qestion'", "'question'"],
    ),
}
MORE_ERRORS: dict[str, tuple[dict[str, Any], dict[str, str], list[str]]] = {
    "an unknown stage": ({"stages": ["persona_card"]}, {}, ["unknown stage", "'persona_cards'"]),
    "an unknown filter": ({"curate": {"filters": [{"name": "lenth"}]}}, {}, ["tiny.yaml:", "'length'"]),
    "a source of a header alone": (
        {"questions": {"kind": "table", "path": "q.csv"}},
        {"q.csv": "question\n"},
        ["q.csv"],
    ),
    "a wrong field": (
        {"questions": {"kind": "table", "path": "q.jsonl", "columns": {"qestion": "question"}}},
        {"q.jsonl": GOOD},
        ["'qestion'", "did you mean 'question'"],
    ),
    "a source without the column": (
        {"sft": {"kind": "table", "path": "q.jsonl"}, "stages": ["persona_cards", "contrastive_pairs"]},
        {"q.jsonl": GOOD},
        ["q.jsonl", "'answer'"],
    ),
    "a file of an unknown format": (
        {"questions": {"kind": "table", "path": "q.docx"}},
        {"q.docx": "x"},
        ["q.docx", ".jsonl"],
    ),
    "a rewriter that is none": (
        {
            "rewriter_training": {"checkpoint": "nowhere"},
            "stages": ["persona_cards", "style_rewriter", "rewriter_training", "persona_responses"],
        },
        {},
        ["nowhere"],
    ),
}


@pytest.fixture
def begun(made: Path, tmp_path: Path) -> Path:
    """Return a folder whose run has its cards already, so that an error later on is reached at once."""
    shutil.copytree(made / "runs" / "tiny" / "persona_cards", tmp_path / "runs" / "tiny" / "persona_cards")
    return tmp_path


@pytest.mark.parametrize(("changes", "files", "said"), ERRORS.values(), ids=ERRORS.keys())
def test_a_user_s_error_is_one_line_and_exit_code_2(
    begun: Path, changes: dict[str, Any], files: dict[str, str], said: list[str]
) -> None:
    """The line holds the value, where it stood and what to do; there is no traceback."""
    user_s_error(castwright, begun, changes, files, said)


@pytest.mark.parametrize(("changes", "files", "said"), MORE_ERRORS.values(), ids=MORE_ERRORS.keys())
def test_any_other_user_s_error_ends_alike(
    here: Command, begun: Path, changes: dict[str, Any], files: dict[str, str], said: list[str]
) -> None:
    """Less common errors, through the same entry point in this process."""
    user_s_error(here, begun, changes, files, said)


def user_s_error(
    command: Command, folder: Path, changes: dict[str, Any], files: dict[str, str], said: list[str]
) -> None:
    """Run a recipe with an error in it, and look for the words in the one line that comes of it."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    write_recipe(folder, **{"stages": ["persona_cards", "seed_examples"], **changes})
    line = refused(command(folder, "run", "tiny.yaml"))
    for words in said:
        assert words in line


ARGUMENTS = {
    "a missing recipe": (["run", "tinny.yaml"], ["tinny.yaml", "did you mean 'tiny.yaml'"]),
    "a wrong --set": (["run", "tiny.yaml", "--set", "personas.cout=3"], ["did you mean 'count'"]),
    "a --set that is no assignment": (["stages", "tiny.yaml", "--set", "personas"], ["key=value"]),
    "an unknown stage to --force": (["run", "tiny.yaml", "--force", "curat"], ["did you mean 'curate'"]),
    "a row that is not there": (["why", "r-00"], ["no row 'r-00'"]),
    "a run that is not there": (["why", "r-00", "--out", "nowhere"], ["no run at nowhere"]),
    "pairs that are not there": (["train-rewriter", "nowhere.jsonl"], ["nowhere.jsonl"]),
    "a name that is no name": (["new", "my cast!"], ["name"]),
}


@pytest.mark.parametrize(("arguments", "said"), ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_a_wrong_argument_is_one_line_and_exit_code_2(
    here: Command, made: Path, arguments: list[str], said: list[str]
) -> None:
    """Whatever the command, an error that a user can mend looks the same."""
    line = refused(here(made, *arguments))
    for words in said:
        assert words in line


def test_a_malformed_line_among_good_ones_is_counted_and_the_run_goes_on(begun: Path) -> None:
    """It is reported by kind, and stands in the rejects with file and line."""
    (begun / "q.jsonl").write_text(GOOD + "{broken\n", encoding="utf-8")
    stages = ["persona_cards", "seed_examples"]
    write_recipe(begun, stages=stages, questions={"kind": "table", "path": "q.jsonl"})
    said = worked(castwright(begun, "run", "tiny.yaml"))
    assert "1 records kept aside" in said
    assert re.search(r"^ +1  source: ", said, re.MULTILINE)
    rejected = pl.read_parquet(begun / "runs" / "tiny" / "seed_examples" / "rejected" / "*.parquet")
    assert "q.jsonl:2" in rejected["reason"][0]
