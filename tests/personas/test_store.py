"""The personas table: what is written comes back, and what is no such table is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from castwright.errors import SourceError
from castwright.personas import store
from castwright.personas.card import KINDS, REGISTERS, SENTENCE_LENGTHS, PersonaCard
from castwright.personas.store import CARD_COLUMNS, cards_schema, iter_cards, read_cards, write_cards

TEXT = st.text(max_size=20)
WORD = st.text(min_size=1, max_size=20).filter(lambda text: text.strip())
LIST = st.lists(TEXT, max_size=3)
CARDS = st.builds(
    lambda **data: PersonaCard.model_validate(data),
    name=WORD,
    kind=st.sampled_from(KINDS),
    modern=st.booleans(),
    basic_info=st.fixed_dictionaries(
        {"age": st.none() | st.integers(0, 10_000), "gender": TEXT, "place": TEXT, "relationships": LIST}
    ),
    traits=st.lists(WORD, min_size=1, max_size=3),
    dialogue_style=st.fixed_dictionaries(
        {
            "register": st.sampled_from(REGISTERS),
            "sentence_length": st.sampled_from(SENTENCE_LENGTHS),
            "quirks": LIST,
        }
    ),
    background=WORD,
    example_lines=LIST,
    source=st.fixed_dictionaries({"dataset": TEXT, "record": TEXT, "licence": TEXT}),
)


def card(name: str, **more: object) -> PersonaCard:
    return PersonaCard.model_validate({"name": name, "traits": ["calm"], "background": "Keeps bees."} | more)


@given(cards=st.lists(CARDS, max_size=6, unique_by=lambda card: card.persona_id))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cards_come_back_exactly(tmp_path: Path, cards: list[PersonaCard]) -> None:
    """Any cards, in their order, with ids and sources."""
    path = tmp_path / "cards.parquet"
    write_cards(cards, path)
    store._load.cache_clear()  # examples may follow within one tick of the file system's clock
    assert list(read_cards(path).items()) == [(card.persona_id, card) for card in cards]


def test_the_table_has_the_contract_of_every_stage(tmp_path: Path) -> None:
    """The schema is the same with no card at all, and polars reads the nested columns."""
    write_cards([], tmp_path / "none.parquet")
    write_cards([card("Ada")], tmp_path / "one.parquet")
    for name in ("none", "one"):
        assert pq.read_schema(tmp_path / f"{name}.parquet").equals(cards_schema())
    rest = ["evidence", "split_group", "row_id", "parents", "stage", "model", "verdict", "filter", "reason", "score"]
    assert cards_schema().names == [*CARD_COLUMNS, *rest]
    row = pl.read_parquet(tmp_path / "one.parquet").row(0, named=True)
    assert row["basic_info"]["age"] is None
    assert row["row_id"] == row["persona_id"]
    assert (row["parents"], row["stage"], row["verdict"], row["score"]) == ([], "persona_cards", None, None)


def test_the_schema_follows_the_card() -> None:
    """A field added to the card and forgotten in the table fails here."""
    full = card("Ada").as_row()
    schema = cards_schema()
    for name, value in full.items():
        if isinstance(value, dict):
            assert [field.name for field in schema.field(name).type] == list(value)


def test_a_folder_is_read_in_name_order(tmp_path: Path) -> None:
    """Of cards with one id the first stands; rejects in a folder below are not read."""
    write_cards([card("Bo"), card("Ada", source={"record": "second"})], tmp_path / "b.parquet")
    write_cards([card("Ada", source={"record": "first"})], tmp_path / "a.parquet")
    write_cards([card("Cleo")], tmp_path / "rejected" / "a.parquet")
    assert [(c.name, c.source.record) for c in read_cards(tmp_path).values()] == [
        ("Ada", "first"),
        ("Bo", ""),
    ]


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    """The cache goes by time and size; what a caller does to the mapping stays with the caller."""
    path = tmp_path / "cards.parquet"
    write_cards([card("Ada")], path)
    first = read_cards(path)
    kept = next(iter(first.values()))
    first.clear()
    assert next(iter(read_cards(path).values())) is kept
    write_cards([card("Bo")], path)
    os.utime(path, ns=(1, 1))
    assert [found.name for found in read_cards(path).values()] == ["Bo"]


def test_an_interrupted_write_leaves_the_old_table(tmp_path: Path) -> None:
    """All at once or not at all, and no part file stays behind."""
    path = tmp_path / "cards.parquet"
    write_cards([card("Ada")], path)

    def broken() -> Iterator[PersonaCard]:
        yield card("Bo")
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_cards(broken(), path)
    assert [found.name for found in read_cards(path).values()] == ["Ada"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["cards.parquet"]


def test_what_is_no_personas_table_is_refused(tmp_path: Path) -> None:
    """Missing, empty, of another format, of other columns: each in one line with the path."""
    with pytest.raises(SourceError, match="no personas table at"):
        read_cards(tmp_path / "no.parquet")
    with pytest.raises(SourceError, match="no parquet file in the folder"):
        read_cards(tmp_path)
    (tmp_path / "text.parquet").write_text("hello")
    with pytest.raises(SourceError, match=r"cannot read .*text\.parquet as parquet"):
        read_cards(tmp_path / "text.parquet")
    pq.write_table(pa.table({"persona_id": ["p"], "name": ["Ada"]}), tmp_path / "other.parquet")
    with pytest.raises(SourceError, match="it has no column kind, modern"):
        read_cards(tmp_path / "other.parquet")


def test_a_row_that_is_no_card_names_row_and_field(tmp_path: Path) -> None:
    """A table edited by hand is told where it is wrong."""
    rows = [card("Ada").as_row(), card("Bo").as_row() | {"kind": "robot"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "edited.parquet")
    with pytest.raises(SourceError, match=r"edited\.parquet\[row 2\] is no persona card: kind"):
        read_cards(tmp_path / "edited.parquet")


def test_cards_one_at_a_time_are_those_that_are_read_at_once(tmp_path: Path) -> None:
    """Files in name order, of cards with one id the first; a wrong row stops the walk where it stands, not before."""
    for name, cards in (("b", [card("Cy"), card("Ada")]), ("a", [card("Ada"), card("Bo")])):
        write_cards(cards, tmp_path / f"{name}.parquet")
    assert list(iter_cards(tmp_path)) == list(read_cards(tmp_path).values())
    assert [card.name for card in iter_cards(tmp_path)] == ["Ada", "Bo", "Cy"]
    rows = pq.read_table(tmp_path / "b.parquet").to_pylist()
    wrong = [rows[0], {**rows[1], "kind": "ghost"}]
    pq.write_table(pa.Table.from_pylist(wrong, cards_schema()), tmp_path / "b.parquet")
    walk = iter_cards(tmp_path)
    assert [next(walk).name for _ in range(3)] == ["Ada", "Bo", "Cy"]
    with pytest.raises(SourceError, match=r"b\.parquet\[row 2\] is no persona card: kind"):
        next(walk)


def test_a_folder_without_cards_is_refused_before_the_first_one(tmp_path: Path) -> None:
    """The error comes with the call, not with the first card."""
    with pytest.raises(SourceError, match="no parquet file"):
        iter_cards(tmp_path)
