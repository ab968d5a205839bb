"""The grid's design: counts near what the tables promise, repeatable characters, thin sets topped up."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any

import pytest

from castwright.personas.character import Character
from castwright.personas.coverage import Coverage
from castwright.personas.grid import load_tables, sample_characters
from castwright.personas.grid_balance import DESIGNED, Balance
from castwright.personas.grid_coverage import grid_coverage
from castwright.personas.grid_shares import Shares, grid_shares
from castwright.personas.grid_world import World

COUNT = 6000


@pytest.fixture(scope="module")
def shares() -> Shares:
    """What the shipped tables promise at the default share of modern characters."""
    return grid_shares(World(load_tables()), 0.6)


@pytest.fixture(scope="module")
def designed() -> Coverage:
    """The coverage of characters drawn by design."""
    return grid_coverage(sample_characters(COUNT, seed=11))


@pytest.fixture(scope="module")
def lucky() -> Coverage:
    """The coverage of as many drawn by pure luck."""
    return grid_coverage(sample_characters(COUNT, seed=11, balance=False))


# ---- what the tables promise ----


def test_the_shares_of_every_attribute_add_up(shares: Shares) -> None:
    """One value of each attribute to a character, and as many poles as traits on average."""
    for name, found in shares.alone.items():
        assert sum(found.values()) == pytest.approx(3.8 if name == "pole" else 1.0), name


def test_the_shares_of_pairs_add_up_to_those_of_their_values(shares: Shares) -> None:
    """Summed over its second attribute a pair gives the first one's shares."""
    for first in ("area", "occupation", "gender", "age_band"):
        (pair,) = [pair for pair in shares.together if pair[0] == first][:1]
        for value, found in shares.together[pair].items():
            assert sum(found.values()) == pytest.approx(shares.alone[first][value])


def test_the_shares_are_what_luck_gives_in_the_long_run(shares: Shares) -> None:
    """A large random sample has the promised shares of what no clash can move."""
    drawn = list(sample_characters(20_000, seed=8, balance=False))
    jobs = Counter(character.facts["basic_info"]["occupation"] for character in drawn)
    for title, share in sorted(shares.alone["occupation"].items(), key=lambda item: -item[1])[:40]:
        assert abs(jobs[title] - 20_000 * share) < 5 * (20_000 * share) ** 0.5
    women = sum(character.facts["basic_info"]["gender"] == "woman" for character in drawn)
    assert women / 20_000 == pytest.approx(shares.alone["gender"]["woman"], abs=0.015)


# ---- counts near the shares ----


@pytest.mark.parametrize(
    "name", ["modern", "area", "gender", "age_band", "register", "sentence_length", "pole", "home", "occupation"]
)
def test_every_value_comes_about_as_often_as_stated(designed: Coverage, name: str) -> None:
    """Whatever their number, counts stay within a few of what the tables promise."""
    found = designed[name]
    whole = sum(found.shares.values())
    off = [abs(found.counts[value] - found.total * share / whole) for value, share in found.shares.items()]
    assert sum(off) / len(off) < 2.5
    assert max(off) < 12


@pytest.mark.parametrize("name", ["area", "home", "occupation", "age_band", "register", "sentence_length"])
def test_the_design_is_several_times_nearer_to_the_tables_than_luck(
    designed: Coverage, lucky: Coverage, name: str
) -> None:
    """The distance from the stated shares falls to less than half."""
    near, far = designed[name].distance, lucky[name].distance
    assert near is not None
    assert far is not None
    assert near < 0.5 * far


def test_the_design_meets_more_pairs_than_luck(designed: Coverage, lucky: Coverage) -> None:
    """Of the pairs of area and occupation, and of occupation and age, register and poles."""
    met = [{pair.name: pair.met for pair in found.pairs} for found in (designed, lucky)]
    for name in ("area x occupation", "occupation x age_band", "occupation x register", "occupation x pole"):
        assert met[0][name] > met[1][name], name


def test_luck_meets_as_many_pairs_as_the_report_says(lucky: Coverage) -> None:
    """The number beside every pair is what a random sample has, to two in a hundred."""
    pairs = {pair.name: pair for pair in lucky.pairs}
    for name in ("area x occupation", "occupation x age_band", "gender x occupation"):
        assert pairs[name].met == pytest.approx(pairs[name].luck, rel=0.02)


@pytest.mark.parametrize("seed", [0, 1, 2], ids=["seed 0", "seed 1", "seed 2"])
def test_a_short_run_is_even_too(seed: int) -> None:
    """A hundred characters have the stated genders, ages and registers, and no area twice before most came once."""
    found = grid_coverage(sample_characters(100, seed=seed))
    for name in ("modern", "gender", "age_band", "register"):
        attribute = found[name]
        assert max(abs(attribute.counts[value] - 100 * share) for value, share in attribute.shares.items()) < 4
    assert found["area"].seen >= 40


