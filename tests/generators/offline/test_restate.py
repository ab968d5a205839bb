"""A given answer in a persona's words: voice changes, facts do not."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.generators.offline.grammar import read_data
from castwright.generators.offline.restate import restate
from castwright.personas.card import PersonaCard

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
MARKS = re.compile(r"<<.*?>>")
QUIRKS = (
    "exclaims often",
    "numbers every point",
    "quotes proverbs",
    "addresses people as 'petal'",
    "uses sailing metaphors",
    "starts with a sigh",
    "trails off with an ellipsis",
    "speaks of themself in the third person",
    "lists things in threes",
)


def card(register: str = "neutral", trait: str = "calm", quirks: tuple[str, ...] = QUIRKS) -> PersonaCard:
    return PersonaCard.model_validate(
        {
            "name": "Ruben Vale",
            "basic_info": {"occupation": "carpenter", "place": "Harrowmere", "age": 44},
            "traits": [trait],
            "dialogue_style": {
                "register": register,
                "quirks": quirks,
                "catchphrases": ["measure twice", "7 times 7"],
            },
            "background": "He built 3 boats.",
        }
    )


REGISTERS = ["casual", "neutral", "formal", "archaic"]


def test_a_worked_sum_keeps_its_numbers_and_ends_with_the_result_in_a_sentence() -> None:
    """Calculator marks go, the result line becomes a sentence that ends with the number."""
    said = restate(
        card(),
        "How many clips?",
        "She sold 48/2 = <<48/2=24>>24 clips in May.\nThat is 48+24 = <<48+24=72>>72.\n#### 72",
    )
    assert "<<" not in said
    assert "####" not in said
    assert "She sold 48/2 = 24 clips in May." in said
    assert re.search(r"[A-Z][^\n]*\b72\.$", said, re.MULTILINE)


@pytest.mark.parametrize("value", ["72", "$1,250.50", "3 apples", "-4", "12%"])
def test_a_result_keeps_its_unit(value: str) -> None:
    """Whatever follows the marks is said whole."""
    assert f"{value}." in restate(card(), "How much?", f"Count it.\n#### {value}")


@pytest.mark.parametrize("line", ["Answer: B", "The answer is B.", "The correct answer is (B)", "answer: B. the dog"])
def test_a_chosen_letter_stays_clearly_stated(line: str) -> None:
    """The letter is in the answer's last own line, as a letter."""
    for n in range(12):
        said = restate(card(), "Which?\nA) cat\nB) dog", f"It barks.\n{line}", sample=n)
        assert re.search(r"\bB\b", said)
        assert not re.search(r"\b[ACDE]\b(?! )", said)
        assert ("the dog" in said) == ("the dog" in line)


def test_code_blocks_come_through_byte_for_byte() -> None:
    """Nothing between fences is touched, not even words that are swapped elsewhere."""
    code = '```python\ndef so():\n    # Therefore, it is.  However, 1 < 2\n    return "So  "\n```'
    for register in REGISTERS:
        assert code in restate(card(register), "Write it.", f"Therefore, use this:\n{code}\nHowever, test it.")


def test_connective_words_follow_the_register_but_quotations_do_not() -> None:
    """Only the head of a sentence outside quotation marks may change."""
    answer = 'Therefore, he said it. "However, no." However, it stood.'
    said = {restate(card(register), "Why?", answer, sample=n) for register in REGISTERS for n in range(6)}
    assert all('"However, no."' in text for text in said)
    assert any("Hence, he said it." in text for text in said)
    assert any("But it stood." in text for text in said)


def test_list_order_is_kept() -> None:
    """A list's lines stand whole and in order."""
    lines = ["1. Boil 2 litres of water.", "2. Add 3 g of salt.", "- Then rest."]
    said = restate(card(), "How?", "\n".join(lines))
    assert [line for line in said.split("\n") if line in lines] == lines


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        pytest.param("Reply in JSON.", '{"a": 1}', id="json"),
        pytest.param("Say it in exactly 3 words.", "All is well.", id="a count of words"),
        pytest.param("Use no commas.", "All is well and good.", id="no commas"),
        pytest.param("Answer in lowercase.", "all is well", id="lower case"),
    ],
)
def test_an_answer_whose_form_is_fixed_comes_back_as_it_is(question: str, answer: str) -> None:
    """A frame would break the instruction that the answer keeps."""
    assert restate(card(), question, answer) == answer


def test_an_empty_answer_stays_empty() -> None:
    """There is nothing to say in voice."""
    assert restate(card(), "Why?", " ") == " "


def test_the_voice_shows() -> None:
    """The frame differs between stances, and samples differ in wording."""
    answer = "Rain dissolves minerals."
    said = {
        restate(card(trait=trait), "Why?", answer, sample=n)
        for trait in ("kind", "blunt", "anxious", "cheerful")
        for n in range(5)
    }
    assert len(said) >= 18
    assert all(answer in text and text != answer for text in said)


def test_the_frames_hold_no_number() -> None:
    """No digit and no number word stands in the frame data, so a frame can add no fact."""
    words = (
        r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|hundred|thousand|"
        r"half|twice|double|dozen)\b"
    )
    for rule, body in read_data("restate").items():
        assert not re.search(words, body), rule


PIECE = st.one_of(
    st.from_regex(r"\A[A-Z][a-z]{2,8} (?:has|sold|ate) [1-9][0-9]{0,3}(?:\.[0-9])? [a-z]{3,6}\.\Z"),
    st.sampled_from(
        [
            "So it is.",
            "Therefore, 3 + 4 = 7.",
            "However, Anna left.",
            "- item 12",
            "```\nx = 1\n```",
            '"But 5," said Tom.',
            "#### 42",
            "Answer: C",
        ]
    ),
    st.text(max_size=30),
)


@settings(max_examples=300, deadline=None)
@given(
    pieces=st.lists(PIECE, min_size=1, max_size=6),
    register=st.sampled_from(REGISTERS),
    sample=st.integers(0, 30),
    trait=st.sampled_from(["kind", "blunt", "proud", "wry", "dreamy", "odd"]),
)
def test_numbers_and_names_are_the_same_before_and_after(
    pieces: list[str], register: str, sample: int, trait: str
) -> None:
    """The multiset of numbers is kept exactly, and so is every capitalised name inside a sentence."""
    answer = "\n".join(pieces)
    said = restate(card(register, trait), "How many?", answer, sample=sample)
    assert Counter(NUMBER.findall(MARKS.sub("", answer))) == Counter(NUMBER.findall(said))
    for name in re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", answer):
        assert name in said
