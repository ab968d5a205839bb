"""Minors: who is a child now, and who was one, has one or teaches them."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.errors import RecipeError
from castwright.filters.minors import minors

CHILDREN = [
    "A 12-year-old boy who collects stamps.",
    "Mia is a schoolgirl in Kyoto.",
    "A shy schoolgirl from Osaka.",
    "Pupil at the village school, aged 9.",
    "A kindergartner who loves dinosaurs",
    "A high school student who hates maths",
    "a rebellious teenager",
    "Tom, a seventeen-year-old apprentice, works the bellows.",
    "She is 12 and already runs the shop.",
    "He is only ten.",
    "Natia Tsereteli is 16 and a weaver by trade.",
    "Jan van Eck is fourteen.",
    "She’s fifteen.",
    "A ten year old chess prodigy",
    "12 y/o gamer",
    "A girl of thirteen",
    "A sixth-grader with braces",
    "An 8th grade student",
    "Age: 9",
    "A toddler with strong opinions",
    "He was a twelve-year-old orphan.",
    "A child prodigy at the piano",
    "A little girl who talks to birds",
    "A curious boy with a telescope",
    "A street urchin who picks pockets",
    "orphan and pupil",
    "puppet, schoolboy now and then",
    "Une fille, écolière",
    "Eine 12-jährige aus Köln",
    "Tiene 12 años",
    "Ей 12 лет",
    "고등학생",
    "私は高校生です。",
    "１２歳。",
    "他是一名小学生。",
]
GROWN = [
    "As a child she sang.",
    "When he was 12 he left home.",
    "Mother of a ten-year-old",
    "teaches schoolchildren",
    "A children's author",
    "A high school teacher",
    "A kindergarten teacher with two cats",
    "He owns a 12-year-old bakery",
    "Father of Mia, a schoolgirl",
    "A paediatric nurse",
    "A teen counsellor",
    "A child psychologist",
    "A baby photographer",
    "former child star",
    "He went to sea aged 9.",
    "At 12 she was apprenticed to a dyer.",
    "A city girl at heart",
    "A cowboy",
    "A student of law",
    "pupil of Haydn",
    "The baby of the family",
    "A boy band singer",
    "A 25-year-old nurse",
    "A thirty one year old nurse",
    "A 300-year-old vampire",
    "She is twelve years into her career.",
    "He has a 10-year-old dog.",
    "A grandmother of 9",
    "He was a quiet child.",
    "A man who looks 40",
    "A nanny to a three-year-old",
    "She grew up an only child",
    "A ten-year-old whisky is his pride",
    "a minor poet",
    "His daughter is 12.",
    "She was a schoolgirl when the war began.",
    "A Girl Scout leader",
    "Once a street urchin, now a banker",
    "A coach for high school athletes",
    "a Baby Boomer who loves jazz",
    "He is one of the best.",
    "Bo is one and all a soldier.",
    "Natia Tsereteli is 36 and a weaver by trade.",
    "Mount Hood is 11 miles off.",
    "The bakery is 12 years old.",
    "an elementary school student's mother",
    "She is twenty-one.",
    "Quand il avait 12 ans il partit.",
    "12歳の息子がいる",
]


def judged(**card: Any) -> tuple[bool, str, float | None]:
    """Return the verdict of one card."""
    return minors(pl.DataFrame({key: [value] for key, value in card.items()})).row(0)


@pytest.mark.parametrize("text", CHILDREN)
def test_who_is_described_as_a_child_is_dropped(text: str) -> None:
    """Without an age the words decide, in several languages."""
    keep, reason, _ = judged(text=text)
    assert not keep
    assert reason.startswith("text describes someone younger than 18: ")


@pytest.mark.parametrize("text", GROWN)
def test_a_past_childhood_and_other_peoples_children_are_kept(text: str) -> None:
    """Neither memories, nor relations, nor trades with children make a minor."""
    assert judged(text=text)[:2] == (True, "")


@pytest.mark.parametrize(
    "text",
    ["A 900-year-old witch in the body of a little girl", "An immortal who looks twelve.", "She looks like a child"],
)
def test_the_looks_of_a_child_drop_a_character_of_any_age(text: str) -> None:
    """A stated age of centuries does not help."""
    keep, reason, score = judged(background=text, age=900, kind="virtual", name="Vex")
    assert not keep
    assert reason.startswith("background gives the looks of a child: ")
    assert score == 900


@given(st.integers(0, 10_000), st.integers(0, 30))
def test_a_stated_age_decides(age: int, least: int) -> None:
    """Below the least age a card is dropped, from it on kept, and the score is the age."""
    keep, reason, score = minors(pl.DataFrame({"age": [age], "text": ["a teenager"]}), min_age=least).row(0)
    assert keep == (age >= least)
    assert reason == ("" if keep else f"is {age}, younger than {least}")
    assert score == age


def test_the_score_is_the_age_that_the_words_say() -> None:
    """A number in words counts too; where no age is known there is no score."""
    assert judged(text="a seventeen-year-old")[2] == 17
    assert judged(text="a teenager")[2] is None
    assert judged(text="a baker")[2] is None


@pytest.mark.parametrize(
    ("card", "kept"),
    [
        ({"name": "Rusty", "occupation": "android", "age": 3}, True),
        ({"name": "The Scarecrow", "occupation": "straw man in search of brains", "age": 1}, True),
        ({"name": "Robin", "occupation": "wizard", "age": 11}, False),
        ({"name": "Pinocchio", "occupation": "puppet, schoolboy now and then", "age": 8}, False),
        ({"name": "Rex", "occupation": "dog", "background": "a two-year-old hound", "age": None}, True),
    ],
    ids=["android", "scarecrow", "boy wizard", "puppet that goes to school", "dog whose age is told"],
)
def test_machines_and_beasts_may_be_young(card: dict[str, Any], kept: bool) -> None:
    """In a virtual kind years mean nothing to them, but being called a schoolboy does."""
    assert judged(kind="virtual", **card)[0] == kept


def test_which_kinds_are_spared_or_checked_can_be_set() -> None:
    """An original android of three is judged by its years, as all are where no kind is spared."""
    frame = pl.DataFrame(
        {"name": ["A", "B"], "occupation": ["robot"] * 2, "kind": ["virtual", "original"], "age": [3, 3]}
    )
    assert minors(frame)["keep"].to_list() == [True, False]
    assert minors(frame, nonhuman_kinds=())["keep"].to_list() == [False, False]
    assert minors(frame, nonhuman_kinds=(), kinds=("virtual",))["keep"].to_list() == [False, True]


def test_the_age_of_other_times_can_be_set() -> None:
    """It counts for characters who are not modern; null counts as modern."""
    frame = pl.DataFrame({"age": [16, 16, 16, 13], "modern": [True, False, None, False]})
    assert minors(frame, era_min_age=14)["keep"].to_list() == [False, True, False, False]
    assert minors(frame)["keep"].to_list() == [False] * 4


def test_settings_that_cannot_be_are_user_errors() -> None:
    """A column that was asked for must exist; an age is not below 0."""
    frame = pl.DataFrame({"background": ["x"]})
    with pytest.raises(RecipeError, match="did you mean 'background'"):
        minors(frame, columns=("backgroud",))
    with pytest.raises(RecipeError, match="min_age=-1"):
        minors(frame, min_age=-1)


@given(st.lists(st.one_of(st.none(), st.text(max_size=60), st.sampled_from(CHILDREN + GROWN)), max_size=12))
def test_any_text_gets_a_verdict_of_its_own(texts: list[str | None]) -> None:
    """Wild text never fails, and a row's verdict does not depend on its neighbours."""
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    together = minors(frame)
    assert together.height == len(texts)
    assert together["reason"].to_list() == [minors(frame[row])["reason"][0] for row in range(len(texts))]
