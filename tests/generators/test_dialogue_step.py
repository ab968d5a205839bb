"""A conversation per row: who speaks when, what ends it, what spoils it, and two models in one step."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from distilabel.models.llms import LLM, AsyncLLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from hypothesis import given
from hypothesis import strategies as st

from castwright.errors import ModelError
from castwright.generators.dialogue import Dialogue, introduction
from castwright.generators.models.answer import Answer
from castwright.generators.models.config import OpenAIModel
from castwright.generators.models.offline import OfflineLLM
from castwright.generators.models.openai import OpenAICompatibleLLM
from castwright.generators.prompt import Message, load_prompt, read_sections
from castwright.generators.talk import Talk, same_words, talk
from castwright.personas.card import BasicInfo, PersonaCard
from castwright.personas.store import write_cards
from castwright.pipelines.calls import models_of
from castwright.pipelines.executor import run_local

Row = dict[str, Any]
CARD = PersonaCard(
    name="Odile Marchetti",
    traits=("patient",),
    background="Odile has run the bakery by the harbour for years.",
    basic_info=BasicInfo(occupation="baker", place="Ghent", era="2010s"),
)
FAIL = "FAIL"


class Scripted(AsyncLLM):
    """Somebody else's model: says its lines in order, whoever it speaks for; the line FAIL raises."""

    lines: list[str]
    load_error: str = ""
    loads: ClassVar[list[str]] = []

    @property
    def model_name(self) -> str:
        return f"scripted-{len(self.lines)}"

    def load(self) -> None:
        super().load()
        if self.load_error:
            raise ModelError(self.load_error)
        self.loads.append(f"load {self.model_name}")

    def unload(self) -> None:
        self.loads.append(f"unload {self.model_name}")
        super().unload()

    async def agenerate(self, input: list[Message], num_generations: int = 1) -> dict[str, Any]:  # type: ignore[override]  # noqa: A002
        """Answer.

        Args:
            input: the messages.
            num_generations: how many.
        """
        sections = read_sections(input)
        await asyncio.sleep(0.001 * (len(input[-1]["content"]) % 7))
        asks = sections["task"] == ["dialogue_ask"]
        line = self.lines[len(sections["character"]) - 1 if asks else len(sections["asker"]) - 1]
        if line == FAIL:
            raise RuntimeError("connection\nreset")
        return {"generations": [line], "statistics": {}}


class Unhurried(LLM):
    """A model without a coroutine; its turns are numbered, so they never repeat."""

    @property
    def model_name(self) -> str:
        return "unhurried"

    def generate(self, inputs: list[Any], num_generations: int = 1, **_kwargs: Any) -> list[dict[str, Any]]:  # type: ignore[override]
        """Answer a batch.

        Args:
            inputs: the prompts.
            num_generations: how many.
        """
        counts = [len(read_sections(messages).get("character", [])) for messages in inputs]
        return [{"generations": [f"turn number {count}"], "statistics": {}} for count in counts]


@pytest.fixture
def personas(tmp_path: Path) -> str:
    """The folder of a table with one card."""
    write_cards([CARD], tmp_path / "cards.parquet")
    return str(tmp_path)


@pytest.fixture(autouse=True)
def _fresh_log() -> None:
    """Nothing has been loaded when a test begins."""
    Scripted.loads.clear()


def step_of(personas: str, ask: LLM, chat: LLM, **fields: Any) -> Dialogue:
    with Pipeline(name="test"):
        return Dialogue(name="dialogue", ask_llm=ask, chat_llm=chat, personas=personas, **fields)


def run(step: Dialogue, rows: list[Row]) -> list[Row]:
    """Through `process`, as distilabel's engine calls it."""
    step.load()
    try:
        return list(next(iter(step.process(rows))))
    finally:
        step.unload()


def opening(text: str = "Hello?", **columns: Any) -> Row:
    return {"row_id": text, "persona_id": CARD.persona_id, "question": text, **columns}


def turns(row: Row) -> list[str]:
    return [message["content"] for message in json.loads(row["messages"])]


ANSWERS = ["one", "two", "three", "four"]


def held(personas: str, ask: list[str], chat: list[str], max_turns: int = 4) -> Row:
    """The row that a talk between two scripts gives."""
    [row] = run(step_of(personas, Scripted(lines=ask), Scripted(lines=chat), max_turns=max_turns), [opening()])
    return row


