"""The local executor gives what distilabel's engine gives, and says clearly what went wrong."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from distilabel.models.llms.base import AsyncLLM
from distilabel.pipeline import Pipeline, routing_batch_function
from distilabel.steps import (
    ExpandColumns,
    GlobalStep,
    GroupColumns,
    LoadDataFromDicts,
    Step,
    StepInput,
)
from distilabel.steps.tasks import TextGeneration
from distilabel.typing import StepOutput

from castwright.errors import StepError
from castwright.pipelines.engines import run_graph
from castwright.pipelines.executor import run_local

Rows = list[dict[str, Any]]


class Echo(AsyncLLM):
    """Answers with the prompt upside down; a prompt that holds "fail" raises, as third-party models do."""

    @property
    def model_name(self) -> str:
        return "echo"

    async def agenerate(self, input: Any, num_generations: int = 1) -> Any:  # noqa: A002
        text = input[-1]["content"]
        if "fail" in text:
            raise RuntimeError("the server said no")
        return {
            "generations": [f"{text[::-1]}/{sample}" for sample in range(num_generations)],
            "statistics": {"input_tokens": [1] * num_generations, "output_tokens": [1] * num_generations},
        }


class Tag(Step):
    """Appends its name to the row's trail."""

    @property
    def inputs(self) -> list[str]:
        return ["trail"]

    @property
    def outputs(self) -> list[str]:
        return ["trail"]

    def process(self, inputs: StepInput) -> StepOutput:
        yield [{**row, "trail": f"{row['trail']}>{self.name}"} for row in inputs]


class Count(GlobalStep):
    """Adds how many rows there are in all."""

    @property
    def inputs(self) -> list[str]:
        return ["n"]

    @property
    def outputs(self) -> list[str]:
        return ["total"]

    def process(self, inputs: StepInput) -> StepOutput:
        yield [{**row, "total": len(inputs)} for row in inputs]


class Wait(Step):
    """Works row by row and takes a random time for each; notes how many rows were inside at once."""

    seconds: float = 0.02
    most: list[int] = []  # noqa: RUF012 (a pydantic field)

    @property
    def inputs(self) -> list[str]:
        return ["n"]

    async def generate(self, row: dict[str, Any]) -> dict[str, Any]:
        self.most.append(self.most[-1] + 1 if self.most else 1)
        await asyncio.sleep(random.Random(row["n"]).random() * self.seconds)
        self.most.append(self.most[-1] - 1)
        return {**row, "waited": True}

    def process(self, inputs: StepInput) -> StepOutput:
        yield [asyncio.run(self.generate(row)) for row in inputs]


def rows_of(count: int) -> Rows:
    return [{"n": n, "trail": ""} for n in range(count)]


def with_global_step() -> Pipeline:
    with Pipeline(name="global") as pipeline:
        load = LoadDataFromDicts(data=rows_of(130), batch_size=40)
        load >> Tag(name="first") >> Count(name="count") >> Tag(name="last")
    return pipeline


def with_routing() -> Pipeline:
    turn = iter(range(1_000))

    @routing_batch_function()
    def in_turn(steps: list[str]) -> list[str]:
        names = sorted(steps)
        return [names[next(turn) % len(names)]]

    with Pipeline(name="routing") as pipeline:
        load = LoadDataFromDicts(data=rows_of(120), batch_size=20)
        left, right = Tag(name="left", input_batch_size=20), Tag(name="right", input_batch_size=10)
        join = GroupColumns(name="join", columns=["trail"], output_columns=["trails"], input_batch_size=10)
        load >> in_turn >> [left, right] >> join
    return pipeline


def with_routing_to_two_of_three() -> Pipeline:
    turn = iter(range(1_000))

    @routing_batch_function()
    def two_of_three(steps: list[str]) -> list[str]:
        names = sorted(steps)
        left_out = next(turn) % len(names)
        return [name for place, name in enumerate(names) if place != left_out]

    with Pipeline(name="two-of-three") as pipeline:
        load = LoadDataFromDicts(data=rows_of(120), batch_size=20)
        branches = [Tag(name=name, input_batch_size=20) for name in ("left", "middle", "right")]
        join = GroupColumns(name="join", columns=["trail"], output_columns=["trails"], input_batch_size=10)
        load >> two_of_three >> branches >> join
    return pipeline


