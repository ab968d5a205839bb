"""The formaliser: what casual English becomes, and what must never change in it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.generators.offline.chat_tokens import clean, join, split_sentences
from castwright.generators.offline.formal import formalise
from castwright.generators.offline.formal_lexicon import formal_lexicon, parse_rules
from castwright.generators.offline.sentence_form import article, shortened
from castwright.generators.offline.wordlists import word_list

# Expected texts are patterns: where a rule has several choices, each of them is right.
PAIRS: dict[str, tuple[str, str]] = {
    "a contraction of am": ("I'm tired", "I am tired."),
    "a clitic typed apart": ("He did n't see it", "He did not see it."),
    "a clitic alone": ("n't that great", "Not that great."),
    "a curly apostrophe": ("I’m tired", "I am tired."),
    "cannot is one word": ("I can't see it", "I cannot see it."),
    "will not": ("It won't work", "It will not work."),
    "is before an adjective": ("it's cold", "It is cold."),
    "has before been": ("it's been cold", "It has been cold."),
    "has over an adverb": ("he's always been kind", "He has always been kind."),
    "is before a passive": ("it's made of wood", "It is made of wood."),
    "has before a person's deed": ("she's won twice", "She has won twice."),
    "would before a plain verb": ("I'd go", "I would go."),
    "had before a participle": ("I'd seen it", "I had seen it."),
    "had over never": ("I'd never heard it", "I had never heard it."),
    "had better": ("You'd better go", "You had better go."),
    "let us": ("let's eat", "Let us eat."),
    "have after should": ("you should've called", "You should have called."),
    "of for have": ("you should of called", "You should have called."),
    "a possessive stays": ("That is Tom's car", "That is Tom's car."),
    "a name with is": ("Tom's a teacher", "Tom is a teacher."),
    "a mask with is": ("[NAME]'s not here", r"\[NAME\] is not here."),
    "you all": ("y'all know", "(You|All of you) know."),
    "ain't after you": ("you ain't wrong", "You are not wrong."),
    "ain't after a noun": ("that ain't right", "That is not right."),
    "not moves behind the subject": ("don't you agree?", "Do you not agree?"),
    "not moves after a question word": ("why don't we go?", "Why do we not go?"),
    "not moves behind a mask": ("didn't [NAME] win?", r"Did \[NAME\] not win?"),
    "a negative tag": ("it's fun, isn't it?", "It is fun, is it not?"),
    "an apostrophe left out of do not": ("i dont know", "I do not know."),
    "an apostrophe left out of I am": ("im here", "I am here."),
    "an apostrophe left out of I have": ("ive seen it", "I have seen it."),
    "an apostrophe left out of you are": ("youre right", "You are (right|correct)."),
    "its before an article is it is": ("its a start", "It is a start."),
    "its before a noun stays": ("The cat lost its tail", "The cat lost its tail."),
    "your welcome": ("your welcome", "You are (most )?welcome."),
    "u and r": ("u r late", "You are late."),
    "ur before an adjective": ("ur late", "You are late."),
    "ur before a noun": ("i like ur hat", "I (like|enjoy|appreciate) your hat."),
    "thanks": ("thx for the lift", "(Thank you|I am grateful) for the lift."),
    "please": ("call me pls", "Call me please."),
    "because": ("i left bc i was ill", "I left because I was ill."),
    "not known": ("idk where it is", "I do not know where it is."),
    "with and without": ("tea w/ milk", "Tea with milk."),
    "laughter is dropped": ("i fell off lol", "I fell off."),
    "laughter alone is answered": ("haha", "(That is (most )?amusing|How amusing)."),
    "an emoji is dropped": ("see you there 😂", "See you there."),
    "an emoticon is dropped": ("see you there :)", "See you there."),
    "an emoticon ends a sentence": ("Do it :) You can", "Do it. You can."),
    "going to": ("they're gonna win", "They are going to win."),
    "want to": ("they wanna leave", "They want to leave."),
    "have to": ("i gotta go", "I (must|have to) go."),
    "have got": ("I've got 3 dogs", "I have 3 dogs."),
    "let me": ("lemme think", "Let me think."),
    "got as received": ("I got a letter", "I (received|obtained|acquired) a letter."),
    "got as became": ("it got worse", "It became worse."),
    "got as was": ("she got hurt", "She was hurt."),
    "got as were": ("they got robbed", "They were robbed."),
    "kind of before an adjective": ("it's kinda cold", "It is (somewhat|rather|to some extent) cold."),
    "kind of as a sort stays": ("what kind of tree is it?", "What kind of tree is it?"),
    "pretty before an adjective": (
        "that was pretty hard",
        "That was (quite|rather|fairly) (hard|difficult).",
    ),
    "pretty before a noun stays": ("a pretty garden", "A pretty garden."),
    "super before an adjective": ("it was super cheap", "It was (extremely|exceedingly|remarkably) cheap."),
    "many for countable things": ("a lot of birds", "(Many|Numerous|A great many|A great number of) birds."),
    "much for a mass": ("a lot of water", "(A great deal of|Much|Considerable|A good deal of) water."),
    "like between commas": ("it was, like, huge", "It was huge."),
    "like at the start": ("Like, I was there", "I was there."),
    "like as a verb stays": ("I like it", "I like it."),
    "like as a comparison stays": ("he runs like a deer", "He runs like a deer."),
    "like before a number": ("it took like 5 days", "It took (approximately|about|around) 5 days."),
    "like I said": ("like I said, no", "As I said, no."),
    "you know between commas": ("it is, you know, odd", "It is, odd.|It is odd."),
    "you know as a verb stays": ("Do you know him?", "Do you know him?"),
    "well at the start": ("Well, it rained", "It rained."),
    "well as an adverb stays": ("He sings well", "He sings well."),
    "I mean at the start": ("I mean, it rained", "It rained."),
    "I mean it stays": ("I mean it", "I mean it."),
    "um and uh": ("um, it was, uh, late", "It was late."),
    "so before a question": ("so what did he say?", "What did he say?"),
    "yeah": ("yeah, it is", "(Yes|Indeed|Certainly), it is."),
    "yes gets its comma": ("yes it is", "Yes, it is."),
    "nope": ("nope", "No."),
    "okay as an adjective": ("the food was ok", "The food was (acceptable|satisfactory)."),
    "okay as an answer": ("k", "(Very well|Understood|I understand)."),
    "hey": ("hey Sam, are you in?", "(Hello|Greetings|Good day) Sam, are you in?"),
    "a guy": ("he's a nice guy", "He is an? (nice|pleasant|agreeable) (man|person|individual|gentleman)."),
    "Guy as a name stays": ("I saw Guy Fawkes", "I saw Guy Fawkes."),
    "kids": ("the kids slept", "The children slept."),
    "mum and dad": ("my mom and dad left", "My mother and father left."),
    "cool as praise": (
        "that's so cool",
        "That is (so|very|extremely) (impressive|appealing|pleasing|interesting).",
    ),
    "awesome alone": ("awesome!!!", "(That is )?([Vv]ery good|[Ee]xcellent|most pleasing)."),
    "a stretched word": ("it was sooooo cold", "It was (so|very|extremely) cold."),
    "marks repeated": ("He left!!!", "He left."),
    "a question shouted": ("He left?!?!", "He left?"),
    "a question without its mark": ("where do you live", "Where do you live?"),
    "an inverted verb asks": ("have you seen it", "Have you seen it?"),
    "a statement with what": ("what a day", "What a day."),
    "an ellipsis inside": ("it was late... so we left", "It was late, so we left."),
    "an ellipsis at the end": ("it was late...", "It was late."),
    "shouting": ("THIS IS THE BEST DAY EVER", "This is the best day ever."),
    "one word shouted": ("I NEVER said that", "I never said that."),
    "an acronym stays large": ("I watch the NBA", "I watch the NBA."),
    "a small i": ("i think i know", "I think I know."),
    "names of days": ("see you monday", "See you Monday."),
    "a typo": ("teh cat", "The cat."),
    "alot": ("it hurts alot", "It hurts (a great deal|considerably|very much)."),
    "an oath before an adjective": ("fucking cold", "(Extremely|Truly|Exceedingly) cold."),
    "an oath after a question word": ("what the hell is that?", "What is that?"),
    "a disappointment": ("that sucks", "That is (unfortunate|regrettable|disappointing)."),
    "a hedge": ("maybe they left", "(Perhaps|Possibly|It may be that) they left."),
    "a missing subject": ("loved the ending", "I loved the ending."),
    "a missing that": ("sounds great to me", "That sounds great to me."),
    "me too": ("me too", "(The same is true of me|I share that view|I feel the same way)."),
    "a tag": ("it's late, right?", "It is late, (is that correct|do you agree)?"),
    "an article mended": ("an awesome day", "An? (excellent|outstanding|superb|remarkable) day."),
    "doubled spaces": ("it   was  late", "It was late."),
    "a comma without its space": ("Yes,it is", "Yes, it is."),
}


@pytest.mark.parametrize(("casual", "formal"), PAIRS.values(), ids=PAIRS.keys())
def test_casual_english_becomes_formal(casual: str, formal: str) -> None:
    """Each turn of phrase becomes one of its formal wordings in the standard variant."""
    pattern = re.sub(r"([.?])(?=\||$)", r"\\\1", formal)
    assert re.fullmatch(pattern, formalise(casual)), formalise(casual)


def test_variants_choose_other_words() -> None:
    """Three variants of a turn with many choices give at least two texts."""
    turn = "Yeah, a lot of people think it's pretty awesome, maybe"
    assert len({formalise(turn, variant=variant) for variant in range(3)}) >= 2


def test_one_variant_uses_every_choice_over_many_texts() -> None:
    """Over many turns one variant takes each formal word for "pretty"."""
    texts = " ".join(formalise(f"House {n} was pretty cold") for n in range(60))
    assert {word for word in ("quite", "rather", "fairly") if word in texts} == {"quite", "rather", "fairly"}


def test_the_strong_variant_goes_further_than_the_light_one() -> None:
    """A plain sentence is left alone by the light variant and raised by the strong one."""
    assert formalise("We have to buy bread", variant=2) == "We have to buy bread."
    assert formalise("We have to buy bread", variant=1) == "We must purchase bread."


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u200b"], ids=["nothing", "spaces", "breaks", "zero width"])
def test_empty_text_stays_empty(text: str) -> None:
    """Nothing is made of nothing."""
    assert formalise(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "Это хорошая идея.",
        "これは良いです",
        "hola, me gusta el café y la comida",
        "c'est la vie et je suis là pour tu",
    ],
    ids=["Russian", "Japanese", "Spanish", "French"],
)
def test_other_languages_come_back_cleaned(text: str) -> None:
    """Text that is not English is not rewritten."""
    assert formalise(text + "  ") == text


@pytest.mark.parametrize(
    ("exclaimed", "formal"),
    [
        ("Holy crap, seriously?", r"Is that so\?"),
        ("omg lol haha", "That is (most )?amusing.|How amusing."),
        ("damn it, jeez", "I see."),
    ],
    ids=["a question", "laughter", "an oath"],
)
def test_exclamations_alone_are_acknowledged(exclaimed: str, formal: str) -> None:
    """A turn of which nothing is left is answered in kind, and a question stays one."""
    assert re.fullmatch(formal, formalise(exclaimed))


def test_formal_text_stays_as_it_is() -> None:
    """A formal paragraph comes back unchanged in the light variant."""
    text = "The committee has considered your proposal. It will not be adopted. Do you wish to appeal?"
    assert formalise(text, variant=2) == text


def test_a_second_pass_changes_little() -> None:
    """Formalising twice gives almost the words of formalising once."""
    once = formalise("omg i can't believe they didn't tell u, that's kinda lame tbh")
    before, after = once.split(), formalise(once).split()
    assert len(set(before) ^ set(after)) <= 3


def test_quoted_speech_keeps_both_quotes() -> None:
    """A quotation that closes after the end mark keeps its closing quote."""
    assert formalise('she said "i dont know."') == 'She said "I do not know."'


_PLAIN = st.sampled_from(
    word_list(
        "the house was really cold yeah so they kinda left lol and we gotta pay for it tbh because "
        "she loves music like a lot omg pretty weird stuff going on here guys maybe tomorrow it's "
        "fine they're okay i guess"
    )
)
_NUMBERS = st.from_regex(r"[1-9][0-9]{0,3}(\.[0-9]{1,2})?", fullmatch=True)
_NAMES = st.sampled_from(word_list("Mary Zoltan Leeds Akira Fatima Volvo Guy Kidman Cooler Rome"))


@settings(deadline=None)
@given(st.lists(st.one_of(_PLAIN, _NUMBERS), min_size=1, max_size=14), st.integers(0, 5))
def test_numbers_survive(words: list[str], variant: int) -> None:
    """Every number of a turn stands in the formal text, in order."""
    text = " ".join(words)
    numbers = [word for word in words if word[0].isdigit()]
    assert re.findall(r"\d+(?:\.\d+)?", formalise(text, variant=variant)) == numbers


@settings(deadline=None)
@given(st.lists(_PLAIN, min_size=1, max_size=6), _NAMES, st.lists(_PLAIN, max_size=6), st.integers(0, 5))
def test_names_inside_a_sentence_survive(before: list[str], name: str, after: list[str], variant: int) -> None:
    """A capitalised word inside a sentence is never rewritten."""
    text = " ".join(["we saw", *before, name, *after])
    assert name in formalise(text, variant=variant)


@settings(deadline=None)
@given(st.lists(_PLAIN, min_size=1, max_size=8), st.integers(0, 5))
def test_masks_survive(words: list[str], variant: int) -> None:
    """A mask stands in the formal text as often as in the turn."""
    text = " ".join(["[NAME]", *words, "[NAME]"])
    assert formalise(text, variant=variant).count("[NAME]") == 2


_NEGATED = st.sampled_from(
    word_list("don't isn't can't won't never no not didnt couldn't hasn't nothing nobody wouldnt")
)
_NEGATION = re.compile(r"n't\b|\b(?:not|no|never|nothing|nobody|cannot|didnt|wouldnt)\b", re.IGNORECASE)
_AROUND = st.sampled_from(
    word_list("they we she him music bread walk cold cheap really pretty go see tomorrow here with from")
)


@settings(deadline=None)
@given(st.lists(st.one_of(_NEGATED, _AROUND), min_size=2, max_size=10), st.integers(0, 5))
def test_the_number_of_negations_stays(words: list[str], variant: int) -> None:
    """What a turn denies, the formal text denies as often."""
    text = " ".join(["they", *words])
    assert len(_NEGATION.findall(formalise(text, variant=variant))) == len(_NEGATION.findall(text))


@settings(deadline=None)
@given(st.lists(_PLAIN, min_size=2, max_size=10), st.integers(0, 5))
def test_a_question_stays_a_question(words: list[str], variant: int) -> None:
    """A turn that ends with a question mark gives a text that does."""
    assert formalise("bread " + " ".join(words) + " bread?", variant=variant).endswith("?")


@settings(deadline=None, max_examples=400)
@given(st.text(max_size=200), st.integers(-3, 9))
def test_any_text_is_taken_without_error(text: str, variant: int) -> None:
    """Wild input never raises and always gives the same result."""
    assert formalise(text, variant=variant) == formalise(text, variant=variant)


@settings(deadline=None)
@given(st.text(alphabet="aiIuN'’.,!?…\"()[]*_:;<3=/\\-0129 \n😂é", max_size=60), st.integers(0, 2))
def test_heaps_of_marks_are_taken_without_error(text: str, variant: int) -> None:
    """Marks, quotes and emoticons in any order never raise, and leave no doubled space."""
    assert "  " not in formalise(text, variant=variant)


@given(st.text(alphabet="abcdeABC ,.!?'\"()", max_size=60))
def test_splitting_and_joining_lose_no_letter(text: str) -> None:
    """All letters of a text stand in its sentences, in order."""
    sentences = split_sentences(clean(text))
    joined = "".join(join(sentence.words, sentence.glued) for sentence in sentences)
    assert [c for c in joined if c.isalpha()] == [c for c in clean(text) if c.isalpha()]


@pytest.mark.parametrize(
    ("stretched", "plain"),
    [
        ("heyyy", "hey"),
        ("goooood", "good"),
        ("nooo", "no"),
        ("Yesss", "Yes"),
        ("waaay", "way"),
        ("pleaseeee", "please"),
    ],
    ids=["hey", "good", "no", "capital", "way", "please"],
)
def test_stretched_words_shrink(stretched: str, plain: str) -> None:
    """A stretched word comes back as it is spelled."""
    assert shortened(stretched) == plain


@pytest.mark.parametrize(
    ("given_article", "word", "right"),
    [
        ("a", "excellent", "an"),
        ("an", "pleasant", "a"),
        ("a", "useful", "a"),
        ("An", "hour", "An"),
        ("a", "umbrella", "an"),
    ],
    ids=["vowel", "consonant", "sounded you", "silent h stays", "short u"],
)
def test_articles_follow_the_next_word(given_article: str, word: str, right: str) -> None:
    """The article fits the word that a rule put behind it."""
    assert article(given_article, word) == right


@pytest.mark.parametrize(
    "line",
    ["no arrow here", "got [where=up] -> x", "got [] > x"],
    ids=["no arrow", "unknown condition", "half an arrow"],
)
def test_a_wrong_rule_is_named(line: str) -> None:
    """A lexicon line that is no rule is refused with the line in the message."""
    with pytest.raises(ValueError, match=re.escape(line[:3])):
        parse_rules(line, {})


def test_every_rule_names_known_shapes() -> None:
    """Each shape named in the lexicon is one the rule engine can test."""
    from castwright.generators.offline.phrasing import _SHAPES

    shapes = {
        shape
        for rules in formal_lexicon().rules.values()
        for rule in rules
        for condition in (*rule.before, *rule.after)
        for shape in condition.shapes
    }
    assert shapes <= set(_SHAPES)
