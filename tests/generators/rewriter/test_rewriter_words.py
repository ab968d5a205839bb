"""Words and sentences of running text, and back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.generators.rewriter.words import is_kept_apart, join_words, split_sentences, split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("I don't.", ["I", "do", "n't", "."], id="a negation's clitic is a word"),
        pytest.param("Sam's can't", ["Sam", "'s", "ca", "n't"], id="a possessive is a word"),
        pytest.param("it’s late", ["it", "'s", "late"], id="a curly apostrophe is straightened"),
        pytest.param("at 7:30pm, 3.5%", ["at", "7:30pm", ",", "3.5%"], id="numbers stay whole"),
        pytest.param("see https://a.org/b?c=1.", ["see", "https://a.org/b?c=1", "."], id="a link stays whole"),
        pytest.param("write to a.b@c.org!", ["write", "to", "a.b@c.org", "!"], id="an address stays whole"),
        pytest.param("run `a = 1` now", ["run", "`a = 1`", "now"], id="code stays whole"),
        pytest.param("state-of-the-art", ["state-of-the-art"], id="hyphens join"),
        pytest.param("Mr. Bell left...", ["Mr.", "Bell", "left", "..."], id="titles keep their stop"),
        pytest.param("well?! no", ["well", "?!", "no"], id="marks stay together"),
    ],
)
def test_text_is_cut_into_words(text: str, words: list[str]) -> None:
    """Words, clitics and marks come out in order."""
    assert split_words(text) == words


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("I don't think Sam's dog won't eat it, at 7:30pm (see https://a.b/c).", id="clitics and link"),
        pytest.param('He said "well, it\'s late" and left... Really?!', id="quotation"),
        pytest.param("It costs $5, i.e. 50% of 1,000 - no more; right?", id="amounts"),
        pytest.param("café, naïve and Zoë's", id="accents"),
    ],
)
def test_ordinary_prose_comes_back_from_its_words(text: str) -> None:
    """Joining the words of ordinary prose gives the prose."""
    assert join_words(split_words(text)) == text


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        pytest.param("One. Two? Three!", ["One.", "Two?", "Three!"], id="stops"),
        pytest.param("Mr. Bell is here. He sat.", ["Mr. Bell is here.", "He sat."], id="titles do not end one"),
        pytest.param("First line\nsecond line", ["First line", "second line"], id="lines"),
        pytest.param("Look:\n```\na. b\n```\nDone.", ["Look:", "Done."], id="fenced code is a gap"),
        pytest.param('He said "go." Then he went.', ['He said "go."', "Then he went."], id="quoted stops"),
        pytest.param("It is 3.5 km. Walk.", ["It is 3.5 km.", "Walk."], id="decimals do not end one"),
    ],
)
def test_text_is_cut_into_sentences(text: str, sentences: list[str]) -> None:
    """Sentences stand at the even places, gaps between them."""
    assert [part for part in split_sentences(text)[::2] if part] == sentences


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(max_size=200))
def test_sentences_and_gaps_are_the_text(text: str) -> None:
    """Nothing is lost by cutting any text into sentences."""
    parts = split_sentences(text)
    assert "".join(parts) == text
    assert len(parts) % 2 == 1


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(max_size=200))
def test_words_lose_only_white_space(text: str) -> None:
    """Every character of any text but its white space stands in one of its words."""
    from castwright.generators.rewriter.words import straighten

    joined = "".join("".join(split_words(text)).split())
    assert joined == "".join(straighten(text).split())


@pytest.mark.parametrize("word", ["3", "21st", "a@b.org", "`x`", "http://a.b"])
def test_numbers_links_and_code_are_kept_apart(word: str) -> None:
    """What must never be changed is told from words."""
    assert is_kept_apart(word)
    assert not is_kept_apart("twenty")
