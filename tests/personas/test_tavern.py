"""Character cards of chat programs: every version and container, read as the people who write them mean them."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from castwright.errors import BadRecord, SourceError
from castwright.personas.card import KINDS, REGISTERS, PersonaCard, Source
from castwright.personas.character import Character, complete_card
from castwright.personas.sources import TavernSource, read_characters
from castwright.personas.tavern import tavern_characters
from castwright.personas.tavern_export import export_tavern, write_tavern, write_tavern_png
from castwright.personas.tavern_text import filled_in, own_lines, said_in

DATA = Path(__file__).parent.parent / "data" / "tavern"
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def split(path: Path, **options: Any) -> tuple[list[Character], list[BadRecord]]:
    items = list(tavern_characters(path, **options))
    good = [item for item in items if isinstance(item, Character)]
    return good, [item for item in items if isinstance(item, BadRecord)]


def one(path: Path) -> Character:
    (character,), bad = split(path)
    assert not bad
    return character


CARD = PersonaCard.model_validate(
    {
        "name": "Enno Brandt",
        "kind": "historical",
        "modern": False,
        "basic_info": {"age": 61, "occupation": "dyke reeve", "place": "Husum", "era": "17th century"},
        "traits": ["stern, but fair", "devout"],
        "dialogue_style": {"register": "archaic", "sentence_length": "long", "quirks": ["swears by the tide"]},
        "background": "He has kept the sea out for thirty years.\n\nThe sea remembers.",
        "example_lines": ["The tide asks nobody.", "{{char}} is not a word I know; <START> neither."],
        "source": {"dataset": "reeves", "record": "a.csv:3", "uri": "https://example.org/r", "licence": "CC-BY-4.0"},
    }
)


def test_a_first_version_card_gives_traits_lines_and_text() -> None:
    """Placeholders are filled in, actions left out, only the character's own messages are its lines."""
    found = one(DATA / "v1-keeper.json")
    assert found.facts == {
        "name": "Marit Holm",
        "traits": ["patient", "dry-humoured", "stubborn"],
        "example_lines": [
            "Mind the third step. It has drowned better people than you.",
            "Lonely? I have the weather. It never once agreed with me.",
            "At night I have the work, and the work has me.",
            "The one with the lamp. Who else?",
        ],
    }
    assert found.text.startswith("Marit Holm keeps the light on a bare rock")
    assert "she talks to the user as" in found.text
    assert found.text.endswith("\nScenario: the user has been washed ashore below the lighthouse.")


def test_a_second_version_card_keeps_what_is_not_for_prompts_out() -> None:
    """Notes, prompts, tags, extensions and sleeping book entries stay out; constant entries come in order."""
    found = one(DATA / "sub" / "v2-clockmaker.json")
    assert "SECRET" not in found.model_dump_json()
    assert "secret-tag" not in found.model_dump_json()
    assert found.facts["name"] == "Ambrose Tell"
    assert found.facts["kind"] == "original"
    assert "traits" not in found.facts
    assert "He is exact to the minute" in found.text
    assert found.text.endswith("His shop has no door bell.\nAmbrose Tell never sells a clock.")
    assert found.facts["example_lines"] == [
        "You are four minutes early. Sit. We shall both be uncomfortable.",
        "Time is not money. Money can be borrowed. And it is sometimes given back.",
        "Ah. The clock again?",
    ]


def test_third_version_and_older_cards_come_line_by_line() -> None:
    """A nickname goes where {{char}} stood, a web address becomes the source's, forerunners' names are known."""
    (ilse, pell), bad = split(DATA / "v3-cards.jsonl", licence="CC0-1.0")
    assert not bad
    assert ilse.facts["traits"] == ["grand", "generous", "easily offended"]
    assert ilse.facts["kind"] == "screen"
    assert ilse.facts["example_lines"][1:] == ["All hands on deck. Both of them.", "That is the spirit."]
    assert ilse.text.startswith("Ilse commands a barge")
    assert "Captain Ilse Vorr is also called Ilse." in ilse.text
    assert "SECRET" not in ilse.model_dump_json()
    assert ilse.source == Source(
        dataset="v3-cards", record="v3-cards.jsonl:1", uri="https://example.org/cards/ilse", licence="CC0-1.0"
    )
    assert pell.facts["name"] == "Old Pell"
    assert pell.facts["example_lines"] == [
        "A map? For you, half the truth and half the price.",
        "North is where I say it is.",
    ]
    assert "A market at dusk." in pell.text


