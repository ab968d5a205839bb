"""Texts as hashed character n-grams, in numpy alone: what the formality classifier sees.

N-grams of 2 to 5 characters that do not cross a word (its surrounding spaces belong to it, so " don'" and "t " are
n-grams), hashed to columns. All texts of a batch are one array of characters and every n-gram length one pass over
it. Rejected: scikit-learn's `HashingVectorizer` (it walks every text in Python, and is no core dependency), a
vocabulary (it would carry pieces of the texts it was learned from), and n-grams across words, which learn phrases
and with them topics. Digits, links, code and masks are levelled first: a number is neither formal nor casual.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

SHORTEST, LONGEST = 2, 5
"""Characters in an n-gram."""

CHARACTERS_AT_ONCE = 1 << 19
"""Characters hashed in one go, about: 30 MiB of working memory."""

_SPACE = ord(" ")
_LEVEL = str.maketrans(
    {**dict.fromkeys("0123456789", "0"), "’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "…": "..."}
)
_APART = re.compile(r"```.*?```|`[^`\n]+`|(?:https?://|www\.)\S+|\[[A-Z]+\]", re.DOTALL)
_HAS_APART = re.compile(r"[`\[]|://|www\.")
_LETTER = re.compile(r"[^\W\d_]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_LATIN_SHARE = 0.6  # of the letters; below it a text is not taken for English


@dataclass(frozen=True, slots=True)
class Grams:
    """The n-grams of a batch of texts: those of text i are `columns[starts[i]:starts[i + 1]]`.

    `columns` are in [0, 2 ** bits); `starts` has one entry more than there are texts.
    """

    columns: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """The number of n-grams of each text, shape (texts,)."""
        return np.diff(self.starts)


def is_readable(text: str) -> bool:
    """Tell whether a text has letters, at least six in ten of them Latin: what else can be said is not known here."""
    if text.isascii():
        return _LETTER.search(text) is not None
    letters = len(_LETTER.findall(text))
    return letters > 0 and len(_LATIN.findall(text)) >= _LATIN_SHARE * letters


def grams_of(texts: Sequence[str], bits: int) -> Grams:
    """Return the hashed n-grams of texts; the same text has the same ones in whatever batch."""
    spaced = [_spaced(text) for text in texts]
    lengths = np.fromiter(map(len, spaced), dtype=np.int64, count=len(spaced))
    codes = np.frombuffer("".join(spaced).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    if not len(codes):
        return Grams(np.zeros(0, dtype=np.int64), np.zeros(len(texts) + 1, dtype=np.int64))
    columns, present = _hashes(codes, bits)
    before = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
    starts = before[np.concatenate([[0], np.cumsum(lengths)])]
    return Grams(columns[present], starts)


def batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the texts in order, in batches of bounded size (a longer text is a batch of its own)."""
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and size + len(text) > CHARACTERS_AT_ONCE:
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text) + 2
    if batch:
        yield batch


def _spaced(text: str) -> str:
    """Return the text with one space between words and at both ends, levelled."""
    if _HAS_APART.search(text):
        text = _APART.sub(" ", text)
    return f" {' '.join(text.translate(_LEVEL).split())} "


def _hashes(codes: npt.NDArray[np.uint32], bits: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return (columns, present) of the n-gram that begins at each character, both of shape (characters, lengths)."""
    count = len(codes)
    is_space = codes == _SPACE
    columns = np.zeros((count, LONGEST - SHORTEST + 1), dtype=np.int64)
    present = np.zeros(columns.shape, dtype=np.bool_)
    rolling = codes.copy()
    inside = np.ones(count, dtype=np.bool_)  # no space strictly inside the n-gram that begins here
    for length in islice(range(LONGEST + 1), SHORTEST, None):
        last = count - length + 1  # n-grams of this length that fit
        if last <= 0:
            break
        rolling = rolling[:last] * np.uint32(0x01000193) + codes[length - 1 :]
        inside = inside[:last] & (~is_space[length - 2 : length - 2 + last] if length > SHORTEST else True)
        place = length - SHORTEST
        columns[:last, place] = _mixed(rolling, length) & np.uint32((1 << bits) - 1)
        whole = inside & ~(is_space[:last] & is_space[1 : last + 1]) if length == SHORTEST else inside
        present[:last, place] = whole
    return columns, present


def _mixed(values: npt.NDArray[np.uint32], length: int) -> npt.NDArray[np.uint32]:
    """Return the values with every bit spread over all others (the finaliser of MurmurHash3, public domain)."""
    mixed = values ^ np.uint32(length * 0x9E3779B1 & 0xFFFFFFFF)
    mixed ^= mixed >> np.uint32(16)
    mixed *= np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    return mixed ^ (mixed >> np.uint32(16))
