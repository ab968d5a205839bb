"""Can a rewriter's texts be told from people's? The hardest of its measures, and the one that is not gamed.

A fresh classifier on character n-grams is trained to tell the two, on some folds, and judged on the others: an area
under the curve of 0.5 means that it found nothing. Groups (a source and the person's text it was made of) stay in one
fold, so that no topic is learned by heart. Rejected: the formality classifier, which knows only what it was asked to
see; a large language model, which finds more, but is not the same next year.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from castwright.errors import ModelError, SourceError

FOLDS = 5
LEAST_TEXTS = 20
"""Texts that each side must have; below a thousand the area swings by some hundredths."""

_BITS = 18


@dataclass(frozen=True, slots=True)
class ToldFromPeople:
    """Area under the curve in [0, 1] for each fold: 0.5 cannot be told apart, 1.0 always; below 0.5 is chance."""

    by_fold: tuple[float, ...]
    outputs: int
    people: int

    @property
    def auc(self) -> float:
        """The mean over the folds."""
        return float(np.mean(self.by_fold))

    @property
    def spread(self) -> float:
        """The standard deviation over the folds."""
        return float(np.std(self.by_fold))


def told_from_people(
    outputs: Sequence[str],
    people: Sequence[str],
    *,
    groups: tuple[Sequence[str], Sequence[str]] | None = None,
    folds: int = FOLDS,
    seed: int = 0,
) -> ToldFromPeople:
    """Return how well outputs are told from people's texts, cross-validated.

    `groups` name what stays in one fold, for outputs and for people: conversations, or sources. Without them the
    i-th of both is a group where both are of one length, else each text is one.

    Raises:
        SourceError: too few texts or groups.
        ModelError: scikit-learn is not installed.
    """
    if min(len(outputs), len(people)) < LEAST_TEXTS or folds < 2:
        raise SourceError(
            f"{len(outputs)} outputs and {len(people)} texts of people in {folds} folds: give at least {LEAST_TEXTS} "
            "of each, and two folds"
        )
    texts = [*outputs, *people]
    labels = np.array([1] * len(outputs) + [0] * len(people))
    fold_of = _folds(_names(outputs, people, groups), folds, seed)
    matrix = (
        _scikit("sklearn.feature_extraction.text")
        .HashingVectorizer(
            analyzer="char_wb", ngram_range=(2, 5), n_features=1 << _BITS, lowercase=False, alternate_sign=False
        )
        .transform(texts)
    )
    areas: list[float] = []
    for fold in range(folds):
        train, test = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        if any(len(set(labels[part].tolist())) < 2 for part in (train, test)):
            raise SourceError(f"fold {fold} has texts of one side only: give more groups, or fewer than {folds} folds")
        areas.append(_area(matrix[train], labels[train], matrix[test], labels[test]))
    return ToldFromPeople(tuple(areas), len(outputs), len(people))


def _area(train: Any, labels: npt.NDArray[np.int64], test: Any, expected: npt.NDArray[np.int64]) -> float:
    classifier = _scikit("sklearn.linear_model").LogisticRegression(C=10.0, max_iter=300, class_weight="balanced")
    with threadpool_limits(1):  # sums in one order, whatever the machine
        scores = classifier.fit(train, labels).decision_function(test)
    return round(float(_scikit("sklearn.metrics").roc_auc_score(expected, np.round(scores, 6))), 4)


def _names(
    outputs: Sequence[str], people: Sequence[str], groups: tuple[Sequence[str], Sequence[str]] | None
) -> list[str]:
    if groups is None:
        if len(outputs) == len(people):
            return [str(place) for place in range(len(outputs))] * 2
        return [*outputs, *people]
    if (len(groups[0]), len(groups[1])) != (len(outputs), len(people)):
        raise SourceError(
            f"{len(groups[0])} and {len(groups[1])} groups for {len(outputs)} outputs and {len(people)} texts of "
            "people: give one for each text"
        )
    return [*groups[0], *groups[1]]


def _folds(names: Sequence[str], folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the fold of each name: groups in the order of a seeded digest, dealt round."""
    digests = {name: hashlib.sha256(f"{seed}\0{name}".encode("utf-8", "surrogatepass")).digest() for name in names}
    fold_of = {name: place % folds for place, name in enumerate(sorted(digests, key=digests.__getitem__))}
    return np.array([fold_of[name] for name in names], dtype=np.int64)


def _scikit(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ModelError(f"telling texts from people's needs {error.name}: pip install scikit-learn") from error
