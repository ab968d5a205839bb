"""Exact and near duplicates: what is kept, what is named, and the star property."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.errors import RecipeError
from castwright.filters import duplicates
from castwright.filters.duplicates import exact_duplicates, near_duplicates
from castwright.filters.embeddings import load_embedder
from castwright.filters.normalised import normalise

SAME = {
    "case": ("Good Morning", "good morning"),
    "punctuation": ("Good morning!", "Good, morning"),
    "spacing": ("Good   morning\n", " Good morning"),
    "curly apostrophe": ("don’t", "don't"),
    "full width": ("ＡＢＣ", "abc"),
    "composed accents": ("cafe\u0301", "café"),
    "thousands separator": ("1,000 ships", "1000 ships"),
}
DIFFERENT = {
    "another word": ("good morning", "good evening"),
    "decimal": ("3.5", "35"),
    "sign": ("-5", "5"),
    "minus": ("3-4", "3+4"),
    "sharp": ("C#", "C++"),
    "time": ("7:30", "730"),
    "fraction": ("1/2", "12"),
    "percent": ("5%", "5"),
    "list of numbers": ("1,2", "12"),
    "only punctuation": ("?", "!"),
}


class TableEmbedder:
    """An embedder that looks its vectors up: tests choose the geometry."""

    def __init__(self, table: dict[str, Sequence[float]]) -> None:
        self.table = table

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.array([self.table[text] for text in texts], dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def angles(**degrees: float) -> TableEmbedder:
    """Return an embedder of texts placed on a circle."""
    return TableEmbedder({name: [np.cos(np.radians(d)), np.sin(np.radians(d))] for name, d in degrees.items()})


@pytest.mark.parametrize(("a", "b"), SAME.values(), ids=SAME.keys())
def test_the_same_text_in_another_dress_is_a_duplicate(a: str, b: str) -> None:
    """Case, punctuation, spacing and Unicode forms do not make a new text."""
    judged = exact_duplicates(pl.DataFrame({"text": [a, b]}), columns=["text"])
    assert judged["keep"].to_list() == [True, False]


@pytest.mark.parametrize(("a", "b"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_a_sign_that_changes_the_value_is_no_dress(a: str, b: str) -> None:
    """Signs inside numbers and names of languages are kept."""
    assert exact_duplicates(pl.DataFrame({"text": [a, b]}), columns=["text"])["keep"].all()


def test_the_key_has_no_marks_left() -> None:
    """Signs inside numbers stand in the key as they are: an embedding model reads it."""
    texts = pl.Series("text", ["At 7:30, 3.5 or -5 of 1/2; 1,000 in 3-4 days."])
    assert normalise(texts).to_list() == ["at 7:30 3.5 or -5 of 1/2 1000 in 3-4 days"]


def test_an_exact_duplicate_names_the_row_kept() -> None:
    """The first is kept, and named by its row_id."""
    frame = pl.DataFrame({"row_id": ["r1", "r2", "r3"], "text": ["hello", "bye", "Hello!"]})
    judged = exact_duplicates(frame, columns=["text"])
    assert judged.rows() == [(True, "", None), (True, "", None), (False, "same text as r1", 1.0)]


def test_the_best_scored_duplicate_is_kept() -> None:
    """keep_best turns the order; null and NaN come last, ties go to the first."""
    frame = pl.DataFrame({"text": ["a"] * 5, "quality": [None, float("nan"), 0.2, 0.9, 0.9]})
    assert exact_duplicates(frame, columns=["text"], keep_best="quality")["keep"].to_list() == [
        False,
        False,
        False,
        True,
        False,
    ]


def test_all_columns_must_be_the_same() -> None:
    """The same answer to two questions is no duplicate of (question, answer)."""
    frame = pl.DataFrame({"q": ["why", "how", "why"], "a": ["so", "so", "so"]})
    assert exact_duplicates(frame, columns=["q", "a"])["keep"].to_list() == [True, True, False]


def test_within_compares_only_rows_of_one_group() -> None:
    """Equal texts of two personas stand; a null group equals nothing."""
    frame = pl.DataFrame({"text": ["a"] * 5, "who": ["x", "y", "x", None, None]})
    assert exact_duplicates(frame, columns=["text"], within="who")["keep"].to_list() == [
        True,
        True,
        False,
        True,
        True,
    ]


def test_empty_texts_are_not_compared() -> None:
    """Null and blank rows are another filter's business."""
    frame = pl.DataFrame({"text": [None, "", "  ", "a"]})
    assert exact_duplicates(frame, columns=["text"])["keep"].all()


@given(st.lists(st.sampled_from(["a", "A!", "b", "B ", "", "?", "3.5", "35"]), max_size=30))
def test_exact_duplicates_keep_order_and_count_and_are_idempotent(rows: list[str]) -> None:
    """One verdict per row, and what was kept has no duplicates left."""
    frame = pl.DataFrame({"text": rows}, schema={"text": pl.String})
    judged = exact_duplicates(frame, columns=["text"])
    assert judged.height == frame.height
    assert exact_duplicates(frame.filter(judged["keep"]), columns=["text"])["keep"].all()


