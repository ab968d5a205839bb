"""Style pairs: what the rewriter learns from.

A pair is one chat turn, but the rewriter works sentence by sentence (short sequences train fast, and one bad
sentence does not cost a whole response), so pairs are cut where both sides have the same number of
sentences. The held-out part is drawn by content digest: adding pairs never moves one from one side to the
other (rejected: a shuffled cut, where it does).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from castwright.errors import SourceError
from castwright.generators.rewriter.words import split_sentences

MIN_PAIRS = 20


@dataclass(frozen=True, slots=True)
class StylePair:
    """One turn twice: as an LLM wrote it and as a person typed it.

    `split` is "train", "" (not yet split) or a held-out split's name ("test", "validation", ...).
    """

    formal: str
    casual: str
    split: str = ""


def split_pairs(pairs: Sequence[StylePair], held_out: float) -> tuple[list[StylePair], list[StylePair]]:
    """Return (training pairs, held-out pairs); a share `held_out` is drawn where the pairs name no split.

    Raises:
        SourceError: fewer than `MIN_PAIRS` usable training pairs.
    """
    usable = [pair for pair in pairs if pair.formal.strip() and pair.casual.strip()]
    named = any(pair.split not in ("", "train") for pair in usable)
    training: list[StylePair] = []
    held: list[StylePair] = []
    for pair in usable:
        out = pair.split not in ("", "train") if named else _share_of(pair) < held_out
        (held if out else training).append(pair)
    if len(training) < MIN_PAIRS:
        raise SourceError(
            f"{len(training)} usable style pairs for training (of {len(pairs)} given): at least {MIN_PAIRS} "
            "are needed, some 600 for a useful rewriter; add chats to the style_rewriter stage's source"
        )
    return training, held


def sentence_pairs(pairs: Sequence[StylePair]) -> list[tuple[str, str]]:
    """Return (formal, casual) sentences; a pair whose sides differ in the number of sentences stays whole."""
    cut: list[tuple[str, str]] = []
    for pair in pairs:
        formal, casual = split_sentences(pair.formal.strip())[::2], split_sentences(pair.casual.strip())[::2]
        if len(formal) == len(casual):
            cut += zip(formal, casual, strict=True)
        else:
            cut.append((pair.formal.strip(), pair.casual.strip()))
    return [(formal, casual) for formal, casual in cut if formal and casual]


def pairs_digest(pairs: Sequence[StylePair]) -> str:
    """Return 16 hex characters that change with any pair or their order."""
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(f"{pair.formal}\0{pair.casual}\0{pair.split}\1".encode())
    return digest.hexdigest()[:16]


def _share_of(pair: StylePair) -> float:
    """Return a number in [0, 1) that depends on the pair's text alone."""
    digest = hashlib.sha256(f"{pair.formal}\0{pair.casual}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48