def with_join() -> Pipeline:
    with Pipeline(name="join") as pipeline:
        load = LoadDataFromDicts(data=rows_of(110), batch_size=25)
        join = GroupColumns(name="join", columns=["trail"], output_columns=["trails"])
        load >> [Tag(name="left"), Tag(name="right")] >> join
    return pipeline


def with_built_in_task() -> Pipeline:
    with Pipeline(name="task") as pipeline:
        load = LoadDataFromDicts(data=[{"text": f"row {n}"} for n in range(70)])
        task = TextGeneration(
            name="task",
            llm=Echo(),
            num_generations=2,
            input_mappings={"instruction": "text"},
            group_generations=True,
        )
        load >> task >> ExpandColumns(name="expand", columns=["generation"])
    return pipeline


GRAPHS = [
    pytest.param(with_global_step, id="a global step between plain ones"),
    pytest.param(with_routing, id="batches routed in turn and converging"),
    pytest.param(with_routing_to_two_of_three, id="batches routed to two of three branches"),
    pytest.param(with_join, id="a diamond that joins"),
    pytest.param(with_built_in_task, id="a built-in task with mappings and groups"),
]


def comparable(rows: Rows) -> list[str]:
    wanted = ("n", "trail", "trails", "total", "text", "generation", "model_name")
    return sorted(str({key: row[key] for key in wanted if key in row}) for row in rows)


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_graph_gives_the_same_rows_on_both_engines(graph: Callable[[], Pipeline]) -> None:
    """Whatever the graph, our executor and distilabel's engine agree on the rows."""
    ours = run_local(graph()).rows
    theirs = run_graph(graph(), "distilabel")
    assert comparable(ours) == comparable(theirs)
    assert ours


def test_rows_come_back_in_order_whatever_each_takes() -> None:
    """Rows that overtake each other inside are in order at the sink, and a plain step sees them in order."""
    with Pipeline(name="order") as pipeline:
        load = LoadDataFromDicts(data=rows_of(400), batch_size=30)
        load >> Wait(name="one") >> Wait(name="two") >> Tag(name="plain") >> Wait(name="three")
    rows = run_local(pipeline).rows
    assert [row["n"] for row in rows] == list(range(400))
    assert all(row["trail"] == ">plain" for row in rows)


def test_a_slow_row_holds_up_nobody() -> None:
    """One row waits in the first step until every other row has passed the second: a barrier would never end."""
    all_others_are_through = asyncio.Event()
    through: list[int] = []

    class OneSlow(Wait):
        async def generate(self, row: dict[str, Any]) -> dict[str, Any]:
            if self.name == "one" and row["n"] == 0:
                await asyncio.wait_for(all_others_are_through.wait(), timeout=60)
            if self.name == "two" and row["n"] != 0:
                through.append(row["n"])
                if len(through) == 299:
                    all_others_are_through.set()
            return row

    with Pipeline(name="slow") as pipeline:
        load = LoadDataFromDicts(data=rows_of(300))
        load >> OneSlow(name="one") >> OneSlow(name="two")
    assert [row["n"] for row in run_local(pipeline).rows] == list(range(300))
    assert sorted(through) == list(range(1, 300))


def test_rows_in_flight_are_limited() -> None:
    """No more rows are inside a model-calling step than asked for."""
    with Pipeline(name="limit") as pipeline:
        load = LoadDataFromDicts(data=rows_of(60))
        wait = Wait(name="wait")
        load >> wait
    run_local(pipeline, rows_in_flight=7)
    assert max(wait.most) == 7


def test_a_failed_request_of_a_task_costs_its_row_alone() -> None:
    """One failing request gives None in one row and is counted; the other rows have their answers."""
    with Pipeline(name="failing") as pipeline:
        load = LoadDataFromDicts(data=[{"instruction": "fail" if n == 3 else f"row {n}"} for n in range(8)])
        load >> TextGeneration(name="task", llm=Echo())
    run = run_local(pipeline)
    assert [row["generation"] is None for row in run.rows] == [n == 3 for n in range(8)]
    (failure,) = run.failures
    assert "the server said no" in failure.reason
    assert "fail" in failure.row


