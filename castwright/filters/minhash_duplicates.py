"""Near-duplicates by shared words, where there is no embedding model: MinHash candidates, exact Jaccard after.

Two texts are near when they share most of their runs of three words. rensa's MinHash finds the candidates; each is then
compared word by word, so no row is dropped by an estimate. Rows are visited best first and compared with rows kept
before, so every drop has a kept row and nothing chains. It misses what is said in other words: on 100,000 cards with
planted paraphrases embeddings found 0.998 and MinHash 0.77, so `near_duplicates` is the filter to take where a model is
there. (Rejected: datasketch, forty times as slow; a MinHash stage before embeddings, which saved nothing.)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
import polars as pl

from castwright.errors import ModelError, RecipeError
from castwright.filters.compared_rows import compared_groups, line_ranks
from castwright.filters.normalised import normalise
from castwright.filters.verdict import require_columns, row_names, texts, verdicts

HASHES = 128
SEED = 1
MISSED = 0.001
"""Chance, at most, that a pair at the threshold is no candidate."""

_BLOCK = 10_000


def minhash_duplicates(
    frame: pl.DataFrame,
    *,
    columns: Sequence[str] = ("text",),
    threshold: float = 0.7,
    words: int = 3,
    keep_best: str | None = None,
    within: str | None = None,
) -> pl.DataFrame:
    """Drop rows that share most of their words, in runs of `words`, with a better (else earlier) row that is kept.

    `threshold` is the Jaccard similarity of the two sets of runs from which they are duplicates. `keep_best` and
    `within` are those of `near_duplicates`; rows with no text are not compared. Needs no embedding model.
    Score: Jaccard similarity with the row kept in its stead, in [threshold, 1]; null for a kept row.

    Raises:
        RecipeError: an option is out of range, or a column is missing.
        ModelError: rensa is not installed.
    """
    given = [column for column in (keep_best, within) if column is not None]
    require_columns(frame, [*columns, *given], "minhash_duplicates")
    if not 0.1 <= threshold <= 1.0:
        raise RecipeError(f"filter 'minhash_duplicates': threshold={threshold} must lie in 0.1 to 1")
    if words < 1:
        raise RecipeError(f"filter 'minhash_duplicates': words={words} must be at least 1")
    joined = pl.Series("text", ["\n".join(parts) for parts in zip(*(texts(frame, c) for c in columns), strict=True)])
    keys = normalise(joined.cast(pl.String)).to_list()
    ranks = line_ranks(frame, keep_best)
    kept_for: dict[int, tuple[int, float]] = {}
    for rows in compared_groups(frame, keys, within):
        line = rows[np.argsort(ranks[rows])].tolist()
        kept_for |= _near_kept([keys[row] for row in line], line, threshold, words)
    names = row_names(frame)
    reasons, scores = [""] * frame.height, [None] * frame.height  # type: list[str], list[float | None]
    for row, (kept, jaccard) in kept_for.items():
        reasons[row], scores[row] = f"near {names[kept]} (Jaccard {jaccard:.3f})", round(jaccard, 4)
    return verdicts(reasons, scores)


def runs(text: str, length: int) -> frozenset[str]:
    """Return the runs of `length` words of a normalised text; a text of fewer words is one run."""
    words = text.split(" ")
    if len(words) <= length:
        return frozenset([text])
    return frozenset(" ".join(words[start : start + length]) for start in range(len(words) - length + 1))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of runs of either set that are in both."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def bands(threshold: float, hashes: int = HASHES, missed: float = MISSED) -> int:
    """Return into how many bands the hashes go: the fewest at which a pair at the threshold is hardly missed.

    A pair is a candidate with the probability 1 - (1 - s^r)^b at similarity s, r hashes in each of b bands.
    """
    fitting = (count for count in range(1, hashes + 1) if hashes % count == 0)
    return next((b for b in fitting if (1 - threshold ** (hashes // b)) ** b <= missed), hashes)


def _near_kept(keys: Sequence[str], rows: Sequence[int], threshold: float, words: int) -> dict[int, tuple[int, float]]:
    """Return, for each row that goes, the row kept in its stead and their similarity; rows come best first."""
    try:
        from rensa import RMinHash, RMinHashLSH  # type: ignore[import-untyped]
    except ImportError as error:
        raise ModelError("filter 'minhash_duplicates' needs rensa: pip install 'castwright[minhash]'") from error
    index = RMinHashLSH(threshold=threshold, num_perm=HASHES, num_bands=bands(threshold))
    kept: dict[int, frozenset[str]] = {}
    found: dict[int, tuple[int, float]] = {}
    numbered = enumerate(keys)
    while block := list(islice(numbered, _BLOCK)):
        sets = [runs(key, words) for _, key in block]
        # sorted: what a set yields first depends on the process
        hashes = RMinHash.from_token_sets([sorted(one) for one in sets], num_perm=HASHES, seed=SEED)
        for (place, _), one, minhash in zip(block, sets, hashes, strict=True):
            near = [(jaccard(kept[other], one), -other) for other in index.query(minhash)]
            similarity, other = max(near, default=(0.0, 0))
            if similarity >= threshold:
                found[rows[place]] = rows[-other], similarity
            else:
                kept[place] = one
                index.insert(place, minhash)
    return found
