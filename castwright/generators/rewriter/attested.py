"""What people were seen to do to a sentence: the edits and the neighbours of the training pairs.

A small model's slips are fluent ("I do not believe in luck" to "I don't think in luck"), so its confidence
alone does not tell them. A rewrite is therefore believed only if it is its source with attested edits in it,
and if no two words meet that neither the source nor anyone in the training pairs put together. Rejected: a
higher confidence, which refuses good rewrites with the bad ones, and a grammar.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from castwright.generators.rewriter.protect import CAPITAL, SLOTS, Masked, Vocabulary, mask, mask_like

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
_ASKING = frozenset({"do", "does", "did", "can", "could", "will", "would", "should", "may", "might", "must"})
_VERB_CLITICS = frozenset({"'s", "'m", "'re", "'ve"})
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

    "" is the start or the end of a sentence; any slot is the first one. `followers` are the endings ("ed", "ing",
    "ly") of masked words that an edit was seen before: "have" becomes "'ve got" before a thing, not a participle.
    """

    edits: frozenset[Edit]
    neighbours: frozenset[tuple[str, str]]
    followers: frozenset[tuple[Edit, str]]

    def allows(self, source: Masked, words: Sequence[str]) -> bool:
        """Tell whether the words are the source with attested edits and no unheard-of neighbours in it."""
        left, right = _spoken(source.words), _spoken(words)
        if not self._explains(left, right, source.slots) or _contracts_asked_verb(right):
            return False
        present = set(pairwise(["", *left, ""]))
        new = set(pairwise(["", *right, ""])) - present
        return all(_slotless(pair) in self.neighbours or _contracted(pair, present) for pair in new)

    def _explains(self, source: Sequence[str], words: Sequence[str], slots: dict[str, str]) -> bool:
        """Tell whether a chain of kept words and attested edits leads from the source to the words."""
        edits = [edit for edit in self.edits if not edit[0] or edit[0][0] in source]
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
            for old, new in edits:
                after = left + len(old)
                if tuple(source[left:after]) == old and tuple(words[right : right + len(new)]) == new:
                    ending = _ending(slots.get(source[after], "")) if after < len(source) else ""
                    if not ending or ((old, new), ending) in self.followers:
                        open_places.append((after, right + len(new)))
        return False

    def as_data(self) -> dict[str, Any]:
        """Return edits, their followers and neighbours as JSON-ready data."""
        return {
            "edits": sorted(
                [" ".join(edit[0]), " ".join(edit[1]), *sorted(end for other, end in self.followers if other == edit)]
                for edit in self.edits
            ),
            "neighbours": sorted(list(pair) for pair in self.neighbours),
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Attested:
        """Return what `as_data` was made of."""
        edits = {(tuple(old.split()), tuple(new.split())): endings for old, new, *endings in data["edits"]}
        return cls(
            frozenset(edits),
            frozenset((str(left), str(right)) for left, right in data["neighbours"]),
            frozenset((edit, str(ending)) for edit, endings in edits.items() for ending in endings),
        )


def learn_attested(sentences: Sequence[tuple[str, str]], vocabulary: Vocabulary, *, enough: int = 1) -> Attested:
    """Return what the (formal, casual) sentences attest; an edit counts from `enough` sentences on.

    Dropping a person ("you", "she") without a word for it is never learned, nor is adding a comma: the first
    loses content, the second breaks sentences apart.
    """
    edits: Counter[Edit] = Counter()
    neighbours: set[tuple[str, str]] = set()
    followers: set[tuple[Edit, str]] = set()
    for formal, casual in sentences:
        source = mask(formal, vocabulary)
        target = mask_like(casual, source, vocabulary) if source else None
        if source is None or target is None:
            continue
        left, right = _spoken(source.words), _spoken(target.words)
        neighbours.update(_slotless(pair) for pair in pairwise(["", *right, ""]))
        for kind, start, end, to, until in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
            edit = tuple(left[start:end]), tuple(right[to:until])
            if kind != "equal" and _is_learnable(edit):
                edits[edit] += 1
                followers.add((edit, _ending(source.slots.get(left[end], "")) if end < len(left) else ""))
    kept = frozenset(edit for edit, seen in edits.items() if seen >= enough)
    return Attested(kept, frozenset(neighbours), frozenset((e, end) for e, end in followers if end and e in kept))


def _is_learnable(edit: Edit) -> bool:
    old, new = edit
    dropped_person = not new and _PERSONS & set(old)
    return not dropped_person and edit != ((), (",",)) and not _SLOT_SET & {*old, *new}


def _ending(word: str) -> str:
    """Return the ending that tells a masked word's kind, or ""."""
    return next((ending for ending in ("ed", "ing", "ly") if word.endswith(ending) and len(word) > 4), "")


def _contracts_asked_verb(words: Sequence[str]) -> bool:
    """Tell whether a verb that a question has turned round is contracted ("do you've")."""
    return any(words[at] in _ASKING and words[at + 2] in _VERB_CLITICS for at in range(len(words) - 2))


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
