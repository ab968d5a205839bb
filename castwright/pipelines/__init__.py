"""How data flows: graphs, recipes, the runner, the export.

Every graph is a function that returns a distilabel `Pipeline`; run it with `run_local`, with `Pipeline.run()`,
or let `run_recipe` run all of them from a recipe.
"""

from castwright.pipelines.contrastive_pairs import contrastive_pairs
from castwright.pipelines.curate import curate
from castwright.pipelines.dialogues import dialogues
from castwright.pipelines.executor import LocalRun, run_local
from castwright.pipelines.instruction_pretraining import instruction_pretraining
from castwright.pipelines.load import LoadRows
from castwright.pipelines.persona_cards import character_row, persona_cards
from castwright.pipelines.persona_responses import persona_responses
from castwright.pipelines.preference_pairs import preference_pairs
from castwright.pipelines.recipe import Recipe
from castwright.pipelines.recipe_file import read_recipe
from castwright.pipelines.runner import run_recipe
from castwright.pipelines.seed_examples import seed_examples
from castwright.pipelines.style_rewriter import style_rewriter

__all__ = [
    "LoadRows",
    "LocalRun",
    "Recipe",
    "character_row",
    "contrastive_pairs",
    "curate",
    "dialogues",
    "instruction_pretraining",
    "persona_cards",
    "persona_responses",
    "preference_pairs",
    "read_recipe",
    "run_local",
    "run_recipe",
    "seed_examples",
    "style_rewriter",
]
