"""What makes a chat turn and its formal rewrite a style pair (NGENT 4.2.1: (c', c)).

The formal side must be a rewrite (not a copy, not an answer), say the same, keep what must survive, and really
be more formal. A bad pair teaches the style rewriter to lose facts, so the checks are strict and name the loss.
"""

from typing import Any

from distilabel.steps import Step, StepInput
from distilabel.typing import StepOutput

from castwright.filters.formality import formality_scores
from castwright.filters.preservation import lost_content
from castwright.filters.row_similarity import row_similarities


def style_pair_reason(
    formal: str,
    casual: str,
    *,
    similarity: float,
    gain: float,
    min_similarity: float = 0.6,
    min_formality_gain: float = 0.02,
) -> str:
    """Return why (formal, casual) is no style pair, or "" when it is one.

    `similarity` is the cosine of the two, `gain` the formality of the formal side less that of the casual side.
    """
    if not formal.strip():
        return "the rewrite is empty"
    if formal.strip() == casual.strip():
        return "the rewrite is a copy"
    if (lost := lost_content(casual, formal)) is not None:
        return lost
    if gain < min_formality_gain:
        return f"formality rises by {gain:.2f}, less than {min_formality_gain:.2f}"
    if similarity < min_similarity:
        return f"similarity {similarity:.2f}, less than {min_similarity:.2f}"
    return ""


class CheckStylePair(Step):
    """Adds both formalities, the similarity and a verdict to rows with `formal` and `casual`."""

    embeddings: str = "offline"
    input_batch_size: int = 512
    min_similarity: float = 0.6
    min_formality_gain: float = 0.02

    @property
    def inputs(self) -> list[str]:
        return ["formal", "casual", "verdict"]

    @property
    def outputs(self) -> list[str]:
        return ["formality_formal", "formality_casual", "similarity", "verdict", "filter", "reason", "score"]

    def process(self, inputs: StepInput) -> StepOutput:
        """Yield the rows with their scores; rows already dropped keep their reason and get no scores."""
        cosines = row_similarities(
            inputs, "formal", "casual", self.embeddings, where=lambda row: row["verdict"] != "drop"
        )
        judged = [row for row, cosine in zip(inputs, cosines, strict=True) if cosine is not None]
        formal, casual = (formality_scores([row[side] for row in judged]) for side in ("formal", "casual"))
        scores = iter(zip(formal.round(4).tolist(), casual.round(4).tolist(), strict=True))
        yield [
            self._judge(row, cosine, next(scores) if cosine is not None else None)
            for row, cosine in zip(inputs, cosines, strict=True)
        ]

    def _judge(
        self, row: dict[str, Any], similarity: float | None, formalities: tuple[float, float] | None
    ) -> dict[str, Any]:
        scores: dict[str, Any] = {
            "formality_formal": None,
            "formality_casual": None,
            "similarity": None,
            "score": None,
        }
        if similarity is None or formalities is None:
            return {**row, **scores}
        formal, casual = formalities
        reason = style_pair_reason(
            row["formal"],
            row["casual"],
            similarity=similarity,
            gain=formal - casual,
            min_similarity=self.min_similarity,
            min_formality_gain=self.min_formality_gain,
        )
        return {
            **row,
            "formality_formal": formal,
            "formality_casual": casual,
            "similarity": similarity,
            "score": similarity,
            "verdict": "drop" if reason else "keep",
            "filter": "style_pair" if reason else "",
            "reason": reason,
        }