def test_a_folder_is_read_with_all_under_it_in_order_of_path() -> None:
    """Places name the path inside the folder, and the recipe's words are in every character."""
    source = TavernSource(path=str(DATA), licence="CC0-1.0", dataset="mine", persona_kind="virtual", modern=True)
    found = [item for item in read_characters(source, count=None, seed=0) if isinstance(item, Character)]
    records = ["sub/v2-clockmaker.json", "v1-keeper.json", "v3-cards.jsonl:1", "v3-cards.jsonl:2"]
    assert [item.source.record for item in found] == records
    assert {(item.source.dataset, item.source.licence) for item in found} == {("mine", "CC0-1.0")}
    assert [item.facts["kind"] for item in found] == ["original", "virtual", "screen", "virtual"]
    assert all(item.facts["modern"] for item in found)


def test_a_list_of_cards_counts_from_one_and_a_limit_holds(tmp_path: Path) -> None:
    """A JSON list is many cards; reading stops after the limit."""
    (tmp_path / "all.json").write_text(json.dumps([write_tavern(CARD), 7, {"name": "B", "description": "x"}]))
    good, bad = split(tmp_path / "all.json")
    assert [item.source.record for item in good] == ["all.json[1]", "all.json[3]"]
    assert [(item.place, item.reason[:5]) for item in bad] == [("all.json[2]", "a int")]
    assert len(split(tmp_path / "all.json", limit=1)[0]) == 1


@pytest.mark.parametrize("spec", ["v2", "v3"])
@pytest.mark.parametrize("form", ["json", "png", "jsonl"])
def test_a_card_that_went_out_comes_back_whole(tmp_path: Path, form: Any, spec: Any) -> None:
    """Name, style, lines, id, address and licence are those of the card, whatever the container."""
    out = tmp_path / ("cards.jsonl" if form == "jsonl" else "cards")
    assert export_tavern([CARD], out, form=form, spec=spec) == 1
    back = complete_card(one(out))
    assert back is not None
    assert back.content() == CARD.content()
    assert back.persona_id == CARD.persona_id
    assert (back.source.licence, back.source.uri) == ("CC-BY-4.0", "https://example.org/r")


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(lambda text: text.strip())


@given(
    name=TEXT,
    traits=st.lists(TEXT, min_size=1, max_size=4),
    background=TEXT,
    example_lines=st.lists(TEXT, max_size=4),
    catchphrases=st.lists(TEXT, max_size=2),
    kind=st.sampled_from(KINDS),
    register=st.sampled_from(REGISTERS),
    age=st.none() | st.integers(0, 10_000),
    spec=st.sampled_from(["v2", "v3"]),
    png=st.booleans(),
)
@SETTINGS
def test_any_card_makes_the_round_trip(
    tmp_path: Path,
    name: str,
    traits: list[str],
    background: str,
    example_lines: list[str],
    catchphrases: list[str],
    kind: str,
    register: str,
    age: int | None,
    spec: Any,
    png: bool,
) -> None:
    """Whatever texts a card holds (commas, macros, line ends, stars), it is the same card afterwards."""
    card = PersonaCard.model_validate(
        {
            "name": name,
            "kind": kind,
            "basic_info": {"age": age},
            "traits": traits,
            "dialogue_style": {"register": register, "catchphrases": catchphrases},
            "background": background,
            "example_lines": example_lines,
        }
    )
    path = tmp_path / "card"
    path.write_bytes(write_tavern_png(card, spec) if png else json.dumps(write_tavern(card, spec)).encode())
    assert complete_card(one(path)).content() == card.content()  # type: ignore[union-attr]


def test_what_someone_edited_in_an_exported_card_goes_first(tmp_path: Path) -> None:
    """A changed description makes the visible fields count; the licence stays."""
    value = write_tavern(CARD, "v3")
    value["data"]["description"] = "Enno Brandt sells umbrellas in Kiel."
    (tmp_path / "edited.json").write_text(json.dumps(value))
    found = one(tmp_path / "edited.json")
    assert complete_card(found) is None
    assert found.facts["traits"] == ["stern", "but fair", "devout"]
    assert found.facts["kind"] == "historical"
    assert found.text == "Enno Brandt sells umbrellas in Kiel."
    assert found.source.licence == "CC-BY-4.0"


