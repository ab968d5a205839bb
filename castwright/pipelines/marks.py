"""What a stage that stands was made from, beyond its own recipe: other runs, and the settings that came last.

A fingerprint covers everything that determines a stage's rows. A stage that builds on other runs is determined by
what these hold too; and a stage that looks at all its rows in the end has settings that decide only that last look.
The rows' own mark leaves these out: where it is the same, rows that stand can be judged anew.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from castwright.pipelines.checkpoint import read_manifest
from castwright.pipelines.fingerprint import fingerprint
from castwright.pipelines.stage import Context, Stage


def stage_mark(stage: Stage, context: Context) -> str:
    """Return the SHA-256 of everything that determines a stage's rows, other runs among it.

    Raises:
        RecipeError: another run cannot be used.
    """
    own = fingerprint(stage, context)
    others = stage.others(context)
    if not others:
        return own
    manifests = [read_manifest(folder) for folder in others]
    digests = [manifest.digest if manifest else "" for manifest in manifests]
    return hashlib.sha256(json.dumps([own, *digests]).encode()).hexdigest()


def rows_mark(stage: Stage, context: Context) -> str:
    """Return the mark of a stage as its `late` settings were at their defaults."""
    recipe = context.recipe
    for dotted in stage.late:
        section_name, key = dotted.split(".")
        section = getattr(recipe, section_name)
        plain = section.model_copy(update={key: type(section).model_fields[key].default})
        recipe = recipe.model_copy(update={section_name: plain})
    return stage_mark(stage, replace(context, recipe=recipe))
