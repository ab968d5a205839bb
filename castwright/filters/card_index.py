"""The index of a run's cards in its folder: the duplicates' index, and what was decided of each of its rows.

What is decided stays decided: a later run that extends this one compares its cards with the rows that were kept here,
under whatever threshold, and takes over the groups of the split. So keepers and groups are stored beside the vectors,
in one small file per run; changing a threshold replaces the last of them alone. Identities are digests: a new card is
told to be an old one without the old one's text. (Rejected: deciding old rows anew, which would drop a card that an
earlier run has published, or keep one that it has dropped.)
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from castwright.errors import RecipeError, SourceError
from castwright.filters.calibration import Calibration
from castwright.filters.duplicate_index import NO_PAIRS, Index, Part, texts_of
from castwright.filters.embeddings import Distillable, Embedder
from castwright.filters.index_files import link_or_copy, load_index, replace_text, save_index, write_array
from castwright.filters.neighbours import Pairs, Positions, choose_bound, concatenated
from castwright.filters.normalised import normalise
from castwright.filters.static_embeddings import StaticEmbedder
from castwright.filters.text_digests import Digests, key_digests

FORMAT = 1
Method = Literal["embeddings", "static"]
_CONTENTS, _CALIBRATION = "cards.json", "calibration.npy"
_EXACT, _OUTSIDE_ROWS, _OUTSIDE_PAIRS = "exact.parquet", "against.parquet", "against-pairs.parquet"
_PROBED = 4
_OFF = 0.01  # a component's difference; batches and machines differ in the third decimal at most

SETTLED_SCHEMA: dict[str, pl.DataType] = {
    "keeper": pl.Int64(),
    "cosine": pl.Float32(),
    "split_group": pl.String(),
    **{f"{kind}_{half}": pl.UInt64() for kind in ("identity", "name") for half in "ab"},
}
"""One row per row of the index: the number of the row kept in its stead (itself where it is kept, -1 where that is a
row of another index), their cosine, the group of the split, and digests of its identity and of its name and kind."""

NOTHING_SETTLED = pl.DataFrame(schema=SETTLED_SCHEMA)

EXACT_SCHEMA: dict[str, pl.DataType] = {
    "row_id": pl.String(),
    "number": pl.Int64(),
    "reason": pl.String(),
    "split_group": pl.String(),
}
"""Cards of the last run that are no rows of the index, for their identity was there: the number of the row that has it
(null where that is a row of another index, whose group stands in `split_group`), and the reason."""


@dataclass(frozen=True)
class Outside:
    """Rows of other indexes near to the last run's. `rows`: name (for reasons) and split_group.

    `pairs`: of such a row (left) and a row of this index (right). `confirmations`: NaN where no transformer was asked.
    """

    rows: pl.DataFrame
    pairs: Pairs
    confirmations: npt.NDArray[np.float32]


NO_OUTSIDE = Outside(
    pl.DataFrame(schema={"name": pl.String(), "split_group": pl.String()}), concatenated([]), np.empty(0, np.float32)
)


@dataclass(frozen=True)
class CardIndex:
    """The index of one run's cards and of those that it extends.

    `method`: whether the embedder itself made the vectors of the texts as they are, or its static form those of the
    normalised texts. `floor`: of the last run's pairs, None where they were too many to list. `settled`: see
    SETTLED_SCHEMA. `exact` (see EXACT_SCHEMA) and `outside` are the last run's. `recall`: sampled, where cells were
    searched.
    """

    index: Index
    method: Method
    floor: float | None
    calibration: Calibration
    recall: float | None
    settled: pl.DataFrame
    exact: pl.DataFrame
    outside: Outside = NO_OUTSIDE

    @property
    def kept(self) -> npt.NDArray[np.bool_]:
        """Return which rows of `settled` are kept."""
        keeper = self.settled.get_column("keeper").to_numpy()
        return np.asarray(keeper == np.arange(len(keeper)), dtype=np.bool_)

    def digests(self, of: Literal["identity", "name"]) -> Digests:
        """Return a digest of every settled row, shape (n, 2)."""
        return self.settled.select(f"{of}_a", f"{of}_b").to_numpy()


def run_name(folder: Path) -> str:
    """Return what an index's run is called: the folder above the stage's, else the index's own."""
    whole = folder.absolute()
    named = whole.parents[1].name if whole.name == "duplicates" and len(whole.parents) > 1 else whole.name
    return named or str(whole)


