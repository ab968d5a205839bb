"""Light markup taken out of a text: links, bold, headings, note numbers.

Wiki pages and Markdown come as texts about people, and their marks are not what a model should read. Line ends
stay, so that a place in the clean text is on the same line as in the source. (Rejected: a wikitext parser, for whom a
page with one brace too many is an error, and templates, which need the wiki.)
"""

from __future__ import annotations

import re

_LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]+)\]\]|\[([^\[\]]+)\]\([^()\s]*\)")
_MARKUP = re.compile(
    r"'{2,5}|\*{1,3}(?=\S)|(?<=\S)\*{1,3}|\[\d{1,3}\]|<ref[^<>]{0,200}/>|<ref[^<>]{0,200}>[^<>]{0,800}</ref>"
    r"|^#{1,6}[^\S\n]+",
    re.MULTILINE,
)


def without_markup(text: str) -> str:
    """Return a text without its marks; it has as many lines as before."""
    return _MARKUP.sub(_line_ends, _LINK.sub(lambda match: (match[1] or match[2]) + _lost(match), text))


def _line_ends(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _lost(match: re.Match[str]) -> str:
    return "\n" * (match[0].count("\n") - (match[1] or match[2]).count("\n"))
