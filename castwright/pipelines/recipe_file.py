"""A recipe from a YAML file: read, overridden from the command line, validated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from castwright.errors import RecipeError, nearest
from castwright.generators.criteria import CRITERIA
from castwright.pipelines.recipe import STAGES, Recipe
from castwright.pipelines.recipe_errors import explain, place_of, refused_filter


def read_recipe(path: str | Path, overrides: list[str] | None = None) -> Recipe:
    """Read and validate a recipe; `overrides` are "dotted.key=value" with the value in YAML.

    Raises:
        RecipeError: the file is missing or no YAML mapping, a key is unknown, a value is wrong.
    """
    path = Path(path)
    if not path.is_file():
        near = nearest(path.name, [entry.name for entry in path.parent.glob("*.yaml")]) if path.parent.is_dir() else ""
        raise RecipeError(f"no recipe at {path}{near}; `castwright new {path.stem or 'NAME'}` writes one to start from")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise RecipeError(f"{where}: not valid YAML ({getattr(error, 'problem', error)})") from None
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not UTF-8 at byte {error.start}; save the recipe as UTF-8") from None
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of keys, this is {type(data).__name__}")
    data.setdefault("name", path.stem)
    for override in overrides or []:
        _override(data, override)
    return validate_recipe(data, str(path), _key_lines(path))


def validate_recipe(data: dict[str, Any], where: str = "recipe", lines: dict[str, int] | None = None) -> Recipe:
    """Return the recipe of a mapping.

    Raises:
        RecipeError: with the first wrong key or value, its line where known, and the nearest right key.
    """
    try:
        recipe = Recipe.model_validate(data)
    except ValidationError as error:
        raise RecipeError(explain(error, where, lines or {})) from None
    except RecipeError as error:  # a filter's own check, which does not know where it stands
        raise RecipeError(f"{place_of(refused_filter(data), where, lines or {})}: {error}") from None
    for position, stage in enumerate(recipe.stages):
        if stage not in STAGES:
            place = place_of(["stages", str(position)], where, lines or {})
            raise RecipeError(
                f"{place}: unknown stage {stage!r}{nearest(stage, STAGES)}; stages are {', '.join(STAGES)}"
            )
    for criterion in recipe.preference_pairs.criteria:
        if criterion not in CRITERIA:
            place = place_of(["preference_pairs", "criteria", criterion], where, lines or {})
            raise RecipeError(
                f"{place}: preference_pairs.criteria: unknown criterion {criterion!r}{nearest(criterion, CRITERIA)}"
            )
    return recipe


def _override(data: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise RecipeError(f"--set {override!r}: write it as key=value, for example --set personas.count=500")
    *parents, leaf = key.split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
        if not isinstance(data, dict):
            raise RecipeError(f"--set {override!r}: {parent!r} is not a section of the recipe")
    try:
        data[leaf] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or "no value"
        raise RecipeError(f"--set {key}=...: the value is not valid YAML ({problem}); quote it") from None


def _key_lines(path: Path) -> dict[str, int]:
    """Return dotted key -> line (from 1) of every mapping key and list item in a YAML file.

    Raises:
        RecipeError: a key stands twice; YAML would silently take the last.
    """
    lines: dict[str, int] = {}

    def walk(node: yaml.Node | None, prefix: str) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                name = f"{prefix}{key.value}"
                if name in lines:
                    raise RecipeError(
                        f"{path}:{key.start_mark.line + 1}: the key {name!r} stands twice "
                        f"(first in line {lines[name]}); keep one"
                    )
                lines[name] = key.start_mark.line + 1
                walk(value, f"{name}.")
        elif isinstance(node, yaml.SequenceNode):
            for position, value in enumerate(node.value):
                lines[f"{prefix}{position}"] = value.start_mark.line + 1
                walk(value, f"{prefix}{position}.")

    walk(yaml.compose(path.read_text(encoding="utf-8")), "")
    return lines
