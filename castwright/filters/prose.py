"""Small tools for reading prose: quotes out of sight, sentences, clauses.

Shared by the rule-based filters, whose first enemy is the quotation: "He said 'I cannot help you'" is no
refusal. Masking keeps every character's place, so what a rule finds can be quoted from the original text.
(Rejected: a sentence model; a filter must read 10,000 rows a second and be explained by its pattern.)
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_QUOTES = re.compile(
    r"\"[^\"\n]{1,400}\"|“[^”\n]{1,400}”|«[^»\n]{1,400}»|„[^“”\n]{1,400}[“”]"
    r"|(?<![\w'’])'(?=\S)[^'\n]{1,200}?(?:'[a-z]{1,2}\b[^'\n]{0,200}?)*(?<=\S)'(?!\w)"
    r"|(?<![\w'’])‘[^‘\n]{1,400}?’(?!\w)|```.*?```|`[^`\n]+`",
    re.DOTALL,
)
_BREAK = re.compile(r"\n+|(?<=[.!?…])[\"'”’)\]*]*\s+")
_ABBREVIATION = re.compile(r"(?i:\b(?:mr|mrs|ms|dr|st|prof|sr|jr|vs|e\.g|i\.e))\.$|(?<!\w)[A-HJ-Z]\.$|^\(?\d{1,2}\.$")
_CLAUSE = re.compile(r"[;:—–]|--|,?\s+(?:but|yet|however|though|still|except)\b,?", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")


@cache
def load_lexicon(name: str) -> Any:
    """Return the word list of a filter of ours: the YAML file of that name beside it."""
    return yaml.safe_load((Path(__file__).parent / f"{name}.yaml").read_text(encoding="utf-8"))


def straighten(text: str) -> str:
    """Return text with curly apostrophes made straight, so that one pattern reads both."""
    return text.replace("’", "'").replace("ʼ", "'")


def mask_quotes(text: str) -> str:
    """Return text with quoted passages and code blanked out by spaces, of the same length.

    A text that is one quotation from end to end is somebody's whole reply, and stays.
    """
    body = text.strip()
    whole = _QUOTES.match(body)
    if whole and whole.end() == len(body):
        return text
    return _QUOTES.sub(lambda match: " " * len(match.group()), text)


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, stripped; abbreviations, initials and list numbers do not end one."""
    found: list[str] = []
    start = 0
    for mark in _BREAK.finditer(text):
        piece = text[start : mark.end()].strip()
        if "\n" not in mark.group() and _ABBREVIATION.search(piece):
            continue
        if piece:
            found.append(piece)
        start = mark.end()
    if text[start:].strip():
        found.append(text[start:].strip())
    return found


def clauses(sentence: str) -> list[str]:
    """Return the parts of a sentence between "but", dashes, colons and semicolons, stripped, none empty."""
    return [part.strip() for part in _CLAUSE.split(sentence) if part and part.strip(" ,.")]


def count_words(text: str) -> int:
    """Return the number of words: letters and digits, with inner apostrophes and hyphens."""
    return len(_WORD.findall(text))
