"""Stage 1: sources -> characters -> persona cards without duplicates (NGENT 4.2.1, "Synthetic Personality Data").

A character whose facts already make a card passes without a model call; any other is written by the model. Cards are
written and screened as they come, a million of them too; duplicates are found when all are there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import polars as pl
from distilabel.models.llms.base import LLM
from distilabel.pipeline import Pipeline

from castwright.errors import BadRecord
from castwright.filters.card_duplicates import CardRule, CardVerdicts, resettle_cards, settle_cards
from castwright.filters.card_index import load_cards
from castwright.filters.card_search import needed_floor, rule_of
from castwright.filters.duplicate_index import ROUNDING
from castwright.filters.embeddings import load_embedder
from castwright.filters.index_files import CONTENTS, link_or_copy
from castwright.filters.step import ApplyFilters
from castwright.generators.card_extraction import MAX_CHARACTERS, CardExtraction, calls_of, identity, profile
from castwright.personas.character import Character, complete_card
from castwright.personas.evidence import evidence_json
from castwright.personas.sources import GridSource, PersonaSource, read_characters
from castwright.pipelines.card_measures import card_measures
from castwright.pipelines.card_runs import INDEX, compared_stages, extended_stage, other_stages
from castwright.pipelines.card_screening import ScreenCards
from castwright.pipelines.card_texts import card_texts
from castwright.pipelines.contracts import digest_of_json
from castwright.pipelines.recipe import Recipe
from castwright.pipelines.row_stream import RowStream, last_step, load_step
from castwright.pipelines.settled_table import PLACES, Settled
from castwright.pipelines.stage import Context, Demand, Stage, as_json
from castwright.pipelines.streams import Row
from castwright.pipelines.table_files import part_files

_LIVING = "the source describes a living person; persona_cards.living: keep takes them"
CARD_FILTERS = ({"name": "exact_duplicates", "options": {"columns": ["identity"]}},)


def persona_cards(
    rows: Sequence[Row],
    *,
    llm: LLM,
    near_duplicate: float = 0.96,
    embeddings: str = "offline",
    filters: Sequence[dict[str, Any]] = (),
    max_characters: int = MAX_CHARACTERS,
) -> Pipeline:
    """Return the graph that writes cards from characters, screens each by `filters`, and marks duplicates.

    `rows` come from `character_row`: facts and text in, `card` (JSON), `profile` and a verdict out.
    `near_duplicate` is the cosine from which two cards are the same character. Texts longer than `max_characters`
    are read in parts.
    """
    near = {
        "name": "near_duplicates",
        "options": {"columns": ["profile"], "threshold": near_duplicate},
    }
    with written_cards(
        rows, llm=llm, filters=filters, embeddings=embeddings, max_characters=max_characters
    ) as pipeline:
        last = last_step(pipeline)
        last >> ApplyFilters(name="unique_cards", filters=[*CARD_FILTERS, near], embeddings=embeddings)
    return pipeline


def written_cards(
    rows: Sequence[Row] | RowStream,
    *,
    llm: LLM,
    filters: Sequence[dict[str, Any]] = (),
    embeddings: str = "offline",
    max_characters: int = MAX_CHARACTERS,
) -> Pipeline:
    """Return the part of `persona_cards` that sees one card at a time: all but the duplicates."""
    with Pipeline(name="persona-cards") as pipeline:
        load = load_step(rows)
        write = CardExtraction(name="card_extraction", llm=llm, max_characters=max_characters)
        load >> write
        if filters:
            write >> ScreenCards(name="screen_cards", filters=list(filters), embeddings=embeddings)
    return pipeline


def character_row(character: Character) -> Row:
    """Return the graph row of a character; `card` is filled when no model has to write it."""
    card = complete_card(character)
    facts, source = as_json(character.facts), as_json(character.source.model_dump(mode="json"))
    return {
        "row_id": digest_of_json('"character"', facts, as_json(character.text), source),
        "facts": facts,
        "text": character.text,
        "source": source,
        "evidence": evidence_json(character.evidence),
        "card": as_json(card.content()) if card else "",
        "profile": profile(card) if card else "",
        "identity": identity(card) if card else "",
        "model": f"source:{character.source.dataset}" if card else "",
        "verdict": "keep",
        "filter": "",
        "reason": "",
    }


def planned_sources(sources: Sequence[PersonaSource], count: int | None) -> list[tuple[PersonaSource, int | None]]:
    """Return each source with how many characters it may give: a grid without a count takes what is left."""
    return [
        (source, source.count if isinstance(source, GridSource) and source.count is not None else count)
        for source in sources
    ]


def _prepare(context: Context) -> Iterator[Row | BadRecord]:
    personas = context.recipe.personas
    wanted = personas.count if context.limit is None else context.limit
    taken = 0
    seen: set[str] = set()
    for source, most in planned_sources(personas.sources, wanted):
        left = None if wanted is None else wanted - taken
        if left is not None and left <= 0:
            return
        allowed = most if left is None else left if most is None else min(most, left)
        if context.limit is not None and allowed is not None:  # a preview shows every source
            allowed = min(allowed, -(-context.limit // len(personas.sources)))
        for found in read_characters(source, count=allowed, seed=context.recipe.seed):
            if isinstance(found, BadRecord):
                yield found
                continue
            row = character_row(found)
            if row["row_id"] in seen:
                yield BadRecord(found.source.record, "the same record was read before", row["facts"][:200])
                continue
            seen.add(row["row_id"])
            if found.living and context.recipe.persona_cards.living == "drop":
                yield {**row, "verdict": "drop", "filter": "living_person", "reason": _LIVING}
                continue
            taken += 1
            yield row
            if wanted is not None and taken >= wanted:
                return


def _asks(recipe: Recipe, row: Row) -> int:
    return calls_of(row, recipe.persona_cards.max_characters)[0]


def _total(context: Context) -> int | None:
    return context.recipe.personas.count if context.limit is None else context.limit


def _graph(context: Context, rows: Sequence[Row] | RowStream) -> Pipeline:
    settings = context.recipe.persona_cards
    return written_cards(
        rows,
        llm=context.llm("persona_cards"),
        filters=[spec.model_dump() for spec in settings.filters],
        embeddings=context.recipe.embeddings,
        max_characters=settings.max_characters,
    )


def _finish(_context: Context, row: Row) -> Row:
    card: Row = {}
    if row["card"]:  # the text is that of a valid card's content, as the card's id is made from
        card = {"persona_id": _persona_id(row["card"]), **orjson.loads(row["card"])}
    return {
        "name": card.get("name") or str(orjson.loads(row["facts"]).get("name", "")),
        "background": row["text"],
        "source": orjson.loads(row["source"]),
        "evidence": orjson.loads(row["evidence"]),
        **card,
        "row_id": digest_of_json('"persona"', as_json(card.get("persona_id") or row["row_id"]), row["source"]),
        "parents": [row["row_id"]],
    }


def _persona_id(content: str) -> str:
    """Return `card_digest` of a card's content, given as the JSON text that it is the digest of."""
    return "p-" + hashlib.sha256(content.encode()).hexdigest()[:16]


