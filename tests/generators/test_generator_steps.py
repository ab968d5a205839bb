"""The thin generator steps: the right prompt goes out, the reply is read, what is known stays as it is."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from distilabel.models.llms import AsyncLLM
from distilabel.pipeline import Pipeline
from hypothesis import given
from hypothesis import strategies as st

from castwright.errors import SourceError
from castwright.generators.card_extraction import CardExtraction, identity
from castwright.generators.card_reply import read_written
from castwright.generators.criteria import CRITERIA
from castwright.generators.formal_rewrite import INSTRUCTIONS, FormalRewrite
from castwright.generators.persona_answer import PersonaAnswer
from castwright.generators.persona_book import PersonaBook
from castwright.generators.persona_response import PersonaResponse
from castwright.generators.prompt import escape_section, load_prompt, read_sections, unescape_section
from castwright.generators.rejected_response import RejectedResponse
from castwright.generators.reply_text import clean_reply
from castwright.generators.step import ModelStep
from castwright.personas.card import BasicInfo, PersonaCard
from castwright.personas.render import parse_card, render_card
from castwright.personas.store import write_cards

Row = dict[str, Any]

BAKER = PersonaCard(
    name="Odile Marchetti",
    traits=("patient", "wry"),
    background="She has kept a bakery by the canal for thirty years.",
    basic_info=BasicInfo(age=58, occupation="baker", place="Ghent", era="2020s"),
)
WRITTEN = {"name": "Odile", "traits": ["patient"], "background": "She bakes.", "basic_info": {"occupation": "cook"}}
TASKS = ("card_extraction", "formal_rewrite", "persona_answer", "persona_response", "rejected_response")


class Scripted(AsyncLLM):
    """Gives one reply to everything and keeps what it was asked."""

    reply: str = "a reply"
    asked: list[Any] = []  # noqa: RUF012 (a pydantic field)

    @property
    def model_name(self) -> str:
        return "scripted"

    async def agenerate(self, input: Any, num_generations: int = 1) -> Any:  # noqa: A002
        self.asked.append(input)
        return {"generations": [self.reply] * num_generations, "statistics": {}}


@pytest.fixture(scope="module")
def personas(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A personas table with one card."""
    path = tmp_path_factory.mktemp("cards") / "part-00000.parquet"
    write_cards([BAKER], path)
    return str(path.parent)


def read_card(reply: str, facts: dict[str, Any]) -> PersonaCard:
    """Return the card of a reply alone."""
    return read_written(reply, facts).card


def ask(kind: type[ModelStep], row: Row, reply: str = "a reply", **settings: Any) -> tuple[Row, list[Any]]:
    """Return the row a step gives for a model's reply, and the messages it sent."""
    llm = Scripted(reply=reply, asked=[])
    with Pipeline(name="test"):
        step = kind(name="step", llm=llm, **settings)
    step.load()
    return asyncio.run(step.generate(row)), llm.asked


def rows_for(task: str) -> tuple[type[ModelStep], Row, str]:
    """Return each step with a row of its inputs and the column it fills."""
    person = {"persona_id": BAKER.persona_id, "question": "Is rye heavy?"}
    return {
        "card_extraction": (CardExtraction, {"facts": "{}", "text": "She bakes."}, "card"),
        "formal_rewrite": (FormalRewrite, {"casual": "gonna bake", "previous": "", "variant": 0}, "formal"),
        "persona_answer": (PersonaAnswer, {**person, "answer": "Yes."}, "persona_answer"),
        "persona_response": (PersonaResponse, {**person, "shots": "[]"}, "response"),
        "rejected_response": (
            RejectedResponse,
            {**person, "chosen_text": "Rye is heavy.", "criterion": "verbose"},
            "rejected_text",
        ),
    }[task]


def settings_for(kind: type[ModelStep], personas: str) -> dict[str, str]:
    return {"personas": personas} if "personas" in kind.model_fields else {}


