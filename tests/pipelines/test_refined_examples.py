"""Seed examples that people corrected come back into a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
from finished_run import finished_run

from castwright.errors import BadRecord
from castwright.pipelines.seed_examples import STAGE


def test_an_edit_replaces_the_emulated_answer_and_one_that_fits_nothing_is_kept_aside(tmp_path: Path) -> None:
    """The corrected response stands in the row beside the original; an edit of an unknown row has a reason."""
    context = finished_run()
    standing = context.rows("seed_examples")[0]
    path = tmp_path / "refined.jsonl"
    edits = [
        {
            "persona_id": standing["persona_id"],
            "question_id": standing["question_id"],
            "response": "As I would say it.",
            "refined_by": "ada",
        },
        {"persona_id": "p-unknown", "question_id": "q-unknown", "response": "Lost?"},
    ]
    path.write_bytes(b"\n".join(map(orjson.dumps, edits)))
    settings = context.recipe.seed_examples.model_copy(update={"refined": str(path)})
    again = replace(context, recipe=context.recipe.model_copy(update={"seed_examples": settings}))

    assert STAGE.prepare is not None
    made = list(STAGE.prepare(again))
    rows = [row for row in made if not isinstance(row, BadRecord)]
    (aside,) = (record for record in made if isinstance(record, BadRecord))
    finished = [STAGE.finish(again, {**row, "response": "emulated"}) for row in rows]
    edited = [row for row in finished if row["response"] == "As I would say it."]

    assert [(row["refined_by"], row["original_response"]) for row in edited] == [("ada", "emulated")]
    assert {row["response"] for row in finished} == {"As I would say it.", "emulated"}
    assert aside.place == "refined.jsonl:2"
    assert "p-unknown" in aside.reason