def _rule(context: Context) -> CardRule:
    settings, extended = context.recipe.persona_cards, extended_stage(context)
    return CardRule(
        settings.near_duplicate,
        override=settings.override,
        extends=extended / INDEX if extended else None,
        against=tuple(stage / INDEX for stage in compared_stages(context)),
    )


def _across(context: Context, cards: pl.LazyFrame, folder: Path) -> Settled:
    embedder = load_embedder(context.recipe.embeddings)
    texts = card_texts(cards)
    return _settled(texts, settle_cards(texts, rule=_rule(context), embedder=embedder, folder=folder / INDEX))


def _settled(cards: pl.DataFrame, found: CardVerdicts) -> Settled:
    """Return verdicts in the order of the table."""
    table = found.table.with_columns(cards.get_column("place")).sort("place").drop("place")
    return Settled(table, {"duplicates": found.details})


def _measures(context: Context, folder: Path) -> dict[str, Any]:
    return card_measures(context.recipe.personas, part_files(folder))


def _again(context: Context, cards: pl.LazyFrame, folder: Path) -> Settled | None:
    """Settle the cards that stand by another threshold; None where the index does not hold the pairs for it."""
    stored, rule = context.folder("persona_cards") / INDEX, _rule(context)
    if not (stored / CONTENTS).is_file():
        return None
    index = load_cards(stored)
    if index.floor is None or needed_floor(rule_of(rule.threshold, index.method)) < index.floor - ROUNDING:
        return None
    link_or_copy(stored, folder / INDEX)
    texts = card_texts(cards)
    return _settled(texts, resettle_cards(texts, rule=rule, folder=folder / INDEX))


STAGE = Stage(
    name="persona_cards",
    table="personas",
    reads=("personas", "persona_cards", "embeddings", "seed"),
    sources=("personas", "persona_cards"),
    prompts=("card_extraction", "character_notes"),
    calls_model=True,
    # a complete card asks nobody, a long text once for each part; a reply that will not do is asked for once more, and
    # notes that fill as many prompts again are read twice
    demand=Demand(asks=_asks, calls=lambda _recipe: ((1, 4),)),
    embeds=True,
    prepare=_prepare,
    graph=_graph,
    finish=_finish,
    across=_across,
    again=_again,
    measures=_measures,
    total=_total,
    late=("persona_cards.near_duplicate", "persona_cards.override"),
    workings=(INDEX, PLACES),
    base=extended_stage,
    others=other_stages,
)
