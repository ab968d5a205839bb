"""The comparison key of a text: what is left when its dress (case, punctuation, spacing, Unicode form) is taken off.

Polars expressions, so a million rows take seconds; signs that change a value are kept. It has a module of its own
because exact duplicates group by it and static embeddings read it. (Rejected: one expression that removes all
punctuation, which makes 3.5 and 35, or C# and C, the same.)
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import polars as pl

from castwright.filters.neighbours import cores

# Private-use marks that stand for the signs inside numbers while punctuation is taken out.
_POINT, _MINUS, _SLASH, _COLON, _COMMA = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004"
_AT_A_TIME = 16_384
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
        .str.replace_many([mark for _, mark in _INNER_SIGNS], [".", "-", "/", ":", ","])
    )
    bare = text.str.replace_all(r"\s+", " ").str.strip_chars()
    return pl.when(key == "").then(bare).otherwise(key)


def normalise(texts: pl.Series) -> pl.Series:
    """Return the keys of `normalised`, some nine times as fast where texts are ASCII without digits, as most are.

    Those have no Unicode forms to fold and no sign inside a number to keep, so three passes do for them. Long columns
    go in pieces, as every pass makes a copy, and in threads, as polars takes one for a column.
    """
    if len(texts) > _AT_A_TIME:
        pieces = (texts.slice(start, _AT_A_TIME) for start in range(0, len(texts), _AT_A_TIME))
        with ThreadPoolExecutor(cores()) as pool:
            return pl.concat(pool.map(normalise, pieces))
    text = texts.cast(pl.String).fill_null("").alias("text")
    plain = (text.str.len_bytes() == text.str.len_chars()) & ~text.str.contains(r"\d")
    if not plain.all():
        easy = text.to_frame().with_row_index("row").filter(plain)
        hard = text.to_frame().with_row_index("row").filter(~plain)
        keys = [easy.with_columns(_plain_keys(easy["text"])), hard.with_columns(normalised("text"))]
        return pl.concat([part.select("row", "text") for part in keys]).sort("row").get_column("text")
    return _plain_keys(text)


def _plain_keys(text: pl.Series) -> pl.Series:
    lower = text.str.to_lowercase()
    key = lower.str.replace_all(r"['`]", "").str.replace_all(r"[[\s--[ ]]\p{P}--[#%&*@]]", " ")
    key = key.str.replace_all("  +", " ").str.strip_chars()
    empty = key == ""
    if not empty.any():
        return key
    bare = lower.str.replace_all(r"\s+", " ").str.strip_chars()
    return key.to_frame("key").select(pl.when(empty).then(bare).otherwise("key")).to_series().alias(text.name)
