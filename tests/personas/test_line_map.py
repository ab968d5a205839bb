"""Line maps: few numbers for many lines, the same after they travelled as evidence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from castwright.personas.evidence import TEXT, Evidence, evidence_json, read_evidence, unfounded
from castwright.personas.line_map import LineMap
from castwright.personas.markup import without_markup


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60))
def test_every_line_keeps_its_number(numbers: list[int]) -> None:
    """Also when the map went through a row as JSON."""
    sent = evidence_json([Evidence("name", "Ada", "Ada", "a:1"), LineMap.of_lines("a.txt", numbers).as_evidence()])
    read = LineMap.found_in(read_evidence(sent))
    assert read is not None
    assert [read.number(line) for line in range(1, len(numbers) + 1)] == numbers


def test_lines_that_follow_each_other_are_one_run() -> None:
    """A page of a thousand lines is one pair of numbers."""
    places = LineMap.of_lines("a.txt", [0, 0, *range(7, 1_007)])
    assert places.as_evidence() == Evidence(TEXT, "3:7", "", "a.txt")
    assert (places.number(2), places.number(3), places.number(1_002)) == (0, 7, 1_006)


def test_a_text_without_a_map_has_none() -> None:
    """What was not read of a text is no map."""
    assert LineMap.found_in([Evidence(TEXT, "part 1 of 2 was not read: timeout", "", "a", inferred=True)]) is None


@given(st.text(alphabet="ab'*[]()|# \n<ref>/1", max_size=120))
def test_markup_is_taken_out_without_a_line(text: str) -> None:
    """Every line stays where it was."""
    assert without_markup(text).count("\n") == text.count("\n")


def test_a_quote_of_the_plain_text_stands_in_a_page_with_markup() -> None:
    """Links are their words; what is inferred claims nothing; a made-up quote is still found out."""
    page = "'''Ada''' was a [[Poetry|poet]] of [Hull](http://x).[2]"
    good = Evidence("traits", "x", "Ada was a poet of Hull.", "a:1")
    bad = Evidence("traits", "y", "Ada was a pirate", "a:1")
    empty = Evidence("traits", "z", "", "a:1")
    guess = Evidence("traits", "z", "", "a:1", inferred=True)
    assert unfounded([good, bad, empty, guess], page) == [bad, empty]
