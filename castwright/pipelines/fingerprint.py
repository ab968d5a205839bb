"""What determines a stage's rows, as one digest: when it is the same, the stage that stands is the right one.

It covers castwright's version, the code that makes the rows, the stage's parts of the recipe, its prompts, the
digests of the stages it reads and of the files its sources name. How fast it ran (engine, limits on calls) is
left out, so that a faster machine does not mean paying again.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import castwright
from castwright import __version__
from castwright.filters.run import FilterSpec
from castwright.generators.prompt import load_prompt
from castwright.pipelines.checkpoint import digest_files, read_manifest
from castwright.pipelines.inputs import source_path
from castwright.pipelines.recipe import Recipe
from castwright.pipelines.stage import Context, Stage

_ROOMS = ("castwright.personas", "castwright.generators", "castwright.filters")
_HOW_FAST = {
    "max_in_flight",
    "requests_per_minute",
    "tokens_per_minute",
    "timeout",
    "max_retries",
    "batch",
    "batch_size",
    "device",
    "api_key_env",
}


def fingerprint(stage: Stage, context: Context) -> str:
    """Return the SHA-256 of everything that determines a stage's rows."""
    recipe = context.recipe
    settings = recipe.model_dump(mode="json")
    upstream = {}
    for name in (*stage.needs, *stage.uses):
        manifest = read_manifest(context.folder(name)) if name in recipe.stages else None
        upstream[name] = manifest.digest if manifest else ""
    parts = {
        "version": __version__,
        "code": stage_code(stage),
        "recipe": {key: _setting(settings, key) for key in stage.reads},
        "model": _model_mark(stage, recipe),
        "prompts": {task: load_prompt(task).digest for task in stage.prompts},
        "upstream": upstream,
        "files": digest_files(path for path in map(Path.expanduser, input_files(stage, recipe)) if path.exists()),
        "limit": context.limit,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def stage_code(stage: Stage) -> str:
    """Return a digest of the code that makes a stage's rows: its module, its steps and what these call.

    Followed through the rooms that hold the algorithms (personas, generators, filters), by what each module
    imports at its top; how rows are carried (the other pipelines modules) does not change them.
    """
    function = stage.graph or stage.work
    waiting = [function.__module__] if function else []
    modules: dict[str, Path] = {}
    while waiting:
        name = waiting.pop()
        if name in modules:
            continue
        module = sys.modules[name]
        modules[name] = Path(str(module.__file__))
        owners = {getattr(value, "__module__", None) or "" for value in vars(module).values()}
        waiting += [owner for owner in owners if owner.startswith(_ROOMS) and owner in sys.modules]
    return digest_files(modules.values())


def _model_mark(stage: Stage, recipe: Recipe) -> list[dict[str, Any]]:
    """Return the models a stage asks, without their speed; the offline model is known by its code."""
    if not stage.calls_model:
        return []
    marks = []
    for block in recipe.models_of(stage.name):
        mark = _without_speed(block.model_dump(mode="json"))
        if block.kind == "offline":
            mark["code"] = digest_files([_package("generators/offline")])
        marks.append(mark)
    return marks


def _package(folder: str) -> Path:
    return Path(castwright.__path__[0]) / folder


def input_files(stage: Stage, recipe: Recipe) -> list[Path]:
    """Return the files and folders that a stage's sources read on this machine."""
    files: list[Path] = []
    for part in stage.sources:
        section: Any = getattr(recipe, part)
        if part in ("questions", "chat", "sft", "scripts"):
            files.append(source_path(part, section))
        elif part == "personas":
            for source in section.sources:
                named = [getattr(source, key, None) for key in ("path", "tables", "name", "labels")]
                given = [Path(str(name)) for name in named if name]
                ours = {"bundled": _package("personas/bundled"), "grid": _package("personas/grid")}
                files += given or ([ours[source.kind]] if source.kind in ours else [])
                files += [Path(against) for against in (getattr(source, "against", None),) if against]
        else:
            named = [getattr(section, key, None) for key in ("refined", "checkpoint", "base")]
            files += [Path(str(name)) for name in named if name]
            files += option_files(getattr(section, "filters", ()))
    return files


def option_files(filters: Iterable[FilterSpec]) -> list[Path]:
    """Return the files that filters read: the options whose names end so."""
    options = [option for spec in filters for option in spec.options.items()]
    return [Path(str(value)) for name, value in options if name.endswith("_file") and value]


def _setting(settings: dict[str, Any], dotted: str) -> Any:
    """Return a section of the recipe, or one key of it, with model blocks of its own cut to what counts."""
    value: Any = settings
    for part in dotted.split("."):
        value = value[part]
    if isinstance(value, dict):
        blocks = {name: value[name] for name in ("model", "ask_model") if isinstance(value.get(name), dict)}
        return {**value, **{name: _without_speed(block) for name, block in blocks.items()}}
    return value


def _without_speed(block: dict[str, Any]) -> dict[str, Any]:
    """Return a model block without what only says how fast it is asked."""
    return {key: value for key, value in block.items() if key not in _HOW_FAST}
