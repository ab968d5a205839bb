"""Stage 2: cards x seed questions -> emulated answers, ready to be refined by people and used as few-shots.

Cards are spread over kinds and registers, so that every persona finds an example near its own voice. Edits
that people made come back through `seed_examples.refined` and replace the emulated response.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from distilabel.models.llms.base import LLM
from distilabel.pipeline import Pipeline

from castwright.errors import BadRecord
from castwright.generators.persona_response import PersonaResponse
from castwright.personas.card import PersonaCard
from castwright.personas.tables import Record, read_records
from castwright.pipelines.contracts import row_digest, unit_draw
from castwright.pipelines.inputs import Question, read_questions
from castwright.pipelines.load import LoadRows
from castwright.pipelines.question_picks import pick_questions, questions_by_kind
from castwright.pipelines.recipe import RowSource
from castwright.pipelines.stage import Context, Demand, ExpectedRows, Stage
from castwright.pipelines.streams import Row


def seed_examples(rows: Sequence[Row], *, personas: Path | str, llm: LLM) -> Pipeline:
    """Return the graph that answers seed questions in character, without few-shots.

    `rows` hold `persona_id`, `question` and `shots` (empty); `personas` is the folder of the cards.
    """
    with Pipeline(name="seed-examples") as pipeline:
        load = LoadRows(rows=list(rows))
        respond = PersonaResponse(name="persona_response", llm=llm, personas=str(personas))
        load >> respond
    return pipeline


def spread_cards(cards: Sequence[PersonaCard], count: int, seed: int) -> list[PersonaCard]:
    """Return `count` cards taken in turn from every (kind, register), each group in a seeded order."""
    groups: dict[tuple[str, str], list[PersonaCard]] = defaultdict(list)
    for card in sorted(cards, key=lambda card: unit_draw("seed-example", seed, card.persona_id)):
        groups[card.kind, card.dialogue_style.register_].append(card)
    chosen: list[PersonaCard] = []
    queues = [groups[key] for key in sorted(groups)]
    while len(chosen) < count and any(queues):
        for queue in queues:
            if queue and len(chosen) < count:
                chosen.append(queue.pop(0))
    return chosen


def count_questions(source: RowSource) -> int:
    """Return how many questions a source holds."""
    return sum(not isinstance(found, BadRecord) for found in read_questions(source))


def _prepare(context: Context) -> Iterator[Row | BadRecord]:
    settings = context.recipe.seed_examples
    questions: list[Question] = []
    for found in read_questions(context.recipe.questions):
        if isinstance(found, BadRecord):
            yield found
        else:
            questions.append(found)
    refined: dict[tuple[str, str], Record] = {}
    if settings.refined:
        for record in read_records(settings.refined, required=("persona_id", "question_id", "response")):
            if isinstance(record, BadRecord):
                yield record
            else:
                refined[str(record.values["persona_id"]), str(record.values["question_id"])] = record
    kinds = questions_by_kind(questions)
    count = settings.personas if context.limit is None else min(settings.personas, context.limit)
    for card in spread_cards(list(context.cards.values()), count, context.recipe.seed):
        for question in pick_questions(kinds, settings.questions, context.recipe.seed, card.persona_id):
            found_edit = refined.pop((card.persona_id, question.question_id), None)
            edit = found_edit.values if found_edit else {}
            yield {
                "row_id": row_digest("seed_example", card.persona_id, question.question_id),
                "persona_id": card.persona_id,
                "question_id": question.question_id,
                "question": question.question,
                "shots": "[]",
                "refined_response": str(edit.get("response", "")),
                "refined_by": str(edit.get("refined_by", "")),
                "refined_at": str(edit.get("refined_at", "")),
                "verdict": "keep",
                "filter": "",
                "reason": "",
            }
    for (persona_id, question_id), record in refined.items() if context.limit is None else ():
        reason = f"no seed example has the persona {persona_id!r} and the question {question_id!r}"
        yield BadRecord(record.place, reason, str(record.values["response"])[:200])


def _expected_rows(context: Context) -> ExpectedRows:
    """Return the rows of a full run: every chosen card answers as many questions as there are, up to its number."""
    settings = context.recipe.seed_examples
    each = min(settings.questions, count_questions(context.recipe.questions))
    return lambda kept: min(settings.personas, kept["persona_cards"]) * each


def _graph(context: Context, rows: list[Row]) -> Pipeline:
    return seed_examples(rows, personas=context.folder("persona_cards"), llm=context.llm("seed_examples"))


def _finish(_context: Context, row: Row) -> Row:
    return {
        **row,
        "parents": [row["persona_id"]],
        "response": row["refined_response"] or row["response"],
        "original_response": row["response"],
    }


STAGE = Stage(
    name="seed_examples",
    table="seed_examples",
    needs=("persona_cards",),
    reads=("questions", "seed_examples", "seed"),
    sources=("questions", "seed_examples"),
    prompts=("persona_response",),
    calls_model=True,
    demand=Demand(_expected_rows),
    prepare=_prepare,
    graph=_graph,
    finish=_finish,
)
