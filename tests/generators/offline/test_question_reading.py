"""Reading a question: its kind, its topic in the answerer's words, and sums that can be done safely."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.generators.offline import english
from castwright.generators.offline.arithmetic import Quantities, Sum, solve
from castwright.generators.offline.grammar import Grammar, article, grammar
from castwright.generators.offline.register import thou
from castwright.generators.offline.topics import read_question
from castwright.generators.offline.voice import (
    find_stances,
    find_trade,
    kin_phrase,
    occupation_phrase,
    place_phrase,
)


@pytest.mark.parametrize(
    ("question", "kind", "topic"),
    [
        ("Why is the sky blue?", "why", "why the sky is blue"),
        ("Why do people find it hard to say no?", "why", "why people find it hard to say no"),
        ("How do I fix a leaking tap?", "how_to", "fixing a leaking tap"),
        ("What should I do about a friend who lies?", "advice", "a friend who lies"),
        ("What is your favourite season?", "opinion", "my favourite season"),
        ("Who taught you your trade?", "who", "who taught me my trade"),
        ("When did you last cry?", "when", "when I last cried"),
        ("Have you ever been in love?", "yes_no", "whether I have ever been in love"),
        ("How does a clock work?", "how", "how a clock works"),
        ("What are you most proud of?", "what", "what I am most proud of"),
        ("Can you explain photosynthesis?", "tell", "photosynthesis"),
        ("Should I quit my job to travel?", "advice", "quitting your job to travel"),
        ("Do you prefer tea or coffee?", "choice", "tea or coffee"),
        ("Good morning! How are you today?", "greeting", ""),
        ("My dog died yesterday.", "feeling", ""),
        ("Tell me a joke.", "joke", ""),
    ],
)
def test_kind_and_topic_are_read(question: str, kind: str, topic: str) -> None:
    """The topic stands after a preposition, with "you" turned to "I"."""
    asked = read_question(question)
    assert (asked.kind, asked.topic) == (kind, topic)


def test_what_the_asker_tells_is_said_back_to_them() -> None:
    """A feeling's claim is in the second person."""
    assert read_question("My dog died yesterday.").claim == "your dog died yesterday"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_reading_never_raises_and_gives_no_markup(question: str) -> None:
    """Whatever is asked, the parts are short and hold no tags."""
    for part in read_question(question).slots().values():
        assert len(part.split(" ")) <= 14
        assert not set(part) & set("<>{}[]|")


@pytest.mark.parametrize(
    ("question", "result"),
    [
        ("What is 12 * (3+4)?", "84"),
        ("what is 12 plus 7?", "19"),
        ("What is 15% of 80?", "12"),
        ("What is 20% of $45?", "$9"),
        ("How many minutes are in 3 hours?", "180 minutes"),
        ("How many seconds are there in 2 hours and 15 minutes?", "8100 seconds"),
        ("It's 25 degrees Celsius here. What's that in Fahrenheit?", "77 degrees Fahrenheit"),
        ("What comes next: 2, 6, 12, 20, 30, ...?", "42"),
        ("Tom has 5 apples and Ann has 7 apples. How many apples do they have altogether?", "12 apples"),
        ("Ann had 20 marbles. She gave 6 to Bob. How many marbles does she have left?", "14 marbles"),
        ("A book costs $12 each. Ann buys 4. How much does she pay in total?", "$48"),
    ],
)
def test_safe_sums_are_done(question: str, result: str) -> None:
    """One reading, one result."""
    solved = solve(question)
    assert isinstance(solved, Sum)
    assert solved.result == result


@pytest.mark.parametrize(
    "question",
    [
        "Ryan has 30 stickers. Steven has thrice as many. Terry has 20 more. How many stickers altogether?",
        "She walked 5 blocks and rode 20 blocks and came home the same way. How many blocks in all?",
        "He buys 2 coffees a day at $2 each. How much does he spend in April?",
        "A shepherd sells half her flock of 40 and then 10 more. How many are left?",
    ],
)
def test_unsure_sums_give_their_quantities_only(question: str) -> None:
    """Two quantities and a hidden step: no number is stated as a result."""
    assert not isinstance(solve(question), Sum)


def test_a_problem_without_a_rule_gives_its_quantities_in_order() -> None:
    """The quantities carry their units."""
    assert solve("I have 7 baskets with 12 eggs in each, and 9 are cracked. How many whole eggs?") == Quantities(
        ("7 baskets", "12 eggs", "9")
    )


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789+-*/(). what is%$", max_size=60))
def test_wild_sums_never_raise(text: str) -> None:
    """Broken expressions, division by nothing and towers of powers give no result."""
    assert solve(text) is None or isinstance(solve(text), (Sum, Quantities))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("my fear of you", "your fear of me"),
        ("what you want", "what I want"),
        ("makes you happy", "makes me happy"),
        ("I am tired", "you are tired"),
    ],
)
def test_perspective_is_turned(text: str, said: str) -> None:
    """ "You" becomes "I" or "me" by its place."""
    assert english.flip(text) == said


