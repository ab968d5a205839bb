"""Running filters: order, lineage of verdicts, and recipes that cannot be."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from castwright.errors import RecipeError
from castwright.filters import FILTERS, FilterSpec, apply_filters

LENGTH = FilterSpec(name="length", options={"min_words": 2})
REFUSAL = FilterSpec(name="refusal")
EXACT = FilterSpec(name="exact_duplicates", options={"columns": ["response"]})


def test_each_drop_names_its_filter_and_reason() -> None:
    """A row keeps the verdict of the first filter that drops it; kept rows are clean."""
    frame = pl.DataFrame({"response": ["Yes", "I don't know.", "Bake it long.", "bake it long"], "other": [1, 2, 3, 4]})
    judged = apply_filters(frame, [LENGTH, REFUSAL, EXACT])
    assert judged.columns == ["response", "other", "verdict", "filter", "reason", "score"]
    assert judged["verdict"].to_list() == ["drop", "drop", "keep", "drop"]
    assert judged["filter"].to_list() == ["length", "refusal", "", "exact_duplicates"]
    assert judged["reason"].to_list()[3] == "same text as row 2"
    assert judged["score"].to_list() == [1.0, 0.65, None, 1.0]
    assert judged["other"].to_list() == [1, 2, 3, 4]


def test_a_dropped_row_is_not_seen_by_the_next_filter() -> None:
    """The second of two equal rows is kept when the first was dropped before."""
    frame = pl.DataFrame({"response": ["good day", "good day"], "verdict": ["drop", "keep"]})
    judged = apply_filters(frame, [EXACT])
    assert judged["verdict"].to_list() == ["drop", "keep"]


def test_rows_that_come_dropped_stay_as_they_are() -> None:
    """Their filter, reason and score are not touched; what else they carried of old verdicts is."""
    frame = pl.DataFrame(
        {
            "response": ["x", "I bake bread."],
            "verdict": ["drop", "keep"],
            "filter": ["judge", "old"],
            "reason": ["too dull", "old"],
            "score": [0.1, 0.9],
        }
    )
    judged = apply_filters(frame, [LENGTH])
    assert judged.select("verdict", "filter", "reason", "score").rows() == [
        ("drop", "judge", "too dull", 0.1),
        ("keep", "", "", None),
    ]


def test_reasons_name_rows_by_their_row_id() -> None:
    """With a row_id column the kept row is named by it."""
    frame = pl.DataFrame({"row_id": ["r-1", "r-2"], "response": ["good day", "Good day!"]})
    assert apply_filters(frame, [EXACT])["reason"].to_list() == ["", "same text as r-1"]


def test_no_filters_keep_everything() -> None:
    """The columns are added all the same."""
    judged = apply_filters(pl.DataFrame({"response": ["a"]}), [])
    assert judged.select("verdict", "filter", "reason", "score").rows() == [("keep", "", "", None)]


def test_an_empty_frame_stays_empty() -> None:
    """No rows give no verdicts, with the columns in place."""
    frame = pl.DataFrame({"response": []}, schema={"response": pl.String})
    judged = apply_filters(frame, [LENGTH, REFUSAL, EXACT, FilterSpec(name="out_of_character")])
    assert judged.shape == (0, 5)


WRONG = {
    "unknown filter": ({"name": "lenght"}, "unknown filter 'lenght'.*did you mean 'length'"),
    "unknown option": (
        {"name": "length", "options": {"min_word": 2}},
        "unknown option 'min_word'.*did you mean 'min_words'",
    ),
    "wrong type": ({"name": "length", "options": {"min_words": "few"}}, "min_words='few' will not do"),
    "a string for a list": (
        {"name": "exact_duplicates", "options": {"columns": "text"}},
        "columns='text' will not do",
    ),
    "needed option missing": ({"name": "exact_duplicates"}, "needs the option 'columns'"),
    "the embedder is no option": (
        {"name": "near_duplicates", "options": {"embedder": "x"}},
        "unknown option 'embedder'",
    ),
}


@pytest.mark.parametrize(("spec", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_spec_that_cannot_run_is_a_user_error(spec: dict[str, object], message: str) -> None:
    """The message names what stood there and the nearest right one."""
    with pytest.raises(RecipeError, match=message):
        FilterSpec.model_validate(spec)


def test_a_spec_is_frozen() -> None:
    """Recipes are data."""
    with pytest.raises(ValidationError):
        LENGTH.name = "refusal"  # type: ignore[misc]


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_every_filter_keeps_the_contract(name: str) -> None:
    """One verdict per row in the contract's columns and types, on rows as plain as can be."""
    options = {"columns": ["response"]} if "duplicates" in name else {}
    frame = pl.DataFrame({"response": ["I bake bread.", "", None, "I bake bread."]})
    judged = apply_filters(frame, [FilterSpec(name=name, options=options)])
    assert judged.height == 4
    assert judged.schema["score"] == pl.Float64
    assert set(judged["verdict"]) <= {"keep", "drop"}
    assert all((verdict == "drop") == bool(reason) for verdict, reason in judged.select("verdict", "reason").rows())


@given(
    st.lists(
        st.sampled_from(["Yes", "I don't know.", "bake it long", "Bake it long!", "", "As an AI, no."]),
        max_size=25,
    )
)
def test_no_row_is_lost_or_moved(rows: list[str]) -> None:
    """Count and order stay, and running again over what was kept drops nothing."""
    frame = pl.DataFrame({"response": rows}, schema={"response": pl.String})
    judged = apply_filters(frame, [LENGTH, REFUSAL, EXACT])
    assert judged["response"].to_list() == rows
    again = apply_filters(judged, [LENGTH, REFUSAL, EXACT])
    assert again.equals(judged)
