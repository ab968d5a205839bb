"""distilabel's variant of the model-call benchmark: its own LLM and task, run by its own engine.

Its client has no limit but the batch: a batch is asked at once and waited for, so the batch size is the number of
calls in flight. Cache off, in a folder of its own.
"""

# distilabel has no type hints, so to mypy its pipeline is Any
# mypy: disable-error-code="misc"

from __future__ import annotations

from typing import Any

from calls_job import Job
from calls_rows import MODEL
from distilabel.models.llms import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration
from engine import Ready


class TimedPipeline(Pipeline):
    """distilabel's pipeline, which also says when the first batch of its last step is back."""

    job: Job

    def _process_batch(self, batch: Any, *arguments: Any, **settings: Any) -> None:
        if batch.step_name in self.dag.leaf_steps:
            self.job.first_row()
        super()._process_batch(batch, *arguments, **settings)


def distilabel(job: Job) -> Ready:
    """`LoadDataFromDicts` and `TextGeneration` over `OpenAILLM`, both at batches of `in_flight`."""
    with TimedPipeline(name="benchmark", cache_dir=job.scratch / "distilabel") as pipeline:
        llm = OpenAILLM(model=MODEL, base_url=job.url, api_key="none")
        load = LoadDataFromDicts(data=job.rows, batch_size=job.in_flight)
        load >> TextGeneration(llm=llm, input_batch_size=job.in_flight)
    pipeline.job = job
    pipeline.dag.validate()  # its first time imports half of scipy, which is no part of a call
    return Ready(
        lambda: pipeline.run(use_cache=False)["default"]["train"],
        lambda made: [{"n": row["n"], "reply": row["generation"]} for row in made],
    )
