"""What a preview says of the full run: arithmetic by hand, rows against a run, intervals against the truth."""

from __future__ import annotations

import io
import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from finished_run import finished_run
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from small_run import recipe_of, table, write_lines
from typer.testing import CliRunner

from castwright.cli import app
from castwright.generators.calls.usage import Price, Usage
from castwright.generators.models.config import ModelBlock, OfflineModel, OpenAIModel, TransformersModel
from castwright.pipelines.checkpoint import Manifest, read_manifest
from castwright.pipelines.contrastive_pairs import expected_personas
from castwright.pipelines.dialogues import pair_up
from castwright.pipelines.estimate import Estimate, estimate, sampled
from castwright.pipelines.estimate_calls import Asked, cost_of, hours_of
from castwright.pipelines.estimate_interval import (
    About,
    exactly,
    longest,
    per_call,
    per_row,
    product,
    student,
    together,
    total,
)
from castwright.pipelines.estimate_table import budget_lines, cell, compact, estimate_lines, estimate_table
from castwright.pipelines.inputs import Question
from castwright.pipelines.recipe import Recipe
from castwright.pipelines.runner import run_recipe
from castwright.pipelines.stage import Context
from castwright.pipelines.stages import STAGE_BY_NAME

ENDLESS = 1e15
CALLING = [name for name, stage in STAGE_BY_NAME.items() if stage.calls_model]
PRICES = {"offline": {"input": 0.15, "output": 0.6}}


def preview(recipe: Recipe, out: Path, rows: int) -> tuple[Estimate, dict[str, Manifest]]:
    """Return the estimate of a preview, as the command makes it, and the sample's manifests."""
    small = sampled(recipe)
    manifests = [result.manifest for result in run_recipe(small, out, limit=rows)]
    return estimate(recipe, Context(small, out, rows), manifests), {each.stage: each for each in manifests}


@dataclass(frozen=True)
class Sample:
    """A preview of the small recipe."""

    recipe: Recipe
    estimate: Estimate
    manifests: dict[str, Manifest]


