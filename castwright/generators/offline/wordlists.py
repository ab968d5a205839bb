"""Short word lists in code, written as running text and wrapped like it.

Long lists live in the data files; a list of a dozen words that belongs to one regular expression or one
rule is read best beside it. (Rejected: list literals, which the formatter spreads over one line per word.)
"""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


def word_list(text: str) -> list[str]:
    """Return the words of a text in their order."""
    return text.split()


def alternatives(text: str) -> str:
    """Return the words of a text as the alternatives of a regular expression, the longest first."""
    return "|".join(sorted(text.split(), key=len, reverse=True))