def settled_rows(
    keeper: Positions, cosine: npt.NDArray[np.floating], groups: pl.Series, identities: Digests, names: Digests
) -> pl.DataFrame:
    """Return rows of SETTLED_SCHEMA."""
    halves = {"identity_a": identities[:, 0], "identity_b": identities[:, 1], "name_a": names[:, 0]}
    columns = {"keeper": keeper, "cosine": cosine, "split_group": groups, **halves, "name_b": names[:, 1]}
    return pl.DataFrame(columns, schema=SETTLED_SCHEMA)


def save_cards(cards: CardIndex, folder: Path, *, base: Path | None = None, linked: bool = True) -> None:
    """Write an index of cards into a folder that has none, or what a changed threshold changes into one that has it.

    `base`: the folder that it extends; its files are linked, or, with `linked` False, written anew.

    Raises:
        SourceError: the folder cannot be written.
    """
    save_index(cards.index, folder, base=base if linked else None)
    try:
        start = cards.index.last_start
        earlier = len(cards.index.parts) - 1
        if base is not None:
            for number in range(earlier):
                link_or_copy(base / _settled_name(number), folder / _settled_name(number))
        _write_parquet(cards.settled[start:], folder / _settled_name(earlier))
        _write_parquet(cards.exact, folder / _EXACT)
        _write_parquet(cards.outside.rows, folder / _OUTSIDE_ROWS)
        _write_parquet(_pair_frame(cards.outside), folder / _OUTSIDE_PAIRS)
        (folder / _CALIBRATION).unlink(missing_ok=True)
        write_array(folder / _CALIBRATION, cards.calibration.others)
        told: dict[str, Any] = {"format": FORMAT, "method": cards.method, "floor": cards.floor, "recall": cards.recall}
        told |= {"copies": cards.calibration.copies, "calibrated_rows": cards.calibration.rows}
        replace_text(folder / _CONTENTS, json.dumps(told, indent=1) + "\n")
    except OSError as error:
        raise SourceError(f"{folder}: the index of cards cannot be written ({error.strerror})") from error


def load_cards(folder: Path) -> CardIndex:
    """Return the index of cards in a folder; its vectors are mapped and its texts are read when they are wanted.

    Raises:
        SourceError: there is none, it is of another format, or a file of it is damaged.
    """
    index = load_index(folder)
    try:
        told = json.loads((folder / _CONTENTS).read_text(encoding="utf-8"))
        if told["format"] != FORMAT:
            raise SourceError(
                f"{folder}: an index of cards of format {told['format']}, this version reads {FORMAT}; run it anew"
            )
        settled = pl.concat([pl.read_parquet(folder / _settled_name(n)) for n in range(len(index.parts))])
        pairs = pl.read_parquet(folder / _OUTSIDE_PAIRS)
        left, right, cosine, asked = (pairs.get_column(name).to_numpy() for name in pairs.columns)
        return CardIndex(
            index,
            told["method"],
            told["floor"],
            Calibration(np.load(folder / _CALIBRATION), float(told["copies"]), int(told["calibrated_rows"])),
            told["recall"],
            settled,
            pl.read_parquet(folder / _EXACT),
            Outside(pl.read_parquet(folder / _OUTSIDE_ROWS), Pairs(left, right, cosine), asked),
        )
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise SourceError(f"{folder}: the index of cards is damaged ({error}); make it anew") from error


