"""What is wrong with a recipe, in one line: file and line, the key, and the nearest right one.

pydantic says what is wrong with data; a user has a file. A value of a model block is never repeated, because
it may be a key that somebody pasted there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from castwright.errors import RecipeError, nearest
from castwright.pipelines.recipe import Curate, Recipe

_MAY_BE_A_SECRET = re.compile(r"^(sk-|hf_|gsk_|AIza|xai-|Bearer)|[=:\s]|.{25}")
_MODEL_KEYS = {"model", "ask_model"}
_TAGS = {"offline", "openai", "transformers", "bundled", "table", "grid", "hub", "text"}


def place_of(path: Sequence[str], where: str, lines: dict[str, int]) -> str:
    """Return "file:line" of a key, or of the nearest section around it whose line is known."""
    for end in range(len(path), 0, -1):
        line = lines.get(".".join(path[:end]))
        if line:
            return f"{where}:{line}"
    return where


def explain(error: ValidationError, where: str, lines: dict[str, int]) -> str:
    """Return one line for the first wrong key or value: its place, what is wrong, and the nearest right one."""
    errors = error.errors(include_url=False)
    # a misspelled key that is required is missing too: the misspelling is what helps
    first = next((found for found in errors if found["type"] == "extra_forbidden"), errors[0])
    path = [str(part) for part in first["loc"]]
    # pydantic puts the tag of a union's member into the path; a recipe's keys go by the same words only as the last
    shown = [part for part in path[:-1] if part not in _TAGS] + path[-1:]
    place = place_of(shown, where, lines)
    in_model = not _MODEL_KEYS.isdisjoint(path)
    if in_model and _MAY_BE_A_SECRET.search(path[-1]):
        return f"{place}: {'.'.join(shown[:-1])}: a key of this block is no word; write each as `key: value`"
    key = ".".join(shown)
    if first["type"] == "extra_forbidden":
        return f"{place}: unknown key {key!r}{nearest(path[-1], _known_keys(path[:-1]))}"
    if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
        context = first.get("ctx", {})
        kinds = [get_args(model.model_fields["kind"].annotation)[0] for model in _models_at(path)]
        expected = ", ".join(kinds)
        tag = str(context.get("tag", ""))
        if not tag:
            return f"{place}: {key}: it needs a `kind`; kinds are {expected}"
        said = "unknown kind" if in_model and _MAY_BE_A_SECRET.search(tag) else f"unknown kind {tag!r}"
        return f"{place}: {key}: {said}{nearest(tag, kinds)}; kinds are {expected}"
    # a model block's value may be a key somebody pasted: it is never repeated
    got = "" if in_model or first["type"] == "missing" else f" (got {first.get('input')!r})"
    return f"{place}: {key or 'recipe'}: {first['msg']}{got}"


def _known_keys(path: list[str]) -> list[str]:
    """Return the keys that may stand at a place of the recipe."""
    return sorted({name for model in _models_at(path) for name in model.model_fields})


def _models_at(path: list[str]) -> list[type[BaseModel]]:
    """Return the models that a place of the recipe may hold: several where it is a union."""
    candidates: list[type[BaseModel]] = [Recipe]
    for part in path:
        if part.isdigit() or part in _TAGS:
            continue
        following: list[type[BaseModel]] = []
        for model in candidates:
            if part in model.model_fields:
                following += _models_in(model.model_fields[part].annotation)
        candidates = following or candidates
    return candidates


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in _models_in(argument)]


def refused_filter(data: dict[str, Any]) -> list[str]:
    """Return the path of the first filter of a recipe that is refused."""
    path = ["curate", "filters"]
    for position, spec in enumerate(data["curate"]["filters"]):
        try:
            Curate.model_validate({"filters": [spec]})
        except (RecipeError, ValidationError):
            return [*path, str(position), "name"]
    return path
