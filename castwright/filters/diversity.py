"""How diverse texts are, measured on samples of one length so that sets of unlike lengths compare.

Every one of these measures grows or shrinks with length, so each sample has the same number of texts, each cut to
the same number of words, and every number comes with its spread over several samples. The measures are those that
Shaib et al. (2024, "Standardizing the Measurement of Text Diversity") find to tell most beside length: compression
ratio, self-repetition (Salkar et al. 2022) and distinct n-grams (Li et al. 2016). Written out here and not taken
from the `diversity` package: each is a few lines, and the package wants nltk, scikit-learn and sentence-transformers,
has no length control, and looks for n-grams as substrings in every pair of texts, which is quadratic.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import numpy as np

from castwright.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

    from castwright.filters.embeddings import Embedder

WORDS_PER_TEXT, TEXTS, SAMPLES = 25, 500, 10
_REPEATED = 4  # words of a self-repetition (Salkar et al. 2022)
_DISTINCT = (1, 2, 3)
_GZIP = 16 + zlib.MAX_WBITS  # zlib with gzip's header and no time stamp in it
_AT_ONCE = 256  # texts looked at together while a sample is filled
_DIGITS = 4

Words = list[str]
Texts = Sequence[str]


@dataclass(frozen=True, slots=True)
class Spread:
    """A measure over several samples: its mean and standard deviation (0 where there is one sample)."""

    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Diversity:
    """Measures over samples of a set of texts.

    `texts`: in each sample. `words_per_text`: each is cut to. `long_enough`: share of the texts looked at that had
    so many words; the others are in no sample. `measures`: name -> spread over `samples`.
    """

    texts: int
    words_per_text: int
    samples: int
    seed: int
    long_enough: float
    measures: Mapping[str, Spread]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready data; a measure is [mean, standard deviation]."""
        return {
            "texts": self.texts,
            "words_per_text": self.words_per_text,
            "samples": self.samples,
            "seed": self.seed,
            "long_enough": round(self.long_enough, _DIGITS),
            "measures": {name: [_rounded(found.mean), _rounded(found.deviation)] for name, found in _items(self)},
        }

    def lines(self) -> list[str]:
        """Return the measures as lines of text, for a terminal or a dataset card."""
        head = f"{self.samples} samples of {self.texts:,} texts, {self.words_per_text} words each"
        return [f"{head} ({self.long_enough:.1%} of the texts have so many)"] + [
            f"{name.replace('_', ' ')}: {found.mean:.3f} ± {found.deviation:.3f}" for name, found in _items(self)
        ]


@dataclass(frozen=True, slots=True)
class Difference:
    """The first set's mean minus the second's; `spreads`: that in pooled standard deviations of one sample.

    `spreads` is None where neither set's samples differ.
    """

    difference: float
    spreads: float | None


def diversity(
    texts: pl.Series | Texts,
    *,
    words_per_text: int = WORDS_PER_TEXT,
    texts_per_sample: int = TEXTS,
    samples: int = SAMPLES,
    seed: int = 0,
    embedder: Embedder | None = None,
) -> Diversity:
    """Return the diversity of texts. Costs the samples, not the set: a million texts take what a thousand do.

    compression_ratio: bytes over gzipped bytes, texts joined by spaces; higher is more repetitive.
    self_repetition: share of texts with a run of four words that another text of the sample has.
    self_repetition_score: mean of ln(sum over a text's runs of four of how many texts have them), as the
        `diversity` package has it, but by whole words and with copies counted.
    distinct_n: different n-grams over all, n = 1, 2, 3; ngram_diversity: their ratios summed for n = 1 to 4.
    similarity: mean cosine of all pairs (homogenisation), with an `embedder` only.

    Words stand between white space, as written; a text is cut to its first `words_per_text`, one that has fewer is
    left out. Samples of a small set overlap, which makes their spread too small.

    Args:
        texts: the set; nulls count as empty.
        texts_per_sample: in each sample; fewer where the set has no more.

    Raises:
        SourceError: a number is out of range; fewer than two texts are long enough.
    """
    if min(words_per_text - _REPEATED, texts_per_sample - 2, samples - 1) < 0:
        raise SourceError(
            f"words_per_text={words_per_text}, texts_per_sample={texts_per_sample}, samples={samples}: give at least"
            f" {_REPEATED} words, 2 texts and 1 sample"
        )
    drawn = [_sample(texts, words_per_text, texts_per_sample, (seed, number)) for number in range(samples)]
    looked = sum(seen for _, seen in drawn)
    found = [measures([" ".join(words) for words in sample], embedder=embedder) for sample, _ in drawn]
    return Diversity(
        texts=len(drawn[0][0]),
        words_per_text=words_per_text,
        samples=samples,
        seed=seed,
        long_enough=sum(len(sample) for sample, _ in drawn) / looked,
        measures={name: _spread([one[name] for one in found]) for name in found[0]},
    )