@pytest.mark.parametrize("task", TASKS)
def test_a_step_sends_its_own_template_and_fills_its_column(task: str, personas: str) -> None:
    """Each step sends one system and one user message with its task's name, and stores the reply."""
    kind, row, column = rows_for(task)
    reply = json.dumps(WRITTEN) if task == "card_extraction" else "  “The reply.” "
    made, asked = ask(kind, row, reply, **settings_for(kind, personas))
    assert [message["role"] for message in asked[0]] == ["system", "user"]
    assert read_sections(asked[0])["task"] == [task]
    assert made["verdict"] == "keep"
    assert made["model"] == "scripted"
    assert made[column] == "The reply." if task != "card_extraction" else json.loads(made[column])
    assert {key: made[key] for key in row} == row


@pytest.mark.parametrize("task", TASKS)
def test_an_empty_reply_drops_the_row_with_a_reason(task: str, personas: str) -> None:
    """A reply of white space is no answer: the row is data with a reason, its columns are there."""
    kind, row, column = rows_for(task)
    made, _ = ask(kind, row, " \n ", **settings_for(kind, personas))
    assert (made["verdict"], made["filter"]) == ("drop", "step")
    assert "empty" in made["reason"] or "no JSON" in made["reason"]
    assert made[column] == ""


@pytest.mark.parametrize("task", TASKS)
def test_a_dropped_row_asks_no_model(task: str, personas: str) -> None:
    """What an earlier step dropped goes through untouched, with this step's columns empty."""
    kind, row, column = rows_for(task)
    dropped = {**row, "verdict": "drop", "filter": "before", "reason": "bad"}
    made, asked = ask(kind, dropped, **settings_for(kind, personas))
    assert asked == []
    assert (made["filter"], made["reason"], made[column]) == ("before", "bad", "")


@pytest.mark.parametrize("task", TASKS)
def test_declared_inputs_are_the_columns_that_are_read(task: str, personas: str) -> None:
    """A row with the declared inputs is enough; outputs name every column that is added."""
    kind, row, _ = rows_for(task)
    with Pipeline(name="test"):
        step = kind(name="step", llm=Scripted(), **settings_for(kind, personas))
    assert set(step.inputs) == set(row)
    made, _ = ask(kind, row, json.dumps(WRITTEN), **settings_for(kind, personas))
    assert set(made) - set(row) == set(step.outputs)


@pytest.mark.parametrize("task", TASKS)
@given(wild=st.text(max_size=40))
def test_wild_text_stays_inside_its_section(task: str, wild: str) -> None:
    """Whatever stands in a section, tags of ours included, the prompt reads back section by section."""
    given_text = f"</question></card></text></chat> {wild} <criterion>x</criterion>"
    values = {
        "card_extraction": {"facts": "{}", "text": given_text},
        "formal_rewrite": {"chat": given_text, "previous": "", "variant": 0, "instruction": "Rewrite."},
        "persona_answer": {"card": "Name: A", "question": given_text, "answer": "B"},
        "persona_response": {"card": "Name: A", "question": given_text, "shots": []},
        "rejected_response": {
            "card": "Name: A",
            "question": given_text,
            "response": "B",
            "criterion": "verbose",
            "instruction": "Be long.",
        },
    }[task]
    section = next(name for name, value in values.items() if value == given_text)
    sections = read_sections(load_prompt(task).messages(**values))
    assert sections["task"] == [task]
    assert [text.strip() for text in sections[section]] == [given_text.strip()]
    assert sections.get("criterion", []) == (["verbose"] if task == "rejected_response" else [])


@given(st.text(alphabet=st.sampled_from(list("<>/\\abc_ card")), max_size=30))
def test_escaping_a_section_can_be_undone(text: str) -> None:
    """Text comes back as it was, however many times it was escaped before."""
    assert unescape_section(escape_section(text)) == text
    assert unescape_section(unescape_section(escape_section(escape_section(text)))) == text


@pytest.mark.parametrize("task", TASKS)
def test_the_digest_of_a_prompt_follows_its_text(task: str) -> None:
    """Fingerprints of stages change with a template and with nothing else."""
    from castwright.generators.prompt import Prompt

    prompt = load_prompt(task)
    assert prompt.digest == Prompt("another name", prompt.text).digest
    assert prompt.digest != Prompt(task, prompt.text + " ").digest


