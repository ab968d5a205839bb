"""What the pages say is so: their commands and code run, their recipes are valid, their tables leave nothing out.

The pages are read as a newcomer would use them: all commands of README.md, then of docs/, in order and in one folder,
where a block whose fence names a file (```csv characters.csv) is that file. So that this takes seconds,

- `run`, `preview` and `stages` get the overrides `SMALL` appended, `train-rewriter` gets `--steps 3`,
- `ROW_ID` stands for a row id of the run,
- `serve-offline` gets a free port, is asked once and stopped,
- `make` targets are looked up, not made, and `source .venv/bin/activate` is believed.

Any other command fails the test: a page must not show what is not run.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import signal
import subprocess
import sys
import tomllib
import types
import typing
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pydantic import BaseModel

import castwright
from castwright.__main__ import main
from castwright.filters.run import FILTERS, FilterSpec, option_parameters
from castwright.generators.calls.account import Budget
from castwright.generators.calls.usage import Price
from castwright.generators.criteria import CRITERIA
from castwright.generators.models import config as models
from castwright.personas import sources
from castwright.personas.fields import FIELDS
from castwright.pipelines import recipe as recipes
from castwright.pipelines.contracts import LINEAGE, SCHEMAS, VERDICT
from castwright.pipelines.recipe import STAGES, Recipe
from castwright.pipelines.recipe_file import validate_recipe
from castwright.pipelines.stages import STAGE_BY_NAME

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", "docs/recipes.md", "docs/data-sets.md", "docs/calls.md", "docs/compose.md"]
PAGES += ["docs/architecture.md", "docs/dependencies.md", "CHANGELOG.md"]

SMALL = [
    *("--set", "personas.count=12", "--set", "seed_examples.personas=4", "--set", "dialogues.count=3"),
    *("--set", "questions={kind: bundled, limit: 24}", "--set", "chat={kind: bundled, limit: 90}"),
    *("--set", "sft={kind: bundled, limit: 8}", "--set", "scripts={kind: bundled, limit: 2}"),
    *("--set", "rewriter_training={max_steps: 3, width: 32, layers: 1, heads: 2}"),
]
BELIEVED = {"source .venv/bin/activate"}


@dataclass(frozen=True)
class Block:
    """A fenced block: the page, the line of its fence, its language, the file it names, and what stands in it."""

    page: str
    line: int
    language: str
    file: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """The commands: every line of a bash block, the lines after "$ " of a console block."""
        lines = self.text.splitlines()
        if self.language == "bash":
            return [line for line in lines if line.strip()]
        return [line[2:] for line in lines if line.startswith("$ ")] if self.language == "console" else []


@dataclass(frozen=True)
class Ran:
    """A command of a page, with what it gave."""

    block: Block
    command: str
    code: int | None
    output: str


def blocks_of(page: str) -> list[Block]:
    found = []
    pattern = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    text = (ROOT / page).read_text(encoding="utf-8")
    for match in pattern.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(page, line, match[1], match[2] or "", match[3]))
    return found


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def castwright_command(arguments: list[str]) -> tuple[int, str]:
    """Run the command line in this process, so that models are loaded once, and return its exit code and output."""
    said = io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["castwright", *arguments]),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
        pytest.raises(SystemExit) as left,
    ):
        main()
    code = left.value.code
    return (code if isinstance(code, int) else int(code is not None)), said.getvalue()


def made_small(arguments: list[str], folder: Path) -> list[str]:
    """Return the arguments of a command as they are run here (see the top of this module)."""
    if "ROW_ID" in arguments:
        rows = pl.read_parquet(sorted((folder / "runs/mine/persona_responses").glob("*.parquet")))
        return [rows["row_id"][0] if argument == "ROW_ID" else argument for argument in arguments]
    extra = {"run": SMALL, "preview": SMALL, "stages": SMALL, "train-rewriter": ["--steps", "3"]}
    return [*arguments, *extra.get(arguments[0], [])]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the pages are followed."""
    return tmp_path_factory.mktemp("newcomer")


@pytest.fixture(scope="module")
def ran(folder: Path) -> list[Ran]:
    """Return every `castwright` command of the pages but servers, run in order."""
    results = []
    with contextlib.chdir(folder):
        for block in BLOCKS:
            if block.file:
                Path(block.file).write_text(block.text, encoding="utf-8")
            for command in block.commands:
                program, *arguments = shlex.split(command)
                if program == "castwright" and arguments[0] != "serve-offline":
                    results.append(Ran(block, command, *castwright_command(made_small(arguments, folder))))
    return results


def with_language(*languages: str) -> list[Any]:
    return [pytest.param(block, id=str(block)) for block in BLOCKS if block.language in languages]


