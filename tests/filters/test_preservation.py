"""The gate behind the style rewriter: what a rewrite may change and what not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.filters.garbled import garbled_word, looping_words
from castwright.filters.preservation import lost_content, preservation_verdict

SAME = [
    pytest.param("I have 12 cats.", "i've got twelve cats", id="a number in words"),
    pytest.param("It costs 1,000 dollars.", "it's $1000", id="currency as sign and word"),
    pytest.param("It is 5 percent.", "it's 5%", id="percent as sign and word"),
    pytest.param("I would like one cup.", "i'd like a cup", id="one is no quantity"),
    pytest.param("Bring 1 cup.", "bring one cup", id="one in digits and letters"),
    pytest.param("It begins at 7:30 p.m.", "it starts at 7:30pm", id="times"),
    pytest.param("I do not know.", "i don't know", id="a contracted negation"),
    pytest.param("I do not know.", "idk", id="a negation inside an abbreviation"),
    pytest.param("I cannot go.", "i cant go", id="a negation without its apostrophe"),
    pytest.param("I am unable to come.", "i can't come", id="unable is cannot"),
    pytest.param("No, I have not.", "nope, i haven't", id="a plain no"),
    pytest.param("It is neither hot nor cold.", "it's not hot or cold", id="neither and nor are one negation"),
    pytest.param("No, that is fine.", "nooo that's fine", id="a drawn-out no"),
    pytest.param("We saw Ada in Leeds.", "we saw ada in leeds", id="names in lower case"),
    pytest.param("We met on Friday.", "we met on fri", id="a clipped day"),
    pytest.param("It is on the BBC.", "it's on the bbc", id="an acronym in lower case"),
    pytest.param("We saw Ada's dog.", "saw ada's dog, we did", id="a name's possessive"),
    pytest.param("OK, I agree.", "sure, i agree", id="OK is no acronym"),
    pytest.param("What do you think?", "what do you think", id="a question without its mark"),
    pytest.param("Do you like it?", "so do you like it", id="an inverted question without its mark"),
    pytest.param("How did it go?", "how'd it go", id="a question word with a clitic"),
    pytest.param("See https://a.org/x?y=1.", "check https://a.org/x?y=1", id="the same link"),
    pytest.param("Write to a@b.org, please.", "just write to a@b.org", id="the same address"),
    pytest.param("You should run `make x`.", "just run `make x`", id="the same code"),
    pytest.param("That is very pleasant.", "that's sooo nice", id="a drawn-out word"),
    pytest.param("I had planned it.", "i planned it", id="another form of a word"),
    pytest.param("The information is there.", "the info's there", id="a clipped word"),
    pytest.param("It is certainly possible.", "yeah it's possible", id="new common words"),
    pytest.param("That was amusing.", "that was funny lol", id="slang"),
    pytest.param("Yes.", "yeah for sure", id="a short text may grow by a few words"),
    pytest.param("I think that that is fine.", "think that that's fine", id="that that"),
    pytest.param("I told you you would win.", "told you you'd win", id="a doubled word of the source"),
    pytest.param("It is “fine”.", 'it\'s "fine"', id="curly quotes"),
]

LOST = [
    pytest.param("I have 12 cats.", "i've got cats", "number lost: 12", id="a lost number"),
    pytest.param("I have twelve cats.", "i've got 13 cats", "number lost: 12", id="a changed number in words"),
    pytest.param("I have some cats.", "i've got 13 cats", "number invented: 13", id="an invented number"),
    pytest.param("It is 3.5 km.", "it's 35 km", "number lost: 3.5", id="a lost decimal point"),
    pytest.param("It is 5% more.", "it's 5 more", "unit % lost", id="a lost percent"),
    pytest.param("It costs $5.", "it's 5 quid", "unit $ lost", id="a changed currency"),
    pytest.param("Come at 7:30.", "come at 7:00", "number lost: 30", id="a changed time"),
    pytest.param("Come at 7 am.", "come at 7 pm", "time of day", id="morning for evening"),
    pytest.param("Two men and two dogs.", "two men and dogs", "number lost: 2", id="one of two equal numbers"),
    pytest.param("I do not like it.", "i like it", "negation lost", id="a lost negation"),
    pytest.param("I like it.", "i don't like it", "negation invented", id="an invented negation"),
    pytest.param("I have never been.", "i've been", "negation lost", id="a lost never"),
    pytest.param("Nobody came.", "somebody came", "negation lost", id="a lost nobody"),
    pytest.param("It is fine without you.", "it's fine with you", "negation lost", id="a lost without"),
    pytest.param("We saw Ada in Leeds.", "we saw her in leeds", "name lost: Ada", id="a lost name"),
    pytest.param("We saw Ada.", "we saw Bob, ada", "name invented: Bob", id="an invented name"),
    pytest.param("It is on the BBC.", "it's on tv", "name lost: BBC", id="a lost acronym"),
    pytest.param("NASA did it.", "they did it", "name lost: NASA", id="an acronym at the start"),
    pytest.param("What do you think?", "i think so", "question lost", id="a lost question"),
    pytest.param("I think so.", "you think so?", "question invented", id="an invented question"),
    pytest.param("Who? Why?", "why", "question lost", id="one of two questions"),
    pytest.param("See https://a.org/x.", "see https://a.org/y", "link lost", id="a changed link"),
    pytest.param("See that page.", "see www.a.org", "link invented", id="an invented link"),
    pytest.param("Write to a@b.org.", "write to me", "address lost", id="a lost address"),
    pytest.param("Run `make x` now.", "run `make y` now", "code lost", id="changed code"),
    pytest.param("Use ```a\nb``` here.", "use it here", "code lost", id="lost fenced code"),
    pytest.param("I am here.", "", "empty", id="nothing left"),
    pytest.param("I am here.", " \n", "empty", id="only white space left"),
    pytest.param(
        "We walked along the river and then we had a long lunch at the old mill.",
        "we walked",
        "cut short",
        id="cut short",
    ),
    pytest.param("I am here.", "i am here and the dog and the cat and the bird too", "run on", id="run on"),
    pytest.param("It was good.", "it was it was it was good", "repeats itself: it was", id="a loop of two words"),
    pytest.param(
        "I am so fond of the long walk.", "i'm fond of the long walk of the long walk", "repeats", id="a loop"
    ),
    pytest.param(
        "Tell me where you are.", "tell me where you're.", "cannot stand", id="a contraction at the end of a clause"
    ),
    pytest.param("I know what it is, too.", "i know what it's, too", "cannot stand", id="a contraction before a comma"),
    pytest.param("He sees is to believe.", "he sees's to believe", "cannot stand", id="a contraction on a word in s"),
    pytest.param("Among the shelves it is quiet.", "among among the shelves it's quiet", "stutters", id="a stutter"),
    pytest.param("I am a librarian.", "i'm a libarian", "garbled: libarian", id="a misspelt word"),
    pytest.param("I can recommend it.", "i can recommen it", "garbled: recommen", id="a cut-off word"),
    pytest.param("It is fine.", "it's fkrtplm", "garbled: fkrtplm", id="a word that cannot be said"),
]


@pytest.mark.parametrize(("before", "after"), SAME)
def test_a_rewrite_that_says_the_same_loses_nothing(before: str, after: str) -> None:
    """Casual forms of the same content pass."""
    assert lost_content(before, after) is None


@pytest.mark.parametrize(("before", "after", "reason"), LOST)
def test_a_rewrite_that_changes_the_content_says_what_it_lost(before: str, after: str, reason: str) -> None:
    """The reason names what was lost, invented or broken."""
    found = lost_content(before, after)
    assert found is not None
    assert reason in found


def test_a_vocabulary_makes_every_other_new_word_garbled() -> None:
    """With the rewriter's vocabulary at hand, a plausible word from nowhere is refused too."""
    assert lost_content("It is pleasant.", "it's blorping") is None
    assert lost_content("It is pleasant.", "it's blorping", vocabulary={"nice"}) == "garbled: blorping"
    assert lost_content("It is pleasant.", "it's nicer", vocabulary={"nice"}) is None


