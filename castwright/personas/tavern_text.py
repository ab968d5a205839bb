"""The texts of Tavern cards: macros replaced, and a character's own lines taken from example talks.

A card's texts are templates ({{char}}, {{user}}, <START>) that a chat program fills in. Here they are filled in so
that they read well without one: the user is "the user" in a description and "you" in what the character says, where
calling them by name is simply left out. Choices ({{random:a,b}}) take the first, so that the same file gives the
same card; what only a chat program knows (the time, a dice roll) is dropped. (Rejected: keeping the templates, which
then stand in training data.)

Sources: Character Card V1 (placeholders, `<START>`), V3 ("Curly Braced Syntaxes").
"""

from __future__ import annotations

import re

MAX_LINES = 12
MAX_LINE_CHARACTERS = 600
_AROUND = 40  # characters that tell an action from a stressed word; all of a long text would take its square in time

_CHAR = re.compile(r"\{\{char\}\}|<(?:char|bot)>", re.IGNORECASE)
_USER_NAMED = re.compile(r",\s*+(?:\{\{user\}\}|<user>)(?=\s*[,.!?…;]|\s*$)", re.IGNORECASE | re.MULTILINE)
_USER = re.compile(r"\{\{user\}\}|<user>", re.IGNORECASE)
_CHOICE = re.compile(r"\{\{\s*+(?:random|pick)\s*+:++([^{}]*)\}\}", re.IGNORECASE)
_MACRO = re.compile(r"\{\{[^{}]*\}\}")
_START = re.compile(r"^[^\S\n]*+<start>[^\S\n]*", re.IGNORECASE | re.MULTILINE)
_OTHER = re.compile(r"^(?:[A-Z][\w'-]*)(?: (?:[A-Z][\w'-]*|of|the|von|de)){0,3}:(?=\s|$)")
_BOLD = re.compile(r"(?<!\*)\*\*++([^*\n]+)\*\*++")
_ACTION = re.compile(r"\*([^*\n]+)\*")
_SENTENCE_END = re.compile(r"(?:^|[.!?…\"”'’)~-])\s*$")


def filled_in(text: str, name: str, *, spoken: bool = False) -> str:
    """Return a card's text with its macros replaced; `spoken` tells that the character says it."""
    text = _CHAR.sub(lambda _: name, text)
    if spoken:
        text = _USER_NAMED.sub("", text)
    text = _USER.sub("you" if spoken else "the user", text)
    text = _CHOICE.sub(lambda match: re.split(r"::|,", match[1])[0].strip(), text)
    text = _MACRO.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"[ \t]{2,}", " ", text).strip()


def own_lines(examples: str, names: tuple[str, ...]) -> list[str]:
    """Return what the character says in example talks, in order: its messages under any of its names.

    `examples` is the text of `mes_example`: talks that begin with `<START>`, messages that begin with `{{char}}:`,
    `{{user}}:` or a name. Someone else's messages are left out.
    """
    lines = []
    for talk in _START.split(examples):
        lines += _messages(talk, names)
    return spoken_lines(lines, names[0] if names else "")


def spoken_lines(messages: list[str], name: str) -> list[str]:
    """Return messages as lines of a card: macros replaced, actions taken out, each once; no long ones."""
    said = (said_in(filled_in(message, name, spoken=True)) for message in messages)
    return list(dict.fromkeys(line for line in said if line and len(line) <= MAX_LINE_CHARACTERS))[:MAX_LINES]


def said_in(message: str) -> str:
    """Return a message without its *actions*; a single *stressed* word inside a sentence stays, without its stars."""
    message = _BOLD.sub(r"\1", message)

    def kept(match: re.Match[str]) -> str:
        before = match.string[max(0, match.start() - _AROUND) : match.start()]
        after = match.string[match.end() : match.end() + _AROUND]
        inside = not _SENTENCE_END.search(before.rpartition("\n")[2]) and after.strip(" .!?…\"”'’)") != ""
        return match[1] if inside and " " not in match[1].strip() else ""

    bare = _ACTION.sub(kept, message)
    rows = (re.sub(r"\s+", " ", row).strip() for row in bare.split("\n"))
    line = " ".join(row for row in rows if row)
    return line if any(character.isalnum() for character in line) else ""


def _messages(talk: str, names: tuple[str, ...]) -> list[str]:
    """Return the character's messages of one talk; a message may run over several lines."""
    marks = [re.escape(name) for name in names if name]
    own = re.compile(rf"^(?:\{{\{{char\}}\}}|<(?:char|bot)>{''.join('|' + mark for mark in marks)})\s*:", re.IGNORECASE)
    other = re.compile(r"^(?:\{\{(?!char\}\})[^{}]*\}\}|<user>)\s*:", re.IGNORECASE)
    found: list[list[str]] = []
    speaking = False
    for row in talk.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        row = row.strip()
        if match := own.match(row):
            speaking = True
            found.append([row[match.end() :].strip()])
        elif other.match(row) or _OTHER.match(row):
            speaking = False
        elif speaking and row:
            found[-1].append(row)
    return ["\n".join(rows) for rows in found]
