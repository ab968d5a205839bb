"""What duplicates among cards are looked for in: who they are and what sets them apart, best cards first.

Read from the table and not carried through the graph, so that a card that stands is seen as one just made. (Rejected:
a score of a model, which would cost a call a card to choose between two that say the same.)
"""

from __future__ import annotations

import polars as pl


def card_texts(cards: pl.LazyFrame) -> pl.DataFrame:
    """Return what duplicates are looked for in, from the `personas` table: one row per card, the fullest first.

    Columns: place (in the table), row_id, persona_id, name, kind, verdict, filter, reason, score, and the texts
    `identity` and `profile` as `card_extraction` makes them; empty for what is no card.
    """
    info = pl.col("basic_info").struct
    who = pl.concat_str("name", *(info.field(name) for name in ("occupation", "place", "era")), separator=" | ")
    traits = pl.col("traits").list.join(", ")
    texts = cards.with_row_index("place").select(
        *("place", "row_id", "persona_id", "name", "kind", "verdict", "filter", "reason", "score"),
        who.fill_null("").alias("identity"),
        pl.concat_str(who, pl.lit(". "), traits, pl.lit(". "), "background").fill_null("").alias("profile"),
        fullness().alias("fullness"),
    )
    # of two cards of one character the fuller one stays, and of two as full the first
    return texts.sort("fullness", descending=True, maintain_order=True).drop("fullness").collect()


def fullness() -> pl.Expr:
    """Return how much a card says, for a `personas` table: fields filled, up to five values of a list, quotes shown."""
    info, style = pl.col("basic_info").struct, pl.col("dialogue_style").struct
    known = [info.field(name).fill_null("") != "" for name in ("gender", "occupation", "place", "era")]
    lists = [info.field("relationships"), style.field("catchphrases"), style.field("quirks")]
    lists += [pl.col("traits"), pl.col("example_lines")]
    told = pl.col("evidence").list.eval(pl.element().struct.field("quote").str.len_bytes() > 0).list.sum()
    parts = [*known, info.field("age").is_not_null(), *(one.list.len().clip(0, 5) for one in lists), told.clip(0, 20)]
    return pl.sum_horizontal(part.cast(pl.Int64).fill_null(0) for part in parts)