def test_the_card_goes_into_the_prompt_as_it_reads_back(personas: str) -> None:
    """The rendered card in a prompt parses to the card of the row's persona id."""
    kind, row, _ = rows_for("persona_response")
    _, asked = ask(kind, row, personas=personas)
    assert parse_card(read_sections(asked[0])["card"][0]).content() == BAKER.content()


def test_few_shots_stand_in_the_prompt_in_order(personas: str) -> None:
    """Each shot is one example with what was asked and what was answered."""
    shots = [{"question": f"Q{n}?", "response": f"A{n} </example>."} for n in range(3)]
    row = {"persona_id": BAKER.persona_id, "question": "Is rye heavy?", "shots": json.dumps(shots)}
    _, asked = ask(PersonaResponse, row, personas=personas)
    examples = read_sections(asked[0])["example"]
    assert len(examples) == 3
    assert all(f"<asked>Q{n}?</asked>" in example for n, example in enumerate(examples))


@pytest.mark.parametrize("variant", range(len(INSTRUCTIONS)))
def test_each_variant_sends_its_own_instruction(variant: int) -> None:
    """The formal rewrite's instruction is the variant's, and the turn before is shown where there is one."""
    row = {"casual": "lol no", "previous": "you ok?", "variant": variant}
    _, asked = ask(FormalRewrite, row)
    assert INSTRUCTIONS[variant] in asked[0][1]["content"]
    assert [other for other in INSTRUCTIONS if other in asked[0][1]["content"]] == [INSTRUCTIONS[variant]]
    assert read_sections(asked[0])["previous"] == ["you ok?"]
    _, without = ask(FormalRewrite, {**row, "previous": ""})
    assert "previous" not in read_sections(without[0])


@pytest.mark.parametrize("criterion", CRITERIA)
def test_each_criterion_is_explained_to_the_model(criterion: str, personas: str) -> None:
    """The rejected side's prompt holds the criterion's name and what it means."""
    _, row, _ = rows_for("rejected_response")
    _, asked = ask(RejectedResponse, {**row, "criterion": criterion}, personas=personas)
    assert read_sections(asked[0])["criterion"] == [criterion]
    assert CRITERIA[criterion] in asked[0][1]["content"]


def test_a_card_that_is_complete_asks_no_model() -> None:
    """A character whose facts make a card passes with its own model column."""
    row = {"facts": "{}", "text": "", "card": "{}", "profile": "x", "identity": "y", "model": "source:grid"}
    made, asked = ask(CardExtraction, row)
    assert asked == []
    assert (made["card"], made["model"], made["verdict"]) == ("{}", "source:grid", "keep")


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(json.dumps(WRITTEN), id="bare JSON"),
        pytest.param(f"```json\n{json.dumps(WRITTEN)}\n```", id="fenced JSON"),
        pytest.param(f"Here you are:\n{json.dumps(WRITTEN, indent=1)}\nEnjoy!", id="JSON in prose"),
        pytest.param(json.dumps({**WRITTEN, "mood": "sunny", "persona_id": "p-0"}), id="unknown keys"),
    ],
)
def test_a_card_is_read_from_what_models_write(reply: str) -> None:
    """Fences, chatter and extra keys do not matter; facts win over what was written."""
    card = read_card(reply, {"name": "Odile Marchetti", "basic_info": {"age": 58}})
    assert (card.name, card.basic_info.age, card.basic_info.occupation) == ("Odile Marchetti", 58, "cook")
    assert card.persona_id != "p-0"
    assert identity(card) == "Odile Marchetti | cook |  | "


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("I would rather not.", "no JSON object", id="prose"),
        pytest.param('{"name": "Odile", "traits": [', "no JSON object", id="cut off"),
        pytest.param(json.dumps({"name": "Odile", "background": "She bakes."}), "field traits", id="no traits"),
        pytest.param(json.dumps({**WRITTEN, "kind": "myth"}), "field kind", id="a kind there is not"),
        pytest.param(json.dumps({**WRITTEN, "basic_info": {"age": -4}}), "field basic_info.age", id="a negative age"),
    ],
)
def test_a_reply_that_is_no_card_says_which_field(reply: str, reason: str) -> None:
    """The reason names the field, and the row that held it is kept aside."""
    with pytest.raises(ValueError, match=reason):
        read_card(reply, {})
    made, _ = ask(CardExtraction, {"facts": "{}", "text": "x"}, reply)
    assert made["verdict"] == "drop"
    assert reason in made["reason"]


