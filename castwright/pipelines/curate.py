"""Stage 9: D = D_p, D_c and the dialogues, and the preference pairs, through one chain of filters.

The filters see what a reader of the data set would see: a question, a response, and who gives it. A row that
was made from a dropped row is dropped too, with that as its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from distilabel.pipeline import Pipeline

from castwright.errors import BadRecord
from castwright.filters.parents import FollowParents
from castwright.filters.step import ApplyFilters
from castwright.pipelines.load import LoadRows
from castwright.pipelines.stage import Context, Stage
from castwright.pipelines.streams import Row


def curate(
    rows: Sequence[Row],
    *,
    filters: Sequence[dict[str, Any]],
    children: Sequence[Row] = (),
    embeddings: str = "offline",
) -> Pipeline:
    """Return the graph that runs filters over question and response rows and drops what was made from rejects.

    `rows` hold `row_id`, `table`, `question`, `response` and the persona's `name`, `modern`, `era`, `register`,
    `occupation` and `quirks`; `verdict`, `filter`, `reason` and `score` come out. `children` are rows with the
    same columns that were made from those (their `parent`): they are not filtered, they share its verdict.
    """
    with Pipeline(name="curate") as pipeline:
        load = LoadRows(rows=list(rows))
        apply = ApplyFilters(name="curation_filters", filters=list(filters), embeddings=embeddings)
        follow = FollowParents(name="follow_parents", children=list(children))
        load >> apply >> follow
    return pipeline


def _said(messages: Sequence[Row], role: str) -> list[str]:
    return [message["content"] for message in messages if message["role"] == role]


_TABLES: dict[str, Callable[[Row], tuple[str, str]]] = {
    "persona_responses": lambda row: (row["question"], row["response"]),
    "contrastive_pairs": lambda row: (row["question"], row["persona_answer"]),
    # a talk is judged whole: by what opened it and all that the character said
    "dialogues": lambda row: (_said(row["messages"], "user")[0], "\n".join(_said(row["messages"], "assistant"))),
    # a rejected side is bad on purpose: the pair shares the verdict of what it was made from
    "preference_pairs": lambda row: (row["prompt"][-1]["content"], row["chosen"][-1]["content"]),
}
"""The (question, response) that the filters see of a row, by table."""


def _prepare(context: Context) -> Iterator[Row | BadRecord]:
    for table, seen in _TABLES.items():
        if not context.has(table):
            continue
        for row in context.rows(table):
            card = context.cards[row["persona_id"]]
            pair = table == "preference_pairs"
            question, response = seen(row)
            yield {
                "row_id": row["row_id"],
                "parent": row["parents"][0] if pair else "",
                "table": table,
                "persona_id": row["persona_id"],
                "pair_id": row.get("pair_id") or "",
                "question": question,
                "response": response,
                "split": row["split"],
                "model": row["model"],
                "name": card.name,
                "modern": card.modern,
                "era": card.basic_info.era,
                "occupation": card.basic_info.occupation,
                "register": card.dialogue_style.register_,
                "quirks": " | ".join(card.dialogue_style.quirks),
                "verdict": "keep",
                "filter": "",
                "reason": "",
            }


def _graph(context: Context, rows: list[Row]) -> Pipeline:
    filters = [spec.model_dump(mode="json") for spec in context.recipe.curate.filters]
    return curate(
        [row for row in rows if not row["parent"]],
        children=[row for row in rows if row["parent"]],
        filters=filters,
        embeddings=context.recipe.embeddings,
    )


def _finish(_context: Context, row: Row) -> Row:
    return {**row, "parents": [row["row_id"]]}


STAGE = Stage(
    name="curate",
    table="curate",
    needs=("persona_cards",),
    uses=("persona_responses", "contrastive_pairs", "dialogues", "preference_pairs"),
    reads=("curate", "embeddings"),
    sources=("curate",),
    embeds=True,
    prepare=_prepare,
    graph=_graph,
    finish=_finish,
)