@pytest.fixture(scope="module")
def three_rows(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Return a preview of three rows of the recipe whose full run is in `finished`."""
    folder = tmp_path_factory.mktemp("estimate")
    recipe = recipe_of(journal=str(folder / "journal.db"), prices=PRICES)
    return Sample(recipe, *preview(recipe, folder / "sample", 3))


def asked_of(block: ModelBlock, values: list[int], seconds: float = 2.0, **changes: Any) -> Asked:
    """Return a sample of one call a row whose input and output have these tokens, of a full run of 100 rows."""
    usage = Usage(asked=len(values), answered=len(values))
    for value in values:
        usage.count(value, 0, value, seconds)
    given_of = {"sample": len(values), "least": 1, "most": 1, "asking": exactly(100.0), "scaled": exactly(7.0)}
    return Asked(block, usage, **{**given_of, **changes})


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    [(1, 6.3138), (2, 2.9200), (3, 2.3534), (4, 2.1318), (5, 2.0150), (10, 1.8125), (30, 1.6973), (10_000, 1.6450)],
    ids=lambda value: f"{value:g}",
)
def test_student_s_t_is_that_of_the_printed_tables(degrees: int, quantile: float) -> None:
    """The 0.95 quantile, to the 0.05 % that the docstring promises."""
    assert student(degrees) == pytest.approx(quantile, rel=5e-4)


def test_rows_that_can_only_make_one_call_leave_nothing_uncertain() -> None:
    """Three rows are enough, and so is none."""
    assert per_row(3, 3, least=1, most=1, more=480) == exactly(1.0)
    assert per_row(0, 0, least=1, most=1, more=480) == exactly(1.0)


def test_rows_that_all_agree_are_not_taken_for_the_truth() -> None:
    """Three of three kept: Wilson's lower bound is n / (n + z squared), and all kept stays the most."""
    share = per_row(3, 3, least=0, most=1, more=ENDLESS)
    assert (share.mean, share.high) == (1.0, 1.0)
    assert share.low == pytest.approx(3 / (3 + 1.6448536**2))


def test_calls_of_a_row_between_bounds_are_a_coin_s_share_of_the_way() -> None:
    """Ten talks of 1 to 7 calls with 40 in all are half of the way: Wilson's interval of 5 in 10, stretched."""
    z = 1.6448536**2 / 10
    half = math.sqrt(0.25 * z + z * z / 4) / (1 + z)
    calls = per_row(40, 10, least=1, most=7, more=ENDLESS)
    assert calls.mean == 4.0
    assert calls.low == pytest.approx(4 - 6 * half)
    assert calls.high == pytest.approx(4 + 6 * half)


def test_tokens_of_a_call_have_student_s_interval() -> None:
    """10, 20 and 30 tokens: mean 20, standard deviation 10, t of two degrees 2.92."""
    tokens = per_call(60, 100 + 400 + 900, 3, rows=3, more=ENDLESS)
    half = 2.9200 * 10 / math.sqrt(3)
    assert tokens is not None
    assert tokens.mean == 20
    assert tokens.high == pytest.approx(20 + half, rel=1e-4)
    assert tokens.low == pytest.approx(20 - half, rel=1e-4)


def test_the_chance_of_the_calls_to_come_is_in_the_interval() -> None:
    """Of three further rows the mean is as uncertain as that of the three seen: the variance doubles."""
    tokens = per_call(60, 1400, 3, rows=3, more=3)
    assert tokens is not None
    assert tokens.high == pytest.approx(20 + 2.9200 * 10 * math.sqrt(2 / 3), rel=1e-4)


def test_calls_of_one_row_do_not_count_as_rows() -> None:
    """Six calls of two rows are a sample of two: t of one degree of freedom."""
    tokens = per_call(120, 2800, 6, rows=2, more=ENDLESS)
    assert tokens is not None
    variance = (2800 - 2400) / 5
    assert tokens.high == pytest.approx(20 + 6.3138 * math.sqrt(variance / 2), rel=1e-4)


def test_one_row_has_no_interval_and_no_answer_nothing_at_all() -> None:
    """Neither is given a number that nobody knows; what they are added to has none either."""
    single = per_call(20, 400, 1, rows=1, more=99)
    assert single == About(20, None, None)
    assert per_call(0, 0, 0, rows=3, more=99) is None
    for whole in (total([single, exactly(5)]), together([single, exactly(5)])):
        assert whole == About(25, None, None)
    assert product(single, exactly(3)) == About(60, None, None)
    assert longest([single, exactly(30)]) == About(30, None, None)


def test_sums_of_independent_parts_add_their_distances_by_squares() -> None:
    """10 (7 to 14) and 20 (16 to 23) are 30 (25 to 35): 3, 4 and 5 on both sides; together they are 23 to 37."""
    parts = [About(10, 7, 14), About(20, 16, 23)]
    assert total(parts) == About(30, 25, 35)
    assert together(parts) == About(30, 23, 37)


def test_a_product_adds_the_distances_of_both_sides_by_squares() -> None:
    """10 (7 to 13) times 20 (12 to 28) is 200, 60 and 80 away on either side: 100."""
    assert product(About(10, 7, 13), About(20, 12, 28)) == About(200, 100, 300)


abouts = st.tuples(*[st.floats(0, 1e6)] * 3).map(lambda found: About(sorted(found)[1], min(found), max(found)))


@given(st.lists(abouts, max_size=6))
def test_a_sum_is_inside_the_sum_of_its_parts_bounds(parts: list[About]) -> None:
    """Whatever the parts, the bounds of a sum hold its mean and are no wider than all parts at their worst."""
    whole, worst = total(parts), together(parts)
    assert whole.low is not None and whole.high is not None and worst.low is not None and worst.high is not None  # noqa: PT018
    slack = 1e-9 * (1 + worst.high)
    assert worst.low - slack <= whole.low <= whole.mean + slack
    assert whole.mean - slack <= whole.high <= worst.high + slack


@given(abouts, abouts)
def test_a_product_is_inside_the_products_of_the_bounds(one: About, other: About) -> None:
    """It is never below both at their least, never above both at their most, and holds its mean."""
    made = product(one, other)
    assert made.low is not None and made.high is not None  # noqa: PT018
    slack = 1e-9 * (1 + (one.high or 0) * (other.high or 0))
    assert (one.low or 0) * (other.low or 0) - slack <= made.low <= made.mean + slack
    assert made.mean - slack <= made.high <= (one.high or 0) * (other.high or 0) + slack


@given(st.integers(1, 500), st.integers(0, 5), st.integers(0, 5), st.floats(0, 1), st.floats(1, 1e9))
def test_what_a_row_gives_stays_between_its_fewest_and_most(
    rows: int, least: int, span: int, share: float, more: float
) -> None:
    """The interval holds the sample's mean and never leaves what is possible."""
    counted = rows * (least + share * span)
    found = per_row(counted, rows, least=least, most=least + span, more=more)
    assert found.low is not None and found.high is not None  # noqa: PT018
    assert least - 1e-9 <= found.low <= found.mean + 1e-9
    assert found.mean - 1e-9 <= found.high <= least + span + 1e-9


TRIALS = 40


@pytest.mark.parametrize("size", [2, 3, 5, 20], ids=lambda size: f"{size} rows")
def test_the_intervals_hold_the_truth_about_as_often_as_they_say(size: int) -> None:
    """Forty samples of rows with skewed tokens and uneven calls: at least 31 of 40 hold what all rows then take.

    At a true share of 90 %, fewer than 31 come about once in 120 sets of forty; with an interval that is
    right only two times in three, nearly always.
    """
    draw = random.Random(size)

    def row() -> list[int]:
        return [max(1, round(draw.lognormvariate(5, 0.4))) for _ in range(draw.choice((1, 2, 3, 3, 4, 6)))]

    held = 0
    for _ in range(TRIALS):
        seen, coming = ([row() for _ in range(count)] for count in (size, 300))
        tokens = [value for made in seen for value in made]
        usage = Usage(asked=len(tokens), answered=len(tokens))
        for value in tokens:
            usage.count(value, 0, value, 0.0)
        asked = Asked(OfflineModel(), usage, size, 1, 7, exactly(300), exactly(0))
        assert asked.tokens is not None
        said = asked.tokens[0]
        assert said.low is not None and said.high is not None  # noqa: PT018
        held += said.low <= sum(map(sum, coming)) <= said.high
    assert held >= 31


def test_students_interval_alone_is_neither_too_narrow_nor_too_wide() -> None:
    """One call a row with normal tokens is what the formula is exact for: 90 % of 400 samples, give or take."""
    draw = random.Random(1)
    held = 0
    for _ in range(400):
        seen = [draw.gauss(1000, 200) for _ in range(4)]
        coming = math.fsum(draw.gauss(1000, 200) for _ in range(50)) / 50
        said = per_call(math.fsum(seen), math.fsum(x * x for x in seen), 4, rows=4, more=50)
        assert said is not None and said.low is not None and said.high is not None  # noqa: PT018
        held += said.low <= coming <= said.high
    assert 340 <= held <= 380


def test_tokens_cost_what_the_price_says() -> None:
    """100 calls of 1,000 tokens each way at 2 and 6 dollars a million: 20 and 60 cents; half of it in batches."""
    price = Price(input=2, output=6, batch=0.5)
    plain = cost_of(asked_of(OpenAIModel(model="m"), [1000, 1000, 1000]), price)
    batched = cost_of(asked_of(OpenAIModel(model="m", batch={}), [1000, 1000, 1000]), price)
    assert plain is not None and batched is not None  # noqa: PT018
    assert plain.mean == plain.high == pytest.approx(0.8)
    assert batched.mean == pytest.approx(0.4)


def test_input_that_was_cached_in_the_sample_is_cheaper_but_not_at_the_upper_end() -> None:
    """Half of the input at a tenth of the price: 11 cents instead of 20, and 20 where the cache does not hold."""
    asked = asked_of(OpenAIModel(model="m"), [1000, 1000])
    asked.usage.answer_cached = 1000
    cost = cost_of(asked, Price(input=2, output=0, cached_input=0.2))
    assert cost is not None
    assert cost.mean == cost.low == pytest.approx(0.11)
    assert cost.high == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("block", "hours"),
    [
        (OpenAIModel(model="m", max_in_flight=10), 100 * 2 / 10 / 3600),
        (OpenAIModel(model="m", max_in_flight=1000), 100 * 2 / 100 / 3600),
        (OpenAIModel(model="m", requests_per_minute=5), 100 / 5 / 60),
        (OpenAIModel(model="m", tokens_per_minute=1000), 100 * 2 * 1000 / 1000 / 60),
        (OpenAIModel(model="m", requests_per_minute=1e6, tokens_per_minute=1e9), 100 * 2 / 64 / 3600),
        (TransformersModel(model="m", batch_size=4), 100 * 2 / 4 / 3600),
        (OfflineModel(), 7.0),
    ],
    ids=["in flight", "no more than rows", "requests a minute", "tokens a minute", "wide limits", "local", "offline"],
)
def test_hours_are_as_fast_as_the_block_allows(block: ModelBlock, hours: float) -> None:
    """100 calls of 2 seconds and 2,000 tokens, by what holds them up."""
    found = hours_of(asked_of(block, [1000, 1000, 1000]))
    assert found is not None
    assert found.mean == pytest.approx(hours)


