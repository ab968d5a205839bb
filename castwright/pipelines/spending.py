"""What a run may spend and what its stages have cost, as a manifest and a person read it.

Two sums stand side by side. What the answers cost is a function of the rows and the price table alone, so it is the
same for a run that was interrupted or answered from the journal; what was paid is what this run was billed for,
retries and lost replies included.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from castwright.errors import RecipeError
from castwright.generators.calls.ledger import Ledger
from castwright.generators.calls.usage import ModelKey, Price, Usage, answer_cost, paid_cost, spent_cost, total
from castwright.generators.models.config import OpenAIModel
from castwright.pipelines.recipe import Recipe
from castwright.pipelines.stage import Stage


def check_budget(recipe: Recipe, stages: Sequence[Stage]) -> None:
    """Raise RecipeError where a limit of the budget could not be kept.

    A call is held against `max_cost` by the most it can cost, so its model needs a price and a longest reply.
    """
    budget = recipe.budget
    if not budget.limits_calls:
        return
    if recipe.engine != "local":
        raise RecipeError(
            f"budget: engine {recipe.engine!r} runs steps in processes that do not know of each other's calls, so it "
            "could spend more; take `engine: local`, or limit max_time only"
        )
    for stage in stages:
        for block in recipe.models_of(stage.name) if stage.calls_model else []:
            if not isinstance(block, OpenAIModel):
                continue
            if budget.max_cost is not None and block.model not in recipe.prices:
                raise RecipeError(
                    f"budget.max_cost: model {block.model!r} of stage {stage.name!r} has no price; add "
                    f"prices: {{{block.model}: {{input: ..., output: ...}}}} (per million tokens)"
                )
            if block.output_limit is None:
                raise RecipeError(
                    f"budget: model {block.model!r} of stage {stage.name!r} has no max_tokens, so one reply could "
                    "cost any sum; set model.max_tokens"
                )


def call_details(
    used: Mapping[ModelKey, Usage], paid: Mapping[ModelKey, Usage], prices: Mapping[str, Price], rows: int
) -> dict[str, Any]:
    """Return what a manifest says of a stage's calls: counts, tokens and, where there are prices, money.

    `used` is of the execution that made the rows, `paid` of all executions of the stage in this run; `rows` were
    accepted.
    """
    sums, bills = total(used), total(paid)
    details: dict[str, Any] = {
        "asked": sums.asked,
        "from_journal": sums.replayed,
        "failed": sums.failed,
        "retries": bills.retries,
        "input_tokens": sums.answer_input,
        "output_tokens": sums.answer_output,
        "paid_tokens": bills.paid_tokens,
        "lost_tokens_at_most": bills.lost_input + bills.lost_output,
    }
    if any(model in prices for model, _ in {*used, *paid}):
        cost = answer_cost(used, prices)
        details |= {
            "cost": round(cost, 8),
            "cost_per_row": round(cost / rows, 8) if rows else None,
            "paid": round(paid_cost(paid, prices), 8),
            "paid_at_most": round(spent_cost(paid, prices), 8),
        }
    return details


def calls_line(details: Mapping[str, Any]) -> str:
    """Return what a person is told of a stage's calls."""
    parts = [f"{details['asked']:,} calls"]
    if details["from_journal"]:
        parts.append(f"{details['from_journal']:,} of them from the journal")
    if details["retries"]:
        parts.append(f"{details['retries']:,} retries")
    parts.append(f"{details['input_tokens']:,} + {details['output_tokens']:,} tokens")
    if "cost" in details:
        per_row = f", {money(details['cost_per_row'])} a row" if details["cost_per_row"] is not None else ""
        parts.append(f"cost {money(details['cost'])}{per_row} (paid: {money(details['paid'])})")
    return ", ".join(parts)


def money(amount: float) -> str:
    """Return a sum of money with as many digits as it needs to be told from nothing."""
    if amount == 0 or amount >= 1:
        return f"{amount:,.2f}"
    decimals = 1 - math.floor(math.log10(amount))  # two digits that count
    return f"{amount:.{max(decimals, 2)}f}"


def spent_line(ledger: Ledger, recipe: Recipe) -> str:
    """Return what a run has spent so far, as its progress shows it; empty where it has no prices."""
    if not recipe.prices:
        return ""
    cap = f" of {money(recipe.budget.max_cost)}" if recipe.budget.max_cost is not None else ""
    return f"cost {money(ledger.purse.cost)}{cap}"
