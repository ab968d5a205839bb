"""Dialogues in a run: who talks about what, what the rows hold, and where they go from there."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_run import FULL, recipe_of, rerun, table

from castwright.errors import ModelError, RecipeError
from castwright.generators.models.config import OfflineModel, OpenAIModel
from castwright.generators.models.offline import OfflineLLM
from castwright.personas.card import PersonaCard
from castwright.personas.render import system_prompt
from castwright.pipelines import dialogues, run_local
from castwright.pipelines.dialogues import pair_up
from castwright.pipelines.fingerprint import fingerprint
from castwright.pipelines.inputs import Question
from castwright.pipelines.preference_pairs import positives
from castwright.pipelines.preview import readable
from castwright.pipelines.stage import Context
from castwright.pipelines.stages import STAGE_BY_NAME

KINDS: tuple[Literal["screen"], Literal["original"]] = ("screen", "original")
ASKER = {"kind": "openai", "model": "asker", "base_url": "http://127.0.0.1:9/v1"}


@pytest.fixture
def run(finished: Path) -> Context:
    """The finished small run."""
    return Context(recipe_of(), finished)


def roles(messages: list[dict[str, str]]) -> list[str]:
    return [message["role"] for message in messages]


def alternating(count: int) -> list[str]:
    return ["user", "assistant"] * (count // 2) + ["user"] * (count % 2)


def test_as_many_talks_are_held_as_the_recipe_says(run: Context) -> None:
    """Every one a row, kept or rejected, and every persona has its share."""
    rows = run.rows("dialogues")
    assert len(rows) + len(run.rows("dialogues", rejected=True)) == run.recipe.dialogues.count == 40
    assert set(Counter(row["persona_id"] for row in rows).values()) == {4}
    assert len({(row["persona_id"], row["question_id"]) for row in rows}) == 40


def test_a_row_is_a_system_message_and_full_exchanges(run: Context) -> None:
    """The messages begin as those of the persona responses and end with the character."""
    lengths = set()
    for row in run.rows("dialogues"):
        system, *turns = row["messages"]
        assert system == {"role": "system", "content": system_prompt(run.cards[row["persona_id"]])}
        assert roles(turns) == alternating(len(turns))
        assert 2 <= len(turns) <= 2 * run.recipe.dialogues.max_turns
        assert len(turns) % 2 == 0
        lengths.add(len(turns))
        assert (row["ended_by"] == "limit") == (len(turns) == 2 * run.recipe.dialogues.max_turns)
        assert (row["round"], row["failure"]) == (0, "")
        assert (row["model"], row["ask_model"], row["chat_model"]) == ("offline",) * 3
        assert row["parents"] == [row["persona_id"], row["question_id"]]
        assert row["split"] == run.split(row["persona_id"])
    assert len(lengths) > 1


def test_no_turn_of_a_talk_is_said_twice(run: Context) -> None:
    """Over all talks of the run, for both speakers."""
    for row in run.rows("dialogues"):
        for role in ("user", "assistant"):
            said = [message["content"].casefold() for message in row["messages"] if message["role"] == role]
            assert len(set(said)) == len(said)


def test_dialogues_open_with_other_questions_than_the_responses(run: Context) -> None:
    """The draw is another one: few (persona, question) pairs stand in both tables, and never as the same answer."""
    first = {(row["persona_id"], row["question_id"], row["messages"][2]["content"]) for row in run.rows("dialogues")}
    answers = {
        (row["persona_id"], row["question_id"], row["messages"][2]["content"]) for row in run.rows("persona_responses")
    }
    assert not first & answers


def test_a_second_run_gives_the_same_bytes(standing: Path, finished: Path) -> None:
    """Whatever order the talks' turns came in."""
    assert rerun(recipe_of(), standing, force=["dialogues"]) == {"dialogues"}
    name = "dialogues/part-00000.parquet"
    assert (standing / name).read_bytes() == (finished / name).read_bytes()


