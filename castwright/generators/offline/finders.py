"""What free text says of a character beside who they are: traits, habits of speech, favourite phrases.

Every finder takes a text about one character and returns what it found with the place; none guesses, and words behind a
"not" are passed over. (Rejected: sentiment and parsing, which need models; a word that the lexicon has is shown by the
sentence that it stands in.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from castwright.generators.offline.biography import find_age, find_gender
from castwright.generators.offline.extract_lexicon import cues, lexicon
from castwright.generators.offline.occupations import find_occupation, find_relationships
from castwright.generators.offline.spot import Spot, spot_of
from castwright.generators.offline.whereabouts import find_place

MOST_TRAITS = 6
_QUOTE = re.compile(r"[\"“]([^\"“”]{2,90})[\"”]")
_SAID = re.compile(
    r"\b(?:says?|saying|said|catchphrases?|motto|mutters?|repeats?|shouts?|greets?|tells?"
    r"|favou?rite (?:phrase|line|expression)|fond of saying|line|words)\b",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:not|never|hardly|no longer|isn't|wasn't|far from|less)\s+(?:\w+\s+)?$", re.IGNORECASE)
_TERSE = re.compile(r"\b(?:of few words|terse|laconic|taciturn|speaks? little|short sentences|curt)\b", re.IGNORECASE)
_WORDY = re.compile(
    r"\b(?:talkative|long-winded|rambl\w+|verbose|eloquent|storyteller|long sentences|never stops talking)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")

FINDERS: dict[str, Callable[[str], Spot[Any] | None]] = {
    "age": find_age,
    "gender": find_gender,
    "occupation": find_occupation,
    "place": find_place,
}
"""Fields of `basic_info` that are found by a function of the text alone; era and ties have their own."""


def find_facts(text: str, facts: Mapping[str, Any]) -> list[tuple[str, Spot[Any]]]:
    """Return what a text says in so many words of the card's fields, with the places; fields of `facts` are not asked.

    The text is about one character and nobody else (see `sentences_about`).
    """
    info = facts.get("basic_info", {})
    found: list[tuple[str, Spot[Any]]] = []
    for key, find in FINDERS.items():
        spot = None if key in info else find(text)
        if spot is not None:
            found.append((f"basic_info.{key}", spot))
    if "relationships" not in info:
        found += [("basic_info.relationships", tie) for tie in find_relationships(text)]
    found += [("traits", spot) for spot in find_traits(text)]
    found += [("dialogue_style.quirks", spot) for spot in find_quirks(text)]
    return found + [("dialogue_style.catchphrases", spot) for spot in find_catchphrases(text)]


def find_traits(text: str) -> list[Spot[str]]:
    """Return the traits that a text names or shows, in the order in which it does, at most six."""
    found: dict[str, Spot[str]] = {}
    low = text.lower()
    known = lexicon()["traits"]
    for match in _WORD.finditer(low):
        if match.group() in known and not _denied(low, match):
            found.setdefault(match.group(), spot_of(match.group(), match))
    for cue, shown in cues("trait_cues") if text else ():
        if (seen := cue.search(low)) and not _denied(low, seen):
            found.setdefault(shown, spot_of(shown, seen))
    return sorted(found.values(), key=lambda spot: spot.start)[:MOST_TRAITS]


def _denied(text: str, match: re.Match[str]) -> bool:
    """Return whether a word is behind a "not", or is the noun in "a kind of"."""
    return _NOT.search(text[: match.start()][-60:]) is not None or text.startswith(" of ", match.end())


def find_catchphrases(text: str) -> list[Spot[str]]:
    """Return the quoted phrases that the text says the character says, at most three."""
    found: dict[str, Spot[str]] = {}
    for match in _QUOTE.finditer(text):
        around = text[max(0, match.start() - 45) : match.start()] + " " + text[match.end() : match.end() + 30]
        if _SAID.search(around):
            phrase = match.group(1).strip().rstrip(",")
            found.setdefault(phrase, spot_of(phrase, match, 1))
    return list(found.values())[:3]


def find_quirks(text: str) -> list[Spot[str]]:
    """Return the habits of speech that a text tells of, at most three."""
    seen = ((shown, cue.search(text)) for cue, shown in cues("quirk_cues")) if text else ()
    return list({shown: spot_of(shown, match) for shown, match in seen if match}.values())[:3]


def find_sentence_length(text: str) -> Spot[str] | None:
    """Return "short" or "long" where the text says that they speak so."""
    for length, cue in (("short", _TERSE), ("long", _WORDY)):
        if said := cue.search(text):
            return spot_of(length, said)
    return None
