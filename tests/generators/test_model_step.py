"""The step that asks a model: one row in, one row out, whatever the model does."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from distilabel.models.llms import LLM, AsyncLLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts

from castwright.errors import ModelError
from castwright.generators.models.answer import Answer, as_output
from castwright.generators.models.config import OpenAIModel
from castwright.generators.models.openai import OpenAICompatibleLLM
from castwright.generators.prompt import Message
from castwright.generators.step import ModelStep
from castwright.generators.structured import read_object
from castwright.pipelines.executor import run_local


class Echo(AsyncLLM):
    """A model of our kind: answers with the question and its sample index; words in it make it fail."""

    @property
    def model_name(self) -> str:
        return "echo"

    async def agenerate(  # type: ignore[override]
        self,
        input: list[Message],  # noqa: A002
        num_generations: int = 1,
        sample: int = 0,
        json_schema: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Answer.

        Args:
            input: the messages.
            num_generations: how many.
            sample: which.
            json_schema: the shape.
        """
        question = input[-1]["content"]
        # Later questions answer sooner: order has to be kept by the step.
        await asyncio.sleep(0.02 / (1 + len(question)))
        if "broken" in question:
            return as_output([Answer(failure="http 500 after 6 attempts: oops")] * num_generations)
        if "wrong key" in question:
            raise ModelError("the key was refused")
        shape = f" as {json_schema['type']}" if json_schema else ""
        return as_output([Answer(f"{question} #{sample}{shape}", None, "stop")] * num_generations)


class Stranger(AsyncLLM):
    """Somebody else's asynchronous model: no `sample`, no `failure`, exceptions for a row."""

    @property
    def model_name(self) -> str:
        return "stranger"

    async def agenerate(  # type: ignore[override]
        self,
        input: list[Message],  # noqa: A002
        num_generations: int = 1,
        shout: bool = False,
    ) -> dict[str, Any]:
        """Answer.

        Args:
            input: the messages.
            num_generations: how many.
            shout: in capitals.
        """
        question = input[-1]["content"]
        if "broken" in question:
            raise RuntimeError("connection\nreset")
        text = None if "silent" in question else f"stranger says {question}"
        return {"generations": [text.upper() if text and shout else text], "statistics": {}}


class Plain(LLM):
    """A model without a coroutine; remembers how many prompts came at a time."""

    sizes: ClassVar[list[int]] = []

    @property
    def model_name(self) -> str:
        return "plain"

    def generate(self, inputs: list[Any], num_generations: int = 1, **_kwargs: Any) -> list[dict[str, Any]]:  # type: ignore[override]
        """Answer a batch.

        Args:
            inputs: the prompts.
            num_generations: how many.
        """
        self.sizes.append(len(inputs))
        if any("broken" in messages[-1]["content"] for messages in inputs):
            raise RuntimeError("no")
        return [{"generations": [f"plain says {m[-1]['content']}"], "statistics": {}} for m in inputs]


class Answering(ModelStep):
    """A step of the usual kind."""

    empty: ClassVar[dict[str, Any]] = {"answer": "", "notes": []}

    @property
    def inputs(self) -> list[str]:
        return ["question"]

    def prompt(self, row: dict[str, Any]) -> list[Message] | None:
        return None if row["question"] == "skip" else [{"role": "user", "content": row["question"]}]

    def parse(self, row: dict[str, Any], text: str) -> dict[str, Any]:
        if "nonsense" in text:
            raise ValueError("the reply holds no answer")
        return {"answer": text}


class Shaped(Answering):
    """The same with a schema."""

    def json_schema(self) -> dict[str, Any] | None:
        return {"type": "object"}


def step_of(llm: LLM, kind: type[ModelStep] = Answering, **fields: Any) -> ModelStep:
    with Pipeline(name="test"):
        step = kind(llm=llm, **fields)
    step.load()
    return step


