"""The step that verifies contrastive answers: the strictest check that fits the shape of the answer."""

import json
from dataclasses import asdict
from typing import Any

from distilabel.steps import Step, StepInput
from distilabel.typing import StepOutput

from castwright.filters.agreement import Agreement, check_agreement
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
        """Yield the rows with their check; rows already dropped keep their reason.

        Numbers, letters and code settle themselves; only where facts alone can be compared are the two
        answers embedded.
        """
        strict = [self._check(row, None) if row["verdict"] != "drop" else None for row in inputs]
        by_facts = {id(row) for row, found in zip(inputs, strict, strict=True) if found and _needs_similarity(found)}
        cosines = row_similarities(
            inputs, "answer", "persona_answer", self.embeddings, where=lambda row: id(row) in by_facts
        )
        yield [
            _judged(row, found if cosine is None else self._check(row, cosine), cosine)
            for row, found, cosine in zip(inputs, strict, cosines, strict=True)
        ]

    def _check(self, row: dict[str, Any], similarity: float | None) -> Agreement:
        return check_agreement(
            row["question"],
            row["answer"],
            row["persona_answer"],
            similarity=similarity,
            min_similarity=self.min_similarity,
        )


def _needs_similarity(found: Agreement) -> bool:
    return found.method == "facts" and found.agreed


def _judged(row: dict[str, Any], found: Agreement | None, similarity: float | None) -> dict[str, Any]:
    """Return the row with its check and verdict; `score` is the similarity, None where it was not needed."""
    if found is None:
        return {**row, "check": json.dumps({"method": "", "agreed": False, "detail": ""}), "score": None}
    dropped = {"verdict": "drop", "filter": "answer_check", "reason": f"{found.method}: {found.detail}"}
    kept = {"verdict": "keep", "filter": "", "reason": ""}
    check = json.dumps(asdict(found), ensure_ascii=False)
    return {**row, "check": check, "score": similarity, **(kept if found.agreed else dropped)}
