"""The step that verifies contrastive answers: the strictest check that fits the shape of the answer."""

import json
from dataclasses import asdict
from typing import Any

from distilabel.steps import Step, StepInput
from distilabel.typing import StepOutput

from castwright.filters.agreement import check_agreement
from castwright.filters.row_similarity import row_similarities


class VerifyAnswer(Step):
    """Adds `check` (JSON of method, agreed, detail) and a verdict to rows with both answers."""

    embeddings: str = "offline"
    input_batch_size: int = 512
    min_similarity: float = 0.55

    @property
    def inputs(self) -> list[str]:
        return ["question", "answer", "persona_answer", "verdict"]

    @property
    def outputs(self) -> list[str]:
        return ["check", "verdict", "filter", "reason", "score"]

    def process(self, inputs: StepInput) -> StepOutput:
        """Yield the rows with their check; rows already dropped keep their reason."""
        cosines = row_similarities(
            inputs, "answer", "persona_answer", self.embeddings, where=lambda row: row["verdict"] != "drop"
        )
        yield [self._judge(row, cosine) for row, cosine in zip(inputs, cosines, strict=True)]

    def _judge(self, row: dict[str, Any], similarity: float | None) -> dict[str, Any]:
        if similarity is None:
            return {**row, "check": json.dumps({"method": "", "agreed": False, "detail": ""}), "score": None}
        found = check_agreement(
            row["question"],
            row["answer"],
            row["persona_answer"],
            similarity=similarity,
            min_similarity=self.min_similarity,
        )
        dropped = {"verdict": "drop", "filter": "answer_check", "reason": f"{found.method}: {found.detail}"}
        kept = {"verdict": "keep", "filter": "", "reason": ""}
        check = json.dumps(asdict(found), ensure_ascii=False)
        return {**row, "check": check, "score": similarity, **(kept if found.agreed else dropped)}
