"""Characters from tables, Hugging Face datasets, the bundled cast and the grid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from castwright.errors import BadRecord, SourceError
from castwright.personas.card import PersonaCard
from castwright.personas.character import Character, complete_card, merge_facts
from castwright.personas.fields import FIELDS, match_columns
from castwright.personas.sources import (
    BundledSource,
    GridSource,
    HubSource,
    PersonaSource,
    TableSource,
    bundled_characters,
    read_characters,
    table_characters,
)

WRITTEN = {"name": "Nobody", "traits": ["plain"], "background": "Lives somewhere."}


def table(folder: Path, rows: list[dict[str, Any]], name: str = "people.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def split(items: Any) -> tuple[list[Character], list[BadRecord]]:
    found = list(items)
    characters = [item for item in found if isinstance(item, Character)]
    return characters, [item for item in found if isinstance(item, BadRecord)]


# ---- tables


def test_common_column_names_need_no_mapping(tmp_path: Path) -> None:
    """A CSV as people have it becomes characters with facts, text and source."""
    path = tmp_path / "village cast.v2.csv"
    path.write_text(
        "Character Name,Bio,Age,Job Title,City,Traits,Quotes\n"
        'Marta Quill,"Runs the ferry.\nNever late.",41,ferrywoman,Lindholm,patient; dry,Mind it.|All in!\n',
        encoding="utf-8",
    )
    (character,), bad = split(table_characters(path, licence="CC-BY-4.0"))
    assert not bad
    assert character.facts == {
        "name": "Marta Quill",
        "basic_info": {"age": 41, "occupation": "ferrywoman", "place": "Lindholm"},
        "traits": ["patient", "dry"],
        "example_lines": ["Mind it.", "All in!"],
    }
    assert character.text == "Runs the ferry.\nNever late."
    assert character.source.model_dump() == {
        "dataset": "village cast.v2",
        "record": "village cast.v2.csv:2",
        "uri": "",
        "licence": "CC-BY-4.0",
    }


def test_a_mapping_names_card_fields_in_full_or_in_short(tmp_path: Path) -> None:
    """ "age" is "basic_info.age", "text" the description; nested columns are named by a path."""
    path = table(tmp_path, [{"who": "Ivo", "meta": {"years": "70 years old", "say": ["Hm."]}, "story": "A miller."}])
    columns = {"name": "who", "age": "meta.years", "dialogue_style.catchphrases": "meta.say", "text": "story"}
    (character,), _ = split(table_characters(path, columns=columns))
    assert character.facts == {
        "name": "Ivo",
        "basic_info": {"age": 70},
        "dialogue_style": {"catchphrases": ["Hm."]},
    }
    assert character.text == "A miller."


def test_a_table_of_whole_cards_gives_whole_cards(tmp_path: Path) -> None:
    """What castwright wrote as JSON comes back as the same card, ids included."""
    card = PersonaCard.model_validate(
        WRITTEN
        | {
            "kind": "historical",
            "modern": False,
            "basic_info": {"age": 3, "era": "1850s", "relationships": ["Bo"]},
        }
        | {
            "dialogue_style": {"register": "archaic", "quirks": ["numbers every point"]},
            "example_lines": ["Ay; so."],
        }
    )
    (character,), _ = split(table_characters(table(tmp_path, [card.as_row()])))
    found = complete_card(character)
    assert found is not None
    assert found.content() == card.content()
    assert found.persona_id == card.persona_id


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        pytest.param("age", "abc", "'abc': an age is a whole number of years from 0 to 10000", id="age in letters"),
        pytest.param("age", -3, "-3: an age", id="negative age"),
        pytest.param("age", 30.5, "30.5: an age", id="half a year"),
        pytest.param("age", 10_001, "an age", id="age beyond the bound"),
        pytest.param("age", True, "an age", id="a truth as an age"),
        pytest.param("age", "9" * 400, "an age", id="age of four hundred digits"),
        pytest.param("register", "slangy", "'slangy': allowed are casual, neutral, formal", id="unknown register"),
        pytest.param("register", "casul", "(did you mean 'casual'?)", id="mistyped register"),
        pytest.param("sentence_length", "huge", "allowed are short, medium, long", id="unknown length"),
        pytest.param("kind", "robot", "allowed are historical, screen, virtual, original", id="unknown kind"),
        pytest.param("modern", "perhaps", "allowed are yes and no", id="neither yes nor no"),
        pytest.param("occupation", {"a": 1}, "a text is wanted", id="an object as a text"),
        pytest.param("traits", [{"a": 1}], "a text is wanted", id="an object in a list"),
        pytest.param("traits", json.loads("[" * 900 + "]" * 900), "recursion", id="a list nine hundred deep"),
        pytest.param("name", "x" * 201, "at most 200 characters, not 201", id="endless name"),
    ],
)
def test_a_bad_value_makes_a_bad_record(tmp_path: Path, field: str, value: Any, reason: str) -> None:
    """The record is kept aside with its line, the user's column, the value and what is allowed."""
    rows = [{"n": "Ada", "col": None}, {"n": "Bo", "col": value}, {"n": "Cleo"}]
    path = table(tmp_path, rows)
    columns = {"description": "n", field: "col"}
    characters, bad = split(table_characters(path, columns=columns))
    assert [character.text for character in characters] == ["Ada", "Cleo"]
    assert [record.place for record in bad] == ["people.jsonl:2"]
    assert bad[0].reason.startswith("column 'col': ")
    assert reason in bad[0].reason


