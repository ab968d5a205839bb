"""Stage 6: cards x openings -> an ask agent and a chat agent talk -> dialogues (the D_i of NGENT's Algorithm 1).

Openings are the recipe's questions, in another draw than those of the persona responses, so that D does not
hold the same question to the same persona twice. The ask agent may be another model than the chat agent: a
character that talks to itself hears only its own kind of question.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from distilabel.models.llms.base import LLM
from distilabel.pipeline import Pipeline

from castwright.errors import BadRecord
from castwright.generators.dialogue import Dialogue
from castwright.personas.card import PersonaCard
from castwright.personas.render import system_prompt
from castwright.pipelines.contracts import row_digest
from castwright.pipelines.inputs import Question, read_questions
from castwright.pipelines.load import LoadRows
from castwright.pipelines.question_picks import pick_questions, questions_by_kind
from castwright.pipelines.recipe import Recipe
from castwright.pipelines.seed_examples import count_questions, spread_cards
from castwright.pipelines.stage import Context, Demand, ExpectedRows, Stage
from castwright.pipelines.streams import Row


def dialogues(
    rows: Sequence[Row], *, personas: Path | str, ask_llm: LLM, chat_llm: LLM, max_turns: int = 4
) -> Pipeline:
    """Return the graph that lets an ask agent and a chat agent talk, one whole conversation a row.

    `rows` hold `persona_id` and `question` (the opening); `messages` (JSON text), `ended_by`, `failure`,
    `ask_model`, `chat_model` and a verdict come out. Pass one object as both models to load it once.
    """
    with Pipeline(name="dialogues") as pipeline:
        load = LoadRows(rows=list(rows))
        converse = Dialogue(
            name="dialogue", ask_llm=ask_llm, chat_llm=chat_llm, personas=str(personas), max_turns=max_turns
        )
        load >> converse
    return pipeline


def pair_up(
    cards: Sequence[PersonaCard], questions: Sequence[Question], count: int, seed: int
) -> list[tuple[PersonaCard, Question]]:
    """Return `count` different (card, opening) pairs, or all there are: every card once before any twice."""
    chosen = spread_cards(cards, count, seed)
    each = -(-count // len(chosen)) if chosen else 0
    kinds = questions_by_kind(questions)
    openings = {card.persona_id: pick_questions(kinds, each, seed, card.persona_id) for card in chosen}
    rounds = ((card, openings[card.persona_id][turn]) for turn in range(min(each, len(questions))) for card in chosen)
    return list(islice(rounds, count))


def _prepare(context: Context) -> Iterator[Row | BadRecord]:
    recipe = context.recipe
    questions: list[Question] = []
    for found in read_questions(recipe.questions):
        if isinstance(found, BadRecord):
            yield found
        else:
            questions.append(found)
    count = recipe.dialogues.count if context.limit is None else min(recipe.dialogues.count, context.limit)
    # the seed is another one than in persona_responses: other questions for the same persona
    for card, question in pair_up(list(context.cards.values()), questions, count, recipe.seed + 2):
        yield {
            "row_id": row_digest("dialogue", card.persona_id, question.question_id),
            "persona_id": card.persona_id,
            "question_id": question.question_id,
            "question": question.question,
            "verdict": "keep",
            "filter": "",
            "reason": "",
        }


def _expected_rows(context: Context) -> ExpectedRows:
    """Return the talks of a full run, by the arithmetic of `pair_up`."""
    count, questions = context.recipe.dialogues.count, count_questions(context.recipe.questions)

    def rows(kept: Mapping[str, float]) -> float:
        chosen = min(count, kept["persona_cards"])
        each = min(math.ceil(count / chosen), questions) if chosen else 0
        return min(count, chosen * each)

    return rows


def _calls_per_talk(recipe: Recipe) -> tuple[tuple[int, int], ...]:
    """Return the fewest and most calls of a talk by model: the opening is given, the character always speaks."""
    turns = recipe.dialogues.max_turns
    both = len(recipe.models_of("dialogues")) > 1
    return ((1, turns), (0, turns - 1)) if both else ((1, 2 * turns - 1),)


def _graph(context: Context, rows: list[Row]) -> Pipeline:
    settings = context.recipe.dialogues
    chat = context.llm("dialogues")
    ask = context.llm("dialogues", settings.ask_model) if settings.ask_model else chat
    return dialogues(
        rows, personas=context.folder("persona_cards"), ask_llm=ask, chat_llm=chat, max_turns=settings.max_turns
    )


def _finish(context: Context, row: Row) -> Row:
    card = context.cards[row["persona_id"]]
    return {
        **row,
        "parents": [row["persona_id"], row["question_id"]],
        "messages": [{"role": "system", "content": system_prompt(card)}, *json.loads(row["messages"])],
        "round": 0,
        "split": context.split(row["persona_id"]),
    }


STAGE = Stage(
    name="dialogues",
    table="dialogues",
    needs=("persona_cards",),
    reads=("questions", "dialogues", "seed", "export.validation", "export.test"),
    sources=("questions",),
    prompts=("dialogue_ask", "dialogue_chat"),
    calls_model=True,
    demand=Demand(_expected_rows, calls=_calls_per_talk),
    prepare=_prepare,
    graph=_graph,
    finish=_finish,
)
