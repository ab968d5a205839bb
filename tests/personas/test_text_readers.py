"""A mixed folder of texts: each file goes to the reader of its shape, and what is none of them to none."""

from __future__ import annotations

from pathlib import Path

import pytest

from castwright.personas.character import Character
from castwright.personas.lines import DataFile
from castwright.personas.origin import Origin
from castwright.personas.text_readers import TEXT_READERS

DATA = Path(__file__).parents[1] / "data" / "characters"
READERS = {
    "counting_house.txt": "script_file",
    "macaroons.txt": "script_file",
    "baker_street.txt": "script_file",
    "tea_party.csv": "script_file",
    "heath.txt": "script_file",
    "assembly.txt": "novel_file",
    "inn.txt": "novel_file",
    "ada-lovelace.md": "text_file",
    "captain-nemo.txt": "text_file",
    "don-quixote.txt": "text_file",
    "elsinore.txt": "script_file",
    "frankenstein.wiki": "text_file",
    "harker-diary.txt": "text_file",
    "mary-shelley.txt": "text_file",
    "robin-hood.md": "text_file",
}


def reader(path: Path) -> str:
    head = path.read_bytes()[:16_384]
    file = DataFile(path, path.name, "")
    return next((read.__name__ for fits, read in TEXT_READERS if fits(file, head)), "")


@pytest.mark.parametrize(("name", "expected"), READERS.items(), ids=READERS)
def test_each_file_goes_to_the_reader_of_its_shape(name: str, expected: str) -> None:
    """Which then finds characters in it."""
    assert reader(DATA / name) == expected
    read = next(read for _, read in TEXT_READERS if read.__name__ == expected)
    found = list(read(DataFile(DATA / name, name, ""), Origin.of(DATA)))
    assert any(isinstance(item, Character) for item in found)


OTHERS = {
    "personas.txt": "A shepherd who counts stars\nA nurse who sings\nA clerk who collects maps\n" * 9,
    "table.csv": "name,text\nAda,She counts.\n",
    "profile.txt": "Name: Ada\nAge: 36\nJob: nurse\n",
    "notes.txt": "It rained all day, and nobody came.\n",
    "cards.jsonl": '{"name": "Ada", "description": "She counts."}\n',
    "binary.txt": "\0\0\0\0",
    "code.py": "ANN: Come.\n" * 9,
    "empty.txt": "",
    "broken.json": '{"a',
}


@pytest.mark.parametrize(("name", "content"), OTHERS.items(), ids=OTHERS)
def test_what_is_no_such_text_is_left_to_other_readers(name: str, content: str, tmp_path: Path) -> None:
    """Lists of personas, tables of characters, notes and files of other kinds."""
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert reader(tmp_path / name) == ""


def test_a_folder_of_all_shapes_gives_the_characters_of_all() -> None:
    """The folder reader takes these readers as they are."""
    from castwright.personas.folder import folder_characters
    from castwright.personas.sources import table_characters

    found = list(folder_characters(DATA, tables=table_characters, others=TEXT_READERS, licence="CC0-1.0"))
    names = {item.facts["name"] for item in found if isinstance(item, Character)}
    assert {"Scrooge", "Mrs. Hudson", "Alice", "Silver", "Mr. Darcy", "Robin Hood"} <= names
    assert len(names) >= 20
