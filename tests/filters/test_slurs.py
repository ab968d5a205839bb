"""Slurs: found in every disguise, never shown, and words that only look like them are spared.

The words stand in rot13 here, for the reason that the list itself is not plain.
"""

from __future__ import annotations

import codecs
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.errors import RecipeError, SourceError
from castwright.filters.slur_words import encode_entry, listed_slurs, slur_pattern
from castwright.filters.slurs import masked_word, slurs


def plain(text: str) -> str:
    """Return rot13 text as it is meant."""
    return codecs.decode(text, "rot13")


SLURS = {
    "a word": "n avttre",
    "its plural": "avttref",
    "in capitals": "AVTTRE",
    "another spelling": "fbzr avttn",
    "letters drawn out": "avvvvttttre",
    "digits for letters": "av99re",
    "a sign for a letter": "a!ttref",
    "a vowel as a star": "a*ttre",
    "letters apart": "a v t t r e",
    "letters dotted": "a.v.t.t.r.e.f",
    "an accent": "avttée",
    "in a sentence": "Jub yrg gung xvxr va?",
    "with a full stop": "Gurl ner nyy jrgonpxf.",
    "a plural in oes": "gubfr qntbrf",
    "a plural in ies": "genaavrf",
    "a phrase": "n pnzry wbpxrl",
    "a phrase in one": "gurfr gbjryurnqf",
    "a phrase with a hyphen": "n cbepu-zbaxrl",
    "an insult with a group": "lbh qvegl wrj",
    "a person called so": "lbh ergneq",
    "plural people": "n ohapu bs ergneqf",
    "orientation": "n snttbg",
    "orientation with digits": "s4tt0gf",
    "gender identity": "n furznyr",
    "French": "har gneybhmr",
    "German": "qvr Fpujhpugry",
    "Spanish": "rfr znevpóa",
    "Italian": "fgb sebpvb",
}
SPARED = [
    "spices and rice",
    "the spic and span kitchen",
    "A chink in the armour",
    "He calls a spade a spade",
    "born in Scunthorpe",
    "Niger and Nigeria",
    "niggardly with praise",
    "a snigger at the back",
    "Dick Van Dyke",
    "on the dyke by the sea",
    "the isle of Lesbos",
    "a bundle of faggots for the fire",
    "faggots and peas",
    "a kaffir lime tree",
    "rebuilds a tranny in a truck",
    "fire retardant paint",
    "to retard the growth of weeds",
    "Je suis toujours en retard",
    "raccoons and coonhounds",
    "sauerkraut with ham",
    "a jap of paint, misspelt",
    "Kike Hernandez, a ball player of that nickname",
    "a Paki from the Hawaiian chiefs",
    "moon crickets sing",
    "Is she male or female?",
    "gobbledygook",
    "a gypsy caravan",
    "The wogan lectures",
    "he is crazy, queer and proud",
    "an Eskimo pie",
    "the Redskins lost again",
    "Injury time",
]


@pytest.mark.parametrize("word", SLURS.values(), ids=SLURS.keys())
def test_a_slur_is_found_and_not_repeated(word: str) -> None:
    """The reason names the column and shows stars."""
    text = plain(word)
    keep, reason, score = slurs(pl.DataFrame({"background": [text]})).row(0)
    assert not keep
    assert score == 1
    assert reason.startswith("a slur in background: '")
    assert "*" in reason
    assert not slurs(pl.DataFrame({"background": [reason]}))["score"][0]


@pytest.mark.parametrize("text", SPARED)
def test_what_only_looks_like_a_slur_is_spared(text: str) -> None:
    """Homographs, names, places and other languages' words stay."""
    assert slurs(pl.DataFrame({"background": [text]})).row(0) == (True, "", 0.0)


@pytest.mark.parametrize(
    "text",
    [
        "\u9ed1\u9b3c",
        "\u90a3\u4e2a\u9ed1\u9b3c\u5b50",
        "\u043f\u0438\u0434\u043e\u0440\u0430\u0441\u044b",
        "\uae5c\ub465\uc774",
    ],
    ids=["Han", "Han within", "Cyrillic", "Hangul"],
)
def test_other_scripts_are_read_too(text: str) -> None:
    """Where words are not set apart, none is asked for."""
    assert not slurs(pl.DataFrame({"response": [text]}))["keep"][0]


def test_lists_are_read_and_each_finding_counts() -> None:
    """The score is the number over all columns; the reason is of the first column in order."""
    frame = pl.DataFrame(
        {"traits": [["kind", plain("n xvxr")]], "background": [plain("xvxrf naq tbbxf")], "other": ["x"]}
    )
    assert slurs(frame).row(0) == (False, "a slur in traits: 'k**e'", 3.0)