def test_a_local_model_may_gain_nothing_from_fuller_batches() -> None:
    """Three rows of 2 seconds: a batch of 16 takes 2 seconds if all goes well, and 16 / 3 as long if nothing is won."""
    found = hours_of(asked_of(TransformersModel(model="m", batch_size=16), [10, 10, 10]))
    assert found is not None
    assert found.mean == found.low == pytest.approx(200 / 16 / 3600)
    assert found.high == pytest.approx(200 / 3 / 3600)


def test_a_provider_s_batches_have_no_hours() -> None:
    """How long a batch takes is not in the sample, nor in any formula."""
    assert hours_of(asked_of(OpenAIModel(model="m", batch={}), [10, 10])) is None


def test_a_preview_of_a_batched_recipe_asks_one_by_one() -> None:
    """A sample that waits a day for its batch is none; the blocks of stages too, and nothing else changes."""
    batched = {"kind": "openai", "model": "m", "batch": True}
    recipe = recipe_of(model=batched, dialogues={"ask_model": batched, "model": batched}, seed_examples={"personas": 2})
    small = sampled(recipe)
    assert small.model == OpenAIModel(model="m")
    assert small.models_of("dialogues") == [OpenAIModel(model="m")]
    assert small.stages == tuple(stage for stage in recipe.stages if stage != "export")
    assert small.seed_examples == recipe.seed_examples


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9], ids=lambda share: f"{share:.0%} of the cards")
@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("spare", [0.0, 0.4], ids=["nowhere else", "train to fall back on"])
def test_personas_of_a_split_are_counted_as_a_binomial_says(share: float, count: int, spare: float) -> None:
    """Against the sum over all numbers of cards that can be in the split."""
    for cards in (0, 1, 4, 30):
        by_hand = 0.0
        for number in range(cards + 1):
            chance = math.comb(cards, number) * share**number * (1 - share) ** (cards - number)
            answering = min(number, count) if number or not spare else min(cards, count)
            by_hand += chance * answering
        assert expected_personas(cards, share, count, spare=spare) == pytest.approx(by_hand)


