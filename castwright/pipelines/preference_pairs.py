"""Stage 7: good responses -> a response that fails by one criterion -> linted preference pairs (NGENT 4.3)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from distilabel.models.llms.base import LLM
from distilabel.pipeline import Pipeline

from castwright.errors import BadRecord
from castwright.filters.preference_lint import LintPreference
from castwright.generators.rejected_response import RejectedResponse
from castwright.personas.render import system_prompt
from castwright.pipelines.contracts import row_digest, unit_draw
from castwright.pipelines.inputs import take
from castwright.pipelines.load import LoadRows
from castwright.pipelines.stage import Context, Demand, ExpectedRows, Stage, as_json
from castwright.pipelines.streams import Row


def preference_pairs(
    rows: Sequence[Row],
    *,
    personas: Path | str,
    llm: LLM,
    embeddings: str = "offline",
    max_length_ratio: float = 6.0,
) -> Pipeline:
    """Return the graph that writes a worse response by criterion and lints the pair.

    `rows` hold `persona_id`, `question`, `chosen_text` and `criterion`; `rejected_text`, `length_ratio`,
    `similarity`, `margin` and a verdict come out.
    """
    with Pipeline(name="preference-pairs") as pipeline:
        load = LoadRows(rows=list(rows))
        worsen = RejectedResponse(name="rejected_response", llm=llm, personas=str(personas))
        lint = LintPreference(
            name="preference_lint",
            embeddings=embeddings,
            max_length_ratio=max_length_ratio,
        )
        load >> worsen >> lint
    return pipeline


def draw_criteria(weights: Mapping[str, float], count: int, seed: int, key: str) -> list[str]:
    """Return `count` different criteria for one response, drawn by weight (Efraimidis and Spirakis, 2006)."""
    usable = {name: weight for name, weight in weights.items() if weight > 0}

    def rank(name: str) -> tuple[float, str]:
        # the logarithm of their u ** (1 / weight), which is 0 for all small weights alike
        draw = max(unit_draw("criterion", seed, key, name), 2.0**-57)
        return math.log(draw) / usable[name], name

    return sorted(usable, key=rank, reverse=True)[:count]


def positives(context: Context) -> Iterator[Row]:
    """Yield what pairs are made from, persona responses and last exchanges of dialogues in turn while there are both.

    Rows hold `row_id`, `persona_id`, `question`, `response`, `split` and `history`: the turns before, as JSON
    text. In turn, because a recipe that asks for few pairs wants both kinds too.
    """
    single = [{**row, "history": "[]"} for row in context.rows("persona_responses")]
    several = [_last_exchange(row) for row in (context.rows("dialogues") if context.has("dialogues") else [])]
    for couple in zip_longest(single, several):
        yield from (row for row in couple if row is not None)


def _last_exchange(dialogue: Row) -> Row:
    *history, question, response = (message for message in dialogue["messages"] if message["role"] != "system")
    return {
        **dialogue,
        "history": as_json(history),
        "question": question["content"],
        "response": response["content"],
    }


def _prepare(context: Context) -> Iterator[Row | BadRecord]:
    recipe = context.recipe
    settings = recipe.preference_pairs
    made = 0
    for response in take(positives(context), context.limit):
        for criterion in draw_criteria(settings.criteria, settings.per_response, recipe.seed, response["row_id"]):
            if settings.count is not None and made >= settings.count:
                return
            made += 1
            yield {
                "row_id": row_digest("preference_pair", response["row_id"], response["response"], criterion),
                "parent": response["row_id"],
                "persona_id": response["persona_id"],
                "history": response["history"],
                "question": response["question"],
                "chosen_text": response["response"],
                "criterion": criterion,
                "split": response["split"],
                "verdict": "keep",
                "filter": "",
                "reason": "",
            }


def _expected_rows(context: Context) -> ExpectedRows:
    """Return the rows of a full run: of every good response and talk a pair by each of its criteria, up to `count`."""
    settings = context.recipe.preference_pairs
    each = min(settings.per_response, sum(weight > 0 for weight in settings.criteria.values()))
    most = math.inf if settings.count is None else settings.count
    return lambda kept: min((kept["persona_responses"] + kept.get("dialogues", 0.0)) * each, most)


def _graph(context: Context, rows: list[Row]) -> Pipeline:
    settings = context.recipe.preference_pairs
    return preference_pairs(
        rows,
        personas=context.folder("persona_cards"),
        llm=context.llm("preference_pairs"),
        embeddings=context.recipe.embeddings,
        max_length_ratio=settings.max_length_ratio,
    )


def _finish(context: Context, row: Row) -> Row:
    card = context.cards[row["persona_id"]]
    return {
        **row,
        "parents": [row["parent"], row["persona_id"]],
        "prompt": [
            {"role": "system", "content": system_prompt(card)},
            *json.loads(row["history"]),
            {"role": "user", "content": row["question"]},
        ],
        "chosen": [{"role": "assistant", "content": row["chosen_text"]}],
        "rejected": [{"role": "assistant", "content": row["rejected_text"]}],
    }


STAGE = Stage(
    name="preference_pairs",
    table="preference_pairs",
    needs=("persona_cards", "persona_responses"),
    uses=("dialogues",),
    reads=("preference_pairs", "embeddings", "seed"),
    prompts=("rejected_response",),
    calls_model=True,
    demand=Demand(_expected_rows),
    embeds=True,
    prepare=_prepare,
    graph=_graph,
    finish=_finish,
)
