"""Traits that a character's own lines show: words that come again, and what was measured in all of them.

One line with "please" is a line; two are a habit, and of many lines a share has to have it. Each trait has one of these
lines as its evidence, so that a reader may disagree. Word lists stand in data/speech_traits.yaml. (Rejected: a
sentiment score, which has no line to show.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from castwright.generators.offline.extract_lexicon import lexicon
from castwright.generators.offline.grammar import read_data
from castwright.generators.offline.spot import quote_at
from castwright.personas.cast_list import LEFT_OUT, MEASURED, TOLD

LEAST_LINES, LEAST_SHARE, MOST_TRAITS = 2, 0.05, 4
_SOME_LINES = 3
_LINE = re.compile(r"^“(.*)”$", re.MULTILINE)
_I_AM = re.compile(
    r"\bI(?:['’]m| am)(?: (?:so|very|too|as|but|quite|always|a|an|rather|naturally|most)){0,2}"
    r" (?P<trait>[a-z]+(?:-[a-z]+)?)\b"
)


def spoken_and_told(text: str) -> tuple[list[str], str]:
    """Return the character's own lines in a text made of them (or in a part of one), and what else is told.

    What we wrote above the lines is neither.
    """
    told, measured, rest = text.partition(MEASURED)
    if measured or TOLD in told:
        return _LINE.findall(rest), told.partition(TOLD)[2]
    filled = [line for line in text.split("\n") if line.strip()]
    own = _LINE.findall(text)
    cut = len(own) > _SOME_LINES  # a part may begin in the middle of one
    return (own, "") if own and len(own) >= len(filled) - cut else ([], text)


def speech_traits(lines: Sequence[str], quirks: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return (trait, quote) for what lines show, the most frequent first; `quirks` is what was measured in them."""
    pieces = [piece for line in lines for piece in line.split(LEFT_OUT.strip())]
    found: dict[str, tuple[float, str]] = {}
    for piece in pieces:
        said = _I_AM.search(piece)
        if said and said["trait"] in lexicon()["traits"]:
            found.setdefault(said["trait"], (1.0, quote_at(piece, said.start(), said.end())))
    for cue, trait in _cues():
        hits = [(piece, match) for piece in pieces if (match := cue.search(piece))]
        if len(hits) >= max(LEAST_LINES, LEAST_SHARE * len(lines)):
            piece, match = hits[0]
            found.setdefault(trait, (len(hits) / len(lines), quote_at(piece, match.start(), match.end())))
    for quirk, (trait, sign) in _measured().items():
        shown = next((piece for piece in pieces if sign in piece), "")
        if quirk in quirks and shown:
            found.setdefault(trait, (0.5, quote_at(shown, shown.index(sign), shown.index(sign) + 1)))
    ranked = sorted(found, key=lambda trait: (-found[trait][0], trait))
    return [(trait, found[trait][1]) for trait in ranked[:MOST_TRAITS]]


@cache
def _cues() -> tuple[tuple[re.Pattern[str], str], ...]:
    lines = (line.partition(" -> ") for line in read_data("speech_traits")["lines"].splitlines() if line.strip())
    return tuple((re.compile(cue.strip(), re.IGNORECASE), trait.strip()) for cue, _, trait in lines)


@cache
def _measured() -> Mapping[str, Any]:
    lines = (line.partition(" -> ") for line in read_data("speech_traits")["measured"].splitlines() if line.strip())
    return {quirk.strip(): tuple(shown.strip().split()) for quirk, _, shown in lines}