@pytest.mark.parametrize("count", [1, 7, 40])
def test_talks_are_as_many_as_the_pairing_makes(count: int, finished: Path) -> None:
    """Few cards, few questions or a small number wanted: the arithmetic is that of `pair_up`."""
    cards = list(Context(recipe_of(), finished).cards.values())
    for questions in (1, 3, 8):
        recipe = recipe_of(dialogues={"count": count}, questions={"kind": "bundled", "limit": questions})
        rows = STAGE_BY_NAME["dialogues"].demand.rows
        assert rows is not None
        expected = rows(Context(recipe, finished))
        for some in (0, 1, 4, len(cards)):
            pairs = pair_up(cards[:some], [Question(f"q{i}", f"{i}?") for i in range(questions)], count, 0)
            assert expected({"persona_cards": float(some)}) == len(pairs)


@pytest.mark.parametrize("stage", CALLING)
def test_the_rows_of_the_full_run_are_foretold(finished: Path, three_rows: Sample, stage: str) -> None:
    """From three rows a stage: exact where no stage before may drop any, else near, and inside the interval."""
    manifest = read_manifest(finished / stage)
    assert manifest is not None
    true = manifest.rows_in - sum(manifest.rejected.get("source", {}).values())
    into = three_rows.estimate.rows[stage].into
    assert into.low is not None and into.high is not None  # noqa: PT018
    assert into.low <= true <= into.high
    assert into.mean == pytest.approx(true, rel=0.35)
    if stage in ("persona_cards", "seed_examples", "style_rewriter"):
        assert into.mean == true


