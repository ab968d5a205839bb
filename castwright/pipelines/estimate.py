"""What a full run will take, learned from a preview: calls, tokens, money and hours, each with a 90 % interval.

Rows are counted, not scaled up: a preview takes as many characters of a source of five as of one of five thousand, so
what it says of a row may be believed, and how many rows there are may not. A stage's rows come from the recipe and
its sources, read as the run reads them, and from the share of rows that the sample kept in the stages before; which of
them ask a model is known from the rows alone. Calls per row, tokens and seconds per call are the sample's; see
`estimate_interval` for their intervals. Stages are taken as independent of each other, though fewer cards mean fewer
rows in all that follow, so a total's interval is somewhat narrow where cards are dropped. Retries are not in it, nor
what the journal will answer. (Rejected: the sample's sums times rows over rows, wrong wherever rows differ by source.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from castwright.errors import BadRecord
from castwright.generators.calls.journal import Journal
from castwright.generators.calls.usage import ModelKey, Price, Usage, total
from castwright.generators.models.config import ModelBlock, OpenAIModel
from castwright.generators.models.load import model_label
from castwright.pipelines.checkpoint import Manifest, run_id
from castwright.pipelines.estimate_calls import Asked, cost_of, hours_of
from castwright.pipelines.estimate_interval import About, exactly, per_row, product, together
from castwright.pipelines.estimate_interval import total as sum_of
from castwright.pipelines.recipe import Recipe
from castwright.pipelines.stage import Context, Stage
from castwright.pipelines.stages import STAGE_BY_NAME

_HOUR = 3_600.0


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a stage: those that go into its graph, those of them that ask a model, and those it keeps."""

    into: About
    asking: About
    kept: About


@dataclass(frozen=True, slots=True)
class Part:
    """What one model will be asked in one stage of the full run.

    `sample` rows asked in the preview. Tokens and hours are None where no call of the sample was answered, `cost`
    where the model has no price too, and `hours` where `batched`: then the provider's window says.
    """

    stage: str
    model: str
    sample: int
    calls: About
    input_tokens: About | None
    output_tokens: About | None
    cost: About | None
    hours: About | None
    batched: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a full run will take, by stage and model, and the rows that this stands on."""

    parts: tuple[Part, ...]
    rows: Mapping[str, Rows]

    def sum(self, name: str) -> About | None:
        """Return the sum of one column over all parts that have it, or None where none has.

        Hours are long together: it is the same server or machine that was quick for the sample and is slow for all.
        """
        known = [value for part in self.parts if (value := getattr(part, name)) is not None]
        if not known:
            return None
        return together(known) if name == "hours" else sum_of(known)


def sampled(recipe: Recipe) -> Recipe:
    """Return a recipe as a preview runs it: nothing exported, and calls one by one, which take no day to come back."""
    stages = tuple(stage for stage in recipe.stages if stage != "export")
    changes: dict[str, object] = {"stages": stages, "model": _one_by_one(recipe.model)}
    for stage in stages:
        section = getattr(recipe, stage)
        blocks = {key: getattr(section, key, None) for key in ("model", "ask_model")}
        own = {key: _one_by_one(block) for key, block in blocks.items() if block is not None}
        if own:
            changes[stage] = section.model_copy(update=own)
    return recipe.model_copy(update=changes)


def _one_by_one(block: ModelBlock) -> ModelBlock:
    return block.model_copy(update={"batch": None}) if isinstance(block, OpenAIModel) else block


def estimate(recipe: Recipe, sample: Context, manifests: Sequence[Manifest]) -> Estimate:
    """Return what a full run of a recipe will take, from a preview of it that stands in `sample`.

    Raises:
        CastwrightError: a source of the full run cannot be read; the journal cannot be.
    """
    full = Context(recipe, sample.out)
    rows: dict[str, Rows] = {}
    parts: list[Part] = []
    journal = Journal(sample.account("").path)
    try:
        for manifest in manifests:
            stage = STAGE_BY_NAME[manifest.stage]
            if not stage.calls_model:
                continue
            rows[stage.name] = expected_rows(stage, full, manifest, {name: rows[name].kept for name in rows})
            used = journal.used(run_id(sample.out), stage=stage.name)
            parts += _parts(stage, recipe, sample, manifest, rows[stage.name], used)
    finally:
        journal.close()
    return Estimate(tuple(parts), rows)


def expected_rows(stage: Stage, full: Context, manifest: Manifest, kept: Mapping[str, About]) -> Rows:
    """Return the rows of a stage in the full run, given what the stages before are expected to keep.

    `full` is a context without a limit, `manifest` that of the sample.
    """
    if stage.demand.rows is None:
        into, asking = map(exactly, _counted(stage, full))
    else:
        rows = stage.demand.rows(full)
        into = About(
            rows({name: about.mean for name, about in kept.items()}),
            rows({name: about.low or 0.0 for name, about in kept.items()}),
            rows({name: about.high or about.mean for name, about in kept.items()}),
        )
        asking = into
    through = _through(manifest)
    share = per_row(manifest.rows_out, through, least=0, most=1, more=into.mean)
    return Rows(into, asking, product(into, share))


def _through(manifest: Manifest) -> int:
    """Return how many rows went through a stage's graph: all but the records that could not be read."""
    return manifest.rows_in - sum(manifest.rejected.get("source", {}).values())


def _counted(stage: Stage, context: Context) -> tuple[int, int]:
    """Return how many rows a stage's sources give, and how many of those ask a model; no row is kept."""
    assert stage.prepare is not None  # noqa: S101 (for mypy: what calls a model has a graph)
    into = asking = 0
    for row in stage.prepare(context):
        if not isinstance(row, BadRecord):
            into += 1
            asking += stage.demand.asks(context.recipe, row)
    return into, asking


def _parts(
    stage: Stage,
    recipe: Recipe,
    sample: Context,
    manifest: Manifest,
    rows: Rows,
    used: Mapping[ModelKey, Usage],
) -> list[Part]:
    """Return what each model of a stage will be asked; blocks of one model count together, by the first one's speed."""
    asking = _counted(stage, sample)[1]
    blocks: dict[str, tuple[ModelBlock, int, int]] = {}
    for block, (least, most) in zip(recipe.models_of(stage.name), stage.demand.calls(recipe), strict=True):
        first, low, high = blocks.get(model_label(block), (block, 0, 0))
        blocks[model_label(block)] = (first, low + least, high + most)
    # two models of a stage take its time together; what of it was its start, and not its rows, nobody has measured
    hours = manifest.seconds / _HOUR / len(blocks)
    scaled = rows.into.times(hours / max(_through(manifest), 1))
    scaled = About(scaled.mean, min(hours, scaled.mean), scaled.high)
    parts = []
    for label, (block, least, most) in blocks.items():
        usage = total({key: usage for key, usage in used.items() if key[0] == label})
        asked = Asked(block, usage, asking, least, most, rows.asking, scaled)
        if asked.calls.high:
            parts.append(_part(stage.name, asked, recipe.prices.get(label)))
    return parts


def _part(stage: str, asked: Asked, price: Price | None) -> Part:
    into, out = asked.tokens or (None, None)
    cost = cost_of(asked, price) if price else None
    return Part(
        stage=stage,
        model=model_label(asked.block),
        sample=asked.sample,
        calls=asked.calls,
        input_tokens=into,
        output_tokens=out,
        cost=cost,
        hours=hours_of(asked),
        batched=asked.batched,
    )
