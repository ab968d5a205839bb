"""The command line: each command reads its arguments and calls one function of a room."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from castwright.cli_journal import journal_app

if TYPE_CHECKING:
    from castwright.pipelines.progress import StageProgress
    from castwright.pipelines.recipe import Recipe
    from castwright.pipelines.runner import StageResult

app = typer.Typer(
    help="Turns characters, questions and real chats into persona training data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(journal_app, name="journal")
console = Console()

RecipePath = Annotated[Path, typer.Argument(help="The recipe, a YAML file.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="Change a key: --set personas.count=500.")]
Out = Annotated[Path | None, typer.Option("--out", help="The run's folder (default: runs/<recipe name>).")]
CardFormat = Literal["json", "png", "jsonl"]
CardSpec = Literal["v2", "v3"]


@app.command()
def run(
    recipe: RecipePath,
    out: Out = None,
    overrides: Overrides = None,
    force: Annotated[list[str] | None, typer.Option("--force", help="Run this stage again.")] = None,
) -> None:
    """Make every data set of a recipe; a stage that stands already is not made again."""
    from castwright.pipelines.recipe_file import read_recipe
    from castwright.pipelines.runner import run_recipe

    read = read_recipe(recipe, overrides)
    folder = _out(read, out)
    run_recipe(read, folder, force=force or (), progress=_progress(), on_stage=_say_stage)
    _say_what_was_made(read, folder)


@app.command()
def preview(
    recipe: RecipePath,
    rows: Annotated[int, typer.Option("--rows", "-n", min=1, help="How many rows go into each stage.")] = 3,
    overrides: Overrides = None,
) -> None:
    """Take a few rows through every stage, print them as a person would read them, and say what all will take."""
    from castwright.pipelines.estimate import estimate, sampled
    from castwright.pipelines.estimate_table import estimate_lines, estimate_table
    from castwright.pipelines.preview import readable
    from castwright.pipelines.recipe_file import read_recipe
    from castwright.pipelines.runner import run_recipe
    from castwright.pipelines.stage import Context

    read = read_recipe(recipe, overrides)
    trained = _out(read, None) / "rewriter_training" / "checkpoint"
    if trained.is_dir() and not read.rewriter_training.checkpoint:
        training = read.rewriter_training.model_copy(update={"checkpoint": str(trained)})
        read = read.model_copy(update={"rewriter_training": training})
    small = sampled(read)
    with tempfile.TemporaryDirectory(prefix="castwright-preview-") as scratch:
        results = run_recipe(small, Path(scratch), limit=rows, progress=_progress())
        context = Context(small, Path(scratch), rows)
        for result in results:
            manifest = result.manifest
            console.rule(f"{manifest.stage}: {manifest.rows_in} in, {manifest.rows_out} out")
            if "skipped" in manifest.details:
                console.print(manifest.details["skipped"], highlight=False)
            for rejected in (False, True):
                for row in context.rows(manifest.stage, rejected=rejected)[: rows * 2]:
                    console.print(escape(readable(manifest.stage, row)) + "\n", highlight=False)
        expected = estimate(read, context, [result.manifest for result in results])
    if expected.parts:
        console.rule("what the full run will take")
        console.print(estimate_table(expected))
        for line in estimate_lines(expected, read, rows):
            console.print(line, highlight=False, markup=False)


@app.command()
def stages(recipe: RecipePath, out: Out = None, overrides: Overrides = None) -> None:
    """List a recipe's stages, which of them stand, and what they hold."""
    from castwright.pipelines.checkpoint import read_manifest
    from castwright.pipelines.marks import stage_mark
    from castwright.pipelines.recipe_file import read_recipe
    from castwright.pipelines.runner import plan
    from castwright.pipelines.stage import Context

    read = read_recipe(recipe, overrides)
    context = Context(read, _out(read, out))
    table = Table(box=None, header_style="bold")
    for column in ("stage", "state", "rows in", "rows out", "dropped", "seconds"):
        table.add_column(column, justify="left" if column in ("stage", "state") else "right")
    stale: set[str] = set()
    for stage in plan(read):
        manifest = read_manifest(context.folder(stage.name))
        if manifest is None:
            table.add_row(stage.name, "to do", "", "", "", "")
            stale.add(stage.name)
            continue
        changed = manifest.fingerprint != stage_mark(stage, context) or stale & {*stage.needs, *stage.uses}
        if changed:
            stale.add(stage.name)
        numbers = (manifest.rows_in, manifest.rows_out, manifest.rows_rejected)
        failed = f", {manifest.failed_calls:,} calls to ask again" if manifest.failed_calls else ""
        table.add_row(
            stage.name,
            "changed" if changed else f"done{failed}",
            *map("{:,}".format, numbers),
            f"{manifest.seconds:.1f}",
        )
    console.print(table)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The recipe's name; NAME.yaml is written.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a recipe to start from."""
    from castwright.errors import RecipeError
    from castwright.pipelines.recipe_file import validate_recipe

    stem = Path(name).stem
    validate_recipe({"name": stem}, where=f"name {stem!r}")
    path = Path(name).with_suffix(".yaml")
    if path.exists() and not force:
        raise RecipeError(f"{path} is there already; give another name, or --force to write over it")
    if not path.parent.is_dir():
        raise RecipeError(f"no folder {path.parent} to write {path.name} into; make it first")
    template = (Path(__file__).parent / "pipelines" / "recipe_template.yaml").read_text(encoding="utf-8")
    path.write_text(template.replace("NAME", stem), encoding="utf-8")
    console.print(f"wrote {path}; next: castwright preview {path}", highlight=False, soft_wrap=True)