@pytest.mark.parametrize(
    ("value", "items"),
    [
        pytest.param("kind; dry ;; ", ["kind", "dry"], id="semicolons"),
        pytest.param("kind | dry; but fair", ["kind", "dry; but fair"], id="bars before semicolons"),
        pytest.param("kind\ndry", ["kind", "dry"], id="lines"),
        pytest.param('["kind", "dry"]', ["kind", "dry"], id="a JSON list"),
        pytest.param("['kind', 'dry']", ["kind", "dry"], id="a Python list"),
        pytest.param("[]", None, id="a list of nothing"),
        pytest.param("[1, [2, 3]]", ["1", "2, 3"], id="a list in a list"),
        pytest.param("[sighs] well", ["[sighs] well"], id="text that begins with a bracket"),
        pytest.param("[sighs]; [nods]", ["[sighs]", "[nods]"], id="bracketed texts"),
        pytest.param("loud, but kind", ["loud, but kind"], id="a comma is part of a text"),
        pytest.param(["a", " ", None, 3], ["a", "3"], id="a list with gaps"),
        pytest.param(7, ["7"], id="a number"),
    ],
)
def test_a_list_field_takes_lists_in_many_spellings(tmp_path: Path, value: Any, items: list[str] | None) -> None:
    """Lists, JSON, and texts split at bars, line ends or semicolons."""
    path = table(tmp_path, [{"name": "Ada", "traits": value}])
    assert split(table_characters(path))[0][0].facts.get("traits") == items


@pytest.mark.parametrize(
    ("value", "age"),
    [
        ("34", 34),
        (34, 34),
        (34.0, 34),
        ("34.0", 34),
        ("34 years", 34),
        ("34-year-old", None),
        ("0", 0),
        ("7yo", 7),
    ],
)
def test_ages_are_read_as_people_write_them(tmp_path: Path, value: Any, age: int | None) -> None:
    """Numbers, numbers as text and numbers with a unit; anything else is bad."""
    path = table(tmp_path, [{"name": "Ada", "age": value}, {"name": "Bo", "age": 1}])
    characters, bad = split(table_characters(path))
    if age is None:
        assert len(bad) == 1
    else:
        assert characters[0].facts["basic_info"] == {"age": age}


def test_a_record_without_name_and_text_is_bad(tmp_path: Path) -> None:
    """A trait alone is nobody; a name alone or a text alone is somebody; equal ones are both kept."""
    rows = [
        {"name": " ", "bio": None, "traits": ["x"]},
        {"name": "Ada"},
        {"bio": "A smith."},
        {"bio": "A smith."},
    ]
    characters, bad = split(table_characters(table(tmp_path, rows)))
    assert len(characters) == 3
    assert [(r.place, r.reason) for r in bad] == [
        ("people.jsonl:1", "neither a name nor a description (in 'name', 'bio')")
    ]


