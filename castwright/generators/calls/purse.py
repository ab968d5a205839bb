"""The purse of a run: what has been spent, what calls under way may still cost, and whether one more fits.

A call is let through only if the most that it can cost still fits beside everything that was spent and everything
under way, so a cap is never passed, not even by replies that all come out as long as they may. Where one does not
fit, it waits for calls under way to come in below their bounds; where nothing is under way, the budget is used up.
(Rejected: stopping when the sum has passed the cap, which with a thousand calls in flight is a thousand too late.)
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from castwright.generators.calls.account import Budget
from castwright.generators.calls.usage import ModelKey, Price, Usage, spent_cost, total


@dataclass(frozen=True, slots=True)
class Bound:
    """The most tokens that one attempt can be billed."""

    input_tokens: int
    output_tokens: int

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


class Purse:
    """Money and tokens of one run, in one process; `used` is what it had used before."""

    def __init__(self, budget: Budget, prices: Mapping[str, Price], used: Mapping[ModelKey, Usage]) -> None:
        self.budget, self._prices = budget, dict(prices)
        self.cost, self.tokens = spent_cost(used, prices), total(used).spent_tokens
        self._held_cost, self._held_tokens, self._held = 0.0, 0, 0
        self._lock = threading.Lock()

    def price(self, model: ModelKey, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float:
        """Return the money for tokens of a model; one without a price costs nothing."""
        price = self._prices.get(model[0])
        return price.of(input_tokens, output_tokens, cached_tokens, batched=model[1]) if price else 0.0

    def most(self, model: ModelKey, bound: Bound) -> float:
        """Return the most money that an attempt can cost: with none of its input cached, or all of it."""
        tokens = bound.input_tokens, bound.output_tokens
        return max(self.price(model, *tokens), self.price(model, *tokens, bound.input_tokens))

    def hold(self, model: ModelKey, bound: Bound) -> bool:
        """Set the most that an attempt may cost aside, and return whether it fits."""
        cost, budget = self.most(model, bound), self.budget
        with self._lock:
            if budget.max_cost is not None and self.cost + self._held_cost + cost > budget.max_cost:
                return False
            if budget.max_tokens is not None and self.tokens + self._held_tokens + bound.tokens > budget.max_tokens:
                return False
            self._held_cost, self._held_tokens, self._held = (
                self._held_cost + cost,
                self._held_tokens + bound.tokens,
                self._held + 1,
            )
            return True

    def settle(self, model: ModelKey, bound: Bound, cost: float, tokens: int) -> None:
        """Replace what was set aside for an attempt by what it cost."""
        with self._lock:
            self._held -= 1
            self._held_tokens -= bound.tokens
            self._held_cost -= self.most(model, bound)
            if not self._held:
                self._held_cost = 0.0  # sums of floats leave crumbs
            self.cost += cost
            self.tokens += tokens

    @property
    def is_waited_for(self) -> bool:
        """Whether attempts under way may still give back part of what is set aside."""
        return self._held > 0

    def used_up(self, model: ModelKey, bound: Bound) -> str:
        """Return the line that says which limit the next call does not fit under."""
        budget = self.budget
        cost = self.most(model, bound)
        if budget.max_cost is not None and self.cost + cost > budget.max_cost:
            return (
                f"budget.max_cost {budget.max_cost:g}: {self.cost:.6g} is spent and the next call may cost {cost:.6g}; "
                f"what was answered is kept, to go on: --set budget.max_cost={budget.max_cost * 2:g}"
            )
        most = budget.max_tokens or 0
        return (
            f"budget.max_tokens {most:,}: {self.tokens:,} are used and the next call may take {bound.tokens:,}; "
            f"what was answered is kept, to go on: --set budget.max_tokens={most * 2}"
        )