@pytest.mark.parametrize(
    ("word", "said"),
    [("run", "running"), ("make", "making"), ("lie", "lying"), ("be", "being"), ("see", "seeing")],
)
def test_gerunds_are_spelled_right(word: str, said: str) -> None:
    """Doubling, dropping and turning."""
    assert english.gerund(word) == said


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("hour", "an"),
        ("old inn", "an"),
        ("unicorn", "a"),
        ("union man", "a"),
        ("uncle", "an"),
        ("one-eyed cat", "a"),
        ("European", "a"),
        ("MP", "an"),
    ],
)
def test_articles_follow_the_sound(phrase: str, said: str) -> None:
    """An hour, a union, an uncle."""
    assert article(phrase) == said


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ("You are kind to your horse.", "Thou art kind to thy horse."),
        ("I ask you what you want.", "I ask thee what thou wantest."),
        ("Do you see it?", "Dost thou see it?"),
        ("Better than you think.", "Better than thou thinkest."),
    ],
)
def test_thou_is_inflected(plain: str, said: str) -> None:
    """Subject, object, possessive and verb ending."""
    assert thou(plain) == said


@pytest.mark.parametrize(
    ("relation", "said"),
    [
        ("friend of Horatio", "my friend Horatio"),
        ("husband of Sarah", "my wife Sarah"),
        ("sister and assistant of William Herschel", "William Herschel"),
        ("sister Ann", "my sister Ann"),
        ("Ann (sister)", "my sister Ann"),
        ("mother of two", ""),
        ("owner of an obstinate donkey", ""),
    ],
)
def test_relationships_become_people_one_can_name(relation: str, said: str) -> None:
    """From the character's side; what is not clear is left out."""
    assert kin_phrase(relation) == said


def test_occupations_places_trades_and_traits_are_read() -> None:
    """The parts of a card as parts of a sentence."""
    assert occupation_phrase("Retired bus driver, widower") == "retired bus driver"
    assert place_phrase("Leeds, England") == "in Leeds"
    assert place_phrase("aboard the Nautilus") == "aboard the Nautilus"
    trade = find_trade("night-shift nurse")
    assert trade is not None
    assert "nurse" in trade.match
    assert find_stances(("unforgiving of slights", "left-handed")) == ("blunt",)
    assert find_stances(("left-handed",)) == ("plain",)


def test_traits_and_stances_cover_the_brief() -> None:
    """At least 120 trait words on ten stances, each with its rules in the grammar."""
    from castwright.generators.offline.grammar import read_data

    traits = read_data("traits")
    words = [word for body in traits.values() for word in body.split()]
    assert len(traits) == 10
    assert len(words) >= 120
    assert len(words) == len(set(words))
    for stance in [*traits, "plain"]:
        for part in ("open", "lean", "close"):
            assert f"{part}.{stance}" in grammar("respond")
        assert f"before.{stance}" in grammar("restate")
        assert f"after.{stance}" in grammar("restate")


@pytest.mark.parametrize("line", ["[a|b", "a [b|[c]"])
def test_a_broken_template_is_refused(line: str) -> None:
    """Brackets must match, so a slip in the data shows at once."""
    with pytest.raises(ValueError, match=r"unclosed|unbalanced"):
        Grammar({"rule": line})


@pytest.mark.parametrize("name", ["respond", "quirks", "restate", "reject", "plain"])
def test_every_rule_that_templates_refer_to_can_be_said_without_slots(name: str) -> None:
    """A rule named inside another one never comes out empty."""
    from castwright.generators.offline.grammar import references

    rules = grammar(name).rules
    named = {
        ref
        for templates in rules.values()
        for template in templates
        for ref in references(template.parts)
        if ref in rules
    }
    for rule in named - {"low_life"}:
        assert any(not template.needs for template in rules[rule]), rule


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ('What does "to burn the candle at both ends" mean?', 'what "to burn the candle at both ends" means'),
        ("What was carried along the old Silk Road?", "what was carried along the old Silk Road"),
        ("What were moats really for?", "moats"),
        (
            "How do you trust people again after someone's let you down?",
            "trusting people again after someone has let you down",
        ),
    ],
)
def test_odd_wordings_still_give_a_topic_that_can_be_said(question: str, topic: str) -> None:
    """Quoted phrases, passives, trailing prepositions and a general "you"."""
    assert read_question(question).topic == topic
