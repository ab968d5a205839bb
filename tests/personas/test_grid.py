"""The grid: that its characters are different, repeatable and coherent, and that bad tables are explained."""

from __future__ import annotations

import re
import textwrap
import time
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.errors import SourceError
from castwright.personas import grid_files
from castwright.personas.card import PersonaCard
from castwright.personas.character import Character, complete_card
from castwright.personas.grid import load_tables, sample_characters
from castwright.personas.grid_contexts import (
    Context,
    Picker,
    historical_contexts,
    modern_contexts,
    with_article,
)
from castwright.personas.grid_tables import GridTables

VOCABULARY = [
    "answers a question with a question first",
    "lists things in threes",
    r"uses (sailing|cooking|gardening|weather|music|machine|sporting|farming|sewing|military|theatre"
    r"|mathematical|road|animal) metaphors",
    "quotes proverbs",
    "addresses people as '.+'",
    "apologises before disagreeing",
    "ends with a bit of advice",
    "trails off with an ellipsis",
    "uses dry humour",
    "exclaims often",
    "speaks of themself in the third person",
    "numbers every point",
    "brings food into everything",
    "understates everything",
    "repeats the last word for emphasis",
    "swears by .+",
    "hedges every claim",
    "starts with a sigh",
    "laughs at their own jokes",
    "drops in words from their trade",
]

SMALL: dict[str, Any] = {
    "modern_era": "present day",
    "regions": {"Coast": {"Port, Land": {"names": {"folk": 1}}}},
    "settings": [
        {
            "place": "Old Port",
            "era": "Age of Sail",
            "names": {"folk": 1},
            "registers": {"archaic": 1},
            "occupations": {"net mender": [15, 16]},
        }
    ],
    "names": {"folk": {"women": ["Ada"], "men": ["Bo"], "family": ["Reed"]}},
    "excluded_names": [],
    "occupations": {"sea": {"jobs": {"fisher": {"ages": [20, 21], "only": ["modern"]}}}},
    "genders": {"woman": 1, "man": 1},
    "modern_registers": [{"ages": [0, 120], "weights": {"neutral": 1}}],
    "sentence_lengths": {"neutral": {"short": 1}, "archaic": {"long": 1}},
    "counts": {"traits": {1: 1}, "catchphrases": {0: 1}, "quirks": {1: 1}, "relationships": {1: 1}},
    "lean_factor": 2,
    "traits": {"calm+": ["calm", "steady"], "calm-": ["anxious"]},
    "quirks": [{"quirk": "hums a tune"}, {"quirk": "whistles"}],
    "catchphrases": [],
    "relationships": [{"text": "neighbour of {name}", "gap": [0, 0]}],
    "clashes": {},
}


@pytest.fixture(scope="module")
def sample() -> list[Character]:
    """5,000 characters of one seed, half of them historical."""
    return list(sample_characters(5000, seed=5, modern_share=0.5))


@pytest.fixture(scope="module")
def contexts() -> dict[tuple[str, str], Context]:
    """The shipped places and settings by (place, era)."""
    tables = load_tables()
    pickers = (modern_contexts(tables), historical_contexts(tables))
    return {(found.place, found.era): found for picker in pickers for found in _all(picker)}


def _all(picker: Picker[Any]) -> tuple[Any, ...]:
    return tuple(picker.pick((number + 0.5) / 5000) for number in range(5000))


def _job(character: Character, contexts: dict[tuple[str, str], Context]) -> Any:
    info = character.facts["basic_info"]
    jobs = {job.title: job for job in contexts[info["place"], info["era"]].jobs}
    return jobs[info["occupation"]]


def _small(**changes: Any) -> GridTables:
    return GridTables.model_validate({**SMALL, **changes})


# ---- how characters stream ----


def test_the_same_seed_gives_the_same_characters() -> None:
    """Two runs of one seed agree in every field."""
    assert list(sample_characters(200, seed=9)) == list(sample_characters(200, seed=9))


