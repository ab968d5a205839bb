"""Evidence: where in a source a fact about a character stands, so that anyone can check it.

A fact is worth what can be shown for it: the words it was read from, as they stand in the source, and the place.
Evidence travels beside the character and not in it, because a card is what the character is and its digest is its
id: a line number that moves must not make a new card. (Rejected: offsets into the file, which no reader can check by
eye and which a changed line end breaks.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields

from castwright.personas.markup import without_markup

TEXT = "text"
"""The field of what is no fact: on which lines of its source a character's text stands (see `LineMap`), or which
part of it was not read."""
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows one fact: `quote` stands in the source at `place` ("file:line", lines count from 1).

    `field` is the card's ("dialogue_style.register"), `value` what it holds, as text; a list has one piece of
    evidence for each of its values at least, a background one for each sentence. White space in `quote` is single
    blanks. `inferred`: the source does not say it; then `quote` is empty. Where a source contradicts itself, what
    the card does not hold is there too, with its quote.
    """

    field: str
    value: str
    quote: str
    place: str
    inferred: bool = False


_NAMES = tuple(field.name for field in fields(Evidence))


def read_evidence(text: str) -> list[Evidence]:
    """Return the evidence in a row's JSON text.

    Raises:
        ValueError: it is no list of evidence.
    """
    found = json.loads(text or "[]")
    try:
        return [Evidence(**item) for item in found]
    except TypeError as error:
        raise ValueError(f"no list of evidence: {error}") from None


def evidence_json(evidence: Iterable[Evidence]) -> str:
    """Return evidence as one line of JSON, the form in which it travels in a row."""
    # by hand: `asdict` copies each text and takes longer than all the rest
    listed = [{name: getattr(item, name) for name in _NAMES} for item in evidence]
    return json.dumps(listed, ensure_ascii=False, sort_keys=True)


def unfounded(evidence: Iterable[Evidence], source: str) -> list[Evidence]:
    """Return the evidence whose quote is empty or does not stand in a source's text.

    White space, the shape of quotation marks and light markup do not count: a quote may run over a line's end, and
    a link is read as its words. What is marked as inferred claims no quote, and a text is no fact.
    """
    claims = [item for item in evidence if not item.inferred and item.field != TEXT]
    texts = (_plain(source), _plain(without_markup(source)))
    return [item for item in claims if not item.quote.strip() or not any(_plain(item.quote) in text for text in texts)]


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.translate(_QUOTES)).strip()