@pytest.mark.parametrize("page", PAGES)
def test_every_castwright_command_of_a_page_runs(page: str, ran: list[Ran]) -> None:
    """Each command of the page ends with exit code 0 after the commands that stand before it."""
    failed = [f"{here.block}: {here.command}\n{here.output}" for here in ran if here.block.page == page and here.code]
    assert not failed, "\n\n".join(failed)


def test_commands_say_what_the_pages_say_of_them(ran: list[Ran]) -> None:
    """`new` names the file, `run` its data sets, `stages` every stage, `why` the row and what it was made from."""
    said = {result.command.split()[1]: result.output for result in reversed(ran)}
    assert "mine.yaml" in said["new"]
    assert "runs/mine/export/sft/README.md" in said["run"]
    standing = [stage for stage in STAGES if re.search(rf"^ ?{stage} +done", said["stages"], re.MULTILINE)]
    assert standing == list(STAGES), said["stages"]
    assert said["why"].startswith("persona_responses")
    assert "made from:" in said["why"]
    assert "persona_cards" in said["why"]


@pytest.mark.parametrize("block", with_language("bash", "console"))
def test_a_page_shows_no_command_that_is_not_run(block: Block) -> None:
    """Every command is castwright's, a target of the Makefile, or one that is believed."""
    for command in block.commands:
        program, *arguments = shlex.split(command)
        known = program == "castwright" or command in BELIEVED
        assert known or (program == "make" and set(arguments) <= make_targets()), command
    assert block.commands, "a block of commands without a command"


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_named_in_a_page_exist(page: str) -> None:
    """What a page calls `make something` is a target of the Makefile."""
    named = set(re.findall(r"`make ([a-z-]+)", (ROOT / page).read_text(encoding="utf-8")))
    assert named <= make_targets()


def test_the_offline_server_of_the_pages_answers_and_prints_its_model_block() -> None:
    """`serve-offline` starts as written, lists its model, prints a valid block, and stops at Ctrl-C."""
    (command,) = (command for block in BLOCKS for command in block.commands if "serve-offline" in command)
    arguments = re.sub(r"--port \d+", "--port 0", command).split()[1:]
    with subprocess.Popen(  # noqa: S603 (our own command)
        [sys.executable, "-m", "castwright", *arguments], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            said = ""
            while "model: " not in said and (line := server.stdout.readline()):
                said += line
            url = re.search(r"http://127\.0\.0\.1:\d+/v1", said)
            assert url, said
            with urllib.request.urlopen(f"{url[0]}/models", timeout=20) as response:  # noqa: S310 (loopback)
                assert b"offline" in response.read()
        finally:
            server.send_signal(signal.SIGINT)
            said += server.communicate(timeout=20)[0]
    block = yaml.safe_load(said.partition("\n\n")[2])
    assert validate_recipe({"name": "served", **block}).model.kind == "openai"
    assert server.returncode == 0


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.language == "python" for b in blocks_of(page))])
def test_the_python_of_a_page_runs(page: str, folder: Path, ran: list[Ran]) -> None:
    """The Python blocks of a page run in order, in one namespace, beside the run that the commands made."""
    assert ran
    module = types.ModuleType("__main__")
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(said), mock.patch.dict(FILTERS):
        for block in blocks_of(page):
            if block.language == "python":
                exec(compile(block.text, str(block), "exec"), module.__dict__)  # noqa: S102 (our own pages)
    if page == "docs/compose.md":
        assert "5 rows; the same" in said.getvalue()


def test_the_pipeline_to_compose_has_under_forty_lines() -> None:
    """The page promises a new pipeline in little code."""
    first = next(block for block in blocks_of("docs/compose.md") if block.language == "python")
    assert first.text.count("\n") < 40


@pytest.mark.parametrize("block", with_language("yaml"))
def test_a_recipe_in_a_page_is_valid(block: Block) -> None:
    """Each YAML block is a recipe, or sections of one."""
    assert validate_recipe({"name": "page", **yaml.safe_load(block.text)}, str(block))


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    """Each relative link names a file that exists, and a heading that it has."""
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)]+)\)", text):
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.is_file(), target
        headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert not anchor or anchor in slugs, target


def section(page: str, heading: str) -> str:
    """Return the text under a heading, up to the next heading of its level or above."""
    text = (ROOT / page).read_text(encoding="utf-8")
    match = re.search(rf"^(#+) {re.escape(heading)}\n", text, re.MULTILINE)
    assert match, f"{page} has no heading {heading!r}"
    after = text[match.end() :]
    end = re.search(rf"^#{{1,{len(match[1])}}} ", after, re.MULTILINE)
    return after[: end.start()] if end else after


