"""Flawed replies: each criterion breaks what it names, differs from the good reply, keeps to its length."""

from __future__ import annotations

import difflib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.generators.criteria import CRITERIA
from castwright.generators.offline.reject import reject
from castwright.generators.offline.respond import respond
from castwright.personas.card import PersonaCard

QUESTIONS = [
    "Why do people argue?",
    "How do I bake bread?",
    "What is courage?",
    "Do you like rain?",
    "Where do you live?",
    "Should I lie to a friend?",
]
GOOD = (
    "Bread wants 3 hours, friend. Warm dough rises before cold dough does. My wife Ann taught me that, measure twice."
)


def card(*, modern: bool = True, quirks: tuple[str, ...] = ()) -> PersonaCard:
    return PersonaCard.model_validate(
        {
            "name": "Ruben Vale",
            "modern": modern,
            "kind": "original" if modern else "historical",
            "basic_info": {"occupation": "carpenter", "place": "Harrowmere", "gender": "man"},
            "traits": ["calm", "wry"],
            "dialogue_style": {"catchphrases": ["measure twice"], "quirks": quirks},
            "background": "He built boats.",
        }
    )


def words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize("criterion", list(CRITERIA))
def test_every_criterion_gives_many_wordings_that_all_differ_from_the_response(criterion: str) -> None:
    """Eighty dice give at least twelve wordings (a factual error has as many as the text has facts)."""
    said = {reject(card(), "How?", GOOD, criterion, sample=n) for n in range(80)}
    assert GOOD not in said
    assert len(said) >= (5 if criterion == "factual_error" else 12)


@pytest.mark.parametrize(
    "criterion",
    ["formal_tone", "out_of_character", "feigned_ignorance", "factual_error", "over_acted", "repetitive"],
)
def test_length_does_not_give_the_criterion_away(criterion: str) -> None:
    """On average the flawed reply is between 0.6 and 1.8 times as long as the good one."""
    ratios = []
    for question in QUESTIONS:
        for n in range(6):
            good = respond(card(), question, sample=n)
            ratios.append(words(reject(card(), question, good, criterion, sample=n)) / words(good))
    assert 0.6 < sum(ratios) / len(ratios) < 1.8


def test_verbose_is_more_than_twice_as_long_and_keeps_what_was_said() -> None:
    """Padding adds words, not facts."""
    for n in range(30):
        said = reject(card(), "How?", GOOD, "verbose", sample=n)
        assert words(said) > 2 * words(GOOD)
        assert set(re.findall(r"\d+", said)) == {"3"}


def test_disengaged_varies_in_length_and_asks_nothing_back() -> None:
    """Dead ends are flat, but not all of them are short."""
    lengths = [
        words(reject(card(), question, respond(card(), question), "disengaged", sample=n))
        for question in QUESTIONS
        for n in range(10)
    ]
    assert min(lengths) < 10
    assert max(lengths) > 25


def test_formal_tone_drops_catchphrase_and_contractions_and_keeps_the_numbers() -> None:
    """The same facts in a robot's voice."""
    for n in range(20):
        said = reject(
            card(),
            "How?",
            "Well, I'd say it's 3 hours, friend, measure twice. You can't rush 12 loaves!",
            "formal_tone",
            sample=n,
        )
        assert "measure twice" not in said.lower()
        assert not re.search(r"\w'(?:d|s|t|re|ll)\b|!", said)
        assert set(re.findall(r"\d+", said)) == {"3", "12"}


