"""Quotes looked up in a text: what the source has is kept, what it does not have is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.personas.line_map import LineMap
from castwright.personas.source_text import LONGEST_QUOTE, SourceText, tells

PAGE = (
    "Ada Hale was a patient nurse — “the calmest\nof us”, they said. She wasn't cruel.\n\n"
    "For days she had no story; then, half asleep, Ada saw a pale student.\n\n"
    f"{'It rained. ' * 60}\n\nShe died in 1852."
)
SOURCE = SourceText(PAGE, "ada.txt", LineMap("ada.txt", ((1, 4),)))
FOUND = {
    "as it stands": ("Ada Hale was a patient nurse", "Ada Hale was a patient nurse", 4),
    "over a line's end": ("the calmest of us", "the calmest of us", 4),
    "another shape of marks": ('a patient nurse - "the calmest of us"', "a patient nurse — “the calmest of us”", 4),
    "another case": ("ada hale was A PATIENT NURSE", "Ada Hale was a patient nurse", 4),
    "a full stop added in the middle of a sentence": ("She had no story.", "she had no story", 7),
    "a full stop added at a clause": ("For days she had no story.", "For days she had no story", 7),
    "quotation marks around it": ("“For days she had no story”", "For days she had no story", 7),
    "an ellipsis for a few words": (
        "For days she had no story ... Ada saw a pale student",
        "For days she had no story; then, half asleep, Ada saw a pale student",
        7,
    ),
    "an ellipsis in brackets": (
        "Ada Hale [...] they said",
        "Ada Hale was a patient nurse — “the calmest of us”, they said",
        4,
    ),
    "an ellipsis at its end": ("Ada Hale was a patient nurse…", "Ada Hale was a patient nurse", 4),
    "an ellipsis over a page": ("For days she had no story ... She died in 1852.", "For days she had no story", 7),
    "a number": ("1852", "1852", 11),
    "an apostrophe of another shape": ("She wasn’t cruel", "She wasn't cruel", 5),
    "words that are not there": ("Ada Hale was a brave nurse", None, 0),
    "a word left out": ("Ada was a patient nurse", None, 0),
    "a not left out": ("She was cruel", None, 0),
    "parts in the wrong order": ("Ada saw a pale student ... Ada Hale was", None, 0),
    "the middle of a word": ("atient nurs", None, 0),
    "next to nothing": ("she had", None, 0),
    "nothing": (" “ ... ” ", None, 0),
    "more than a quote": ("It rained. " * 60, None, 0),
}


@pytest.mark.parametrize(("quote", "expected", "line"), FOUND.values(), ids=FOUND)
def test_a_quote_is_found_as_the_source_has_it_or_not_at_all(quote: str, expected: str | None, line: int) -> None:
    """With the place of its first word."""
    found = SOURCE.find(quote)
    assert (found and found.quote) == expected
    if found:
        assert found.place == f"ada.txt:{line}"
        assert PAGE[found.start :].startswith(found.quote.split()[0])


def test_what_stands_on_no_line_of_the_source_is_no_quote() -> None:
    """The words above a character's lines are ours; two lines that are far apart in the source are no stretch."""
    text = "Nora speaks here.\n“I am so happy”\n“I must go home”"
    source = SourceText(text, "play.txt[NORA]", LineMap.of_lines("play.txt", [0, 5, 9]))
    assert source.find("Nora speaks here") is None
    assert source.find("I am so happy” “I must go home") is None
    found = source.find("I must go home")
    assert found is not None
    assert found.place == "play.txt:9"


def test_a_text_without_lines_has_the_place_of_its_record() -> None:
    """A cell of a table."""
    found = SourceText("She is kind and tired.", "cast.csv:3").find("kind and tired")
    assert found is not None
    assert (found.quote, found.place) == ("kind and tired", "cast.csv:3")


WORDS = st.lists(
    st.sampled_from(["Ada", "was", "kind,", "—", "“never”", "late;", "so...", "(all)", "say:", "it's", "9.\n"]),
    max_size=30,
)


@given(WORDS, st.data())
@settings(max_examples=200, deadline=None)
def test_any_stretch_of_a_text_is_found_in_it(words: list[str], data: st.DataObject) -> None:
    """Whatever its marks are: what is cut out at words is found, and what is found stands there."""
    text = " ".join(words)
    start = data.draw(st.integers(0, len(words)))
    quote = " ".join(words[start : data.draw(st.integers(start, len(words)))])
    found = SourceText(text, "r").find(quote)
    if found is None:
        assert not tells(quote)
    else:
        assert found.quote in " ".join(text.split())


@given(st.text(max_size=80), st.text(max_size=LONGEST_QUOTE))
@settings(max_examples=200, deadline=None)
def test_any_text_and_quote_never_crash_and_never_give_what_is_not_there(text: str, quote: str) -> None:
    """Hostile quotes included."""
    found = SourceText(text, "r").find(quote)
    assert found is None or found.quote in " ".join(text.split())
