"""The style of real lines: what is counted is what a reader would count, and every value shows its line."""

from __future__ import annotations

from collections import Counter
from math import log, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.personas.card import DialogueStyle
from castwright.personas.catchphrases import PhraseIndex, find_catchphrases
from castwright.personas.evidence import Evidence, unfounded
from castwright.personas.favourite_words import favourite_words, log_odds
from castwright.personas.speech_register import speech_register
from castwright.personas.speech_style import Company, describe_style, speech_style, style_evidence, style_facts
from castwright.personas.speech_words import clauses_of, is_contraction, sentences_of, words_of
from castwright.personas.spoken_line import SpokenLine, spoken_line

MISER = (
    "Bah! Who leaves a candle burning in an empty room?",
    "A penny saved, mark my words, is a penny that nobody steals.",
    "You want a rise? Mark my words, you'll want coal next!",
    "I gave you a penny in March. Where's that penny now?",
    "Coal! Always coal! Do I look as if I were made of coal?",
    "Mark my words, the penny you give away never comes home.",
)
CLERK = (
    "The ledger is finished, and the letters are on your desk.",
    "It's cold in here. My fingers can't hold the pen.",
    "I only ask for one day with my children.",
    "The office is quiet in the evening.",
)


def said(*texts: str, name: str = "play.txt") -> list[SpokenLine]:
    return [SpokenLine(text, text, f"{name}:{number}") for number, text in enumerate(texts, start=1)]


def test_lengths_and_shares_are_what_a_reader_counts() -> None:
    """Three sentences of two, three and four words, one of them a question and one an exclamation."""
    style = speech_style(said("Come here. Who are you?", "I don't know you!"))
    assert (style.lines, style.words, style.sentences) == (2, 9, 3)
    assert style.sentence_mean == 3
    assert style.sentence_spread == pytest.approx((2 / 3) ** 0.5)
    assert style.contractions == pytest.approx(1 / 9)
    assert style.questions == pytest.approx(1 / 3)
    assert style.exclamations == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Mr. Hale is out. Come in.", ["Mr. Hale is out.", "Come in."]),
        ("What?! No... Yes.", ["What?!", "No...", "Yes."]),
        ('He said "go." I went', ['He said "go."', "I went"]),
        ("I paid 3.50 for it.", ["I paid 3.50 for it."]),
        ("J. B. Hale wrote it.", ["J. B. Hale wrote it."]),
        ("... !", []),
    ],
    ids=["a title", "several marks", "a quote's end", "a number", "initials", "no words"],
)
def test_sentences_end_where_a_reader_ends_them(text: str, sentences: list[str]) -> None:
    """Titles, initials and numbers end none."""
    assert sentences_of(text) == sentences


@pytest.mark.parametrize("word", ["don't", "I'm", "she'll", "that’s", "gonna"])
def test_a_contraction_is_one_with_either_apostrophe(word: str) -> None:
    """Straight, curly and written out."""
    assert is_contraction(words_of(word)[0])


@pytest.mark.parametrize("word", ["Hale's", "o'clock", "cannot", "won"])
def test_a_possessive_is_no_contraction(word: str) -> None:
    """Nor is a word that merely has an apostrophe or its letters."""
    assert not is_contraction(words_of(word)[0])


def test_favourite_words_are_those_the_others_do_not_say() -> None:
    """The miser's penny and coal, not the words that both use."""
    company = Company(tuple(said(*MISER) + said(*CLERK) * 6))
    style = speech_style(company.lines[: len(MISER)], company)
    assert [item.word for item in style.favourite_words][:2] == ["penny", "coal"]
    assert all(item.z >= 1.96 for item in style.favourite_words)
    assert style.favourite_words[0].uses == 5


def test_without_others_the_most_used_content_words_count() -> None:
    """They are marked as not compared."""
    own = Counter({"penny": 5, "coal": 4, "the": 30, "once": 1})
    assert [(item.word, item.z) for item in favourite_words(own, own)] == [("penny", 0.0), ("coal", 0.0)]


def test_log_odds_is_the_published_formula() -> None:
    """One word worked out by hand: Monroe et al. 2008, equations 16 and 22."""
    own, everyone = {"sea": 8, "land": 2}, {"sea": 10, "land": 10}
    prior = 1.0  # the prior is a tenth of 20 words, and "sea" is half of them
    odds, other = (8 + prior) / (12 - 8 - prior), (2 + prior) / (12 - 2 - prior)
    expected = (log(odds) - log(other)) / sqrt(1 / (8 + prior) + 1 / (2 + prior))
    assert log_odds(own, everyone, words={"sea": 8})["sea"] == pytest.approx(expected)