def run(step: ModelStep, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Through `process`, as distilabel's engine calls it."""
    try:
        return next(iter(step.process(rows)))
    finally:
        step.unload()


def questions(*texts: str) -> list[dict[str, Any]]:
    return [{"row_id": str(i), "question": text} for i, text in enumerate(texts)]


class Scripted(AsyncLLM):
    """Gives each question its own replies, one after the other; a reply that is an exception is raised.

    A question is known by its first message, whatever was said since. `asked` keeps all messages, in order.
    """

    replies: dict[str, list[Any]] = {}  # noqa: RUF012 (a pydantic field)
    asked: list[Any] = []  # noqa: RUF012

    @property
    def model_name(self) -> str:
        return "scripted"

    async def agenerate(self, input: Any, num_generations: int = 1) -> Any:  # type: ignore[override]  # noqa: A002
        """Answer.

        Args:
            input: the messages.
            num_generations: how many.
        """
        said = self.replies[input[0]["content"]][sum(message["role"] == "assistant" for message in input)]
        self.asked.append(input)
        await asyncio.sleep(0)
        if isinstance(said, Exception):
            raise said
        return as_output([said if isinstance(said, Answer) else Answer(said)])


class Structured(Answering):
    """A step whose reply is an object with an answer."""

    def json_schema(self) -> dict[str, Any] | None:
        return {"type": "object"}

    def parse(self, row: dict[str, Any], text: str) -> dict[str, Any]:
        value = read_object(text).value
        if "answer" not in value:
            raise ValueError("the object has no\nanswer")
        return {"answer": value["answer"]}


JUDGED = {"verdict": "keep", "filter": "", "reason": ""}


def test_an_answered_row_gets_its_fields_and_the_models_name() -> None:
    """What came in stays, what `parse` read is added, what it did not read has its default."""
    [row] = run(step_of(Echo()), questions("why?"))
    assert row == {
        "row_id": "0",
        "question": "why?",
        "answer": "why? #0",
        "notes": [],
        "model": "echo",
        **JUDGED,
    }


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        pytest.param("broken", "http 500 after 6 attempts: oops", id="the call failed"),
        pytest.param("nonsense", "the reply holds no answer", id="the reply is of no use"),
    ],
)
def test_a_lost_row_is_dropped_with_its_reason(question: str, reason: str) -> None:
    """Failure is data: verdict, the step that dropped it, and why."""
    [row] = run(step_of(Echo()), questions(question))
    assert row == {
        "row_id": "0",
        "question": question,
        "answer": "",
        "notes": [],
        "model": "echo",
        "verdict": "drop",
        "filter": "answering",
        "reason": reason,
    }


def test_a_row_dropped_before_asks_no_model() -> None:
    """It keeps its verdict, its reason and its model, and gets the empty fields."""
    before = {
        "question": "broken",
        "verdict": "drop",
        "filter": "length",
        "reason": "too short",
        "model": "m",
    }
    [row] = run(step_of(Echo()), [before])
    assert row == {**before, "answer": "", "notes": []}


def test_a_row_without_a_prompt_passes_as_it_is() -> None:
    """What it has stays, what it lacks is filled in; no model's name is put to it."""
    [row] = run(step_of(Echo()), [{"question": "skip", "answer": "known already"}])
    assert row == {"question": "skip", "answer": "known already", "notes": [], "model": "", **JUDGED}


def test_all_rows_have_the_same_keys_in_the_order_they_came() -> None:
    """Answered, failed, unreadable, skipped and dropped rows side by side."""
    rows = questions("a long question that is quick", "broken", "skip", "nonsense", "b")
    rows.append({"row_id": "5", "question": "c", "verdict": "drop", "filter": "f", "reason": "r"})
    made = run(step_of(Echo()), rows)
    assert [row["row_id"] for row in made] == ["0", "1", "2", "3", "4", "5"]
    assert len({frozenset(row) for row in made}) == 1
    assert set(made[0]) == {"row_id", "question", *step_of(Echo()).outputs}


def test_default_values_are_not_shared_between_rows() -> None:
    """A list that one row appends to is its own."""
    first, second = run(step_of(Echo()), questions("a", "b"))
    first["notes"].append("mine")
    assert second["notes"] == []
    assert Answering.empty["notes"] == []


def test_sample_and_schema_reach_a_model_that_takes_them() -> None:
    """Our own models get both."""
    [row] = run(step_of(Echo(), Shaped, sample=4), questions("why?"))
    assert row["answer"] == "why? #4 as object"


def test_generate_awaits_in_any_running_loop() -> None:
    """As the local executor does it: one coroutine per row."""
    step = step_of(Echo())

    async def rows() -> list[dict[str, Any]]:
        return await asyncio.gather(*(step.generate(row) for row in questions("a", "broken")))

    assert [row["verdict"] for row in asyncio.run(rows())] == ["keep", "drop"]


