"""The duplicates benchmark on pairs that people have judged: sentences with a similarity from 0 to 5.

Each pair is a group of its own, so the filter decides on just that pair; people's 4.8 and more (the same meaning but
for details of no weight) counts as a duplicate. Static cosines and MiniLM's are shown at several thresholds. Short
sentences are the hard case for both: one word decides, and no threshold is right for every corpus.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

SAME = 4.8
THRESHOLDS = (0.8, 0.85, 0.9, 0.95, 0.98)


def read_pairs(path: Path) -> list[tuple[str, str, float]]:
    """Return (first, second, similarity) of gzipped JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [(row["s1"], row["s2"], float(row["score"])) for row in rows]


def real_part(path: Path) -> list[str]:
    """Return a table of recall and precision of static embeddings and MiniLM at several thresholds."""
    from castwright.filters import load_embedder, pair_similarity

    pairs = read_pairs(path)
    truth = np.array([score >= SAME for *_, score in pairs])
    embedder: Any = load_embedder()
    first, second = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    lines = [f"{len(pairs):,} labelled pairs, {int(truth.sum()):,} of them the same ({SAME} and more)", ""]
    lines += ["| cosine of | threshold | recall | precision |", "|---|---|---|---|"]
    for name, one in (("static embeddings", embedder.static()), ("MiniLM", embedder)):
        cosines = pair_similarity(first, second, one)
        for threshold in THRESHOLDS:
            said = cosines >= threshold
            right = int((said & truth).sum())
            recall, precision = right / max(1, int(truth.sum())), right / max(1, int(said.sum()))
            lines.append(f"| {name} | {threshold} | {recall:.3f} | {precision:.3f} |")
    return lines