def test_an_exported_card_keeps_to_the_specification() -> None:
    """All mandatory fields of V2 and V3 are there with their types, also in a card without lines."""
    bare = PersonaCard(name="A", traits=("calm",), background="b")
    texts = "name description personality scenario first_mes mes_example creator_notes system_prompt"
    texts += " post_history_instructions creator character_version"
    for spec, mark in (("v2", ("chara_card_v2", "2.0")), ("v3", ("chara_card_v3", "3.0"))):
        for card in (CARD, bare):
            value = write_tavern(card, spec)  # type: ignore[arg-type]
            assert (value["spec"], value["spec_version"]) == mark
            data = value["data"]
            assert all(isinstance(data[key], str) for key in texts.split())
            assert isinstance(data["extensions"], dict)
            lists = ["alternate_greetings", "tags", *(["group_only_greetings", "source"] if spec == "v3" else [])]
            assert all(isinstance(data[key], list) for key in lists)
            assert set(data) == {*texts.split(), *lists, "extensions"}


def test_files_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    """Two cards of one name, and names without Latin letters, get files of their own with safe names."""
    cards = [CARD, CARD.model_copy(update={"persona_id": "p-2"})]
    cards += [PersonaCard(name=name, traits=("x",), background="y") for name in ("../..", "李白", "CON", "a/b")]
    export_tavern(cards, tmp_path / "out")
    names = [path.name for path in (tmp_path / "out").iterdir()]
    assert len(names) == len(cards)
    assert all(re.fullmatch(r"[a-z0-9-]+-[0-9a-f]{8}\.json", name) for name in names)


def test_an_export_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """A file where a folder is wanted, or a picture that is no PNG, is said as such."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(SourceError, match="cannot write the cards to"):
        export_tavern([CARD], tmp_path / "file")
    with pytest.raises(SourceError, match="not a PNG; give a PNG"):
        export_tavern([CARD], tmp_path / "out", form="png", image=tmp_path / "file")


@pytest.mark.parametrize(
    ("message", "line"),
    [
        pytest.param("*smiles* Hello *waves slowly*", "Hello", id="actions at both ends"),
        pytest.param("I *really* mean it.", "I really mean it.", id="a stressed word"),
        pytest.param("Fine. *sighs* Go.", "Fine. Go.", id="an action between sentences"),
        pytest.param("**Never** again!", "Never again!", id="bold"),
        pytest.param("*nods*", "", id="nothing said"),
        pytest.param("2 * 3 is six", "2 * 3 is six", id="a lone star"),
        pytest.param("One\n\n*two three*\nfour", "One four", id="several rows"),
    ],
)
def test_actions_are_no_part_of_a_line(message: str, line: str) -> None:
    """Only what is said stays."""
    assert said_in(message) == line


@pytest.mark.parametrize(
    ("text", "spoken", "filled"),
    [
        pytest.param("{{CHAR}} and <USER>", False, "Ada and the user", id="any case"),
        pytest.param("Come, {{user}}, quick, {{user}}!", True, "Come, quick!", id="a name called"),
        pytest.param("I saw {{user}}.", True, "I saw you.", id="a name as an object"),
        pytest.param("{{pick:red::blue}} {{random: a , b}}{{roll:d6}}{{//x}}", False, "red a", id="choices and dice"),
        pytest.param("{{unclosed and }} {", False, "{", id="an unknown macro"),
    ],
)
def test_macros_are_filled_in(text: str, spoken: bool, filled: str) -> None:
    """Names and choices are put in their places, and the rest is dropped."""
    assert filled_in(text, "Ada", spoken=spoken) == filled


@given(text=st.text(alphabet="<>{}*:START chaursAda\n.,", max_size=80), name=st.text(max_size=5))
@SETTINGS
def test_no_text_breaks_the_reader_of_example_talks(text: str, name: str) -> None:
    """Any example text gives lines that say something and hold no placeholder."""
    for line in own_lines(text, (name, "Ada")):
        assert line.strip() == line != ""
        assert "{{user}}" not in line.lower()


def test_hostile_example_texts_are_read_in_time() -> None:
    """Long runs of stars, braces and names cost no more than their length."""
    for piece in ("*a", "{{", "{{char}}", "<START>", "{{random:", "A b: ", "*\n", "** ", "*", "\n", ", "):
        started = time.process_time()
        own_lines("{{char}}: " + piece * 20_000, ("Ada",))
        own_lines("{{char}}: {{random:" + piece * 20_000, ("Ada",))
        assert time.process_time() - started < 3, piece
