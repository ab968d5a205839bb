"""How formal an English text is, from 0 (chat) to 1 (written prose): one score for pairs, gate and reports.

Two opinions, added as logits and calibrated together: rules over what is known to tell (`formality_rules`) and a
classifier on character n-grams (`formality_model`, fitted by `benchmarks/formality.py`). Each errs where the other
knows: on texts that neither has seen the two together part formal from casual better than either alone (the numbers
are in `formality.json`), at any weight of the rules from 0.3 to 0.7. Rejected: the classifier alone, which knows
casual English as one formaliser undoes it; weights learned from such texts, which trust it with 0.95 to 0.12.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from castwright.filters.formality_features import is_readable
from castwright.filters.formality_model import FormalityModel, shipped_formality
from castwright.filters.formality_rules import rule_logit

_NEAREST = 1e-4  # a probability nearer than this to 0 or 1 says no more than this
_SLOPE, _OFFSET = 0.54, 0.47  # Platt's sigmoid of the sum, on the calibration part of the texts it was fitted to


def formality(text: str) -> float:
    """Return how formal a text is, in [0, 1]: 0.5 and above reads as written prose.

    English only: a text without letters, or mostly in another script than Latin, is 0.5. Many texts go through
    `formality_scores` at three times the speed.
    """
    return float(formality_scores([text])[0])


def formality_scores(texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return how formal each text is, shape (texts,), in [0, 1] to six decimals; the same text has the same score."""
    return joined_scores(texts, shipped_formality())


def joined_scores(texts: Sequence[str], model: FormalityModel) -> npt.NDArray[np.float64]:
    """Return the formality of each text by the rules and a classifier together, shape (texts,)."""
    learned = np.clip(model.scores(texts), _NEAREST, 1 - _NEAREST)
    readable = np.array([is_readable(text) for text in texts], dtype=np.bool_)
    ruled = np.array([rule_logit(text) if known else 0.0 for text, known in zip(texts, readable, strict=True)])
    total = _SLOPE * (np.log(learned / (1 - learned)) + ruled) + _OFFSET
    scores = np.where(readable, 1 / (1 + np.exp(-total)), 0.5)
    return np.asarray(np.round(scores, 6), dtype=np.float64)