def test_without_balance_the_first_characters_are_other_ones() -> None:
    """The argument does something, and both ways repeat themselves."""
    plain = list(sample_characters(20, seed=4, balance=False))
    assert plain == list(sample_characters(20, seed=4, balance=False))
    assert plain != list(sample_characters(20, seed=4))


# ---- filling up what is thin ----


def _skewed(count: int) -> list[Character]:
    """Characters of whom nine in ten men, most of them modern and casual."""
    found = (
        character
        for number, character in enumerate(sample_characters(20_000, seed=1, modern_share=0.9))
        if number % 10 == 0
        or (
            character.facts["basic_info"]["gender"] == "man"
            and character.facts["dialogue_style"]["register"] == "casual"
        )
    )
    return list(islice(found, count))


def test_topping_up_brings_a_skewed_set_nearer_to_the_tables() -> None:
    """In every attribute that was skewed; and far nearer than as many characters drawn without looking."""
    there = _skewed(2000)
    before = grid_coverage(there)
    more = list(sample_characters(2000, seed=2, against=before.counts))
    blind = list(sample_characters(2000, seed=2))
    after, unseen = grid_coverage([*there, *more]), grid_coverage([*there, *blind])
    for name in ("modern", "gender", "register"):
        assert before[name].distance > 0.1
        assert after[name].distance < 0.5 * before[name].distance
        assert after[name].distance < 0.6 * unseen[name].distance
    assert after["occupation"].distance < unseen["occupation"].distance


def test_topping_up_draws_first_what_is_missing_most() -> None:
    """Of a set without women and historical people come women and historical people."""
    counts = {"gender": {"man": 900}, "modern": {"modern": 900}}
    drawn = [character.facts for character in sample_characters(100, seed=3, against=counts)]
    assert sum(facts["basic_info"]["gender"] == "woman" for facts in drawn) >= 95
    assert sum(not facts["modern"] for facts in drawn) >= 95


def test_values_that_the_tables_do_not_have_count_for_nothing() -> None:
    """A set of wizards of Mordor says nothing about what is thin among bakers."""
    strange = {"occupation": {"wizard": 10_000}, "home": {"Mordor": 10_000}}
    drawn = grid_coverage(sample_characters(3000, seed=3, against=strange))
    assert drawn["occupation"].distance < 0.1
    assert drawn["area"].distance < 0.02


def test_topping_up_repeats_itself_and_extends() -> None:
    """The same set and seed give the same characters, and more of them begin with the fewer."""
    counts = {"register": {"formal": 50, "casual": 500}}
    longer = list(sample_characters(60, seed=3, against=counts))
    assert longer[:25] == list(sample_characters(25, seed=3, against=counts))


def test_topping_up_from_a_start_differs_from_the_first_characters() -> None:
    """Who stands before the start does not come again, and records tell which are added."""
    first = list(sample_characters(500, seed=6))
    counts = grid_coverage(first[:250]).counts
    more = list(sample_characters(200, seed=6, start=500, against=counts))
    who = [_who(character) for character in (*first, *more)]
    assert len(set(who)) == 700
    assert more[0].source.record == "6/500/top-up"


def _who(character: Character) -> tuple[Any, ...]:
    info = character.facts["basic_info"]
    return (character.facts["name"], info["occupation"], info["place"], info["era"], info["age"])


# ---- the choice itself ----


def _two_values() -> Balance:
    shares = {name: {"x": 0.75, "y": 0.25} for name in ("modern", "area", "home", "occupation")}
    shares |= {name: {"x": 0.75, "y": 0.25} for name in ("gender", "age_band", "register", "sentence_length", "pole")}
    pairs = {pair: {"x": {"x": 0.75, "y": 0.25}} for pair in DESIGNED}
    return Balance(Shares(shares, pairs, {}), choices=2)


def test_of_two_values_the_one_further_behind_its_share_is_ahead() -> None:
    """After x alone, y is behind; after one y too many, x is."""
    balance = _two_values()
    rows = balance.rows("gender", "area", "x")
    balance.note(rows, "x")
    balance.keep()
    assert balance.behind(rows, "y", "x")
    assert not balance.behind(rows, "x", "y")
    for _ in range(2):
        balance.note(rows, "y")
        balance.keep()
    assert balance.behind(rows, "x", "y")
    assert not balance.behind(rows, "x", "x")


def test_a_character_that_is_dropped_leaves_no_trace() -> None:
    """Only what is kept is counted."""
    balance = _two_values()
    rows = balance.rows("gender", "area", "x")
    balance.note(rows, "x")
    balance.drop()
    balance.keep()
    assert [row["x"][1] for row in rows] == [0.0, 0.0]


def test_a_value_that_nobody_is_promised_is_never_behind() -> None:
    """An unknown value loses to any known one."""
    balance = _two_values()
    assert not balance.behind(balance.rows("gender", "area", "nowhere"), "stranger", "x")