def test_what_fails_for_every_row_stops_the_run() -> None:
    """A ModelError passes through."""
    with pytest.raises(ModelError, match="the key was refused"):
        run(step_of(Echo()), questions("wrong key"))


def test_somebody_elses_model_works_and_its_exceptions_cost_one_row() -> None:
    """No `failure` key, no `sample` parameter, its own generation_kwargs, exceptions and Nones."""
    step = step_of(Stranger(generation_kwargs={"shout": True}), Shaped, sample=4)
    good, broken, silent = run(step, questions("hi", "broken", "silent"))
    assert (good["answer"], good["model"], good["verdict"]) == ("STRANGER SAYS HI", "stranger", "keep")
    assert (broken["verdict"], broken["reason"]) == ("drop", "RuntimeError: connection reset")
    assert (silent["verdict"], silent["reason"]) == ("drop", "the model returned no text")


def test_distilabels_openai_model_works_where_nobody_answers() -> None:
    """distilabel's `OpenAILLM` raises for a refused connection; here that is the row's reason."""
    from distilabel.models.llms import OpenAILLM

    llm = OpenAILLM(model="m", base_url="http://127.0.0.1:9/v1", api_key="x", max_retries=0)  # type: ignore[arg-type]
    [row] = run(step_of(llm), questions("hi"))
    assert (row["verdict"], row["model"]) == ("drop", "m")
    assert row["reason"].startswith("APIConnectionError")


def test_a_model_without_a_coroutine_is_called_in_batches() -> None:
    """Ten rows at once are few calls of `generate`, and one broken prompt costs one row."""
    llm = Plain()
    llm.sizes.clear()
    made = run(step_of(llm), questions(*(f"q{i}" for i in range(9)), "broken"))
    assert [row["answer"] for row in made[:9]] == [f"plain says q{i}" for i in range(9)]
    assert (made[9]["verdict"], made[9]["reason"]) == ("drop", "RuntimeError: no")
    assert max(llm.sizes) > 1


def test_several_batches_go_through_one_step() -> None:
    """`process` is called again and again on one loop, with either kind of model."""
    for llm in (Echo(), Plain()):
        step = step_of(llm)
        answers = [next(iter(step.process(questions("a"))))[0]["verdict"] for _ in range(3)]
        step.unload()
        assert answers == ["keep"] * 3


def test_a_step_runs_in_distilabels_own_engine(tmp_path: Path) -> None:
    """Through `Pipeline.run`, in its own process: the rows and their order are those of `generate`."""
    texts = ["a", "broken", "skip", "nonsense", "b"]
    with Pipeline(name="engine", cache_dir=tmp_path) as pipeline:
        source = LoadDataFromDicts(data=questions(*texts), batch_size=2)
        step = Answering(llm=Echo(), sample=2, input_batch_size=2)
        source >> step
    made = pipeline.run(use_cache=False)["default"]["train"].to_list()
    expected = run(step_of(Echo(), sample=2), questions(*texts))
    names = set(expected[0])
    assert [{key: row[key] for key in names} for row in made] == [
        {**row, "filter": row["filter"] and "answering"} for row in expected
    ]


def test_a_saved_pipeline_holds_the_block_and_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The YAML names the key's variable, never the key; read back it is the same step."""
    monkeypatch.setenv("MY_KEY", "sk-very-secret-1234")
    block = OpenAIModel(model="m", base_url="http://127.0.0.1:9/v1", api_key_env="MY_KEY", temperature=0.3)
    with Pipeline(name="saved") as pipeline:
        source = LoadDataFromDicts(data=questions("a"))
        source >> Answering(name="ask", llm=OpenAICompatibleLLM(block=block), sample=1)
    step = pipeline.dag.get_step("ask")["step"]
    step.llm.client()  # reads the key, as load() does before it asks the server
    pipeline.save(tmp_path / "pipeline.yaml", format="yaml")
    saved = (tmp_path / "pipeline.yaml").read_text()
    assert "MY_KEY" in saved
    for text in (saved, json.dumps(pipeline.dump()), repr(step)):
        assert "very-secret" not in text
    again = Pipeline.from_yaml(tmp_path / "pipeline.yaml").dag.get_step("ask")["step"]
    assert (again.llm.block, again.sample) == (block, 1)