@pytest.mark.parametrize("stage", CALLING)
def test_the_calls_and_tokens_of_the_full_run_are_foretold(finished: Path, three_rows: Sample, stage: str) -> None:
    """The calls are inside their interval, exact where nothing was uncertain; tokens are near what three rows show."""
    manifest = read_manifest(finished / stage)
    (part,) = (part for part in three_rows.estimate.parts if part.stage == stage)
    assert manifest is not None
    assert part.calls.low is not None and part.calls.high is not None  # noqa: PT018
    assert part.calls.low <= manifest.calls["asked"] <= part.calls.high
    if part.calls.is_certain:
        assert part.calls.mean == manifest.calls["asked"]
    assert part.input_tokens is not None and part.output_tokens is not None  # noqa: PT018
    assert part.input_tokens.mean == pytest.approx(manifest.calls["input_tokens"], rel=0.35)
    assert part.output_tokens.mean == pytest.approx(manifest.calls["output_tokens"], rel=0.5)


def test_most_intervals_of_a_preview_hold_what_the_full_run_takes(finished: Path, three_rows: Sample) -> None:
    """Three rows of each of seven stages, input and output: at least 11 of the 14 intervals, and that of the cost."""
    held, cost = 0, 0.0
    for part in three_rows.estimate.parts:
        manifest = read_manifest(finished / part.stage)
        assert manifest is not None
        for name in ("input_tokens", "output_tokens"):
            said = getattr(part, name)
            held += said.low <= manifest.calls[name] <= said.high
            cost += manifest.calls[name] * (0.15 if name == "input_tokens" else 0.6) / 1e6
    whole = three_rows.estimate.sum("cost")
    assert held >= 11
    assert whole is not None and whole.low is not None and whole.high is not None  # noqa: PT018
    assert whole.low <= cost <= whole.high


def test_turns_that_are_dropped_before_they_are_asked_make_no_calls(three_rows: Sample) -> None:
    """The small recipe drops short turns: known from the source, so the calls are fewer than the rows and certain."""
    rows = three_rows.estimate.rows["style_rewriter"]
    assert rows.asking.mean < rows.into.mean == 32
    (part,) = (part for part in three_rows.estimate.parts if part.stage == "style_rewriter")
    assert part.calls == rows.asking
    assert part.calls.is_certain


def test_money_is_tokens_times_the_recipe_s_price(three_rows: Sample) -> None:
    """15 and 60 cents a million, by stage and in all."""
    for part in three_rows.estimate.parts:
        assert part.cost is not None and part.input_tokens is not None and part.output_tokens is not None  # noqa: PT018
        assert part.cost.mean == pytest.approx((part.input_tokens.mean * 0.15 + part.output_tokens.mean * 0.6) / 1e6)
    whole = three_rows.estimate.sum("cost")
    assert whole is not None
    assert whole.mean == pytest.approx(sum(part.cost.mean for part in three_rows.estimate.parts if part.cost))


def test_a_run_with_splits_and_bad_records_is_foretold(tmp_path: Path) -> None:
    """Complete cards among others, two personas a question, a question that stands twice: the other shared run."""
    context = finished_run()
    recipe = context.recipe.model_copy(update={"journal": str(tmp_path / "journal.db")})
    found, _ = preview(recipe, tmp_path / "sample", 4)
    for name, rows in found.rows.items():
        manifest = read_manifest(context.folder(name))
        assert manifest is not None
        true = manifest.rows_in - sum(manifest.rejected.get("source", {}).values())
        assert rows.into.low is not None and rows.into.high is not None  # noqa: PT018
        assert rows.into.low - 1 <= true <= rows.into.high + 1, name
    asked = {part.stage: part for part in found.parts}
    manifest = read_manifest(context.folder("persona_cards"))
    assert manifest is not None
    # six of the eighteen are complete in their source: counted, although two of the sample's four were
    assert asked["persona_cards"].calls.mean == manifest.calls["asked"] == 12