class Strict(Tag):
    """Raises for row 17."""

    def process(self, inputs: StepInput) -> StepOutput:
        for row in inputs:
            if row["n"] == 17:
                raise ValueError("seventeen will not do")
        yield inputs


class StrictRow(Wait):
    """Raises for row 17, row by row."""

    async def generate(self, row: dict[str, Any]) -> dict[str, Any]:
        if row["n"] == 17:
            raise ValueError("seventeen will not do")
        return row


class StrictGlobal(Count):
    """Raises always."""

    def process(self, inputs: StepInput) -> StepOutput:
        raise ValueError("seventeen will not do")


@pytest.mark.parametrize(
    ("step", "place"),
    [
        pytest.param(Strict, "on row 17 {'n': 17", id="a plain step names the row"),
        pytest.param(StrictRow, "on row {'n': 17", id="a row-by-row step names the row"),
        pytest.param(StrictGlobal, "in rows 0 to 39", id="a global step names the range"),
    ],
)
def test_an_exception_is_reported_with_step_and_row(step: type[Step], place: str) -> None:
    """What a step raises stops the run with the step, the row and the words of the error."""
    with Pipeline(name="raising") as pipeline:
        LoadDataFromDicts(data=rows_of(40)) >> step(name="strict")
    with pytest.raises(StepError) as raised:
        run_local(pipeline)
    message = str(raised.value)
    assert f"step 'strict' ({step.__name__}) failed {place}" in message
    assert "ValueError: seventeen will not do" in message


def test_steps_are_unloaded_when_one_raises() -> None:
    """A run that fails still lets go of what its steps hold."""
    unloaded: list[str] = []

    class Holds(Strict):
        def unload(self) -> None:
            unloaded.append(str(self.name))

    with Pipeline(name="unload") as pipeline:
        LoadDataFromDicts(data=rows_of(40)) >> Holds(name="holds")
    with pytest.raises(StepError):
        run_local(pipeline)
    assert unloaded == ["holds"]


def test_a_join_of_different_lengths_is_an_error() -> None:
    """Rows that a branch lost are noticed where the branches meet, instead of being cut off."""

    class Loses(Tag):
        def process(self, inputs: StepInput) -> StepOutput:
            yield inputs[:-1]

    with Pipeline(name="uneven") as pipeline:
        join = GroupColumns(name="join", columns=["trail"], output_columns=["trails"])
        LoadDataFromDicts(data=rows_of(40)) >> [Tag(name="left"), Loses(name="right")] >> join
    with pytest.raises(StepError, match=r"joins inputs of different lengths: \{'left': 40, 'right': 39\}"):
        run_local(pipeline)


def test_branches_do_not_share_rows() -> None:
    """A step that changes its rows in place does not change those of the other branch."""

    class InPlace(Tag):
        def process(self, inputs: StepInput) -> StepOutput:
            for row in inputs:
                row["trail"] += "changed"
                row["list"].append(1)
            yield inputs

    with Pipeline(name="fan-out") as pipeline:
        load = LoadDataFromDicts(data=[{"n": n, "trail": "", "list": []} for n in range(10)])
        load >> [InPlace(name="changes"), Tag(name="keeps")]
    leaves = run_local(pipeline).leaves
    assert leaves["keeps"][0] == {"n": 0, "trail": ">keeps", "list": []}
    assert leaves["changes"][0]["list"] == [1]


def test_progress_counts_the_rows_of_each_step() -> None:
    """Progress ends at the number of rows each step gave."""
    seen: dict[str, int] = {}
    run = run_local(with_global_step(), on_progress=seen.__setitem__)
    assert seen == run.rows_out
    assert set(seen.values()) == {130}


def test_a_pipeline_runs_inside_a_running_loop() -> None:
    """In a notebook a loop runs already; the run takes one of its own."""

    async def cell() -> Rows:
        return run_local(with_global_step()).rows

    assert len(asyncio.run(cell())) == 130
