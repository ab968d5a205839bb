"""The index of duplicates: growing it gives what making it whole gives, thresholds move freely, files are safe."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.errors import RecipeError, SourceError
from castwright.filters import cascade
from castwright.filters.cascade import Rule, crowded_across
from castwright.filters.duplicate_index import Index, add_rows, build_index, index_calibration, resolve
from castwright.filters.index_files import load_index, save_index
from castwright.filters.similarity import find_stars
from castwright.filters.text_digests import earlier_with, first_among, key_digests

PLAIN = Rule(0.95, below=0, above=0)


class Angles:
    """An encoder of texts like "17": the point at that many degrees on a circle."""

    digest = "angles" * 3

    def encode_normalised(self, texts: pl.Series) -> np.ndarray:
        """Return unit vectors; an empty text is zeros."""
        turns = [np.nan if text == "" else np.radians(float(text)) for text in texts.to_list()]
        vectors = np.column_stack([np.cos(turns), np.sin(turns)]).reshape(-1, 2)
        return np.nan_to_num(vectors).astype(np.float32)


def index_of(*degrees: str, floor: float = 0.9, scores: Sequence[float] | None = None) -> Index:
    """Return the index of texts named r0, r1, ..."""
    names = [f"r{number}" for number in range(len(degrees))]
    return build_index(pl.Series(degrees, dtype=pl.String), row_ids=names, encoder=Angles(), floor=floor, scores=scores)


def grown(index: Index, *degrees: str) -> Index:
    """Return the index with more texts, named on from the last."""
    names = [f"r{number}" for number in range(len(index), len(index) + len(degrees))]
    return add_rows(index, pl.Series(degrees, dtype=pl.String), row_ids=names, encoder=Angles())


def test_a_removal_names_cluster_row_kept_and_similarity() -> None:
    """Stars: 15 degrees goes to 0, 30 is too far from 0 and stays; the same text counts 1.0."""
    told = resolve(index_of("0", "15", "30", "30", "200"), PLAIN)
    assert told.rows() == [
        ("r0", True, 1, "r0", None),
        ("r1", False, 1, "r0", pytest.approx(0.9659, abs=1e-4)),
        ("r2", True, 2, "r2", None),
        ("r3", False, 2, "r2", 1.0),
        ("r4", True, None, "r4", None),
    ]


def test_the_best_score_is_kept_among_equal_texts_and_near_ones() -> None:
    """A later copy with a better score stands for its text, and a row near that text goes to it."""
    told = resolve(index_of("0", "5", "0", scores=[1, 2, 3]), PLAIN)
    assert told["keep"].to_list() == [False, False, True]
    assert told["kept"].to_list() == ["r2", "r2", "r2"]


def test_a_copy_follows_its_text_to_another_row() -> None:
    """When a text's first row is dropped its repeats go to the same row, with the same cosine."""
    told = resolve(index_of("0", "10", "10", scores=[9, 1, 1]), PLAIN)
    assert told["kept"].to_list() == ["r0"] * 3
    assert told["similarity"].to_list()[1] == told["similarity"].to_list()[2] == pytest.approx(0.9848, abs=1e-4)


def test_what_was_kept_stays_when_rows_are_added() -> None:
    """A new row with a better place in the text's circle does not push an old one out."""
    first = index_of("0", "30")
    told = resolve(grown(first, "15", "30", "90"), PLAIN)
    assert told["keep"].to_list() == [True, True, False, False, True]
    assert told["kept"].to_list()[3] == "r1"


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 359).map(str) | st.just(""), max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_growing_gives_what_making_it_whole_gives(texts: list[str], one: int, two: int) -> None:
    """In one, two or three parts the same rows are kept, for the same reasons."""
    low, high = sorted((one % (len(texts) + 1), two % (len(texts) + 1)))
    whole = resolve(index_of(*texts), PLAIN)
    parts = grown(grown(index_of(*texts[:low]), *texts[low:high]), *texts[high:])
    assert resolve(parts, PLAIN).drop("similarity").equals(whole.drop("similarity"))
    assert np.allclose(
        resolve(parts, PLAIN)["similarity"].fill_null(2).to_numpy(),
        whole["similarity"].fill_null(2).to_numpy(),
        atol=2e-4,
    )


def test_the_threshold_moves_without_computing_again() -> None:
    """Any rule from the floor on gives what an index made for it gives; below the floor is refused."""
    texts = [str(degree) for degree in range(0, 90, 4)]
    index = index_of(*texts, floor=0.9)
    for threshold in (0.92, 0.97, 0.999):
        rule = Rule(threshold, below=0, above=0)
        assert resolve(index, rule).equals(resolve(index_of(*texts, floor=threshold), rule))
    assert resolve(index, Rule(0.92, below=0.02)).equals(resolve(index, Rule(0.92, below=0.0)))
    with pytest.raises(RecipeError, match=r"threshold=0\.9 with its band needs pairs from 0\.8950 on"):
        resolve(index, Rule(0.9))


def test_confirmations_are_asked_once_and_kept(tmp_path: Path) -> None:
    """Inside the band the transformer decides, and its answers survive saving and adding."""
    asked: list[tuple[str, str]] = []

    def confirm(left: Sequence[str], right: Sequence[str]) -> np.ndarray:
        asked.extend(zip(left, right, strict=True))
        return np.array([0.1 if b == "18" else 0.99 for b in right])

    rule = Rule(0.95, below=0.005, above=0.01)
    index = build_index(
        pl.Series(["0", "18", "100", "117"]),
        row_ids=list("abcd"),
        encoder=Angles(),
        floor=0.9,
        rule=rule,
        confirm=confirm,
    )
    assert asked == [("0", "18"), ("100", "117")]
    assert resolve(index, rule)["keep"].to_list() == [True, True, True, False]
    save_index(index, tmp_path)
    more = add_rows(
        load_index(tmp_path), pl.Series(["200"]), row_ids=["e"], encoder=Angles(), rule=rule, confirm=confirm
    )
    assert len(asked) == 2
    assert resolve(more, rule)["keep"].to_list() == [True, True, True, False, True]