@given(st.text(max_size=200), st.dictionaries(st.text(max_size=10), st.none() | st.text() | st.integers(), max_size=3))
def test_no_reply_raises_anything_but_a_value_error(reply: str, facts: dict[str, Any]) -> None:
    """Whatever a model writes and whatever a source knew, reading a card gives a card or a reason."""
    for text in (reply, "{" + reply + "}", json.dumps({**WRITTEN, "x": reply})):
        with suppress(ValueError):
            assert read_card(text, facts).name


def test_the_schema_of_a_card_is_what_the_reader_takes() -> None:
    """Structured output is asked for without the id and the source, which are not the model's to write."""
    with Pipeline(name="test"):
        schema = CardExtraction(name="step", llm=Scripted()).json_schema()
    assert {"persona_id", "source"} & set(schema["properties"]) == set()
    assert {"name", "traits", "background"} <= set(schema["required"])
    assert set(BAKER.content()) == set(schema["properties"])


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        pytest.param("Rye is heavy.", "Rye is heavy.", id="plain"),
        pytest.param('"Rye is heavy."', "Rye is heavy.", id="quoted"),
        pytest.param("“Rye is heavy.”", "Rye is heavy.", id="in curly quotes"),
        pytest.param("'Rye' and 'wheat'", "'Rye' and 'wheat'", id="quotes that are part of it"),
        pytest.param("<think>hm</think>\nRye.", "Rye.", id="after thinking"),
        pytest.param("Sure, here is the rewrite:\n\nRye.", "Rye.", id="after an announcement"),
        pytest.param("Rewritten: Rye.", "Rye.", id="after a label"),
        pytest.param("Sure: rye is heavy.", "Sure: rye is heavy.", id="an answer that begins with sure"),
        pytest.param("Of course rye is heavy.", "Of course rye is heavy.", id="an answer that begins with of course"),
    ],
)
def test_a_reply_loses_only_its_wrapping(reply: str, text: str) -> None:
    """Announcements, thinking and outer quotes go; what the model said stays."""
    assert clean_reply(reply) == text


@pytest.mark.parametrize("reply", ["", " \n", '""', "“ ”", "<think>only this</think>", "Answer:"], ids=repr)
def test_a_reply_of_nothing_is_an_error(reply: str) -> None:
    """What holds no words once unwrapped is refused."""
    with pytest.raises(ValueError, match="empty"):
        clean_reply(reply)


@given(st.text(max_size=80))
def test_cleaning_adds_nothing(text: str) -> None:
    """What is left of a reply stands in it as it is."""
    with suppress(ValueError):
        assert clean_reply(text) in text


def test_the_book_finds_a_card_by_id_and_renders_it(personas: str) -> None:
    """A folder or its file will do; the rendered text is the card's."""
    for path in (personas, str(Path(personas) / "part-00000.parquet")):
        assert PersonaBook(path).card(BAKER.persona_id).content() == BAKER.content()
        assert PersonaBook(path).rendered(BAKER.persona_id) == render_card(BAKER)


def test_a_card_or_table_that_is_not_there_is_an_error(personas: str, tmp_path: Path) -> None:
    """An unknown id and an unknown table are bugs of the graph, named as such."""
    with pytest.raises(KeyError, match="p-unknown"):
        PersonaBook(personas).card("p-unknown")
    with pytest.raises(SourceError, match="no personas table"):
        PersonaBook(str(tmp_path / "nowhere")).card(BAKER.persona_id)


def test_a_table_that_changed_is_read_again(tmp_path: Path) -> None:
    """A run that writes its cards anew does not answer with the old ones."""
    path = tmp_path / "cards.parquet"
    write_cards([BAKER], path)
    assert PersonaBook(str(path)).card(BAKER.persona_id)
    other = BAKER.model_copy(update={"persona_id": "p-other", "name": "Another"})
    write_cards([BAKER, other], path)
    assert PersonaBook(str(path)).card("p-other").name == "Another"
