"""Answers in character: shape, variety, quirks, shots and register."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.generators.offline.respond import respond
from castwright.personas.card import PersonaCard

QUIRKS = [
    "answers a question with a question first",
    "lists things in threes",
    "quotes proverbs",
    "addresses people as 'petal'",
    "apologises before disagreeing",
    "ends with a bit of advice",
    "trails off with an ellipsis",
    "uses dry humour",
    "exclaims often",
    "speaks of themself in the third person",
    "numbers every point",
    "brings food into everything",
    "understates everything",
    "repeats the last word for emphasis",
    "swears by the old mill",
    "hedges every claim",
    "starts with a sigh",
    "laughs at their own jokes",
    "drops in words from their trade",
    *(
        f"uses {field} metaphors"
        for field in (
            "sailing",
            "cooking",
            "gardening",
            "weather",
            "music",
            "machine",
            "sporting",
            "farming",
            "sewing",
            "military",
            "theatre",
            "mathematical",
            "road",
            "animal",
        )
    ),
]
QUESTIONS = [
    "Why do people find it hard to say no?",
    "How do I fix a leaking tap?",
    "What should I do about a friend who lies?",
    "Do you like coffee?",
    "Tell me about your childhood.",
    "Who taught you your trade?",
    "When did you last cry?",
    "Would you rather be rich or be famous?",
    "I lost my job and I feel useless.",
    "Why does bread rise?",
    "Is honesty always the best policy?",
    "Where do you live?",
    "What is love?",
    "Good morning! How are you?",
    "How many minutes are in 3 hours?",
    "Can people really change?",
    "What makes you happy?",
    "Should I quit my job to travel?",
    "Tell me a joke.",
    "I passed my exam!",
]


def card(
    *quirks: str,
    register: str = "neutral",
    length: str = "medium",
    traits: tuple[str, ...] = ("kind", "curious"),
    **info: object,
) -> PersonaCard:
    return PersonaCard.model_validate(
        {
            "name": "Ruben Vale",
            "basic_info": {
                "gender": "man",
                "occupation": "carpenter",
                "place": "Harrowmere",
                "age": 44,
                "relationships": ["brother of Anneke"],
                **info,
            },
            "traits": traits,
            "dialogue_style": {
                "register": register,
                "sentence_length": length,
                "quirks": quirks,
                "catchphrases": ["measure twice"],
            },
            "background": "He built boats before he built houses. His father was a cooper.",
        }
    )


def sentences(text: str) -> list[str]:
    return re.findall(r"[^.!?]+[.!?]+", text)


@pytest.mark.parametrize("quirk", QUIRKS, ids=QUIRKS)
def test_every_quirk_of_the_shared_vocabulary_shows(quirk: str) -> None:
    """The same card with and without the quirk speaks differently, in most answers."""
    with_quirk, without = card(quirk), card()
    object.__setattr__(with_quirk, "persona_id", without.persona_id)  # the same dice for both
    changed = sum(respond(with_quirk, question) != respond(without, question) for question in QUESTIONS)
    assert changed >= len(QUESTIONS) * 0.45


@pytest.mark.parametrize(
    ("quirk", "pattern"),
    [
        pytest.param("trails off with an ellipsis", r"\.\.\.", id="an ellipsis"),
        pytest.param("exclaims often", r"!", id="an exclamation mark"),
        pytest.param("speaks of themself in the third person", r"\bRuben\b", id="the own name"),
        pytest.param("swears by the old mill", r"by the old mill", id="the oath"),
        pytest.param("addresses people as 'petal'", r"\bpetal\b", id="the form of address"),
        pytest.param("quotes proverbs", r'"[A-Z][^"]+"|"[A-Z][^"]+,"', id="a quoted proverb"),
        pytest.param("numbers every point", r"First(ly)?,|Point one:", id="numbered points"),
    ],
)
def test_quirks_leave_their_mark(quirk: str, pattern: str) -> None:
    """A quirk's own mark stands in at least half of the answers."""
    marked = sum(bool(re.search(pattern, respond(card(quirk), question), re.IGNORECASE)) for question in QUESTIONS)
    assert marked >= len(QUESTIONS) / 2


