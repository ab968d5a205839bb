"""The offline model's quotes: what a finder found stands in the words that it shows, and is about the character."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.generators.offline.about import LONG, sentences_about
from castwright.generators.offline.extract import extract_card
from castwright.generators.offline.finders import find_facts
from castwright.generators.offline.notes import card_from_notes, note_part
from castwright.generators.offline.speech_traits import speech_traits, spoken_and_told
from castwright.generators.offline.spot import LONGEST, quote_at
from castwright.personas.card import PersonaCard
from castwright.personas.cast_list import MEASURED, TOLD
from castwright.personas.source_text import SourceText

BIO = (
    "Ada Stone is a patient baker in Ghent. She is 52 years old, and her sister Rosa keeps the books. Dr. Hill calls "
    'her stubborn. She often says "flour on everything" and never speaks of the war of 1912.'
)
SHOWN = {
    "age": ("basic_info.age", "52", "She is 52 years old, and her sister Rosa keeps the books."),
    "occupation": ("basic_info.occupation", "baker", "Ada Stone is a patient baker in Ghent."),
    "gender": ("basic_info.gender", "woman", "She is 52 years old, and her sister Rosa keeps the books."),
    "place": ("basic_info.place", "Ghent", "Ada Stone is a patient baker in Ghent."),
    "a tie": ("basic_info.relationships", "sister Rosa", "She is 52 years old, and her sister Rosa keeps the books."),
    "a trait": ("traits", "patient", "Ada Stone is a patient baker in Ghent."),
    "a trait behind a title": ("traits", "stubborn", "Dr. Hill calls her stubborn."),
    "an era": (
        "basic_info.era",
        "around 1912",
        'She often says "flour on everything" and never speaks of the war of 1912.',
    ),
    "a catchphrase": (
        "dialogue_style.catchphrases",
        "flour on everything",
        'She often says "flour on everything" and never speaks of the war of 1912.',
    ),
    "the name": ("name", "Ada Stone", "Ada Stone is a patient baker in Ghent."),
}


@pytest.mark.parametrize(("field", "value", "quote"), SHOWN.values(), ids=SHOWN)
def test_what_was_found_is_shown_by_its_sentence(field: str, value: str, quote: str) -> None:
    """Titles and numbers end no sentence."""
    assert extract_card({}, BIO).quotes[field, value] == quote


def test_what_was_filled_in_and_what_was_known_has_no_quote() -> None:
    """Traits of the trade, and facts."""
    found = extract_card({"basic_info": {"age": 40}}, "Ada Stone is a nurse.")
    assert found.card["traits"] == ["caring", "composed"]
    assert not [key for key in found.quotes if key[0] in ("traits", "basic_info.age")]


@given(st.lists(st.sampled_from(BIO.split(" ")), max_size=60), st.sampled_from([{}, {"name": "Ada Stone"}]))
@settings(max_examples=150, deadline=None)
def test_every_quote_of_any_text_stands_in_it(words: list[str], facts: dict[str, Any]) -> None:
    """Shuffled lives too; what is quoted is short."""
    text = " ".join(words)
    source = SourceText(text, "r")
    found = extract_card(facts, text)
    PersonaCard.model_validate(found.card)
    for (field, value), quote in found.quotes.items():
        assert source.find(quote) is not None or len(quote) < 12, (field, value, quote)
        assert len(quote) <= max(LONGEST, 320) or field == "background"
    for note in note_part(facts, text):
        assert source.find(note["quote"]) is not None or len(note["quote"]) < 12


def test_a_long_sentence_is_cut_to_its_clauses() -> None:
    """Around what was found, and never in a word."""
    text = "It rained, " * 40 + "and she was patient with all of them, " + "and it rained, " * 40 + "and that was all."
    start = text.index("patient")
    quote = quote_at(text, start, start + 7)
    assert "and she was patient with all of them" in quote
    assert len(quote) <= LONGEST
    assert text[text.index(quote) + len(quote)] in " ,."


CHAPTER = "\n\n".join(
    [
        "Chapter the First",
        "Ada Hale was patient. She waited for the boat. The ferryman was greedy and shouted at her.",
        "“You are rude and cruel,” said Tom. Tom was jealous, and his sister was vain.",
        "Ada laughed. Tom hated her. He was bitter.",
        "It rained for a week. " * 60,
        "Mr. Hill, the owner, was lazy. Ada, who was generous, paid him.",
    ]
)


def test_only_sentences_about_the_character_are_read_in_a_long_text() -> None:
    """Named, or gone on with; nobody else's, nothing said in quotation marks, no heading."""
    assert len(CHAPTER) > LONG
    about = sentences_about(CHAPTER, "Ada Hale")
    assert about == (
        "Ada Hale was patient. She waited for the boat.\n\nAda laughed.\n\nAda, who was generous, paid him."
    )
    traits = [spot.value for field, spot in find_facts(about, {}) if field == "traits"]
    assert traits == ["patient", "generous"]