def test_near_duplicates_are_stars_and_never_chains() -> None:
    """b is near a and c is near b, but c is not near a: c stays."""
    frame = pl.DataFrame({"row_id": ["ra", "rb", "rc"], "text": ["a", "b", "c"]})
    judged = near_duplicates(frame, embedder=angles(a=0, b=15, c=30), threshold=0.95)
    assert judged["keep"].to_list() == [True, False, True]
    assert judged["reason"].to_list() == ["", "near ra (cluster 1, cosine 0.966)", ""]
    assert judged["score"].to_list() == [None, pytest.approx(0.9659, abs=1e-4), None]


def test_the_best_scored_of_near_duplicates_is_kept() -> None:
    """keep_best makes the middle row the centre of the star."""
    frame = pl.DataFrame({"text": ["a", "b", "c"], "quality": [1, 3, 2]})
    judged = near_duplicates(frame, embedder=angles(a=0, b=15, c=30), threshold=0.95, keep_best="quality")
    assert judged["keep"].to_list() == [False, True, False]
    assert judged["reason"].to_list()[0] == "near row 1 (cluster 1, cosine 0.966)"


def test_near_duplicates_name_the_nearest_kept_row() -> None:
    """Of two kept rows in reach the nearer is named."""
    frame = pl.DataFrame({"row_id": ["ra", "rc", "rb"], "text": ["a", "c", "b"]})
    judged = near_duplicates(frame, embedder=angles(a=0, c=20, b=12), threshold=0.95)
    assert judged["reason"].to_list() == ["", "", "near rc (cluster 1, cosine 0.990)"]


def test_near_duplicates_within_a_group() -> None:
    """Rows of different groups are not compared."""
    frame = pl.DataFrame({"text": ["a", "b", "a"], "who": ["x", "y", "y"]})
    judged = near_duplicates(frame, embedder=angles(a=0, b=5), threshold=0.95, within="who")
    assert judged["keep"].to_list() == [True, True, False]


def test_several_columns_are_joined() -> None:
    """The joined text is what is embedded."""
    frame = pl.DataFrame({"q": ["a", "a"], "r": ["b", "c"]})
    judged = near_duplicates(frame, columns=["q", "r"], embedder=TableEmbedder({"a\nb": [1, 0], "a\nc": [0, 1]}))
    assert judged["keep"].all()


def test_a_paraphrase_is_found_with_the_real_weights() -> None:
    """With all-MiniLM a reworded line is dropped at 0.8 and another line is not."""
    frame = pl.DataFrame(
        {
            "text": [
                "The cat sleeps on the mat.",
                "A cat is sleeping on the mat.",
                "Interest rates rose again in May.",
            ]
        }
    )
    assert near_duplicates(frame, embedder=load_embedder(), threshold=0.8)["keep"].to_list() == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 1.5}, "threshold=1.5"),
        ({"block": 0}, "block=0"),
        ({"keep_best": "quality"}, "'quality'"),
    ],
    ids=["threshold above one", "block of nothing", "score column missing"],
)
def test_options_that_cannot_be_are_user_errors(options: dict[str, object], message: str) -> None:
    """The message names the option and its value."""
    with pytest.raises(RecipeError, match=message):
        near_duplicates(pl.DataFrame({"text": ["a", "b"]}), embedder=angles(a=0, b=1), **options)  # type: ignore[arg-type]


@settings(deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 40),
    st.sampled_from([1, 2, 3, 7, 64]),
    st.sampled_from([0.5, 0.8, 0.95]),
)
def test_every_dropped_row_has_a_kept_neighbour(seed: int, rows: int, block: int, threshold: float) -> None:
    """The star property, the named neighbour, and independence of the block size."""
    random = np.random.default_rng(seed)
    points = random.normal(size=(rows, 3)).round(2) + 0.001
    table = {f"t{row}": points[row].tolist() for row in range(rows)}
    embedder = TableEmbedder(table)
    frame = pl.DataFrame({"row_id": list(table), "text": list(table), "quality": random.integers(0, 5, rows)})
    judged = near_duplicates(frame, embedder=embedder, threshold=threshold, keep_best="quality", block=block)
    whole = near_duplicates(frame, embedder=embedder, threshold=threshold, keep_best="quality", block=4096)
    assert judged["keep"].to_list() == whole["keep"].to_list()
    vectors = embedder.encode(list(table))
    cosines = vectors @ vectors.T
    kept = judged["keep"].to_numpy()
    for row in range(rows):
        if kept[row]:
            continue
        named = int(judged["reason"][row].split()[1][1:])
        assert kept[named]
        assert cosines[row, named] >= threshold - 1e-4
        assert frame["quality"][named] >= frame["quality"][row]
    among_kept = cosines[np.ix_(kept, kept)]
    np.fill_diagonal(among_kept, -1)
    assert (among_kept < threshold + 1e-4).all()


