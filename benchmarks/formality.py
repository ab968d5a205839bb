"""Fits the shipped formality classifier, and compares it with the rules on texts that neither has seen.

`python benchmarks/formality.py DATA` prints the comparison for the classifier that is shipped; with `--out FILE.npz`
it is fitted first and written there, its report beside it. DATA is a folder of the files that
`formality_material.py` names.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from formality_material import HELD_OUT, Piles, digests, fitting_piles, held_out, unseen_piles

from castwright.filters.formality import joined_scores
from castwright.filters.formality_fit import fit_formality, quality
from castwright.filters.formality_model import SHIPPED, FormalityModel, load_formality
from castwright.filters.formality_rules import rule_logit

PAIRED = ("taskmaster4 users, formalised", "written by hand")
Scorer = Callable[[Sequence[str]], npt.NDArray[np.float64]]


def main() -> None:
    """Read the command line, fit where asked, and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    piles = fitting_piles(asked.data, asked.seed)
    model = _fitted(asked.data, piles, asked.seed) if asked.out else load_formality(SHIPPED)
    sets = {"held-out": held_out(piles, asked.seed), **unseen_piles(asked.data, asked.seed)}
    told = compared(model, sets)
    print(table(told))
    if asked.out:
        replace(model, report={**model.report, "compared": told}).save(asked.out)


def _fitted(folder: Path, piles: Piles, seed: int) -> FormalityModel:
    groups = (piles.formal_groups, piles.casual_groups)
    model = fit_formality(piles.formal, piles.casual, seed=seed, held_out=HELD_OUT, groups=groups)
    about = {
        "command": "python benchmarks/formality.py DATA --out castwright/filters/formality.npz",
        "formal": len(piles.formal),
        "casual": len(piles.casual),
        "sha256": digests(folder),
        "versions": {name: importlib.metadata.version(name) for name in ("numpy", "scikit-learn")},
    }
    return replace(model, report={**about, **model.report})


def compared(model: FormalityModel, sets: dict[str, Piles]) -> list[dict[str, Any]]:
    """Return one row for each set and scorer: its quality, and the share of pairs whose formal side scores higher."""
    scorers: dict[str, Scorer] = {
        "rules": rule_scores,
        "n-grams": model.scores,
        "both": lambda texts: joined_scores(texts, model),
    }
    rows: list[dict[str, Any]] = []
    for name, piles in sets.items():
        for scorer, scores in scorers.items():
            formal, casual = scores(piles.formal), scores(piles.casual)
            paired = name in PAIRED
            right = round(float(np.mean(formal > casual)), 4) if paired else None
            rows.append({"scorer": scorer, **asdict(quality(name, formal, casual)), "pairs_right": right})
    return rows


def rule_scores(texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the formality of each text by the rules alone."""
    made: npt.NDArray[np.float64] = 1 / (1 + np.exp(-np.array([rule_logit(text) for text in texts])))
    return made


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    names = ("name", "scorer", "formal", "casual", "accuracy", "auc", "calibration_error", "pairs_right")
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += [f"| {' | '.join(str(row[name]) for name in names)} |" for row in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(json.dumps({"seconds": round(time.monotonic() - started, 1)}))