def test_a_short_text_is_about_its_character_and_a_diary_about_who_writes_it() -> None:
    """In a diary the sentences count that say "I"."""
    assert sentences_about("A baker who is kind. Tom is rude.", "Ada") == "A baker who is kind. Tom is rude."
    diary = "I am patient. The count is cruel. I wrote to my friend. " * 30
    assert "cruel" not in sentences_about(diary, "Ada Hale")
    assert sentences_about(diary, "Ada Hale").startswith("I am patient. I wrote to my friend.")


LINES = [
    "If you please, where am I?",
    "Thank you. I am very curious, sir.",
    "Come here. [...] What is that?",
    "Oh dear!",
]


def test_a_character_s_own_lines_show_traits() -> None:
    """What comes twice is a habit; what they say of themselves counts once; one line is its evidence."""
    shown = dict(speech_traits(LINES, ["asks many questions"]))
    assert shown == {
        "curious": "I am very curious, sir.",
        "polite": "If you please, where am I?",
        "inquisitive": "If you please, where am I?",
    }
    assert speech_traits(["Thank you."]) == []
    assert speech_traits([]) == []
    assert dict(speech_traits(["I am not patient.", "I was never proud."])) == {}


def test_lines_and_what_is_told_are_told_apart() -> None:
    """Above what was measured stands what is told, and what we wrote; a part of the lines is lines."""
    text = f"Nora speaks here.\n\n{MEASURED} 2 lines. Lines:\n“Come in.”\n“Go on.”"
    assert spoken_and_told(text) == (["Come in.", "Go on."], "")
    scene = text.replace(MEASURED, f"{TOLD}\nNora laughed.\n\n{MEASURED}")
    assert spoken_and_told(scene) == (["Come in.", "Go on."], "\nNora laughed.\n\n")
    assert spoken_and_told("“Come in.”\n“Go on.”") == (["Come in.", "Go on."], "")
    assert spoken_and_told("She came in.\n“Go on.”\nShe left.\n“No.”") == (
        [],
        "She came in.\n“Go on.”\nShe left.\n“No.”",
    )


def test_notes_become_a_card_in_which_facts_win() -> None:
    """The best note of what a card has once; lists as they are ranked; broken lines are passed over."""
    notes = "\n".join(
        [
            "Measured in the character's own lines: 3 lines",
            '{"field": "age", "value": "50", "quote": "close on fifty", "parts": 2}',
            '{"field": "age", "value": "60", "quote": "sixty", "parts": 1}',
            '{"field": "traits", "value": "stubborn", "quote": "He was stubborn.", "parts": 1}',
            '{"field": "weather", "value": "rain", "quote": "It rained.", "parts": 1}',
            '{"field": "traits", "value": 3}',
            '{"field": "traits", "value',
        ]
    )
    found = card_from_notes({"name": "Don", "basic_info": {"place": "La Mancha"}}, notes)
    PersonaCard.model_validate(found.card)
    assert (found.card["name"], found.card["traits"]) == ("Don", ["stubborn"])
    assert (found.card["basic_info"]["age"], found.card["basic_info"]["place"]) == (50, "La Mancha")
    assert found.quotes["basic_info.age", "50"] == "close on fifty"
