"""How the local executor calls a step: a batch of a plain step, or one row of a model-calling step.

A step works row by row when it has a coroutine `generate(row) -> row` (ours), or when it is a distilabel task
on an asynchronous model whose `process` is the standard one, which is here taken apart into one call a row.
Everything else is called with batches. Column mappings are distilabel's own.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from distilabel.models.llms.base import LLM, AsyncLLM
from distilabel.steps.tasks.base import Task
from distilabel.utils.dicts import group_dicts

from castwright.errors import CastwrightError, StepError
from castwright.pipelines.streams import Row

_log = logging.getLogger(__name__)
_EXCERPT = 200


@dataclass(frozen=True, slots=True)
class RowFailure:
    """A request that failed inside a distilabel task: its row went on with None in the task's outputs."""

    step: str
    reason: str
    row: str


def models_of(step: Any) -> list[LLM]:
    """Return the models that a step holds in its fields, whatever the fields are called, each once."""
    held = (getattr(step, name) for name in type(step).model_fields)
    return list({id(llm): llm for llm in held if isinstance(llm, LLM)}.values())


def rows_wanted(step: Any) -> int:
    """Return how many rows the step's models want to have waiting, so that none of their places stays empty."""
    return max((getattr(llm, "rows_wanted", 0) for llm in models_of(step)), default=0)


def process(step: Any, inputs: list[list[Row]]) -> list[Row]:
    """Run one batch of a plain or global step and return all rows it gives (distilabel takes only the first yield)."""
    return [row for rows in step.process_applying_mappings(*inputs) for row in rows]


def row_coroutine(step: Any, failures: list[RowFailure]) -> Callable[[Row], Awaitable[list[Row]]] | None:
    """Return a coroutine function row -> rows for a step that works row by row, or None for any other.

    A failed request of a distilabel task is appended to `failures`.
    """
    if inspect.iscoroutinefunction(getattr(step, "generate", None)):
        work: Callable[[Row], Awaitable[list[Row]]] = _own_row(step)
    elif _is_standard_task(step):
        work = _task_row(step, failures)
    else:
        return None

    async def mapped(row: Row) -> list[Row]:
        try:
            if not (step.input_mappings or step.output_mappings):
                return await work(row)
            (renamed,), (overridden,) = (
                step._apply_input_mappings(([row],)) if step.input_mappings else (([row],), ({},))
            )
            return [step._apply_mappings_and_restore_overriden(made, overridden) for made in await work(renamed[0])]
        except CastwrightError:
            raise
        except Exception as error:
            raise StepError(explain(step, error, f"on row {excerpt(row)}")) from error

    return mapped


def _own_row(step: Any) -> Callable[[Row], Awaitable[list[Row]]]:
    async def work(row: Row) -> list[Row]:
        return [await step.generate(row)]

    return work


def _is_standard_task(step: Any) -> bool:
    return (
        isinstance(step, Task)
        and isinstance(step.llm, AsyncLLM)
        and type(step).process is Task.process
        and not step.is_global
    )


def _task_row(step: Any, failures: list[RowFailure]) -> Callable[[Row], Awaitable[list[Row]]]:
    """Take `Task.process` of distilabel apart: format one row, await the model, format its outputs."""

    async def work(row: Row) -> list[Row]:
        (formatted,) = step._format_inputs([row])
        try:
            (output,) = await step.llm._agenerate(
                inputs=[formatted],
                num_generations=step.num_generations,
                **step.llm.get_generation_kwargs(),
            )
        except CastwrightError:
            raise
        except Exception as error:  # one lost request is one lost row: the run goes on and counts it
            failures.append(RowFailure(step.name, f"{type(error).__name__}: {error}", excerpt(row)))
            _log.warning("step '%s': a request failed (%s); its row goes on empty", step.name, error)
            return [{**made, "model_name": step.llm.model_name} for made in step.impute_step_outputs([row])]
        made = step._format_outputs(output, row)
        if step.group_generations:
            made = [group_dicts(*made)]
        return [{**row, **outputs, "model_name": step.llm.model_name} for outputs in made]

    return work


def find_bad_row(step: Any, inputs: list[list[Row]], start: int) -> str:
    """Return where a batch failed: "on row 17 {...}" when one row alone fails too, else its range of rows."""
    rows = inputs[0]
    span = f"in rows {start} to {start + len(rows) - 1}" if rows else "on an empty input"
    if step.is_global or len(inputs) > 1:
        return span
    for place, row in enumerate(rows):
        try:
            process(step, [[row]])
        except Exception:
            return f"on row {start + place} {excerpt(row)}"
    return span


def explain(step: Any, error: Exception, where: str) -> str:
    """Return one line: the step, its class, where it stood, and what was raised."""
    return f"step '{step.name}' ({type(step).__name__}) failed {where}: {type(error).__name__}: {error}"


def excerpt(row: Row) -> str:
    """Return the row as one short line."""
    text = repr(row)
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}..."


async def close_models(steps: list[Any]) -> None:
    """Close the connections of the steps' models while their event loop still runs."""
    for llm in {id(llm): llm for step in steps for llm in models_of(step)}.values():
        close = getattr(llm, "aclose", None)
        if close is not None:
            await close()


@contextmanager
def loaded(steps: list[Any]) -> Iterator[None]:
    """Load the steps, and unload those that were loaded whatever happens."""
    held: list[Any] = []
    try:
        for step in steps:
            step.load()
            held.append(step)
        yield
    finally:
        for step in held:
            step.unload()
