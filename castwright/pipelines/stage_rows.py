"""What every row of a stage's table carries beside its own columns: verdict, stage and model."""

from __future__ import annotations

from castwright.errors import BadRecord
from castwright.pipelines.contracts import row_digest
from castwright.pipelines.stage import Context, Stage
from castwright.pipelines.streams import Row


def labelled(stage: Stage, context: Context, finished: Row, row: Row) -> Row:
    """Return a finished row with the verdict, the stage and the model that its graph row has."""
    model = row.get("model") or (context.model_name(stage.name) if stage.calls_model else "")
    verdict = {name: row.get(name) for name in ("verdict", "filter", "reason", "score")}
    return {**finished, **verdict, "stage": stage.name, "model": model}


def bad_row(stage: str, record: BadRecord) -> Row:
    """Return the row that stands for a record which could not be read, among the rejected ones."""
    return {
        "row_id": row_digest("bad_record", stage, record.place, record.excerpt),
        "parents": [record.place],
        "stage": stage,
        "model": "",
        "verdict": "drop",
        "filter": "source",
        "reason": f"{record.reason} (at {record.place})",
        "score": None,
    }
