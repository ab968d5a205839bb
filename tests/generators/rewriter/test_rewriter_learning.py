"""What is learned from the pairs before any training: words, attested edits, more pairs."""

from __future__ import annotations

import pytest

from castwright.generators.rewriter.attested import Attested, learn_attested
from castwright.generators.rewriter.augment import align, augmented, plain_example
from castwright.generators.rewriter.formats import MaskedFormat
from castwright.generators.rewriter.protect import MAX_SLOTS, Masked, mask
from castwright.generators.rewriter.tokenizer import build_tokenizer, enough_to_learn, learn_vocabulary

SENTENCES = [
    ("I am not certain about Paris.", "I'm not sure about Paris"),
    ("It is certainly a film about Leeds.", "yeah it's a film about Leeds."),
    ("You are late.", "late"),
    ("She would like tea, and he would not.", "she'd like tea, he wouldn't"),
] + [("It is the bread.", "it's the bread")] * 8
VOCABULARY = learn_vocabulary(SENTENCES)
STYLE = MaskedFormat(VOCABULARY, learn_attested(SENTENCES, VOCABULARY), 16)


def allows(source: str, words: str, first: str = "Paris") -> bool:
    return STYLE.attested.allows(Masked(tuple(source.split()), {"<0>": first, "<1>": "Leeds"}), words.split())


def test_words_of_edits_and_frequent_words_are_learned() -> None:
    """A rare word that no edit touches stays out, so that it is masked."""
    assert {"am", "'m", "certain", "sure", "yeah", "bread", ".", "I"} <= VOCABULARY.lexicon
    assert not {"Paris", "paris", "Leeds", "film", "tea"} & VOCABULARY.lexicon
    assert {"film", "tea"} <= VOCABULARY.common
    assert "Leeds" not in VOCABULARY.common


def test_more_pairs_ask_for_more_evidence() -> None:
    """One sentence is enough among hundreds, not among tens of thousands."""
    assert (enough_to_learn(0), enough_to_learn(900), enough_to_learn(25_000)) == (1, 1, 2)


def test_every_learned_word_and_slot_is_one_token() -> None:
    """The tokenizer knows the lexicon, the slots and its marks, and nothing else."""
    tokenizer = build_tokenizer(VOCABULARY)
    assert len(tokenizer) == len(VOCABULARY.lexicon) + MAX_SLOTS + 6
    ids = tokenizer("I 'm <3> elephant")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids) == ["I", "'m", "<3>", "<unknown>"]


@pytest.mark.parametrize(
    ("source", "words", "allowed"),
    [
        pytest.param("it is <0> .", "it is <0> .", True, id="nothing done"),
        pytest.param("it is <0> .", "it 's <0> .", True, id="a contraction"),
        pytest.param("I am not certain <0> <1> .", "I 'm not sure <0> <1>", True, id="three edits"),
        pytest.param("it is certainly <0> .", "yeah it 's <0> .", True, id="a word moved to the front"),
        pytest.param("it is the certain <0> .", "it is the sure <0> .", False, id="neighbours nobody saw"),
        pytest.param("you are <0> .", "are <0> .", False, id="a person dropped"),
        pytest.param("it is <0> .", "you 's <0> .", False, id="an edit nobody made"),
        pytest.param("it is <0> .", "it , 's <0> .", False, id="a comma from nowhere"),
        pytest.param("it is <0> .", "it 's 's <0> .", False, id="an edit twice"),
        pytest.param("she would not .", "she 'd n't .", False, id="two clitics in a row"),
    ],
)
def test_only_attested_edits_are_allowed(source: str, words: str, allowed: bool) -> None:
    """A rewrite is its source with edits that somebody made, where no strange neighbours meet."""
    assert allows(source, words) is allowed


def test_an_edit_before_a_participle_needs_one_in_the_pairs() -> None:
    """What was only seen before things is not done before an "-ed", and the other way round it is free."""
    assert allows("it is <0>", "it 's <0>", "bread")
    assert not allows("it is <0>", "it 's <0>", "finished")
    pairs = [*SENTENCES, ("It is finished.", "it's finished")]
    attested = learn_attested(pairs, VOCABULARY)
    assert attested.allows(Masked(("it", "is", "<0>"), {"<0>": "mended"}), ["it", "'s", "<0>"])


def test_a_verb_turned_round_by_a_question_is_not_contracted() -> None:
    """ "Do you have" never becomes "do you've", whoever says "you've"."""
    pairs = [("You have <0>.", "you've <0>"), ("You have it.", "you've it"), ("Do you have it?", "do you have it")]
    vocabulary = learn_vocabulary(pairs)
    source = Masked(("do", "you", "have", "it"), {})
    assert not learn_attested(pairs, vocabulary).allows(source, ["do", "you", "'ve", "it"])


def test_what_is_attested_survives_the_file() -> None:
    """Edits and neighbours come back from JSON-ready data."""
    assert Attested.from_data(STYLE.attested.as_data()) == STYLE.attested


def test_pairs_are_aligned_word_by_word() -> None:
    """Shared words stand alone, edits stand together."""
    segments = align("It is the bread.", "it's the bread", VOCABULARY)
    assert segments is not None
    assert (("the",), ("the",)) in segments
    assert (("is",), ("'s",)) in segments
    assert align("It is the bread.", "it's the whale", VOCABULARY) is None


def test_made_examples_keep_the_slots_of_both_sides_alike() -> None:
    """However pairs are cut, joined and re-worded, both sides hold the same slots and fit the prompt."""
    aligned = [segments for pair in SENTENCES if (segments := align(*pair, VOCABULARY))]
    made = augmented(aligned, STYLE, 300, seed=1)
    assert len(made) > 250
    assert made == augmented(aligned, STYLE, 300, seed=1)
    assert made != augmented(aligned, STYLE, 300, seed=2)
    assert len({example["prompt"] for example in made}) > 150
    for example in made:
        prompt, completion = example["prompt"].split(), example["completion"].split()
        assert len(prompt) == STYLE.prompt_words + 1
        assert prompt[-1] == "<casual>"
        assert sorted(w for w in prompt if w[1:-1].isdigit()) == sorted(w for w in completion if w[1:-1].isdigit())


def test_a_plain_example_is_the_pair_as_inference_asks_it() -> None:
    """The prompt of a held-out pair is the prompt that the rewriter would make of its formal side."""
    segments = align("It is the bread.", "it's the bread", VOCABULARY)
    assert segments is not None
    example = plain_example(segments, STYLE)
    asked = STYLE.ask("It is the bread.")
    assert example is not None
    assert asked is not None
    assert example["prompt"] == asked.prompt
    assert example["completion"] == " it 's the bread"


def test_a_sentence_that_does_not_come_back_is_not_asked() -> None:
    """Odd spacing, too many words and nothing at all are left alone."""
    assert STYLE.ask("It is ,odd") is None
    assert STYLE.ask("x " * 17) is None
    assert STYLE.ask("") is None
    assert mask("It is.", VOCABULARY) is not None
