"""The offline model talks: follow-ups that take up what was said, answers that are never the same words again."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.generators.offline.dialogue import END, _kinds, follow_up, talk_back, typist_habit
from castwright.generators.offline.grammar import grammar
from castwright.generators.offline.mention import job_of, kin, quotes, sayings, things
from castwright.generators.offline.reply import reply
from castwright.generators.offline.respond import seeded
from castwright.generators.prompt import load_prompt
from castwright.generators.talk import same_words
from castwright.personas.card import BasicInfo, DialogueStyle, PersonaCard
from castwright.personas.render import render_card

CARD = PersonaCard(
    name="Odile Marchetti",
    traits=("blunt", "warm"),
    background="Odile has run the bakery by the harbour for years.",
    basic_info=BasicInfo(age=51, occupation="baker", place="Ghent", relationships=("sister of Ann",)),
    dialogue_style=DialogueStyle(sentence_length="medium", quirks=("quotes proverbs",)),
)
WHO = "Odile Marchetti, baker (Ghent)"
ANSWER = (
    "I have done my best with the old oven. My sister Ann used to say that patience is half of the bread. "
    'There is a proverb for it: "Haste makes waste." '
)
WILD = st.text(max_size=120)


def talks(count: int, turns: int = 6) -> list[list[str]]:
    """What the person says over many talks, each up to its end."""
    said = []
    for n in range(count):
        asked, answered = [f"What is number {n} for?"], [ANSWER]
        while len(asked) < turns and (following := follow_up(WHO, asked, answered)) != END:
            asked.append(following)
            answered.append(talk_back(CARD, asked, answered))
        said.append(asked[1:])
    return said


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        pytest.param("Take the old oven and my trowel.", ["the old oven", "your trowel"], id="articles and my"),
        pytest.param("A hot potato is not a great one.", ["the hot potato"], id="an empty noun is left out"),
        pytest.param("The rest comes skipping after, my friend.", [], id="no noun phrase and an address"),
        pytest.param("The stitch nobody sees holds the coat together.", ["the stitch", "the coat"], id="a noun ends"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_things_are_noun_phrases_as_the_listener_says_them(answer: str, found: list[str]) -> None:
    """What cannot be judged by rule is left out."""
    assert things(answer) == found


def test_what_an_answer_offers_is_found() -> None:
    """A relative, a proverb, a few words to say back, and a job in an introduction."""
    assert kin(ANSWER) == ["your sister Ann"]
    assert kin("My friend, listen. My son, wait. My mother knew.") == ["your mother"]
    assert sayings(ANSWER) == ["haste makes waste"]
    assert quotes(ANSWER)[0] == "I have done my best with the old oven"
    assert not any("proverb" in quote for quote in quotes('He said: "Look, before you leap into it."'))
    assert (job_of(WHO), job_of("Ann"), job_of("Ann, Queen of Scots (Perth)")) == ("a baker", "", "")


def test_follow_ups_are_of_many_kinds_and_take_up_the_answer() -> None:
    """More than twelve kinds; a good share names something the character said; none has an empty slot."""
    assert len(grammar("dialogue").rules) >= 12
    said = [turn for talk in talks(150) for turn in talk]
    assert len(set(said)) > 0.5 * len(said)
    assert max(Counter(said).values()) < 0.04 * len(said)
    first = [talk[0] for talk in talks(150) if talk]
    taken_up = re.compile(r"oven|Ann\b|haste makes|done my best|baker|bread|proverb", re.IGNORECASE)
    assert sum(bool(taken_up.search(turn)) for turn in first) > 0.4 * len(first)
    assert not any(re.search(r"[{}\[\]|]|  | [?!,.]|\"\"", turn) for turn in said)


def test_every_kind_of_follow_up_is_said() -> None:
    """Over the turns of a talk the kinds come in an order of that talk, all of them, the first ones all different."""
    rules = grammar("dialogue")
    leading = [_kinds(rules, seeded("typist", "x"), turn)[0] for turn in range(1, 9)]
    assert len(set(leading)) == len(leading)
    assert set(_kinds(rules, seeded("typist", "x"), 1)) == set(rules.rules)


def test_every_kind_can_be_said_of_an_answer_with_everything_in_it() -> None:
    """No template asks for a slot that never comes."""
    slots = {
        "thing": "the oven",
        "quote": "so it goes",
        "saying": "haste makes waste",
        "kin": "your aunt",
        "job": "a cook",
    }
    for kind in grammar("dialogue").rules:
        assert grammar("dialogue").say(kind, seeded(kind), slots), kind


def test_a_talk_ends_with_rising_probability() -> None:
    """Few people leave after one answer, most after many."""

    def share(answers: int) -> float:
        ends = [follow_up(WHO, [f"q{n}"] * answers, [ANSWER] * answers) == END for n in range(300)]
        return sum(ends) / len(ends)

    shares = [share(answers) for answers in (1, 3, 6)]
    assert shares == sorted(shares)
    assert 0.05 < shares[0] < 0.2
    assert 0.6 < shares[2] < 0.85


def test_a_person_types_alike_throughout_a_talk() -> None:
    """Who opens in small letters goes on in small letters; habits differ between people."""
    assert typist_habit(WHO, ["hey, who are you"]) == "small"
    assert {typist_habit(WHO, [f"Who are you, {n}?"]) for n in range(30)} == {"small", "bare", "plain"}
    for talk in talks(60):
        capitals = {turn[0].isupper() for turn in talk if turn[0] != '"'}
        assert len(capitals) < 2


def test_the_character_does_not_say_the_same_again() -> None:
    """Asked the same thing eight times it has eight answers, and few sentences come back."""
    asked: list[str] = []
    answered: list[str] = []
    for _ in range(8):
        asked.append("Why do people argue?")
        answered.append(talk_back(CARD, asked, answered))
    assert not any(same_words(a, b) for at, a in enumerate(answered) for b in answered[:at])
    sentences = [s.strip() for answer in answered for s in re.findall(r"[^.!?]+", answer) if s.strip()]
    assert len(set(sentences)) > 0.85 * len(sentences)


def test_a_character_with_one_answer_still_says_it_in_other_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every wording is the same, what is added differs from answer to answer."""
    monkeypatch.setattr("castwright.generators.offline.dialogue.respond", lambda *_args, **_kwargs: "No.")
    answered: list[str] = []
    for turn in range(4):
        answered.append(talk_back(CARD, ["Well?"] * (turn + 1), answered))
    assert answered[0] == "No."
    assert not any(same_words(a, b) for at, a in enumerate(answered) for b in answered[:at])


