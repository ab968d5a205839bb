"""The search on a device: the same pairs to the bit as without one, tried on torch's own processor device."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from castwright.filters import neighbours, search_torch
from castwright.filters.neighbours import find_pairs, find_pairs_across
from castwright.filters.search_torch import candidates, device_for, tile_size

torch = pytest.importorskip("torch")


def crowd(seed: int, rows: int) -> np.ndarray:
    """Return unit vectors in clusters tight enough that many cosines lie around 0.9."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(rows // 8, 40))
    points = centres[rng.integers(0, len(centres), rows)] + 0.2 * rng.normal(size=(rows, 40))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def on_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the search think that torch's processor is a GPU, with tiles far smaller than the sets."""
    monkeypatch.setattr(neighbours, "device_for", lambda _products: "cpu")
    monkeypatch.setattr(search_torch, "tile_size", lambda _free, _dimensions: 37)


@pytest.mark.parametrize("rows", [0, 1, 37, 400], ids=["none", "one", "one tile", "many tiles"])
def test_pairs_on_a_device_are_those_without_one(request: pytest.FixtureRequest, rows: int) -> None:
    """Left, right and cosine, to the bit."""
    vectors = crowd(rows, 400)[:rows]
    plain = find_pairs(vectors, 0.9)
    request.getfixturevalue("on_device")
    found = find_pairs(vectors, 0.9)
    for column in ("left", "right", "cosine"):
        assert np.array_equal(getattr(plain, column), getattr(found, column))
    assert (len(plain) > 20) == (rows > 1)


def test_pairs_across_on_a_device_are_those_without_one(request: pytest.FixtureRequest) -> None:
    """New rows against old ones, the old ones mapped from a file and not to be written to."""
    vectors = crowd(5, 300)
    vectors.setflags(write=False)
    plain = find_pairs_across(vectors[:90], vectors[90:], 0.9)
    request.getfixturevalue("on_device")
    found = find_pairs_across(vectors[:90], vectors[90:], 0.9)
    for column in ("left", "right", "cosine"):
        assert np.array_equal(getattr(plain, column), getattr(found, column))
    assert len(plain) > 20


def test_low_precision_is_switched_off_for_the_product_only() -> None:
    """A caller who allows TF32 or bfloat16 gets all candidates, and the setting back."""
    vectors = crowd(9, 200)
    before = torch.get_float32_matmul_precision()
    expected = list(candidates(vectors, None, 0.9, "cpu", 64))
    try:
        torch.set_float32_matmul_precision("medium")
        found = list(candidates(vectors, None, 0.9, "cpu", 64))
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    assert all(
        np.array_equal(a, b) for one, two in zip(expected, found, strict=True) for a, b in zip(one, two, strict=True)
    )


def test_a_tile_fits_in_half_of_what_is_free() -> None:
    """However little there is, a tile has a size, and however much, it is bounded."""
    assert tile_size(10**12, 256) == search_torch.LARGEST
    assert tile_size(0, 256) == 64
    for free in (10**8, 10**9, 4 * 10**9):
        size = tile_size(free, 256)
        assert size * size * 5 <= free // 2
        assert (2 * size) ** 2 * 5 + 4 * size * 1024 > free // 2


def test_a_device_is_asked_only_when_it_is_there_and_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few products never import torch; many do where it is loaded or a driver is there."""
    enough = search_torch.WORTH_IT
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: True)))
    assert device_for(enough) == "cuda"
    assert device_for(enough - 1) is None
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: False)))
    assert device_for(enough) is None
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(search_torch, "_DRIVERS", ())
    monkeypatch.setattr(search_torch.importlib, "import_module", lambda _name: pytest.fail("torch is not asked"))
    assert device_for(enough) is None
