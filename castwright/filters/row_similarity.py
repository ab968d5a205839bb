"""The cosine of two text columns of the same row, for the steps that judge pairs of texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from castwright.filters.embeddings import load_embedder, pair_similarity


def row_similarities(
    rows: Sequence[dict[str, Any]],
    left: str,
    right: str,
    embeddings: str,
    *,
    where: Callable[[dict[str, Any]], bool],
) -> list[float | None]:
    """Return each row's cosine of `left` and `right`, or None for the rows that `where` leaves out."""
    judged = [position for position, row in enumerate(rows) if where(row)]
    cosines: list[float | None] = [None] * len(rows)
    if judged:
        found = pair_similarity(
            [rows[position][left] for position in judged],
            [rows[position][right] for position in judged],
            load_embedder(embeddings),
        )
        for position, cosine in zip(judged, found, strict=True):
            cosines[position] = float(cosine)
    return cosines
