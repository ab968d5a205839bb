"""What stages draw: the same again for the same seed, in the numbers asked for, fair over kinds and weights."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.generators.criteria import CRITERIA
from castwright.personas.card import KINDS, REGISTERS, DialogueStyle, PersonaCard
from castwright.personas.sources import BundledSource, GridSource, TableSource
from castwright.pipelines.contracts import row_digest, unit_draw
from castwright.pipelines.contrastive_pairs import balanced_personas, by_kind
from castwright.pipelines.inputs import Question
from castwright.pipelines.persona_cards import planned_sources
from castwright.pipelines.persona_responses import STAGE as PERSONA_RESPONSES
from castwright.pipelines.persona_responses import choose_shots
from castwright.pipelines.preference_pairs import draw_criteria
from castwright.pipelines.question_picks import pick_questions, questions_by_kind
from castwright.pipelines.recipe_file import validate_recipe
from castwright.pipelines.seed_examples import spread_cards
from castwright.pipelines.stage import Context

Row = dict[str, Any]

seeds = st.integers(0, 1_000)
keys = st.text(max_size=12)
counts = st.integers(0, 12)


def card_of(number: int, kind: str = "original", register: str = "neutral", modern: bool = True) -> PersonaCard:
    return PersonaCard.model_validate(
        {
            "name": f"Person {number}",
            "kind": kind,
            "modern": modern,
            "traits": ["patient"],
            "background": "They live here.",
            "dialogue_style": DialogueStyle.model_validate({"register": register}),
        }
    )


@st.composite
def some_cards(draw: st.DrawFn) -> list[PersonaCard]:
    """Up to 12 different cards over kinds and registers."""
    shapes = draw(st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(REGISTERS), st.booleans()), max_size=12))
    return [card_of(number, *shape) for number, shape in enumerate(shapes)]


@st.composite
def some_questions(draw: st.DrawFn) -> list[Question]:
    """Up to 15 questions of up to three kinds."""
    kinds = draw(st.lists(st.sampled_from(["iq", "eq", ""]), max_size=15))
    return [Question(f"q-{number}", f"Question {number}?", kind) for number, kind in enumerate(kinds)]


def is_balanced(chosen: Counter[str], available: Counter[str]) -> bool:
    """Return whether no kind that had more to give was taken less than another by more than one."""
    return all(
        chosen[one] >= chosen[other] - 1 or chosen[one] == available[one] for one in available for other in available
    )


@given(some_questions(), counts, seeds, keys)
def test_questions_are_picked_in_number_without_repeats_and_by_kinds_in_turn(
    questions: list[Question], count: int, seed: int, key: str
) -> None:
    """As many as asked for or there are, none twice, kinds balanced, and the order of the list does not matter."""
    picked = pick_questions(questions_by_kind(questions), count, seed, key)
    assert len(picked) == min(count, len(questions))
    assert len(set(picked)) == len(picked)
    assert is_balanced(Counter(q.kind for q in picked), Counter(q.kind for q in questions))
    assert pick_questions(questions_by_kind(questions[::-1]), count, seed, key) == picked


@given(some_questions(), seeds, keys)
def test_more_questions_begin_with_the_fewer(questions: list[Question], seed: int, key: str) -> None:
    """Asking for more questions later keeps those that were asked: their calls are paid for."""
    every = pick_questions(questions_by_kind(questions), len(questions), seed, key)
    for count in range(len(questions)):
        assert pick_questions(questions_by_kind(questions), count, seed, key) == every[:count]


def test_personas_are_asked_different_questions() -> None:
    """Over many personas every question is asked, none far more often than another."""
    questions = [Question(f"q-{n}", f"{n}?", "iq") for n in range(10)]
    asked = Counter(
        q.question_id for n in range(2_000) for q in pick_questions(questions_by_kind(questions), 1, 7, f"p-{n}")
    )
    assert set(asked) == {q.question_id for q in questions}
    assert max(asked.values()) < 1.5 * min(asked.values())


@given(some_cards(), counts, seeds)
def test_cards_are_spread_over_kind_and_register(cards: list[PersonaCard], count: int, seed: int) -> None:
    """As many as asked for or there are, none twice, and each (kind, register) in its turn."""
    chosen = spread_cards(cards, count, seed)
    assert len(chosen) == min(count, len(cards))
    assert len({card.persona_id for card in chosen}) == len(chosen)
    groups = [Counter(f"{c.kind}/{c.dialogue_style.register_}" for c in group) for group in (chosen, cards)]
    assert is_balanced(groups[0], groups[1])
    assert spread_cards(cards[::-1], count, seed) == chosen


@given(some_cards(), counts, seeds, keys)
def test_personas_of_a_question_are_balanced_over_kinds(
    cards: list[PersonaCard], count: int, seed: int, key: str
) -> None:
    """As many as asked for or there are, none twice; a kind that is used up leaves its turn to the others."""
    chosen = balanced_personas(by_kind(cards), count, seed, key)
    assert len(chosen) == min(count, len(cards))
    assert len({card.persona_id for card in chosen}) == len(chosen)
    assert is_balanced(Counter(c.kind for c in chosen), Counter(c.kind for c in cards))
    assert balanced_personas(by_kind(cards), count, seed, key) == chosen


@given(some_cards(), seeds, keys)
def test_more_personas_begin_with_the_fewer(cards: list[PersonaCard], seed: int, key: str) -> None:
    """Raising `per_question` keeps the answers that are there."""
    every = balanced_personas(by_kind(cards), len(cards), seed, key)
    for count in range(len(cards)):
        assert balanced_personas(by_kind(cards), count, seed, key) == every[:count]


def test_every_persona_gets_its_share_of_questions() -> None:
    """Over many questions, cards of one kind are drawn about equally often."""
    groups = by_kind([card_of(number, KINDS[number % 2]) for number in range(8)])
    drawn = Counter(balanced_personas(groups, 1, 3, f"question {n}")[0].name for n in range(2_000))
    assert len(drawn) == 8
    assert max(drawn.values()) < 1.5 * min(drawn.values())


def example_of(card: PersonaCard, number: int) -> Row:
    return {"row_id": f"r-{number}", "persona_id": card.persona_id, "question_id": f"q-{number}", "response": "Hm."}


@given(some_cards(), counts, st.randoms(use_true_random=False))
def test_shots_are_own_examples_first_then_the_nearest_voices(cards: list[PersonaCard], count: int, order: Any) -> None:
    """Own examples come first, and none comes after one that is like the card in less of the same."""
    examples = [example_of(card, number) for number, card in enumerate([*cards, *cards[:2]])]
    by_id = {card.persona_id: card for card in cards}
    shuffled = order.sample(examples, len(examples))
    for card in cards[:3]:
        shots = choose_shots(card, examples, by_id, count)
        assert len(shots) == min(count, len(examples))
        assert choose_shots(card, shuffled, by_id, count) == shots
        own = [shot["persona_id"] == card.persona_id for shot in shots]
        assert own == sorted(own, reverse=True)
        shared = [traits_shared(card, by_id[shot["persona_id"]]) for shot in shots]
        assert not any(after > before for before, after in combinations(shared, 2))


def traits_shared(card: PersonaCard, other: PersonaCard) -> set[str]:
    """Return in what two cards are alike, of what makes a voice near."""
    alike = {
        "persona": card.persona_id == other.persona_id,
        "register": card.dialogue_style.register_ == other.dialogue_style.register_,
        "modern": card.modern == other.modern,
        "kind": card.kind == other.kind,
    }
    return {name for name, same in alike.items() if same}


def test_an_example_of_a_card_that_is_gone_is_not_shown() -> None:
    """Examples of personas that are no longer in the run are left out."""
    here, gone = card_of(1), card_of(2)
    shots = choose_shots(here, [example_of(gone, 1), example_of(here, 2)], {here.persona_id: here}, 5)
    assert [shot["row_id"] for shot in shots] == ["r-2"]


def test_no_shot_answers_the_question_that_is_asked(tmp_path: Path) -> None:
    """Where a persona is asked what its example answers, another example is shown: none hands over the answer."""
    from castwright.personas.store import write_cards
    from castwright.pipelines.checkpoint import Manifest, write_manifest, write_table

    table = tmp_path / "questions.jsonl"
    table.write_text('{"question_id": "q-0", "question": "A?"}\n{"question_id": "q-1", "question": "B?"}\n')
    recipe = validate_recipe(
        {
            "name": "x",
            "questions": {"kind": "table", "path": str(table)},
            "persona_responses": {"per_persona": 2, "shots": 2},
        }
    )
    context = Context(recipe, tmp_path)
    cards = [card_of(number) for number in range(2)]
    (tmp_path / "persona_cards").mkdir()
    write_cards(cards, tmp_path / "persona_cards" / "part-00000.parquet")
    examples = [
        {**example_of(card, n), "question": f"{n}", "row_id": f"r-{card.name}-{n}"} for card in cards for n in (0, 1)
    ]
    write_table(examples, "seed_examples", tmp_path / "seed_examples")
    for stage in ("persona_cards", "seed_examples"):
        write_manifest(tmp_path / stage, Manifest(stage, "", 0, 0))
    assert PERSONA_RESPONSES.prepare is not None
    rows = [row for row in PERSONA_RESPONSES.prepare(context) if isinstance(row, dict)]
    assert len(rows) == 4
    for row in rows:
        shown = row["shot_ids"]
        assert shown.count("r-Person") == 2
        assert f'-{row["question_id"][-1]}"' not in shown


weights = st.dictionaries(st.sampled_from(sorted(CRITERIA)), st.floats(0, 50), max_size=len(CRITERIA))


@given(weights, counts, seeds, keys)
def test_criteria_are_drawn_in_number_without_repeats_and_never_at_zero(
    chances: dict[str, float], count: int, seed: int, key: str
) -> None:
    """As many as asked for or as have a weight; the same for the same seed and row."""
    drawn = draw_criteria(chances, count, seed, key)
    usable = {name for name, weight in chances.items() if weight > 0}
    assert len(drawn) == min(count, len(usable))
    assert len(set(drawn)) == len(drawn)
    assert set(drawn) <= usable
    assert draw_criteria(dict(reversed(chances.items())), count, seed, key) == drawn


def test_criteria_follow_their_weights() -> None:
    """Over many rows a criterion is drawn in proportion to its weight (within five standard deviations)."""
    chances = {"verbose": 6.0, "formal_tone": 3.0, "disengaged": 1.0, "repetitive": 0.0}
    rows = 5_000
    drawn = Counter(draw_criteria(chances, 1, 1, f"r-{n}")[0] for n in range(rows))
    for name, weight in chances.items():
        share = weight / 10
        assert abs(drawn[name] - rows * share) <= 5 * (rows * share * (1 - share)) ** 0.5


def test_only_the_ratio_of_weights_matters() -> None:
    """Weights of 1 to 3 draw as weights a thousand times smaller or larger do."""
    drawn = [
        [draw_criteria({"verbose": scale, "formal_tone": 3 * scale}, 1, 0, str(n)) for n in range(500)]
        for scale in (1e-3, 1.0, 1e3)
    ]
    assert drawn[0] == drawn[1] == drawn[2]


def context_of(seed: int, validation: float, test: float) -> Context:
    recipe = validate_recipe({"name": "x", "seed": seed, "export": {"validation": validation, "test": test}})
    return Context(recipe, Path("nowhere"))


@given(keys, seeds, st.floats(0, 0.5, exclude_max=True), st.floats(0, 0.5, exclude_max=True))
def test_a_key_has_one_split(key: str, seed: int, validation: float, test: float) -> None:
    """The split depends on key, seed and shares alone; a share of nothing is never drawn."""
    split = context_of(seed, validation, test).split(key)
    assert split == context_of(seed, validation, test).split(key)
    assert split in ("train", "validation", "test")
    assert split != "validation" or validation > 0
    assert split != "test" or test > 0


@given(keys, seeds, st.floats(0, 0.3), st.floats(0, 0.3))
def test_a_larger_test_share_takes_no_key_out_of_the_test_split(
    key: str, seed: int, smaller: float, more: float
) -> None:
    """What was held out stays held out when the share grows."""
    if context_of(seed, 0.1, smaller).split(key) == "test":
        assert context_of(seed, 0.1, smaller + more).split(key) == "test"


def test_splits_have_their_shares() -> None:
    """Over many keys each split has about its share."""
    context = context_of(3, 0.2, 0.1)
    found = Counter(context.split(f"p-{n}") for n in range(5_000))
    assert abs(found["validation"] / 5_000 - 0.2) < 0.03
    assert abs(found["test"] / 5_000 - 0.1) < 0.03


@given(st.lists(st.text(max_size=5), max_size=4))
def test_draws_and_ids_depend_on_their_parts_alone(parts: list[str]) -> None:
    """A draw is in [0, 1), an id has its form, and both change with a part."""
    assert 0 <= unit_draw(*parts) < 1
    assert unit_draw(*parts) == unit_draw(*parts) != unit_draw(*parts, "x")
    assert row_digest(*parts) == row_digest(*parts) != row_digest(*parts, "x")
    assert len(row_digest(*parts)) == 22


@settings(max_examples=30)
@given(st.none() | st.integers(1, 500), st.none() | st.integers(1, 500))
def test_a_grid_gives_its_count_and_other_sources_what_is_wanted(count: int | None, own: int | None) -> None:
    """Sources keep their order; a grid's own count is its bound, every other source may give all."""
    sources = (
        BundledSource(kind="bundled"),
        GridSource(kind="grid", count=own),
        TableSource(kind="table", path="x.csv"),
    )
    planned = planned_sources(sources, count)
    assert [source for source, _ in planned] == list(sources)
    assert [most for _, most in planned] == [count, own if own is not None else count, count]


