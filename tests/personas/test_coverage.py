"""Coverage: measures by hand, counts from a personas table of any source, and what the grid's tables promise."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.errors import SourceError
from castwright.personas.age_bands import AGE_BANDS, age_band
from castwright.personas.attribute_coverage import attribute_coverage, independent, pair_coverage
from castwright.personas.card import PersonaCard
from castwright.personas.coverage import card_coverage
from castwright.personas.grid import load_tables, sample_characters
from castwright.personas.grid_coverage import characters_frame, grid_coverage, table_coverage
from castwright.personas.store import write_cards


def _card(**changes: Any) -> PersonaCard:
    info = {"age": 34, "gender": "woman", "occupation": "retired tram driver", "place": "Ghent, Belgium"}
    style = {"register": "casual", "sentence_length": "short"}
    card: dict[str, Any] = {
        "name": "Ada",
        "traits": ["curious", "blunt"],
        "background": "Once drove line 4.",
        "basic_info": info | changes.pop("basic_info", {}),
        "dialogue_style": style | changes.pop("dialogue_style", {}),
    }
    return PersonaCard.model_validate(card | changes)


def _table(*cards: PersonaCard) -> pl.DataFrame:
    return pl.DataFrame([card.as_row() for card in cards])


# ---- one attribute ----


def test_the_measures_of_an_attribute_are_those_worked_out_by_hand() -> None:
    """Three of four values, at 1/2, 1/4, 1/4: entropy 1.5 bits."""
    found = attribute_coverage("colour", {"red": 4, "blue": 2, "green": 2}, values=("red", "blue", "green", "grey"))
    assert (found.total, found.seen, found.possible) == (8, 3, 4)
    assert found.effective == pytest.approx(2**1.5)
    assert found.evenness == pytest.approx(1.5 / 2)
    assert found.counts == {"red": 4, "blue": 2, "green": 2, "grey": 0}
    assert (found.distance, found.luck, found.stated_effective) == (None, None, None)


def test_the_distance_from_stated_shares_is_worked_out_by_hand() -> None:
    """Half, a quarter and a quarter stated; 6, 2, 0 of 8 found: two cards of eight stand wrong."""
    found = attribute_coverage("colour", {"red": 6, "blue": 2}, shares={"red": 0.5, "blue": 0.25, "green": 0.25})
    assert found.distance == pytest.approx(2 / 8)
    assert found.thin() == {"green": 2.0}
    parts = (0.5 * 0.5, 0.25 * 0.75, 0.25 * 0.75)
    assert found.luck == pytest.approx(sum(math.sqrt(2 / math.pi * part / 8) for part in parts) / 2)


def test_a_value_that_was_not_stated_counts_as_missing() -> None:
    """Strangers and empty values are told apart from what the tables know."""
    found = attribute_coverage("colour", {"red": 3, "mauve": 2, "": 1}, shares={"red": 0.5, "blue": 0.5})
    assert (found.missing, found.total, found.counts) == (3, 3, {"red": 3, "blue": 0})


def test_nothing_at_all_has_no_evenness() -> None:
    """No cards: no numbers that would need one."""
    found = attribute_coverage("colour", {}, values=("red", "blue"))
    assert (found.total, found.evenness, found.seen) == (0, None, 0)
    assert json.loads(json.dumps(found.as_dict()))["evenness"] is None


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(min_size=1), st.integers(1, 10**6), min_size=2, max_size=30))
def test_evenness_and_effective_number_stay_in_their_bounds(counts: dict[str, int]) -> None:
    """Whatever the counts: between one value and all of them, and doubling all changes nothing."""
    found = attribute_coverage("any", counts)
    doubled = attribute_coverage("any", {value: 2 * count for value, count in counts.items()})
    assert found.evenness is not None
    assert -1e-9 <= found.evenness <= 1 + 1e-9
    assert 1 - 1e-9 <= found.effective <= len(counts) + 1e-6
    assert doubled.effective == pytest.approx(found.effective)


# ---- pairs ----


def test_pairs_are_counted_against_those_allowed() -> None:
    """Two of three allowed pairs met; the one that was most to be expected is named."""
    expected = {("a", "x"): 3.0, ("a", "y"): 0.5, ("b", "x"): 2.0, ("b", "y"): 0.1}
    found = pair_coverage("one x two", {("a", "x"): 3, ("b", "y"): 1}, expected)
    assert (found.met, found.allowed, found.share) == (2, 4, 0.5)
    assert found.never == ("b + x", "a + y")
    assert found.luck == pytest.approx(sum(1 - math.exp(-number) for number in expected.values()))


def test_pairs_of_independent_attributes_are_all_expected() -> None:
    """The product of the margins, also where the pair was never met."""
    found = independent({("a", "x"): 6, ("a", "y"): 2, ("b", "x"): 2})
    assert found == {("a", "x"): 6.4, ("a", "y"): 1.6, ("b", "x"): 1.6, ("b", "y"): 0.4}


# ---- cards of any source ----


def test_cards_are_counted_by_every_attribute() -> None:
    """Occupations by their head, ages by band, traits by themselves and by pole, gaps as missing."""
    table = _table(
        _card(),
        _card(name="Bo", basic_info={"occupation": "Tram Driver of the night line", "age": None, "gender": ""}),
        _card(name="Cy", modern=False, kind="historical", traits=["odd"], dialogue_style={"register": "archaic"}),
    )
    found = card_coverage(table)
    assert found.cards == 3
    assert found["occupation_head"].counts == {"driver": 3}
    assert found["age_band"].counts["30-39"] == 2
    assert (found["age_band"].missing, found["gender"].missing) == (1, 1)
    assert found["modern"].counts == {"modern": 2, "historical": 1}
    assert found["trait"].counts == {"blunt": 2, "curious": 2, "odd": 1}
    assert (found["pole"].counts["agreeableness-"], found["pole"].missing) == (2, 1)
    assert found["register"].counts == {"casual": 2, "archaic": 1, "formal": 0, "neutral": 0}
    assert found["kind"].possible == 4
    pairs = {pair.name: pair for pair in found.pairs}
    assert pairs["gender x register"].met == 2
    assert pairs["register x pole"].met == 2


@pytest.mark.parametrize(
    ("occupation", "head"),
    [
        pytest.param("baker", "baker", id="one word"),
        pytest.param("retired district nurse", "nurse", id="words before it"),
        pytest.param("market seller of vegetables", "seller", id="of something"),
        pytest.param("Teacher, retired", "teacher", id="after a comma"),
        pytest.param("lawyer (family law)", "lawyer", id="in brackets"),
        pytest.param("officer", "officer", id="a word that begins as a preposition"),
        pytest.param("  ", "", id="blank"),
    ],
)
def test_the_head_of_an_occupation_is_its_noun(occupation: str, head: str) -> None:
    """What someone is, without what kind or of what."""
    found = card_coverage(_table(_card(basic_info={"occupation": occupation})))
    assert list(found["occupation_head"].counts) == ([head] if head else [])


def test_a_personas_table_on_disk_is_read_lazily(tmp_path: Path) -> None:
    """A parquet file as the stage writes it gives what the frame gives."""
    cards = [_card(), _card(name="Bo", basic_info={"age": 71})]
    write_cards(cards, tmp_path / "cards.parquet")
    found = card_coverage(pl.scan_parquet(tmp_path / "cards.parquet"))
    assert found == card_coverage(_table(*cards))


def test_no_cards_at_all_are_covered_too(tmp_path: Path) -> None:
    """An empty table has zeroes, no error."""
    write_cards([], tmp_path / "none.parquet")
    found = card_coverage(pl.scan_parquet(tmp_path / "none.parquet"))
    assert (found.cards, found["register"].seen) == (0, 0)
    assert found.lines()


def test_the_order_of_cards_changes_nothing() -> None:
    """Shuffled rows have the same coverage, to the order of its values."""
    table = characters_frame(sample_characters(300, seed=1))
    shuffled = table.sample(fraction=1, shuffle=True, seed=3)
    assert card_coverage(table).as_dict(20) == card_coverage(shuffled).as_dict(20)


@pytest.mark.parametrize("age", range(0, 121, 5), ids=lambda age: f"age {age}")
def test_ages_fall_into_the_band_that_names_them(age: int) -> None:
    """The frame's bands are those of `age_band`."""
    found = card_coverage(_table(_card(basic_info={"age": age})))
    band = next(value for value, count in found["age_band"].counts.items() if count)
    assert band == age_band(age)
    assert band in AGE_BANDS


