"""What breaks character, and what only looks so."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.errors import RecipeError
from castwright.filters.out_of_character import RULES, Speaker, find_out_of_character, out_of_character

PAINTER = Speaker(name="Lucia Bandini", modern=False, era="1490s", register="formal", occupation="painter")
CLERK = Speaker(name="Arthur Pym", modern=False, era="Victorian London", register="formal", occupation="clerk")
MONK = Speaker(name="Brother Anselm", modern=False, era="12th century", register="archaic", occupation="monk")
NURSE = Speaker(name="Dana Kirk", modern=True, era="2010s", register="casual", occupation="nurse")
OPERATOR = Speaker(name="Mabel Crane", modern=False, era="1920s", register="neutral", occupation="telephone operator")
ROBOT = Speaker(name="Unit Seven", modern=True, era="far future", register="neutral", occupation="ship's robot")
MARK = Speaker(name="Mark", modern=True, register="casual", occupation="driver")
SIGHER = Speaker(
    name="Rosa Vane", modern=True, register="casual", quirks="starts with a sigh | laughs at their own jokes"
)
THIRD = Speaker(name="Ugo", modern=False, era="medieval", quirks="speaks of themself in the third person")

BREAKS = {
    "telephone in 1490": (PAINTER, "I would send word by telephone.", "anachronism"),
    "photograph in 1490": (PAINTER, "A photograph could not catch that light.", "anachronism"),
    "internet under Victoria": (CLERK, "I read it on the internet this morning.", "anachronism"),
    "television under Victoria": (CLERK, "My evenings are given to television.", "anachronism"),
    "potatoes for a monk": (MONK, "We eat potatoes and pray.", "anachronism"),
    "smartphones in the plural": (OPERATOR, "They all stare at smartphones.", "anachronism"),
    "an AI": (NURSE, "As an AI, I do not sleep, but eight hours is good.", "role_talk"),
    "a language model": (NURSE, "I am a language model and do not eat.", "role_talk"),
    "its card": (NURSE, "According to my character card, I like tea.", "role_talk"),
    "staying in character": (CLERK, "Staying in character, I would say the train is late.", "role_talk"),
    "role-playing": (NURSE, "Since we are role-playing this scenario, I take your pulse.", "role_talk"),
    "as whom it plays": (PAINTER, "As Lucia Bandini, I mix my own colours.", "role_talk"),
    "in the voice of": (PAINTER, "Here it is in the voice of Lucia Bandini: blue is dear.", "role_talk"),
    "introduces its reply": (CLERK, "Here is my response as a clerk. The sum is 12.", "role_talk"),
    "stars with a gesture": (NURSE, "*smiles warmly* Take two of these.", "stage_direction"),
    "a bare gesture": (NURSE, "Take two of these. *nods*", "stage_direction"),
    "an adverb first": (CLERK, "*slowly adjusts his spectacles* The sum is 12.", "stage_direction"),
    "brackets": (NURSE, "[laughs] Take two of these.", "stage_direction"),
    "round brackets": (NURSE, "(sighs) Take two of these.", "stage_direction"),
    "underscores": (NURSE, "_leans closer_ Take two of these.", "stage_direction"),
    "full name as prefix": (PAINTER, "Lucia Bandini: Blue is dear.", "name_prefix"),
    "first name as prefix": (PAINTER, "Lucia: Blue is dear.", "name_prefix"),
    "bold name as prefix": (PAINTER, "**Lucia:** Blue is dear.", "name_prefix"),
    "assistant as prefix": (NURSE, "Assistant: Take two of these.", "name_prefix"),
    "lol from a clerk": (CLERK, "The sum is 12, lol.", "register"),
    "dude from a monk": (MONK, "Pray, dude, and be at peace.", "register"),
    "two soft words from a clerk": (CLERK, "Yeah, I am gonna write it down.", "register"),
    "emoji from a painter": (PAINTER, "Blue is dear \U0001f602", "register"),
    "no worries from a painter": (PAINTER, "No worries, blue is dear.", "register"),
    "third person by full name": (PAINTER, "Lucia Bandini thinks blue is dear.", "third_person"),
    "third person by first name": (PAINTER, "Blue is dear. Lucia would never waste it.", "third_person"),
    "third person by title and name": (MONK, "Brother Anselm believes in bread.", "third_person"),
}

KEPT = {
    "telephone in 1925": (OPERATOR, "I put the telephone call through."),
    "internet today": (NURSE, "I read it on the internet."),
    "quoted by the speaker": (PAINTER, "What is this 'telephone' of which you speak?"),
    "asked about": (
        Speaker(name="Lucia", modern=False, era="1490s", question="Do you own a telephone?"),
        "I own no telephone, nor know what it is.",
    ),
    "train of thought": (MONK, "You broke my train of thought."),
    "a coach and a plane": (PAINTER, "I draw the picture plane first, then the coach."),
    "web and mouse": (MONK, "A mouse ran through the spider's web in the cell."),
    "fantasy has its own rules": (
        Speaker(name="Ael", modern=False, era="medieval fantasy"),
        "The potato soup is ready.",
    ),
    "potatoes in 1590s": (Speaker(name="Tom", modern=False, era="1590s"), "The potato is a strange root."),
    "phone inside another word": (CLERK, "The saxophonist played a symphony."),
    "a robot says it is one": (ROBOT, "I am an AI, and the airlock is open."),
    "an AI researcher": (NURSE, "My sister is here as an AI researcher."),
    "plays a character on stage": (CLERK, "At school I played the character of Brutus."),
    "her character is good": (NURSE, "Her character is kind."),
    "as queen": (Speaker(name="Anne", modern=False), "As queen, I sign where I please."),
    "emphasis by stars": (NURSE, "That is *really* important, and it is *always* so."),
    "a list with stars": (NURSE, "* rest\n* water\n* one tablet"),
    "an aside in brackets": (NURSE, "Take two (with food) and rest (a day or so)."),
    "multiplication by stars": (CLERK, "2*3*4 makes 24."),
    "a quirk of sighing": (SIGHER, "(sighs) Fine, it is 12. *laughs* Twelve!"),
    "a colon after another word": (PAINTER, "Listen: blue is dear."),
    "the name later in the text": (PAINTER, "They wrote on the door Lucia: painter of saints."),
    "answer with a colon": (CLERK, "Answer: 12."),
    "slang today": (NURSE, "lol, dude, take two of these, no worries"),
    "one soft word": (CLERK, "Yeah, the sum is 12."),
    "cool weather": (CLERK, "The evening is cool."),
    "the speaker introduces herself": (PAINTER, "My name is Lucia Bandini, and I am Lucia to friends."),
    "the name as a name": (PAINTER, "Lucia is what they call me."),
    "the name in a quotation": (PAINTER, 'My mother says, "Lucia is stubborn."'),
    "a name that is a word": (MARK, "Mark has two meanings in this town."),
    "a quirk of the third person": (THIRD, "Ugo thinks bread is good."),
    "somebody else in the third person": (PAINTER, "Marco thinks blue is dear."),
}


@pytest.mark.parametrize(("speaker", "text", "rule"), BREAKS.values(), ids=BREAKS.keys())
def test_a_break_of_character_is_found(speaker: Speaker, text: str, rule: str) -> None:
    """The rule that should notice does, with strength enough to drop."""
    found = [finding for finding in find_out_of_character(text, speaker) if finding.rule == rule]
    assert found
    assert found[0].strength >= 0.5


@pytest.mark.parametrize(("speaker", "text"), KEPT.values(), ids=KEPT.keys())
def test_what_fits_the_speaker_is_kept(speaker: Speaker, text: str) -> None:
    """No rule reaches the threshold."""
    assert [finding for finding in find_out_of_character(text, speaker) if finding.strength >= 0.5] == []


def test_the_reason_says_what_and_why() -> None:
    """An anachronism is named with its year and the speaker's era."""
    frame = pl.DataFrame(
        {
            "response": ["I will telephone you."],
            "name": ["Lucia"],
            "era": ["1490s"],
            "modern": [False],
            "register": ["neutral"],
        }
    )
    judged = out_of_character(frame)
    assert judged["reason"].to_list() == ["mentions 'telephone' (1876) but lives in 1490s"]
    assert judged["score"].to_list() == [0.9]