def cards_prepared(sources: list[Row], count: int | None, limit: int | None = None) -> list[Row]:
    from castwright.pipelines.persona_cards import STAGE

    recipe = validate_recipe({"name": "x", "personas": {"count": count, "sources": sources}})
    assert STAGE.prepare is not None
    return [row for row in STAGE.prepare(Context(recipe, Path("nowhere"), limit)) if isinstance(row, dict)]


@pytest.mark.parametrize(
    ("sources", "count", "expected"),
    [
        pytest.param([{"kind": "grid"}], 5, {"grid": 5}, id="a grid alone"),
        pytest.param(
            [{"kind": "grid", "count": 3}, {"kind": "bundled"}], 7, {"grid": 3, "bundled": 4}, id="grid first"
        ),
        pytest.param([{"kind": "bundled"}, {"kind": "grid"}], 4, {"bundled": 4}, id="enough before the grid"),
        pytest.param([{"kind": "grid", "count": 3}], 9, {"grid": 3}, id="fewer than wanted"),
    ],
)
def test_sources_fill_the_count_in_their_order(sources: list[Row], count: int, expected: dict[str, int]) -> None:
    """Each source gives what is still missing, a grid no more than its own count."""
    rows = cards_prepared(sources, count)
    found = Counter(name for row in rows for name in ("grid", "bundled") if f"castwright-{name}" in row["source"])
    assert found == expected
    assert len({row["row_id"] for row in rows}) == len(rows)


def test_a_preview_shows_every_source() -> None:
    """With a limit each source gives its part of the few rows."""
    rows = cards_prepared([{"kind": "bundled"}, {"kind": "grid"}], 100, limit=4)
    assert len(rows) == 4
    assert {"castwright-bundled" in row["source"] for row in rows} == {True, False}