def test_the_characters_of_a_seed_are_pinned_across_processes() -> None:
    """The draw depends on no hash seed and no clock: a fresh interpreter gives these very names."""
    import os
    import subprocess
    import sys

    code = (
        "from castwright.personas.grid import sample_characters as s;"
        "print([(c.facts['name'], c.facts['traits'], c.facts['dialogue_style']) for c in s(40, 1)])"
    )
    outputs = {
        subprocess.run(  # noqa: S603 (our own interpreter and code)
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_another_seed_gives_other_characters() -> None:
    """Seeds do not share characters to speak of."""
    first = {character.facts["name"] for character in sample_characters(100, seed=1)}
    second = {character.facts["name"] for character in sample_characters(100, seed=2)}
    assert len(first & second) < 10


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(), shorter=st.integers(0, 20), longer=st.integers(20, 40))
def test_a_longer_run_extends_a_shorter_one(seed: int, shorter: int, longer: int) -> None:
    """Whatever the seed, the first n of m characters are those of a run of n."""
    assert list(sample_characters(longer, seed))[:shorter] == list(sample_characters(shorter, seed))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(), start=st.integers(0, 30), count=st.integers(0, 10))
def test_a_later_start_gives_the_same_characters_at_the_same_index(seed: int, start: int, count: int) -> None:
    """`start` skips, it does not reshuffle."""
    whole = list(sample_characters(start + count, seed))
    assert list(sample_characters(count, seed, start=start)) == whole[start:]


def test_a_later_start_still_avoids_the_characters_before_it() -> None:
    """With tables for few characters, what follows `start` differs from what stands before it."""
    tables = _small()
    whole = list(sample_characters(2, seed=4, tables=tables, modern_share=1))
    assert list(sample_characters(1, seed=4, tables=tables, modern_share=1, start=1)) == whole[1:]


def test_sampling_streams() -> None:
    """The first characters of a very long run come at once."""
    assert len(list(islice(sample_characters(10**9), 3))) == 3


def test_a_hundred_thousand_characters_are_all_different() -> None:
    """100,000 differ in who they are and in how they are, in seconds."""
    who, how = set(), set()
    begun = time.process_time()
    for character in sample_characters(100_000, seed=3):
        facts = character.facts
        info, style = facts["basic_info"], facts["dialogue_style"]
        who.add((facts["name"], info["occupation"], info["place"], info["era"]))
        words = (*sorted(facts["traits"]), 0, *sorted(style["quirks"]), 0, *sorted(style["catchphrases"]))
        how.add((words, style["register"], style["sentence_length"]))
    assert len(who) == len(how) == 100_000
    assert time.process_time() - begun < 60  # a bound for slow shared machines; 2 to 6 s are usual


# ---- what a character is ----


def test_every_character_makes_a_card_once_it_has_a_background(sample: list[Character]) -> None:
    """The facts lack nothing but the background that a model writes."""
    for character in sample[:1000]:
        assert complete_card(character) is None
        facts = {**character.facts, "background": "Grew up by the river."}
        card = complete_card(character.model_copy(update={"facts": facts}))
        assert isinstance(card, PersonaCard)
        assert card.name == character.facts["name"]
        assert card.basic_info.relationships == tuple(character.facts["basic_info"]["relationships"])


def test_every_character_has_the_promised_shape(sample: list[Character]) -> None:
    """Counts, kinds and source are those of the contract, and nothing a model should write is there."""
    for number, character in enumerate(sample):
        facts = character.facts
        info, style = facts["basic_info"], facts["dialogue_style"]
        assert "background" not in facts
        assert "example_lines" not in facts
        assert (facts["kind"], facts["language"], character.text) == ("original", "en", "")
        assert 3 <= len(facts["traits"]) <= 5
        assert len(style["catchphrases"]) <= 2
        assert 1 <= len(style["quirks"]) <= 3
        assert 1 <= len(info["relationships"]) <= 3
        assert character.source.record == f"5/{number}"
        assert (character.source.dataset, character.source.licence) == ("castwright-grid", "CC0-1.0")


def test_age_and_gender_fit_the_occupation(sample: list[Character], contexts: dict[tuple[str, str], Context]) -> None:
    """Nobody is younger or older than their trade allows, and the trade exists where they live."""
    for character in sample:
        info, job = character.facts["basic_info"], _job(character, contexts)
        assert job.youngest <= info["age"] <= job.oldest
        assert job.gender in (None, info["gender"])