def test_saving_and_loading_changes_nothing_and_additions_are_appended(tmp_path: Path) -> None:
    """What is there is not written again: the first part's files keep their times."""
    index = index_of("0", "15", "30", "15")
    save_index(index, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "part-00000").iterdir()}
    loaded = load_index(tmp_path)
    assert resolve(loaded, PLAIN).equals(resolve(index, PLAIN))
    more = grown(loaded, "31", "0")
    save_index(more, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "part-00000").iterdir()} == before
    assert resolve(load_index(tmp_path), PLAIN).equals(resolve(more, PLAIN))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["basis.npy", "index.json", "part-00000", "part-00001"]


def test_an_interrupted_addition_leaves_the_index_as_it_was(tmp_path: Path) -> None:
    """A part that the small file does not name does not count, and the next addition replaces it."""
    index = index_of("0", "15")
    save_index(index, tmp_path)
    (tmp_path / "part-00001").mkdir()
    (tmp_path / "part-00001" / "vectors.npy").write_bytes(b"half")
    assert len(load_index(tmp_path)) == 2
    save_index(grown(index, "40"), tmp_path)
    assert len(load_index(tmp_path)) == 3


def test_another_index_in_the_folder_is_not_overwritten(tmp_path: Path) -> None:
    """The message names the folder."""
    save_index(index_of("0", "15"), tmp_path)
    with pytest.raises(SourceError, match="holds another index"):
        save_index(index_of("0", "15", "30"), tmp_path)


def spoil(folder: Path, how: str) -> None:
    """Damage a saved index in one of several ways."""
    if how == "format":
        told = json.loads((folder / "index.json").read_text())
        (folder / "index.json").write_text(json.dumps({**told, "format": 99}))
    elif how == "contents":
        (folder / "index.json").write_text("{")
    elif how == "missing":
        (folder / "index.json").unlink()
    else:
        (folder / "part-00000" / how).write_bytes(b"\x00\x01")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("format", "format 99"),
        ("contents", r"index\.json: cannot be read"),
        ("missing", r"index\.json is missing"),
        ("vectors.npy", "damaged"),
        ("pairs.parquet", "damaged"),
    ],
)
def test_an_index_that_cannot_be_read_is_a_user_error(tmp_path: Path, how: str, message: str) -> None:
    """One line with the folder and what to do."""
    save_index(index_of("0", "15"), tmp_path)
    spoil(tmp_path, how)
    with pytest.raises(SourceError, match=message):
        load_index(tmp_path)


def test_a_floor_inside_the_distribution_is_refused() -> None:
    """Where every row has hundreds of neighbours no list is made: the message names the floor."""
    with pytest.raises(RecipeError, match=r"floor=0\.2 .* raise it"):
        index_of(*(str(degree / 4) for degree in range(400)), floor=0.2)


def test_another_encoder_is_refused() -> None:
    """Vectors of two models cannot be compared."""
    other = Angles()
    other.digest = "other"
    with pytest.raises(RecipeError, match="another embedding model"):
        add_rows(index_of("0"), pl.Series(["1"]), row_ids=["x"], encoder=other)


def test_the_calibration_is_of_the_distinct_texts() -> None:
    """Repeats do not count among the rows."""
    assert index_calibration(index_of("0", "0", "90", "180", "90")).rows == 3


def test_an_earlier_text_is_met_by_its_digest() -> None:
    """The first of its rows through all parts; an empty text is nobody's, and a text is not met in itself."""
    one, two = (key_digests(pl.Series(texts)) for texts in (["a", "", "b", "a"], ["c", "b", ""]))
    assert earlier_with([one, two], key_digests(pl.Series(["b", "c", "", "d", "a"]))).tolist() == [2, 4, -1, -1, 0]
    assert first_among(key_digests(pl.Series(["x", "", "y", "x", ""]))).tolist() == [-1, -1, -1, 0, -1]


def test_an_equal_text_is_found_where_no_cosine_would_do() -> None:
    """At a threshold of 1.0, which rounding keeps the product of equal vectors below."""
    more = grown(index_of("33", "90", floor=0.99), "33", "34")
    assert resolve(more, Rule(1.0, below=0, above=0))["kept"].to_list() == ["r0", "r1", "r0", "r3"]


def test_rows_that_stand_are_centres_before_all_others() -> None:
    """A row near one of them goes to it, by a number below zero; they themselves are not decided."""
    points = Angles().encode_normalised(pl.Series(["0", "15", "30", "200"]))
    standing = Angles().encode_normalised(pl.Series(["31", "2"]))
    for block in (1, 2, 10):
        found = find_stars(points, np.arange(4), 0.95, block, standing)
        assert found.keeper.tolist() == [-2, -2, -1, 3]
    assert find_stars(points, np.arange(4), 0.95).keeper.tolist() == [0, 0, 2, 3]


def test_pairs_across_are_crowded_only_where_the_list_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand rows around one point are a million pairs; unlike ones are none."""
    near = Angles().encode_normalised(pl.Series([str(row / 100) for row in range(1000)]))
    assert not crowded_across(near, near, 0.9)
    monkeypatch.setattr(cascade, "ALWAYS_LISTED", 1000)
    assert crowded_across(near, near, 0.9)
    assert not crowded_across(near, -near, 0.9)
    assert not crowded_across(near[:0], near, 0.9)
