"""The style rewriter inside a graph: proposes a rewrite for the rows that ask for one."""

from collections.abc import Callable
from typing import Any

from distilabel.steps import Step, StepInput
from distilabel.typing import StepOutput
from pydantic import Field, PrivateAttr


class StyleRewrite(Step):
    """Adds `rewrite_candidate` to rows with `raw_response` and `rewrite` (whether to try).

    `checkpoint` is a trained rewriter; "" proposes nothing. `gate(before, after)` names what a sentence's
    rewrite lost, or None: such a sentence stays as it was. A row without a candidate says why in
    `rewrite_refusal_reason`. Whether a candidate is taken is decided by the step that follows.
    """

    checkpoint: str = ""
    gate: Callable[[str, str], str | None] | None = Field(default=None, exclude=True, repr=False)
    input_batch_size: int = 512

    _rewriter: Any = PrivateAttr(default=None)

    @property
    def inputs(self) -> list[str]:
        return ["raw_response", "rewrite", "verdict"]

    @property
    def outputs(self) -> list[str]:
        return ["rewrite_candidate", "rewrite_refusal_reason"]

    def load(self) -> None:
        """Load the checkpoint.

        Raises:
            ModelError: it is not there, or not a rewriter.
        """
        super().load()
        if self.checkpoint and self._rewriter is None:
            from castwright.generators.rewriter.model import Rewriter

            self._rewriter = Rewriter.load(self.checkpoint, gate=self.gate)

    def process(self, inputs: StepInput) -> StepOutput:
        """Yield the rows with their candidates; one batch of texts goes through the model at once."""
        wanted = [row for row in inputs if not self._refusal(row)]
        texts = [row["raw_response"] for row in wanted]
        rewritten = dict(zip(texts, self._rewriter.rewrite(texts), strict=True)) if wanted else {}
        yield [
            {
                **row,
                "rewrite_candidate": "" if (refusal := self._refusal(row)) else rewritten[row["raw_response"]],
                "rewrite_refusal_reason": refusal,
            }
            for row in inputs
        ]

    def _refusal(self, row: dict[str, Any]) -> str:
        if row["verdict"] == "drop":
            return "there is no response"
        if not row["rewrite"]:
            return "not asked for: only modern personas are rewritten"
        return "" if self._rewriter is not None else "no style rewriter"
