"""People without a name: the offline model gives each one of their own, always the same."""

from __future__ import annotations

import random
from typing import Any

from castwright.generators.offline import extract
from castwright.personas.grid_files import load_tables
from castwright.personas.invented_name import invented_name

LIKED = ("chess", "tea", "rain", "cats", "maps", "jazz", "bread", "salt")
TEACHERS = [f"A math teacher who loves {thing}." for thing in LIKED]


def extract_card(facts: dict[str, Any], text: str) -> dict[str, Any]:
    """Return the card alone."""
    return extract.extract_card(facts, text).card


def test_people_of_one_trade_are_told_apart_by_name() -> None:
    """Eight teachers have eight names, the same when asked again, and stand in their own backgrounds."""
    cards = [extract_card({}, text) for text in TEACHERS]
    names = [card["name"] for card in cards]
    assert len(set(names)) == len(TEACHERS)
    assert names == [extract_card({}, text)["name"] for text in TEACHERS]
    assert all(card["background"].startswith(card["name"]) for card in cards)


def test_a_name_fits_the_place_and_the_gender() -> None:
    """In Lyon French names, women's where the text says she; a name in the text goes first."""
    french = load_tables().names
    borne = {name for key in ("french", "maghrebi", "portuguese") for name in french[key].women}
    card = extract_card({}, "A beekeeper in Lyon, France who reads to her bees.")
    assert card["name"].split()[0] in borne
    assert extract_card({}, "Ada Stone is a baker who sings.")["name"] == "Ada Stone"
    assert extract_card({"name": "Bo"}, "A baker who sings.")["name"] == "Bo"


def test_who_is_no_person_of_today_keeps_a_description() -> None:
    """A machine and a monk of long ago get no name of today."""
    assert extract_card({}, "A robot that serves tea")["name"] == "The robot"
    assert extract_card({}, "a medieval monk who copies books")["name"] == "The monk"


def test_names_are_many() -> None:
    """A thousand draws give nearly a thousand names; elders get the names of their time."""
    assert len({invented_name(random.Random(seed)) for seed in range(1000)}) > 950
    american = load_tables().names["american"]
    old = invented_name(random.Random(1), gender="woman", age=80, place="Denver, United States")
    assert old.split()[0] in american.elder_women
