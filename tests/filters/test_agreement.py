"""Two answers say the same: numbers, letters, code, facts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.filters.agreement import check_agreement

CLIPS = "Ann sold 48 clips in April and half as many in May. How many did she sell altogether?"
CLIPS_ANSWER = "She sold 48/2 = <<48/2=24>>24 clips in May.\nShe sold 48+24 = <<48+24=72>>72 clips.\n#### 72"
CITY = "Which city is the capital of France?\nA) London\nB) Paris\nC) Rome\nD) New York"
CODE = "```python\ndef add(a, b):\n    return a + b\n```"

NUMBERS_AGREE = {
    "the same answer": CLIPS_ANSWER,
    "last number": "Half of 48 is 24, love, so that makes 72.",
    "number words": "Twenty-four in May, forty-eight in April: seventy-two clips, says I.",
    "the answer is": "Aye, 48 and then 24. The answer is 72, and I'd stake my boat on it.",
    "mark kept": "Arr, 48 and 24 be 72.\n#### 72",
    "decimals": "So it comes to 72.00 clips.",
    "bold": "The answer is **72**.",
    "boxed": r"Thus \boxed{72}.",
    "parts restated in the conclusion": "So 72 clips altogether: 48 in April and 24 in May.",
    "an idiom after it": "That makes 72, sure as two and two make four.",
    "no one after it": "She sold 72 in all, and no one sold more.",
}
NUMBERS_DIFFER = {
    "another number": "Half of 48 is 24, so that makes 74.",
    "no number": "She sold a good many, my dear.",
    "a wrong statement first": "The answer is 70. No, 48 and 24 is 72.",
    "a wrong mark": "48 and 24 is 72.\n#### 70",
    "right and then corrected": "The answer is 72. No wait, it is 74.",
    "corrected to a known number": "The answer is 72. Scratch that, it is 48.",
    "stops half way": "Half of 48 is 24.",
    "an invented number at the end": "She sold 72, and I sold 95.",
    "thousandfold": "That makes 72,000.",
    "negative": "That makes -72.",
    "a tenth": "That makes 7.2.",
    "another number up front": "74, says I. Here is how: 24 in May, 48 in April, that makes 72.",
    "an expression with the same value": "It is 144/2 = 74.",
    "in words": "Forty-eight and twenty-four: seventy-four in all.",
}


@pytest.mark.parametrize("said", NUMBERS_AGREE.values(), ids=NUMBERS_AGREE.keys())
def test_the_same_final_number_agrees(said: str) -> None:
    """However the character dresses it, 72 is 72."""
    found = check_agreement(CLIPS, CLIPS_ANSWER, said)
    assert found.method == "number"
    assert found.agreed, found.detail


@pytest.mark.parametrize("said", NUMBERS_DIFFER.values(), ids=NUMBERS_DIFFER.keys())
def test_another_final_number_does_not(said: str) -> None:
    """A wrong, missing, contradicted or half-way result is refused, and both sides are in the detail."""
    found = check_agreement(CLIPS, CLIPS_ANSWER, said)
    assert found.method == "number"
    assert not found.agreed
    assert "72" in found.detail


NUMBER_SHAPES = {
    "thousands separator": ("#### 1,250", "That is 1250 crowns."),
    "currency": ("The total cost is $12.50", "It comes to 12.50 dollars."),
    "fraction and decimal": ("#### 0.75", "So three quarters of it."),
    "mixed fraction": ("#### 2.5", "It makes 2 1/2 cups."),
    "percent sign and word": ("#### 20%", "That is twenty percent."),
    "percent without a sign": ("#### 20", "That makes 20%."),
    "a short answer": ("42 apples", "Forty-two, my lady."),
    "negative": ("#### -4", "It falls to minus four."),
    "thousands in words": ("#### 1250", "One thousand two hundred and fifty, to the penny."),
}


@pytest.mark.parametrize(("answer", "said"), NUMBER_SHAPES.values(), ids=NUMBER_SHAPES.keys())
def test_one_number_in_two_shapes_agrees(answer: str, said: str) -> None:
    """Numbers are compared by value and not by writing."""
    found = check_agreement("How much is it?", answer, said)
    assert (found.method, found.agreed) == ("number", True), found.detail


CHOICES = {
    "bare letter": ("B", "B, of course.", True),
    "letter in brackets": ("(B)", "Why, (B) it is.", True),
    "the answer is": ("B", "The answer is B, as every schoolboy knows.", True),
    "option text": ("B", "Paris, my friend.", True),
    "letter and text": ("B) Paris", "I choose B: Paris.", True),
    "text for a letter": ("Paris", "It must be Paris.", True),
    "sets another aside": ("B", "Not A, for that is foggy. The answer is B.", True),
    "a and I are no letters": ("B", "A fine question. I say B.", True),
    "another letter": ("B", "The answer is C.", False),
    "another text": ("B", "London, my friend.", False),
    "two letters": ("B", "Either (A) or (B).", False),
    "two texts": ("B", "Paris or Rome, who can say.", False),
    "neither": ("B", "A fine question, and I like it.", False),
    "right letter, wrong text": ("B", "The answer is B, London.", False),
}


@pytest.mark.parametrize(("answer", "said", "agreed"), CHOICES.values(), ids=CHOICES.keys())
def test_a_choice_is_compared_by_its_letter(answer: str, said: str, agreed: bool) -> None:
    """The letter or the text of the same option agrees, anything else does not."""
    found = check_agreement(CITY, answer, said)
    assert found.method == "choice"
    assert found.agreed is agreed, found.detail


CODES = {
    "unchanged in prose": (f"Behold, me hearty:\n{CODE}\nRun it well.", True),
    "other fence, trailing spaces": ("```\ndef add(a, b):   \n    return a + b\n\n```", True),
    "indented as a whole": ("```\n    def add(a, b):\n        return a + b\n```", True),
    "changed": ("```python\ndef add(a, b):\n    return a - b\n```", False),
    "inner indentation changed": ("```python\ndef add(a, b):\nreturn a + b\n```", False),
    "missing": ("It adds a and b.", False),
    "twice": (f"{CODE}\n{CODE}", False),
}


@pytest.mark.parametrize(("said", "agreed"), CODES.values(), ids=CODES.keys())
def test_code_is_compared_exactly(said: str, agreed: bool) -> None:
    """Only whitespace that cannot change a program may differ."""
    found = check_agreement("Write add.", CODE, said)
    assert found.method == "code"
    assert found.agreed is agreed, found.detail


def test_bare_code_is_code() -> None:
    """An answer that is nothing but code needs no fence."""
    answer = "def add(a, b):\n    return a + b"
    assert check_agreement("Write add.", answer, f"Here:\n{CODE}").agreed


FACTS = {
    "same facts": ("Water boils at 100 degrees.", "Why, at 100 degrees the water boils, my lad.", True),
    "lost number": ("Water boils at 100 degrees.", "Why, when it is hot enough.", False),
    "changed number": ("Water boils at 100 degrees.", "At 90 degrees it boils.", False),
    "invented number": ("Water boils when hot.", "Water boils in 7 minutes.", False),
    "number from the question": ("Yes, it does.", "Aye, at 100 degrees it does.", True),
    "kept name": (
        "Paris is the capital of France.",
        "The capital of France? That would be Paris, my dear.",
        True,
    ),
    "changed name": ("Paris is the capital of France.", "Lyon is the capital of France.", False),
    "lost name": ("The play is by Ben Jonson.", "It is by a friend of mine.", False),
    "invented name": ("The play is by Ben Jonson.", "Ben Jonson wrote it with Thomas Kyd.", False),
    "an oath is no name": (
        "The play is by Ben Jonson.",
        "By Jove, it is Ben Jonson, as God is my witness!",
        True,
    ),
    "an address is no name": (
        "The play is by Ben Jonson.",
        "Ben Jonson, my dear Watson, and none other.",
        True,
    ),
    "kept date": ("It ended on 8 May 1945.", "On the 8 of May 1945 the bells rang for its end.", True),
    "changed month": ("It ended on 8 May 1945.", "It ended on 8 June 1945.", False),
    "no becomes yes": ("No, whales are mammals.", "Yes, whales are mammals.", False),
    "no stays no": ("No, whales are mammals.", "Nay! Whales are mammals.", True),
    "short lower-case answer": ("photosynthesis", "They live by photosynthesis, bless them.", True),
    "short answer lost": ("photosynthesis", "They live by the sun, bless them.", False),
    "empty": ("Water boils when hot.", "   ", False),
}


@pytest.mark.parametrize(("answer", "said", "agreed"), FACTS.values(), ids=FACTS.keys())
def test_prose_must_keep_its_facts(answer: str, said: str, agreed: bool) -> None:
    """Numbers, names, dates and yes or no are kept and none is invented."""
    found = check_agreement("Does it boil at 100 degrees?", answer, said, similarity=0.9)
    assert found.method == "facts"
    assert found.agreed is agreed, found.detail


def test_prose_below_the_similarity_does_not_agree() -> None:
    """With the facts kept, the embeddings have the last word."""
    low = check_agreement("Why?", "Because the sea is salty.", "The moon is far away.", similarity=0.2)
    high = check_agreement("Why?", "Because the sea is salty.", "Salt is in the sea.", similarity=0.8)
    assert (low.agreed, high.agreed) == (False, True)
    assert low.detail == "numbers, names and dates kept; similarity 0.20, needed 0.60"


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_two_final_numbers_agree_exactly_when_equal(a: int, b: int) -> None:
    """For any two numbers, agreement is equality."""
    found = check_agreement("How many?", f"Some work.\n#### {a}", f"Well now, that makes {b:,} of them.")
    assert found.agreed is (a == b)


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_any_texts_get_a_check(question: str, answer: str, said: str) -> None:
    """Wild input gives a verdict with both sides in words."""
    assert check_agreement(question, answer, said).detail


@pytest.mark.parametrize(
    ("said", "agreed"),
    [
        pytest.param("Plain enough.\nMark it as A.", True, id="the right letter at the end of a sentence"),
        pytest.param("Well then.\nAnswer: B", False, id="another letter in the same form"),
        pytest.param("A river runs somewhere, as I recall.", False, id="no letter but the article"),
    ],
)
def test_an_answer_line_with_a_capital_is_a_choice(said: str, agreed: bool) -> None:
    """The usual last line "Answer: A" makes the strict check for letters the one that is used."""
    question = "Where does the river run?\nA) north\nB) south\nC) east\nD) west"
    found = check_agreement(question, "It runs towards the sea.\nAnswer: A", said, similarity=0.9)
    assert (found.method, found.agreed) == ("choice", agreed)
