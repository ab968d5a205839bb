"""Stage 3: real chat c -> formal rewrite c' -> style pairs (c', c) for the style rewriter (NGENT 4.2.1, PSR).

The pair is inverted: the model only ever writes the formal side, the casual side is what a person typed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from distilabel.models.llms.base import LLM
from distilabel.pipeline import Pipeline

from castwright.errors import BadRecord
from castwright.filters.style_pair import CheckStylePair
from castwright.generators.formal_rewrite import FormalRewrite
from castwright.pipelines.contracts import row_digest, unit_draw
from castwright.pipelines.inputs import read_turns, take
from castwright.pipelines.load import LoadRows
from castwright.pipelines.stage import Context, Stage
from castwright.pipelines.streams import Row


def style_rewriter(
    rows: Sequence[Row],
    *,
    llm: LLM,
    embeddings: str = "offline",
    min_similarity: float = 0.6,
    min_formality_gain: float = 0.02,
) -> Pipeline:
    """Return the graph that makes style pairs: formal rewrite, then the checks that make it a pair.

    `rows` hold `casual`, `previous` and `variant`; `formal`, the two formalities, `similarity` and a verdict
    come out.
    """
    with Pipeline(name="style-rewriter") as pipeline:
        load = LoadRows(rows=list(rows))
        rewrite = FormalRewrite(name="formal_rewrite", llm=llm)
        check = CheckStylePair(
            name="style_pair",
            embeddings=embeddings,
            min_similarity=min_similarity,
            min_formality_gain=min_formality_gain,
        )
        load >> rewrite >> check
    return pipeline


def _prepare(context: Context) -> Iterator[Row | BadRecord]:
    settings, seed = context.recipe.style_rewriter, context.recipe.seed
    source = context.recipe.chat
    seen: set[str] = set()
    for turn in take(read_turns(source), context.limit):
        if isinstance(turn, BadRecord):
            yield turn
            continue
        words = len(turn.text.split())
        reason = ""
        if not settings.min_words <= words <= settings.max_words:
            reason = f"{words} words, outside {settings.min_words} to {settings.max_words}"
        elif turn.text.casefold() in seen:
            reason = "the same turn was read before"
        seen.add(turn.text.casefold())
        yield {
            "row_id": row_digest("style_pair", turn.place, turn.text),
            "casual": turn.text,
            "previous": turn.previous,
            "chat_source": turn.place,
            "variant": int(unit_draw("variant", seed, turn.text) * settings.variants),
            "split": "held_out" if unit_draw("style", seed, turn.conversation) < settings.held_out else "train",
            "verdict": "drop" if reason else "keep",
            "filter": "chat_turn" if reason else "",
            "reason": reason,
        }


def _graph(context: Context, rows: list[Row]) -> Pipeline:
    settings = context.recipe.style_rewriter
    return style_rewriter(
        rows,
        llm=context.llm("style_rewriter"),
        embeddings=context.recipe.embeddings,
        min_similarity=settings.min_similarity,
        min_formality_gain=settings.min_formality_gain,
    )


def _finish(_context: Context, row: Row) -> Row:
    return {**row, "parents": [row["chat_source"]]}


STAGE = Stage(
    name="style_rewriter",
    table="style_pairs",
    reads=("chat", "style_rewriter", "embeddings", "seed"),
    sources=("chat",),
    prompts=("formal_rewrite",),
    calls_model=True,
    embeds=True,
    prepare=_prepare,
    graph=_graph,
    finish=_finish,
)
