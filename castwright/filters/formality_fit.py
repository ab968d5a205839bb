"""Fitting a formality classifier on any two piles of text.

Logistic regression by scikit-learn on hashed n-grams; n-grams of a few texts only are left out, so that nothing of
a single text stays in the weights. Texts are parted into training, calibration and held-out by a digest of their
group (the text itself, or what the caller names: a conversation, a pair), so that both sides of a pair stand on one
side; what is measured is what is returned: no refit on all data afterwards. Both piles weigh the same whatever
their sizes. Rejected: cross-validated calibration, five fits for a sigmoid of four numbers.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from castwright.errors import ModelError, SourceError
from castwright.filters.formality_features import batches, grams_of, is_readable
from castwright.filters.formality_model import Calibration, FormalityModel
from castwright.filters.prose import count_words

BITS = 18
LEAST_TEXTS = 50
"""Readable texts that a pile must have; a useful classifier needs thousands."""

_INVERSE_PENALTY = 3.0  # scikit-learn's C
_MOST_STEPS = 300
_BINS = 10
_LENGTHS = ((1, 3), (4, 7), (8, 15), (16, 30), (31, 10_000))

Labels = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Quality:
    """How well scores part two piles: `name` says of what; `auc` and the errors are None where a pile is empty.

    `accuracy` is at 0.5, balanced over the piles; `calibration_error` the mean distance of a score from the share of
    formal texts that have it (ten bins, piles weighed alike); `mean_distance` that of a score from 0.5.
    """

    name: str
    formal: int
    casual: int
    accuracy: float | None
    auc: float | None
    calibration_error: float | None
    mean_distance: float | None


def fit_formality(
    formal: Sequence[str],
    casual: Sequence[str],
    *,
    seed: int = 0,
    held_out: float = 0.1,
    groups: tuple[Sequence[str], Sequence[str]] | None = None,
    bits: int = BITS,
    least_texts_of_a_gram: int = 5,
) -> FormalityModel:
    """Return a calibrated classifier of two piles; its `report` holds counts, quality and quality by length.

    A share `held_out` of the groups is kept for measuring and another for calibration. `groups` are the names
    (formal, casual) of what must not be torn apart; without them each distinct text is one.

    Raises:
        SourceError: a pile is too small, or a share is out of range.
        ModelError: scikit-learn is not installed.
    """
    if not 0.0 < held_out <= 0.4:
        raise SourceError(f"held_out={held_out}: give a share above 0 and at most 0.4; calibration takes as much again")
    texts, labels, names = _piles(formal, casual, groups)
    parts = _parts(labels, np.array([draw_of(seed, name) for name in names]), held_out)
    train, kept, rest = (np.flatnonzero(chosen).tolist() for chosen in parts.values())
    raw = _regression([texts[i] for i in train], labels[train], bits, least_texts_of_a_gram)
    model = _calibrated(raw, [texts[i] for i in kept], labels[kept])
    report = {
        "seed": seed,
        "held_out": held_out,
        "texts": {part: int(chosen.sum()) for part, chosen in parts.items()},
        **_report(model, [texts[i] for i in rest], labels[rest]),
    }
    return FormalityModel(model.weights, model.bias, model.calibration, report)


def quality(name: str, formal: Floats, casual: Floats) -> Quality:
    """Return how well scores tell the formal texts from the casual ones."""
    if not len(formal) or not len(casual):
        return Quality(name, len(formal), len(casual), None, None, None, None)
    scores = np.concatenate([formal, casual])
    labels = np.concatenate([np.ones(len(formal)), np.zeros(len(casual))])
    weights = np.where(labels == 1, 0.5 / len(formal), 0.5 / len(casual))
    return Quality(
        name,
        len(formal),
        len(casual),
        round(float(0.5 * np.mean(formal >= 0.5) + 0.5 * np.mean(casual < 0.5)), 4),
        round(area_under_curve(formal, casual), 4),
        round(_calibration_error(scores, labels, weights), 4),
        round(float(np.sum(weights * np.abs(scores - 0.5))), 4),
    )


def area_under_curve(higher: Floats, lower: Floats) -> float:
    """Return the probability that a score of `higher` is above one of `lower`; a tie counts half (Mann-Whitney)."""
    ordered = np.sort(lower)
    below = np.searchsorted(ordered, higher, side="left")
    upto = np.searchsorted(ordered, higher, side="right")
    return float(np.mean(below + upto) / (2 * len(lower)))


def _calibration_error(scores: Floats, labels: Floats, weights: Floats) -> float:
    bins = np.minimum((scores * _BINS).astype(np.int64), _BINS - 1)
    gaps = np.bincount(bins, weights * (labels - scores), minlength=_BINS)
    return float(np.abs(gaps).sum() / weights.sum())


def _piles(
    formal: Sequence[str], casual: Sequence[str], groups: tuple[Sequence[str], Sequence[str]] | None
) -> tuple[list[str], Labels, list[str]]:
    """Return the readable texts, their labels (1 is formal) and their groups."""
    texts: list[str] = []
    names: list[str] = []
    labels: list[int] = []
    for label, pile, pile_groups in (
        (1, formal, groups[0] if groups else formal),
        (0, casual, groups[1] if groups else casual),
    ):
        if len(pile) != len(pile_groups):
            raise SourceError(f"{len(pile)} texts and {len(pile_groups)} groups: give one group for each text")
        kept = [(text, group) for text, group in zip(pile, pile_groups, strict=True) if is_readable(text)]
        if len(kept) < LEAST_TEXTS:
            raise SourceError(
                f"the {'formal' if label else 'casual'} pile has {len(kept)} readable texts of {len(pile)}: "
                f"at least {LEAST_TEXTS} are needed, thousands for a useful classifier"
            )
        texts += [text for text, _ in kept]
        names += [group for _, group in kept]
        labels += [label] * len(kept)
    return texts, np.array(labels, dtype=np.int64), names


def _parts(labels: Labels, draws: Floats, held_out: float) -> dict[str, npt.NDArray[np.bool_]]:
    """Return which texts are for what; every part has texts of both piles."""
    measured, calibrated = draws < held_out, (draws >= held_out) & (draws < 2 * held_out)
    parts = {"training": ~(measured | calibrated), "calibration": calibrated, "held-out": measured}
    for part, chosen in parts.items():
        for label, pile in ((1, "formal"), (0, "casual")):
            if not np.any(labels[chosen] == label):
                raise SourceError(f"the {pile} pile has no text in the {part} part: give more texts or groups")
    return parts


def draw_of(seed: int, name: str) -> float:
    """Return where a group falls in [0, 1): below `held_out` it is kept for measuring, then for calibration."""
    digest = hashlib.sha256(f"{seed}\0{name}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6]) / 2**48


def _regression(texts: Sequence[str], labels: Labels, bits: int, least: int) -> FormalityModel:
    """Return the fitted weights, not calibrated."""
    linear = _scikit("sklearn.linear_model")
    matrix = _matrix(texts, bits)
    common = np.flatnonzero(np.bincount(matrix.indices, minlength=1 << bits) >= least)
    share = np.array([np.sum(labels == 0), np.sum(labels == 1)])
    fitted = linear.LogisticRegression(C=_INVERSE_PENALTY, max_iter=_MOST_STEPS, tol=1e-4)
    with threadpool_limits(1):  # sums in one order, so the same model on any machine with the same versions
        fitted.fit(matrix[:, common], labels, sample_weight=(len(labels) / 2 / share)[labels])
    weights = np.zeros(1 << bits, dtype=np.float32)
    weights[common] = fitted.coef_[0].astype(np.float16)  # as it will be saved, so that what is measured is shipped
    return FormalityModel(weights, float(fitted.intercept_[0]), Calibration(1.0, 0.0, 0.0, 0.0, 0.0, 0.0))


def _matrix(texts: Sequence[str], bits: int) -> Any:
    """Return the texts as a sparse matrix: counts of n-grams over the root of their number."""
    sparse = _scikit("scipy.sparse")
    rows = []
    for batch in batches(texts):
        grams = grams_of(batch, bits)
        values = np.repeat(1.0 / np.sqrt(np.maximum(grams.counts, 1)), grams.counts).astype(np.float32)
        part = sparse.csr_matrix((values, grams.columns, grams.starts), shape=(len(batch), 1 << bits))
        part.sum_duplicates()
        rows.append(part)
    return sparse.vstack(rows, format="csr")


def _calibrated(raw: FormalityModel, texts: Sequence[str], labels: Labels) -> FormalityModel:
    """Return the model with Platt's sigmoid by length, fitted to texts it was not trained on."""
    linear = _scikit("sklearn.linear_model")
    logits, counts = raw.logits(texts)
    length = np.log(np.maximum(counts, 1))
    share = np.array([np.sum(labels == 0), np.sum(labels == 1)])
    weights = (len(labels) / 2 / share)[labels]
    shortest, longest = (float(value) for value in np.quantile(length, (0.005, 0.995)))
    inner = np.clip(length, shortest, longest)
    fitted = linear.LogisticRegression(C=1e3, max_iter=1000)
    fitted.fit(np.stack([logits, logits * inner, inner], axis=1), labels, sample_weight=weights)
    slope, by_length, offset_by_length = (float(value) for value in fitted.coef_[0])
    calibration = Calibration(slope, by_length, float(fitted.intercept_[0]), offset_by_length, shortest, longest)
    if min(slope + by_length * shortest, slope + by_length * longest) <= 0:  # little data: more n-grams, less sense
        fitted.fit(logits[:, None], labels, sample_weight=weights)
        calibration = Calibration(float(fitted.coef_[0][0]), 0.0, float(fitted.intercept_[0]), 0.0, shortest, longest)
    return FormalityModel(raw.weights, raw.bias, calibration)


def _report(model: FormalityModel, texts: Sequence[str], labels: Labels) -> dict[str, Any]:
    scores = model.scores(texts)
    words = np.array([count_words(text) for text in texts])
    by_length = []
    for least, most in _LENGTHS:
        chosen = (words >= least) & (words <= most)
        name = f"{least} to {most} words" if most < 10_000 else f"{least} words and more"
        by_length.append(asdict(quality(name, scores[chosen & (labels == 1)], scores[chosen & (labels == 0)])))
    whole = quality("held-out", scores[labels == 1], scores[labels == 0])
    return {"quality": asdict(whole), "by_length": by_length}


def _scikit(module: str) -> Any:
    """Return a module that only fitting needs."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ModelError(f"fitting a formality classifier needs {error.name}: pip install scikit-learn") from error