def tables(text: str) -> Iterator[list[list[str]]]:
    """Yield the tables in a text as lists of rows of cells, without their heads."""
    for found in re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE):
        lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in found.strip().splitlines()]
        yield lines[2:]


def codes(text: str) -> list[str]:
    """Return what stands between backticks."""
    return re.findall(r"`([^`\n]+)`", text)


SECTIONS: list[tuple[str, list[type[BaseModel]]]] = [
    ("Top level", [Recipe]),
    ("model", [models.OfflineModel, models.OpenAIModel, models.BatchSettings, models.TransformersModel]),
    ("prices and budget", [Price, Budget]),
    ("personas", [recipes.Personas, *typing.get_args(sources.AnySource)]),
    ("questions, chat, sft, scripts", [recipes.BundledRows, recipes.TableRows, recipes.TextFiles]),
    ("persona_cards", [recipes.PersonaCards]),
    ("seed_examples", [recipes.SeedExamples]),
    ("style_rewriter", [recipes.StyleRewriter]),
    ("rewriter_training", [recipes.TrainingStage]),
    ("persona_responses", [recipes.PersonaResponses]),
    ("contrastive_pairs", [recipes.ContrastivePairs]),
    ("dialogues", [recipes.Dialogues]),
    ("preference_pairs", [recipes.PreferencePairs]),
    ("instruction_pretraining", [recipes.InstructionPretraining]),
    ("curate", [recipes.Curate, FilterSpec]),
    ("export", [recipes.Export]),
]
"""The headings of docs/recipes.md and the models whose keys stand there, a table each, in this order."""


def models_below(model: type[BaseModel]) -> set[type[BaseModel]]:
    """Return a model and every model that stands in its fields, at any depth."""
    found = {model}
    waiting: list[Any] = [field.annotation for field in model.model_fields.values()]
    while waiting:
        annotation = waiting.pop()
        waiting += typing.get_args(annotation)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found |= models_below(annotation)
    return found


def test_every_part_of_a_recipe_has_its_place_in_the_page() -> None:
    """The list above knows all models that a recipe is made of, and no others."""
    assert {model for _, listed in SECTIONS for model in listed} == models_below(Recipe)


KEYS = [
    pytest.param(heading, place, model, id=f"{heading}: {model.__name__}")
    for heading, listed in SECTIONS
    for place, model in enumerate(listed)
]


@pytest.mark.parametrize(("heading", "place", "model"), KEYS)
def test_every_key_of_a_recipe_stands_in_the_page_with_its_default(
    heading: str, place: int, model: type[BaseModel]
) -> None:
    """The table has exactly the keys of the model; a default in code is the model's, "required" is required."""
    rows = list(tables(section("docs/recipes.md", heading)))[place]
    assert sorted(codes(cells[0])[0] for cells in rows) == sorted(model.model_fields)
    samples: dict[str, Any] = {"name": "refusal", "path": "file", "model": "m", "input": 1, "output": 1}
    needed = {
        name: (typing.get_args(field.annotation) or [samples.get(name)])[0] if name == "kind" else samples[name]
        for name, field in model.model_fields.items()
        if field.is_required()
    }
    for key, _, default, *_ in rows:
        name = codes(key)[0]
        field = model.model_fields[name]
        assert field.is_required() == (default == "required"), name
        if not field.is_required() and codes(default):
            written = model.model_validate({**needed, name: yaml.safe_load(codes(default)[0])})
            assert getattr(written, name) == field.get_default(call_default_factory=True), name
        elif not field.is_required():
            assert isinstance(field.get_default(call_default_factory=True), (BaseModel, tuple, dict)), name


def test_the_page_lists_the_stages_with_what_they_need() -> None:
    """The table of stages is `STAGES`, in order, with the needs of each."""
    rows = next(tables(section("docs/recipes.md", "Stages")))
    assert [codes(cells[0])[0] for cells in rows] == list(STAGES)
    assert {codes(cells[0])[0]: set(codes(cells[2])) for cells in rows} == {
        name: set(stage.needs) for name, stage in STAGE_BY_NAME.items()
    }


def test_the_page_lists_the_filters_with_their_options_and_the_criteria() -> None:
    """Filters, options and defaults are those of the functions; criteria and card fields are all named."""
    text = section("docs/recipes.md", "curate")
    listed = {codes(cells[0])[0]: codes(cells[2]) for cells in list(tables(text))[2]}
    assert set(listed) == set(FILTERS)
    for name, options in listed.items():
        parameters = option_parameters(FILTERS[name])
        assert [option.partition(":")[0] for option in options] == list(parameters)
        for option, colon, value in (option.partition(":") for option in options):
            if colon:
                default = parameters[option].default
                written = yaml.safe_load(value)
                assert written == (list(default) if isinstance(default, tuple) else default), f"{name}.{option}"
    assert set(CRITERIA) <= set(codes(section("docs/recipes.md", "preference_pairs")))
    fields = {path.rpartition(".")[2] for path in FIELDS} - {"name", "description"}
    assert fields <= set(codes(section("docs/recipes.md", "personas")))


