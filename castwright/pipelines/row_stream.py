"""The two ends of a graph whose rows are never all in memory: a step that draws them, one that hands them over.

Both are plain distilabel steps, so a graph between them is any graph, and the executor knows nothing of streams: its
edges hold few rows, so rows are drawn as fast as they are handed over. No model waits at the end of a block.
(Rejected: a run per block, where every block ends with its slowest reply and a checkpoint is loaded for each; rows
handed to a sink by the executor, which then has two ways to end a run.)

No `from __future__ import annotations` here: distilabel looks for the `StepInput` annotation of `process` at run time.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from typing import Any

from distilabel.constants import STEP_ATTR_NAME
from distilabel.pipeline import Pipeline
from distilabel.steps import GeneratorStep, Step, StepInput
from distilabel.typing import GeneratorStepOutput, StepOutput
from pydantic import Field

from castwright.pipelines.load import LoadRows
from castwright.pipelines.streams import Row

HAND_OVER = "hand_over"


class RowStream:
    """Rows that can be read once, in order; `columns` are those of the first, and all have the same."""

    def __init__(self, rows: Iterable[Row]) -> None:
        remaining = iter(rows)
        first = list(islice(remaining, 1))
        self.columns = list(first[0]) if first else []
        self.rows = chain(first, remaining)


class StreamRows(GeneratorStep):
    """Gives the rows of a `RowStream`, in order, reading on only as they are taken."""

    stream: Any = Field(exclude=True, repr=False)
    batch_size: int = 500

    @property
    def outputs(self) -> list[str]:
        return list(self.stream.columns)

    def process(self, offset: int = 0) -> GeneratorStepOutput:
        """Yield the rows, `batch_size` at a time; the last batch is an empty one."""
        while batch := list(islice(self.stream.rows, self.batch_size)):
            yield batch, False
        yield [], True


class HandOver(Step):
    """Gives rows, in order and batch by batch, to the function `take`, and none to any step behind it."""

    take: Any = Field(exclude=True, repr=False)

    def process(self, inputs: StepInput) -> StepOutput:
        """Call `take` with a batch and yield nothing of it."""
        take: Callable[[list[Row]], None] = self.take
        take(inputs)
        yield []


def load_step(rows: Sequence[Row] | RowStream) -> GeneratorStep:
    """Return the step that a graph begins with, for rows in memory or a stream of them."""
    return StreamRows(stream=rows) if isinstance(rows, RowStream) else LoadRows(rows=list(rows))


def last_step(pipeline: Pipeline) -> Any:
    """Return the only step of a graph that no other follows, for a further one to be put behind it.

    Not by `dag.leaf_steps`, which is looked up once and would name this step for good.
    """
    dag = pipeline.dag
    (name,) = (name for name in dag if not list(dag.get_step_successors(name)))
    return dag.get_step(name)[STEP_ATTR_NAME]