def test_the_register_fits_the_setting(sample: list[Character], contexts: dict[tuple[str, str], Context]) -> None:
    """Archaic speech is historical, and a setting's characters speak its registers."""
    for character in sample:
        info, register = character.facts["basic_info"], character.facts["dialogue_style"]["register"]
        if character.facts["modern"]:
            assert register != "archaic"
        else:
            assert register in contexts[info["place"], info["era"]].setting_registers


def test_young_modern_people_speak_more_casually(sample: list[Character]) -> None:
    """The conditional weights show in the sample."""
    shares = []
    for ages in (range(18, 30), range(55, 95)):
        people = [c.facts for c in sample if c.facts["modern"] and c.facts["basic_info"]["age"] in ages]
        casual = [facts for facts in people if facts["dialogue_style"]["register"] == "casual"]
        shares.append(len(casual) / len(people))
    assert shares[0] > shares[1] + 0.2


def test_no_trait_contradicts_another(sample: list[Character]) -> None:
    """At most one trait of a Big-Five factor, and no two that the tables call clashing."""
    tables = load_tables()
    factor = {trait: pole[:-1] for pole, traits in tables.traits.items() for trait in traits}
    for character in sample:
        factors = [factor[trait] for trait in character.facts["traits"]]
        assert len(factors) == len(set(factors))


def test_nothing_on_a_card_clashes(sample: list[Character]) -> None:
    """Traits, register, sentence length, quirks and catchphrases go together pair by pair."""
    tables = load_tables()
    clashing = {frozenset({one, other}) for one, others in tables.clashes.items() for other in others}
    templates = {
        "uses {} metaphors": " metaphors",
        "swears by {}": "swears by ",
        "addresses people as '{}'": " as '",
    }
    for character in sample:
        style = character.facts["dialogue_style"]
        words = {*character.facts["traits"], style["register"], style["sentence_length"], *style["quirks"]}
        words |= {name for name, mark in templates.items() for quirk in style["quirks"] if mark in quirk}
        assert not [pair for pair in combinations(sorted(words), 2) if frozenset(pair) in clashing]


def test_quirks_are_of_the_shared_vocabulary_and_of_different_kinds(sample: list[Character]) -> None:
    """Every quirk is one the card writers and the offline model know, and no template comes twice."""
    for character in sample:
        kinds = []
        for quirk in character.facts["dialogue_style"]["quirks"]:
            kinds += [number for number, form in enumerate(VOCABULARY) if re.fullmatch(form, quirk)]
        assert len(kinds) == len(set(kinds)) == len(character.facts["dialogue_style"]["quirks"])


def test_catchphrases_fit_place_and_register(sample: list[Character], contexts: dict[tuple[str, str], Context]) -> None:
    """Nobody swears by Jupiter in Osaka or says "No worries" in the formal register."""
    for character in sample:
        info, style = character.facts["basic_info"], character.facts["dialogue_style"]
        fitting = contexts[info["place"], info["era"]].phrases(style["register"])
        assert set(style["catchphrases"]) <= set(fitting)


def test_the_unmarried_have_neither_spouse_nor_children(
    sample: list[Character], contexts: dict[tuple[str, str], Context]
) -> None:
    """A friar is nobody's husband, and nobody is married to a friar."""
    unmarried = {job.noun for context in contexts.values() for job in context.jobs if job.unmarried}
    family = re.compile(r"^(married|engaged|widow|mother|father|grandmother|grandfather)")
    seen = 0
    for character in sample:
        ties = [tie for tie in character.facts["basic_info"]["relationships"] if family.match(tie)]
        if _job(character, contexts).unmarried:
            seen += 1
            assert not ties
        assert not [tie for tie in ties if tie.split(", ", 1)[1] in unmarried]
    assert seen > 20


def test_relationships_suit_age_and_gender(sample: list[Character]) -> None:
    """Mothers are women old enough, spouses grown up, and one has one spouse at most."""
    for character in sample:
        info = character.facts["basic_info"]
        ties = info["relationships"]
        assert sum(tie.startswith(("married", "engaged", "widow")) for tie in ties) <= 1
        for tie in ties:
            if tie.startswith(("mother", "daughter", "older sister", "widow of")):
                assert info["gender"] == "woman"
            if child := re.match(r"(?:mother|father) of \S+.*, (\d+)$", tie):
                assert info["age"] - int(child[1]) >= 20


