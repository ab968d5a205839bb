"""Notes on the parts of a text: read, looked up, counted, settled where they contradict, cut to what fits."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.generators.character_notes import NOTE_FIELDS, Note, looked_up, merged, read_notes, within, written
from castwright.personas.source_text import SourceText

TEXT = "Ada was patient. Ada was thirty. Later Ada was patient again. Some say that she was forty. Ada was forty."
SOURCE = SourceText(TEXT, "ada.txt")


def note(field: str, value: str, quote: str) -> Note:
    (found,) = looked_up([Note(field, value, quote)], SOURCE)
    return found


def test_notes_are_read_and_what_is_no_note_is_passed_over() -> None:
    """A number for a value is one; another field, an empty value, a list in place of a note are none."""
    listed = [
        {"quote": "Ada was thirty", "field": "age", "value": 30},
        {"field": "traits", "value": "patient"},
        {"quote": "x", "field": "weather", "value": "rain"},
        {"quote": "x", "field": "traits", "value": ""},
        ["traits"],
    ]
    notes = read_notes("Here:\n```json\n" + json.dumps({"notes": listed}) + "\n```")
    assert notes == [Note("age", "30", "Ada was thirty"), Note("traits", "patient")]


@pytest.mark.parametrize("reply", ["no", "{}", '{"notes": {}}', '{"notes": null}', "[]"])
def test_a_reply_without_a_list_of_notes_is_refused(reply: str) -> None:
    """With a reason for the model."""
    with pytest.raises(ValueError, match=r"no JSON object|no list|not an object"):
        read_notes(reply)


def test_a_note_is_as_good_as_the_parts_that_say_it() -> None:
    """Said by two parts goes before said by one, said first before said later, said nowhere last."""
    parts = [
        [note("traits", "brave", "she was brave"), note("background", "Was patient.", "Ada was patient")],
        [note("traits", "patient", "Ada was patient"), note("quirks", "sighs", "Ada was thirty")],
        [note("traits", "Patient.", "Ada was patient again")],
    ]
    found = merged(parts).notes
    assert [(one.value, one.parts) for one in found] == [
        ("patient", 2),
        ("Was patient.", 1),
        ("sighs", 1),
        ("brave", 0),
    ]
    assert found[0].quote == "Ada was patient"
    assert found[-1].quote == ""


def test_the_same_words_read_twice_count_once() -> None:
    """Where two parts overlap."""
    parts = [[note("traits", "patient", "Ada was patient again")], [note("traits", "patient", "Ada was patient again")]]
    assert [one.parts for one in merged(parts).notes] == [1]


def test_what_a_card_has_once_is_settled_and_the_others_are_kept_beside() -> None:
    """Two parts beat one; a tie goes to what is said first; what has no quote is not kept."""
    thirty, forty = note("age", "30", "Ada was thirty"), note("age", "40", "Ada was forty")
    found = merged([[thirty], [note("age", "40", "she was forty")], [forty], [note("age", "50", "Ada was fifty")]])
    assert [(one.value, one.parts) for one in found.notes] == [("40", 2)]
    assert [(one.field, one.value, one.quote) for one in found.beside] == [("basic_info.age", "30", "Ada was thirty")]
    assert [one.value for one in merged([[forty], [thirty]]).notes] == ["30"]


@given(
    st.lists(
        st.builds(Note, st.sampled_from(list(NOTE_FIELDS)), st.text(min_size=1, max_size=20), st.text(max_size=30)),
        min_size=1,
        max_size=40,
    ),
    st.integers(1, 3_000),
)
def test_notes_that_fit_are_the_best_of_each_field_in_their_order(notes: list[Note], most: int) -> None:
    """Within the bound, or one alone; each is one line that reads back."""
    kept = within(notes, most)
    lines = written(kept).split("\n")
    assert [json.loads(line)["value"] for line in lines] == [one.value for one in kept]
    assert len(kept) == 1 or len("\n".join(lines)) <= most
    places = [id(one) for one in notes]
    assert [places.index(id(one)) for one in kept] == sorted(places.index(id(one)) for one in kept)
    if len(kept) >= len({one.field for one in notes}):
        assert {one.field for one in kept} == {one.field for one in notes}
