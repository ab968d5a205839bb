"""Candidates for near pairs from torch, where there is a GPU and the set is large enough to be worth the way there.

The device only says which pairs may reach the floor: a plain product in tiles, a little below the floor. What they are
is computed afterwards from the two rows alone, by the same code as without a device, so pairs and cosines are the same
to the bit. That holds while the product's error stays below the slack: float32 does, TF32 and bfloat16 round to three
digits and are switched off for the product. (Rejected: the bound of `neighbours`, since a GPU multiplies faster than
it gathers; cells on the device, where a centre that is chosen by a rounding would change the result.)
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int64]

WORTH_IT = 400_000_000
"""Products of two rows from which a device is asked: 28,000 rows among themselves. Fewer are done before it begins."""

LARGEST = 16_384
"""Rows and columns of a tile at most: a GiB of float32, far more than it takes to fill a GPU."""

_DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")


def device_for(products: int) -> str | None:
    """Return the device for so many products of two rows, None for the processor.

    Where neither torch is loaded nor a driver is there, torch is not imported to ask: that takes seconds.
    """
    if products < WORTH_IT or not ("torch" in sys.modules or any(Path(driver).exists() for driver in _DRIVERS)):
        return None
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError:
        return None
    return "cuda" if torch.cuda.is_available() else None


def tile_size(free: int, dimensions: int) -> int:
    """Return the rows and columns of a tile for so many free bytes: half of them are used, 64 rows at the least.

    A tile of n holds n x n products and as many answers, and twice n rows.
    """
    size = LARGEST
    while size > 64 and size * size * 5 + 2 * size * dimensions * 4 > free // 2:
        size //= 2
    return size


def candidates(
    first: Vectors, second: Vectors | None, least: float, device: str, size: int | None = None
) -> Iterator[tuple[Positions, Positions]]:
    """Yield the positions of pairs whose product is at least `least`, tile by tile.

    Without a second set, pairs of rows of the first, each once, left < right. `size`: that of a tile, by default from
    the device's free memory.
    """
    size = size or tile_size(free_memory(device), first.shape[1])
    others = first if second is None else second
    for start in range(0, len(first), size):
        for begin in range(start if second is None else 0, len(others), size):
            left, right = _tile(first[start : start + size], others[begin : begin + size], least, device)
            left, right = left + start, right + begin
            if second is None and begin == start:
                upper = left < right
                left, right = left[upper], right[upper]
            yield left, right


def free_memory(device: str) -> int:
    """Return the free bytes of a GPU; of the processor as much as the largest tile wants."""
    torch: Any = importlib.import_module("torch")
    return int(torch.cuda.mem_get_info()[0]) if device == "cuda" else LARGEST * LARGEST * 16


def _tile(left: Vectors, right: Vectors, least: float, device: str) -> tuple[Positions, Positions]:
    """Return the places in one tile, with all digits of float32 whatever the caller has set."""
    torch: Any = importlib.import_module("torch")
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.inference_mode():
            rows, columns = (torch.from_numpy(np.array(part, dtype=np.float32)).to(device) for part in (left, right))
            places = torch.nonzero(rows @ columns.T >= least).cpu().numpy()
    finally:
        torch.set_float32_matmul_precision(precision)
    return places[:, 0], places[:, 1]
