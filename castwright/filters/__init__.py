"""What is kept: duplicates, quality, and the checks that two texts say the same.

A filter is a pure function from a polars frame to verdicts (`keep`, `reason`, `score`, one row per row);
`apply_filters` runs them by name and keeps every reject with its reason. Imports here are plain, because a
filter and its module share a name and only a plain import binds the function; model libraries load inside the
functions that need them, and the distilabel steps on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from castwright.filters.agreement import Agreement, check_agreement
from castwright.filters.duplicates import exact_duplicates, near_duplicates
from castwright.filters.embeddings import Embedder, load_embedder, pair_similarity
from castwright.filters.formality import formality
from castwright.filters.length import length
from castwright.filters.minhash_duplicates import minhash_duplicates
from castwright.filters.minors import minors
from castwright.filters.named_persons import named_persons
from castwright.filters.out_of_character import out_of_character
from castwright.filters.personal_data import personal_data
from castwright.filters.refusal import refusal
from castwright.filters.run import FILTERS, FilterSpec, apply_filters
from castwright.filters.slurs import slurs
from castwright.filters.verdict import verdicts

if TYPE_CHECKING:
    from castwright.filters.step import ApplyFilters, KeepRows

__all__ = [
    "FILTERS",
    "Agreement",
    "ApplyFilters",
    "Embedder",
    "FilterSpec",
    "KeepRows",
    "apply_filters",
    "check_agreement",
    "exact_duplicates",
    "formality",
    "length",
    "load_embedder",
    "minhash_duplicates",
    "minors",
    "named_persons",
    "near_duplicates",
    "out_of_character",
    "pair_similarity",
    "personal_data",
    "refusal",
    "slurs",
    "verdicts",
]


def __getattr__(name: str) -> Any:
    if name in ("ApplyFilters", "KeepRows"):
        from castwright.filters import step

        return getattr(step, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
