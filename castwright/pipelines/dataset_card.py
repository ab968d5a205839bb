"""The dataset card: YAML the Hub reads, and a page that says how the data was made, dropped and licensed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from castwright import __version__
from castwright.generators.models.load import model_label
from castwright.pipelines.card_measures import measure_lines
from castwright.pipelines.checkpoint import read_manifest
from castwright.pipelines.data_set import Config, DataSet, StoredConfig
from castwright.pipelines.recipe import BundledRows
from castwright.pipelines.spending import money
from castwright.pipelines.stage import Context
from castwright.pipelines.table_files import part_files

_BUNDLED_LICENCE = "cc0-1.0"
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
_READS: dict[str, tuple[str, ...]] = {
    "personas": ("personas",),
    "seed_examples": ("personas", "questions"),
    "style_pairs": ("chat",),
    "sft": ("personas", "questions", "sft", "chat"),
    "preference_pairs": ("personas", "questions", "chat"),
    "instruction_pretraining": ("scripts",),
}
_STAGES: dict[str, tuple[str, ...]] = {
    "personas": ("persona_cards",),
    "seed_examples": ("persona_cards", "seed_examples"),
    "style_pairs": ("style_rewriter",),
    "sft": (
        "persona_cards",
        "seed_examples",
        "style_rewriter",
        "rewriter_training",
        "persona_responses",
        "contrastive_pairs",
        "dialogues",
        "curate",
    ),
    "preference_pairs": (
        "persona_cards",
        "seed_examples",
        "style_rewriter",
        "rewriter_training",
        "persona_responses",
        "dialogues",
        "preference_pairs",
        "curate",
    ),
    "instruction_pretraining": ("instruction_pretraining",),
}
_LIMITS: dict[str, tuple[str, ...]] = {
    "style_pairs": ("The formal side inherits the tics of the model that wrote it.",),
    "sft": ("Contrastive answers are verified by the check named in the row's stage; a check is not a proof.",),
    "preference_pairs": ("A rejected side is written to fail by one criterion; it may fail by others too.",),
    "instruction_pretraining": (
        "Roles are found by layout (`NAME:` or `NAME.` at the start of a line), so what is laid out in another way is "
        "narration, and prose that follows a speech without an empty line counts as part of it.",
        "A speech of several paragraphs is trained on in its first one only.",
    ),
}


def write_card(dataset: DataSet, context: Context, folder: Path) -> None:
    """Write the `README.md` of an exported data set."""
    licences = sources_of(dataset.name, context)
    header = yaml.safe_dump(card_data(dataset, context, licences), sort_keys=False, allow_unicode=True)
    body = _template().render(**_page(dataset, context, licences))
    (folder / "README.md").write_text(f"---\n{header}---\n\n{body.strip()}\n", encoding="utf-8")


def card_data(dataset: DataSet, context: Context, licences: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the YAML block of a card, in the Hub's keys."""
    licence, name = reduce_licences([licence for _, licence in licences], context.recipe.export.licence)
    data: dict[str, Any] = {
        "pretty_name": context.recipe.export.pretty_name or f"{context.recipe.name} {dataset.title}",
        "license": licence,
        "language": card_languages(context) or ["en"],
        "annotations_creators": ["machine-generated"],
        "language_creators": ["machine-generated"],
        "source_datasets": ["original"],
        "task_categories": list(dataset.task_categories),
        "size_categories": [size_category(dataset.count)],
        "tags": ["castwright", "synthetic", *dataset.tags],
        "configs": [_config_entry(config) for config in dataset.configs],
        "dataset_info": [_info_entry(config) for config in dataset.configs],
    }
    if name:
        data["license_name"] = name
    if not dataset.synthetic:
        data |= {"language_creators": ["found"], "tags": ["castwright", *dataset.tags]}
        if not isinstance(context.recipe.scripts, BundledRows):
            del data["language"]  # of a user's scripts nobody said what language they are in
    return data


def _config_entry(config: Config | StoredConfig) -> dict[str, Any]:
    files = [{"split": split, "path": f"{config.name}/{split}.parquet"} for split in config.counts]
    return {"config_name": config.name, "data_files": files}


def _info_entry(config: Config | StoredConfig) -> dict[str, Any]:
    from datasets import Features

    return {
        "config_name": config.name,
        "features": Features.from_arrow_schema(config.schema)._to_yaml_list(),
        "splits": [{"name": split, "num_examples": rows} for split, rows in config.counts.items()],
    }


def size_category(rows: int) -> str:
    """Return the Hub's word for a number of rows."""
    return next((name for bound, name in _SIZES if rows < bound), "10M<n<100M")