def encoder_name(embedder: Embedder, method: Method) -> str:
    """Return what names the model behind vectors: its digest, or its class's name where it has none."""
    if method == "static" and isinstance(embedder, Distillable):
        return embedder.static().digest
    return str(getattr(embedder, "digest", type(embedder).__qualname__))


def require_encoder(cards: CardIndex, embedder: Embedder, folder: Path) -> None:
    """Check that an index was made with this embedder; one without a digest is asked for texts of the index again.

    Raises:
        RecipeError: it was another one; the message has both and the remedy.
    """
    theirs = cards.index.encoder
    statics = cards.method == "embeddings" or isinstance(embedder, Distillable)
    mine = encoder_name(embedder, cards.method) if statics else type(embedder).__qualname__
    if mine == theirs and (cards.method == "static" or hasattr(embedder, "digest") or _answers_alike(cards, embedder)):
        return
    also = " (the same name, but other vectors for its texts)" if mine == theirs else ""
    raise RecipeError(
        f"{folder}: its vectors were made with the embedding model {theirs[:16]}, and this run has {mine[:16]}{also}; "
        "set embeddings to that model, or make that run anew with this one"
    )


def _answers_alike(cards: CardIndex, embedder: Embedder) -> bool:
    """Return whether the embedder gives some rows of the index the vectors that stand there."""
    part = cards.index.parts[0]
    rows = np.flatnonzero(np.any(part.vectors[:256], axis=1))[:_PROBED]
    if not len(rows):
        return True
    vectors = embedder.encode(texts_of(cards.index, rows.tolist()))
    there = part.vectors[rows]
    return vectors.shape == there.shape and bool(np.abs(vectors - there).max() < _OFF)


def as_static(cards: CardIndex, static: StaticEmbedder) -> CardIndex:
    """Return an index made by the embedder itself with static vectors in their stead; what was decided stays.

    For small sets that a large one extends or is held against. The pairs between its rows are left out: they are
    decided.
    """
    keys = normalise(pl.concat([part.texts.collect().to_series() for part in cards.index.parts])).alias("key")
    filled = np.flatnonzero((keys != "").to_numpy())
    vectors = np.zeros((len(keys), 1), dtype=np.float32)
    if len(filled):
        made = static.encode_normalised(keys.gather(pl.Series(filled)))
        vectors = np.zeros((len(keys), made.shape[1]), dtype=np.float32)
        vectors[filled] = made
    parts, start = [], 0
    for part in cards.index.parts:
        mine = slice(start, start + part.rows.height)
        none, bare = concatenated([]), np.empty(0, dtype=np.float32)
        own = keys[mine]
        parts.append(Part(part.rows, own.to_frame().lazy(), vectors[mine], key_digests(own), none, bare))
        start = mine.stop
    index = Index(NO_PAIRS, static.digest, choose_bound(vectors, 0.95), tuple(parts))
    return replace(cards, index=index, method="static")


def as_wide(cards: CardIndex, width: int) -> CardIndex:
    """Return an index in which no row has a text with vectors of another width: they are zeros of any."""
    if all(part.vectors.shape[1] == width for part in cards.index.parts):
        return cards
    parts = [replace(part, vectors=np.zeros((len(part.vectors), width), np.float32)) for part in cards.index.parts]
    bound = choose_bound(parts[0].vectors, 0.95)
    return replace(cards, index=replace(cards.index, bound=bound, parts=tuple(parts)))


def _pair_frame(outside: Outside) -> pl.DataFrame:
    pairs = outside.pairs
    columns = {"left": pairs.left, "right": pairs.right, "cosine": pairs.cosine, "confirmed": outside.confirmations}
    return pl.DataFrame(columns)


def _settled_name(number: int) -> str:
    return f"cards-{number:05d}.parquet"


def _write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write a table under a new name first: what is linked to the old file keeps it."""
    part = path.with_name(f".{path.name}.writing")
    frame.write_parquet(part, compression="lz4")
    part.replace(path)
