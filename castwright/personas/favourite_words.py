"""Favourite words: those that a speaker uses more than the others do, beyond chance.

Log-odds with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008, "Fightin' Words", eq. 16, 18 to 22):
the prior, everyone's words, keeps rare words from winning by one use, and the z-score keeps frequent ones from
winning by their number. (Rejected: tf-idf, which has no notion of chance: in a short part it lists every hapax.)
Someone who speaks alone has nobody to be compared with: then their most frequent content words count.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass

from castwright.personas.speech_words import STOP_WORDS

PRIOR_SHARE, MOST_PRIOR_WORDS = 0.1, 500.0
"""How many words the prior weighs: a tenth of everyone's, at most a page and a half of speech."""
LEAST_Z = 1.96
LEAST_USES = 3
MOST_WORDS = 8
_LEAST_LETTERS = 3


@dataclass(frozen=True, slots=True)
class FavouriteWord:
    """A word, how often it was said, and how far beyond chance in standard deviations (0: not compared)."""

    word: str
    uses: int
    z: float


def favourite_words(
    own: Mapping[str, int], everyone: Mapping[str, int], *, without: Container[str] = ()
) -> tuple[FavouriteWord, ...]:
    """Return a speaker's favourite words, at most `MOST_WORDS`, the surest first.

    `own` counts the speaker's words, `everyone` those of all speakers, the speaker included; the
    words in `without` (names) are nobody's favourites.
    """
    uses = {word: count for word, count in own.items() if count >= LEAST_USES and word not in without}
    uses = {word: count for word, count in uses.items() if _is_content(word)}
    if sum(everyone.values()) <= sum(own.values()):
        found = [FavouriteWord(word, count, 0.0) for word, count in uses.items()]
    else:
        scores = log_odds(own, everyone, words=uses)
        found = [FavouriteWord(word, uses[word], round(z, 3)) for word, z in scores.items() if z >= LEAST_Z]
    return tuple(sorted(found, key=lambda item: (-item.z, -item.uses, item.word))[:MOST_WORDS])


def log_odds(own: Mapping[str, int], everyone: Mapping[str, int], *, words: Mapping[str, int]) -> dict[str, float]:
    """Return the z-scores of words: log-odds of `own` against the rest of `everyone`, over their deviation."""
    others = Counter(everyone)
    others.subtract(own)
    total, own_total = sum(everyone.values()), sum(own.values())
    rest_total = total - own_total
    weight = min(PRIOR_SHARE * total, MOST_PRIOR_WORDS)
    scores = {}
    for word in words:
        prior = weight * everyone[word] / total
        here, there = own[word] + prior, max(others[word], 0) + prior
        odds = math.log(here / (own_total + weight - here)) - math.log(there / (rest_total + weight - there))
        scores[word] = odds / math.sqrt(1 / here + 1 / there)
    return scores


def _is_content(word: str) -> bool:
    return len(word) >= _LEAST_LETTERS and word not in STOP_WORDS
