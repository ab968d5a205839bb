"""More pairs out of few: cut, joined and re-worded pairs that teach copying and local edits.

A pair is aligned into segments: one word that both sides share, or an edit ("do not" -> "don't"). Two pairs
are joined at shared words, and shared words that no edit touches are replaced on both sides, mostly by fresh
slots. So the model sees each edit in ever new surroundings and cannot memorise sentences. Pairs with rare
edits are drawn more often, pairs without an edit rarely. On 640 pairs it
made 29 of 54 held-out edits right where plain pairs made 27 after the same steps.
"""

from __future__ import annotations

import difflib
import random
from collections import Counter
from collections.abc import Sequence

from castwright.generators.rewriter.formats import MaskedFormat
from castwright.generators.rewriter.protect import CAPITAL, MAX_SLOTS, SLOTS, Vocabulary, mask, mask_like

Segment = tuple[tuple[str, ...], tuple[str, ...]]
Example = dict[str, str]

_REPLACED = 0.15  # share of shared words that are replaced
_JOINED = 0.5  # share of examples that are made of two pairs
_BY_SLOT = 0.6  # share of replacements that are slots, not known words
_RARENESS = 0.3  # an edit seen n times weighs n ** -0.3


def align(formal: str, casual: str, vocabulary: Vocabulary) -> list[Segment] | None:
    """Return a pair as segments, or None where it invents or loses words (see `mask_like`)."""
    source = mask(formal, vocabulary)
    target = mask_like(casual, source, vocabulary) if source else None
    if source is None or target is None:
        return None
    left = [source.slots.get(word, word) for word in source.words]
    right = [source.slots.get(word, word) for word in target.words]
    segments: list[Segment] = []
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    for kind, start, end, to, until in matcher.get_opcodes():
        if kind == "equal":
            segments += [((word,), (word,)) for word in left[start:end]]
        else:
            segments.append((tuple(left[start:end]), tuple(right[to:until])))
    return segments


def plain_example(segments: Sequence[Segment], style: MaskedFormat) -> Example | None:
    """Return the pair as a prompt and its completion, unchanged."""
    return _example(segments, style, first_slot=0)


def augmented(aligned: Sequence[list[Segment]], style: MaskedFormat, count: int, seed: int) -> list[Example]:
    """Return `count` examples made of aligned pairs (fewer where some are too long for a prompt)."""
    rng = random.Random(seed)
    touched = {word for pair in aligned for left, right in pair if left != right for word in left + right}
    spare = sorted(word for word in style.vocabulary.lexicon - touched if word.isalpha()) or ["it"]
    weights = _weights(aligned)
    drawn = rng.choices(aligned, weights, k=count)
    partners = rng.choices(aligned, weights, k=count)
    examples: list[Example] = []
    for pair, partner in zip(drawn, partners, strict=True):
        if rng.random() < _JOINED:
            pair = pair[: _cut(pair, rng) + 1] + partner[_cut(partner, rng) :]
        worded = [_reworded(segment, touched, spare, rng, index) for index, segment in enumerate(pair)]
        if example := _example(worded, style, first_slot=rng.randrange(MAX_SLOTS)):
            examples.append(example)
    return examples


def _weights(aligned: Sequence[list[Segment]]) -> list[float]:
    """Return how often to draw each pair: by its rarest edit; without an edit, as the commonest edit."""
    seen = Counter(segment for pair in aligned for segment in pair if segment[0] != segment[1])
    floor = max(seen.values(), default=1) ** -_RARENESS
    return [
        max((seen[segment] ** -_RARENESS for segment in pair if segment in seen), default=floor) for pair in aligned
    ]


def _cut(pair: Sequence[Segment], rng: random.Random) -> int:
    shared = [index for index, (left, right) in enumerate(pair) if left == right and left[0] != CAPITAL]
    return rng.choice(shared) if shared else 0


def _reworded(segment: Segment, touched: set[str], spare: Sequence[str], rng: random.Random, index: int) -> Segment:
    left, right = segment
    if left != right or left[0] in touched or not left[0][0].isalpha() or rng.random() >= _REPLACED:
        return segment
    word = f"?{index}" if rng.random() < _BY_SLOT else rng.choice(spare)
    return (word,), (word,)


def _example(segments: Sequence[Segment], style: MaskedFormat, first_slot: int) -> Example | None:
    slot_of: dict[str, str] = {}

    def masked(word: str) -> str:
        if word == CAPITAL or style.vocabulary.holds(word):
            return word
        return slot_of.setdefault(word, SLOTS[(first_slot + len(slot_of)) % MAX_SLOTS])

    left = [masked(word) for words, _ in segments for word in words]
    right = [masked(word) for _, words in segments for word in words]
    if not left or not right or len(left) > style.prompt_words or len(slot_of) > MAX_SLOTS:
        return None
    return {"prompt": style.prompt(" ".join(left)), "completion": style.completion(" ".join(right))}
