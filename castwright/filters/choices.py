"""Options of a question and the letter an answer chooses.

Read by patterns of how letters are marked ("(B)", "B.", "the answer is B"), so that the article "A" and the
pronoun "I" are no choices; what an answer sets aside ("not C") is none either. (Rejected: the first capital
letter, which is what most benchmark scripts take.)
"""

from __future__ import annotations

import re

from castwright.filters.prose import straighten

_OPTION = re.compile(r"(?:^|[\s,;(\[])\(?([A-J])[).:]\s*(.+?)(?=(?:[\s,;]+\(?[A-J][).:]\s)|\n|$)", re.DOTALL)
_BARE_LETTER = re.compile(r"^\W*([A-J])\W*$")
_LEADING_LETTER = re.compile(r"^\W*(?:\(([A-J])\)|([A-J])[).:])(?:\s|$)")
_STATED_LETTER = re.compile(
    r"\b(?i:answer(?: is|:| must be| would be)?|option|choice|choose|chose|pick|picked|select|go with|"
    r"letter|it's|it is|it has to be|it comes (?:down )?to|mark it(?: down)? as|hold with|say)\s*:?\s*"
    r"(?:(?i:is|the|option|choice|letter) )*[*_]*[(\[\"']?([A-J])(?![\w'])[)\]\"']?",
)
_MARKED_LETTER = re.compile(
    r"\(([A-J])\)|(?:^|(?<=\s))([A-HJ])(?=[).:,!?;]|\s*$)|(?:^|\n)\s*([A-J])[).:]", re.MULTILINE
)
_NOT_LETTER = re.compile(
    r"\b(?:not|never|nor|isn't|neither|than)\s+(?:option |choice |the |"
    r"letter )*[(\[\"']?[A-J](?![\w'])[)\]\"']?"
)


def read_options(question: str) -> dict[str, str]:
    """Return the options a question lists: letter -> text; empty unless A and B are both there, in order."""
    options: dict[str, str] = {}
    for letter, text in _OPTION.findall(question):
        if letter == chr(ord("A") + len(options)):
            options[letter] = " ".join(text.split()).strip(" ,;.")
    return options if len(options) >= 2 else {}


def chosen_letter(answer: str, options: dict[str, str]) -> str:
    """Return the letter an answer chooses, or "" where the answer is no choice."""
    if not options:
        return ""
    for pattern in (_BARE_LETTER, _LEADING_LETTER):
        match = pattern.match(answer)
        if match:
            return next(group for group in match.groups() if group)
    stated = set(_STATED_LETTER.findall(_NOT_LETTER.sub(" ", straighten(answer))))
    if len(stated) == 1:
        return str(stated.pop())
    said = _words(answer)
    exact = [letter for letter, text in options.items() if _words(text) == said]
    return exact[0] if len(exact) == 1 else ""


def marked_letters(text: str) -> set[str]:
    """Return the letters an answer states ("the answer is B"), else those it marks ("(B)", "B."); none set
    aside."""
    text = _NOT_LETTER.sub(" ", straighten(text))
    stated = set(_STATED_LETTER.findall(text))
    return stated or {next(filter(None, groups)) for groups in _MARKED_LETTER.findall(text)}


def options_named(options: dict[str, str], text: str) -> list[str]:
    """Return the letters of the options whose text stands in the answer; one inside a longer one found is
    not."""
    said = f" {_words(_NOT_LETTER.sub(' ', straighten(text)))} "
    found = {
        letter: _words(option) for letter, option in options.items() if f" {_words(option)} " in said and _words(option)
    }
    return [a for a, text_a in found.items() if not any(a != b and text_a in text_b for b, text_b in found.items())]


def _words(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+(?:[.,]\d+)*", text.lower()))
