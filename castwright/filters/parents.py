"""A row made from a dropped row is dropped too."""

from collections.abc import Iterable, Sequence
from typing import Any

from distilabel.steps import GlobalStep, StepInput
from distilabel.typing import StepOutput
from pydantic import Field


def follow_parents(children: Sequence[dict[str, Any]], parents: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the children, dropped with reason where their `parent` is a dropped row of `parents`."""
    dropped = {row["row_id"]: row for row in parents if row["verdict"] == "drop"}
    followed = []
    for child in children:
        verdict: dict[str, Any] = {"verdict": "keep", "filter": "", "reason": "", "score": None}
        if (parent := dropped.get(child["parent"])) is not None:
            reason = f"made from {child['parent']}, which {parent['filter']} dropped: {parent['reason']}"
            verdict = {"verdict": "drop", "filter": "follow_parents", "reason": reason, "score": None}
        followed.append({**child, **verdict})
    return followed


class FollowParents(GlobalStep):
    """Adds `children` after the rows it gets, each with the verdict of the row in its `parent` column."""

    children: list[dict[str, Any]] = Field(default_factory=list, exclude=True, repr=False)

    @property
    def inputs(self) -> list[str]:
        return ["row_id", "verdict", "filter", "reason"]

    def process(self, inputs: StepInput) -> StepOutput:
        """Yield the rows, then the children."""
        yield [*inputs, *follow_parents(self.children, inputs)]
