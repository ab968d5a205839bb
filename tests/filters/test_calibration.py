"""Calibration: the nearest other without the copies, and thresholds inside it refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from castwright.errors import RecipeError
from castwright.filters import calibration
from castwright.filters.calibration import Calibration, calibrate, greatest, likely_copies


def population(rows: int, copies: int, seed: int = 0) -> np.ndarray:
    """Return unlike unit vectors around one direction, the last `copies` all but equal to the first."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(rows, 40)) + 4 * np.eye(1, 40)
    points[rows - copies :] = points[:copies] + 0.05 * rng.normal(size=(copies, 40))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def test_copies_do_not_move_the_distribution() -> None:
    """With a third of the rows copied the quantiles stay where they were without."""
    clean = calibrate(population(1500, 0))
    planted = calibrate(population(1500, 500))
    assert clean.copies < 0.02
    assert planted.copies == pytest.approx(2 / 3, abs=0.05)
    for share in (0.5, 0.95, 0.995):
        assert planted.quantile(share) == pytest.approx(clean.quantile(share), abs=0.02)


def test_a_threshold_inside_the_distribution_is_refused() -> None:
    """The message names the filter, the value, the quantile and both remedies; above it nothing is said."""
    found = Calibration(np.linspace(0.5, 0.9, 1000, dtype=np.float32), 0.0, 5000)
    message = r"filter 'x': threshold=0\.88 .* 99\.5% quantile .* is 0\.8980, and 5\.\d% of 1,000 .* 0\.899 or more"
    with pytest.raises(RecipeError, match=message):
        found.require(0.88, "filter 'x'")
    found.require(0.899, "filter 'x'")


def test_the_threshold_that_the_message_names_will_do() -> None:
    """Following the advice ends the matter."""
    found = calibrate(population(800, 100))
    with pytest.raises(RecipeError) as told:
        found.require(0.3, "x")
    found.require(float(str(told.value).split("set threshold to ")[1].split(" ")[0]), "x")


def test_the_report_has_quantiles_in_order() -> None:
    """They ascend with their shares, and the share above each is what is left."""
    found = calibrate(population(900, 0))
    values = list(found.quantiles().values())
    assert values == sorted(values)
    assert found.share_at_least(found.quantile(0.95)) == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("rows", [0, 1, 2], ids=["nothing", "one row", "two rows"])
def test_too_few_rows_refuse_nothing(rows: int) -> None:
    """Where there is no distribution no threshold lies inside it."""
    found = calibrate(np.eye(3, 4, dtype=np.float32)[:rows])
    found.require(0.01, "x")
    assert found.rows == rows


def test_rows_of_zeros_are_not_sampled() -> None:
    """Empty texts say nothing of a corpus."""
    vectors = np.vstack([population(300, 0), np.zeros((300, 40), dtype=np.float32)])
    assert calibrate(vectors).rows == 300


@pytest.mark.parametrize("columns", [7, 100, 65_536])
def test_rows_in_parts_have_the_distribution_of_the_whole(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many columns are held at a time, and with a part without rows."""
    rows = np.vstack([population(900, 100), np.zeros((3, 40), dtype=np.float32)])
    whole = calibrate(rows)
    monkeypatch.setattr(calibration, "_COLUMNS", columns)
    parts = calibrate(rows[:400], rows[:0], rows[400:410], rows[410:])
    assert np.allclose(parts.others, whole.others, atol=1e-6)
    assert (parts.copies, parts.rows) == (whole.copies, whole.rows)


def test_copies_end_at_the_last_jump() -> None:
    """Two copies before the rest, none, and a cloud in which nothing stands out."""
    nearest = np.array([[0.99, 0.98, 0.8, 0.79], [0.8, 0.79, 0.78, 0.77], [1.0, 0.85, 0.84, 0.83]], dtype=np.float32)
    assert likely_copies(nearest).tolist() == [2, 0, 1]


@settings(deadline=None)
@given(
    arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(3, 2500)), elements=st.floats(-1, 1, width=16)),
    st.integers(1, 3),
)
def test_the_greatest_values_are_those_of_a_sort(values: np.ndarray, count: int) -> None:
    """With ties and at every width."""
    assert np.array_equal(greatest(values, count), -np.sort(-values, axis=1)[:, :count])