def test_a_word_said_as_often_by_all_is_nobodys_favourite() -> None:
    """Equal shares give a z-score of nothing."""
    assert log_odds({"sea": 5, "land": 5}, {"sea": 10, "land": 10}, words={"sea": 5})["sea"] == pytest.approx(0)


def test_a_catchphrase_stands_in_several_lines() -> None:
    """As it is written in the first, with that line."""
    style = speech_style(said(*MISER))
    assert [(phrase, line.place) for phrase, line in style.catchphrases] == [("mark my words", "play.txt:2")]


def test_what_everybody_says_is_no_catchphrase() -> None:
    """The same phrase from the others, as often, takes it away."""
    lines = [clauses_of(text) for text in MISER]
    assert [phrase.words for phrase in find_catchphrases(lines)] == [("mark", "my", "words")]
    assert find_catchphrases(lines, PhraseIndex([*lines, *lines])) == ()
    assert find_catchphrases(lines, PhraseIndex([*lines, *map(clauses_of, CLERK)])) == find_catchphrases(lines)


def test_one_speech_with_a_refrain_has_no_catchphrase() -> None:
    """A phrase counts once for each line."""
    assert find_catchphrases([clauses_of("Never again, never again, never again, I said."), clauses_of("Good.")]) == ()


REGISTERS = {
    "archaic": "I pray thee, come hither; thou hast a kind face, and thy hand is cold.",
    "casual": "Yeah, I'm gonna tell him. He don't know, kid, and that's okay.",
    "formal": "I shall be obliged to you, sir, if you would kindly permit me to remain.",
    "neutral": "The boat leaves at six and the water is calm.",
}


@pytest.mark.parametrize(("register", "text"), REGISTERS.items(), ids=REGISTERS)
def test_the_register_follows_from_words(register: str, text: str) -> None:
    """One sentence of each kind."""
    assert speech_register(Counter(words_of(text))) == register


def test_too_few_words_say_nothing_of_register_or_length() -> None:
    """Fields that are not known are left for the model."""
    style = speech_style(said("Come hither, thou knave.", "Get thee gone."))
    assert style.register is None
    assert set(style_facts(style)) == {"example_lines"}


def test_facts_fit_the_card_and_each_has_evidence_in_the_lines() -> None:
    """The dialogue style validates, and the quote of every value stands in the source."""
    lines = said(*MISER)
    style = speech_style(lines, Company(tuple(lines + said(*CLERK) * 6)))
    facts = style_facts(style)
    DialogueStyle.model_validate(facts["dialogue_style"])
    evidence = style_evidence(style, lines)
    shown = {(item.field, item.value) for item in evidence}
    for field, value in facts["dialogue_style"].items():
        for one in value if isinstance(value, list) else [value]:
            assert (f"dialogue_style.{field}", one) in shown
    assert {("example_lines", line) for line in facts["example_lines"]} <= shown
    assert unfounded(evidence, "\n".join(MISER)) == []
    assert "penny" in describe_style(style)


def test_evidence_that_is_not_in_the_source_is_found_out() -> None:
    """The check itself works; folded white space and curly quotes do not count."""
    good = Evidence("name", "Ann", "It's Ann, who came", "a.txt:1")
    bad = Evidence("name", "Bob", "It is Bob", "a.txt:1")
    empty = Evidence("name", "", " ", "a.txt:1")
    assert unfounded([good, bad, empty], "It’s  Ann, who\ncame home.") == [bad, empty]


def test_examples_are_unlike_each_other_and_the_same_every_time() -> None:
    """A line said twice is shown once, and the seed alone breaks ties."""
    lines = said(*MISER, *MISER)
    chosen = speech_style(lines, seed=3).example_lines
    assert len({line.text for line in chosen}) == len(chosen) == 5
    assert chosen == speech_style(lines, seed=3).example_lines


def test_a_line_in_pieces_quotes_its_longest_piece() -> None:
    """The text is what was said; the quote is what stands in the source."""
    assert spoken_line(["Oh,", " my  good\nman, ", ""], "a:1") == SpokenLine("Oh, my good man,", "my good man,", "a:1")
    assert spoken_line(["...", "- 4"], "a:1") is None


@given(st.lists(st.text(max_size=80), max_size=12), st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_any_lines_have_a_style(texts: list[str], seed: int) -> None:
    """Shares stay shares, facts fit the card, and evidence is found in the lines."""
    lines = [line for number, text in enumerate(texts) if (line := spoken_line([text], f"t:{number}"))]
    style = speech_style(lines, Company(tuple(lines)), seed=seed)
    assert 0 <= style.contractions <= 1
    assert 0 <= style.questions <= 1
    assert 0 <= style.exclamations <= 1
    facts = style_facts(style)
    DialogueStyle.model_validate(facts.get("dialogue_style", {}))
    assert unfounded(style_evidence(style, lines), "\n".join(texts)) == []