@app.command()
def why(
    row_id: Annotated[str, typer.Argument(help="A row id from any table of the run or its export.")],
    out: Annotated[Path | None, typer.Option("--out", help="The run's folder (default: the newest in runs/).")] = None,
) -> None:
    """Tell one row's whole story: text, checks and verdict, and everything it was made from."""
    from castwright.pipelines.lineage import curation_of, trace
    from castwright.pipelines.preview import readable

    folder = out or _newest_run()
    for found in trace(folder, row_id):
        console.rule(f"{found.stage}  {found.row['row_id']}  model: {found.row['model'] or 'none'}", align="left")
        console.print(escape(readable(found.stage, found.row)), highlight=False)
        if found.depth == 0 and (verdict := curation_of(folder, found.row["row_id"])):
            said = (
                verdict["verdict"]
                if verdict["verdict"] == "keep"
                else f"drop, by {verdict['filter']}: {verdict['reason']}"
            )
            console.print(f"curation: {escape(said)}", highlight=False)
        console.print(f"made from: {', '.join(found.row['parents'] or [])}\n", highlight=False, soft_wrap=True)


@app.command("train-rewriter")
def train_rewriter_command(
    pairs: Annotated[Path, typer.Argument(help="Style pairs: a table with the columns formal and casual.")],
    out: Annotated[Path, typer.Option("--out", help="Where the checkpoint goes.")] = Path("rewriter"),
    base: Annotated[str | None, typer.Option(help="A base checkpoint by name or path (default: from scratch).")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps (default: by the number of pairs).")] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights and order.")] = 0,
    formal: Annotated[str, typer.Option(help="The column of the formal side.")] = "formal",
    casual: Annotated[str, typer.Option(help="The column of the casual side.")] = "casual",
) -> None:
    """Train a style rewriter on style pairs, from formal to casual."""
    from castwright.filters.preservation import lost_content
    from castwright.generators.rewriter.config import RewriterTraining
    from castwright.generators.rewriter.train import train_rewriter
    from castwright.pipelines.inputs import read_style_pairs

    found, bad = read_style_pairs(pairs, formal, casual)
    for record in bad:
        console.print(f"kept aside: {record.place}: {record.reason}", highlight=False, soft_wrap=True)
    config = RewriterTraining(base=base, max_steps=steps, seed=seed)
    progress = _progress()
    with progress.stage("train-rewriter"):
        report = train_rewriter(
            found,
            out,
            config,
            progress=lambda step, total, _loss: progress.update(step, total),
            gate=lost_content,
        )
    for key, value in report.as_dict().items():
        console.print(f"{key}: {value}", highlight=False)
    console.print(f"wrote {out}", highlight=False, soft_wrap=True)


