"""The list of slurs, and the pattern that finds them as people write them.

The list is our own and short: only what is a slur in any sentence, or with the words that make it harmless beside
it. It lies in base64, so that nobody meets it by opening a folder or searching the code. (Rejected, after a look at
what there is: better-profanity and its kind list swear words, miss half the slurs and stand still; profanity-filter
is GPL and needs spaCy; HurtLex is for non-commercial use and lists "monkey"; classifiers need weights and cannot say
which word it was.)
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import polars as pl

from castwright.errors import RecipeError, SourceError
from castwright.filters.screened_text import folded_series

_LIST = Path(__file__).parent / "slurs.base64.txt"

_LOOKALIKES = {
    "a": "a4@",
    "b": "b8",
    "e": "e3",
    "g": "g9",
    "i": "i1!|",
    "l": "l1|",
    "o": "o0",
    "s": "s5$",
    "t": "t7",
    "z": "z2",
}
_VOWELS = frozenset("aeiou")
_LEAST_SPACED = 5  # shorter words spelt with gaps are initials
_LEAST_MASKED = 4  # "w*g" may be anything
_GAP = r"[\s.\-_*]{1,2}"
_NO_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u1100-\u11ff\uac00-\ud7af]")  # scripts without word boundaries


@dataclass(frozen=True, slots=True)
class Slur:
    """A word or phrase in folded letters, and the words that make it harmless in the same text."""

    term: str
    unless: frozenset[str] = frozenset()


def encode_entry(term: str, unless: str = "") -> str:
    """Return the line of the list for a term and the space-separated words that make it harmless."""
    return base64.b64encode(f"{term}\t{unless}".strip().encode()).decode()


@cache
def listed_slurs() -> tuple[Slur, ...]:
    """Return the shipped list, folded."""
    lines = [line for line in _LIST.read_text(encoding="ascii").splitlines() if line and not line.startswith("#")]
    return tuple(_entry(base64.b64decode(line).decode()) for line in lines)


def read_slurs(path: str) -> tuple[Slur, ...]:
    """Return the slurs of a user's file: a term per line, plain or as `encode_entry` writes it; "#" starts a comment.

    Raises:
        SourceError: the file cannot be read, or holds no term.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise SourceError(f"filter 'slurs': words_file {path!r} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SourceError(f"filter 'slurs': words_file {path!r} is not UTF-8; save it as UTF-8") from None
    found = tuple(_entry(_decoded(line)) for line in lines if line.strip() and not line.startswith("#"))
    if not found:
        raise SourceError(f"filter 'slurs': words_file {path!r} holds no word; give one per line")
    for number, slur in enumerate(found, start=1):
        if not slur.term:
            raise SourceError(f"filter 'slurs': words_file {path!r}: entry {number} holds no letter")
    return found


def given_slurs(words: list[str]) -> tuple[Slur, ...]:
    """Return the slurs of an option.

    Raises:
        RecipeError: a word is blank.
    """
    found = tuple(_entry(word) for word in words)
    for word, slur in zip(words, found, strict=True):
        if not slur.term:
            raise RecipeError(f"filter 'slurs': words holds {word!r}, which has no letter")
    return found


@lru_cache(maxsize=1024)
def slur_pattern(slurs: tuple[Slur, ...]) -> str:
    """Return one pattern for all terms in folded text, the same for Python and for Rust.

    It finds plurals, lookalike characters, letters drawn out, vowels masked by a star and letters set apart.
    """
    terms = sorted({slur.term for slur in slurs}, key=lambda term: (-len(term), term))
    spaced = [term for term in terms if not _NO_SPACES.search(term)]
    unspaced = [re.escape(term) for term in terms if _NO_SPACES.search(term)]
    whole = [rf"\b(?:{'|'.join(form for term in spaced for form in _forms(term))})\b"] if spaced else []
    return "|".join(whole + unspaced)


def matched_slur(text: str, slurs: tuple[Slur, ...]) -> Slur | None:
    """Return the listed term that a piece of folded text, as the pattern found it, stands for."""
    for slur in sorted(slurs, key=lambda slur: (-len(slur.term), slur.term)):
        if re.fullmatch(slur_pattern((slur,)), text):
            return slur
    return None


def _forms(term: str) -> list[str]:
    words = term.split(" ")
    masked = len(term) >= _LEAST_MASKED
    parts = [_word(word, masked=masked) for word in words]
    forms = [r"[\s\-_]{0,2}".join([*parts[:-1], _plural(words[-1], parts[-1])])]
    if len(words) == 1 and len(term) >= _LEAST_SPACED:
        forms.append(_GAP.join(_letter(letter, masked=False) for letter in term) + f"(?:{_GAP}s)?")
    return forms


def _word(word: str, *, masked: bool) -> str:
    runs = [match.group() for match in re.finditer(r"(.)\1*", word)]
    return "".join(_letter(run[0], masked=masked) + (f"{{{len(run)},}}" if len(run) > 1 else "+") for run in runs)


def _letter(letter: str, *, masked: bool) -> str:
    alike = _LOOKALIKES.get(letter, letter) + ("*#" if masked and letter in _VOWELS else "")
    return f"[{re.escape(alike)}]" if len(alike) > 1 else re.escape(alike)


def _plural(word: str, pattern: str) -> str:
    if word.endswith("y"):
        return f"{pattern[:-2]}(?:y+|ies?)s?"
    return f"{pattern}(?:'?s|{'es|' if word.endswith(('o', 's', 'x', 'ch', 'sh')) else ''}z)?"


def _entry(line: str) -> Slur:
    term, _, unless = line.partition("\t")
    folded = folded_series(pl.Series([term, unless])).to_list()
    return Slur(" ".join(re.findall(r"[^\W_]+", folded[0])), frozenset(folded[1].split()))


def _decoded(line: str) -> str:
    try:
        text = base64.b64decode(line.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return line
    return text if text.isprintable() or "\t" in text else line