def test_the_default_filters_in_the_page_are_the_defaults() -> None:
    """The YAML that shows the filters of a recipe without `curate` or `persona_cards` shows just those."""
    shown = [yaml.safe_load(block.text) for block in blocks_of("docs/recipes.md") if "filters:" in block.text]
    assert [list(block) for block in shown] == [["persona_cards"], ["curate"]]
    read = validate_recipe({"name": "page", **shown[0], **shown[1]})
    assert (read.persona_cards, read.curate) == (recipes.PersonaCards(), recipes.Curate())


def columns_of(schema: pa.Schema) -> dict[str, str]:
    """Return column -> type in the page's words ("" for numbers, whose unit the page gives); structs are flattened."""
    words = {
        pa.string(): "text",
        pa.bool_(): "true or false",
        pa.list_(pa.string()): "list of text",
        pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])): "messages",
    }
    columns: dict[str, str] = {}
    for field in schema:
        inner = field.type if pa.types.is_struct(field.type) else []
        parts = {f"{field.name}.{part.name}": part.type for part in inner} or {field.name: field.type}
        columns |= {name: words.get(kind, "") for name, kind in parts.items()}
    return columns


@pytest.mark.parametrize("table", ["Every table", *SCHEMAS])
def test_every_column_of_a_table_stands_in_the_page(table: str) -> None:
    """The page has exactly the columns of the contract, in order, with their types."""
    common = pa.schema([*LINEAGE, *VERDICT])
    wanted = columns_of(common)
    if table != "Every table":
        wanted = {name: kind for name, kind in columns_of(SCHEMAS[table]).items() if name not in common.names}
    rows = next(tables(section("docs/data-sets.md", table)))
    assert [codes(cells[0])[0] for cells in rows] == list(wanted)
    for name, kind, *_ in rows:
        assert wanted[codes(name)[0]] in ("", kind), name


def exported(folder: Path) -> dict[str, dict[str, list[str]]]:
    """Return data set -> configuration -> columns of the run that the pages made."""
    found: dict[str, dict[str, list[str]]] = {}
    for file in sorted((folder / "runs/mine/export").glob("*/*/train.parquet")):
        found.setdefault(file.parts[-3], {})[file.parts[-2]] = pq.read_schema(file).names
    return found


def test_every_exported_column_stands_in_the_page(folder: Path, ran: list[Ran]) -> None:
    """Each data set has a section that names its configurations and columns."""
    assert ran
    common = {"row_id", "parents", "model"}
    cards = {name.partition(".")[0] for name in columns_of(SCHEMAS["personas"])}
    for name, configs in exported(folder).items():
        named = common | set(codes(section("docs/data-sets.md", f"Export: {name}")))
        named |= cards if name == "personas" else set()  # its section refers to the table of cards
        assert set(configs) <= named, name
        assert {column for columns in configs.values() for column in columns} <= named, name


def test_the_readme_lists_the_data_sets_that_a_run_makes(folder: Path, ran: list[Ran]) -> None:
    """The table of what comes out has every data set and configuration, and columns that are there."""
    assert ran
    listed: dict[str, set[str]] = {}
    found = exported(folder)
    for name, configs, columns, *_ in next(tables(section("README.md", "What comes out"))):
        dataset = codes(name)[0]
        listed.setdefault(dataset, set()).update(codes(configs))
        for config in codes(configs):
            assert set(codes(columns)) <= set(found[dataset][config]), (dataset, config)
    assert listed == {name: set(configs) for name, configs in found.items()}


def test_the_page_of_dependencies_is_that_of_the_project() -> None:
    """Each dependency and extra is on the page, and nothing that is no dependency; so is the exact pin."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    stated = [*project["dependencies"], *(package for packages in extras.values() for package in packages)]
    wanted = {re.split(r"[<>=!~\[; ]", package)[0].lower() for package in stated}
    page = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    named = {codes(cells[0])[0].lower() for table in tables(page) for cells in table}
    assert named == wanted
    assert [codes(heading)[0] for heading in re.findall(r"^## Extra (.+)$", page, re.MULTILINE)] == list(extras)
    for pin in codes(section("docs/dependencies.md", "Pins that matter")):
        if "==" in pin:
            assert pin in {*stated, *(ROOT / "constraints.txt").read_text(encoding="utf-8").split()}


def test_the_changelog_has_this_version() -> None:
    """The newest heading is the version of the package."""
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == castwright.__version__
