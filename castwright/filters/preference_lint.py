"""Is it a pair a model can learn from? Length ratio, identity and margin of chosen against rejected.

`margin` is one minus the cosine of the two sides: how far apart they are, from 0 (the same) on. A pair whose
sides are the same teaches nothing; a pair that differs in length alone teaches length.
"""

from typing import Any

from distilabel.steps import Step, StepInput
from distilabel.typing import StepOutput

from castwright.filters.row_similarity import row_similarities


def length_ratio(chosen: str, rejected: str) -> float:
    """Return the words of the rejected side over those of the chosen side (0 when either is empty)."""
    words = len(chosen.split())
    return round(len(rejected.split()) / words, 4) if words else 0.0


def pair_reason(chosen: str, rejected: str, *, max_length_ratio: float = 6.0) -> str:
    """Return why chosen and rejected are no preference pair, or ""."""
    if not rejected.strip():
        return "the rejected side is empty"
    if " ".join(chosen.split()).casefold() == " ".join(rejected.split()).casefold():
        return "both sides are the same text"
    ratio = length_ratio(chosen, rejected)
    if not 1 / max_length_ratio <= ratio <= max_length_ratio:
        return f"length ratio {ratio:.2f}, outside {1 / max_length_ratio:.2f} to {max_length_ratio:.2f}"
    return ""


class LintPreference(Step):
    """Adds `length_ratio`, `similarity`, `margin` and a verdict to rows with `chosen_text` and `rejected_text`."""

    embeddings: str = "offline"
    input_batch_size: int = 512
    max_length_ratio: float = 6.0

    @property
    def inputs(self) -> list[str]:
        return ["chosen_text", "rejected_text", "verdict"]

    @property
    def outputs(self) -> list[str]:
        return ["length_ratio", "similarity", "margin", "verdict", "filter", "reason", "score"]

    def process(self, inputs: StepInput) -> StepOutput:
        """Yield the rows with their measures; rows already dropped keep their reason."""
        cosines = row_similarities(
            inputs,
            "chosen_text",
            "rejected_text",
            self.embeddings,
            where=lambda row: row["verdict"] != "drop",
        )
        yield [self._judge(row, cosine) for row, cosine in zip(inputs, cosines, strict=True)]

    def _judge(self, row: dict[str, Any], similarity: float | None) -> dict[str, Any]:
        if similarity is None:
            return {**row, "length_ratio": None, "similarity": None, "margin": None, "score": None}
        chosen, rejected = row["chosen_text"], row["rejected_text"]
        reason = pair_reason(chosen, rejected, max_length_ratio=self.max_length_ratio)
        return {
            **row,
            "length_ratio": length_ratio(chosen, rejected),
            "similarity": similarity,
            "margin": round(1 - similarity, 4),
            "score": similarity,
            "verdict": "drop" if reason else "keep",
            "filter": "preference_lint" if reason else "",
            "reason": reason,
        }