def test_a_talk_goes_on_in_turn_until_the_limit(personas: str) -> None:
    """The limit counts the person's turns, the opening included; the character has the last word."""
    row = held(personas, ["why?", "how?", "when?"], ANSWERS, max_turns=3)
    assert json.loads(row["messages"]) == [
        {"role": "user", "content": "Hello?"},
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": "why?"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "how?"},
        {"role": "assistant", "content": "three"},
    ]
    assert (row["ended_by"], row["failure"], row["verdict"]) == ("limit", "", "keep")
    assert (row["ask_model"], row["chat_model"], row["model"]) == ("scripted-3", "scripted-4", "scripted-4")


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("[END]", id="the mark alone"),
        pytest.param("Thanks, bye! [end]", id="the mark after a goodbye"),
        pytest.param("<think>enough?</think>\n[END]", id="the mark after thinking"),
    ],
)
def test_the_ask_agent_ends_a_talk(personas: str, end: str) -> None:
    """A goodbye that nobody answers is no turn."""
    row = held(personas, ["why?", end], ANSWERS)
    assert (turns(row), row["ended_by"], row["verdict"]) == (["Hello?", "one", "why?", "two"], "ask_agent", "keep")


def test_a_talk_that_ends_at_once_is_one_exchange(personas: str) -> None:
    """Single-turn dialogues are dialogues."""
    row = held(personas, ["[END]"], ANSWERS)
    assert (turns(row), row["ended_by"], row["verdict"]) == (["Hello?", "one"], "ask_agent", "keep")


def test_one_turn_asks_the_ask_agent_nothing(personas: str) -> None:
    """With `max_turns` 1 the opening is all the person says."""
    row = held(personas, [FAIL], ANSWERS, max_turns=1)
    assert (turns(row), row["ended_by"]) == (["Hello?", "one"], "limit")


@pytest.mark.parametrize(
    ("ask", "chat", "kept", "failure"),
    [
        pytest.param(
            ["why?", FAIL],
            ANSWERS,
            ["Hello?", "one", "why?", "two"],
            "turn 5, by the person: RuntimeError: connection reset",
            id="the person",
        ),
        pytest.param(
            ["why?", "how?"],
            ["one", "two", FAIL],
            ["Hello?", "one", "why?", "two"],
            "turn 6, by the character: RuntimeError: connection reset",
            id="the character",
        ),
        pytest.param(
            ["why?", "how?"],
            ["one", "  "],
            ["Hello?", "one"],
            "turn 4, by the character: the reply is empty",
            id="an empty reply",
        ),
    ],
)
def test_a_failure_in_the_middle_keeps_the_full_exchanges(
    personas: str, ask: list[str], chat: list[str], kept: list[str], failure: str
) -> None:
    """The turns so far stay, a question without an answer goes, and the row says what happened."""
    row = held(personas, ask, chat)
    assert (turns(row), row["ended_by"], row["failure"]) == (kept, "failure", failure)
    assert (row["verdict"], row["filter"], row["reason"]) == ("keep", "", "")


def test_a_failure_before_the_first_answer_drops_the_row(personas: str) -> None:
    """There is nothing to keep; the reason stands where every drop's reason stands."""
    row = held(personas, ["why?"], [FAIL])
    assert (row["messages"], row["verdict"], row["filter"]) == ("[]", "drop", "dialogue")
    assert row["reason"] == "turn 2, by the character: RuntimeError: connection reset"


@pytest.mark.parametrize(
    ("ask", "chat", "reason"),
    [
        pytest.param(
            ["why?", "how?"],
            ["one", "two", "One!"],
            "turn 6 of the talk, by the character, repeats turn 2 word for word",
            id="an answer",
        ),
        pytest.param(
            ["hello"],
            ANSWERS,
            "turn 3 of the talk, by the person, repeats turn 1 word for word",
            id="a question",
        ),
    ],
)
def test_a_repeated_turn_drops_the_row(personas: str, ask: list[str], chat: list[str], reason: str) -> None:
    """Case and punctuation do not make it another turn; what was said stays to be looked at."""
    row = held(personas, ask, chat)
    assert (row["verdict"], row["filter"], row["reason"]) == ("drop", "dialogue", reason)
    assert same_words(turns(row)[-1], turns(row)[int(reason.split(" repeats turn ")[1].split()[0]) - 1])