# ---- the grid ----


def test_the_grid_counts_characters_and_their_cards_alike() -> None:
    """A personas table of the same characters has the same coverage."""
    characters = list(sample_characters(400, seed=2))
    cards = [
        PersonaCard.model_validate({**character.facts, "background": "Lives."}).as_row() for character in characters
    ]
    assert grid_coverage(characters) == grid_coverage(pl.DataFrame(cards))


def test_every_value_a_character_has_is_one_the_tables_promise() -> None:
    """Nothing is missing, and areas are regions or settings."""
    found = grid_coverage(sample_characters(1500, seed=3))
    assert {attribute.name: attribute.missing for attribute in found.attributes} == dict.fromkeys(
        ("modern", "home", "area", "occupation", "gender", "age_band", "register", "pole", "sentence_length"), 0
    )
    tables = load_tables()
    areas = {*tables.regions, *(f"{setting.place}, {setting.era}" for setting in tables.settings)}
    assert set(found["area"].counts) == areas


def test_cards_of_other_sources_count_where_the_tables_know_their_values() -> None:
    """A stranger's place and trade are missing, their gender and register are not."""
    stranger = _card(basic_info={"occupation": "dragon tamer", "place": "Mordor"}, traits=["odd"])
    found = grid_coverage(_table(stranger))
    missing = {attribute.name for attribute in found.attributes if attribute.missing}
    assert missing == {"home", "area", "occupation", "pole"}
    assert found["gender"].counts["woman"] == found["register"].counts["casual"] == 1