def compare(first: Diversity, second: Diversity) -> dict[str, Difference]:
    """Return how two sets differ in each measure that both have.

    Raises:
        SourceError: their samples are not of one size, so that their numbers do not compare.
    """
    sizes = [(one.texts, one.words_per_text) for one in (first, second)]
    if sizes[0] != sizes[1]:
        raise SourceError(
            f"samples of {sizes[0][0]} texts of {sizes[0][1]} words and of {sizes[1][0]} texts of {sizes[1][1]} words"
            " do not compare: measure both with the same texts_per_sample and words_per_text"
        )
    return {
        name: _difference(spread, second.measures[name])
        for name, spread in first.measures.items()
        if name in second.measures
    }


def measures(texts: Texts, *, embedder: Embedder | None = None) -> dict[str, float]:
    """Return the measures of one sample as it stands, without length control (see `diversity` for what they are).

    Raises:
        SourceError: fewer than two texts, or none with four words.
    """
    split = [text.split() for text in texts]
    if len(split) < 2 or not any(len(words) >= _REPEATED for words in split):
        raise SourceError(f"diversity is of at least two texts, one of them of {_REPEATED} words and more")
    repeated, score = _self_repetition(split)
    ratios = {n: _distinct(split, n) for n in range(1, _REPEATED + 1)}
    found = {
        "compression_ratio": _compression_ratio(texts),
        "self_repetition": repeated,
        "self_repetition_score": score,
        **{f"distinct_{n}": ratios[n] for n in _DISTINCT},
        "ngram_diversity": sum(ratios.values()),
    }
    return found if embedder is None else {**found, "similarity": _similarity(embedder, texts)}


def novelty(
    texts: pl.Series | Texts,
    reference: pl.Series | Texts,
    *,
    n: int = _REPEATED,
    words_per_text: int = WORDS_PER_TEXT,
    texts_per_sample: int = TEXTS,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Spread:
    """Return the share of n-grams in samples of `texts` that samples of `reference` do not have.

    Samples are drawn as in `diversity`. A set against itself has the novelty of its own two halves, which is what to
    compare with.

    Raises:
        SourceError: as `diversity`, of either set.
    """
    found = []
    for number in range(samples):
        own, _ = _sample(texts, words_per_text, texts_per_sample, (seed, number, 0))
        other, _ = _sample(reference, words_per_text, texts_per_sample, (seed, number, 1))
        known = {gram for words in other for gram in _grams(words, n)}
        grams = [gram for words in own for gram in _grams(words, n)]
        found.append(sum(gram not in known for gram in grams) / len(grams))
    return _spread(found)


def _sample(texts: pl.Series | Texts, words_per_text: int, most: int, seed: tuple[int, ...]) -> tuple[list[Words], int]:
    """Return up to `most` texts cut to a length, drawn at random, and how many were looked at for them."""
    order = np.random.default_rng([part % 2**64 for part in seed]).permutation(len(texts))
    found: list[Words] = []
    looked = 0
    for start in range(0, len(order), _AT_ONCE):
        for text in _at(texts, order[start : start + _AT_ONCE].tolist()):
            looked += 1
            words = (text or "").split(None, words_per_text)[:words_per_text]
            if len(words) == words_per_text:
                found.append(words)
                if len(found) == most:
                    return found, looked
    if len(found) < 2:
        raise SourceError(
            f"{len(found)} of {len(texts):,} texts have {words_per_text} words and more; set words_per_text lower"
        )
    return found, looked


def _at(texts: pl.Series | Texts, places: list[int]) -> list[str]:
    if isinstance(texts, Sequence):
        return [texts[place] for place in places]
    return [str(text or "") for text in texts.gather(places).to_list()]


def _compression_ratio(texts: Texts) -> float:
    data = " ".join(texts).encode("utf-8", "replace")
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    return len(data) / len(packer.compress(data) + packer.flush())


def _self_repetition(split: list[Words]) -> tuple[float, float]:
    """Return the share of texts with a repeated run of words, and the log score."""
    holders = Counter(gram for words in split for gram in set(_grams(words, _REPEATED)))
    sums = [[holders[gram] for gram in _grams(words, _REPEATED)] for words in split]
    repeated = sum(any(count > 1 for count in counts) for counts in sums) / len(split)
    return repeated, fmean(math.log(sum(counts)) if counts else 0.0 for counts in sums)


def _distinct(split: list[Words], n: int) -> float:
    grams = [gram for words in split for gram in _grams(words, n)]
    return len(set(grams)) / len(grams)


def _grams(words: Words, n: int) -> Iterator[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(n)), strict=False)


def _similarity(embedder: Embedder, texts: Texts) -> float:
    """Return the mean cosine of all pairs: of unit vectors, (|sum|² - n) / (n (n - 1))."""
    vectors = embedder.encode(texts).astype(np.float64)
    count, total = len(vectors), vectors.sum(axis=0)
    return float((total @ total - count) / (count * (count - 1)))


def _spread(values: list[float]) -> Spread:
    return Spread(fmean(values), stdev(values) if len(values) > 1 else 0.0)


def _difference(first: Spread, second: Spread) -> Difference:
    pooled = math.sqrt((first.deviation**2 + second.deviation**2) / 2)
    difference = first.mean - second.mean
    return Difference(difference, difference / pooled if pooled > 0 else None)


def _items(found: Diversity) -> Iterator[tuple[str, Spread]]:
    yield from found.measures.items()


def _rounded(number: float) -> float:
    return round(number, _DIGITS)
