"""Stage 1: sources -> characters -> persona cards without duplicates (NGENT 4.2.1, "Synthetic Personality Data").

A character whose facts already make a card passes without a model call; any other is written by the model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from distilabel.models.llms.base import LLM
from distilabel.pipeline import Pipeline

from castwright.errors import BadRecord
from castwright.filters.step import ApplyFilters
from castwright.generators.card_extraction import CardExtraction, identity, profile
from castwright.personas.card import PersonaCard
from castwright.personas.character import Character, complete_card
from castwright.personas.sources import GridSource, PersonaSource, read_characters
from castwright.pipelines.contracts import row_digest
from castwright.pipelines.load import LoadRows
from castwright.pipelines.stage import Context, Demand, Stage, as_json
from castwright.pipelines.streams import Row

_LIVING = "the source describes a living person; persona_cards.living: keep takes them"
CARD_FILTERS = ({"name": "exact_duplicates", "options": {"columns": ["identity"]}},)


def persona_cards(
    rows: Sequence[Row], *, llm: LLM, near_duplicate: float = 0.96, embeddings: str = "offline"
) -> Pipeline:
    """Return the graph that writes cards from characters and marks duplicates.

    `rows` come from `character_row`: facts and text in, `card` (JSON), `profile` and a verdict out.
    `near_duplicate` is the cosine from which two cards are the same character.
    """
    near = {
        "name": "near_duplicates",
        "options": {"columns": ["profile"], "threshold": near_duplicate},
    }
    with Pipeline(name="persona-cards") as pipeline:
        load = LoadRows(rows=list(rows))
        write = CardExtraction(name="card_extraction", llm=llm)
        unique = ApplyFilters(name="unique_cards", filters=[*CARD_FILTERS, near], embeddings=embeddings)
        load >> write >> unique
    return pipeline


def character_row(character: Character) -> Row:
    """Return the graph row of a character; `card` is filled when no model has to write it."""
    card = complete_card(character)
    source = character.source.model_dump(mode="json")
    return {
        "row_id": row_digest("character", character.facts, character.text, source),
        "facts": as_json(character.facts),
        "text": character.text,
        "source": as_json(source),
        "evidence": as_json([asdict(item) for item in character.evidence]),
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


def _graph(context: Context, rows: list[Row]) -> Pipeline:
    settings = context.recipe.persona_cards
    return persona_cards(
        rows,
        llm=context.llm("persona_cards"),
        near_duplicate=settings.near_duplicate,
        embeddings=context.recipe.embeddings,
    )


def _finish(_context: Context, row: Row) -> Row:
    facts, source = json.loads(row["facts"]), json.loads(row["source"])
    written = json.loads(row["card"]) if row["card"] else {}
    card = PersonaCard.model_validate({**written, "source": source}).as_row() if written else {}
    return {
        "name": str(facts.get("name", "")),
        "background": row["text"],
        "source": source,
        "evidence": json.loads(row["evidence"]),
        **card,
        "row_id": row_digest("persona", card.get("persona_id") or row["row_id"], source),
        "parents": [row["row_id"]],
    }


STAGE = Stage(
    name="persona_cards",
    table="personas",
    reads=("personas", "persona_cards", "embeddings", "seed"),
    sources=("personas",),
    prompts=("card_extraction",),
    calls_model=True,
    # a complete card asks nobody; a reply that makes no card is asked for once more
    demand=Demand(asks=lambda row: not row["card"], calls=lambda _recipe: ((1, 2),)),
    embeds=True,
    prepare=_prepare,
    graph=_graph,
    finish=_finish,
)
