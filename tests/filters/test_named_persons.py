"""Named persons: the user's list of living people, in whatever form a card writes a name.

All people here are invented.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.errors import RecipeError, SourceError
from castwright.filters.named_persons import named_persons
from castwright.filters.person_names import comparable_name

PEOPLE = (
    "Jane Q. Sampleton | J. Sampleton",
    "Ólafur Grímur Prófunsson",
    "Exemplar, Dr. María José",
    "Pope Testus",
    "Robert Testington",
    "Zarvonna",
    "Jean-Luc d'Essai",
    "李明四",
    "Charles Probus III",
    "Vrouw van der Proef",
)
MEANT = [
    "Jane Q. Sampleton",
    "jane q sampleton",
    "JANE SAMPLETON",
    "Sampleton, Jane",
    "Sampleton, Jane Q.",
    "Dr. Jane Quentin Sampleton",
    "Prof. Dr. Jane Sampleton, PhD",
    "Jane  Sampleton",
    "J. Sampleton",
    "Ms Jane Anne Q. Sampleton",
    "Olafur Grimur Profunsson",
    "Ólafur Prófunsson",
    "Ólafur G. Prófunsson",
    "Maria Jose Exemplar",
    "María José Exemplar",
    "Pope Testus",
    "Robert Testington",
    "Robert Testington Jr.",
    "Sir Robert Testington, KBE",
    "President Testington",
    "Former President Testington",
    "President Robert A. Testington",
    "zarvonna",
    "Jean-Luc d’Essai",
    "Jean Luc D'Essai",
    "李明四",
    "King Charles Probus III",
    "Ｒｏｂｅｒｔ Testington",
    "Robert\u200b Testington",
    "Vrouw van der Proef",
]
OTHERS = [
    "Mary Testington",
    "Mr Testington",
    "Captain Testington",
    "Testington",
    "Roberta Testington",
    "Robert Testingtons",
    "Testington Robert",
    "Robert A. B. C. Testington",
    "Testus",
    "Brother Testus",
    "Zarvonna Hill",
    "Old Zarvonna",
    "President",
    "King",
    "Jane",
    "Jane P. Sampleton",
    "June Sampleton",
    "K. Sampleton",
    "Sampleton",
    "李明",
    "李明四郎",
    "Charles Probus",
    "Maria Exemplaria",
    "Jean Essai",
    "Luc d'Essai",
    "van der Proef",
    "",
    None,
    "???",
    "Roberto Testington",
]


def judged(name: str | None, **card: str) -> tuple[bool, str, float]:
    """Return the verdict of one card against the list."""
    frame = pl.DataFrame(
        {"name": [name], **{key: [value] for key, value in card.items()}}, schema_overrides={"name": str}
    )
    return named_persons(frame, names=PEOPLE).row(0)


@pytest.mark.parametrize("name", MEANT)
def test_a_listed_person_is_dropped_in_any_form_of_the_name(name: str) -> None:
    """Case, accents, titles, order and middle names make no other person; the reason names the entry."""
    keep, reason, score = judged(name)
    assert (keep, score) == (False, 1.0)
    assert reason.startswith("on the list of living persons: names, entry ")


@pytest.mark.parametrize("name", OTHERS, ids=str)
def test_another_name_is_kept(name: str | None) -> None:
    """Relations, namesakes by a part, other initials and turned names without a comma are others."""
    assert judged(name) == (True, "", 0.0)


@pytest.mark.parametrize(
    ("name", "background", "kept"),
    [
        ("Testington", "Robert Testington has led the country for years.", False),
        ("Mr Testington", "They say Robert Testington never sleeps.", False),
        ("Robert", "Robert Testington has led the country for years.", False),
        ("Testington", "A town clerk.", True),
        ("Mary Testington", "The aunt of Robert Testington.", True),
        ("Robert Baker", "A fan of Robert Testington.", True),
        ("Ada Baker", "Robert Testington is her neighbour.", True),
    ],
    ids=["surname", "mister", "first name", "surname alone", "aunt", "namesake", "neighbour"],
)
def test_a_part_of_a_name_is_enough_where_the_text_says_the_whole(name: str, background: str, kept: bool) -> None:
    """All words of the card's name must be the listed person's."""
    keep, reason, _ = judged(name, background=background)
    assert keep == kept
    assert reason == ("" if kept else "on the list of living persons: names, entry 5, named in background")


FILES = {
    "people.txt": ("# ours\n\nAda Baker\nJane Sampleton\tJ. Sampleton|Janie S.\n", "people.txt:4"),
    "people.csv": ('id,name,aliases\n1,"Baker, Ada",\n2,"Sampleton, Jane",J. Sampleton|Janie S.\n', "people.csv:3"),
    "people.tsv": ("name\taliases\nJane Sampleton\tJ. Sampleton|Janie S.\n", "people.tsv:2"),
    "people.jsonl": ('{"name": "Jane Sampleton", "aliases": ["J. Sampleton", "Janie S."]}\n', "people.jsonl:1"),
    "lines.csv": ('name,note\n"Ada Baker","two\nlines"\nJane Sampleton,\nJanie S.,\nJ. Sampleton,\n', "lines.csv:"),
    "bom.txt": ("\ufeffJane Sampleton|J. Sampleton|Janie S.", "bom.txt:1"),
}


@pytest.mark.parametrize("file", FILES)
def test_lists_of_several_formats_name_the_line(tmp_path: Path, file: str) -> None:
    """Aliases stand after a tab or "|", or in their own column; the reason says where."""
    text, place = FILES[file]
    (tmp_path / file).write_text(text, encoding="utf-8")
    frame = pl.DataFrame({"name": ["Jane Sampleton", "J. Sampleton", "Janie S.", "Bo"]})
    found = named_persons(frame, names_file=str(tmp_path / file))
    assert found["keep"].to_list() == [False, False, False, True]
    assert all(place in reason for reason in found["reason"][:3])


def test_a_record_over_two_lines_does_not_shift_the_count(tmp_path: Path) -> None:
    """The line is the one on which the record begins."""
    (tmp_path / "people.csv").write_text(FILES["lines.csv"][0], encoding="utf-8")
    found = named_persons(
        pl.DataFrame({"name": ["Ada Baker", "Jane Sampleton"]}), names_file=str(tmp_path / "people.csv")
    )
    assert [reason.rpartition(":")[2] for reason in found["reason"]] == ["2", "4"]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("gone.txt", None, "gone.txt' cannot be read"),
        ("empty.txt", b"# nobody\n\n", "empty.txt' holds no name"),
        ("latin.txt", b"Ada\nJos\xe9\n", r"latin.txt:2 is not UTF-8"),
        ("a.csv", b"person,age\nAda,3\n", r"a.csv:1 has no column 'name'; it has: person, age; set names_column"),
        ("b.csv", b"name,age\nAda,3\n,4\n", r"b.csv:3 has no name"),
        ("c.csv", b'name\n"Ada\n', r"c.csv:\d is no CSV"),
        ("d.jsonl", b'{"name": "Ada"}\n{"name": \n', r"d.jsonl:2 is no JSON"),
        ("e.jsonl", b'{"name": 7}\n', r"e.jsonl:1 has no text 'name'"),
        ("f.jsonl", b"[]\n", r"f.jsonl:1 has no text 'name'"),
        ("g.jsonl", b"[" * 100_000, r"g.jsonl:1 is no JSON"),
        ("h.jsonl", b'{"name": "Ada", "aliases": 7}\n', r"h.jsonl:1: aliases must be"),
        ("i.csv", b"", r"i.csv' holds no name"),
    ],
    ids=[
        *("missing file", "comments only", "wrong encoding", "missing column", "blank name", "open quote"),
        *("cut JSON", "number for a name", "no object", "deep JSON", "number for aliases", "empty file"),
    ],
)
def test_a_bad_list_is_a_user_error_with_its_line(
    tmp_path: Path, file: str, content: bytes | None, message: str
) -> None:
    """One clear line: the file, the line and what to do."""
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        named_persons(pl.DataFrame({"name": ["Ada"]}), names_file=str(tmp_path / file))


def test_other_columns_can_hold_the_names(tmp_path: Path) -> None:
    """Both of the list and of the frame."""
    (tmp_path / "people.csv").write_text("person\nJane Sampleton\n", encoding="utf-8")
    found = named_persons(
        pl.DataFrame({"speaker": ["Jane Sampleton", "Bo"]}),
        names_file=str(tmp_path / "people.csv"),
        names_column="person",
        columns=("speaker",),
    )
    assert found["keep"].to_list() == [False, True]


def test_kinds_and_allowed_names_can_be_set() -> None:
    """A long dead namesake is kept by kind or by name."""
    frame = pl.DataFrame({"name": ["Robert Testington"] * 2, "kind": ["historical", "original"]})
    assert named_persons(frame, names=PEOPLE, kinds=("original",))["keep"].to_list() == [True, False]
    assert named_persons(frame, names=PEOPLE, allow=("Testington, Robert",))["keep"].to_list() == [True, True]


def test_without_a_list_all_are_kept() -> None:
    """None is shipped."""
    frame = pl.DataFrame({"name": ["Robert Testington", None]})
    assert named_persons(frame)["keep"].to_list() == [True, True]


def test_settings_that_cannot_be_are_user_errors() -> None:
    """A name without a letter and a column that is not there."""
    frame = pl.DataFrame({"name": ["Bo"]})
    with pytest.raises(RecipeError, match="is no name"):
        named_persons(frame, names=("?",))
    with pytest.raises(RecipeError, match="did you mean 'name'"):
        named_persons(frame, names=("Bo",), columns=("nam",))


WORD = st.text(alphabet="bcdfgklmnprtvwzáéíóúäöü", min_size=4, max_size=9)


@given(WORD, WORD, WORD, st.sampled_from(["{0} {1}", "{1}, {0}", "Dr. {0} {1}", "{0} {2} {1}", "  {0}\t{1} "]))
def test_any_name_is_found_in_any_form(first: str, last: str, middle: str, form: str) -> None:
    """In upper or lower case, whatever the letters."""
    frame = pl.DataFrame({"name": [form.format(first, last, middle), form.format(first, last, middle).upper()]})
    assert named_persons(frame, names=(f"{first} {last}",))["keep"].to_list() == [False, False]


@given(st.text(max_size=40))
def test_a_comparable_name_is_its_own(text: str) -> None:
    """Comparing again changes nothing, and a name with a letter keeps a word."""
    words = comparable_name(text).words
    assert comparable_name(" ".join(words)).words == words
    assert bool(words) == bool(comparable_name(f"{text} x").words[:-1]) or not words


@given(st.lists(st.one_of(st.none(), st.text(max_size=30), st.sampled_from(MEANT)), max_size=10))
def test_wild_names_never_fail(names: list[str | None]) -> None:
    """One verdict per row."""
    found = named_persons(pl.DataFrame({"name": names}, schema={"name": pl.String}), names=PEOPLE)
    assert found["keep"].to_list() == [not reason for reason in found["reason"]]