def test_kind_and_modern_are_for_records_that_do_not_say(tmp_path: Path) -> None:
    """A mapped column goes before the word for all; an unmapped one is not guessed then."""
    path = table(tmp_path, [{"name": "Ada", "kind": "screen"}, {"name": "Bo", "kind": None}])
    mapped, _ = split(table_characters(path, columns={"name": "name", "kind": "kind"}, kind="virtual", modern=False))
    assert [(c.facts["kind"], c.facts["modern"]) for c in mapped] == [("screen", False), ("virtual", False)]
    guessed, _ = split(table_characters(path, kind="virtual"))
    assert [c.facts["kind"] for c in guessed] == ["virtual", "virtual"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        pytest.param({"nmae": "name"}, r"no card field 'nmae' \(did you mean 'name'\?\)", id="unknown card field"),
        pytest.param({"name": "nmae"}, r"no column 'nmae' in .* \(did you mean 'name'\?\)", id="unknown column"),
        pytest.param({"age": "age", "basic_info.age": "age", "name": "name"}, "filled twice", id="twice the same"),
        pytest.param({"age": "age"}, "is known as a name or a description", id="neither name nor description"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused_at_the_call(
    tmp_path: Path, columns: dict[str, str], message: str
) -> None:
    """Before anything is read, with the nearest word."""
    path = table(tmp_path, [{"name": "Ada", "age": 3}])
    with pytest.raises(SourceError, match=message):
        table_characters(path, columns=columns)


def test_columns_nobody_knows_ask_for_a_mapping(tmp_path: Path) -> None:
    """Without a mapping and without a known column the message lists what is there."""
    with pytest.raises(SourceError, match=r"\('foo', 'bar'\): say which with columns"):
        table_characters(table(tmp_path, [{"foo": 1, "bar": 2}]))


def test_a_table_without_one_character_is_refused(tmp_path: Path) -> None:
    """All bad is not an empty success."""
    path = table(tmp_path, [{"name": "Ada", "age": "x"}, {"name": "Bo", "age": "y"}])
    with pytest.raises(SourceError, match=r"no usable record in .*all 2 records are bad, the first at people\.jsonl:1"):
        list(table_characters(path))


def test_the_limit_counts_characters(tmp_path: Path) -> None:
    """Bad records do not use it up."""
    rows = [{"name": "A", "age": "x"}, {"name": "B"}, {"name": "C"}, {"name": "D"}]
    characters, bad = split(table_characters(table(tmp_path, rows), limit=2))
    assert ([c.facts["name"] for c in characters], len(bad)) == (["B", "C"], 1)


@pytest.mark.parametrize(
    ("names", "matched"),
    [
        pytest.param(["persona"], {"description": "persona"}, id="a column of persona texts"),
        pytest.param(["input persona"], {"description": "input persona"}, id="with a blank"),
        pytest.param(["text", "bio"], {"description": "bio"}, id="the better of two"),
        pytest.param(["NAME", "name"], {"name": "NAME"}, id="the first of two equals"),
        pytest.param(["basic_info", "basic_info.age"], {"basic_info.age": "basic_info.age"}, id="the card's own path"),
        pytest.param(
            ["sex", "country", "notes"],
            {"basic_info.gender": "sex", "basic_info.place": "country"},
            id="other words",
        ),
    ],
)
def test_columns_match_by_their_common_names(names: list[str], matched: dict[str, str]) -> None:
    """Case, blanks and dashes do not matter; a column is used once."""
    assert match_columns(names) == matched


def test_no_common_name_stands_for_two_fields() -> None:
    """Otherwise a match would depend on the order of the fields."""
    names = [name for path, field in FIELDS.items() for name in {path, *field.names}]
    assert len(names) == len(set(names))


VALUES = st.none() | st.booleans() | st.integers(-5, 20_000) | st.floats() | st.text(max_size=20)
VALUES |= st.lists(st.text(max_size=8) | st.none() | st.integers(), max_size=3)
VALUES |= st.sampled_from(["casual", "Screen", "yes", "long", "41", "[1, 2]", "{}"])


@given(row=st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, VALUES)))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_facts_always_fit_a_card(tmp_path: Path, row: dict[str, Any]) -> None:
    """Whatever stands in a table, what passes as a fact never spoils the card a model writes around it."""
    rows = [{"name": "Good"}, dict.fromkeys(FIELDS), row]
    path = tmp_path / "wild.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    characters, bad = split(table_characters(path, columns={field: field for field in FIELDS}))
    assert len(characters) + len(bad) == 3
    for character in characters:
        PersonaCard.model_validate(merge_facts(WRITTEN, character.facts))


