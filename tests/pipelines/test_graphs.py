"""Every graph of ours as a user composes it: rows made in Python, no recipe, any distilabel step or model added."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from distilabel.models.llms import AsyncLLM
from distilabel.pipeline import Pipeline
from distilabel.steps import ExpandColumns, KeepColumns

from castwright.generators.models.config import OpenAIModel
from castwright.generators.models.offline import OfflineLLM
from castwright.generators.models.openai import OpenAICompatibleLLM
from castwright.generators.rewriter import RewriterTraining, StylePair, train_rewriter
from castwright.personas.card import BasicInfo, PersonaCard
from castwright.personas.character import Character
from castwright.personas.store import write_cards
from castwright.pipelines import (
    LoadRows,
    character_row,
    contrastive_pairs,
    curate,
    dialogues,
    instruction_pretraining,
    persona_cards,
    persona_responses,
    preference_pairs,
    run_local,
    seed_examples,
    style_rewriter,
)

Row = dict[str, Any]
Make = Callable[[list[Row], str, Any], Pipeline]

PRIVATE = "xylograph"  # stands in every row and must never stand in a saved graph
CARDS = [
    PersonaCard(
        name=name,
        traits=("patient",),
        background=f"{name} has worked by the harbour for years.",
        modern=modern,
        basic_info=BasicInfo(occupation=trade, place="Ghent"),
    )
    for name, trade, modern in (("Odile Marchetti", "baker", True), ("Bram Oster", "sailor", False))
]
ASKED = [f"What do you think of a {PRIVATE}?", "What is 12 + 9?"]
FILTERS = [{"name": "length", "options": {"min_words": 3}}, {"name": "refusal"}]


def each_card(**columns: Any) -> list[Row]:
    return [
        {"row_id": f"r-{place}", "persona_id": card.persona_id, "question": question, **columns}
        for place, (card, question) in enumerate(zip(CARDS, ASKED, strict=True))
    ]


def character_rows() -> list[Row]:
    facts = CARDS[0].content()
    return [
        character_row(Character(facts=facts)),
        character_row(Character(facts={**facts, "example_lines": ("Morning.",)})),
        character_row(Character(text=f"Nell Harrow is a lighthouse keeper who owns a {PRIVATE}. She is stubborn.")),
    ]


def curation_rows() -> list[Row]:
    speaker = {"name": "Odile", "modern": True, "era": "", "occupation": "baker", "register": "casual", "quirks": ""}
    texts = [f"I keep my {PRIVATE} beside the oven.", "As an AI language model I cannot answer.", "Hm."]
    return [
        {"row_id": f"r-{n}", "table": "mine", "question": "Well?", "response": text, **speaker}
        for n, text in enumerate(texts)
    ]


# name: rows, graph, name of its last step, a column it adds
GRAPHS: dict[str, tuple[Callable[[], list[Row]], Make, str, str]] = {
    "persona_cards": (
        character_rows,
        lambda rows, _personas, llm: persona_cards(rows, llm=llm),
        "unique_cards",
        "profile",
    ),
    "seed_examples": (
        lambda: each_card(shots="[]"),
        lambda rows, personas, llm: seed_examples(rows, personas=personas, llm=llm),
        "persona_response",
        "response",
    ),
    "style_rewriter": (
        lambda: [
            {"casual": f"im gonna sell my {PRIVATE} tmrw lol", "previous": "", "variant": 0},
            {"casual": "dont u think its too late", "previous": "we could go now", "variant": 3},
        ],
        lambda rows, _personas, llm: style_rewriter(rows, llm=llm),
        "style_pair",
        "formal",
    ),
    "persona_responses": (
        lambda: each_card(shots=json.dumps([{"question": "Hi?", "response": "Hello."}]), rewrite=True),
        lambda rows, personas, llm: persona_responses(rows, personas=personas, llm=llm),
        "accept_rewrite",
        "response",
    ),
    "contrastive_pairs": (
        lambda: each_card(answer=f"A {PRIVATE} is a picture cut in wood, and 12 + 9 = 21.\n#### 21"),
        lambda rows, personas, llm: contrastive_pairs(rows, personas=personas, llm=llm),
        "verify_answer",
        "persona_answer",
    ),
    "preference_pairs": (
        lambda: each_card(chosen_text=f"I like a {PRIVATE} on the wall, it is honest work.", criterion="formal_tone"),
        lambda rows, personas, llm: preference_pairs(rows, personas=personas, llm=llm),
        "preference_lint",
        "rejected_text",
    ),
    "dialogues": (
        each_card,
        lambda rows, personas, llm: dialogues(rows, personas=personas, ask_llm=llm, chat_llm=llm, max_turns=2),
        "dialogue",
        "messages",
    ),
    "instruction_pretraining": (
        lambda: [
            {"row_id": "r-0", "text": f"A kitchen.\n\nANN: Is that a {PRIVATE}?\n\nBO: It is.\n", "cast": ""},
            {"row_id": "r-1", "text": "Nobody speaks.\n", "cast": ""},
        ],
        lambda rows, _personas, _llm: instruction_pretraining(rows),
        "duplicate_passages",
        "segments",
    ),
    "curate": (
        curation_rows,
        lambda rows, _personas, _llm: curate(
            rows, filters=FILTERS, children=[{**rows[1], "row_id": "child", "parent": "r-1"}]
        ),
        "follow_parents",
        "reason",
    ),
}
every_graph = pytest.mark.parametrize("name", GRAPHS)


@pytest.fixture(scope="module")
def personas(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a personas table with two cards."""
    folder = tmp_path_factory.mktemp("personas")
    write_cards(CARDS, folder / "part-00000.parquet")
    return str(folder)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A style rewriter after three training steps: it runs, and knows next to nothing."""
    out = tmp_path_factory.mktemp("rewriter") / "checkpoint"
    things = ("bread", "the boat", "my piano", "a garden", "old maps", "the choir", "her lamp", "good tea")
    pairs = [StylePair(f"I do not like {thing}.", f"i don't like {thing}", "train") for thing in things]
    pairs += [StylePair(f"It is {thing}.", f"it's {thing}", "train") for thing in things]
    pairs += [StylePair(f"We are going to see {thing}.", f"we're gonna see {thing}", "train") for thing in things]
    train_rewriter(pairs, out, RewriterTraining(width=32, layers=1, heads=2, max_steps=3, batch_size=8))
    return out


class Elsewhere(AsyncLLM):
    """A model that castwright has never heard of: no sample index, no failure list, and it raises."""

    @property
    def model_name(self) -> str:
        return "elsewhere"

    async def agenerate(self, input: Any, num_generations: int = 1) -> Any:  # noqa: A002
        if "12 + 9" in input[-1]["content"]:
            raise ConnectionError("the line\nwent dead")
        return {"generations": ["By the oven, that's where."], "statistics": {}}


@every_graph
def test_a_graph_validates_and_runs_without_a_recipe(name: str, personas: str) -> None:
    """Rows of the documented columns go in and come out, each with the column the graph is for."""
    make_rows, make, last, column = GRAPHS[name]
    rows = make_rows()
    pipeline = make(rows, personas, OfflineLLM())
    assert pipeline.dag.leaf_steps == {last}
    pipeline.dag.validate()
    made = run_local(pipeline).rows
    assert len(made) == len(rows) + (name == "curate")
    assert all({"verdict", "reason", column} <= set(row) for row in made)
    assert all(row.keys() == made[0].keys() for row in made) or name == "curate"
    assert any(row["verdict"] == "keep" for row in made)
    for row, before in zip(made, rows, strict=False):
        # what a graph is given and does not fill itself comes out as it was
        assert {key: row[key] for key in ("row_id", "persona_id", "question", "casual") if key in before} == {
            key: before[key] for key in ("row_id", "persona_id", "question", "casual") if key in before
        }


@every_graph
def test_a_graph_takes_a_distilabel_step_at_its_end(name: str, personas: str) -> None:
    """`KeepColumns` of distilabel behind our last step: the rows keep that column alone."""
    make_rows, make, last, column = GRAPHS[name]
    rows = make_rows()
    with make(rows, personas, OfflineLLM()) as pipeline:
        pipeline.dag.get_step(last)["step"] >> KeepColumns(name="keep", columns=[column])
    made = run_local(pipeline).rows
    assert {tuple(row) for row in made} == {(column,)}
    assert len(made) == len(rows) + (name == "curate")


@every_graph
def test_a_saved_graph_holds_neither_rows_nor_secrets(
    name: str, personas: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """YAML and JSON of a graph name the key's variable; row texts and the key are not in them."""
    monkeypatch.setenv("MY_KEY", "sk-very-secret-1234")
    make_rows, make, last, _ = GRAPHS[name]
    block = OpenAIModel(kind="openai", model="m", base_url="http://127.0.0.1:9/v1", api_key_env="MY_KEY")
    rows = make_rows()
    pipeline = make(rows, personas, OpenAICompatibleLLM(block=block))
    assert PRIVATE in json.dumps(rows)
    pipeline.save(str(tmp_path / "pipeline.yaml"), format="yaml")
    for text in ((tmp_path / "pipeline.yaml").read_text(encoding="utf-8"), json.dumps(pipeline.dump())):
        assert last in text
        assert PRIVATE not in text
        assert "very-secret" not in text
    again = Pipeline.from_yaml(str(tmp_path / "pipeline.yaml"))
    assert list(again.dag) == list(pipeline.dag)


