"""The four trivial steps of the engine benchmark, as distilabel steps.

They do next to nothing on purpose: what is measured is the engine around them. A module of their own because
distilabel's engine pickles steps by module name, and because only two of the variants should pay for
importing distilabel.
"""

# distilabel has no type hints, so to mypy a step is a subclass of Any
# mypy: disable-error-code="misc"

from typing import Any

from distilabel.steps import Step, StepInput
from distilabel.typing import StepOutput
from engine import LONG


class AddColumn(Step):
    """Adds `double`, twice `n`."""

    @property
    def inputs(self) -> list[str]:
        return ["n"]

    @property
    def outputs(self) -> list[str]:
        return ["double"]

    def process(self, inputs: StepInput) -> StepOutput:
        """Yield the rows with the column."""
        yield [{**row, "double": row["n"] * 2} for row in inputs]


class ChangeText(Step):
    """Puts `text` into capitals."""

    @property
    def inputs(self) -> list[str]:
        return ["text"]

    @property
    def outputs(self) -> list[str]:
        return ["text"]

    def process(self, inputs: StepInput) -> StepOutput:
        """Yield the rows with the changed text."""
        yield [{**row, "text": row["text"].upper()} for row in inputs]


class AddLength(Step):
    """Adds `length`, the characters of `text`."""

    @property
    def inputs(self) -> list[str]:
        return ["text"]

    @property
    def outputs(self) -> list[str]:
        return ["length"]

    def process(self, inputs: StepInput) -> StepOutput:
        """Yield the rows with the length."""
        yield [{**row, "length": len(row["text"])} for row in inputs]


class AddTag(Step):
    """Adds `tag`: "long" or "short", by `length`."""

    @property
    def inputs(self) -> list[str]:
        return ["length"]

    @property
    def outputs(self) -> list[str]:
        return ["tag"]

    def process(self, inputs: StepInput) -> StepOutput:
        """Yield the rows with the tag."""
        yield [{**row, "tag": "long" if row["length"] > LONG else "short"} for row in inputs]


def four_steps(**settings: Any) -> list[Step]:
    """Return the steps, each with the same settings."""
    kinds = (AddColumn, ChangeText, AddLength, AddTag)
    return [kind(name=f"step_{place}", **settings) for place, kind in enumerate(kinds)]
