"""A spoken line: what a character says at one time, and where it stands.

The words and the proof are kept apart: a stage direction or "said she" may stand in the middle of a line, so that
what was said is no longer found in the source in one piece. `quote` is the longest piece that is.
(Rejected: one line for each piece, which halves sentences and makes everyone sound curt.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """What was said (`text`), the longest piece of it that stands in the source as it is (`quote`), and `place`."""

    text: str
    quote: str
    place: str


def spoken_line(pieces: Iterable[str], place: str) -> SpokenLine | None:
    """Return the line that pieces of speech make, white space folded, or None where there is no letter in them."""
    clean = [piece for piece in (_BLANKS.sub(" ", piece).strip() for piece in pieces) if piece]
    if not any(character.isalpha() for piece in clean for character in piece):
        return None
    return SpokenLine(" ".join(clean), max(clean, key=len), place)
