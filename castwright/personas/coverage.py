"""Coverage: which values of each attribute, and which pairs of them, a set of persona cards has, and how evenly.

Counted in polars over a lazy personas table, one narrow query per attribute and pair, so that a million cards take
seconds. From the card alone, so it serves cards of any source: what the grid's tables promise is `grid_coverage`.
(Rejected: one wide table of all combinations, which is as long as the cards; embeddings, which say how far apart
two cards are but not who is missing.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from castwright.personas.age_bands import AGE_BANDS, FIRST_AGES
from castwright.personas.attribute_coverage import (
    AttributeCoverage,
    PairCoverage,
    attribute_coverage,
    independent,
    pair_coverage,
)
from castwright.personas.card import KINDS, REGISTERS, SENTENCE_LENGTHS
from castwright.personas.grid_files import load_tables

if TYPE_CHECKING:
    import polars as pl

CARD_VALUES: dict[str, tuple[str, ...]] = {
    "kind": KINDS,
    "modern": ("modern", "historical"),
    "language": (),
    "gender": (),
    "age_band": AGE_BANDS,
    "occupation_head": (),
    "place": (),
    "era": (),
    "register": REGISTERS,
    "sentence_length": SENTENCE_LENGTHS,
    "trait": (),
    "pole": (),
}
CARD_PAIRS = (
    ("gender", "age_band"),
    ("gender", "register"),
    ("age_band", "register"),
    ("occupation_head", "gender"),
    ("occupation_head", "age_band"),
    ("occupation_head", "register"),
    ("register", "sentence_length"),
    ("register", "pole"),
)
_LISTS = ("trait", "pole")
_AFTER_HEAD = r"(?:,|;|\(|\s(?:of|in|at|for|with|on|to|from|and|who|by)\s).*$"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How a set of cards fills the space of attributes."""

    cards: int
    attributes: tuple[AttributeCoverage, ...]
    pairs: tuple[PairCoverage, ...]

    def __getitem__(self, name: str) -> AttributeCoverage:
        return next(found for found in self.attributes if found.name == name)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Attribute -> value -> cards, as `sample_characters` takes it to fill up what is thin."""
        return {found.name: dict(found.counts) for found in self.attributes}

    def as_dict(self, most: int = 5) -> dict[str, Any]:
        """Return JSON-ready data, with the `most` fullest and emptiest values of each attribute."""
        return {
            "cards": self.cards,
            "attributes": {found.name: found.as_dict(most) for found in self.attributes},
            "pairs": {found.name: found.as_dict() for found in self.pairs},
        }

    def lines(self) -> list[str]:
        """Return the coverage as lines of text, for a terminal or a dataset card."""
        return [*map(_attribute_line, self.attributes), *map(_pair_line, self.pairs)]


def card_coverage(cards: pl.LazyFrame | pl.DataFrame) -> Coverage:
    """Return the coverage of cards of any source; `cards` has the columns of the personas table.

    The occupation counts by its last noun ("retired tram driver" is a driver). Traits that the shipped tables know
    count towards their Big-Five pole. Open attributes (language, gender, place, ...) have no list of what could be:
    their pairs are measured against all pairs of values that were met.
    """
    flat = flat_cards(cards)
    total, counts, pairs = count_values(flat, tuple(CARD_VALUES), CARD_PAIRS)
    values = {**CARD_VALUES, "pole": tuple(load_tables().traits)}
    attributes = [attribute_coverage(name, counts[name], values=values[name]) for name in values]
    together = [
        pair_coverage(f"{first} x {second}", found, independent(found)) for (first, second), found in pairs.items()
    ]
    return Coverage(total, tuple(attributes), tuple(together))


def flat_cards(cards: pl.LazyFrame | pl.DataFrame) -> pl.LazyFrame:
    """Return the attributes of cards as flat columns: texts, `trait` and `pole` lists of texts, "" where unknown."""
    import polars as pl

    info, style = pl.col("basic_info").struct, pl.col("dialogue_style").struct
    age, traits = info.field("age"), load_tables().traits
    poles = {trait: pole for pole, words in traits.items() for trait in words}
    band = pl.when(age.is_null()).then(pl.lit("")).otherwise(pl.lit(AGE_BANDS[0]))
    for first, name in zip(FIRST_AGES, AGE_BANDS[1:], strict=True):
        band = pl.when(age >= first).then(pl.lit(name)).otherwise(band)
    head = info.field("occupation").str.to_lowercase().str.replace(_AFTER_HEAD, "").str.extract(r"(\S+)\s*$")
    return cards.lazy().select(
        pl.col("kind"),
        modern=pl.when(pl.col("modern")).then(pl.lit("modern")).otherwise(pl.lit("historical")),
        language=pl.col("language"),
        gender=info.field("gender"),
        age_band=band,
        occupation=info.field("occupation"),
        occupation_head=head.fill_null(""),
        place=info.field("place"),
        era=info.field("era"),
        register=style.field("register"),
        sentence_length=style.field("sentence_length"),
        trait=pl.col("traits"),
        pole=pl.col("traits").list.eval(pl.element().replace_strict(poles, default="", return_dtype=pl.String)),
    )


def count_values(
    flat: pl.LazyFrame, names: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> tuple[int, dict[str, dict[str, int]], dict[tuple[str, str], dict[tuple[str, str], int]]]:
    """Return the number of cards, the counts of each attribute and those of each pair (without a missing value)."""
    import polars as pl

    frame = flat.select(sorted({*names, *(name for pair in pairs for name in pair)})).collect()
    counts: dict[str, dict[str, int]] = {}
    for name in names:
        column = frame.select(name).explode(name) if name in _LISTS else frame.select(name)
        counts[name] = dict(column.with_columns(pl.col(name).fill_null("")).group_by(name).len().iter_rows())
    together: dict[tuple[str, str], dict[tuple[str, str], int]] = {}
    for first, second in pairs:
        columns = frame.select(first, second)
        for name in {first, second}.intersection(_LISTS):
            columns = columns.explode(name)
        known = columns.filter((pl.col(first) != "") & (pl.col(second) != ""))
        found = known.group_by(first, second).len()
        together[first, second] = {(one, other): n for one, other, n in found.iter_rows()}
    return frame.height, counts, together


def _attribute_line(found: AttributeCoverage) -> str:
    of = f" of {found.possible:,}" if found.possible is not None else ""
    line = f"{found.name}: {found.seen:,}{of} values, effective {found.effective:.1f}"
    if found.stated_effective is not None:
        line += f" (stated {found.stated_effective:.1f})"
    if found.evenness is not None:
        line += f", evenness {found.evenness:.3f}"
    if found.distance is not None and found.luck is not None:
        line += f", {found.distance:.2%} off what was stated ({found.luck:.2%} by luck)"
    items = list(found.counts.items())
    if len(items) > 1:
        line += f"; most {items[0][0]} {items[0][1]:,}, least {items[-1][0]} {items[-1][1]:,}"
    return line + (f"; without {found.missing:,}" if found.missing else "")


def _pair_line(found: PairCoverage) -> str:
    line = f"{found.name}: {found.met:,} of {found.allowed:,} pairs ({found.luck:,.0f} by luck)"
    return line + (f"; never {found.never[0]}" if found.never else "")