def reduce_licences(licences: list[str], given: str | None) -> tuple[str, str | None]:
    """Return the Hub's licence id, and a name when it is "other": the sources' licence if they share one."""
    if given:
        return given.lower(), None
    distinct = sorted({licence.lower() for licence in licences})
    if len(distinct) == 1 and distinct[0] != "unknown":
        return distinct[0], None
    return ("unknown", None) if not distinct or distinct == ["unknown"] else ("other", "; ".join(distinct))


def sources_of(name: str, context: Context) -> list[tuple[str, str]]:
    """Return (source, licence) of everything a data set was made from."""
    found: dict[str, str] = {}
    for part in _READS[name]:
        if part == "personas":
            for dataset, licence in card_sources(context):
                found[f"characters: {dataset or 'unnamed'}"] = licence
            continue
        source = getattr(context.recipe, part)
        if isinstance(source, BundledRows):
            found[f"{part}: castwright-bundled"] = _BUNDLED_LICENCE
        else:
            found[f"{part}: {Path(source.path).name}"] = source.licence
    return sorted(found.items())


def card_languages(context: Context) -> list[str]:
    """Return the languages of the run's persona cards, sorted; only that column is read."""
    languages = _cards(context).select(pl.col("language").unique().drop_nulls().sort())
    return languages.collect().to_series().to_list()


def card_sources(context: Context) -> list[tuple[str, str]]:
    """Return (data set, licence) of the sources of the run's persona cards; only that column is read."""
    source = pl.col("source").struct
    pairs = _cards(context).select(dataset=source.field("dataset"), licence=source.field("licence"))
    last = pairs.group_by("dataset", maintain_order=True).agg(pl.col("licence").last())
    return list(last.collect().iter_rows())


def _cards(context: Context) -> pl.LazyFrame:
    return pl.scan_parquet(part_files(context.folder("persona_cards")))


def _page(dataset: DataSet, context: Context, licences: list[tuple[str, str]]) -> dict[str, Any]:
    funnel, reasons, costs, rewrites, offline = [], [], [], None, False
    measures: list[str] = []
    for stage in _STAGES[dataset.name]:
        manifest = read_manifest(context.folder(stage)) if stage in context.recipe.stages else None
        if manifest is None:
            continue
        calls = getattr(getattr(context.recipe, stage), "model", "none") != "none"
        labels = [model_label(block) for block in context.recipe.models_of(stage)] if calls else []
        offline = offline or "offline" in labels
        funnel.append(
            {
                "stage": stage,
                "model": ", ".join(labels),
                "rows_in": manifest.rows_in,
                "rows_out": manifest.rows_out,
                "dropped": manifest.rows_rejected,
            }
        )
        if manifest.calls.get("asked"):
            costs.append(_cost_line(stage, manifest.calls))
        for name, kinds in manifest.rejected.items():
            reasons += [{"stage": stage, "filter": name, "reason": kind, "rows": n} for kind, n in kinds.items()]
        if dataset.name == "personas":
            measures = measure_lines(manifest.details)
        if manifest.details.get("rewrites_tried"):
            details = manifest.details
            rewrites = {"tried": details["rewrites_tried"], "accepted": details["rewrites_accepted"]}
    return {
        "run": context.recipe.name,
        "name": dataset.name,
        "title": dataset.title,
        "summary": dataset.summary,
        "version": __version__,
        "offline": offline,
        "counts": [(c.name, split, rows) for c in dataset.configs for split, rows in c.counts.items()],
        "load_from": f"export/{dataset.name}",
        "funnel": funnel,
        "costs": costs,
        "priced": any(line["cost"] for line in costs),
        "reasons": reasons,
        "rewrites": rewrites,
        "measures": measures,
        "sources": licences,
        "limits": _LIMITS.get(dataset.name, ()),
        "synthetic": dataset.synthetic,
        "recipe": _recipe_text(context),
    }


def _cost_line(stage: str, calls: dict[str, Any]) -> dict[str, Any]:
    """Return what the answers of a stage took: nothing here depends on what was paid for before."""
    per_row = calls.get("cost_per_row")
    return {
        "stage": stage,
        "asked": calls["asked"],
        "input_tokens": calls["input_tokens"],
        "output_tokens": calls["output_tokens"],
        "cost": money(calls["cost"]) if "cost" in calls else "",
        "cost_per_row": money(per_row) if per_row is not None else "",
    }


def _recipe_text(context: Context) -> str:
    """Return what the user decided of the data: the recipe without defaults, limits and places on their machine."""
    decided = context.recipe.model_dump(mode="json", exclude_unset=True, exclude={"budget", "journal"})
    data = _without_folders(decided)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True).strip()


def _without_folders(value: Any) -> Any:
    """Return recipe data in which an absolute path is its last part: a card is published, a home folder is not."""
    if isinstance(value, dict):
        return {key: _without_folders(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_folders(item) for item in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value


def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 (a Markdown page, no HTML)
    )
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ")
    return environment.get_template("dataset_card.md.jinja")