# ---- the shipped tables ----


def test_nobody_is_a_minor(sample: list[Character], contexts: dict[tuple[str, str], Context]) -> None:
    """Ages begin at 18, in every occupation of every place and setting and so in what is drawn."""
    assert min(job.youngest for context in contexts.values() for job in context.jobs) >= 18
    assert min(character.facts["basic_info"]["age"] for character in sample) >= 18


def test_every_pole_has_words_enough_and_none_stands_in_two() -> None:
    """Both poles of the five factors have eight words and more, no word in two of them."""
    traits = load_tables().traits
    assert len(traits) == 10
    assert min(len(words) for words in traits.values()) >= 8
    words = [word for found in traits.values() for word in found]
    assert len(words) == len(set(words))


def test_the_tables_are_as_rich_as_promised() -> None:
    """Places, regions, settings, occupations, traits and catchphrases in the promised numbers."""
    tables = load_tables()
    modern, historical = _all(modern_contexts(tables)), _all(historical_contexts(tables))
    assert len({context.place for context in modern}) >= 40
    assert len(tables.regions) >= 16
    assert len(tables.settings) >= 14
    assert len({job.title for context in modern for job in context.jobs}) >= 90
    assert min(len(context.jobs) for context in historical) >= 12
    assert sum(len(traits) for traits in tables.traits.values()) >= 60
    assert len({text for context in modern for text in _phrases(context)}) >= 60
    assert len({text for context in historical for text in _phrases(context)}) >= 40


def _phrases(context: Context) -> set[str]:
    return {text for register in ("casual", "neutral", "formal", "archaic") for text in context.phrases(register)}


def test_no_modern_occupation_exists_in_a_historical_setting() -> None:
    """No app developer in Edo, no mobile phone repairer in Rome."""
    tables = load_tables()
    pools = [field for field in tables.occupations.values() if "modern" in field.only]
    own = {title for setting in tables.settings for title in setting.occupations}
    own |= {title for field in tables.occupations.values() if field not in pools for title in field.jobs}
    modern = {title for field in pools for title in field.jobs} - own
    assert "app developer" in modern
    for context in _all(historical_contexts(tables)):
        assert not modern & {job.title for job in context.jobs}


def test_every_given_name_of_a_sample_belongs_to_its_place(sample: list[Character]) -> None:
    """Names are drawn from the cultures that live in a place."""
    tables = load_tables()
    cultures = {name: place.names for places in tables.regions.values() for name, place in places.items()}
    for character in sample:
        if character.facts["modern"]:
            tables_here = [tables.names[culture] for culture in cultures[character.facts["basic_info"]["place"]]]
            lists = [
                (*table.women, *table.men, *table.neutral, *table.elder_women, *table.elder_men)
                for table in tables_here
            ]
            assert any(given in character.facts["name"] for names in lists for given in names)


def test_well_known_people_are_never_drawn(sample: list[Character]) -> None:
    """A full name on the list of exclusions does not come up."""
    tables = load_tables()
    assert tables.excluded_names
    assert not {character.facts["name"] for character in sample} & set(tables.excluded_names)


@pytest.mark.parametrize("share", [0.0, 1.0], ids=["all historical", "all modern"])
def test_the_modern_share_is_kept(share: float) -> None:
    """At the ends of the scale there is only one kind."""
    assert {character.facts["modern"] for character in sample_characters(100, modern_share=share)} == {share == 1}


# ---- running out, and wrong arguments ----


def test_small_tables_run_out_with_the_number_that_was_found() -> None:
    """Six ways to be (three traits, two quirks) end at six characters, and the error says so."""
    found: list[Character] = []
    with pytest.raises(SourceError, match=r"gave 6 different characters, not 50.*ask for fewer, or add"):
        found.extend(sample_characters(50, tables=_small(names=_TALKATIVE), modern_share=1))
    assert len(found) == 6


_TALKATIVE = {"folk": {"women": ["Ada", "Ea"], "men": ["Bo", "Jo"], "family": ["Reed", "Holm", "Dale"]}}


def test_tables_that_never_fit_end_too() -> None:
    """When every draw clashes, the first character is already given up on."""
    tables = _small(clashes={"neutral": ["calm", "steady", "anxious"]})
    with pytest.raises(SourceError, match="gave 0 different characters"):
        next(sample_characters(1, tables=tables, modern_share=1))