def test_the_graph_is_composed_without_a_recipe(run: Context) -> None:
    """Rows, cards and one model for both sides are all it takes."""
    model = OfflineLLM()
    cards = list(run.cards.values())[:3]
    rows = [{"row_id": card.name, "persona_id": card.persona_id, "question": "Who are you?"} for card in cards]
    graph = dialogues(rows, personas=run.folder("persona_cards"), ask_llm=model, chat_llm=model, max_turns=2)
    made = run_local(graph).rows
    assert [row["row_id"] for row in made] == [card.name for card in cards]
    for row in made:
        assert json.loads(row["messages"])[0] == {"role": "user", "content": "Who are you?"}
        assert len(json.loads(row["messages"])) <= 4


@given(people=st.integers(1, 7), asked=st.integers(1, 5), count=st.integers(1, 40), seed=st.integers(0, 3))
def test_openings_are_spread_evenly_over_cards(people: int, asked: int, count: int, seed: int) -> None:
    """Different pairs, as many as wanted or there are, and no card twice before every card once."""
    cards = [PersonaCard(name=f"P{n}", kind=KINDS[n % 2], traits=("calm",), background="B.") for n in range(people)]
    questions = [Question(f"q{n}", f"What is {n}?", kind=("iq", "eq")[n % 2]) for n in range(asked)]
    pairs = pair_up(cards, questions, count, seed)
    assert len({(card.persona_id, question.question_id) for card, question in pairs}) == len(pairs)
    assert len(pairs) == min(count, people * asked)
    shares = Counter(card.persona_id for card, _ in pairs)
    assert max(shares.values()) - min(shares.get(card.persona_id, 0) for card in cards) <= 1
    assert pairs == pair_up(cards, questions, count, seed)


def test_curation_sees_the_opening_and_all_that_the_character_said(run: Context) -> None:
    """One verdict for a whole talk."""
    judged = {
        row["row_id"]: row
        for rejected in (False, True)
        for row in run.rows("curate", rejected=rejected)
        if row["table"] == "dialogues"
    }
    talks = run.rows("dialogues")
    assert judged.keys() == {row["row_id"] for row in talks}
    for row in talks:
        said = [message["content"] for message in row["messages"] if message["role"] == "assistant"]
        assert judged[row["row_id"]]["question"] == row["messages"][1]["content"]
        assert judged[row["row_id"]]["response"] == "\n".join(said)


def test_the_sft_set_holds_the_talks_as_they_are(run: Context) -> None:
    """A config of their own, part of the default one, in the split of their persona."""
    folder = run.folder("export") / "sft"
    kept = {row["row_id"] for row in run.rows("curate") if row["table"] == "dialogues"}
    whole = {row["row_id"]: row["messages"] for row in run.rows("dialogues")}
    for config in ("dialogues", "default"):
        found = set()
        for path in sorted((folder / config).glob("*.parquet")):
            for row in pl.read_parquet(path).filter(pl.col("table") == "dialogues").to_dicts():
                assert row["messages"] == whole[row["row_id"]]
                assert path.stem == run.split(row["persona_id"])
                found.add(row["row_id"])
        assert found == kept
    assert any(len(messages) > 3 for messages in whole.values())


def test_the_last_exchange_of_a_talk_becomes_a_preference_pair(run: Context) -> None:
    """The prompt is the talk up to the last question, the chosen side its answer; others have one question."""
    whole = {row["row_id"]: row["messages"] for row in run.rows("dialogues")}
    of_talks, others = 0, 0
    for row in [*run.rows("preference_pairs"), *run.rows("preference_pairs", rejected=True)]:
        if (messages := whole.get(row["parents"][0])) is not None:
            assert [*row["prompt"], *row["chosen"]] == messages
            of_talks += 1
        else:
            assert roles(row["prompt"]) == ["system", "user"]
            others += 1
    assert (of_talks, others) == (len(whole), len(run.rows("persona_responses")))


