"""Refusals, feigned ignorance and the assistant's voice: 40 cases to drop and 45 look-alikes to keep."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.errors import RecipeError
from castwright.filters.refusal import find_refusal, refusal

DODGES = {
    "apologises and refuses": "I'm sorry, but I can't help with that.",
    "apologises with a curly apostrophe": "I’m sorry, but I can’t help with that request.",
    "cannot assist": "I cannot assist with that request.",
    "is unable": "I am unable to answer that question.",
    "is not allowed": "I'm not allowed to discuss such matters with strangers.",
    "will not answer": "I won't answer that. Good day.",
    "must decline": "I must respectfully decline to answer.",
    "would rather not": "I'd rather not talk about it, if it's all the same to you.",
    "changes the subject": "Can we please talk about something else?",
    "points to guidelines": "That goes against my guidelines, friend.",
    "speaks as an AI": "As an AI language model, I see both sides: tea is calming and coffee is stimulating.",
    "speaks as an AI after an answer": "The capital is Paris. As an AI, I have never been there myself.",
    "is only an AI": "I'm just an AI, so I don't get hungry, but ramen is a fine choice for a cold night.",
    "is a language model": "Well, I am a large language model and cannot taste soup.",
    "has no opinions": "I do not have personal opinions, though many people enjoy jazz.",
    "names its training data": "My training data does not cover the harvest of last year.",
    "names its maker": "I was trained by a company to be of help to you in all things.",
    "has no current data": "I don't have real-time information, so look outside for the weather.",
    "speaks as a virtual assistant": "As a virtual assistant, I recommend the blue one.",
    "disclaims advice": "I'm not able to provide medical advice.",
    "disclaims and sends to a professional": ("This is not financial advice. Please consult a qualified professional."),
    "closes like an assistant": (
        "Here are some ideas. I hope this helps! Let me know if you have any further questions. "
        "Feel free to ask anything."
    ),
    "does not know": "I don't know.",
    "does not know, sorry": "Sorry, I really don't know the answer.",
    "does not know such things": "I don't know about such things, my dear.",
    "has no idea": "Hmm, I have no idea.",
    "has not the faintest idea": (
        "I haven't the faintest idea, my dear. Numbers were never my trade. Ask someone learned."
    ),
    "never heard of it": "Never heard of it. I'm only a humble baker.",
    "never heard of such a thing": "I have never heard of such a thing in all my days.",
    "is not sure": "Well, I'm not sure.",
    "is not familiar": "I am not familiar with that subject.",
    "knows nothing of sums": "I know nothing of sums, good sir. Leave such things to the clerks.",
    "knows not": "Alas, I know not. Who am I to say?",
    "beyond them": "That's beyond me, I'm afraid. I'm just a simple sailor.",
    "above their station": "Such matters are above my station.",
    "cannot tell": "I couldn't tell you, love.",
    "asks how they should know": "How should I know?",
    "beats them": "Beats me.",
    "leaves it to a guess": "Your guess is as good as mine, partner.",
    "has no clue": "No clue, mate.",
}

ANSWERS = {
    "cannot help smiling": "I can't help smiling when the bread comes out right. Two hours at low heat.",
    "cannot help but": "I cannot help but admire the man; he sailed round the Horn twice.",
    "cannot help it": "I can't help it, I love the sea.",
    "quotes a refusal": ("He looked me in the eye and said, \"I'm sorry, but I can't help you.\" So I walked home."),
    "quotes with single marks": ("She said 'I cannot answer that' and shut the door, so we never learned more."),
    "quotes an AI in a novel": "My favourite line is “I am an AI, and I cannot lie” from the third chapter.",
    "does not know about you": "I don't know about you, but I take two sugars.",
    "does not know much but answers": (
        "I don't know much about books, but the capital of France is Paris, and a fine city too."
    ),
    "does not know why people": "I don't know why people fret. Boil it for ten minutes and salt it well.",
    "does not know how to thank": "I don't know how to thank you for the seeds; they came up in a week.",
    "does not know what they would do": "I don't know what I'd do without my dog.",
    "you do not know": "You don't know the half of it! The mill burned down twice that winter.",
    "they did not know": "Folk had no idea the bridge was weak until the cart went through.",
    "nobody knows": "Nobody knows who built it, but the stones came from the quarry at the ford.",
    "who do not know": "Those who have no idea of the tide should stay ashore.",
    "did not know until": ("I didn't know a word of Greek until I was forty; then I learned it in two winters."),
    "had no idea": "I had no idea it was your birthday! Happy birthday, have some cake.",
    "as far as they know": "As far as I know, it boils at a hundred degrees.",
    "for all they know": "For all I know he is still out there, fishing.",
    "an AI researcher": "As an AI researcher, I spend my days reading papers and my nights regretting it.",
    "an AI engineer": ("I'm an AI engineer from Leeds, and no, I won't fix your printer today, but try the cable."),
    "as an AI would": "Talking like that you sound as an AI would, all polish and no heart.",
    "talks of AI": "That film has an AI that watches everything and stops crime.",
    "refuses to give up": "I refuse to give up on tomatoes; plant them in May and water them at the root.",
    "refused in a tale": "I would not help him rob the coach, so he went alone and was caught.",
    "won't say how often": "I won't say how many times I burned it before I learned: keep the flame low.",
    "cannot recommend enough": "I can't recommend the pie highly enough.",
    "cannot say enough": "I cannot say enough good things about that horse.",
    "cannot answer for another": "I cannot answer for my brother, but I vote yes.",
    "cannot do without": "I can't do without coffee in the morning.",
    "declines an offer": "I had to decline his offer of marriage, and I have been happy ever since.",
    "sorry in sympathy": "I'm sorry to hear that. Wrap it in cold cloth and keep it raised for an hour.",
    "afraid so": "I'm afraid it will rain; bring the washing in.",
    "afraid, with the answer": "I'm afraid you owe me 12 shillings.",
    "not sure they like": "I'm not sure I like the new paint, but it keeps the damp out.",
    "a familiar face": "A familiar face is worth more than gold. Sit down, the stew is hot.",
    "is not familiar but answers": (
        "I'm not familiar with your name for it, but we call it sourdough: flour, water, salt and a week of patience."
    ),
    "clueless detective": "He had no clue, no witness and no weapon, and yet he named the killer by supper.",
    "sure enough": "Sure enough, the answer is 42.",
    "knows nothing finer": "I know nothing finer than a quiet harbour at dawn.",
    "knows no better": "I don't know a better man than my father.",
    "above all": "Above all, keep your powder dry and your matches drier.",
    "doctor sends to hospital": "Go to the hospital at once; that leg is broken and I shall set it there.",
    "wishes not to know": "If I don't know a word, I look it up. This one means a small boat.",
    "rhetorical ignorance": "What do I know? Only that the moon pulls the tide and the tide pulls the boats.",
}


@pytest.mark.parametrize("text", DODGES.values(), ids=DODGES.keys())
def test_a_dodge_is_dropped(text: str) -> None:
    """A refusal, a professed ignorance or an assistant's voice reaches the threshold."""
    assert find_refusal(text).strength >= 0.5


