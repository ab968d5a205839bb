"""Passages of scripts inside a graph: their segments, and a verdict on those in which hardly anybody speaks.

A thin caller of `parse_script`. It reads each passage with the cast of the whole script, so that a name that
occurs once in a passage is the name it was in the script.
"""

import json
from typing import Any

from distilabel.steps import Step, StepInput
from distilabel.typing import StepOutput

from castwright.generators.script import parse_script


class SegmentScript(Step):
    """Adds `segments` and `turns` to rows with `text`, and drops rows with fewer than `min_turns` speeches.

    `segments` is JSON text: a list of {"role", "text", "train"}; `text` becomes the normalised text. `cast`, JSON
    text too, holds the labels of the speakers; where it is missing or empty they are looked for in the text.
    """

    min_turns: int = 2
    input_batch_size: int = 512

    @property
    def inputs(self) -> list[str]:
        return ["text"]

    @property
    def outputs(self) -> list[str]:
        return ["segments", "turns", "verdict", "filter", "reason"]

    def process(self, inputs: StepInput) -> StepOutput:
        """Yield the rows, in order, segmented."""
        yield [segment_row(row, self.min_turns) for row in inputs]


def segment_row(row: dict[str, Any], min_turns: int) -> dict[str, Any]:
    """Return a row with its segments and the number of its turns; a drop that it carries stays."""
    script = parse_script(row["text"], json.loads(row["cast"]) if row.get("cast") else None)
    segments = [{"role": part.role, "text": part.text, "train": part.train} for part in script.segments]
    verdict = {"verdict": "keep", "filter": "", "reason": ""}
    if row.get("verdict") == "drop":
        verdict = {name: row.get(name) or "" for name in verdict}
    elif script.turns < min_turns:
        reason = f"{script.turns} turns of dialogue, fewer than {min_turns}"
        verdict = {"verdict": "drop", "filter": "min_turns", "reason": reason}
    told = json.dumps(segments, ensure_ascii=False)
    return {**row, "text": script.text, "segments": told, "turns": script.turns, **verdict}
