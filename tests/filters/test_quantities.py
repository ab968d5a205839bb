"""Numbers in prose, read exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.filters.quantities import find_quantities, plain, word_value

READ = {
    "42": [Fraction(42)],
    "1,234.50": [Fraction(2469, 2)],
    "$1,000,000": [Fraction(10**6)],
    "$2 million": [Fraction(2 * 10**6)],
    "5k": [Fraction(5000)],
    "-5 degrees": [Fraction(-5)],
    "minus 5": [Fraction(-5)],
    "it fell by -$3": [Fraction(-3)],
    "1939-1945": [Fraction(1939), Fraction(1945)],
    "3/4 of a cup": [Fraction(3, 4)],
    "1 1/2 cups": [Fraction(3, 2)],
    "2½ cups": [Fraction(5, 2)],
    "½": [Fraction(1, 2)],
    r"\frac{3}{4}": [Fraction(3, 4)],
    ".5": [Fraction(1, 2)],
    "50%": [Fraction(50)],
    "fifty percent": [Fraction(50)],
    "twenty-three": [Fraction(23)],
    "twenty three": [Fraction(23)],
    "one hundred and twenty-three": [Fraction(123)],
    "a hundred": [Fraction(100)],
    "twelve hundred": [Fraction(1200)],
    "two thousand five hundred": [Fraction(2500)],
    "three thousand and seven": [Fraction(3007)],
    "a dozen eggs": [Fraction(12)],
    "two dozen": [Fraction(24)],
    "3 dozen": [Fraction(36)],
    "half a dozen": [Fraction(6)],
    "three and a half": [Fraction(7, 2)],
    "two thirds": [Fraction(2, 3)],
    "a quarter": [Fraction(1, 4)],
    "Forty-Two": [Fraction(42)],
    "48/2 = <<48/2=24>>24": [Fraction(48), Fraction(2), Fraction(24)],
    "48 + 24 = 72": [Fraction(48), Fraction(24), Fraction(72)],
    "one of them and no one else": [],
    "one by one": [],
    "sure as two and two make four": [],
    "a hundred times": [],
    "the second and the third time": [],
    "version 1.2.3b": [],
    "no numbers here": [],
    "72.": [Fraction(72)],
    "(72)": [Fraction(72)],
    "72, not 74": [Fraction(72), Fraction(74)],
    "x=5": [Fraction(5)],
}


@pytest.mark.parametrize(("text", "values"), READ.items(), ids=READ.keys())
def test_numbers_are_read_exactly(text: str, values: list[Fraction]) -> None:
    """Every way of writing a number gives its exact value, in order, and nothing else is a number."""
    found = [quantity.value for quantity in find_quantities(plain(text))]
    if text == "version 1.2.3b":
        assert Fraction(3) not in found
    else:
        assert found == values


def test_a_percentage_equals_its_bare_number_and_its_share() -> None:
    """50% is 50 and one half, and not 5."""
    percent, bare, half, five = (find_quantities(text)[0] for text in ("50%", "50", "0.5", "5"))
    assert percent.same(bare)
    assert percent.same(half)
    assert bare.same(percent)
    assert not percent.same(five)
    assert not bare.same(half)


@given(st.integers(min_value=-(10**9), max_value=10**9))
def test_a_number_with_thousands_separators_reads_back(number: int) -> None:
    """Any integer written with commas is read as itself."""
    assert [quantity.value for quantity in find_quantities(f"it is {number:,} in all")] == [number]


@given(st.integers(min_value=0, max_value=9999))
def test_number_words_read_back(number: int) -> None:
    """Any number up to 9,999 written in words is read as itself ("one" alone is left out)."""
    words = spell(number)
    assert word_value(words) == number
    expected = [] if number == 1 else [number]
    assert [quantity.value for quantity in find_quantities(f"there were {words} sheep")] == expected


@given(st.text(max_size=120))
def test_any_text_has_numbers_or_none(text: str) -> None:
    """Wild input never raises, and every number stands where it says."""
    for quantity in find_quantities(text):
        assert text[quantity.start : quantity.start + len(quantity.text)] == quantity.text


def test_a_run_of_thousands_of_digits_is_no_number() -> None:
    """Noise from a model is passed over and never raises."""
    assert [quantity.value for quantity in find_quantities("1" * 5000 + " and 7, 8/" + "9" * 5000)] == [7]


def spell(number: int) -> str:
    """Return the English words of a number below 10,000."""
    units = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ]
    tens = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    if number < 20:
        return units[number]
    if number < 100:
        return tens[number // 10] + (f"-{units[number % 10]}" if number % 10 else "")
    if number < 1000:
        rest = f" and {spell(number % 100)}" if number % 100 else ""
        return f"{units[number // 100]} hundred{rest}"
    rest = number % 1000
    joined = "" if rest == 0 else f" and {spell(rest)}" if rest < 100 else f" {spell(rest)}"
    return f"{spell(number // 1000)} thousand{joined}"
