"""Scripts as sources: every shape gives its speakers their own lines, and what is no character says why."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from castwright.errors import BadRecord, SourceError
from castwright.personas.character import Character
from castwright.personas.speaker_names import crowd_reason, display_name, merged_keys, name_key
from castwright.personas.speakers import script_characters, script_utterances
from castwright.personas.text_lines import MAX_LINE, TextFile

DATA = Path(__file__).parents[1] / "data" / "characters"
SETTINGS = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def heard(text: str) -> list[tuple[str, str, str]]:
    """Return label, words and place of what is said in a text."""
    lines = text.split("\n")
    file = TextFile("t", lines, list(range(1, len(lines) + 1)))
    return [(item.label, item.line.text, item.line.place) for item in script_utterances(file)]


def split(path: Path, **options: object) -> tuple[dict[str, Character], dict[str, str]]:
    found = list(script_characters(path, **options))  # type: ignore[arg-type]
    good = {item.facts["name"]: item for item in found if isinstance(item, Character)}
    return good, {item.place: item.reason for item in found if isinstance(item, BadRecord)}


SHAPES = {
    "labels with a colon": "ANN: Come in.\nBOB: I am in.\nANN: Then sit.",
    "labels with a stop": "ANN. Come in.\n\nBOB. I am in.\n\nANN. Then sit.",
    "names above the speech": "ANN:\nCome in.\n\nBOB:\nI am in.\n\nANN:\nThen sit.",
    "bold names": "**ANN:** Come in.\n**BOB:** I am in.\n**ANN:** Then sit.",
    "a log with times": "[10:01] Ann: Come in.\n[10:02] Bob: I am in.\n[10:03] Ann: Then sit.\n[10:04] Bob: ...",
    "a log with dates": "3/4/21, 10:01 - Ann: Come in.\n3/4/21, 10:02 - Bob: I am in.\n3/4/21, 10:03 - Ann: Then sit."
    "\n3/4/21, 10:03 - Bob: ...",
    "a log with handles": "10:01 <Ann> Come in.\n10:02 <Bob> I am in.\n10:03 <Ann> Then sit.\n10:04 <Bob> ...",
    "an indented screenplay": "INT. HALL - DAY\n\n" + " " * 20 + "ANN\n" + " " * 10 + "Come in.\n\nBOB opens.\n\n"
    f"{' ' * 20}BOB (O.S.)\n{' ' * 12}(off)\n{' ' * 10}I am\n{' ' * 10}in.\nHe is.\n\n{' ' * 20}ANN\n{' ' * 10}"
    f"Then sit.\n\n{' ' * 20}BOB\n{' ' * 10}...",
    "a screenplay without indentation": "INT. HALL - DAY\n\nANN\nCome in.\n\nBANG\n\nBOB (O.S.)\n(off)\nI am in.\n\n"
    "ANN (CONT'D)\nThen sit.\n\nBOB\n...",
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_each_shape_of_script_gives_the_same_speech(text: str) -> None:
    """Ann says two things and Bob one, whatever the shape."""
    said = [(name_key(label), words) for label, words, _ in heard(text)]
    assert said == [("ann", "Come in."), ("bob", "I am in."), ("ann", "Then sit.")]


def test_stage_directions_are_not_said() -> None:
    """Brackets go; the line keeps its place and quotes its longest piece."""
    file = TextFile("t", ["ANN: (low) Come. [Exit BOB] Come in at once.", "ANN: Sit."], [4, 5])
    line = next(script_utterances(file)).line
    assert (line.text, line.quote, line.place) == ("Come. Come in at once.", "Come in at once.", "t:4")


MERGED = {
    "marks and dots": (["mrs hale", "bob", "mrs hale"], {"mrs hale": "mrs hale", "bob": "bob"}),
    "a bare surname": (["mrs hale", "bob", "mrs hale", "bob", "hale"], {"hale": "mrs hale"}),
    "a first name": (["nora helmer", "bob", "nora helmer", "bob", "nora"], {"nora": "nora helmer"}),
    "two of one surname": (["mrs hale", "bob", "mr hale", "bob", "hale"], {"hale": "hale"}),
    "people who answer each other": (["dr hale", "hale", "dr hale", "dr hale"], {"hale": "hale"}),
    "a lady and her lord": (["lady macbeth", "x", "lady macbeth", "x", "macbeth"], {"macbeth": "macbeth"}),
    "a part that is a role": (["king lear", "x", "king lear", "x", "king"], {"king": "king"}),
    "someone's father": (["tom's father", "x", "tom's father", "x", "tom"], {"tom": "tom"}),
    "a bare name that is used more": (["mrs hale", "bob", "hale", "bob", "hale"], {"hale": "hale"}),
}


@pytest.mark.parametrize(("spoken", "expected"), MERGED.values(), ids=MERGED)
def test_labels_are_merged_only_where_nothing_else_is_meant(spoken: list[str], expected: dict[str, str]) -> None:
    """Two people in one card are worse than one person in two."""
    assert expected.items() <= merged_keys(spoken).items()


@pytest.mark.parametrize("label", ["MRS. HALE", "Mrs Hale", "**Mrs. Hale:**", "MRS HALE (O.S.)", "Mrs.  Hale (CONT'D)"])
def test_marks_case_and_dots_make_no_new_name(label: str) -> None:
    """All are Mrs. Hale."""
    assert name_key(label) == "mrs hale"


@pytest.mark.parametrize(
    "label",
    ["ALL", "BOTH", "The Crowd", "FIRST AND SECOND WITCH", "ANN & BOB", "A VOICE", "Some Guests", "NARRATOR",
     "SOLDIERS", "All the guests", "TV ANNOUNCER", "- 4 -"],
)  # fmt: skip
def test_crowds_and_stage_labels_are_no_characters(label: str) -> None:
    """Each says why."""
    assert crowd_reason(label)


@pytest.mark.parametrize("label", ["ANDREW", "FIRST WITCH", "Alla", "GHOST", "Mother Hubbard", "SANDY", "Radio Raheem"])
def test_names_that_only_look_like_crowds_are_characters(label: str) -> None:
    """And in Andrew and Sandy joins nobody."""
    assert crowd_reason(label) == ""


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        ({"MRS. HALE": 9, "Mrs Hale": 1}, "Mrs Hale"),
        ({"QUEEN OF HEARTS": 2}, "Queen of Hearts"),
        ({"MARLEY'S GHOST": 1}, "Marley's Ghost"),
        ({"O'BRIEN": 1}, "O'Brien"),
        ({"HENRY VI": 1}, "Henry VI"),
    ],
    ids=["a mixed form goes first", "small words", "a possessive", "an Irish name", "a number"],
)
def test_a_name_is_written_as_a_card_writes_it(labels: dict[str, int], name: str) -> None:
    """Capitals are taken back where no other form is known."""
    assert display_name(labels) == name


EXPECTED = {
    "counting_house.txt": (["Scrooge", "Cratchit", "Fred", "Marley's Ghost"], ["ALL", "MESSENGER"]),
    "macaroons.txt": (["Nora", "Helmer", "Mrs Linde", "Krogstad"], []),
    "baker_street.txt": (["Holmes", "Watson", "Mrs. Hudson"], ["CABMAN"]),
    "tea_party.csv": (["Alice", "Hatter", "Queen of Hearts"], ["Dormouse"]),
    "heath.txt": (["Macbeth", "Lady Macbeth"], ["FIRST WITCH"]),
}


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items(), ids=EXPECTED)
def test_a_script_gives_its_speakers(name: str, expected: tuple[list[str], list[str]]) -> None:
    """In order of first speech; who says too little, and who is many, is kept aside by name."""
    good, bad = split(DATA / name, licence="CC0-1.0", kind="virtual", modern=False)
    assert sorted(good) == sorted(expected[0])
    assert [place for place in bad if "[" in place] == [f"{name}[{label}]" for label in expected[1]]
    for character in good.values():
        assert character.source.licence == "CC0-1.0"
        assert character.source.record.startswith(f"{name}[")
        assert character.facts["kind"] == "virtual"
        assert character.facts["example_lines"][0] in character.text


def test_a_characters_style_is_that_of_their_lines() -> None:
    """The miser's catchphrases, the ghost's old words, the detective's duty, the doctor's oath."""
    scripts, _ = split(DATA / "counting_house.txt")
    assert set(scripts["Scrooge"].facts["dialogue_style"]["catchphrases"]) == {"Mark my words", "Humbug"}
    assert scripts["Marley's Ghost"].facts["dialogue_style"]["register"] == "archaic"
    street, _ = split(DATA / "baker_street.txt")
    assert street["Holmes"].facts["dialogue_style"]["register"] == "formal"
    assert street["Watson"].facts["dialogue_style"]["catchphrases"] == ["By Jove"]


def test_few_lines_are_kept_aside_unless_fewer_are_asked_for() -> None:
    """The reason names the setting."""
    good, bad = split(DATA / "heath.txt")
    assert bad["heath.txt[FIRST WITCH]"] == "only 2 lines: at least 5 are needed (min_lines)"
    assert "First Witch" not in good
    assert "First Witch" in split(DATA / "heath.txt", min_lines=2)[0]


TABLES = {
    "t.jsonl": "\n".join(json.dumps({"speaker": "Ann", "utterance": f"I count to {n}."}) for n in range(5)),
    "t.tsv": "Player\tPlayerLine\n" + "".join(f"Ann\tI count to {n}.\n" for n in range(5)),
    "t.json": json.dumps([{"who": "Ann", "text": f"I count to {n}."} for n in range(5)]),
}


@pytest.mark.parametrize(("name", "content"), TABLES.items(), ids=TABLES)
def test_tables_of_quotes_are_read_by_their_columns(name: str, content: str, tmp_path: Path) -> None:
    """Common names of columns are known."""
    (tmp_path / name).write_text(content, encoding="utf-8")
    good, _ = split(tmp_path / name)
    assert good["Ann"].facts["example_lines"][0].startswith("I count to")


def test_columns_can_be_named(tmp_path: Path) -> None:
    """And a wrong name is an error that says what there is."""
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "Ann,I am here.\n" * 5, encoding="utf-8")
    assert "Ann" in split(path, columns={"speaker": "a", "line": "b"})[0]
    with pytest.raises(SourceError, match="known as a speaker"):
        split(path)
    with pytest.raises(SourceError, match="lack 'line'"):
        split(path, columns={"speaker": "a"})


def test_a_folder_is_one_source_and_a_bad_file_in_it_one_record(tmp_path: Path) -> None:
    """Files in order of path; names are not merged across them."""
    for name in ("b.txt", "a.txt"):
        (tmp_path / name).write_text("ANN: Come in and sit.\n" * 5, encoding="utf-8")
    (tmp_path / "c.txt").write_text("Nothing is said here.", encoding="utf-8")
    (tmp_path / "d.txt.gz").write_bytes(gzip.compress(b"BOB: Where is she now?\n" * 5))
    (tmp_path / "e.csv").write_text("x\n1\n", encoding="utf-8")
    found = list(script_characters(tmp_path))
    places = [item.source.record if isinstance(item, Character) else item.place for item in found]
    assert places == ["a.txt[ANN]", "b.txt[ANN]", "c.txt", "d.txt.gz[BOB]", "e.csv"]
    assert len([item for item in script_characters(tmp_path, limit=1) if isinstance(item, Character)]) == 1


MALFORMED = {
    "an empty file": b"",
    "no speech": b"Once upon a time there was a fox.",
    "a NUL byte": b"\0\1\2",
    "another encoding": "ANNÄ: Grüß Gott.".encode("latin-1"),
    "only a crowd": b"ALL: Hurrah!\n" * 6,
    "only brackets": b"ANN: (sits)\n" * 6,
    "a truncated table": b'{"speaker": "Ann", "li',
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_a_source_without_one_character_is_an_error_that_says_why(content: bytes, tmp_path: Path) -> None:
    """Never a traceback, never silence."""
    path = tmp_path / "s.txt"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"no usable record|cannot read"):
        list(script_characters(path))


def test_a_line_of_fifty_megabytes_is_one_bad_record(tmp_path: Path) -> None:
    """The script around it is read."""
    path = tmp_path / "s.txt"
    path.write_bytes(b"ANN: Come in and sit.\n" * 3 + b"x" * 50_000_000 + b"\n" + b"ANN: Come in and stay.\n" * 3)
    good, bad = split(path)
    assert list(good) == ["Ann"]
    assert bad["s.txt:4"] == f"a line of 50,000,001 bytes: at most {MAX_LINE:,} are read"


def test_a_line_in_another_encoding_is_kept_aside_alone(tmp_path: Path) -> None:
    """With its number; the others keep theirs."""
    path = tmp_path / "s.txt"
    path.write_bytes(b"ANN: One at a time.\n" + "ANN: Grüß Gott.\n".encode("latin-1") + b"ANN: Two at a time.\n" * 4)
    found = [item for item in script_characters(path) if isinstance(item, Character)]
    places = {item.place for item in found[0].evidence if item.field != "text"}
    assert places <= {"s.txt:1", *(f"s.txt:{n}" for n in range(3, 7))}
    assert "not UTF-8" in split(path)[1]["s.txt:2"]


def test_nothing_at_the_path_is_an_error(tmp_path: Path) -> None:
    """Both a missing file and an empty folder."""
    with pytest.raises(SourceError, match="no file or folder"):
        list(script_characters(tmp_path / "none.txt"))
    with pytest.raises(SourceError, match="no file in the folder"):
        list(script_characters(tmp_path))


SCRIPT_LIKE = st.lists(
    st.sampled_from(
        [
            "ANN: ",
            "BOB. ",
            "ANN (O.S.)",
            " " * 20,
            "INT. HALL",
            "(",
            ")",
            "[",
            "\n",
            "\n\n",
            "Come in. ",
            "ALL: ",
            "é",
            "...",
        ]
    )
    | st.text(max_size=8),
    max_size=60,
).map("".join)


@given(SCRIPT_LIKE)
@SETTINGS
def test_any_text_reads_without_a_crash_and_every_quote_stands_in_it(text: str) -> None:
    """What is said is quoted from the text, at a line that there is."""
    lines = text.splitlines() or [""]
    file = TextFile("t", lines, list(range(1, len(lines) + 1)))
    flat = " ".join(" ".join(lines).split())
    for item in script_utterances(file):
        assert 1 <= int(item.line.place.split(":")[1]) <= len(lines)
        bare = " ".join("".join(c for c in item.line.quote if ord(c) > 31 and ord(c) != 127).split())
        clean = " ".join("".join(c for c in flat if (ord(c) > 31 or c == " ") and ord(c) not in (127, 0xFEFF)).split())
        assert bare in clean