@app.command("serve-offline")
def serve_offline(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port (0: any free one).")] = 8000,
    host: Annotated[str, typer.Option(help="The address to bind.")] = "127.0.0.1",
    latency: Annotated[float, typer.Option(min=0, help="Seconds to wait before each reply.")] = 0.0,
) -> None:
    """Put the offline model behind HTTP, as an OpenAI-compatible server."""
    from castwright.generators.models.server import serve

    serve(host=host, port=port, latency=latency)


@app.command("export-cards")
def export_cards(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or a parquet file of its cards.")],
    out: Annotated[Path, typer.Argument(help="The folder to write; with --format jsonl the file.")],
    form: Annotated[CardFormat, typer.Option("--format", help="A file for each card, or one file of lines.")] = "json",
    spec: Annotated[CardSpec, typer.Option(help="Character Card V2 or V3.")] = "v2",
    image: Annotated[Path | None, typer.Option(help="A PNG for all cards (default: one of plain colour each).")] = None,
) -> None:
    """Write a run's persona cards as character cards for chat programs (Tavern, SillyTavern)."""
    from castwright.errors import SourceError
    from castwright.personas.store import iter_cards
    from castwright.personas.tavern_export import export_tavern

    if image is not None and form != "png":
        raise SourceError(f"--image {image} needs --format png: a {form} card has no picture")
    stage = run_folder / "persona_cards"
    cards = iter_cards(stage if stage.is_dir() else run_folder)
    count = export_tavern(cards, out, form=form, spec=spec, image=image)
    console.print(f"wrote {count:,} cards to {out}", highlight=False, soft_wrap=True)


def _out(recipe: Recipe, out: Path | None) -> Path:
    return out or Path("runs") / recipe.name


def _newest_run() -> Path:
    from castwright.errors import SourceError

    runs = [entry.parent for entry in Path("runs").glob("*/recipe.yaml")]
    if not runs:
        raise SourceError("no run in runs/; give the folder of a run with --out")
    return max(runs, key=lambda folder: (folder / "recipe.yaml").stat().st_mtime)


def _progress() -> StageProgress:
    from castwright.pipelines.progress import LiveProgress, PlainProgress

    return LiveProgress(console) if console.is_terminal else PlainProgress(console)


def _say_stage(result: StageResult) -> None:
    from castwright.pipelines.spending import calls_line

    manifest = result.manifest
    state = "stood already" if result.reused else f"{manifest.seconds:.1f} s"
    rows = f"{manifest.rows_in:>8,} in {manifest.rows_out:>8,} out {manifest.rows_rejected:>7,} dropped"
    console.print(f"{manifest.stage:<24} {rows}  {state}", highlight=False, soft_wrap=True)
    for name, kinds in manifest.rejected.items():
        for kind, count in kinds.items():
            console.print(f"{'':<26}{count:>7,}  {name}: {kind}", style="dim", highlight=False, soft_wrap=True)
    if manifest.calls.get("asked"):
        console.print(f"{'':<26}{calls_line(manifest.calls)}", style="dim", highlight=False, soft_wrap=True)
    if manifest.failed_calls:
        said = f"{manifest.failed_calls:,} calls failed for good; the same command again asks those again"
        console.print(f"{'':<26}{said}", style="yellow", highlight=False, soft_wrap=True)
    details = manifest.details
    if details.get("rewrites_tried"):
        accepted = f"{details['rewrites_accepted']:,} of {details['rewrites_tried']:,} style rewrites accepted"
        console.print(f"{'':<26}{accepted}", style="dim", highlight=False)


def _say_what_was_made(recipe: Recipe, folder: Path) -> None:
    from castwright.pipelines.checkpoint import read_manifest

    manifest = read_manifest(folder / "export")
    if manifest is None:
        return
    console.print(f"\nmade in {folder / 'export'}:", highlight=False, soft_wrap=True)
    for name, count in manifest.details["data_sets"].items():
        console.print(
            f"  {name:<24} {count:>8,} rows   {folder / 'export' / name / 'README.md'}",
            highlight=False,
            soft_wrap=True,
        )
    if recipe.model.kind == "offline":
        console.print(
            "rows marked `model: offline` come from the rule-based stand-in: they show the shape, not the quality",
            style="dim",
            highlight=False,
            soft_wrap=True,
        )