def test_words_of_ones_own_and_allowed_ones() -> None:
    """An added word is found like the shipped ones; an allowed word or phrase may stand, another use may not."""
    frame = pl.DataFrame({"text": ["a Zorgling", "two z0rglings", plain("Vawha Wbr"), plain("na vawha")]})
    found = slurs(frame, words=("zorgling",), allow=(plain("Vawha Wbr"),))
    assert found["keep"].to_list() == [False, False, True, False]
    assert slurs(frame, allow=(plain("vawha"),))["keep"].to_list() == [True] * 4


def test_a_file_of_words_may_be_plain_or_encoded(tmp_path: Path) -> None:
    """Comments and blank lines are passed over; words after a tab make a term harmless."""
    file = tmp_path / "words.txt"
    file.write_text(f"# ours\n\nzorgling\tstew\n{encode_entry('blorp', 'soup')}\n", encoding="utf-8")
    frame = pl.DataFrame({"text": ["a zorgling", "zorgling stew", "some blorps", "blorp soup"]})
    assert slurs(frame, words_file=str(file))["keep"].to_list() == [False, True, False, True]


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"# none\n", "holds no word"), (b"\xff\xfe", "not UTF-8"), (b"?!\n", "no letter")],
    ids=["no file", "no word", "not text", "no letter"],
)
def test_a_bad_file_of_words_is_a_user_error(tmp_path: Path, content: bytes | None, message: str) -> None:
    """The message names the file."""
    file = tmp_path / "words.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SourceError, match=message) as raised:
        slurs(pl.DataFrame({"text": ["x"]}), words_file=str(file))
    assert "words.txt" in str(raised.value)


def test_a_blank_word_and_a_missing_column_are_user_errors() -> None:
    """Neither may pass for a setting that works."""
    frame = pl.DataFrame({"text": ["x"]})
    with pytest.raises(RecipeError, match="no letter"):
        slurs(frame, words=(" ",))
    with pytest.raises(RecipeError, match="no column 'texts'"):
        slurs(frame, columns=("texts",))


def test_the_list_is_not_plain_reading_and_every_term_finds_itself() -> None:
    """No term stands in the package as it is written; each is found alone, unless its own excuses say otherwise."""
    shipped = listed_slurs()
    assert len(shipped) > 100
    file = Path(__file__).parents[2] / "castwright" / "filters" / "slurs.base64.txt"
    stored = file.read_text(encoding="ascii").lower()
    latin = [slur.term for slur in shipped if slur.term.isascii() and len(slur.term) > 5]
    assert not [term for term in latin if term in stored]
    found = slurs(pl.DataFrame({"text": [slur.term for slur in shipped]}))
    missed = [slur.term for slur, keep in zip(shipped, found["keep"], strict=True) if keep]
    assert missed == []


@pytest.mark.parametrize(
    ("word", "masked"), [("abcdef", "a****f"), ("ab", "a*"), ("a b c d", "a * * d"), ("a", "a*")], ids=str
)
def test_a_masked_word_keeps_its_ends(word: str, masked: str) -> None:
    """All between is stars."""
    assert masked_word(word) == masked


@given(st.lists(st.one_of(st.none(), st.text(max_size=40), st.sampled_from(SPARED)), max_size=10))
def test_wild_text_never_fails(texts: list[str | None]) -> None:
    """One verdict per row, kept where the score is 0."""
    found = slurs(pl.DataFrame({"text": texts}, schema={"text": pl.String}))
    assert found["keep"].to_list() == [score == 0 for score in found["score"]]


@settings(max_examples=25)  # each word makes a new pattern of the whole list
@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=5, max_size=12))
def test_disguises_of_any_word_are_found(word: str) -> None:
    """A word of letters is found with drawn-out letters and lookalike digits."""
    alike = str.maketrans({"o": "0", "e": "3", "i": "1", "a": "@", "s": "$"})
    disguised = [word, word.translate(alike), "".join(letter * 2 for letter in word), " ".join(word)]
    frame = pl.DataFrame({"text": [f"so {text} then" for text in disguised]})
    kept = slurs(frame, words=(word,))["keep"].to_list()
    assert [kept[0], *kept[2:]] == [False] * 3
    edges = disguised[1][0] + disguised[1][-1]  # a word must begin and end where letters or digits do
    assert kept[1] is False or not edges.isalnum()


def test_a_pattern_of_no_words_is_empty() -> None:
    """With everything allowed nothing is found, and no pattern is run."""
    assert slur_pattern(()) == ""
