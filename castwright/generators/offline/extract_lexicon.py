"""The extraction lexicon: word lists and cues, read once from data/extract_lexicon.yaml.

Lists are words in running text; a cue is a line "pattern -> what it shows". Data, because hundreds of them
must be read and mended by people. (Rejected: one pattern per trait in code, which nobody extends.)
"""

from __future__ import annotations

import re
from functools import cache

from castwright.generators.offline.grammar import read_data

UPPER = "[A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĘĚĞĢĪİĶĹĽŁŃŅŇŌŐŒŔŘŚŞŠŢŤŪŮŰŹŻŽȘȚΑ-ΩА-ЯЁІЇЄ]"


@cache
def lexicon() -> dict[str, frozenset[str]]:
    """Return the plain word lists of the extraction lexicon by name."""
    data = read_data("extract_lexicon")
    return {name: frozenset(text.split()) for name, text in data.items() if "->" not in text}


@cache
def pairs(name: str) -> tuple[tuple[str, str], ...]:
    """Return the lines "left -> right" of a part of the lexicon."""
    split = (line.partition(" -> ") for line in read_data("extract_lexicon")[name].splitlines() if line.strip())
    return tuple((left.strip(), right.strip()) for left, _, right in split)


@cache
def cues(name: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return a cue list of the lexicon: what to look for, and what it shows."""
    return tuple((re.compile(cue, re.IGNORECASE), shown) for cue, shown in pairs(name))


@cache
def by_words(name: str) -> tuple[tuple[frozenset[str], str], ...]:
    """Return a part of the lexicon whose left sides are words: any of them shows the right side."""
    return tuple((frozenset(words.split()), shown) for words, shown in pairs(name))


@cache
def demonyms() -> dict[str, str]:
    """Return countries by the word for what comes from there ("norwegian")."""
    return dict(pairs("demonyms"))