def test_a_pair_shares_the_verdict_of_its_talk(run: Context) -> None:
    """No exported pair was made from a talk that curation dropped."""
    kept = {row["row_id"] for row in run.rows("curate")}
    for row in run.rows("preference_pairs"):
        if row["row_id"] in kept:
            assert row["parents"][0] in kept


def test_few_pairs_are_taken_from_both_tables_in_turn(run: Context) -> None:
    """A recipe that asks for six pairs, or a preview of six rows, wants multi-turn ones among them."""
    first = list(positives(run))[:6]
    assert ["ended_by" in row for row in first] == [False, True] * 3
    assert all(isinstance(json.loads(row["history"]), list) for row in first)


def test_without_dialogues_pairs_come_from_responses_alone(run: Context) -> None:
    """The stage is one that preference pairs use, not one they need."""
    stages = tuple(name for name in run.recipe.stages if name != "dialogues")
    context = Context(run.recipe.model_copy(update={"stages": stages}), run.out)
    assert {row["history"] for row in positives(context)} == {"[]"}


def test_a_talk_is_shown_as_a_talk(run: Context) -> None:
    """A preview names the speakers and how the talk ended, and shows what a pair's prompt has before its question."""
    row = next(row for row in run.rows("dialogues") if len(row["messages"]) > 3)
    lines = readable("dialogues", row).splitlines()
    assert lines[0] == f"person     {row['messages'][1]['content']}"
    assert lines[-1] == f"(ended by {row['ended_by']})"
    broken = {**row, "ended_by": "failure", "failure": "turn 5, by the person: timed out"}
    assert readable("dialogues", broken).endswith("(ended by failure: turn 5, by the person: timed out)")
    pair = next(row for row in run.rows("preference_pairs") if len(row["prompt"]) > 2)
    assert f"before    assistant: {pair['prompt'][2]['content']}" in readable("preference_pairs", pair)


def test_the_ask_agent_may_be_another_model(run: Context, standing: Path) -> None:
    """It is a model of the stage beside the chat agent, and one that does not answer stops the run."""
    recipe = recipe_of(dialogues={"count": 2, "ask_model": ASKER})
    assert [type(block) for block in recipe.models_of("dialogues")] == [OfflineModel, OpenAIModel]
    assert recipe.models_of("persona_responses") == [recipe.model]
    assert recipe_of(dialogues={"ask_model": {"kind": "offline"}}).models_of("dialogues") == [recipe.model]
    with pytest.raises(ModelError, match="no server at"):
        rerun(recipe, standing)


def test_who_asks_is_in_the_fingerprint_and_how_fast_is_not(run: Context) -> None:
    """As for every other model block."""

    def mark(**block: Any) -> str:
        context = Context(recipe_of(dialogues={"ask_model": {**ASKER, **block}}), run.out)
        return fingerprint(STAGE_BY_NAME["dialogues"], context)

    assert mark() == mark(max_in_flight=3, timeout=5, max_retries=1, api_key_env="OTHER")
    assert mark() != mark(model="other")
    assert mark() != fingerprint(STAGE_BY_NAME["dialogues"], run)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param({**ASKER, "sk-pasted-by-mistake-1234": 1}, id="as a key"),
        pytest.param({**ASKER, "temperature": "sk-pasted-by-mistake-1234"}, id="as a value"),
        pytest.param({"kind": "sk-pasted-by-mistake-1234"}, id="as the kind"),
    ],
)
def test_a_secret_pasted_into_ask_model_is_not_repeated(block: dict[str, Any]) -> None:
    """The error names the place, as for `model`."""
    with pytest.raises(RecipeError) as caught:
        recipe_of(dialogues={"ask_model": block})
    assert "dialogues.ask_model" in str(caught.value)
    assert "pasted" not in str(caught.value)


def test_the_small_recipe_leaves_the_stage_as_it_is_by_default(finished: Path) -> None:
    """Nothing in the recipe asks for dialogues, and there they are."""
    assert "dialogues" not in FULL
    assert table(finished, "dialogues")
