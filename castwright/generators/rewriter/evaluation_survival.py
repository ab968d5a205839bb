"""Which numbers and names of the sources still stand in the outputs.

Counted one by one, where the gate refuses the whole rewrite: a share over 0.99 of numbers is not a share over 0.99 of
rewrites. Numbers are digits (an output may spell those up to twenty); names are words with a capital inside a
sentence, in whatever case the output has them. Rejected: the gate's own verdict, which would prove itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from castwright.errors import SourceError

_NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?")
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_STARTS = re.compile(r"(?:^|[.!?…:\n\"“(])[\s\"“'‘(*•-]*$")
_SPELLED = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_VALUES = {word: str(value) for value, word in enumerate(_SPELLED)}


@dataclass(frozen=True, slots=True)
class Survival:
    """How many numbers and names the sources have, and how many of them the outputs kept."""

    numbers: int
    numbers_kept: int
    names: int
    names_kept: int

    @property
    def number_share(self) -> float:
        """The share of numbers kept; 1 where there are none."""
        return self.numbers_kept / self.numbers if self.numbers else 1.0

    @property
    def name_share(self) -> float:
        """The share of names kept; 1 where there are none."""
        return self.names_kept / self.names if self.names else 1.0


def survival(sources: Sequence[str], outputs: Sequence[str]) -> Survival:
    """Return how many numbers and names of the sources stand in their outputs, each as often as it stood there.

    Raises:
        SourceError: not one output for each source.
    """
    if len(sources) != len(outputs):
        raise SourceError(f"{len(sources)} sources and {len(outputs)} outputs: give one output for each source")
    numbers = numbers_kept = names = names_kept = 0
    for source, output in zip(sources, outputs, strict=True):
        wanted, said = _numbers(source), _numbers(output)
        spelled = Counter(_VALUES[word] for word in _words(output) if word in _VALUES)
        numbers += wanted.total()
        numbers_kept += (wanted & (said + spelled)).total()
        called, heard = Counter(names_of(source)), Counter(_words(output))
        names += called.total()
        names_kept += (called & heard).total()
    return Survival(numbers, numbers_kept, names, names_kept)


def names_of(text: str) -> list[str]:
    """Return the words with a capital inside a sentence, in lower case; "I" is none, nor is a shouted text's word."""
    found = [match for match in _WORD.finditer(text) if match.group()[0].isupper()]
    words = _WORD.findall(text)
    if sum(word.isupper() and len(word) > 1 for word in words) * 2 > len(words):
        return []
    inside = [match.group() for match in found if not _STARTS.search(text[: match.start()])]
    return [_base(word) for word in inside if _base(word) != "i"]


def _numbers(text: str) -> Counter[str]:
    return Counter(number.replace(",", "") for number in _NUMBER.findall(text))


def _words(text: str) -> list[str]:
    return [_base(word) for word in _WORD.findall(text)]


def _base(word: str) -> str:
    """Return a word in lower case without what an apostrophe adds ("Ann's", "I'm")."""
    return re.split(r"['’]", word.lower(), maxsplit=1)[0]
