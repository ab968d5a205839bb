"""The steps that judge two texts of one row: what is measured, what is dropped and why, what is left alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from distilabel.pipeline import Pipeline
from hypothesis import given
from hypothesis import strategies as st

from castwright.filters.answer_check import VerifyAnswer
from castwright.filters.parents import FollowParents, follow_parents
from castwright.filters.preference_lint import LintPreference, length_ratio, pair_reason
from castwright.filters.rewrite_gate import AcceptRewrite
from castwright.filters.row_similarity import row_similarities
from castwright.filters.style_pair import CheckStylePair, style_pair_reason

Row = dict[str, Any]

DROPPED = {"verdict": "drop", "filter": "before", "reason": "the server said no"}
KEPT = {"verdict": "keep", "filter": "", "reason": ""}


class ByLetters:
    """Embeds a text as its counts of letters: alike texts are near, and every text it sees is noted."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str]) -> Any:
        self.seen += texts
        counts = np.array([[text.lower().count(chr(97 + n)) + 1e-3 for n in range(26)] for text in texts])
        return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def embedder(monkeypatch: pytest.MonkeyPatch) -> ByLetters:
    """The embedder that all steps get, whatever name they give."""
    made = ByLetters()
    monkeypatch.setattr("castwright.filters.row_similarity.load_embedder", lambda _name: made)
    return made


def run(kind: type, rows: list[Row], **settings: Any) -> list[Row]:
    with Pipeline(name="test"):
        step = kind(name="step", **settings)
    step.load()
    (made,) = step.process(rows)
    for row in made:
        assert set(step.outputs) <= set(row)
        assert row.keys() == made[0].keys()
    return list(made)


ROWS_OF_STEPS: list[tuple[type, Row]] = [
    (CheckStylePair, {"formal": "", "casual": "gonna bake"}),
    (VerifyAnswer, {"question": "How many?", "answer": "4", "persona_answer": ""}),
    (LintPreference, {"chosen_text": "Yes.", "rejected_text": ""}),
]
every_step = pytest.mark.parametrize(
    ("kind", "row"), ROWS_OF_STEPS, ids=["style pair check", "answer check", "preference lint"]
)


@every_step
def test_a_dropped_row_keeps_its_reason_and_is_not_measured(kind: type, row: Row, embedder: ByLetters) -> None:
    """What an earlier step dropped goes through: no scores, no embedding, the first reason stays."""
    (made,) = run(kind, [{**row, **DROPPED}])
    assert {key: made[key] for key in DROPPED} == DROPPED
    assert made["score"] is None
    assert embedder.seen == []


@every_step
def test_no_rows_give_no_rows(kind: type, row: Row, embedder: ByLetters) -> None:
    """An empty batch is one empty batch, and no model is loaded for it."""
    assert run(kind, []) == []
    assert embedder.seen == []


@every_step
def test_rows_stay_in_order_among_dropped_ones(kind: type, row: Row, embedder: ByLetters) -> None:
    """Scores belong to their own rows, and columns of others stay."""
    texts = dict.fromkeys(row, "Rye bread is heavy.")
    rows = [{**(row if n % 2 else texts), **(DROPPED if n % 2 else KEPT), "n": n} for n in range(6)]
    made = run(kind, rows)
    assert [one["n"] for one in made] == list(range(6))
    assert [one["score"] is None for one in made] == [bool(n % 2) for n in range(6)]
    assert all(one["score"] == pytest.approx(1.0, abs=1e-5) for one in made if one["score"] is not None)


@pytest.mark.parametrize(
    ("formal", "casual", "similarity", "gain", "reason"),
    [
        pytest.param("I am going to bake.", "gonna bake", 0.9, 0.3, "", id="a pair"),
        pytest.param("  ", "gonna bake", 0.9, 0.3, "the rewrite is empty", id="empty"),
        pytest.param("gonna bake ", "gonna bake", 1.0, 0.0, "the rewrite is a copy", id="a copy"),
        pytest.param("I will bake 3 loaves.", "gonna bake 4 loaves", 0.9, 0.3, "number", id="another number"),
        pytest.param("I am going to bake.", "gonna bake", 0.9, 0.01, "formality rises by 0.01", id="no more formal"),
        pytest.param("I am going to bake.", "gonna bake", 0.5, 0.3, "similarity 0.50", id="too far"),
    ],
)
def test_a_style_pair_says_why_it_is_none(
    formal: str, casual: str, similarity: float, gain: float, reason: str
) -> None:
    """Each check names what was lost, in the order from plain to measured."""
    said = style_pair_reason(formal, casual, similarity=similarity, gain=gain)
    assert reason in said
    assert bool(said) == bool(reason)