def test_a_culture_without_names_for_any_gender_drawn_ends_too() -> None:
    """Only non-binary people asked for, but no neutral names: an error, no crash."""
    with pytest.raises(SourceError, match="gave 0 different characters"):
        next(sample_characters(1, tables=_small(genders={"non-binary": 1}), modern_share=1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"count": -1}, "count is -1", id="negative count"),
        pytest.param({"count": 1, "start": -2}, "start is -2", id="negative start"),
        pytest.param({"count": 1, "modern_share": 1.5}, "modern_share is 1.5", id="share above one"),
        pytest.param({"count": 1, "modern_share": float("nan")}, "modern_share is nan", id="share not a number"),
    ],
)
def test_a_wrong_argument_is_refused_at_once(arguments: dict[str, Any], message: str) -> None:
    """The call itself raises, not the first character."""
    with pytest.raises(SourceError, match=message):
        sample_characters(**arguments)


# ---- users' tables ----


def _write(folder: Path, tables: dict[str, Any] | str) -> Path:
    file = folder / "mine.yaml"
    text = tables if isinstance(tables, str) else yaml.safe_dump(tables, allow_unicode=True, sort_keys=False)
    file.write_text(text, encoding="utf-8")
    return file


def test_a_users_file_replaces_the_tables(tmp_path: Path) -> None:
    """A complete file of one's own is used, with quirks outside our vocabulary."""
    tables = load_tables(_write(tmp_path, SMALL))
    assert tables == _small()
    (character,) = sample_characters(1, tables=tables, modern_share=1)
    assert character.facts["dialogue_style"]["quirks"][0] in {"hums a tune", "whistles"}


def test_sections_left_out_come_from_the_shipped_tables(tmp_path: Path) -> None:
    """Who only wants other places writes only these, and the names they use."""
    text = "regions:\n  Moon:\n    Copernicus, Moon: {names: {dutch: 1}}\n"
    tables = load_tables(_write(tmp_path, text))
    assert tables.traits == load_tables().traits
    characters = list(sample_characters(30, tables=tables, modern_share=1))
    assert {character.facts["basic_info"]["place"] for character in characters} == {"Copernicus, Moon"}


def test_an_occupation_can_depend_on_place_and_gender(tmp_path: Path) -> None:
    """Factors multiply: of a tag in the context's own weights, of a gender where its people are drawn."""
    text = """
occupations:
  sea:
    given: {coast: 10}
    jobs:
      fisher: {ages: [20, 60], given: {woman: 0.5, Bergen: 2}}
  land:
    jobs:
      shepherd: [20, 60]
"""
    tables = load_tables(_write(tmp_path, text))
    places = {context.place: context for context in _all(modern_contexts(tables))}
    shares = {
        (place, gender): next(share for job, share in places[place].jobs_of(gender).shares() if job.title == "fisher")
        for place in ("Bergen, Norway", "Aarhus, Denmark", "Tampere, Finland")
        for gender in ("woman", "man")
    }
    assert shares["Tampere, Finland", "man"] == pytest.approx(1 / 2)
    assert shares["Tampere, Finland", "woman"] == pytest.approx(0.5 / 1.5)
    assert shares["Aarhus, Denmark", "man"] == pytest.approx(10 / 11)
    assert shares["Bergen, Norway", "woman"] == pytest.approx(10 / 11)


def test_the_documented_example_of_own_tables_can_be_used(tmp_path: Path) -> None:
    """The file in the module's docstring loads, and what it makes conditional shows in the draws."""
    assert grid_files.__doc__ is not None
    example = textwrap.dedent(grid_files.__doc__[grid_files.__doc__.index("    occupations:\n") :])
    tables = load_tables(_write(tmp_path, example))
    drawn = [character.facts for character in sample_characters(2000, seed=2, tables=tables, modern_share=1)]
    trades = {facts["basic_info"]["occupation"] for facts in drawn}
    assert trades == {"crane driver", "fish auctioneer", "net mender", "miller", "potter"}
    cranes = [facts["basic_info"]["gender"] for facts in drawn if facts["basic_info"]["occupation"] == "crane driver"]
    assert 0 < cranes.count("woman") < 0.75 * cranes.count("man")
    registers = {
        facts["dialogue_style"]["register"]
        for facts in drawn
        if facts["basic_info"]["age"] < 40 and facts["basic_info"]["occupation"] != "fish auctioneer"
    }
    assert registers == {"casual", "neutral"}