@pytest.mark.parametrize("text", ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_that_looks_like_a_dodge_is_kept(text: str) -> None:
    """Quotations, set phrases and answers that open modestly stay below the threshold."""
    assert find_refusal(text).strength < 0.5


def test_the_reason_quotes_the_words_that_caused_it() -> None:
    """A dropped row says what it does and shows the words."""
    judged = refusal(pl.DataFrame({"response": ["As an AI, I cannot eat.", "I eat at noon."]}))
    assert judged["reason"].to_list() == ["speaks as an AI: 'As an AI'", ""]
    assert judged["keep"].to_list() == [False, True]
    assert judged["score"].to_list() == [1.0, 0.0]


def test_a_machine_may_say_that_it_is_one() -> None:
    """A character whose occupation is a machine's is not dropped for saying so."""
    rows = {
        "response": ["I am an AI, and the airlock is open."] * 2,
        "occupation": ["ship's computer", "baker"],
    }
    assert refusal(pl.DataFrame(rows))["keep"].to_list() == [True, False]


def test_a_whole_reply_in_quotation_marks_is_read() -> None:
    """Quotation marks around the entire reply do not hide it."""
    assert find_refusal("\"I'm sorry, but I can't help with that.\"").strength >= 0.5


def test_the_threshold_is_an_option() -> None:
    """A higher threshold keeps what is doubtful."""
    frame = pl.DataFrame({"response": ["I don't know."]})
    assert refusal(frame, min_strength=0.9)["keep"].to_list() == [True]


def test_null_and_empty_texts_are_kept() -> None:
    """What has no words refuses nothing; the length filter drops it."""
    frame = pl.DataFrame({"response": [None, ""]}, schema={"response": pl.String})
    assert refusal(frame)["keep"].to_list() == [True, True]


def test_a_missing_column_is_a_user_error() -> None:
    """The message names the column, the filter and the nearest column there is."""
    with pytest.raises(RecipeError, match=r"'refusal'.*'response'.*did you mean 'responses'"):
        refusal(pl.DataFrame({"responses": ["x"]}))


@given(st.text(max_size=300))
def test_any_text_gets_a_strength_between_zero_and_one(text: str) -> None:
    """Wild input neither crashes the rules nor leaves the range."""
    assert 0.0 <= find_refusal(text).strength <= 1.0