def test_both_tasks_go_through_the_one_door() -> None:
    """The templates' sections reach the two sides, sums are still done, and a malformed card gets a plain answer."""
    turns = [{"by": "asker", "said": "What is 12 + 9?"}]
    answer = reply(load_prompt("dialogue_chat").messages(card=render_card(CARD), turns=turns))
    assert "21" in answer
    asked = [*turns, {"by": "character", "said": ANSWER}]
    prompt = load_prompt("dialogue_ask").messages(who=WHO, turns=asked)
    assert reply(prompt) == follow_up(WHO, ["What is 12 + 9?"], [ANSWER.strip()])
    assert len({reply(prompt, sample=n) for n in range(8)}) > 4
    assert reply(load_prompt("dialogue_chat").messages(card="Kind: none", turns=turns))


@settings(max_examples=60)
@given(who=WILD, asked=st.lists(WILD, max_size=4), answered=st.lists(WILD, max_size=4))
def test_wild_turns_never_break_either_side(who: str, asked: list[str], answered: list[str]) -> None:
    """Something is said, the same for the same turns, and the person does not repeat themself."""
    following = follow_up(who, asked, answered)
    assert following == follow_up(who, asked, answered)
    assert following.strip()
    assert following == END or not any(same_words(following, turn) for turn in asked if re.search(r"\w", turn))
    answer = talk_back(CARD, asked, answered)
    assert answer == talk_back(CARD, asked, answered)
    assert not any(same_words(answer, before) for before in answered if re.search(r"\w", before))