@pytest.mark.parametrize("length", ["short", "medium", "long"])
def test_answers_have_two_to_six_sentences(length: str) -> None:
    """The card's sentence length bounds the answer (a joke or a sum may be short in itself)."""
    counts = [len(sentences(respond(card(length=length), question))) for question in QUESTIONS]
    assert all(1 <= count <= 7 for count in counts)
    assert 2 <= sum(counts) / len(counts) <= 6


def test_short_speakers_say_less_than_long_speakers() -> None:
    """Words per answer grow with the card's sentence length."""
    words = [
        sum(len(respond(card(length=length), question).split()) for question in QUESTIONS)
        for length in ("short", "medium", "long")
    ]
    assert words[0] < words[1] < words[2]


def test_archaic_speech_says_thou_and_neutral_speech_does_not() -> None:
    """The register shows in the pronouns, and never as "thou are" or "thou is"."""
    archaic = " ".join(
        respond(card(register="archaic"), question, sample=n) for question in QUESTIONS for n in range(4)
    )
    neutral = " ".join(respond(card(), question) for question in QUESTIONS)
    assert re.search(r"\bth(?:ou|ee|y)\b", archaic, re.IGNORECASE)
    assert not re.search(r"\bthou (?:are|is|have|do|will|can|was)\b", archaic, re.IGNORECASE)
    assert not re.search(r"\bth(?:ou|ee|y)\b", neutral, re.IGNORECASE)


def test_formal_speech_has_no_contractions_and_casual_speech_has_some_but_not_all() -> None:
    """Raw casual responses stay rather formal on purpose: the style rewriter works on them."""
    formal = " ".join(respond(card(register="formal"), question, sample=n) for question in QUESTIONS for n in range(3))
    casual = " ".join(respond(card(register="casual"), question, sample=n) for question in QUESTIONS for n in range(3))
    contraction = re.compile(r"\b\w+(?:n't|'m|'ve|'ll|'d|'re)\b")
    assert not contraction.search(formal)
    assert contraction.search(casual)
    assert re.search(r"\bI (?:am|have|would)\b|\bdo not\b|\bit is\b", casual)


def test_the_catchphrase_stands_in_about_half_of_the_answers() -> None:
    """A catchphrase is a spice."""
    said = [respond(card(), question, sample=n) for question in QUESTIONS for n in range(10)]
    share = sum("measure twice" in text.lower() for text in said) / len(said)
    assert 0.3 < share < 0.65


def test_the_topic_of_the_question_stands_in_most_answers() -> None:
    """Content words of the question come back in the answer, so it is an answer to this question."""
    asked = [
        "Why do people find it hard to say no?",
        "What do you think of modern art?",
        "Do you like coffee?",
        "Why does bread rise?",
    ]
    content = ["say no", "modern art", "coffee", "bread"]
    hits = sum(
        word in respond(card(), question, sample=n)
        for question, word in zip(asked, content, strict=True)
        for n in range(20)
    )
    assert hits > 0.5 * 80


def test_sums_are_computed_and_unsure_sums_state_no_new_number() -> None:
    """A safe conversion is done; a problem without a safe rule only names its own quantities."""
    assert "180 minutes" in respond(card(), "How many minutes are in 3 hours?")
    unsure = "A shepherd sells half her 40 sheep, then 10 more, and buys 6. How many are left?"
    said = " ".join(respond(card(), unsure, sample=n) for n in range(20))
    assert set(re.findall(r"\d+", said)) <= {"40", "10", "6"}


def test_grief_is_met_without_jokes_or_exclamation() -> None:
    """Light quirks are put away when the asker is in pain."""
    joker = card("uses dry humour", "exclaims often", "laughs at their own jokes")
    for n in range(20):
        said = respond(joker, "My mother died last week and I feel so alone.", sample=n)
        assert "Ha" not in re.findall(r"\b\w+\b", said)
        assert "!" not in said


def test_own_life_is_used_and_own_questions_are_answered_from_the_card() -> None:
    """A persona knows its age, place and trade."""
    assert "44" in respond(card(), "How old are you?")
    assert "Harrowmere" in respond(card(), "Where do you live?")
    assert "Ruben Vale" in respond(card(), "What is your name?")
    said = " ".join(respond(card(), question, sample=n) for question in QUESTIONS for n in range(3))
    assert "Anneke" in said
    assert "carpenter" in said
    assert "I built boats" in said


