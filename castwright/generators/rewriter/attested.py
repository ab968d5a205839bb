"""What people were seen to do to a sentence: the edits and the neighbours of the training pairs.

A small model's slips are fluent ("I do not believe in luck" to "I don't think in luck"), so its confidence
alone does not tell them. A rewrite is therefore believed only if it is its source with attested edits in it,
and if no two words meet that neither the source nor anyone in the training pairs put together. Rejected: a
higher confidence, which refused as many good rewrites as bad ones, and a grammar.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from castwright.generators.rewriter.protect import CAPITAL, SLOTS, Vocabulary, mask, mask_like

Edit = tuple[tuple[str, ...], tuple[str, ...]]

_SLOT_SET = frozenset(SLOTS)
_CLITICS = {
    "'s": ("is", "has", "us"),
    "'m": ("am",),
    "'re": ("are",),
    "'ve": ("have",),
    "'ll": ("will",),
    "'d": ("would", "had"),
    "n't": ("not",),
    "ca": ("can", "cannot"),
    "wo": ("will",),
}
_PERSONS = frozenset(
    form
    for forms in (
        ("you", "your", "yours", "yourself"),
        ("he", "him", "his", "himself"),
        ("she", "her", "hers", "herself"),
        ("we", "us", "our", "ours", "ourselves"),
        ("they", "them", "their", "theirs", "themselves"),
        ("my", "me", "mine", "myself"),
    )
    for form in forms
)


@dataclass(frozen=True, slots=True)
class Attested:
    """Edits as (formal words, casual words), and pairs of words that stood side by side on a casual side.

    "" is the start or the end of a sentence; any slot is the first one.
    """

    edits: frozenset[Edit]
    neighbours: frozenset[tuple[str, str]]

    def allows(self, source: Sequence[str], words: Sequence[str]) -> bool:
        """Tell whether the words are the source with attested edits and no unheard-of neighbours in it."""
        source, words = _spoken(source), _spoken(words)
        if not self._explains(source, words):
            return False
        present = set(pairwise(["", *source, ""]))
        new = set(pairwise(["", *words, ""])) - present
        return all(_slotless(pair) in self.neighbours or _contracted(pair, present) for pair in new)

    def _explains(self, source: Sequence[str], words: Sequence[str]) -> bool:
        """Tell whether a chain of kept words and attested edits leads from the source to the words."""
        by_first: dict[str, list[Edit]] = {}
        inserted = [edit for edit in self.edits if not edit[0]]
        for edit in self.edits:
            if edit[0] and edit[0][0] in source:
                by_first.setdefault(edit[0][0], []).append(edit)
        seen: set[tuple[int, int]] = set()
        open_places = [(0, 0)]
        while open_places:
            place = open_places.pop()
            if place in seen:
                continue
            seen.add(place)
            left, right = place
            if left == len(source) and right == len(words):
                return True
            if left < len(source) and right < len(words) and source[left] == words[right]:
                open_places.append((left + 1, right + 1))
            here = by_first.get(source[left], []) if left < len(source) else []
            for old, new in (*here, *inserted):
                if tuple(source[left : left + len(old)]) == old and tuple(words[right : right + len(new)]) == new:
                    open_places.append((left + len(old), right + len(new)))
        return False

    def as_data(self) -> dict[str, Any]:
        """Return the edits and neighbours as JSON-ready data."""
        return {
            "edits": sorted([" ".join(old), " ".join(new)] for old, new in self.edits),
            "neighbours": sorted(list(pair) for pair in self.neighbours),
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Attested:
        """Return what `as_data` was made of."""
        edits = frozenset((tuple(old.split()), tuple(new.split())) for old, new in data["edits"])
        return cls(edits, frozenset((str(left), str(right)) for left, right in data["neighbours"]))


def learn_attested(sentences: Sequence[tuple[str, str]], vocabulary: Vocabulary, *, enough: int = 1) -> Attested:
    """Return what the (formal, casual) sentences attest; an edit counts from `enough` sentences on.

    Dropping a person ("you", "she") without a word for it is never learned, nor is adding a comma: the first
    loses content, the second breaks sentences apart.
    """
    edits: Counter[Edit] = Counter()
    neighbours: set[tuple[str, str]] = set()
    for formal, casual in sentences:
        source = mask(formal, vocabulary)
        target = mask_like(casual, source, vocabulary) if source else None
        if source is None or target is None:
            continue
        left, right = _spoken(source.words), _spoken(target.words)
        neighbours.update(_slotless(pair) for pair in pairwise(["", *right, ""]))
        for kind, start, end, to, until in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
            old, new = tuple(left[start:end]), tuple(right[to:until])
            dropped = not new and _PERSONS & set(old)
            if kind != "equal" and not dropped and (old, new) != ((), (",",)) and not _SLOT_SET & {*old, *new}:
                edits[old, new] += 1
    return Attested(frozenset(edit for edit, seen in edits.items() if seen >= enough), frozenset(neighbours))


def _contracted(pair: tuple[str, str], present: set[tuple[str, str]]) -> bool:
    """Tell whether two neighbours are a pair of the source with its left word contracted ("'s" for "is")."""
    left, right = pair
    if right in _CLITICS:
        return False
    return any((full, right) in present for full in _CLITICS.get(left, ()))


def _slotless(pair: tuple[str, str]) -> tuple[str, str]:
    left, right = (SLOTS[0] if word in _SLOT_SET else word for word in pair)
    return left, right


def _spoken(words: Sequence[str]) -> list[str]:
    return [word for word in words if word != CAPITAL]