def test_a_folder_of_files_is_read_as_one(tmp_path: Path) -> None:
    """Sections may be shared out over files."""
    (tmp_path / "a.yaml").write_text("modern_era: next year\n", encoding="utf-8")
    (tmp_path / "b.yml").write_text("lean_factor: 7\n", encoding="utf-8")
    tables = load_tables(tmp_path)
    assert (tables.modern_era, tables.lean_factor) == ("next year", 7)


_BAD_CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown section": ({"traitz": {}}, r"unknown key 'traitz' \(did you mean 'traits'\?\).*remove the key"),
    "unknown key in a place": (
        {"regions": {"Coast": {"Port": {"names": {"folk": 1}, "wieght": 2}}}},
        r"regions\.Coast\.Port\.wieght: unknown key 'wieght' \(did you mean 'weight'\?\)",
    ),
    "empty list": ({"traits": {"calm+": []}}, r"traits\.calm\+: .*at least 1 item.*at least one entry"),
    "youngest above oldest": (
        {"occupations": {"sea": {"jobs": {"fisher": [40, 20]}}}},
        r"occupations\.sea\.jobs\.fisher\.ages: the youngest age, 40, is above the oldest, 20",
    ),
    "setting without names": (
        {"settings": [{**SMALL["settings"][0], "names": {}}]},
        r"settings\.0\.names: .*at least 1 item",
    ),
    "setting of an unknown culture": (
        {"settings": [{**SMALL["settings"][0], "names": {"folks": 1}}]},
        r"settings\.0\.names\.folks: unknown naming culture 'folks' \(did you mean 'folk'\?\)",
    ),
    "missing key": (
        {"settings": [{key: value for key, value in SMALL["settings"][0].items() if key != "era"}]},
        r"settings\.0\.era: Field required; add the key",
    ),
    "region without places": ({"regions": {"Coast": {}}}, r"regions\.Coast: no places in region 'Coast'"),
    "weight of zero": ({"genders": {"woman": 0}}, r"genders\.woman: .*greater than 0.*above zero"),
    "unknown register": (
        {"sentence_lengths": {"posh": {"short": 1}}},
        r"sentence_lengths\.posh: Input should be 'casual', 'neutral', 'formal' or 'archaic'",
    ),
    "archaic modern people": (
        {"modern_registers": [{"ages": [0, 120], "weights": {"archaic": 1}}]},
        r"modern_registers\.0\.weights: 'archaic' is for historical settings alone",
    ),
    "ages without a register": (
        {"modern_registers": [{"ages": [0, 40], "weights": {"neutral": 1}}]},
        r"modern_registers: no band covers the age 41",
    ),
    "register without sentence lengths": (
        {"sentence_lengths": {"neutral": {"short": 1}}},
        r"sentence_lengths: no sentence lengths for the register 'archaic'",
    ),
    "a name that YAML reads as false": (
        {"names": {"folk": {"women": [False], "men": ["Bo"], "family": ["Reed"]}}},
        r"names\.folk\.women\.0: .*valid string; write a text; quote words",
    ),
    "pattern with an unknown part": (
        {"names": {"folk": {"women": ["A"], "men": ["B"], "pattern": "{given} {clan}"}}},
        r"names\.folk: pattern '\{given\} \{clan\}' must hold \{given\}",
    ),
    "pattern without its family names": (
        {"names": {"folk": {"women": ["A"], "men": ["B"]}}},
        r"names\.folk: pattern '\{given\} \{family\}' needs a list `family`",
    ),
    "tag that no place has": (
        {"quirks": [{"quirk": "whistles", "only": ["modren"]}]},
        r"quirks\.0\.only\.modren: unknown tag 'modren' \(did you mean 'modern'\?\)",
    ),
    "lean towards an unknown pole": (
        {"occupations": {"sea": {"leans": ["calm*"], "jobs": {"fisher": [20, 21]}}}},
        r"occupations\.sea\.leans\.calm\*: unknown Big-Five pole 'calm\*'",
    ),
    "factor for an unknown tag": (
        {"occupations": {"sea": {"given": {"coats": 2}, "jobs": {"fisher": [20, 21]}}}},
        r"occupations\.sea\.given\.coats: unknown tag or gender 'coats' \(did you mean 'Coast'\?\)",
    ),
    "clash of an unknown word": (
        {"clashes": {"calm": ["whistle"]}},
        r"clashes\.calm\.whistle: unknown trait, quirk or style 'whistle' \(did you mean 'whistles'\?\)",
    ),
    "more traits than factors": (
        {"counts": {**SMALL["counts"], "traits": {2: 1}}},
        r"counts\.traits: 2 traits cannot be given: `traits` has 1 factors",
    ),
    "place without occupations": (
        {"occupations": {"sea": {"only": ["historical"], "jobs": {"fisher": [20, 21]}}}},
        r"regions\.Coast\.Port, Land: no occupation of `occupations` exists in 'Port, Land'",
    ),
    "open quirk without fills": (
        {"quirks": [{"quirk": "swears by {}"}]},
        r"quirks\.0: quirk 'swears by \{\}' must",
    ),
    "relationship without a name": (
        {"relationships": [{"text": "a hermit", "gap": [0, 0]}]},
        r"relationships\.0\.text: 'a hermit' must hold \{name\}",
    ),
}


