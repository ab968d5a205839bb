"""Quoted speech: given to a speaker where the text names one, and to nobody where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.errors import BadRecord, SourceError
from castwright.personas.cast_list import MEASURED, TOLD
from castwright.personas.character import Character
from castwright.personas.line_map import LineMap
from castwright.personas.novels import novel_characters, quoted_speech
from castwright.personas.quotes import paragraphs_of, quotations_of, speech_marks
from castwright.personas.source_text import SourceText
from castwright.personas.text_lines import TextFile

DATA = Path(__file__).parents[1] / "data" / "characters"
CAST = '\n\n"Aye," said Ann Hale.\n\n"Nay," said Bob.\n'


def read(text: str) -> TextFile:
    lines = text.split("\n")
    return TextFile("t", lines, list(range(1, len(lines) + 1)))


def heard(text: str) -> list[tuple[str, str]]:
    """Return who says what, of the text before the two lines that make Ann Hale and Bob known."""
    speech = quoted_speech(read(text + CAST))
    return [(item.label, item.line.text) for item in speech.utterances[:-2]]


NAMED = {
    "a verb and a name behind it": ('"Come in," said Bob.', "Bob", "Come in."),
    "a name and a verb behind it": ('"Come in!" Bob cried.', "Bob", "Come in!"),
    "a name and a verb before it": ('Bob answered, "Come in."', "Bob", "Come in."),
    "words between verb and quotation": ('Bob said to the door, "Come in."', "Bob", "Come in."),
    "a title": ('"Come in," said Mrs. Hale softly.', "Mrs. Hale", "Come in."),
    "two words": ('"Come in," whispered Ann Hale.', "Ann Hale", "Come in."),
    "an article": ('"Come in," said the Hatter.', "Hatter", "Come in."),
    "curly marks": ("“Come in,” said Bob.", "Bob", "Come in."),
    "a sentence that goes on": ('"If you come," said Bob, "wipe your feet."', "Bob", "If you come, wipe your feet."),
    "a new sentence": ('"Come in," said Bob. "Wipe your feet."', "Bob", "Come in. Wipe your feet."),
    "speech inside speech": ("\"She said 'go away' to me,\" said Bob.", "Bob", "She said 'go away' to me."),
    "curly speech inside": ("“She said ‘go’ to me,” said Bob.", "Bob", "She said ‘go’ to me."),
    "a line's end inside": ('"Come\nin," said\nBob.', "Bob", "Come in."),
    "an act before it": ('Bob closed the door. "Sit down."', "Bob", "Sit down."),
    "an act behind it": ('"Sit down." Bob closed the door.', "Bob", "Sit down."),
    "italics": ('"You _must_ come," said Bob.', "Bob", "You must come."),
}


@pytest.mark.parametrize(("text", "name", "said"), NAMED.values(), ids=NAMED)
def test_speech_beside_a_name_is_that_persons(text: str, name: str, said: str) -> None:
    """Verb and name, name and verb, or the only one who acts."""
    assert heard(text) == [(name, said)]


UNNAMED = {
    "a pronoun": '"Come in," he said.',
    "a pronoun that acts": 'She closed the door. "Sit down."',
    "nobody": '"Come in."',
    "a description": '"Come in," said the old man.',
    "two at once": '"Come in," said Bob and Ann.',
    "someone's mother": '"Come in," said Bob\'s mother.',
    "an act with two names": 'Bob looked at Ann Hale. "Sit down."',
    "an act of someone who never speaks": 'Zoe closed the door. "Sit down."',
    "one who is silent": '"Come in." Bob said nothing.',
    "a title in marks": 'Bob read "The Winter Rose" by the fire.',
    "a stray mark": 'Bob had a 6" nail and said, so it was.',
    "a sentence word": '"Come in." Then said the clock its hour.',
}


@pytest.mark.parametrize("text", UNNAMED.values(), ids=UNNAMED)
def test_speech_that_names_nobody_is_not_guessed(text: str) -> None:
    """It is left out, and counted where it is speech."""
    assert heard(text) == []


def test_speech_of_several_paragraphs_is_one_utterance() -> None:
    """Each begins with the mark, the last one closes it, and the first one names the speaker."""
    text = 'Bob said, "I ran away.\n\n"Then I slept.\n\n"Then I woke."\n\nIt rained.'
    assert heard(text) == [("Bob", "I ran away. Then I slept. Then I woke.")]


def test_a_long_speech_may_name_its_speaker_at_its_end() -> None:
    """Behind the mark that closes it."""
    assert heard('"I ran away.\n\n"Then I slept," said Bob.') == [("Bob", "I ran away. Then I slept,")]


def test_two_named_speakers_in_one_paragraph_each_keep_their_own() -> None:
    """What stands beside neither name is nobody's."""
    assert heard('"Come in," said Bob, and "No!" cried Ann Hale. "Why?"') == [("Bob", "Come in."), ("Ann Hale", "No!")]