def test_an_answer_in_the_words_of_the_question_is_no_repetition(personas: str) -> None:
    """Each speaker is compared with themself only: "Good morning." - "Good morning." is a talk."""
    assert held(personas, ["one", "[END]"], ANSWERS)["verdict"] == "keep"


def test_a_row_dropped_before_asks_no_model(personas: str) -> None:
    """It keeps its verdict and gets the empty fields, so that all rows have the same keys."""
    before = opening(verdict="drop", filter="source", reason="bad")
    good, dropped_before = run(
        step_of(personas, Scripted(lines=["[END]"]), Scripted(lines=["one"])), [opening(), before]
    )
    assert dropped_before == {**before, **dict.fromkeys(set(dropped_before) - set(before), ""), "messages": "[]"}
    assert good.keys() == dropped_before.keys()
    assert set(step_of(personas, OfflineLLM(), OfflineLLM()).outputs) == set(good) - set(opening())


def test_what_fails_for_every_row_stops_the_run(personas: str) -> None:
    """A ModelError of a model of ours is no failure of a turn."""
    step = step_of(
        personas, OfflineLLM(), OpenAICompatibleLLM(block=OpenAIModel(model="m", base_url="http://127.0.0.1:9/v1"))
    )
    with pytest.raises(ModelError, match="no server"):
        step.load()


def test_two_models_are_loaded_and_unloaded_once_each(personas: str) -> None:
    """Both, also where one object speaks for both sides."""
    run(step_of(personas, Scripted(lines=["[END]"]), Scripted(lines=["one", "two"])), [opening()])
    assert sorted(Scripted.loads) == ["load scripted-1", "load scripted-2", "unload scripted-1", "unload scripted-2"]
    Scripted.loads.clear()
    both = Scripted(lines=["one", "[END]"])
    step = step_of(personas, both, both)
    assert models_of(step) == [both]
    run(step, [opening()])
    assert Scripted.loads == ["load scripted-2", "unload scripted-2"]


def test_a_model_that_cannot_be_loaded_leaves_the_other_unloaded(personas: str) -> None:
    """Nothing stays in memory of a step that did not start."""
    step = step_of(personas, Scripted(lines=["a"], load_error="no key"), Scripted(lines=["one", "two"]))
    with pytest.raises(ModelError, match="no key"):
        step.load()
    assert Scripted.loads == ["load scripted-2", "unload scripted-2"]


@pytest.mark.parametrize("async_side", ["ask", "chat", "neither"])
def test_models_without_a_coroutine_talk_too(personas: str, async_side: str) -> None:
    """Such a model is asked from a thread, beside one of the other kind or of its own."""
    ask: LLM = Scripted(lines=["why?", "[END]"]) if async_side == "ask" else Unhurried()
    chat: LLM = Scripted(lines=ANSWERS) if async_side == "chat" else Unhurried()
    step = step_of(personas, ask, chat, max_turns=2)
    first, second = run(step, [opening("a"), opening("b")])
    assert [row["verdict"] for row in (first, second)] == ["keep", "keep"]
    assert len(turns(first)) == 4


def test_each_side_sees_what_it_should(personas: str) -> None:
    """The character's prompt holds the card, the person's only an introduction; both the turns in order."""
    who = introduction(CARD)
    assert who == "Odile Marchetti, baker (Ghent, 2010s)"
    tagged = [{"by": "asker", "said": "Hi </asker>"}, {"by": "character", "said": "Yes."}]
    sections = read_sections(load_prompt("dialogue_ask").messages(who=who, turns=tagged))
    assert sections == {"task": ["dialogue_ask"], "who": [who], "asker": ["Hi </asker>"], "character": ["Yes."]}
    sections = read_sections(load_prompt("dialogue_chat").messages(card="Name: Odile", turns=tagged[:1]))
    assert sections == {"task": ["dialogue_chat"], "card": ["Name: Odile"], "asker": ["Hi </asker>"]}


def graph(personas: str, rows: list[Row], step: type[Dialogue] = Dialogue) -> Pipeline:
    with Pipeline(name="talks") as pipeline:
        load = LoadDataFromDicts(data=rows, batch_size=2)
        talks = step(
            name="dialogue",
            ask_llm=Scripted(lines=["why?", "[END]"]),
            chat_llm=OfflineLLM(),
            personas=personas,
            input_batch_size=2,
        )
        load >> talks
    return pipeline


