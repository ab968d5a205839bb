"""Duplicates: the same text but for its dress, and nearly the same meaning.

Two filters, to be run in this order: a normalised key, grouped in polars (seconds for a million rows), then
cosine of embeddings for what is left. Both keep the best-scored row, else the first, and name it in the
reason, so a drop can be checked by hand. (Rejected: MinHash, which at chat length sees shared words and not
meaning; and one vector column in the rows, which costs gigabytes where a closure costs one array.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from castwright.errors import RecipeError
from castwright.filters.embeddings import Embedder
from castwright.filters.similarity import find_stars
from castwright.filters.verdict import require_columns, row_names, texts, verdicts

# Private-use marks that stand for the signs inside numbers while punctuation is taken out.
_POINT, _MINUS, _SLASH, _COLON, _COMMA = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004"
_INNER_SIGNS = ((r"\.", _POINT), ("-", _MINUS), ("/", _SLASH), (":", _COLON), (",", _COMMA))


def normalised(column: str) -> pl.Expr:
    """Return the comparison key of a text column: NFKC, lower case, no punctuation, single spaces.

    Signs that change a value stay (3.5, -5, 3-4, 1/2, 7:30, +, %, C#), and a text of nothing but punctuation
    is compared as it stands, so "?" and "!" differ. Null gives "".
    """
    text = pl.col(column).cast(pl.String).fill_null("").str.normalize("NFKC").str.to_lowercase()
    text = text.str.replace_all("−", "-", literal=True)
    key = text.str.replace_all(r"(\d),(\d{3})\b", "${1}${2}")
    for pattern, mark in _INNER_SIGNS * 2:  # twice, for 1.2.3: a match takes the digit the next one needs
        key = key.str.replace_all(rf"(\d){pattern}(\d)", f"${{1}}{mark}${{2}}")
    key = (
        key.str.replace_all(r"(^|[\s(=])-(\d)", f"${{1}}{_MINUS}${{2}}")
        .str.replace_all(r"['’‘`´]", "")
        .str.replace_all(r"[\p{P}--[#%&*@]]", " ")
        .str.replace_all(r"\s+", " ")
        .str.strip_chars()
    )
    bare = text.str.replace_all(r"\s+", " ").str.strip_chars()
    return pl.when(key == "").then(bare).otherwise(key)


def exact_duplicates(
    frame: pl.DataFrame, *, columns: Sequence[str], keep_best: str | None = None, within: str | None = None
) -> pl.DataFrame:
    """Drop rows whose `columns` all read the same as another row's, but for case, punctuation and spacing.

    Kept is the row with the greatest number in `keep_best`, else the first. With `within`, only rows equal in
    that column are compared (a null there equals nothing). Rows empty in every column are not compared.
    Score: 1.0 for a dropped row, null for a kept one.
    """
    require_columns(frame, [*columns, *_given(keep_best, within)], "exact_duplicates")
    if not columns:
        raise RecipeError("filter 'exact_duplicates': columns is empty; name the columns to compare")
    keys = [f"key {number}" for number in range(len(columns))]
    table = frame.select(
        *(normalised(column).alias(key) for column, key in zip(columns, keys, strict=True)),
        (pl.col(within).cast(pl.String) if within else pl.lit("")).alias("group"),
    ).with_columns(
        pl.Series("rank", _ranks(frame, keep_best), dtype=pl.Int64),
        pl.int_range(pl.len(), dtype=pl.Int64).alias("row"),
    )
    comparable = pl.any_horizontal(pl.col(key) != "" for key in keys) & pl.col("group").is_not_null()
    first = pl.col("row").sort_by("rank").first().over([*keys, "group"])
    keeper = table.select(pl.when(comparable).then(first).otherwise(pl.col("row"))).to_series().to_list()
    names = row_names(frame)
    reasons = ["" if kept == row else f"same text as {names[kept]}" for row, kept in enumerate(keeper)]
    return verdicts(reasons, [1.0 if reason else None for reason in reasons])


def near_duplicates(
    frame: pl.DataFrame,
    *,
    columns: Sequence[str] = ("text",),
    embedder: Embedder,
    threshold: float = 0.95,
    keep_best: str | None = None,
    within: str | None = None,
    block: int = 4096,
) -> pl.DataFrame:
    """Drop rows whose meaning is all but that of a better (else earlier) row that is kept.

    The columns are joined by newlines and embedded; rows are visited best first, and one is dropped when its
    cosine with a row kept before reaches `threshold` (see `similarity.find_stars`). With `within`, only rows
    equal in that column are compared (a null there equals nothing). Rows with no text are not compared.
    Calibrate the threshold on the corpus: template-made texts of different people reach 0.9.
    Score: cosine with the row kept in its stead, in [threshold, 1]; null for a kept row.
    Exact search: time grows with rows times kept rows; meant for up to some 250K rows.
    """
    require_columns(frame, [*columns, *_given(keep_best, within)], "near_duplicates")
    if not 0.0 < threshold <= 1.0:
        raise RecipeError(f"filter 'near_duplicates': threshold={threshold} must lie above 0 and at most at 1")
    if block < 1:
        raise RecipeError(f"filter 'near_duplicates': block={block} must be at least 1")
    joined = ["\n".join(parts).strip() for parts in zip(*(texts(frame, c) for c in columns), strict=True)]
    reasons: list[str] = [""] * frame.height
    scores: list[float | None] = [None] * frame.height
    groups = _groups(frame, joined, within)
    if not groups:
        return verdicts(reasons, scores)
    names, ranks = row_names(frame), _ranks(frame, keep_best)
    rows = np.concatenate(groups)
    vectors = embedder.encode([joined[row] for row in rows.tolist()])
    start = 0
    for group in groups:
        stars = find_stars(vectors[start : start + len(group)], np.argsort(ranks[group]), threshold, block)
        start += len(group)
        for local in np.flatnonzero(~stars.kept).tolist():
            cosine = round(min(float(stars.cosine[local]), 1.0), 4)
            reasons[int(group[local])] = f"near {names[int(group[stars.keeper[local]])]} (cosine {cosine:.3f})"
            scores[int(group[local])] = cosine
    return verdicts(reasons, scores)


def _given(*columns: str | None) -> list[str]:
    return [column for column in columns if column is not None]


def _ranks(frame: pl.DataFrame, keep_best: str | None) -> npt.NDArray[np.int64]:
    """Return each row's place in line, best score first, then position; null and NaN scores come last."""
    ranks = np.arange(frame.height, dtype=np.int64)
    if keep_best is None:
        return ranks
    scores = frame.get_column(keep_best).cast(pl.Float64).fill_null(float("nan")).to_numpy()
    order = np.argsort(-scores, kind="stable")  # numpy sorts NaN to the end
    ranks[order] = np.arange(frame.height)
    return ranks


def _groups(frame: pl.DataFrame, joined: Sequence[str], within: str | None) -> list[npt.NDArray[np.int64]]:
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
