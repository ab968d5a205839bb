"""The persona cards of other runs, which a recipe builds on: `extends` goes on from one, `against` keeps clear of some.

Both need what the other run knows of its duplicates, so a run that has no index of them is refused before any work,
with the remedy. Paths follow the rule of all paths in a recipe: relative to where castwright is started.
"""

from __future__ import annotations

from pathlib import Path

from castwright.errors import RecipeError
from castwright.filters.index_files import CONTENTS
from castwright.pipelines.checkpoint import read_manifest
from castwright.pipelines.stage import Context

STAGE = "persona_cards"
INDEX = "duplicates"
"""The folder, in that of the stage, that holds the index of duplicates."""


def extended_stage(context: Context) -> Path | None:
    """Return the stage of the run whose cards these are added to, or None; a preview shows new cards only.

    Raises:
        RecipeError: there are no finished cards with an index, or they are this run's own.
    """
    run = context.recipe.persona_cards.extends
    if run is None or context.limit is not None:
        return None
    return _stage_of(run, "extends", context)


def compared_stages(context: Context) -> tuple[Path, ...]:
    """Return the stages of the runs whose cards these are compared with and not added to.

    Raises:
        RecipeError: see `extended_stage`.
    """
    if context.limit is not None:
        return ()
    return tuple(_stage_of(run, "against", context) for run in context.recipe.persona_cards.against)


def other_stages(context: Context) -> tuple[Path, ...]:
    """Return the stages of all other runs that the cards depend on.

    Raises:
        RecipeError: see `extended_stage`.
    """
    extended = extended_stage(context)
    return (*([extended] if extended else []), *compared_stages(context))


def _stage_of(run: str, setting: str, context: Context) -> Path:
    where, stage = f"persona_cards.{setting}", Path(run).expanduser() / STAGE
    if read_manifest(stage) is None:
        raise RecipeError(
            f"{where}: no finished persona cards in {run!r}; give the folder of a run, as in runs/<recipe name>"
        )
    if stage.resolve() == context.folder(STAGE).resolve():
        raise RecipeError(f"{where}: {run!r} is the folder of this run itself; write this one to another with --out")
    if not (stage / INDEX / CONTENTS).is_file():
        raise RecipeError(
            f"{where}: {run!r} has no index of duplicates, it was made by an older castwright; run its recipe again "
            "with --force persona_cards (what was answered is in the journal and costs nothing)"
        )
    return stage
