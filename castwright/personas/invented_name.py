"""A name for someone who has none: from the grid's own names, by where they live, the same for the same text.

For the offline model, which must name the nameless so that two teachers are not one ("The teacher" twice is a
duplicate). Who lives in a place of the grid gets a name that is borne there; anyone else one of all modern names.
(Rejected: a name from the words of the text, which is no name; random draws, which change from run to run.)
"""

from __future__ import annotations

import random
import re
from functools import cache

from castwright.personas.grid_contexts import given_names
from castwright.personas.grid_files import load_tables
from castwright.personas.grid_tables import NameTable

_NO_AGE = 30  # with no age known the younger names are drawn from
_WORDS = re.compile(r"[^\W\d_]+")


def invented_name(rng: random.Random, *, gender: str = "", age: int | None = None, place: str = "") -> str:
    """Return a full name.

    Args:
        rng: what decides; seed it with what is known of the person.
        gender: "woman", "man" or anything else, which leaves it open.
        age: in years; elder people get the names of their time.
        place: as a card says it ("Lyon", "a village in Ghana").
    """
    culture = load_tables().names[rng.choice(_cultures_of(place))]
    names = given_names(culture, gender, _NO_AGE if age is None else age)
    if not names:
        names = (*culture.women, *culture.men, *culture.neutral)
    given = rng.choice(names)
    return _joined(culture, given, rng, woman=gender == "woman" or (gender != "man" and given in culture.women))


def _joined(culture: NameTable, given: str, rng: random.Random, *, woman: bool) -> str:
    family = (woman and culture.family_women) or culture.family
    pattern = (woman and culture.pattern_women) or culture.pattern
    return pattern.format(given=given, family=rng.choice(family) if family else "")


def _cultures_of(place: str) -> tuple[str, ...]:
    by_word = _cultures_by_word()
    words = _WORDS.findall(place.lower())
    found = next((by_word[word] for word in words if word in by_word), ())
    return found or by_word[""]


@cache
def _cultures_by_word() -> dict[str, tuple[str, ...]]:
    """Return the commonest naming cultures by each word of a place's name; under "" those of all modern places."""
    found: dict[str, dict[str, None]] = {"": {}}
    for places in load_tables().regions.values():
        for name, place in places.items():
            most = max(place.names.values())
            common = [culture for culture, weight in place.names.items() if weight == most]
            for word in ("", *_WORDS.findall(name.lower())):
                if not word or len(word) > 3:
                    found.setdefault(word, {}).update(dict.fromkeys(common))
    return {word: tuple(cultures) for word, cultures in found.items()}