@every_graph
def test_a_graph_gives_the_same_rows_each_time(name: str, personas: str) -> None:
    """Built twice from the same rows and run twice, the rows are equal."""
    make_rows, make, _, _ = GRAPHS[name]
    first, second = (run_local(make(make_rows(), personas, OfflineLLM())).rows for _ in range(2))
    assert first == second


@every_graph
def test_the_rows_given_are_not_changed(name: str, personas: str) -> None:
    """A user's own list of rows is theirs after the run too."""
    make_rows, make, _, _ = GRAPHS[name]
    rows = make_rows()
    run_local(make(rows, personas, OfflineLLM()))
    assert rows == make_rows()


def test_a_graph_begins_behind_distilabel_steps_too(personas: str) -> None:
    """`ExpandColumns` makes one row a question, then our step answers each."""
    from castwright.generators.persona_response import PersonaResponse

    rows = [{"persona_id": card.persona_id, "question": ASKED, "shots": "[]"} for card in CARDS]
    with Pipeline(name="expanded") as pipeline:
        load, expand = LoadRows(rows=rows), ExpandColumns(columns=["question"])
        load >> expand >> PersonaResponse(name="ask", llm=OfflineLLM(), personas=personas)
    made = run_local(pipeline).rows
    assert [(row["persona_id"], row["question"]) for row in made] == [
        (card.persona_id, question) for card in CARDS for question in ASKED
    ]
    assert all(row["response"] and row["verdict"] == "keep" for row in made)


