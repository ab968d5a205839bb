"""The search for near pairs: nothing missed under the bound, cells measured, stars from pairs as from vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.filters import cascade, neighbours
from castwright.filters.cascade import Rule, confirmed, crowded, duplicates_among, in_band
from castwright.filters.cells import (
    cell_members,
    find_pairs_in_cells,
    fit_centres,
    sampled_recall,
    some_groups,
    two_nearest,
)
from castwright.filters.neighbours import Pairs, choose_bound, find_pairs, find_pairs_across, threaded
from castwright.filters.similarity import find_stars, stars_of_pairs

ROUNDING = 1e-5


def clustered(seed: int, rows: int, dimensions: int, spread: float) -> np.ndarray:
    """Return unit vectors around a few centres, with some repeats: near pairs in plenty, as templates make them."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(1, rows // 8), dimensions))
    points = centres[rng.integers(0, len(centres), rows)] + spread * rng.normal(size=(rows, dimensions))
    points[: rows // 10] = points[rows // 2 : rows // 2 + rows // 10]
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def close_calls(vectors: np.ndarray, floor: float) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Return the pairs that must be found and those that may be: cosines surely above, and within rounding."""
    cosines = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    upper = np.triu(np.ones(cosines.shape, dtype=bool), 1)
    return (
        set(zip(*np.nonzero(upper & (cosines >= floor + ROUNDING)), strict=True)),
        set(zip(*np.nonzero(upper & (cosines >= floor - ROUNDING)), strict=True)),
    )


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10**6),
    st.integers(1, 150),
    st.sampled_from([2, 3, 17, 40, 130]),
    st.sampled_from([0.02, 0.1, 0.5]),
    st.sampled_from([0.3, 0.8, 0.95, 0.999]),
)
def test_no_pair_is_missed(seed: int, rows: int, dimensions: int, spread: float, floor: float) -> None:
    """Against brute force in double precision, with the bound in use and tiles far smaller than the set."""
    vectors = clustered(seed, rows, dimensions, spread)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "SMALL", 0)
        patch.setattr(neighbours, "TILE", (7, 11))
        pairs = find_pairs(vectors, floor, threads=2)
    found = set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    must, may = close_calls(vectors, floor)
    assert must <= found <= may
    assert len(found) == len(pairs)
    assert (np.diff(pairs.left) >= 0).all()
    truth = np.einsum("ij,ij->i", vectors[pairs.left].astype(np.float64), vectors[pairs.right].astype(np.float64))
    assert np.allclose(pairs.cosine, truth, atol=ROUNDING)


def test_the_bound_is_a_bound_and_is_chosen_narrow() -> None:
    """No product of parts is below the cosine, and structured vectors need few axes."""
    vectors = clustered(3, 600, 200, 0.3)
    bound = choose_bound(vectors, 0.95)
    parts = bound.parts(vectors)
    assert parts.shape[1] < 200
    assert (parts @ parts.T >= vectors @ vectors.T - neighbours.SLACK).all()


def test_a_bound_for_cells_is_chosen_among_their_pairs() -> None:
    """Rows of a cell are alike, so the axes that tell any two rows apart would let nearly all of them through."""
    rng = np.random.default_rng(0)
    centres = 4 * rng.normal(size=(40, 16)) @ np.eye(16, 200)
    points = centres[np.arange(2000) % 40] + 0.5 * rng.normal(size=(2000, 200))
    vectors = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    groups = [np.arange(centre, 2000, 40) for centre in range(40)]
    anywhere, within = choose_bound(vectors, 0.93), choose_bound(vectors, 0.93, groups=groups)
    assert anywhere.basis.shape[1] < within.basis.shape[1]


def test_groups_are_rows_of_the_cells_and_mostly_of_the_large_ones() -> None:
    """An empty cell is never chosen, and no group is larger than asked for."""
    members = [np.arange(3), np.arange(0), np.arange(100, 1100), np.arange(2000, 2010)]
    groups = some_groups(members, count=8, rows=50)
    assert len(groups) == 8
    assert all(0 < len(group) <= 50 for group in groups)
    assert sum(group[0] == 100 for group in groups) >= 6


def test_pairs_do_not_depend_on_tiles_or_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows give the same pairs and cosines to the bit."""
    vectors = clustered(5, 700, 64, 0.2)
    small = find_pairs(vectors, 0.9)
    monkeypatch.setattr(neighbours, "SMALL", 0)
    for tile, threads in (((64, 64), 1), ((100, 37), 3), ((512, 1024), 2)):
        monkeypatch.setattr(neighbours, "TILE", tile)
        again = find_pairs(vectors, 0.9, threads=threads)
        assert np.array_equal(small.left, again.left)
        assert np.array_equal(small.right, again.right)
        assert np.array_equal(small.cosine, again.cosine)


def test_pairs_across_two_sets_are_those_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Left is a row of the first, right of the second, and the bound of the second serves for the first."""
    monkeypatch.setattr(neighbours, "TILE", (13, 17))
    vectors = clustered(7, 300, 48, 0.2)
    pairs = find_pairs_across(vectors[:60], vectors[60:], 0.9, bound=choose_bound(vectors[60:], 0.9))
    whole = find_pairs(vectors, 0.9)
    between = (whole.left < 60) & (whole.right >= 60)
    assert between.sum() > 20
    assert np.array_equal(pairs.left, whole.left[between])
    assert np.array_equal(pairs.right, whole.right[between] - 60)
    assert len(find_pairs_across(vectors[:0], vectors, 0.9)) == 0


def test_rows_of_zeros_have_no_neighbours() -> None:
    """An empty text is near nothing, not even another one."""
    assert len(find_pairs(np.zeros((5, 8), dtype=np.float32), 0.5)) == 0


def test_threads_give_results_in_order() -> None:
    """Whatever finishes first."""
    assert list(threaded(lambda number: number * number, range(20), 4)) == [n * n for n in range(20)]


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 80), st.sampled_from([0.7, 0.9, 0.99]))
def test_stars_of_pairs_are_the_stars_of_the_vectors(seed: int, rows: int, threshold: float) -> None:
    """Both ways keep the same rows and name the same keepers."""
    vectors = clustered(seed, rows, 9, 0.3)
    order = np.random.default_rng(seed).permutation(rows)
    direct = find_stars(vectors, order, threshold, block=7)
    listed = stars_of_pairs(rows, order, find_pairs(vectors, threshold))
    assert np.array_equal(direct.kept, listed.kept)
    nearness = np.einsum("ij,ij->i", vectors[direct.keeper], vectors)
    assert np.allclose(np.where(listed.kept, nearness, listed.cosine), nearness, atol=ROUNDING)
    assert np.allclose(direct.cosine, listed.cosine, atol=ROUNDING)


def test_cells_find_nearly_all_and_nothing_else() -> None:
    """Every pair found is a true one, each once; the measured recall is the true one."""
    vectors = clustered(11, 6000, 32, 0.15)
    exact = find_pairs(vectors, 0.95)
    found = find_pairs_in_cells(vectors, 0.95)
    true = set(zip(exact.left.tolist(), exact.right.tolist(), strict=True))
    mine = list(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert len(mine) == len(set(mine))
    assert set(mine) <= true
    recall = len(mine) / len(true)
    assert recall > 0.98
    assert sampled_recall(vectors, found, 0.95, sample=6000) == pytest.approx(recall, abs=1e-9)
    half = Pairs(found.left[::2], found.right[::2], found.cosine[::2])
    assert sampled_recall(vectors, half, 0.95, sample=6000) == pytest.approx(recall / 2, abs=0.01)


def test_cells_are_the_same_in_every_run() -> None:
    """The centres depend on the vectors and the seed only; each row is in two cells, and no row is in none."""
    vectors = clustered(2, 500, 16, 0.4)
    centres = fit_centres(vectors, 20)
    assert np.array_equal(centres, fit_centres(vectors, 20))
    nearest = two_nearest(vectors, centres)
    assert (nearest[:, 0] != nearest[:, 1]).all()
    members = cell_members(nearest, 20)
    assert sum(map(len, members)) == 1000
    assert set(np.concatenate(members).tolist()) == set(range(500))


def test_one_cell_is_everything() -> None:
    """With a single centre the search is exact."""
    vectors = clustered(4, 300, 16, 0.2)
    exact, found = find_pairs(vectors, 0.9), find_pairs_in_cells(vectors, 0.9, cells=1)
    assert np.array_equal(exact.left, found.left)
    assert np.array_equal(exact.right, found.right)


def test_large_sets_are_searched_in_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """From EXACT_UP_TO on, and not before."""
    vectors = clustered(4, 300, 16, 0.2)
    seen: list[int] = []
    monkeypatch.setattr(cascade, "find_pairs_in_cells", lambda rows, _floor: seen.append(len(rows)))
    monkeypatch.setattr(cascade, "EXACT_UP_TO", 299)
    cascade.search(vectors, 0.9)
    cascade.search(vectors[:299], 0.9)
    assert seen == [300]


def test_a_crowded_set_is_known_and_still_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all resemble all the list of pairs is never made, and the stars are the same."""
    monkeypatch.setattr(cascade, "SMALL", 0)
    rng = np.random.default_rng(1)
    points = np.eye(1, 16) + 0.12 * rng.normal(size=(1500, 16))
    vectors = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    assert crowded(vectors, 0.9)
    assert not crowded(clustered(1, 1500, 64, 1.0), 0.9)
    order = np.arange(1500)
    listed = stars_of_pairs(1500, order, find_pairs(vectors, 0.9))
    assert 1 < listed.kept.sum() < 1500
    monkeypatch.setattr(cascade, "search", None)
    assert np.array_equal(cascade.stars(vectors, order, 0.9).kept, listed.kept)


def some_pairs(*cosines: float) -> Pairs:
    """Return pairs (0, 1), (0, 2), ... of these cosines."""
    count = len(cosines)
    return Pairs(np.zeros(count, np.int64), np.arange(1, count + 1), np.array(cosines, dtype=np.float32))


def test_only_pairs_in_the_band_are_confirmed() -> None:
    """Below it nothing is a duplicate, above it everything is, inside the transformer decides both ways."""
    pairs, rule = some_pairs(0.94, 0.946, 0.949, 0.951, 0.959, 0.97), Rule(0.95, below=0.005, above=0.01)
    asked: list[tuple[str, str]] = []

    def confirm(left: list[str], right: list[str]) -> np.ndarray:
        asked.extend(zip(left, right, strict=True))
        return np.array([0.96, 0.5, 0.5, 0.98])

    found = confirmed(pairs, rule, lambda rows: [f"t{row}" for row in rows], confirm)  # type: ignore[arg-type]
    assert in_band(pairs, rule).tolist() == [False, True, True, True, True, False]
    assert asked == [("t0", "t2"), ("t0", "t3"), ("t0", "t4"), ("t0", "t5")]
    decided = duplicates_among(pairs, rule, found)
    assert decided.right.tolist() == [2, 5, 6]
    assert decided.cosine.tolist() == pytest.approx([0.96, 0.98, 0.97])
    assert duplicates_among(pairs, rule).right.tolist() == [4, 5, 6]


def test_the_number_of_confirmed_pairs_is_bounded() -> None:
    """Those nearest to the threshold are asked about; the others' static cosine decides."""
    pairs, rule = some_pairs(0.9451, 0.9499, 0.9502, 0.9599), Rule(0.95, most=2)
    found = confirmed(pairs, rule, lambda rows: [""] * len(rows), lambda left, _right: np.full(len(left), 0.1))
    assert np.isnan(found).tolist() == [True, False, False, True]
    assert duplicates_among(pairs, rule, found).right.tolist() == [4]