@given(st.text(max_size=60), st.floats(0, 1), st.floats(0, 1))
def test_a_stricter_style_check_keeps_no_more(text: str, similarity: float, bound: float) -> None:
    """Raising a bound only ever drops more."""
    loose = style_pair_reason(f"I am {text}", text, similarity=similarity, gain=0.5, min_similarity=bound * 0.5)
    strict = style_pair_reason(f"I am {text}", text, similarity=similarity, gain=0.5, min_similarity=bound)
    assert not loose or strict


def test_style_pairs_are_scored_on_both_sides(embedder: ByLetters) -> None:
    """Formality of each side, similarity and verdict stand in the row."""
    rows = [
        {"formal": "I am going to bake the bread.", "casual": "im gonna bake the bread lol", **KEPT},
        {"formal": "I am going to bake the bread.", "casual": "I am going to bake the bread.", **KEPT},
    ]
    pair, copy = run(CheckStylePair, rows)
    assert pair["formality_formal"] > pair["formality_casual"]
    assert (pair["verdict"], pair["reason"]) == ("keep", "")
    assert (copy["verdict"], copy["filter"], copy["reason"]) == ("drop", "style_pair", "the rewrite is a copy")
    assert copy["similarity"] == copy["score"] == pytest.approx(1.0, abs=1e-5)


def gate_row(raw: str, candidate: str, refusal: str = "") -> Row:
    return {"raw_response": raw, "rewrite_candidate": candidate, "rewrite_refusal_reason": refusal, **KEPT}


def test_a_rewrite_that_keeps_the_content_replaces_the_response(embedder: ByLetters) -> None:
    """The candidate becomes the response, without a reason."""
    (row,) = run(AcceptRewrite, [gate_row("I am going to bake the bread.", "I'm gonna bake the bread.")])
    assert (row["response"], row["rewritten"], row["rewrite_refusal_reason"]) == ("I'm gonna bake the bread.", True, "")
    assert row["rewrite_similarity"] > 0.9


@pytest.mark.parametrize(
    "candidate",
    [
        pytest.param("I'm gonna bake 5 loaves.", id="another number"),
        pytest.param("I'm not gonna bake 4 loaves.", id="a negation"),
        pytest.param("zzz qqq 4", id="something else"),
    ],
)
def test_a_rewrite_that_loses_something_is_refused_and_drops_nothing(candidate: str, embedder: ByLetters) -> None:
    """The raw response stays, the reason is in the row, the verdict is still keep."""
    (row,) = run(AcceptRewrite, [gate_row("I am going to bake 4 loaves.", candidate)])
    assert (row["response"], row["rewritten"], row["verdict"]) == ("I am going to bake 4 loaves.", False, "keep")
    assert row["rewrite_refusal_reason"]
    assert row["rewrite_similarity"] is not None


def test_a_row_without_a_candidate_keeps_its_response_and_reason(embedder: ByLetters) -> None:
    """Nothing is measured where nothing was proposed."""
    (row,) = run(AcceptRewrite, [gate_row("I bake.", "", "no style rewriter")])
    assert (row["response"], row["rewritten"], row["rewrite_similarity"]) == ("I bake.", False, None)
    assert row["rewrite_refusal_reason"] == "no style rewriter"
    assert embedder.seen == []


def answer_row(question: str, answer: str, said: str) -> Row:
    return {"question": question, "answer": answer, "persona_answer": said, **KEPT}


