"""Which rows a filter of duplicates compares with each other, and which of them comes first in line.

Shared by all of them, so that `within` and `keep_best` mean the same everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl


def line_ranks(frame: pl.DataFrame, keep_best: str | None) -> npt.NDArray[np.int64]:
    """Return each row's place in line, best score first, then position; null and NaN scores come last."""
    ranks = np.arange(frame.height, dtype=np.int64)
    if keep_best is None:
        return ranks
    scores = frame.get_column(keep_best).cast(pl.Float64).fill_null(float("nan")).to_numpy()
    order = np.argsort(-scores, kind="stable")  # numpy sorts NaN to the end
    ranks[order] = np.arange(frame.height)
    return ranks


def compared_groups(frame: pl.DataFrame, joined: Sequence[str], within: str | None) -> list[npt.NDArray[np.int64]]:
    """Return the row positions that are compared with each other: groups of two or more, in order."""
    filled = [row for row, text in enumerate(joined) if text]
    if within is None:
        groups: dict[str, list[int]] = {"": filled}
    else:
        groups = {}
        values = frame.get_column(within).cast(pl.String).to_list()
        for row in filled:
            if values[row] is not None:
                groups.setdefault(values[row], []).append(row)
    return [np.array(rows, dtype=np.int64) for rows in groups.values() if len(rows) > 1]
