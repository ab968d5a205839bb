"""Counts and what they cost."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from castwright.generators.calls.usage import FIELDS, Price, Usage, answer_cost, paid_cost, spent_cost, total

PRICE = Price(input=2.0, output=10.0, cached_input=0.5, batch=0.5)
COUNTS = st.integers(0, 10**9)


def usages() -> st.SearchStrategy[Usage]:
    """Any counts; seconds in halves, which floats add without rounding."""
    halves = COUNTS.map(lambda count: count / 2)
    return st.builds(Usage, **{name: halves if "seconds" in name else COUNTS for name in FIELDS})


@pytest.mark.parametrize(
    ("tokens", "batched", "money"),
    [
        pytest.param((1_000_000, 0), False, 2.0, id="a million in"),
        pytest.param((0, 1_000_000), False, 10.0, id="a million out"),
        pytest.param((1_000_000, 100_000, 400_000), False, 1.2 + 0.2 + 1.0, id="four tenths of the input cached"),
        pytest.param((1_000_000, 100_000, 400_000), True, 1.2, id="the same in a batch"),
        pytest.param((10, 0, 10), False, 0.000005, id="all of it cached"),
        pytest.param((0, 0), True, 0.0, id="nothing"),
    ],
)
def test_a_price_is_per_million_tokens(tokens: tuple[int, ...], batched: bool, money: float) -> None:
    """Cached input has its own price, and a batch its share of all."""
    assert PRICE.of(*tokens, batched=batched) == pytest.approx(money)


def test_without_a_price_for_cached_input_there_is_no_discount() -> None:
    """Nor without one for batches."""
    plain = Price(input=3, output=1)
    assert plain.of(1000, 10, 800) == plain.of(1000, 10) == plain.of(1000, 10, batched=True)


@pytest.mark.parametrize("fields", [{"input": -1}, {"output": -1}, {"cached_input": -1}, {"batch": 0}, {"batch": 1.1}])
def test_a_price_that_pays_back_is_refused(fields: dict[str, Any]) -> None:
    """No price is below nothing, no batch above the whole."""
    with pytest.raises(ValidationError):
        Price(**{"input": 1, "output": 1, **fields})


@given(st.floats(0, 1e3), st.floats(0, 1e3), st.none() | st.floats(0, 1e3), st.floats(0.01, 1), COUNTS, COUNTS, COUNTS)
def test_no_cost_is_negative(
    price: float, output: float, cached: float | None, share: float, asked: int, written: int, known: int
) -> None:
    """Not even where a server reports more cached tokens than tokens; and a batch is never dearer."""
    named = Price(input=price, output=output, cached_input=cached, batch=share)
    assert 0 <= named.of(asked, written, known, batched=True) <= named.of(asked, written, known)


@given(usages(), usages())
def test_adding_and_subtracting_are_each_others_inverse(first: Usage, second: Usage) -> None:
    """Every count of both, and nothing else, is in the sum."""
    both = Usage(**asdict(first))
    both.add(second)
    assert all(getattr(both, name) == getattr(first, name) + getattr(second, name) for name in FIELDS)
    both.subtract(second)
    assert both == first
    both.subtract(first)
    assert not both


def test_an_answer_that_is_used_is_counted_with_its_squares() -> None:
    """Two answers: their tokens and seconds, summed, and the squares, summed."""
    used = Usage()
    used.count(3, 1, 4, 0.5)
    used.count(5, 0, 2, 1.5)
    assert used == Usage(
        answer_input=8, answer_cached=1, answer_output=6, seconds=2.0,
        input_squares=34, output_squares=20, seconds_squares=2.5,
    )  # fmt: skip


@given(st.dictionaries(st.tuples(st.sampled_from("abc"), st.booleans()), usages(), max_size=4))
def test_what_is_spent_is_what_is_paid_and_what_may_be_lost(used: dict[tuple[str, bool], Usage]) -> None:
    """A model without a price costs nothing; a sum over models leaves no count out."""
    prices = {"a": PRICE, "b": Price(input=1, output=1)}
    lost = sum(
        prices[model].of(usage.lost_input, usage.lost_output, batched=batched)
        for (model, batched), usage in used.items()
        if model in prices
    )
    assert spent_cost(used, prices) == pytest.approx(paid_cost(used, prices) + lost)
    assert paid_cost(used, {}) == answer_cost(used, {}) == 0
    assert total(used).spent_tokens == sum(usage.spent_tokens for usage in used.values())


def test_paid_answered_and_lost_are_three_sums() -> None:
    """A replayed answer costs what it would; only what was billed is paid; what got lost may have been."""
    usage = Usage(answer_input=3_000_000, paid_input=1_000_000, paid_cached=1_000_000, lost_output=100_000)
    used = {("m", False): usage}
    prices = {"m": PRICE}
    assert (answer_cost(used, prices), paid_cost(used, prices)) == pytest.approx((6.0, 0.5))
    assert spent_cost(used, prices) == pytest.approx(1.5)
    assert (usage.paid_tokens, usage.spent_tokens) == (1_000_000, 1_100_000)
