"""What calls used, and what that costs: tokens are counted, money is tokens times a price table.

Only tokens are ever stored, so a price that is added or corrected later holds for what was called before.
`lost` tokens belong to attempts that got no reply back (a timeout, a connection that broke): the server may have
billed them, so they count, at the most they can have been, towards a budget, but never as what answers cost.
(Rejected: a table of prices inside the package, which is wrong a month after each release.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from pydantic import BaseModel, ConfigDict, Field

_MILLION = 1_000_000


class Price(BaseModel):
    """A model's price, in dollars (or any one currency) per million tokens.

    `cached_input` is the price of input tokens that the server had cached (None: no discount); `batch` what the
    provider's Batch API charges, as a share of these prices.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)
    batch: float = Field(default=1.0, gt=0, le=1)

    def of(
        self, input_tokens: float, output_tokens: float, cached_tokens: float = 0, *, batched: bool = False
    ) -> float:
        """Return the money for these tokens; `cached_tokens` are among the input tokens."""
        cached = self.input if self.cached_input is None else self.cached_input
        plain = max(input_tokens - cached_tokens, 0)
        money = (plain * self.input + cached_tokens * cached + output_tokens * self.output) / _MILLION
        return money * self.batch if batched else money


@dataclass(slots=True)
class Usage:
    """Counts of one stage and model, or a sum of such.

    `asked` = `replayed` (answered from the journal) + `answered` (by the model now) + `failed` (for good).
    `attempts` counts requests sent, `retries` those of them after a call's first. `answer_*` tokens are those of
    all answers used, replayed ones too: they depend on the rows alone. `paid_*` tokens were billed in this run,
    `lost_*` may have been. `seconds` is the latency of all answers
    used, as it was when they were made, summed. The squares are of each answer's tokens and latency, for variances.
    """

    asked: int = 0
    replayed: int = 0
    answered: int = 0
    failed: int = 0
    attempts: int = 0
    retries: int = 0
    answer_input: int = 0
    answer_cached: int = 0
    answer_output: int = 0
    paid_input: int = 0
    paid_cached: int = 0
    paid_output: int = 0
    lost_input: int = 0
    lost_output: int = 0
    seconds: float = 0.0
    input_squares: int = 0
    output_squares: int = 0
    seconds_squares: float = 0.0

    def count(self, input_tokens: int, cached_tokens: int, output_tokens: int, seconds: float) -> None:
        """Count one answer that is used."""
        self.answer_input += input_tokens
        self.answer_cached += cached_tokens
        self.answer_output += output_tokens
        self.seconds += seconds
        self.input_squares += input_tokens * input_tokens
        self.output_squares += output_tokens * output_tokens
        self.seconds_squares += seconds * seconds

    def add(self, other: Usage) -> None:
        """Add another's counts to these."""
        for name in FIELDS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def subtract(self, other: Usage) -> None:
        """Take another's counts off these."""
        for name in FIELDS:
            setattr(self, name, getattr(self, name) - getattr(other, name))

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in FIELDS)

    @property
    def paid_tokens(self) -> int:
        """Input and output tokens that were billed."""
        return self.paid_input + self.paid_output

    @property
    def spent_tokens(self) -> int:
        """Tokens that were billed or may have been."""
        return self.paid_tokens + self.lost_input + self.lost_output


FIELDS: tuple[str, ...] = tuple(field.name for field in fields(Usage))
"""The names of the counts, in the order in which they are stored."""

ModelKey = tuple[str, bool]
"""A model's label, and whether it was called through the Batch API: what has one price."""


def paid_cost(used: Mapping[ModelKey, Usage], prices: Mapping[str, Price]) -> float:
    """Return the money billed for these calls; a model without a price costs nothing."""
    return sum(
        prices[model].of(usage.paid_input, usage.paid_output, usage.paid_cached, batched=batched)
        for (model, batched), usage in used.items()
        if model in prices
    )


def spent_cost(used: Mapping[ModelKey, Usage], prices: Mapping[str, Price]) -> float:
    """Return the money billed for these calls and the most that attempts without a reply may have cost."""
    lost = sum(
        prices[model].of(usage.lost_input, usage.lost_output, batched=batched)
        for (model, batched), usage in used.items()
        if model in prices
    )
    return paid_cost(used, prices) + lost


def answer_cost(used: Mapping[ModelKey, Usage], prices: Mapping[str, Price]) -> float:
    """Return what the answers would cost if all were paid now: a function of the rows and the prices alone."""
    return sum(
        prices[model].of(usage.answer_input, usage.answer_output, usage.answer_cached, batched=batched)
        for (model, batched), usage in used.items()
        if model in prices
    )


def total(used: Mapping[ModelKey, Usage]) -> Usage:
    """Return the sum over all models."""
    whole = Usage()
    for usage in used.values():
        whole.add(usage)
    return whole
