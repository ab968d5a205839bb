"""One processor thread for models that are too small for two.

The matrices of a model trained from scratch are so small that a second thread gains about a quarter, and on a
busy machine the two wait for each other: measured, a training of 160 s then took over 500 s. One thread also
gives the same sums, and so the same weights, on any number of cores. Bigger models keep torch's own choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SMALL = 5_000_000  # parameters


@contextmanager
def threads_for(model: Any) -> Iterator[None]:
    """Use one thread inside the block where the model is small."""
    import torch

    before = torch.get_num_threads()
    if sum(weight.numel() for weight in model.parameters()) < SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