# ---- bundled, grid, recipes


def test_the_bundled_cast_is_whole_and_free() -> None:
    """Every bundled character is a complete card, with its line and licence, and no name stands twice."""
    characters, bad = split(bundled_characters())
    assert not bad
    assert characters
    cards = [complete_card(character) for character in characters]
    assert None not in cards
    assert characters[0].source.model_dump() == {
        "dataset": "castwright-bundled",
        "record": "characters.jsonl:1",
        "uri": "",
        "licence": "CC0-1.0",
    }
    assert len({card.persona_id for card in cards if card}) == len(cards)


SOURCES: TypeAdapter[Any] = TypeAdapter(PersonaSource)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"kind": "table", "path": "a.csv", "columns": {"name": "n"}, "persona_kind": "screen"}, TableSource),
        ({"kind": "hub", "name": "user/name", "split": "test"}, HubSource),
        ({"kind": "bundled"}, BundledSource),
        ({"kind": "grid", "count": 5, "modern_share": 0.5}, GridSource),
    ],
    ids=["table", "hub", "bundled", "grid"],
)
def test_a_recipe_spells_each_source_by_its_kind(data: dict[str, Any], kind: type) -> None:
    """The word `kind` chooses the model, which reads back from what it writes."""
    source = SOURCES.validate_python(data)
    assert type(source) is kind
    assert SOURCES.validate_python(source.model_dump()) == source


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"kind": "tabel", "path": "a.csv"}, id="unknown kind"),
        pytest.param({"path": "a.csv"}, id="no kind"),
        pytest.param({"kind": "table"}, id="no path"),
        pytest.param({"kind": "bundled", "path": "a.csv"}, id="a word of another source"),
        pytest.param({"kind": "grid", "modern_share": 2}, id="a share above one"),
        pytest.param({"kind": "table", "path": "a.csv", "limit": 0}, id="a limit of none"),
    ],
)
def test_a_source_with_a_wrong_word_is_refused(data: dict[str, Any]) -> None:
    """Nothing is ignored in a recipe."""
    with pytest.raises(ValidationError):
        SOURCES.validate_python(data)


def test_read_characters_reads_tables(tmp_path: Path) -> None:
    """The recipe's words arrive at the reader; the count bounds what comes."""
    path = table(tmp_path, [{"n": name} for name in "ABC"])
    source = TableSource(path=str(path), columns={"name": "n"}, persona_kind="screen", modern=True, licence="mit")
    characters, _ = split(read_characters(source, count=2, seed=1))
    assert [character.facts for character in characters] == [
        {"kind": "screen", "modern": True, "name": "A"},
        {"kind": "screen", "modern": True, "name": "B"},
    ]
    assert characters[0].source.licence == "mit"


def test_read_characters_takes_the_first_of_the_bundled() -> None:
    """A count below the number bundled takes the first ones."""
    some, _ = split(read_characters(BundledSource(), count=3, seed=0))
    assert some == split(bundled_characters())[0][:3]


def test_a_grid_gives_as_many_as_asked_for() -> None:
    """Its own count and seed go before the recipe's; the same words give the same characters."""
    own = list(read_characters(GridSource(count=4, seed=7), count=None, seed=1))
    assert len(own) == 4
    assert own == list(read_characters(GridSource(), count=4, seed=7))
    assert own != list(read_characters(GridSource(), count=4, seed=8))
    assert len(list(read_characters(GridSource(count=4), count=2, seed=1))) == 2


def test_a_grid_without_a_count_is_refused() -> None:
    """It would never end."""
    with pytest.raises(SourceError, match="give it a count"):
        list(read_characters(GridSource(), count=None, seed=1))
