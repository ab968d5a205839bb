"""Stage 4: cards x questions -> responses in character -> style rewriter for modern personas -> D_p (NGENT 4.2.1).

Each persona answers with few-shots: its own seed examples, else those of the cards nearest in voice. A rewrite
replaces the raw response only where it keeps the content; the refusal's reason stays in the row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from distilabel.models.llms.base import LLM
from distilabel.pipeline import Pipeline

from castwright.errors import BadRecord
from castwright.filters.preservation import lost_content
from castwright.filters.rewrite_gate import AcceptRewrite
from castwright.generators.persona_response import PersonaResponse
from castwright.generators.rewriter.step import StyleRewrite
from castwright.personas.card import PersonaCard
from castwright.personas.render import system_prompt
from castwright.pipelines.contracts import row_digest, unit_draw
from castwright.pipelines.inputs import Question, read_questions, take
from castwright.pipelines.load import LoadRows
from castwright.pipelines.question_picks import pick_questions, questions_by_kind
from castwright.pipelines.seed_examples import count_questions
from castwright.pipelines.stage import Context, Demand, ExpectedRows, Stage, as_json
from castwright.pipelines.streams import Row


def persona_responses(
    rows: Sequence[Row],
    *,
    personas: Path | str,
    llm: LLM,
    checkpoint: Path | str | None = None,
    embeddings: str = "offline",
    min_similarity: float = 0.75,
) -> Pipeline:
    """Return the graph that answers questions in character and rewrites the style of the answers.

    `rows` hold `persona_id`, `question`, `shots` (JSON list of {question, response}) and `rewrite` (bool).
    Without a `checkpoint` the raw responses stay.
    """
    with Pipeline(name="persona-responses") as pipeline:
        load = LoadRows(rows=list(rows))
        respond = PersonaResponse(
            name="persona_response",
            llm=llm,
            personas=str(personas),
            output_mappings={"response": "raw_response"},
        )
        rewrite = StyleRewrite(
            name="style_rewrite", checkpoint=str(checkpoint) if checkpoint else "", gate=lost_content
        )
        accept = AcceptRewrite(name="accept_rewrite", embeddings=embeddings, min_similarity=min_similarity)
        load >> respond >> rewrite >> accept
    return pipeline


def choose_shots(card: PersonaCard, examples: Sequence[Row], cards: dict[str, PersonaCard], count: int) -> list[Row]:
    """Return the seed examples to show for a card: its own first, then those of the nearest voices."""

    def distance(example: Row) -> tuple[float, float]:
        other = cards[example["persona_id"]]
        style, theirs = card.dialogue_style, other.dialogue_style
        far = (
            4.0 * (other.persona_id != card.persona_id)
            + 2.0 * (theirs.register_ != style.register_)
            + 1.0 * (other.modern != card.modern)
            + 1.0 * (other.kind != card.kind)
            + 0.5 * (theirs.sentence_length != style.sentence_length)
        )
        return far, unit_draw("shot", card.persona_id, example["row_id"])

    return sorted((e for e in examples if e["persona_id"] in cards), key=distance)[:count]


def _prepare(context: Context) -> Iterator[Row | BadRecord]:
    recipe = context.recipe
    settings = recipe.persona_responses
    questions: list[Question] = []
    for found in read_questions(recipe.questions):
        if isinstance(found, BadRecord):
            yield found
        else:
            questions.append(found)
    kinds = questions_by_kind(questions)
    examples = context.rows("seed_examples") if context.has("seed_examples") else []
    for card in take(iter(context.cards.values()), context.limit):
        nearest = choose_shots(card, examples, context.cards, len(examples))
        for question in pick_questions(kinds, settings.per_persona, recipe.seed + 1, card.persona_id):
            # an example of the question itself would hand over the answer
            others = (shot for shot in nearest if shot["question_id"] != question.question_id)
            shots = list(islice(others, settings.shots))
            shown = [{"question": shot["question"], "response": shot["response"]} for shot in shots]
            yield {
                "row_id": row_digest("persona_response", card.persona_id, question.question_id),
                "persona_id": card.persona_id,
                "question_id": question.question_id,
                "question_kind": question.kind,
                "question": question.question,
                "shots": as_json(shown),
                "shot_ids": as_json([shot["row_id"] for shot in shots]),
                "rewrite": settings.rewrite == "all" or (settings.rewrite == "modern" and card.modern),
                "verdict": "keep",
                "filter": "",
                "reason": "",
            }


def _expected_rows(context: Context) -> ExpectedRows:
    """Return the rows of a full run: every card answers as many questions as there are, up to `per_persona`."""
    each = min(context.recipe.persona_responses.per_persona, count_questions(context.recipe.questions))
    return lambda kept: kept["persona_cards"] * each


def checkpoint_of(context: Context) -> Path | None:
    """Return the style rewriter this run uses: the recipe's checkpoint, else the one it trained, else None."""
    training = context.recipe.rewriter_training
    if training.checkpoint:
        return Path(training.checkpoint).expanduser()
    trained = context.folder("rewriter_training") / "checkpoint"
    return trained if training.enabled and context.has("rewriter_training") and trained.is_dir() else None


def _graph(context: Context, rows: list[Row]) -> Pipeline:
    return persona_responses(
        rows,
        personas=context.folder("persona_cards"),
        llm=context.llm("persona_responses"),
        checkpoint=checkpoint_of(context),
        embeddings=context.recipe.embeddings,
        min_similarity=context.recipe.persona_responses.min_similarity,
    )


def chat_messages(card: PersonaCard | None, question: str, response: str) -> list[dict[str, str]]:
    """Return one exchange as chat messages, with the card as system message where there is one."""
    system = [{"role": "system", "content": system_prompt(card)}] if card else []
    return [*system, {"role": "user", "content": question}, {"role": "assistant", "content": response}]


def _finish(context: Context, row: Row) -> Row:
    shots = json.loads(row["shot_ids"])
    card = context.cards[row["persona_id"]]
    return {
        **row,
        "shots": shots,
        "parents": [row["persona_id"], row["question_id"], *shots],
        "messages": chat_messages(card, row["question"], row["response"]),
        "split": context.split(row["persona_id"]),
    }


STAGE = Stage(
    name="persona_responses",
    table="persona_responses",
    needs=("persona_cards",),
    uses=("seed_examples", "rewriter_training"),
    reads=("questions", "persona_responses", "embeddings", "seed", "export.validation", "export.test"),
    sources=("questions",),
    prompts=("persona_response",),
    calls_model=True,
    demand=Demand(_expected_rows),
    embeds=True,
    prepare=_prepare,
    graph=_graph,
    finish=_finish,
)
