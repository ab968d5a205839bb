"""The gate behind the style rewriter: a rewrite replaces the raw response only where it keeps the content.

A refused rewrite drops nothing: the raw response stays, and the row says why.
"""

from typing import Any

from distilabel.steps import Step, StepInput
from distilabel.typing import StepOutput

from castwright.filters.preservation import preservation_verdict
from castwright.filters.row_similarity import row_similarities


class AcceptRewrite(Step):
    """Turns `raw_response` and `rewrite_candidate` into `response`, `rewritten` and the refusal's reason."""

    embeddings: str = "offline"
    input_batch_size: int = 512
    min_similarity: float = 0.75

    @property
    def inputs(self) -> list[str]:
        return ["raw_response", "rewrite_candidate", "rewrite_refusal_reason"]

    @property
    def outputs(self) -> list[str]:
        return ["response", "rewritten", "rewrite_refusal_reason", "rewrite_similarity"]

    def process(self, inputs: StepInput) -> StepOutput:
        """Yield the rows with the accepted text; a row without a candidate keeps its raw response."""
        cosines = row_similarities(
            inputs,
            "raw_response",
            "rewrite_candidate",
            self.embeddings,
            where=lambda row: bool(row["rewrite_candidate"]),
        )
        yield [self._judge(row, cosine) for row, cosine in zip(inputs, cosines, strict=True)]

    def _judge(self, row: dict[str, Any], similarity: float | None) -> dict[str, Any]:
        raw, candidate = row["raw_response"], row["rewrite_candidate"]
        if similarity is None:
            return {**row, "response": raw, "rewritten": False, "rewrite_similarity": None}
        verdict = preservation_verdict(raw, candidate, similarity, min_similarity=self.min_similarity)
        return {
            **row,
            "response": candidate if verdict.accepted else raw,
            "rewritten": verdict.accepted,
            "rewrite_refusal_reason": verdict.reason,
            "rewrite_similarity": similarity,
        }
