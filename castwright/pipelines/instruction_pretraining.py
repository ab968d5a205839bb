"""Stage 8: scripts -> U = {narration, character name, dialogue}, loss on the dialogue only (NGENT 4.1, equation 1).

Scripts are cut into passages before the graph, because only the whole script tells who is a speaker; each passage
takes the cast of its script along and is segmented by it inside the graph. The loss mask is stated in characters,
so that the data set serves every tokenizer (see `loss_mask`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from distilabel.pipeline import Pipeline

from castwright.errors import BadRecord
from castwright.filters.step import ApplyFilters
from castwright.generators.passages import cut_passages
from castwright.generators.script import Segment, parse_script, span_mask
from castwright.generators.segment_script import SegmentScript
from castwright.pipelines.contracts import row_digest
from castwright.pipelines.inputs import ScriptText, read_scripts, take
from castwright.pipelines.load import LoadRows
from castwright.pipelines.stage import Context, Stage, as_json
from castwright.pipelines.streams import Row


def instruction_pretraining(rows: Sequence[Row], *, min_turns: int = 2) -> Pipeline:
    """Return the graph that segments passages of scripts and drops those that stand twice or hardly speak.

    `rows` hold `row_id`, `text` and `cast` (JSON text; "" to look for the speakers in the text); `segments`
    (JSON text), `turns` and a verdict come out.
    """
    with Pipeline(name="instruction-pretraining") as pipeline:
        load = LoadRows(rows=list(rows))
        segment = SegmentScript(name="segment_script", min_turns=min_turns)
        filters = ApplyFilters(
            name="duplicate_passages", filters=[{"name": "exact_duplicates", "options": {"columns": ["text"]}}]
        )
        load >> segment >> filters
    return pipeline


def passage_rows(script: ScriptText, max_words: int) -> Iterator[Row]:
    """Yield the passages of a script, numbered from 1, as flat rows for the graph."""
    parsed = parse_script(script.text)
    for part, segments in enumerate(cut_passages(parsed.segments, max_words), start=1):
        text = "".join(segment.text for segment in segments)
        yield {
            "row_id": row_digest("instruction_pretraining", script.place, script.script_id, part, text),
            "source": script.source,
            "place": script.place,
            "script_id": script.script_id,
            "title": script.title,
            "part": part,
            "text": text,
            "cast": as_json(parsed.cast),
            "model": "source:scripts",
            "verdict": "keep",
            "filter": "",
            "reason": "",
        }


def _prepare(context: Context) -> Iterator[Row | BadRecord]:
    max_words = context.recipe.instruction_pretraining.max_words
    for script in take(read_scripts(context.recipe.scripts), context.limit):
        if isinstance(script, BadRecord):
            yield script
            continue
        rows = list(take(passage_rows(script, max_words), context.limit))
        yield from rows
        if not rows:
            yield BadRecord(script.place, "no text in it but blanks and control characters")


def _graph(context: Context, rows: list[Row]) -> Pipeline:
    return instruction_pretraining(rows, min_turns=context.recipe.instruction_pretraining.min_turns)


def _finish(context: Context, row: Row) -> Row:
    segments = json.loads(row["segments"])
    spans = span_mask([Segment(segment["role"], segment["text"]) for segment in segments])
    return {
        **row,
        "parents": [row["place"]],
        "segments": segments,
        "spans": [{"start": start, "end": end} for start, end in spans],
        "split": context.split(row["script_id"]),
    }


STAGE = Stage(
    name="instruction_pretraining",
    table="instruction_pretraining",
    reads=("scripts", "instruction_pretraining", "seed", "export.validation", "export.test"),
    sources=("scripts",),
    prepare=_prepare,
    graph=_graph,
    finish=_finish,
)