def test_similarity_is_the_last_word() -> None:
    """A rewrite that loses nothing by rule still needs to be close enough."""
    assert preservation_verdict("It is late.", "it's late now", 0.9).accepted
    refused = preservation_verdict("It is late.", "it's late now", 0.6)
    assert (refused.accepted, refused.reason, refused.score) == (
        False,
        "similarity 0.60, less than 0.75",
        0.6,
    )
    assert preservation_verdict("It is late.", "it's late now", 0.6, min_similarity=0.5).accepted


def test_a_similarity_that_is_no_number_refuses() -> None:
    """A broken embedding accepts nothing."""
    assert not preservation_verdict("It is late.", "it's late now", float("nan")).accepted


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("It is late.", "It is late.", id="the same text"),
        pytest.param("It is late.", "it is late", id="only capitals and marks"),
        pytest.param("It isn’t late.", "it isn't  late", id="only apostrophes and spaces"),
    ],
)
def test_a_copy_is_no_rewrite(before: str, after: str) -> None:
    """What differs in nothing but its dress is unchanged, whatever its similarity."""
    verdict = preservation_verdict(before, after, 1.0)
    assert (verdict.accepted, verdict.reason) == (False, "unchanged")


def test_an_accepted_rewrite_has_no_reason() -> None:
    """The reason is empty and the score is the similarity."""
    verdict = preservation_verdict("I am here.", "i'm here", 0.97)
    assert (verdict.accepted, verdict.reason, verdict.score) == (True, "", 0.97)


def test_emphasis_is_no_loop() -> None:
    """People say some words twice."""
    assert looping_words("It is good.", "it's very very good") is None
    assert looping_words("It was, it was, it was.", "it was it was it was") is None


def test_a_correction_of_a_common_word_is_not_garbled() -> None:
    """A common word is never damage, even where it replaces its own misspelling."""
    assert garbled_word("definately yes", "definitely yes") is None


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(max_size=300))
def test_a_copy_loses_nothing(text: str) -> None:
    """The identity passes for any text."""
    assert lost_content(text, text) is None


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(max_size=200), st.text(max_size=200), st.floats())
def test_any_two_texts_get_a_verdict(before: str, after: str, similarity: float) -> None:
    """No pair of texts raises, and refusals always have a reason."""
    verdict = preservation_verdict(before, after, similarity)
    assert verdict.accepted == (verdict.reason == "")


WORDS = st.lists(
    st.sampled_from(
        [
            "I",
            "do",
            "not",
            "like",
            "12",
            "Ada's",
            "cats?",
            "It's",
            "5%",
            "`x`",
            "at",
            "7:30",
            "pm,",
            "no!",
            "`",
        ]
    ),
    max_size=14,
)


@settings(deadline=None)  # a busy machine is no failure
@given(WORDS, WORDS)
def test_texts_of_hard_words_get_a_verdict(before: list[str], after: list[str]) -> None:
    """Shuffled numbers, names, marks and code never raise either."""
    found = lost_content(" ".join(before), " ".join(after))
    assert found is None or found