def test_any_distilabel_model_works_and_its_failure_is_a_reason(personas: str) -> None:
    """A third party's model answers; where it raises, that row is dropped with what it said, on one line."""
    rows = each_card(shots="[]", rewrite=False)
    answered, failed = run_local(persona_responses(rows, personas=personas, llm=Elsewhere())).rows
    assert (answered["response"], answered["model"]) == ("By the oven, that's where.", "elsewhere")
    assert (failed["verdict"], failed["filter"]) == ("drop", "persona_response")
    assert failed["reason"] == "ConnectionError: the line went dead"
    assert failed["response"] == failed["raw_response"] == ""


def test_a_failed_row_keeps_its_first_reason_through_every_later_step(personas: str) -> None:
    """Checks behind the model neither judge nor overwrite what has no text."""
    graphs = [
        contrastive_pairs(each_card(answer="21"), personas=personas, llm=Elsewhere()),
        preference_pairs(each_card(chosen_text="Yes.", criterion="verbose"), personas=personas, llm=Elsewhere()),
    ]
    for pipeline in graphs:
        failed = run_local(pipeline).rows[1]
        assert failed["verdict"] == "drop"
        assert failed["reason"] == "ConnectionError: the line went dead"
        assert failed["score"] is None


def test_without_a_checkpoint_the_raw_response_stays(personas: str) -> None:
    """Rows that asked for a rewrite say that there was no rewriter."""
    made = run_local(persona_responses(each_card(shots="[]", rewrite=True), personas=personas, llm=OfflineLLM())).rows
    for row in made:
        assert row["response"] == row["raw_response"] != ""
        assert (row["rewritten"], row["rewrite_refusal_reason"]) == (False, "no style rewriter")


def test_with_a_checkpoint_every_row_that_asked_has_a_candidate_or_a_reason(personas: str, checkpoint: Path) -> None:
    """A row that did not ask is left alone; an accepted rewrite is the response, a refused one is not."""
    rows = each_card(shots="[]")
    rows = [{**row, "rewrite": place == 0} for place, row in enumerate(rows)]
    asked, not_asked = run_local(
        persona_responses(rows, personas=personas, llm=OfflineLLM(), checkpoint=checkpoint)
    ).rows
    assert asked["rewrite_candidate"]
    assert asked["rewrite_similarity"] is not None
    assert asked["response"] == asked["rewrite_candidate" if asked["rewritten"] else "raw_response"]
    assert asked["rewritten"] == (asked["rewrite_refusal_reason"] == "")
    assert not_asked["response"] == not_asked["raw_response"]
    assert "only modern personas" in not_asked["rewrite_refusal_reason"]


def test_a_checkpoint_that_is_not_there_stops_the_run(personas: str, tmp_path: Path) -> None:
    """The path is in the message, before any row is sent to a model."""
    from castwright.errors import ModelError

    pipeline = persona_responses(
        each_card(shots="[]", rewrite=True), personas=personas, llm=Elsewhere(), checkpoint=tmp_path / "nowhere"
    )
    with pytest.raises(ModelError, match="nowhere"):
        run_local(pipeline)


def test_duplicate_cards_are_marked(personas: str) -> None:
    """The second character of the same name, trade and place is dropped as a copy of the first."""
    first, copy, other = run_local(persona_cards(character_rows(), llm=OfflineLLM())).rows
    assert (first["verdict"], other["verdict"]) == ("keep", "keep")
    assert (copy["verdict"], copy["filter"]) == ("drop", "exact_duplicates")
    assert json.loads(other["card"])["name"] == "Nell Harrow"
    assert (first["model"], other["model"]) == ("source:", "offline")
