"""Putting a response together from rewritten and untouched sentences."""

from __future__ import annotations

import pytest

from castwright.generators.rewriter.assemble import assemble
from castwright.generators.rewriter.words import split_sentences


def lower(sentence: str) -> str:
    names = ("I ", "Ada", "Bob")
    return sentence if sentence.startswith(names) else sentence[:1].lower() + sentence[1:]


@pytest.mark.parametrize(
    ("text", "said", "result"),
    [
        pytest.param("It is. We are.", {}, "It is. We are.", id="nothing said changes nothing"),
        pytest.param("It is. Ok then.", {"It is.": "it's"}, "it's. ok then.", id="a lost stop comes back"),
        pytest.param("It is.\nOk.", {"It is.": "it's"}, "it's\nok.", id="a line's end needs no stop"),
        pytest.param("It is.", {"It is.": "it's"}, "it's", id="the last stop may go"),
        pytest.param("It is. Ada left.", {"It is.": "it's."}, "it's. Ada left.", id="names keep their capital"),
        pytest.param("It is. We are.", {"It is.": "It's."}, "It's. We are.", id="capitals stay with capitals"),
        pytest.param(
            "It is. I am. I do.",
            {"It is.": "it's.", "I am.": "i'm.", "I do.": "i do."},
            "it's. i'm. i do.",
            id="small i",
        ),
        pytest.param(
            "I am. I do. I can.",
            {"I am.": "i'm.", "I do.": "I do."},
            "I'm. I do. I can.",
            id="one spelling of I",
        ),
    ],
)
def test_sentences_become_one_text(text: str, said: dict[str, str], result: str) -> None:
    """Stops, capitals and the spelling of "I" are settled over the whole text."""
    assert assemble(split_sentences(text), said, lower) == result


def test_code_is_never_respelt() -> None:
    """An "i" in code is a variable."""
    text = "I see `for i in x`. I know."
    assert assemble(split_sentences(text), {"I know.": "i know."}, lower) == "I see `for i in x`. i know."
