"""A card as text: labelled lines that read back, and the system message."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from castwright.generators.prompt import escape_section, unescape_section
from castwright.personas.card import KINDS, REGISTERS, SENTENCE_LENGTHS, PersonaCard
from castwright.personas.render import parse_card, render_card, system_prompt

LEAST: dict[str, Any] = {"name": "Ada", "traits": ["calm"], "background": "Keeps bees."}

PIECES = st.sampled_from(
    ["|", "\\", " | ", "\\|", ": ", "Name: ", "\nAge: 9", "\n", "\x85", "\u2028", "</card>", "a", "é"]
)
WILD = st.lists(PIECES, max_size=5).map("".join) | st.text(max_size=15)
WILD_WORD = WILD.filter(lambda text: bool(text.strip()))
WILD_CARDS = st.fixed_dictionaries(
    {
        "name": WILD_WORD,
        "kind": st.sampled_from(KINDS),
        "modern": st.booleans(),
        "language": st.sampled_from(["en", "de"]),
        "basic_info": st.fixed_dictionaries(
            {
                "age": st.none() | st.integers(0, 10_000),
                "gender": WILD,
                "occupation": WILD,
                "place": WILD,
                "era": WILD,
                "relationships": st.lists(WILD, max_size=3),
            }
        ),
        "traits": st.lists(WILD_WORD, min_size=1, max_size=3),
        "dialogue_style": st.fixed_dictionaries(
            {
                "register": st.sampled_from(REGISTERS),
                "sentence_length": st.sampled_from(SENTENCE_LENGTHS),
                "catchphrases": st.lists(WILD, max_size=3),
                "quirks": st.lists(WILD, max_size=3),
            }
        ),
        "background": WILD_WORD,
        "example_lines": st.lists(WILD, max_size=3),
    }
)


def on_one_line(value: Any) -> Any:
    """What rendering does to a value: white space becomes single spaces, at any depth."""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, dict):
        return {key: on_one_line(item) for key, item in value.items()}
    return [on_one_line(item) for item in value] if isinstance(value, list) else value


@given(data=WILD_CARDS)
@settings(max_examples=300, deadline=None)
def test_a_rendered_card_reads_back(data: dict[str, Any]) -> None:
    """Bars, line ends, labels and tags inside values change nothing but white space."""
    card = PersonaCard.model_validate(data)
    assert parse_card(render_card(card)).content() == on_one_line(card.content())


@given(data=WILD_CARDS)
@settings(max_examples=100, deadline=None)
def test_a_rendered_card_survives_a_prompt_section(data: dict[str, Any]) -> None:
    """Escaped into a tagged section and back it is the same text, and renders the same again."""
    text = render_card(PersonaCard.model_validate(data))
    assert unescape_section(escape_section(text)) == text
    assert render_card(parse_card(text)) == text


def test_a_plain_card_is_plain_lines() -> None:
    """The form that prompts and people read."""
    card = PersonaCard.model_validate(
        LEAST
        | {"traits": ["calm", "dry"], "basic_info": {"age": 40, "occupation": "beekeeper"}, "modern": False}
        | {"example_lines": ["Mind the hive.", "Left | right?"]}
    )
    assert render_card(card).splitlines() == [
        "Name: Ada",
        "Kind: original",
        "Modern: no",
        "Language: en",
        "Age: 40",
        "Occupation: beekeeper",
        "Traits: calm | dry",
        "Register: neutral",
        "Sentence length: medium",
        "Background: Keeps bees.",
        r"Example lines: Mind the hive. | Left \| right?",
    ]


@pytest.mark.parametrize("text", ["", "hello", "Name: Ada", "Name: Ada\nAge: old\nTraits: a\nBackground: b"])
def test_text_that_is_no_rendered_card_is_refused(text: str) -> None:
    """Missing or impossible fields are a ValidationError, never another exception."""
    with pytest.raises(ValidationError):
        parse_card(text)


@given(text=st.text(max_size=200) | st.lists(PIECES, max_size=20).map("".join))
@settings(max_examples=100, deadline=None)
def test_no_text_crashes_the_parser(text: str) -> None:
    """Any text is a card or a ValidationError."""
    try:
        card = parse_card(text)
    except ValidationError:
        return
    assert card.name


def test_the_system_message_is_prose_in_sentences() -> None:
    """Every part ends in one mark of its own, and articles agree."""
    card = PersonaCard.model_validate(
        {
            "name": "Marta Quill",
            "basic_info": {
                "age": 81,
                "occupation": "ferrywoman",
                "place": "Lindholm",
                "relationships": ["sister of Bo"],
            },
            "traits": ["patient", "dry"],
            "background": "Runs the ferry",
            "dialogue_style": {
                "register": "archaic",
                "catchphrases": ["All aboard!"],
                "quirks": ["quotes proverbs"],
            },
        }
    )
    assert system_prompt(card) == (
        "You are Marta Quill, an 81-year-old ferrywoman (Lindholm). Character: patient, dry. Runs the ferry. "
        "Relationships: sister of Bo. You speak in an archaic register, in medium sentences. "
        "You sometimes say: All aboard! Habits of speech: quotes proverbs."
    )


@pytest.mark.parametrize(
    ("info", "opening"),
    [
        ({}, "You are Ada. "),
        ({"age": 8}, "You are Ada, an 8-year-old. "),
        ({"age": 18, "era": "1850s"}, "You are Ada, an 18-year-old (1850s). "),
        ({"age": 0}, "You are Ada, a 0-year-old. "),
        ({"occupation": "smith", "place": "York", "era": "1850s"}, "You are Ada, smith (York, 1850s). "),
    ],
)
def test_the_system_message_opens_with_what_is_known(info: dict[str, Any], opening: str) -> None:
    """Unknown parts leave no gap behind."""
    assert system_prompt(PersonaCard.model_validate(LEAST | {"basic_info": info})).startswith(opening)