def test_missing_columns_switch_off_the_rules_that_need_them() -> None:
    """With a response alone, only talk of being an AI, stage directions and role prefixes are seen."""
    frame = pl.DataFrame({"response": ["I will telephone you, dude.", "*nods* Yes."]})
    assert out_of_character(frame)["keep"].to_list() == [True, False]


def test_quirks_may_come_as_a_list() -> None:
    """A list column reads like its joined text."""
    frame = pl.DataFrame(
        {
            "response": ["Ugo thinks so."],
            "name": ["Ugo"],
            "quirks": [["speaks of themself in the third person"]],
        }
    )
    assert out_of_character(frame)["keep"].to_list() == [True]


def test_rules_can_be_chosen() -> None:
    """Only the rules named in the recipe run."""
    frame = pl.DataFrame({"response": ["*nods* As an AI, yes."]})
    assert out_of_character(frame, rules=["third_person"])["keep"].to_list() == [True]


def test_an_unknown_rule_is_a_user_error() -> None:
    """The message names the nearest rule."""
    with pytest.raises(RecipeError, match="did you mean 'anachronism'"):
        out_of_character(pl.DataFrame({"response": ["x"]}), rules=["anachronisms"])


@given(
    st.text(max_size=200),
    st.builds(Speaker, name=st.text(max_size=20), era=st.text(max_size=20), register=st.sampled_from(["", "formal"])),
)
def test_any_text_of_any_speaker_is_judged(text: str, speaker: Speaker) -> None:
    """Wild names and texts never raise, and every finding is of a known rule."""
    for finding in find_out_of_character(text, speaker):
        assert finding.rule in RULES
        assert 0.0 < finding.strength <= 1.0