def test_both_engines_give_the_same_rows(personas: str, tmp_path: Path) -> None:
    """Through our executor and through distilabel's own engine, in its own process."""
    rows = [opening(text) for text in ("Why is bread brown?", "Who are you?", "What is 12 + 9?")]
    ours = run_local(graph(personas, rows)).rows
    pipeline = graph(personas, rows)
    pipeline._cache_dir = tmp_path / "cache"
    theirs = pipeline.run(use_cache=False)["default"]["train"].to_list()
    assert [{key: row[key] for key in ours[0]} for row in theirs] == ours
    assert {row["ended_by"] for row in ours} == {"ask_agent"}


def test_talks_do_not_wait_for_each_other(personas: str) -> None:
    """All rows of our executor are inside the step at once: order is kept, nothing is mixed up."""
    rows = [opening(f"Question number {n}?") for n in range(60)]
    made = run_local(graph(personas, rows)).rows
    assert [turns(row)[0] for row in made] == [row["question"] for row in rows]


def test_a_saved_graph_holds_both_models_and_no_secret(
    personas: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The YAML names both blocks; read back it is the same step."""
    monkeypatch.setenv("MY_KEY", "sk-very-secret-1234")
    blocks = [OpenAIModel(model=name, base_url="http://127.0.0.1:9/v1", api_key_env="MY_KEY") for name in ("a", "b")]
    ask, chat = (OpenAICompatibleLLM(block=block) for block in blocks)
    with Pipeline(name="saved") as pipeline:
        load = LoadDataFromDicts(data=[opening()])
        load >> Dialogue(name="talk", ask_llm=ask, chat_llm=chat, personas=personas, max_turns=7)
    ask.client()
    pipeline.save(tmp_path / "pipeline.yaml", format="yaml")
    assert "very-secret" not in (tmp_path / "pipeline.yaml").read_text()
    again = Pipeline.from_yaml(tmp_path / "pipeline.yaml").dag.get_step("talk")["step"]
    assert ([again.ask_llm.block, again.chat_llm.block], again.max_turns) == (blocks, 7)


def test_the_executor_closes_the_connections_of_both_models(personas: str) -> None:
    """Whatever the fields that hold them are called, and a shared model once."""
    closed: list[str] = []

    class Closing(Scripted):
        async def aclose(self) -> None:
            closed.append(self.model_name)

    for ask in (Closing(lines=["[END]"]), None):
        chat = Closing(lines=["one", "[END]"])
        with Pipeline(name="closing") as pipeline:
            load = LoadDataFromDicts(data=[opening()])
            load >> Dialogue(ask_llm=ask or chat, chat_llm=chat, personas=personas)
        run_local(pipeline)
    assert sorted(closed) == ["scripted-1", "scripted-2", "scripted-2"]


REPLIES = st.lists(st.sampled_from(["a", "b", "c", "d", "[END]", None, " "]), min_size=12, max_size=12)


@given(asks=REPLIES, chats=REPLIES, max_turns=st.integers(1, 5))
def test_whatever_the_agents_do_a_usable_talk_is_full_exchanges(
    asks: list[str | None], chats: list[str | None], max_turns: int
) -> None:
    """An even number of turns, none of one speaker said twice, never more than the limit."""

    def agent(lines: list[str | None]) -> Any:
        left = iter(lines)

        async def speak(_turns: Any) -> Answer:
            line = next(left)
            return Answer(failure="no") if line is None else Answer(text=line)

        return speak

    made: Talk = asyncio.run(talk("x", ask=agent(asks), chat=agent(chats), max_turns=max_turns))
    assert made.ended_by in ("ask_agent", "limit", "failure", "repetition")
    assert bool(made.problem) == (made.ended_by in ("failure", "repetition"))
    assert [m["role"] for m in made.messages] == [("user", "assistant")[at % 2] for at in range(len(made.turns))]
    if made.is_usable:
        assert len(made.turns) % 2 == 0
        assert len(made.turns) <= 2 * max_turns
        for side in (made.turns[::2], made.turns[1::2]):
            assert len(set(side)) == len(side)
    if made.ended_by == "limit":
        assert len(made.turns) == 2 * max_turns