def test_nothing_refuses_or_mentions_a_card_or_a_machine() -> None:
    """No refusal, no card, no model."""
    said = " ".join(respond(card(), question, sample=n) for question in QUESTIONS for n in range(10)).lower()
    assert not re.search(r"\bi (?:do not|don't) know\b|\bi cannot answer\b|language model|\bthe card\b|persona", said)


def test_shots_set_the_length_and_the_opening() -> None:
    """Answers take over the shots' length, and their opening where all open alike."""
    brief = [("Why?", "Well, because it must."), ("How?", "Well, slowly.")]
    wordy = [("Why?", "It is so. It was so. It will be so. I saw it. You see it. We all do.")]
    assert all(respond(card(), question, brief).startswith("Well, ") for question in QUESTIONS)
    short = sum(len(sentences(respond(card(), question, brief))) for question in QUESTIONS)
    long = sum(len(sentences(respond(card(), question, wordy))) for question in QUESTIONS)
    assert short < 0.6 * long


def test_no_sentence_carries_more_than_a_few_percent_of_answers() -> None:
    """Over many cards and questions no sentence is in more than three percent of the answers."""
    traits = [
        "kind",
        "blunt",
        "curious",
        "cheerful",
        "anxious",
        "proud",
        "wry",
        "calm",
        "stern",
        "dreamy",
        "left-handed",
    ]
    jobs = ["baker", "nurse", "sailor", "judge", "miner", "poet", "pilot"]
    said = [
        respond(card(traits=(trait,), occupation=job), question)
        for trait in traits
        for job in jobs
        for question in QUESTIONS
        if not question.startswith(("How many minutes", "Where do you live"))
    ]
    counts = Counter(
        sentence.strip()
        for text in said
        for sentence in set(sentences(text))
        if "measure twice" not in sentence.lower()
    )
    assert counts.most_common(1)[0][1] < 0.03 * len(said)
    assert len(set(said)) > 0.98 * len(said)


BROKEN = re.compile(
    (
        r"\b(the the|a a|an an|to to|of of|is is|you am|I is|I are|thou are)\b|\s[,.;!?]|"
        r",,|,\.|\.\.(?!\.)(?<!\.\.\.)|\{|\}|\[|\]|  "
    ),
    re.IGNORECASE,
)


@pytest.mark.parametrize("register", ["casual", "neutral", "formal", "archaic"])
def test_the_grammar_is_clean_on_ordinary_questions(register: str) -> None:
    """No doubled words, stray marks, unfilled slots or sentences that begin small."""
    for question in QUESTIONS:
        for n in range(6):
            said = respond(card("numbers every point", "hedges every claim", register=register), question, sample=n)
            assert not BROKEN.search(said), said
            assert re.match(r"['\"“]?[A-Z0-9]", said), said


@settings(max_examples=150, deadline=None)
@given(
    question=st.text(max_size=400),
    name=st.text(min_size=1, max_size=30).filter(str.strip),
    occupation=st.text(max_size=40),
    place=st.text(max_size=40),
    background=st.text(min_size=1, max_size=200).filter(str.strip),
    trait=st.text(min_size=1, max_size=20).filter(str.strip),
    quirk=st.sampled_from([*QUIRKS, "hums", ""]),
    relation=st.text(max_size=40),
)
def test_wild_cards_and_questions_always_get_an_answer(
    question: str,
    name: str,
    occupation: str,
    place: str,
    background: str,
    trait: str,
    quirk: str,
    relation: str,
) -> None:
    """Whatever the card and the question hold, an answer comes back, the same one twice."""
    wild = PersonaCard.model_validate(
        {
            "name": name,
            "basic_info": {"occupation": occupation, "place": place, "relationships": [relation]},
            "traits": [trait],
            "dialogue_style": {"quirks": [quirk], "register": "archaic"},
            "background": background,
        }
    )
    assert respond(wild, question).strip()
    assert respond(wild, question) == respond(wild, question)
