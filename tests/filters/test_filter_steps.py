"""The distilabel steps: rows come back whole, nested values untouched."""

from __future__ import annotations

from typing import Any

import pytest
from distilabel.pipeline import Pipeline

from castwright.errors import RecipeError
from castwright.filters import ApplyFilters, KeepRows
from castwright.filters.step import plain_frame

ROWS: list[dict[str, Any]] = [
    {
        "row_id": "a",
        "response": "I bake bread.",
        "messages": [{"role": "user", "content": "hi"}],
        "n": 1,
        "quirks": ["x"],
    },
    {"row_id": "b", "response": "I bake bread!", "messages": [], "n": 2.5, "quirks": []},
    {"row_id": "c", "response": "I don't know.", "messages": None, "n": None, "quirks": None},
]
FILTERS = [{"name": "refusal"}, {"name": "exact_duplicates", "options": {"columns": ["response"]}}]


def step(cls: type, **options: Any) -> Any:
    """Return a loaded step inside a pipeline of its own."""
    with Pipeline(name="test"):
        made = cls(name="step", **options)
    made.load()
    return made


def test_rows_come_back_whole_with_their_verdicts() -> None:
    """Order, nested values and all other columns stay; keys are uniform."""
    (out,) = step(ApplyFilters, filters=FILTERS).process(ROWS)
    assert [{key: row[key] for key in ROWS[0]} for row in out] == ROWS
    assert [row["verdict"] for row in out] == ["keep", "drop", "drop"]
    assert [row["filter"] for row in out] == ["", "exact_duplicates", "refusal"]
    assert out[1]["reason"] == "same text as a"
    assert all(row.keys() == out[0].keys() for row in out)
    assert all(type(row["score"]) in (float, type(None)) for row in out)


def test_the_inputs_are_not_changed() -> None:
    """A step returns new rows."""
    before = [dict(row) for row in ROWS]
    list(step(ApplyFilters, filters=FILTERS).process(ROWS))
    assert before == ROWS


def test_no_rows_give_no_rows() -> None:
    """An empty input yields one empty batch."""
    assert list(step(ApplyFilters, filters=FILTERS).process([])) == [[]]


def test_a_wrong_filter_is_refused_before_any_row() -> None:
    """Loading the step checks the filters."""
    with pytest.raises(RecipeError, match="did you mean 'refusal'"):
        step(ApplyFilters, filters=[{"name": "refusals"}])


def test_near_duplicates_run_with_the_named_embedder() -> None:
    """The step loads its embedder by name, and no vector enters a row."""
    rows = [
        {"row_id": "a", "text": "The cat sleeps on the mat."},
        {"row_id": "b", "text": "The cat is sleeping on the mat."},
    ]
    spec = {"name": "near_duplicates", "options": {"threshold": 0.9}}
    (out,) = step(ApplyFilters, filters=[spec], embeddings="offline").process(rows)
    assert [row["verdict"] for row in out] == ["keep", "drop"]
    assert set(out[0]) == {"row_id", "text", "verdict", "filter", "reason", "score"}


def test_keep_rows_passes_on_what_no_filter_dropped() -> None:
    """Dropped rows end here."""
    (out,) = step(KeepRows).process([{"verdict": "keep", "n": 1}, {"verdict": "drop", "n": 2}])
    assert out == [{"verdict": "keep", "n": 1}]


def test_only_plain_columns_enter_the_frame() -> None:
    """Nested columns and mixtures stay out, lists of text and numbers come in."""
    frame = plain_frame([*ROWS, {"row_id": "d", "mixed": 1}, {"row_id": "e", "mixed": "1"}])
    assert set(frame.columns) == {"row_id", "response", "n", "quirks"}
    assert frame.height == 5


def test_the_step_survives_saving_and_loading(tmp_path: Any) -> None:
    """A graph with the step is drawn to YAML and back."""
    with Pipeline(name="test") as pipeline:
        ApplyFilters(name="apply", filters=FILTERS)
    path = tmp_path / "pipeline.yaml"
    pipeline.save(str(path), format="yaml")
    loaded = Pipeline.from_yaml(str(path)).dag.get_step("apply")["step"]
    assert loaded.filters == FILTERS