def test_out_of_character_is_an_anachronism_or_another_trade() -> None:
    """Historical characters meet gadgets; modern ones talk another trade's talk."""
    gadgets = re.compile(
        (
            r"phone|online|video|laptop|call cent|app\b|chatbot|search engine|flight|airport|"
            r"smartwatch|calendar|group chat|parcel|blog|podcast|microwave|headphones|"
            r"spreadsheet|slides|therapist|coworking|order what"
        ),
        re.IGNORECASE,
    )
    historical = [reject(card(modern=False), "How?", GOOD, "out_of_character", sample=n) for n in range(40)]
    assert sum(bool(gadgets.search(text)) for text in historical) > 15
    modern = [reject(card(), "How?", GOOD, "out_of_character", sample=n) for n in range(40)]
    assert not any(gadgets.search(text) for text in modern)
    assert all(len(set(text.split()) - set(GOOD.split())) > 4 for text in modern)


def test_feigned_ignorance_claims_not_to_know() -> None:
    """The good answer's content is gone."""
    for n in range(30):
        said = reject(card(), "How?", GOOD, "feigned_ignorance", sample=n)
        assert "3 hours" not in said
        assert re.search(
            (
                r"not|no |never|nobody|blank|fog|ask |forgotten|guess|how should|why would|slipped|"
                r"something else|beyond me"
            ),
            said,
            re.IGNORECASE,
        )


@pytest.mark.parametrize(
    ("response", "kept"),
    [
        pytest.param("It takes 45 minutes, says Ann.", "minutes, says Ann.", id="a number"),
        pytest.param("It takes seven days.", "days.", id="a number in words"),
        pytest.param("The sun sets in the west.", "The sun sets in the", id="a fact word"),
        pytest.param("The whale is a mammal.", "whale is", id="a negation"),
    ],
)
def test_a_factual_error_changes_one_thing_and_nothing_else(response: str, kept: str) -> None:
    """One word differs, or one "not" more or less."""
    for n in range(10):
        said = reject(card(), "How?", response, "factual_error", sample=n)
        changes = [
            op for op in difflib.SequenceMatcher(None, response.split(), said.split()).get_opcodes() if op[0] != "equal"
        ]
        assert len(changes) == 1
        assert kept in said


def test_a_factual_error_without_facts_asserts_the_opposite() -> None:
    """Where nothing can be changed, a contradiction is added."""
    said = reject(card(), "How?", "Oh dear me, goodness gracious!", "factual_error")
    assert said.startswith("Oh dear me, goodness gracious!")
    assert words(said) > 6


def test_a_factual_error_never_touches_code() -> None:
    """Numbers in a code block stay."""
    code = "```\nx = 41\n```"
    assert all(code in reject(card(), "How?", f"It is 17.\n{code}", "factual_error", sample=n) for n in range(10))


def test_over_acted_is_crowded_with_the_catchphrase_and_exclaims() -> None:
    """Mannerisms outweigh the answer."""
    said = [reject(card(), "How?", GOOD, "over_acted", sample=n) for n in range(30)]
    assert all("!" in text for text in said)
    assert sum("measure twice" in text.lower() for text in said) > 10


def test_repetitive_says_a_sentence_of_its_own_again() -> None:
    """One long stretch of words stands in it twice."""
    for n in range(20):
        said = reject(card(), "How?", GOOD, "repetitive", sample=n).lower()
        grams = [tuple(said.split()[at : at + 4]) for at in range(words(said) - 3)]
        assert len(set(grams)) < len(grams)


def test_an_unknown_criterion_still_gives_a_worse_reply() -> None:
    """Recipes may name criteria of their own."""
    assert reject(card(), "How?", GOOD, "my own criterion") != GOOD


@settings(max_examples=300, deadline=None)
@given(
    response=st.text(max_size=200),
    question=st.text(max_size=80),
    criterion=st.sampled_from(list(CRITERIA)),
    sample=st.integers(0, 20),
    modern=st.booleans(),
)
def test_wild_responses_are_always_changed(
    response: str, question: str, criterion: str, sample: int, modern: bool
) -> None:
    """Never the response itself, never nothing, never an exception."""
    said = reject(card(modern=modern), question, response, criterion, sample=sample)
    assert said.strip()
    assert said.strip() != response.strip()