@pytest.mark.parametrize(("changes", "message"), [pytest.param(*bad, id=words) for words, bad in _BAD_CHANGES.items()])
def test_a_wrong_table_is_explained_with_file_line_key_and_remedy(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    """One line names the file, the line and column, the key, what is wrong and what to do."""
    file = _write(tmp_path, {**SMALL, **changes})
    with pytest.raises(SourceError, match=rf"^{re.escape(str(file))}:\d+:\d+: .*{message}") as raised:
        load_tables(file)
    assert "\n" not in str(raised.value)
    assert ";" in str(raised.value)


def test_the_line_in_an_error_is_that_of_the_wrong_value(tmp_path: Path) -> None:
    """Line and column lead to the value itself."""
    text = "modern_era: now\ngenders:\n  woman: 1\n  man: lots\n"
    with pytest.raises(SourceError, match=r"mine\.yaml:4:8: genders\.man: "):
        load_tables(_write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("genders: {woman: 1", r":\d+:\d+: not valid YAML", id="broken YAML"),
        pytest.param("- a list\n", "tables are a mapping of sections", id="no mapping"),
        pytest.param("", "tables are a mapping of sections", id="empty file"),
        pytest.param("genders: {woman: 1, woman: 2}\n", r":1:21: the key 'woman' stands here twice", id="a key twice"),
    ],
)
def test_a_file_that_is_no_table_is_explained(tmp_path: Path, text: str, message: str) -> None:
    """What cannot be read as tables is said so, never a traceback."""
    with pytest.raises(SourceError, match=message):
        load_tables(_write(tmp_path, text))


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    """A path that is not there names itself."""
    with pytest.raises(SourceError, match=r"nowhere\.yaml: cannot be read"):
        load_tables(tmp_path / "nowhere.yaml")


def test_an_empty_folder_is_explained(tmp_path: Path) -> None:
    """A folder without YAML files says what belongs there."""
    with pytest.raises(SourceError, match="no YAML file in this folder"):
        load_tables(tmp_path)


def test_a_section_in_two_files_is_explained(tmp_path: Path) -> None:
    """Which of two would win is not left to the alphabet."""
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("modern_era: now\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"b\.yaml:1:13: the section 'modern_era' stands in .*a\.yaml too"):
        load_tables(tmp_path)


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        pytest.param("baker", "a baker", id="consonant"),
        pytest.param("apprentice electrician", "an apprentice electrician", id="vowel"),
        pytest.param("university lecturer", "a university lecturer", id="vowel spoken as a consonant"),
        pytest.param("unemployed graduate", "an unemployed graduate", id="un spoken as a vowel"),
        pytest.param("heir", "an heir", id="silent h"),
        pytest.param("hospital porter", "a hospital porter", id="spoken h"),
    ],
)
def test_nouns_take_the_right_article(noun: str, expected: str) -> None:
    """Articles go by sound."""
    assert with_article(noun) == expected
