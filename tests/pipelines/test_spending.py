"""What a manifest and a person are told of calls and money, and budgets that could not be kept."""

from __future__ import annotations

from typing import Any

import pytest

from castwright.errors import RecipeError
from castwright.generators.calls.usage import Price, Usage
from castwright.pipelines.recipe_file import validate_recipe
from castwright.pipelines.runner import plan
from castwright.pipelines.spending import call_details, calls_line, money

PRICES = {"m": Price(input=1.0, output=4.0)}
ASKS = {"kind": "openai", "model": "m", "base_url": "http://127.0.0.1:1/v1", "max_tokens": 100}


@pytest.mark.parametrize(
    ("amount", "said"),
    [(0, "0.00"), (0.000099, "0.000099"), (0.0117, "0.012"), (0.25, "0.25"), (1.5, "1.50"), (1234.5, "1,234.50")],
)
def test_money_is_told_with_two_digits_that_count(amount: float, said: str) -> None:
    """Small sums keep their digits and large ones their cents."""
    assert money(amount) == said


def test_a_manifest_tells_what_answers_cost_apart_from_what_was_paid() -> None:
    """Replayed answers cost what they are worth; retries and lost replies are only in what was paid."""
    used = Usage(asked=10, replayed=6, answered=3, failed=1, answer_input=1_000_000, answer_output=500_000)
    paid = Usage(retries=2, paid_input=400_000, paid_output=100_000, lost_input=50_000, lost_output=100)
    details = call_details({("m", False): used}, {("m", False): paid}, PRICES, rows=4)
    assert details["cost"] == 3.0
    assert details["cost_per_row"] == 0.75
    assert details["paid"] == 0.8
    assert details["paid_at_most"] == pytest.approx(0.8504)
    assert (details["asked"], details["from_journal"], details["failed"], details["retries"]) == (10, 6, 1, 2)
    line = calls_line(details)
    assert "10 calls, 6 of them from the journal, 2 retries" in line
    assert "cost 3.00, 0.75 a row (paid: 0.80)" in line


def test_without_prices_a_manifest_speaks_of_no_money() -> None:
    """A cost of nothing would be a lie."""
    details = call_details({("m", False): Usage(asked=1, answered=1)}, {}, {}, rows=0)
    assert not {"cost", "paid"} & details.keys()
    assert "cost" not in calls_line(details)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prices": {}}, "no price"),
        ({"model": {**ASKS, "max_tokens": None}}, "no max_tokens"),
        ({"engine": "distilabel"}, "engine"),
    ],
    ids=["no price", "no longest reply", "an engine of many processes"],
)
def test_a_budget_that_could_not_be_kept_is_refused_before_anything_is_paid(change: dict[str, Any], words: str) -> None:
    """The error names the model or engine and what to add."""
    data = {"name": "r", "model": ASKS, "prices": {"m": {"input": 1, "output": 4}}, "budget": {"max_cost": 1}}
    assert plan(validate_recipe(data))
    with pytest.raises(RecipeError, match=words):
        plan(validate_recipe({**data, **change}))


@pytest.mark.parametrize(("written", "seconds"), [(90, 90.0), ("90", 90.0), ("45m", 2700.0), ("1.5h", 5400.0)])
def test_a_time_limit_is_seconds_or_a_number_with_a_unit(written: object, seconds: float) -> None:
    """As people write times."""
    assert validate_recipe({"name": "r", "budget": {"max_time": written}}).budget.max_time == seconds


def test_a_time_limit_that_is_none_is_refused_with_its_place() -> None:
    """The key is named."""
    with pytest.raises(RecipeError, match="max_time"):
        validate_recipe({"name": "r", "budget": {"max_time": "soon"}})