def test_rows_that_a_stage_dropped_are_missing_in_the_next(tmp_path: Path) -> None:
    """Every character of the table stands twice: half of the sample's cards are kept, so half of all are expected."""
    people = ["Ada Brook, a baker in Leeds", "Tom Reed, a sailor in Hull", "Ina Voss, a nurse in Bonn"]
    twice = [{"name": who.split(",")[0], "description": who} for who in people * 2]
    source = write_lines(tmp_path / "people.jsonl", [*twice, *twice])
    changes: dict[str, Any] = {"stages": ["persona_cards", "persona_responses"]}
    personas = {"count": None, "sources": [{"kind": "table", "path": str(source)}]}
    recipe = recipe_of(**changes, personas=personas, journal=str(tmp_path / "journal.db"))
    found, manifests = preview(recipe, tmp_path / "sample", 6)
    assert (manifests["persona_cards"].rows_in, manifests["persona_cards"].rows_out) == (6, 3)
    assert found.rows["persona_cards"].into == exactly(12)
    assert found.rows["persona_cards"].kept.mean == 6
    assert found.rows["persona_responses"].into.mean == 6
    assert found.rows["persona_responses"].into.low < 6 < found.rows["persona_responses"].into.high  # type: ignore[operator]


def test_a_sample_without_an_answer_says_so(tmp_path: Path) -> None:
    """Only complete cards in a preview of one, others in the full run: the calls are known, their tokens are not."""
    sources = [{"kind": "bundled"}, {"kind": "grid"}]
    personas = {"count": 120, "sources": sources}
    recipe = recipe_of(stages=["persona_cards"], personas=personas, journal=str(tmp_path / "journal.db"))
    found, _ = preview(recipe, tmp_path / "sample", 1)
    (part,) = found.parts
    complete = sum(row["model"].startswith("source:") for row in table(tmp_path / "sample", "persona_cards"))
    assert complete == 1
    assert part.calls.mean > 0
    assert (part.input_tokens, part.cost, part.hours) == (None, None, None)
    (silent,) = (line for line in estimate_lines(found, recipe, 1) if line.startswith("No answer in the sample"))
    assert silent.endswith("persona_cards.")


def test_a_stage_that_asks_nobody_is_not_in_the_estimate(tmp_path: Path) -> None:
    """All its cards are complete in their source."""
    personas = {"count": 5, "sources": [{"kind": "bundled"}]}
    recipe = recipe_of(stages=["persona_cards"], personas=personas, journal=str(tmp_path / "journal.db"))
    found, _ = preview(recipe, tmp_path / "sample", 2)
    assert found.parts == ()
    assert found.rows["persona_cards"].asking == exactly(0)


def test_a_served_model_has_hours_and_a_batched_one_the_batch_price(tmp_path: Path, offline_server: str) -> None:
    """Latencies come from the calls themselves; the same sample with `batch: true` costs half and names no hours."""
    block = {"kind": "openai", "model": "offline", "base_url": offline_server, "max_in_flight": 2}
    prices = {"offline": {"input": 1, "output": 2, "batch": 0.5}}
    changes: dict[str, Any] = {
        "stages": ["persona_cards", "dialogues"],
        "journal": str(tmp_path / "journal.db"),
        "prices": prices,
        "dialogues": {"count": 8, "max_turns": 3},
    }
    plain, _ = preview(recipe_of(model=block, **changes), tmp_path / "plain", 3)
    batched, _ = preview(recipe_of(model={**block, "batch": True}, **changes), tmp_path / "batched", 3)
    for one, other in zip(plain.parts, batched.parts, strict=True):
        assert one.hours is not None and one.cost is not None and other.cost is not None  # noqa: PT018
        assert one.hours.mean > 0
        assert (other.hours, other.batched) == (None, True)
        assert other.cost.mean == pytest.approx(one.cost.mean / 2)
    lines = estimate_lines(batched, recipe_of(model={**block, "batch": True}, **changes), 3)
    assert any("provider's window" in line for line in lines)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        *((0, "0"), (0.00482, "0.0048"), (0.5, "0.50"), (4.82, "4.8"), (48.2, "48"), (482, "480"), (999, "1.0k")),
        *((1234, "1.2k"), (48_200, "48k"), (999_999, "1.0M"), (1_234_567, "1.2M"), (5e12, "5000B")),
    ],
    ids=str,
)
def test_numbers_have_two_digits_that_count(value: float, said: str) -> None:
    """No third digit that the sample does not know."""
    assert compact(value) == said