def test_a_table_on_disk_is_covered_as_its_rows_are(tmp_path: Path) -> None:
    """A file and the folder it stands in."""
    cards = [_card(), _card(name="Bo", basic_info={"age": 71})]
    write_cards(cards, tmp_path / "cards.parquet")
    assert table_coverage(tmp_path) == table_coverage(tmp_path / "cards.parquet") == grid_coverage(_table(*cards))


@pytest.mark.parametrize("shape", ["missing", "empty folder", "other parquet", "no parquet"])
def test_what_is_no_personas_table_is_refused_in_a_line(tmp_path: Path, shape: str) -> None:
    """The message names the path."""
    path = tmp_path / "cards.parquet"
    if shape == "other parquet":
        pl.DataFrame({"x": [1]}).write_parquet(path)
    elif shape == "no parquet":
        path.write_text("persona_id,name\n", encoding="utf-8")
    with pytest.raises(SourceError, match="personas table") as raised:
        table_coverage(tmp_path if shape == "empty folder" else path)
    assert str(tmp_path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_is_lacking_is_named() -> None:
    """In a set of women the men are what is thin, by about half its size."""
    women = [c for c in sample_characters(400, seed=4) if c.facts["basic_info"]["gender"] == "woman"]
    found = grid_coverage(women)
    (value, lack), *_ = found["gender"].thin().items()
    assert value == "man"
    assert lack == pytest.approx(len(women) / 2, rel=0.05)


def test_coverage_is_json_and_short_enough_for_a_manifest() -> None:
    """Plain data, the same again after reading, and a few kilobytes."""
    data = grid_coverage(sample_characters(500, seed=5)).as_dict(3)
    text = json.dumps(data)
    assert json.loads(text) == data
    assert len(text) < 8000


def test_every_attribute_and_pair_has_its_line() -> None:
    """The text has one line for each, with the numbers in it."""
    found = grid_coverage(sample_characters(500, seed=5))
    lines = found.lines()
    assert len(lines) == len(found.attributes) + len(found.pairs)
    assert any(line.startswith("area: 49 of 49 values") for line in lines)
    assert any(line.startswith("area x occupation: ") and "by luck" in line for line in lines)
