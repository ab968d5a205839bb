"""The formality score puts a formal rewrite above the chat it was made from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.filters.formality import formality, formality_scores

HAND_WRITTEN = Path(__file__).parents[1] / "data" / "formality_pairs.jsonl"

PAIRS = {
    "attendance": (
        "I do not know whether he will attend, but I shall ask him.",
        "dunno if he's coming but i'll ask",
    ),
    "enjoyment": (
        "That film was very enjoyable. I would like to see it again.",
        "that movie was so fun, i wanna see it again!",
    ),
    "asking the way": ("Could you please tell me where the station is?", "hey where's the station?"),
    "an excuse": (
        "I am unable to attend the meeting tomorrow because my daughter is ill.",
        "can't make it tmrw, my kid's sick",
    ),
    "comparison": (
        "It is difficult to say which of the two albums is better.",
        "hard to say which album's better",
    ),
    "departure": (
        "We should depart at once; otherwise, we will miss the train.",
        "we gotta go now or we'll miss the train",
    ),
    "a restaurant": (
        "The restaurant was expensive; however, the food was excellent.",
        "place was pricey but the food was great",
    ),
    "a series": ("I have not yet seen the second season of that programme.", "haven't seen season 2 yet"),
    "a purchase": (
        "Have you considered purchasing a new computer?",
        "ever think about getting a new computer?",
    ),
    "interest": ("He did not appear to be interested in the proposal.", "he didn't seem into it"),
    "agreement with a number": (
        "Yes, I believe that they won the championship in 2016.",
        "yeah i think they won it in 2016",
    ),
    "a concert": (
        "I greatly enjoyed the concert, particularly the final song.",
        "loved the concert, esp the last song",
    ),
    "an offer": ("Please inform me if you require further assistance.", "lmk if you need anything else"),
    "displeasure": ("My brother was not pleased with the result.", "my bro wasn't happy with it"),
    "no answer": ("That is an excellent question. I do not have an answer.", "good question, no clue"),
    "children": (
        "The children were playing in the garden when it began to rain.",
        "kids were playing in the yard when it started raining",
    ),
    "opinion": (
        "I am of the opinion that the book is superior to the film.",
        "imo the book's better than the movie",
    ),
    "a season": ("What is your favourite season of the year?", "what's your fav season?"),
    "farewell": ("It was a pleasure to speak with you. Goodbye.", "nice talking to you, bye!"),
    "staying in": ("I would prefer to remain at home this evening.", "i'd rather stay in tonight"),
    "a bridge": (
        "They are going to construct a new bridge across the river.",
        "they're gonna build a new bridge",
    ),
    "an hour": (
        "She told me that she would arrive at approximately seven o'clock.",
        "she said she'd be there around 7",
    ),
    "a complaint": (
        "I cannot understand why anyone would watch that programme.",
        "idk why anyone watches that show",
    ),
    "weather": (
        "Unfortunately, the game was cancelled because of the weather.",
        "game got cancelled cuz of the weather :(",
    ),
    "agreement": (
        "I agree with you entirely. His performance was remarkable.",
        "totally agree, he was awesome",
    ),
    "an invitation": (
        "Would you like to have dinner with us on Friday?",
        "wanna grab dinner with us friday?",
    ),
    "waiting": ("I have been waiting for almost an hour.", "i've been waiting like an hour"),
    "a team": ("It seems that the team requires a new quarterback.", "looks like they need a new qb"),
    "traffic": ("There is a considerable amount of traffic this morning.", "tons of traffic this morning"),
    "an address": (
        "I am not certain that this is the correct address.",
        "not sure this is the right address",
    ),
}


@pytest.mark.parametrize(("formal", "casual"), PAIRS.values(), ids=PAIRS.keys())
def test_the_formal_side_scores_higher(formal: str, casual: str) -> None:
    """By enough to pass for a style pair."""
    assert formality(formal) > formality(casual) + 0.1


CHANGES = {
    "contraction": ("I do not know the way.", "I don't know the way."),
    "slang": ("The film was good.", "The film was lit."),
    "lower case": ("The film was good.", "the film was good."),
    "end mark": ("The film was good.", "The film was good"),
    "exclamation": ("The film was good.", "The film was good!"),
    "curly apostrophe": ("I do not know the way.", "I don’t know the way."),
    "emoji": ("The film was good.", "The film was good. \U0001f602"),
}


@pytest.mark.parametrize(("formal", "casual"), CHANGES.values(), ids=CHANGES.keys())
def test_one_casual_sign_lowers_the_score(formal: str, casual: str) -> None:
    """Each trait alone is seen."""
    assert formality(formal) > formality(casual)


def test_the_pairs_written_for_it_are_told_apart() -> None:
    """Of 60 pairs that nothing was fitted to nearly all sides fall on their side of 0.5, and nearly all pairs rise."""
    rows = [json.loads(line) for line in HAND_WRITTEN.read_text(encoding="utf-8").splitlines()]
    formal = formality_scores([row["formal"] for row in rows])
    casual = formality_scores([row["casual"] for row in rows])
    assert len(rows) == 60
    assert np.mean(formal >= 0.5) + np.mean(casual < 0.5) >= 2 * 0.92
    assert np.mean(formal > casual + 0.02) >= 0.95


@pytest.mark.parametrize("text", ["Что ты делаешь?", "你好吗", "مرحبا كيف حالك", "Γεια σου φίλε"])
def test_another_script_is_in_the_middle(text: str) -> None:
    """The score knows English only, and says nothing of the rest."""
    assert formality(text) == 0.5


def test_short_texts_without_a_sign_are_near_the_middle() -> None:
    """Three plain words tell little; three telling ones much."""
    plain = formality_scores(["The cat sat.", "He is here.", "We saw it."])
    assert np.all(np.abs(plain - 0.5) < 0.3)
    assert formality("nah, dude lol") < 0.05
    assert formality("I do not object.") > 0.9


def test_a_batch_scores_as_its_texts_alone() -> None:
    """Whatever stands beside it, a text has one score."""
    texts = ["I do not know.", "", "dunno lol", "Где?", "It is late; we must depart."] * 3
    assert formality_scores(texts).tolist() == [formality(text) for text in texts]


def test_a_text_without_words_is_in_the_middle() -> None:
    """Nothing said is neither formal nor casual."""
    assert formality("") == formality("... 42") == 0.5


@given(st.text(max_size=200))
def test_any_text_scores_between_zero_and_one(text: str) -> None:
    """Wild input stays in the range, and the same text has the same score."""
    assert 0.0 <= formality(text) <= 1.0
    assert formality(text) == formality_scores([text, "I do not know."])[0]
