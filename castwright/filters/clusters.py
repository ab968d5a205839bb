"""Clusters of duplicates: what a row kept stands for, as a table for reasons and as a few numbers for a report.

A cluster is a star: one row that stays and the rows dropped for it. They are numbered in the order of their kept rows,
so that the same rows give the same numbers. (Rejected: a random id per cluster, which no second run would repeat.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl


def cluster_table(row_ids: pl.Series, keeper: npt.NDArray[np.int64], cosine: npt.NDArray[np.floating]) -> pl.DataFrame:
    """Return the columns of `resolve`: clusters are numbered in the order of their kept rows."""
    stays = keeper == np.arange(len(keeper))
    numbers = np.zeros(len(keeper), dtype=np.int64)
    centres = np.unique(keeper[~stays])
    numbers[centres] = np.arange(1, len(centres) + 1)
    frame = pl.DataFrame(
        {
            "row_id": row_ids,
            "keep": stays,
            "cluster": numbers[keeper],
            "kept": row_ids.gather(pl.Series(keeper)),
            "similarity": np.minimum(cosine, 1.0).astype(np.float64).round(4),
        }
    )
    return frame.with_columns(
        pl.when(pl.col("cluster") > 0).then("cluster").alias("cluster"),
        pl.when(~pl.col("keep")).then("similarity").alias("similarity"),
    )


def cluster_sizes(keeper: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Return how many clusters there are, the largest one's rows, and how many have how many rows, JSON-ready.

    `keeper`: of each dropped row, the number of the row kept in its stead, from 0.
    """
    sizes = np.bincount(keeper)
    sizes = sizes[sizes > 0] + 1
    bins = {"2": (2, 2), "3": (3, 3), "4": (4, 4), "5-9": (5, 9), "10-99": (10, 99), "100+": (100, None)}
    counts = {
        name: int(np.count_nonzero((sizes >= low) & (sizes <= (high if high is not None else sizes.max(initial=0)))))
        for name, (low, high) in bins.items()
    }
    return {"clusters": len(sizes), "largest_cluster": int(sizes.max(initial=0)), "cluster_sizes": counts}