@pytest.mark.parametrize(
    ("said", "agreed"),
    [
        pytest.param("Well, twelve and nine is 21, my dear.", True, id="the same number"),
        pytest.param("Well, twelve and nine is 22, my dear.", False, id="another number"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_a_persona_answer_is_verified_by_its_number(said: str, agreed: bool, embedder: ByLetters) -> None:
    """The check's method and detail are JSON in the row; a disagreement drops it with both."""
    (row,) = run(VerifyAnswer, [answer_row("What is 12 + 9?", "12 + 9 = 21.\n#### 21", said)])
    check = json.loads(row["check"])
    assert check["agreed"] is agreed
    assert row["verdict"] == ("keep" if agreed else "drop")
    if not agreed:
        assert row["filter"] == "answer_check"
        assert row["reason"] == f"{check['method']}: {check['detail']}"


def test_the_similarity_bound_of_the_answer_check_is_used(embedder: ByLetters) -> None:
    """Where only facts can be compared, the bound in the step's settings decides."""
    rows = [answer_row("What do bees make?", "Bees make honey.", "They make honey, the bees do.")]
    assert run(VerifyAnswer, rows, min_similarity=0.1)[0]["verdict"] == "keep"
    strict = run(VerifyAnswer, rows, min_similarity=0.9999)[0]
    assert (strict["verdict"], json.loads(strict["check"])["method"]) == ("drop", "facts")


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_length_ratio_is_words_over_words(chosen: str, rejected: str) -> None:
    """It is 0 where a side is empty, and 1 for a text and itself."""
    ratio = length_ratio(chosen, rejected)
    assert ratio >= 0
    assert (ratio == 0) == (not chosen.split() or not rejected.split())
    assert length_ratio(chosen, chosen) == (1.0 if chosen.split() else 0.0)


@pytest.mark.parametrize(
    ("chosen", "rejected", "reason"),
    [
        pytest.param("Rye is heavy.", "Rye weighs nothing.", "", id="a pair"),
        pytest.param("Rye is heavy.", " \n", "the rejected side is empty", id="empty"),
        pytest.param("Rye  is heavy.", "rye is HEAVY.", "the same text", id="the same but for case and spaces"),
        pytest.param("Rye is heavy.", "x " * 10, "length ratio 3.33", id="too long"),
        pytest.param("x " * 10, "Rye is heavy.", "length ratio 0.30", id="too short"),
    ],
)
def test_a_preference_pair_says_why_it_is_none(chosen: str, rejected: str, reason: str) -> None:
    """The reason names the ratio and its bounds."""
    said = pair_reason(chosen, rejected, max_length_ratio=3.0)
    assert reason in said
    assert bool(said) == bool(reason)


def test_a_linted_pair_has_its_measures(embedder: ByLetters) -> None:
    """The margin is one less the similarity; a bad pair is dropped with its measures."""
    rows = [
        {"chosen_text": "Rye is heavy bread.", "rejected_text": "Wheat is light and dry.", **KEPT},
        {"chosen_text": "Rye.", "rejected_text": "Rye and " * 8, **KEPT},
    ]
    good, bad = run(LintPreference, rows, max_length_ratio=6.0)
    assert good["verdict"] == "keep"
    assert good["length_ratio"] == 1.25
    assert good["margin"] == pytest.approx(1 - good["similarity"], abs=1e-4)
    assert (bad["verdict"], bad["filter"], bad["length_ratio"]) == ("drop", "preference_lint", 16.0)


ids = st.sampled_from(["a", "b", "c", "d"])


@given(st.dictionaries(ids, st.booleans()), st.lists(ids))
def test_a_child_is_dropped_exactly_when_its_parent_is(kept: dict[str, bool], parents: list[str]) -> None:
    """Children keep their order; one whose parent was never seen is kept; the reason names the parent's."""
    rows = [{"row_id": key, **(KEPT if keep else DROPPED)} for key, keep in kept.items()]
    children = [{"row_id": f"child-{n}", "parent": parent} for n, parent in enumerate(parents)]
    followed = follow_parents(children, rows)
    assert [row["row_id"] for row in followed] == [row["row_id"] for row in children]
    for row in followed:
        dropped = kept.get(row["parent"]) is False
        assert row["verdict"] == ("drop" if dropped else "keep")
        expected = f"made from {row['parent']}, which before dropped: the server said no" if dropped else ""
        assert row["reason"] == expected


def test_children_come_after_the_rows_and_stay_out_of_a_saved_graph() -> None:
    """The step adds its children at the end; they are data, not part of the graph."""
    children = [{"row_id": "x", "parent": "a", "text": "a private sentence"}]
    rows = [{"row_id": "a", **DROPPED, "score": None}]
    with Pipeline(name="test") as pipeline:
        FollowParents(name="step", children=children)
    step = pipeline.dag.get_step("step")["step"]
    (made,) = step.process(rows)
    assert [(row["row_id"], row["verdict"]) for row in made] == [("a", "drop"), ("x", "drop")]
    assert "private" not in json.dumps(pipeline.dump())


@given(st.lists(st.tuples(st.sampled_from(["rye", "wheat", "oats and rye", ""]), st.booleans()), max_size=8))
def test_similarities_belong_to_their_rows(rows: list[tuple[str, bool]]) -> None:
    """Rows left out have None, the others the cosine of their own two texts; nothing else is embedded."""
    embedder = ByLetters()
    data = [{"left": text, "right": "rye bread", "wanted": wanted} for text, wanted in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("castwright.filters.row_similarity.load_embedder", lambda _name: embedder)
        found = row_similarities(data, "left", "right", "any", where=lambda row: row["wanted"])
    assert [cosine is None for cosine in found] == [not wanted for _, wanted in rows]
    for row, cosine in zip(data, found, strict=True):
        if cosine is not None:
            left, right = ByLetters().encode([row["left"], row["right"]])
            assert cosine == pytest.approx(float(left @ right), abs=1e-3)
    assert set(embedder.seen) <= {row[side] for row in data if row["wanted"] for side in ("left", "right")}


def test_a_number_settles_itself_without_an_embedding(embedder: ByLetters) -> None:
    """Only answers that nothing stricter fits are embedded: most of a set of sums never is."""
    rows = [
        answer_row("What is 12 + 9?", "12 + 9 = 21.\n#### 21", "So it is 21."),
        answer_row("What do bees make?", "Bees make honey.", "Bees make honey, they do."),
    ]
    first, second = run(VerifyAnswer, rows, min_similarity=0.1)
    assert (first["verdict"], first["score"]) == ("keep", None)
    assert second["score"] is not None
    assert all("honey" in text for text in embedder.seen)