GOOD, NONE = '{"answer": "yes"}', "I would rather not."
NO_OBJECT = "the reply holds no JSON object: it begins 'I would rather not.'"
TRIES: dict[str, tuple[list[Any], str, str]] = {
    "good at once": ([GOOD], "yes", ""),
    "in a fence": ([f"Sure:\n```json\n{GOOD}\n```"], "yes", ""),
    "repaired without asking": (['{"answer": "yes",}'], "yes", ""),
    "good when asked again": ([NONE, GOOD], "yes", ""),
    "bad twice": (
        [NONE, '{"mood": 1}', GOOD],
        "",
        f"the object has no answer (after one repair request; first: {NO_OBJECT})",
    ),
    "the same twice": ([NONE, NONE, GOOD], "", f"{NO_OBJECT} (after one repair request; first: the same)"),
    "no reply when asked again": (
        [NONE, Answer(failure="http 500: oops"), GOOD],
        "",
        f"{NO_OBJECT} (the repair request failed: http 500: oops)",
    ),
    "an exception when asked again": (
        [NONE, RuntimeError("gone"), GOOD],
        "",
        f"{NO_OBJECT} (the repair request failed: RuntimeError: gone)",
    ),
    "no first reply": ([Answer(failure="cut off at max_tokens"), GOOD], "", "cut off at max_tokens"),
}
CALLS = {name: 1 if name == "no first reply" else min(len(tries[0]), 2) for name, tries in TRIES.items()}


def check_tries(rows: list[dict[str, Any]], llm: Scripted) -> None:
    """Check what every row of TRIES became, and how often each was asked."""
    assert [row["question"] for row in rows] == list(TRIES)
    for row, (_, answer, reason) in zip(rows, TRIES.values(), strict=True):
        assert (row["answer"], row["reason"]) == (answer, reason), row["question"]
        assert (row["verdict"], row["filter"]) == (("drop", "structured") if reason else ("keep", ""))
        assert row["model"] == "scripted"
    assert len({frozenset(row) for row in rows}) == 1
    asked = [messages[0]["content"] for messages in llm.asked]
    assert {name: asked.count(name) for name in TRIES} == CALLS


def scripted() -> Scripted:
    return Scripted(replies={name: replies for name, (replies, _, _) in TRIES.items()}, asked=[])


def test_an_unreadable_object_is_asked_for_once_more_in_the_local_executor() -> None:
    """Once, never twice, and not after a call that failed; every row is there, in order, with its reasons."""
    llm = scripted()
    with Pipeline(name="local") as pipeline:
        source = LoadDataFromDicts(data=questions(*TRIES))
        source >> Structured(llm=llm)
    check_tries(run_local(pipeline).rows, llm)


def test_an_unreadable_object_is_asked_for_once_more_in_process() -> None:
    """The same rows as distilabel's own engine calls it."""
    llm = scripted()
    check_tries(run(step_of(llm, Structured), questions(*TRIES)), llm)


def test_a_repair_request_continues_the_conversation() -> None:
    """The same messages, then the reply without its thoughts, then what was wrong with it."""
    llm = Scripted(replies={"q": ["<think>hm</think>No.", GOOD]}, asked=[])
    run(step_of(llm, Structured), questions("q"))
    first, second = llm.asked
    assert first == [{"role": "user", "content": "q"}]
    assert second[:2] == [*first, {"role": "assistant", "content": "No."}]
    assert [message["role"] for message in second] == ["user", "assistant", "user"]
    assert "the reply holds no JSON object: it begins 'No.'" in second[2]["content"]


def test_free_text_is_never_asked_for_again() -> None:
    """A step without a schema drops the row at the first reply of no use."""
    llm = Scripted(replies={"q": ["nonsense", "sense"]}, asked=[])
    [row] = run(step_of(llm), questions("q"))
    assert (row["verdict"], row["reason"], len(llm.asked)) == ("drop", "the reply holds no answer", 1)


def test_a_wrong_key_found_by_a_repair_request_stops_the_run() -> None:
    """What no row can be answered with passes through from the second call too."""
    llm = Scripted(replies={"q": [NONE, ModelError("the key was refused")]}, asked=[])
    with pytest.raises(ModelError, match="the key was refused"):
        run(step_of(llm, Structured), questions("q"))


def test_a_step_can_be_loaded_again_after_it_was_unloaded() -> None:
    """Its connection to the model is made anew, and unloading twice does no harm."""
    step = step_of(Echo())
    before = step.caller
    assert run(step, questions("a"))[0]["answer"] == "a #0"
    step.unload()
    step.load()
    assert step.caller is not before
    assert run(step, questions("b"))[0]["answer"] == "b #0"