def test_the_place_is_the_line_of_the_mark() -> None:
    """Not that of the paragraph."""
    speech = quoted_speech(read('It was late.\nThe rain fell, and\n"Come in," said Bob.'))
    assert [item.line.place for item in speech.utterances] == ["t:3"]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("'I won't go,' said Bob. 'It's the dogs' tails.'", ["I won't go,", "It's the dogs' tails."]),
        ("‘I won’t go,’ said Bob. ‘He said “no” to me.’", ["I won’t go,", "He said “no” to me."]),
    ],
    ids=["straight", "curly"],
)
def test_apostrophes_are_no_single_marks(text: str, quoted: list[str]) -> None:
    """Contractions and possessives stay inside."""
    family = speech_marks(list(paragraphs_of([text])))
    assert [item.text for item in quotations_of(text, family)] == quoted


def test_long_lines_without_empty_ones_are_a_paragraph_each() -> None:
    """As some books are saved; short lines are parts of one."""
    assert len(list(paragraphs_of(["x " * 200] * 30))) == 30
    assert len(list(paragraphs_of(["x"] * 30))) == 1


EXPECTED = {
    "assembly.txt": (["Elizabeth", "Mr. Darcy", "Mrs. Bennet"], {"Elizabeth": 5, "Mr. Darcy": 6, "Mrs. Bennet": 5}),
    "inn.txt": (["Jim", "Silver"], {"Jim": 6, "Silver": 7}),
}


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items(), ids=EXPECTED)
def test_a_chapter_gives_its_speakers_and_their_lines(name: str, expected: tuple[list[str], dict[str, int]]) -> None:
    """All that is named, counted by hand; what is not is one record with its number."""
    found = list(novel_characters(DATA / name, licence="CC0-1.0"))
    good = {item.facts["name"]: item for item in found if isinstance(item, Character)}
    assert sorted(good) == expected[0]
    for who, lines in expected[1].items():
        assert f"{lines} lines" in good[who].text
    bad = [item for item in found if isinstance(item, BadRecord)]
    assert [item.reason[:26] for item in bad] == (["2 quoted passages name no "] if name == "assembly.txt" else [])


def test_a_habit_of_speech_in_a_chapter_is_found() -> None:
    """The sea cook's oath is his catchphrase."""
    found = [item for item in novel_characters(DATA / "inn.txt") if isinstance(item, Character)]
    silver = next(item for item in found if item.facts["name"] == "Silver")
    assert [phrase.lower() for phrase in silver.facts["dialogue_style"]["catchphrases"]] == ["by the powers"]


def test_a_text_without_speech_is_an_error_that_says_what_is_wanted(tmp_path: Path) -> None:
    """With the shape of speech that counts."""
    path = tmp_path / "a.txt"
    path.write_text("It rained all day.", encoding="utf-8")
    with pytest.raises(SourceError, match="no speech with a named speaker"):
        list(novel_characters(path))


PROSE = st.lists(
    st.sampled_from(
        ['"', "“", "”", "'", "‘", "’", "Come in", ",", ". ", "! ", " said Bob", "Bob said, ", "Ann Hale ", "\n", "\n\n"]
    )
    | st.text(max_size=6),
    max_size=60,
).map("".join)


@given(PROSE)
@settings(max_examples=150, deadline=None)
def test_any_prose_reads_without_a_crash_and_quotes_what_stands_there(text: str) -> None:
    """The quote of every line is in the text, and its place is a line of it."""
    file = read(text)
    speech = quoted_speech(file)
    flat = " ".join(text.split())
    for line in [item.line for item in speech.utterances] + list(speech.unattributed):
        assert line.quote in flat
        assert 1 <= int(line.place.split(":")[1]) <= len(file.lines)


def test_what_is_told_of_a_speaker_is_part_of_the_text(tmp_path: Path) -> None:
    """Passages that name them, with their lines in the source; nobody else's, no speech, no "said she"."""
    path = tmp_path / "boat.txt"
    speech = "\n\n".join(f'"I will count {n} boats before it is dark," said Ada.' for n in range(5))
    told = "Ada was patient with boats,\nand the harbour was cold. Tom went home.\n\nTom was vain and slept all day."
    path.write_text(f'{speech}\n\n{told}\n\n"No, I will not count the boats," said Tom.', encoding="utf-8")
    ada = next(one for one in novel_characters(path) if isinstance(one, Character))
    head, _, rest = ada.text.partition(f"{TOLD}\n")
    assert head == "Ada speaks in boat.\n\n"
    passage = "Ada was patient with boats,\nand the harbour was cold. Tom went home.\n\n"
    assert rest.startswith(passage + MEASURED)
    assert "vain" not in ada.text
    lines = LineMap.found_in(ada.evidence)
    assert lines is not None
    source = SourceText(ada.text, "boat.txt[Ada]", lines)
    found = source.find("and the harbour was cold")
    assert found is not None
    assert found.place == "boat.txt:12"
    assert source.find("Ada was patient with boats, and the harbour was cold.") is not None
