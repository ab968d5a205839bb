"""An estimate as a person reads it: a table of what each stage asks, and the lines below it.

Two significant digits: no sample of a preview's size knows a third. The interval stands below its number, because
beside it the table would not fit into 80 columns.
"""

from __future__ import annotations

from decimal import Decimal

from rich.markup import escape
from rich.table import Table

from castwright.pipelines.estimate import Estimate
from castwright.pipelines.estimate_interval import About, together
from castwright.pipelines.recipe import Recipe
from castwright.pipelines.spending import money

_NUMBERS = ("calls", "input_tokens", "output_tokens", "cost", "hours")
_ENOUGH = 20
_SMALLEST = 0.01
_HOUR = 3_600.0


def compact(value: float) -> str:
    """Return a number of at least 0 in two significant digits: 480, 4.8, 0.048, 12k, 1.2M; tiny ones as "<0.01"."""
    if value <= 0:
        return "0"
    for unit, size in (("", 1), ("k", 1e3), ("M", 1e6), ("B", 1e9)):
        rounded = Decimal(f"{value / size:.1e}")
        if rounded < 1000 or unit == "B":
            return f"{rounded:f}{unit}"
    return ""


def cell(about: About | None, *, smallest: float = 0.0) -> str:
    """Return a number and, on a second line, its interval; a certain number is given whole, an unknown one as "?".

    A number below `smallest` is only said to be so.
    """
    if about is None:
        return "?"

    def said(value: float) -> str:
        return compact(value) if value >= smallest or value <= 0 else f"<{smallest:g}"

    if about.is_certain and about.mean >= smallest:
        return f"{about.mean:,.0f}" if float(about.mean).is_integer() else said(about.mean)
    head = said(about.mean)
    head = head if head.startswith("<") else f"~{head}"
    if about.low is None or about.high is None:
        return head
    bounds = list(dict.fromkeys((said(about.low), said(about.high))))
    return head if len(bounds) == 1 else f"{head}\n{'-'.join(bounds)}"


def estimate_table(estimate: Estimate) -> Table:
    """Return the table: a line for each stage and model, and a total."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("stage, model", overflow="fold")
    for name in ("calls", "tokens in", "tokens out", "cost", "hours"):
        table.add_column(name, justify="right", no_wrap=True)
    for part in estimate.parts:
        numbers = [cell(getattr(part, name)) for name in _NUMBERS[:3]]
        hours = "batch" if part.batched else cell(part.hours, smallest=_SMALLEST)
        cost = "" if part.cost is None else cell(part.cost, smallest=_SMALLEST)
        table.add_row(f"{part.stage}\n{escape(part.model)}", *numbers, cost, hours)
    table.add_section()
    totals = [estimate.sum(name) for name in _NUMBERS]
    cost = "" if totals[3] is None else cell(totals[3], smallest=_SMALLEST)
    hours = "batch" if totals[4] is None and _batched(estimate) else cell(totals[4], smallest=_SMALLEST)
    table.add_row("total", *map(cell, totals[:3]), cost, hours, style="bold")
    return table


def estimate_lines(estimate: Estimate, recipe: Recipe, rows: int) -> list[str]:
    """Return what is to be said below the table of a preview that took `rows` rows into each stage."""
    more = max(_ENOUGH, 4 * rows)
    lines = [
        f"~ is what to expect, below it where the truth lies in 9 cases of 10: from {rows} row{'s' * (rows > 1)} a "
        f"stage; -n {more} narrows it. Retries, training and what the journal answers are not in it."
    ]
    single = [part.stage for part in estimate.parts if part.input_tokens and part.input_tokens.low is None]
    if single:
        said = ", ".join(dict.fromkeys(single))
        lines.append(f"Only one row asked, so how rows differ is not known: no interval for {said} and the total.")
    silent = [part.stage for part in estimate.parts if part.input_tokens is None and part.calls.mean > 0]
    if silent:
        said = ", ".join(dict.fromkeys(silent))
        lines.append(f"No answer in the sample, so no tokens, cost or hours, and none in the total: {said}.")
    if _batched(estimate):
        lines.append("Batches come back within the provider's window (batch.completion_window), whatever their size.")
    unpriced = dict.fromkeys(part.model for part in estimate.parts if part.model not in recipe.prices)
    if unpriced:
        key = f"prices: {{{next(iter(unpriced))}: {{input: ..., output: ...}}}}"
        lines.append(f"No price for {', '.join(unpriced)}: `{key}` in the recipe gives the cost.")
    return lines + budget_lines(estimate, recipe)


def budget_lines(estimate: Estimate, recipe: Recipe) -> list[str]:
    """Return, for each limit of the recipe's budget, whether what is expected and the upper end are under it."""
    budget = recipe.budget
    tokens = [part for name in ("input_tokens", "output_tokens") if (part := estimate.sum(name)) is not None]
    hours = estimate.sum("hours")
    cost, both = estimate.sum("cost"), together(tokens) if tokens else None
    lines = []
    if budget.max_cost is not None:
        lines.append(f"budget.max_cost {money(budget.max_cost)}: {_fits(budget.max_cost, cost)}")
    if budget.max_tokens is not None:
        lines.append(f"budget.max_tokens {budget.max_tokens:,}: {_fits(budget.max_tokens, both)}")
    if budget.max_time is not None:
        limit = budget.max_time / _HOUR
        lines.append(f"budget.max_time {compact(limit)} hours: {_fits(limit, hours, ' hours')}")
    return lines


def _fits(limit: float, about: About | None, unit: str = "") -> str:
    if about is None:
        return "the sample does not say whether the run stays under it."
    expected = f"the expected {compact(about.mean)}{unit}"
    if about.mean >= limit:
        return f"{expected} would go over it: the run will stop below it, and go on when it is raised."
    if about.high is None:
        return f"{expected} stays under it; one row gives no upper end."
    upper = f"the upper end {compact(about.high)}{unit}"
    if about.high >= limit:
        return f"{expected} stays under it, {upper} does not."
    return f"{expected} and {upper} stay under it."


def _batched(estimate: Estimate) -> bool:
    return any(part.batched for part in estimate.parts)
