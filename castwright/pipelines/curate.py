"""Stage 9: D = D_p and D_c, and the preference pairs, through one chain of filters.

The filters see what a reader of the data set would see: a question, a response, and who gives it. A row that
was made from a dropped row is dropped too, with that as its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


_TABLES: dict[str, tuple[str, str]] = {
    "persona_responses": ("question", "response"),
    "contrastive_pairs": ("question", "persona_answer"),
    "preference_pairs": ("", ""),
}


def _prepare(context: Context) -> Iterator[Row | BadRecord]:
    for table, (question, response) in _TABLES.items():
        if not context.has(table):
            continue
        for row in context.rows(table):
            card = context.cards[row["persona_id"]]
            pair = table == "preference_pairs"
            yield {
                "row_id": row["row_id"],
                "parent": row["parents"][0] if pair else "",
                "table": table,
                "persona_id": row["persona_id"],
                "pair_id": row.get("pair_id") or "",
                "question": row["prompt"][-1]["content"] if pair else row[question],
                # a rejected side is bad on purpose: the pair shares the verdict of what it was made from
                "response": row["chosen"][-1]["content"] if pair else row[response],
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
    uses=("persona_responses", "contrastive_pairs", "preference_pairs"),
    reads=("curate", "embeddings"),
    embeds=True,
    prepare=_prepare,
    graph=_graph,
    finish=_finish,
)