def test_a_cell_says_how_much_is_known() -> None:
    """Certain, with an interval, without one, too small to matter, and not known at all."""
    assert cell(exactly(12_345)) == "12,345"
    assert cell(About(480, 251, 610)) == "~480\n250-610"
    assert cell(About(480, None, None)) == "~480"
    assert cell(About(0.001, 0.0005, 0.002), smallest=0.01) == "<0.01"
    assert cell(None) == "?"


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({"max_cost": 1000}, "stay under it"),
        ({"max_cost": 1e-9}, "would go over it"),
        ({"max_tokens": 10}, "budget.max_tokens 10: "),
        ({"max_time": "100h"}, "budget.max_time 100 hours: "),
    ],
    ids=["room enough", "too small", "tokens", "time"],
)
def test_a_budget_is_held_against_the_estimate(three_rows: Sample, budget: dict[str, Any], said: str) -> None:
    """Each limit that the recipe has gets one line."""
    recipe = recipe_of(budget=budget)
    (line,) = budget_lines(three_rows.estimate, recipe)
    assert said in line


def test_a_budget_between_what_is_expected_and_the_upper_end_is_told_apart(three_rows: Sample) -> None:
    """The user sees that it may well be enough, and may not be."""
    whole = three_rows.estimate.sum("cost")
    assert whole is not None and whole.high is not None  # noqa: PT018
    recipe = recipe_of(budget={"max_cost": (whole.mean + whole.high) / 2})
    (line,) = budget_lines(three_rows.estimate, recipe)
    assert line.endswith("does not.")


def test_the_table_has_a_line_for_every_stage_that_asks_and_fits_80_columns(three_rows: Sample) -> None:
    """Stages, a total, and nothing cut off."""
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(estimate_table(three_rows.estimate))
    text = console.export_text()
    for name in (*CALLING, "total"):
        assert f"\n{name} " in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_preview_prints_what_the_full_run_will_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its rows: the table, how to narrow it, no money without prices, and money with them."""
    monkeypatch.chdir(tmp_path)
    recipe = tmp_path / "few.yaml"
    recipe.write_text(
        "name: few\nstages: [persona_cards, dialogues]\npersonas: {count: 9, sources: [{kind: grid}]}\n"
        "questions: {kind: bundled, limit: 6}\ndialogues: {count: 5, max_turns: 2}\n"
    )
    without = CliRunner().invoke(app, ["preview", "few.yaml", "-n", "2"])
    assert without.exit_code == 0, without.output
    said = " ".join(without.output.split())
    assert "what the full run will take" in said
    assert "from 2 rows a stage; -n 20 narrows it" in said
    assert "`prices: {offline: {input: ..., output: ...}}` in the recipe gives the cost" in said
    assert "budget." not in said
    prices = "prices={offline: {input: 15000, output: 60000}}"
    arguments = ["preview", "few.yaml", "-n", "1", "--set", prices, "--set", "budget.max_cost=0.01"]
    priced = CliRunner().invoke(app, arguments)
    assert priced.exit_code == 0, priced.output
    said = " ".join(priced.output.split())
    assert "budget.max_cost 0.010: the expected" in said
    assert "would go over it" in said
    assert "No price" not in said
    assert "no interval for persona_cards, dialogues and the total" in said
