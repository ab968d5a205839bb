"""A cap is never passed, whatever the calls under way come to."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle as Held
from hypothesis.stateful import RuleBasedStateMachine, consumes, invariant, rule
from pydantic import ValidationError

from castwright.generators.calls.account import Budget
from castwright.generators.calls.purse import Bound, Purse
from castwright.generators.calls.usage import Price, Usage

MODEL, BATCHED = ("m", False), ("m", True)
# Whole and quarter dollars a token: sums of such costs are exact, so the cap can be held to the last digit.
PRICES = {"m": Price(input=1_000_000, output=4_000_000, cached_input=250_000, batch=0.5)}


def purse(used: dict[Any, Usage] | None = None, **budget: Any) -> Purse:
    return Purse(Budget(**budget), PRICES, used or {})


def cost(model: tuple[str, bool], asked: int, written: int) -> float:
    return PRICES["m"].of(asked, written, batched=model[1])


class Spending(RuleBasedStateMachine):
    """Calls are held and settled in any order, each within its bound: what is spent stays under both caps."""

    held = Held("held")

    def __init__(self) -> None:
        super().__init__()
        self.purse = purse(max_cost=400.0, max_tokens=300)

    @rule(target=held, asked=st.integers(0, 60), written=st.integers(0, 60), model=st.sampled_from([MODEL, BATCHED]))
    def ask(self, asked: int, written: int, model: tuple[str, bool]) -> object:
        bound = Bound(asked, written)
        return (model, bound) if self.purse.hold(model, bound) else None

    @rule(call=consumes(held), used=st.floats(0, 1), cached=st.floats(0, 1))
    def answer(self, call: Any, used: float, cached: float) -> None:
        if call is not None:
            model, bound = call
            asked, written = int(bound.input_tokens * used), int(bound.output_tokens * used)
            paid = self.purse.price(model, asked, written, int(asked * cached))
            self.purse.settle(model, bound, paid, asked + written)

    @invariant()
    def no_cap_is_passed(self) -> None:
        assert self.purse.cost <= 400.0
        assert self.purse.tokens <= 300


TestSpending = Spending.TestCase


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=30))
def test_calls_that_cost_all_they_may_fit_exactly_as_far_as_they_are_let(calls: list[tuple[int, int]]) -> None:
    """Each call that was let through comes out at its bound, and the sum is under the cap to the last digit."""
    whole = purse(max_cost=300.0)
    bounds = [Bound(*call) for call in calls]
    through = [bound for bound in bounds if whole.hold(MODEL, bound)]
    for bound in through:
        spent = cost(MODEL, bound.input_tokens, bound.output_tokens)
        whole.settle(MODEL, bound, spent, bound.tokens)
    assert whole.cost == sum(cost(MODEL, bound.input_tokens, bound.output_tokens) for bound in through)
    assert whole.cost <= 300.0
    assert not whole.is_waited_for


def test_threads_at_once_do_not_pass_the_cap_together() -> None:
    """Forty calls of ten tokens in eight threads against a cap of 155: fifteen are let through."""
    whole, let = purse(max_tokens=155), list[bool]()

    def work() -> None:
        let.extend(whole.hold(MODEL, Bound(5, 5)) for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(let), sum(let)) == (40, 15)


def test_a_call_that_does_not_fit_waits_for_those_under_way() -> None:
    """As long as something is held, less may be spent; then the budget is used up."""
    whole = purse(max_tokens=100)
    assert whole.hold(MODEL, Bound(30, 50))
    assert not whole.hold(MODEL, Bound(30, 50))
    assert whole.is_waited_for
    whole.settle(MODEL, Bound(30, 50), 0.0, 10)
    assert not whole.is_waited_for
    assert whole.hold(MODEL, Bound(30, 50))


def test_cached_input_that_is_dearer_than_other_input_is_held_at_its_price() -> None:
    """No table of prices makes a bound too small."""
    dear = Purse(Budget(max_cost=1.0), {"m": Price(input=1, output=0, cached_input=2)}, {})
    assert dear.most(MODEL, Bound(1_000_000, 0)) == 2.0
    assert not dear.hold(MODEL, Bound(1_000_000, 0))


def test_what_the_run_spent_before_counts() -> None:
    """Billed and lost tokens of earlier parts are in the sum from the start."""
    used = {MODEL: Usage(paid_input=10, lost_output=5), ("free", False): Usage(paid_output=1000)}
    whole = purse(used, max_cost=1e9)
    assert whole.cost == cost(MODEL, 10, 5)
    assert whole.tokens == 1015


def test_without_a_limit_everything_fits_and_is_counted() -> None:
    """A model without a price costs nothing."""
    whole = purse()
    assert whole.hold(("free", False), Bound(10**12, 10**12))
    whole.settle(("free", False), Bound(10**12, 10**12), whole.price(("free", False), 7, 8), 15)
    assert (whole.cost, whole.tokens) == (0.0, 15)


@pytest.mark.parametrize(
    ("budget", "line"),
    [
        pytest.param(
            {"max_cost": 2.5},
            "budget.max_cost 2.5: 0 is spent and the next call may cost 5; what was answered is kept, "
            "to go on: --set budget.max_cost=5",
            id="money",
        ),
        pytest.param(
            {"max_tokens": 1500},
            "budget.max_tokens 1,500: 0 are used and the next call may take 2,000; what was answered is kept, "
            "to go on: --set budget.max_tokens=3000",
            id="tokens",
        ),
        pytest.param(
            {"max_cost": 500.0, "max_tokens": 1500},
            "budget.max_tokens 1,500: 0 are used and the next call may take 2,000; what was answered is kept, "
            "to go on: --set budget.max_tokens=3000",
            id="tokens, with money left",
        ),
    ],
)
def test_a_budget_that_is_used_up_says_which_and_how_to_go_on(budget: dict[str, Any], line: str) -> None:
    """One line: the limit, what is used, what the next call may take, what to type."""
    whole = Purse(Budget(**budget), {"m": Price(input=5000, output=0)}, {})
    bound = Bound(1000, 1000)
    assert not whole.hold(MODEL, bound)
    assert whole.used_up(MODEL, bound) == line


@pytest.mark.parametrize("budget", [{"max_cost": 0}, {"max_tokens": -1}, {"max_time": 0}, {"max_money": 3}])
def test_a_budget_that_allows_nothing_is_refused(budget: dict[str, Any]) -> None:
    """Nothing can be done with it, so it is a slip."""
    with pytest.raises(ValidationError):
        Budget(**budget)
