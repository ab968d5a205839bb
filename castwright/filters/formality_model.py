"""The formality classifier in use: hashed n-gram weights, calibrated, without scikit-learn.

A logit is the sum of a text's n-gram weights over the root of their number (near to L2 length, and needs no count
of repeats); Platt's sigmoid then makes it a probability, its slope and offset depending on the text's length, since
three words tell less than thirty. Rejected: a pickled scikit-learn model (it runs code when it is read, and its
version must match), isotonic calibration (flat steps, where pairs need differences), and per-length tables.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from castwright.errors import ModelError
from castwright.filters.formality_features import batches, grams_of, is_readable

MODEL_VERSION = 1
SHIPPED = Path(__file__).with_name("formality.npz")

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt's sigmoid by length: probability = sigmoid((slope + slope_by_length * n) * logit + offset + ... * n).

    n is the logarithm of the number of n-grams, kept in [shortest, longest]: what calibration saw.
    """

    slope: float
    slope_by_length: float
    offset: float
    offset_by_length: float
    shortest: float
    longest: float

    def probabilities(self, logits: Scores, counts: npt.NDArray[np.int64]) -> Scores:
        """Return the probability of "formal" for each logit, shape (texts,), in [0, 1]."""
        length = np.clip(np.log(np.maximum(counts, 1)), self.shortest, self.longest)
        slope = self.slope + self.slope_by_length * length
        scaled = slope * logits + self.offset + self.offset_by_length * length
        made: Scores = 1.0 / (1.0 + np.exp(-np.clip(scaled, -30.0, 30.0)))
        return made


@dataclass(frozen=True, slots=True)
class FormalityModel:
    """A classifier of two registers. `weights` has 2 ** bits entries; `report` says how good it is on held-out data."""

    weights: npt.NDArray[np.float32]
    bias: float
    calibration: Calibration
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def bits(self) -> int:
        """The number of bits of a column."""
        return len(self.weights).bit_length() - 1

    def scores(self, texts: Sequence[str]) -> Scores:
        """Return the probability that each text is formal, shape (texts,), in [0, 1], to six decimals.

        A text without letters, or mostly in another script than Latin, is 0.5: see `is_readable`.
        """
        made = np.full(len(texts), 0.5)
        places = np.array([place for place, text in enumerate(texts) if is_readable(text)], dtype=np.int64)
        done = 0
        for batch in batches([texts[place] for place in places.tolist()]):
            logits, counts = self.logits(batch)
            made[places[done : done + len(batch)]] = self.calibration.probabilities(logits, counts)
            done += len(batch)
        return np.round(made, 6)

    def logits(self, texts: Sequence[str]) -> tuple[Scores, npt.NDArray[np.int64]]:
        """Return each text's raw logit and its number of n-grams; a text without any has the bias alone."""
        grams = grams_of(texts, self.bits)
        counts = grams.counts
        sums = np.zeros(len(texts))
        filled = np.flatnonzero(counts)
        if len(filled):
            found = self.weights[grams.columns].astype(np.float64)
            sums[filled] = np.add.reduceat(found, grams.starts[:-1][filled])
        return sums / np.sqrt(np.maximum(counts, 1)) + self.bias, counts

    def save(self, path: Path) -> None:
        """Write the model to `path` (.npz) and its report beside it (.json); the same model is the same bytes."""
        calibration = np.array([getattr(self.calibration, name) for name in Calibration.__slots__])
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                version=np.array(MODEL_VERSION),
                weights=self.weights.astype(np.float16),
                bias=np.array(self.bias),
                calibration=calibration,
            )
        text = json.dumps(self.report, ensure_ascii=False, indent=1)
        path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


def load_formality(path: Path) -> FormalityModel:
    """Return the model that `FormalityModel.save` wrote to a path.

    Raises:
        ModelError: the file is missing, or no model of this version.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            if int(data["version"]) != MODEL_VERSION:
                raise ValueError(f"version {int(data['version'])}")
            calibration = Calibration(*(float(value) for value in data["calibration"]))
            weights = data["weights"].astype(np.float32)
            bias = float(data["bias"])
        report = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}; give a file made by `fit_formality(...).save`") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is no formality model of version {MODEL_VERSION} ({error}): fit it again") from error
    return FormalityModel(weights, bias, calibration, report)


@cache
def shipped_formality() -> FormalityModel:
    """Return the classifier that comes with the package: English chat against formal English, read once."""
    return load_formality(SHIPPED)
