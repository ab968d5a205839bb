"""The `personas` table: cards in parquet, and back.

One explicit schema, nested as the card is, so that every writer makes the same table and polars, `datasets`
and DuckDB read it without us. Rejected: JSON text in a column (opaque to all of those) and an inferred schema
(the first cards without an age would make it a null column). Reading goes through `PersonaCard`, so a card
from a file is as valid as one just made; it is cached, because every stage asks for the same cards.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from castwright.errors import SourceError
from castwright.personas.card import PersonaCard
from castwright.personas.lines import reason_of

if TYPE_CHECKING:
    import pyarrow as pa

CARD_COLUMNS = tuple(PersonaCard.model_fields)
STAGE = "persona_cards"
_WRITE_ROWS = 10_000
_READ_ROWS = 2_000
_CACHED_TABLES = 4
_FileState = tuple[str, int, int]  # path, mtime in ns, size in bytes: another state is another table


def cards_schema() -> pa.Schema:
    """Return the schema of the `personas` table: the card's fields, then those of every row."""
    import pyarrow as pa

    text, texts = pa.string(), pa.list_(pa.string())
    info = [("age", pa.int64()), ("gender", text), ("occupation", text), ("place", text), ("era", text)]
    evidence = [*((name, text) for name in ("field", "value", "quote", "place")), ("inferred", pa.bool_())]
    style = [("register", text), ("sentence_length", text), ("catchphrases", texts), ("quirks", texts)]
    return pa.schema(
        [
            ("persona_id", text),
            ("name", text),
            ("kind", text),
            ("modern", pa.bool_()),
            ("language", text),
            ("basic_info", pa.struct([*info, ("relationships", texts)])),
            ("traits", texts),
            ("dialogue_style", pa.struct(style)),
            ("background", text),
            ("example_lines", texts),
            ("source", pa.struct([(name, text) for name in ("dataset", "record", "uri", "licence")])),
            ("evidence", pa.list_(pa.struct(evidence))),
            ("split_group", text),
            ("row_id", text),
            ("parents", texts),
            ("stage", text),
            ("model", text),
            ("verdict", text),
            ("filter", text),
            ("reason", text),
            ("score", pa.float64()),
        ]
    )


def write_cards(cards: Iterable[PersonaCard], path: Path | str) -> None:
    """Write cards as one parquet file of the `personas` table, all at once or not at all.

    `row_id` is the persona id; the verdict columns stay null, as before curation.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    target, schema = Path(path).expanduser(), cards_schema()
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with pq.ParquetWriter(part, schema, compression="zstd") as writer:
            remaining = iter(cards)
            while rows := [_row(card) for card in islice(remaining, _WRITE_ROWS)]:
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def read_cards(path: Path | str) -> dict[str, PersonaCard]:
    """Return the cards of a parquet file, or of all parquet files of a folder in name order, by persona id.

    The order is that of the table; of cards with one id the first stands. Kept per process by path, time and
    size of the files; the mapping is the caller's own, the cards are frozen.

    Raises:
        SourceError: no such file, no parquet in the folder, not a `personas` table, a row that is no card.
    """
    return dict(_load(tuple(_state(file) for file in _files(path))))


def iter_cards(path: Path | str) -> Iterator[PersonaCard]:
    """Yield what `read_cards` returns, one card at a time: however long the table, few are in memory.

    Raises:
        SourceError: as `read_cards`.
    """
    return _each(_files(path))


def _files(path: Path | str) -> list[Path]:
    source = Path(path).expanduser()
    if source.is_dir():
        files = sorted(entry for entry in source.glob("*.parquet") if entry.is_file())
        if not files:
            raise SourceError(f"no parquet file in the folder {source}: a personas table is wanted there")
        return files
    if source.is_file():
        return [source]
    raise SourceError(f"no personas table at {source}: there is no such file or folder")


def _state(file: Path) -> _FileState:
    stat = file.stat()
    return str(file.resolve()), stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=_CACHED_TABLES)
def _load(files: tuple[_FileState, ...]) -> dict[str, PersonaCard]:
    return {card.persona_id: card for card in _each(Path(path) for path, _, _ in files)}


def _each(files: Iterable[Path]) -> Iterator[PersonaCard]:
    seen: set[str] = set()
    for path in files:
        for number, row in enumerate(_card_rows(path), start=1):
            try:
                card = PersonaCard.model_validate(row)
            except ValidationError as error:
                first = error.errors()[0]
                field = ".".join(map(str, first["loc"]))
                raise SourceError(f"{path}[row {number}] is no persona card: {field}: {first['msg']}") from error
            if card.persona_id not in seen:
                seen.add(card.persona_id)
                yield card


def _card_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the card columns of a table's rows.

    Raises:
        SourceError: not parquet, or columns are missing.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as table:
            missing = [name for name in CARD_COLUMNS if name not in table.schema_arrow.names]
            if missing:
                raise SourceError(f"{path} is no personas table: it has no column {', '.join(missing)}")
            for batch in table.iter_batches(batch_size=_READ_ROWS, columns=list(CARD_COLUMNS)):
                yield from batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"cannot read {path} as parquet: {reason_of(error)}") from error


def _row(card: PersonaCard) -> dict[str, Any]:
    lineage = {"row_id": card.persona_id, "parents": [], "stage": STAGE, "model": ""}
    return card.as_row() | lineage
