"""The stages there are, in the order in which they depend on each other."""

from __future__ import annotations

from castwright.pipelines.contrastive_pairs import STAGE as CONTRASTIVE_PAIRS
from castwright.pipelines.curate import STAGE as CURATE
from castwright.pipelines.dialogues import STAGE as DIALOGUES
from castwright.pipelines.export import STAGE as EXPORT
from castwright.pipelines.instruction_pretraining import STAGE as INSTRUCTION_PRETRAINING
from castwright.pipelines.persona_cards import STAGE as PERSONA_CARDS
from castwright.pipelines.persona_responses import STAGE as PERSONA_RESPONSES
from castwright.pipelines.preference_pairs import STAGE as PREFERENCE_PAIRS
from castwright.pipelines.rewriter_training import STAGE as REWRITER_TRAINING
from castwright.pipelines.seed_examples import STAGE as SEED_EXAMPLES
from castwright.pipelines.stage import Stage
from castwright.pipelines.style_rewriter import STAGE as STYLE_REWRITER

STAGE_BY_NAME: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        PERSONA_CARDS,
        SEED_EXAMPLES,
        STYLE_REWRITER,
        REWRITER_TRAINING,
        PERSONA_RESPONSES,
        CONTRASTIVE_PAIRS,
        DIALOGUES,
        PREFERENCE_PAIRS,
        INSTRUCTION_PRETRAINING,
        CURATE,
        EXPORT,
    )
}
