"""The measures of a table of cards: counted as they are, said in words, and not in the way of a small run."""

from __future__ import annotations

import json
from pathlib import Path

from castwright.generators.offline.extract import extract_card
from castwright.personas.card import PersonaCard
from castwright.personas.character import Character
from castwright.personas.sources import BundledSource, GridSource, read_characters
from castwright.personas.store import write_cards
from castwright.pipelines.card_measures import card_measures, measure_lines
from castwright.pipelines.recipe import Personas


def cards_of(source: GridSource | BundledSource, count: int) -> list[PersonaCard]:
    """Return cards written by rule for a source's characters."""
    found = [one for one in read_characters(source, count=count, seed=1) if isinstance(one, Character)]
    return [PersonaCard.model_validate({**extract_card(c.facts, c.text).card, "source": c.source}) for c in found]


def test_cards_are_counted_and_their_texts_sampled(tmp_path: Path) -> None:
    """Kinds, the grid's own share of the cards, and diversity; all of it can be written as JSON."""
    table = tmp_path / "cards.parquet"
    write_cards([*cards_of(GridSource(), 60), *cards_of(BundledSource(kind="bundled"), 20)], table)
    found = card_measures(Personas(), [table])
    assert json.loads(json.dumps(found)) == found
    assert found["coverage"]["cards"] == 80
    assert found["coverage"]["attributes"]["kind"]["most"]["original"] == 60
    assert found["grid_coverage"]["cards"] == 60
    assert 0 < found["diversity"]["measures"]["distinct_2"][0] <= 1
    lines = measure_lines(found)
    assert any(line.startswith("Kind: ") for line in lines)
    assert lines[-1].startswith("Diversity (10 samples of ")


def test_a_single_card_has_no_diversity_and_the_reason_says_so(tmp_path: Path) -> None:
    """One card is no reason to stop a run; without a grid there is no coverage of one."""
    table = tmp_path / "cards.parquet"
    write_cards(cards_of(GridSource(), 1), table)
    found = card_measures(Personas(sources=(BundledSource(kind="bundled"),)), [table])
    assert "grid_coverage" not in found
    assert "texts" in found["diversity"]["reason"]
    assert "Gender: 1 value." in measure_lines(found)


def test_an_older_manifest_has_nothing_to_say() -> None:
    """Details without measures give no lines."""
    assert measure_lines({}) == []
