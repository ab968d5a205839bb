"""How well texts were carried into another style: accuracy, similarity, fluency, and their product per text.

After STRAP (Krishna, Wieting and Iyyer, EMNLP 2020, section 5.1 and the authors' `micro_eval.py`): style and fluency
are yes or no for each text, similarity is a number, and J is the mean over all texts of the product of the three. A
product per text, because a system that is right in style on one half and in meaning on the other has done nothing
right, which a product of means hides. One departure: their fluency is a RoBERTa trained on CoLA judgements; here a
text is fluent if a small language model finds it no stranger than all but a few of people's own texts, since real
chat is not what CoLA calls acceptable. Rejected: perplexity itself in the product: it has no upper bound.
Models come in as functions: nothing here loads one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from castwright.errors import SourceError

Direction = Literal["formal to casual", "casual to formal"]
Scores = Callable[[Sequence[str]], Sequence[float] | npt.NDArray[np.float64]]
"""One number for each text: a formality in [0, 1], or nats per token."""

Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]
"""Unit vectors, shape (texts, d), in order."""

MIDDLE = 0.5
PEOPLE_FLUENT = 0.95
"""Share of people's own texts that count as fluent."""


@dataclass(frozen=True, slots=True)
class TextScores:
    """One text: whether its style and fluency are right, and its cosine with its source, at least 0."""

    styled: bool
    similarity: float
    fluent: bool

    @property
    def joint(self) -> float:
        """The product of the three, in [0, 1]."""
        return self.similarity if self.styled and self.fluent else 0.0


@dataclass(frozen=True, slots=True)
class StyleTransfer:
    """How well a system carried texts over; all but `perplexity` lie in [0, 1].

    `perplexity` is e to the mean over texts of nats per token, so a long text weighs no more than a short one.
    """

    direction: Direction
    texts: tuple[TextScores, ...]
    perplexity: float

    @property
    def style_accuracy(self) -> float:
        """The share of texts that have the style wanted."""
        return _mean(text.styled for text in self.texts)

    @property
    def similarity(self) -> float:
        """The mean cosine of a text and its source."""
        return _mean(text.similarity for text in self.texts)

    @property
    def fluency(self) -> float:
        """The share of fluent texts."""
        return _mean(text.fluent for text in self.texts)

    @property
    def joint(self) -> float:
        """J: the mean over texts of style times similarity times fluency."""
        return _mean(text.joint for text in self.texts)


def evaluate_transfer(
    sources: Sequence[str],
    outputs: Sequence[str],
    *,
    formality: Scores,
    encode: Encode,
    nats_per_token: Scores,
    most_nats: float,
    direction: Direction = "formal to casual",
) -> StyleTransfer:
    """Return the scores of outputs made of sources, one for one; an empty output is wrong in style and fluency.

    `most_nats` is what a fluent text has at most: see `fluency_limit`.

    Raises:
        SourceError: there are no texts, or not one output for each source.
    """
    if not outputs or len(sources) != len(outputs):
        raise SourceError(f"{len(sources)} sources and {len(outputs)} outputs: give one output for each, at least one")
    formal = np.asarray(formality(outputs), dtype=np.float64) >= MIDDLE
    styled = ~formal if direction == "formal to casual" else formal
    vectors = encode([*sources, *outputs]).astype(np.float64)
    cosines = np.einsum("ij,ij->i", vectors[: len(sources)], vectors[len(sources) :])
    nats = np.asarray(nats_per_token(outputs), dtype=np.float64)
    said = np.array([bool(text.strip()) for text in outputs])
    similarity = np.round(np.clip(cosines, 0.0, 1.0), 4)
    texts = tuple(
        TextScores(bool(right), float(cosine), bool(fluent))
        for right, cosine, fluent in zip(styled & said, similarity, (nats <= most_nats) & said, strict=True)
    )
    perplexity = math.exp(min(float(np.mean(nats[said])), 700.0)) if said.any() else math.inf
    return StyleTransfer(direction, texts, perplexity)


def fluency_limit(people: Sequence[float] | npt.NDArray[np.float64], share: float = PEOPLE_FLUENT) -> float:
    """Return the nats per token that `share` of people's own texts (not trained on) do not exceed.

    Raises:
        SourceError: there are no texts, or the share is out of range.
    """
    if not len(people) or not 0.0 < share <= 1.0:
        raise SourceError(
            f"fluency: {len(people)} texts of people and share={share}; give texts, and a share in (0, 1]"
        )
    return float(np.quantile(np.asarray(people, dtype=np.float64), share, method="higher"))


def _mean(values: Iterable[float]) -> float:
    return float(np.mean([float(value) for value in values]))