class StaticTable(TableEmbedder):
    """The static form of a table: the same vectors for normalised texts, zeros for those it lacks."""

    def encode_normalised(self, texts: pl.Series) -> np.ndarray:
        """Return unit vectors."""
        return self.encode(texts.to_list())


class DistillableTable(TableEmbedder):
    """An embedder with a static form, which counts the texts that it is asked for itself."""

    def __init__(self, table: dict[str, Sequence[float]], static: dict[str, Sequence[float]]) -> None:
        super().__init__(table)
        self.table_of_static = StaticTable(static)
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return unit vectors, and remember the texts."""
        self.asked += texts
        return super().encode(texts)

    def static(self) -> StaticTable:
        """Return the static form."""
        return self.table_of_static


@pytest.fixture
def always_cascade(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send the smallest sets through the cascade."""
    monkeypatch.setattr(duplicates, "WHOLE_UP_TO", 1)


@pytest.mark.usefixtures("always_cascade")
@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 40), st.booleans())
def test_the_cascade_gives_the_verdicts_of_the_simple_way(seed: int, rows: int, grouped: bool) -> None:
    """Where static and whole vectors agree so do the verdicts, within groups and with scores too."""
    random = np.random.default_rng(seed)
    table = {f"t{row}": (random.normal(size=3).round(2) + 0.001).tolist() for row in range(rows)}
    frame = pl.DataFrame(
        {
            "text": list(table),
            "quality": random.integers(0, 5, rows),
            "who": random.choice(["x", "y", "z"], rows).tolist(),
        }
    )
    options = {"threshold": 0.9, "keep_best": "quality", "within": "who" if grouped else None, "override": True}
    simple = near_duplicates(frame, embedder=TableEmbedder(table), **options)  # type: ignore[arg-type]
    cascaded = near_duplicates(frame, embedder=DistillableTable(table, table), **options)  # type: ignore[arg-type]
    assert cascaded.drop("score").equals(simple.drop("score"))


def turn(degrees: float) -> list[float]:
    """Return a point on a circle."""
    return [float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))]


@pytest.mark.usefixtures("always_cascade")
def test_the_embedding_model_is_asked_about_pairs_in_doubt_only() -> None:
    """b and d are at the threshold from a and c: one is confirmed and one is not; e and f are far and near."""
    static = {"a": turn(0), "b": turn(18), "c": turn(60), "d": turn(78), "e": turn(150), "f": turn(153)}
    whole = {**static, "b": turn(1), "d": turn(120)}
    embedder = DistillableTable(whole, static)
    frame = pl.DataFrame({"row_id": list("abcdef"), "text": list("abcdef")})
    judged = near_duplicates(frame, embedder=embedder, threshold=0.95)
    assert sorted(embedder.asked) == ["a", "b", "c", "d"]
    assert judged["keep"].to_list() == [True, False, True, True, True, False]
    assert judged["reason"].to_list()[1] == "near a (cluster 1, cosine 1.000)"
    assert judged["reason"].to_list()[5] == "near e (cluster 2, cosine 0.999)"


@pytest.mark.usefixtures("always_cascade")
def test_repeats_of_a_dropped_text_go_where_it_went() -> None:
    """The cascade compares distinct texts only, and the dress of a text makes it no other."""
    static = {"a": turn(0), "b": turn(5), "c": turn(90)}
    frame = pl.DataFrame({"row_id": ["r1", "r2", "r3", "r4", "r5"], "text": ["a", "b", "B!", "c", "C"]})
    judged = near_duplicates(frame, embedder=DistillableTable(static, static), threshold=0.95)
    assert judged["reason"].to_list() == [
        "",
        "near r1 (cluster 1, cosine 0.996)",
        "near r1 (cluster 1, cosine 0.996)",
        "",
        "near r4 (cluster 2, cosine 1.000)",
    ]


@pytest.mark.usefixtures("always_cascade")
def test_a_threshold_inside_the_corpus_is_refused_without_an_override() -> None:
    """On a circle full of rows every degree is like the next; within groups nothing is held against the corpus."""
    table = {f"t{degree}": turn(degree) for degree in range(360)}
    frame = pl.DataFrame({"text": list(table), "who": ["x"] * 360})
    embedder = DistillableTable(table, table)
    with pytest.raises(RecipeError, match=r"filter 'near_duplicates': threshold=0\.95 lies inside .* override: true"):
        near_duplicates(frame, embedder=embedder, threshold=0.95)
    overridden = near_duplicates(frame, embedder=embedder, threshold=0.95, override=True)
    assert 10 < overridden["keep"].sum() < 40
    grouped = near_duplicates(frame, embedder=embedder, threshold=0.95, within="who")
    assert grouped["keep"].to_list() == overridden["keep"].to_list()
