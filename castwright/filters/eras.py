"""The last year a character can know of, read from the free text of a card's era.

A parser of the ways people write eras: decades, centuries, years, ranges, named periods. It answers one
question, the latest year, and answers None rather than guess (fantasy, the future, "turn of the century"),
since what it feeds drops rows. A year or decade wins over a named period: "Edo period, 1780s" ends in 1789.
(Rejected: a date library, which knows nothing of "Victorian" or "4th century BC".)
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from castwright.filters.prose import load_lexicon

_BCE = r"(?:\s*(bce?|b\.c\.e?\.?|before christ|a\.?d\.?|c\.?e\.?)\b\.?)?"
_CENTURY = re.compile(
    r"(?:(early|mid|middle|late)[\s-]+(?:in the\s+|of the\s+)?)?(?:the\s+)?(\d{1,2})(?:st|nd|rd|"
    r"th)[\s-]+(?:century|c\.)" + _BCE
)
_ORDINALS: list[str] = load_lexicon("eras")["ordinals"]
_WORD_CENTURY = re.compile(
    rf"(?:(early|mid|middle|late)[\s-]+(?:the\s+)?)?\b({'|'.join(_ORDINALS)})[\s-]+century" + _BCE
)
_DECADE = re.compile(r"(?:(early|mid|middle|late)[\s-]+(?:the\s+)?)?\b(\d{1,3}0)['’]?s\b" + _BCE)
_YEAR = re.compile(r"(?<![\d.,])(\d{3,4})(?![\d,.]*\d|['’]?s\b)" + _BCE)
_SHORT_YEAR = re.compile(r"\b(?:ad|a\.d\.)\s*(\d{1,4})\b|\b(\d{1,3})\s*(bce?|b\.c\.e?\.?|a\.?d\.?|ce)\b")
_PART_OF_CENTURY = {"early": 40, "mid": 70, "middle": 70, "late": 100, "": 100}


@cache
def last_year(era: str) -> int | None:
    """Return the last year of an era (negative before Christ), or None where it has no clear end.

    "1490s" gives 1499, "19th century" 1900, "early 1800s" 1840, "Edo period, 1780s" 1789, "Victorian" 1901,
    "c. 300 BC" -300, "present day", "fantasy" and "" None.
    """
    text = " ".join(era.lower().split())
    lexicon: dict[str, Any] = load_lexicon("eras")
    if not text or _mentions(text, lexicon["timeless"]):
        return None
    years = _numbered_years(text)
    if _mentions(text, lexicon["open"]):
        return None
    if years:
        return max(years)
    named = [name for name in lexicon["ends"] if re.search(rf"\b{re.escape(name)}\b", text)]
    if not named:
        return None
    # "ancient rome" also contains "ancient": a name inside a longer found name is not another era
    ends: dict[str, int] = lexicon["ends"]
    return max(ends[n] for n in named if not any(n != m and n in m for m in named))


def _numbered_years(text: str) -> list[int]:
    """Return the last year of every numbered span in the text."""
    years: list[int] = []
    rest = text
    for pattern, number in ((_CENTURY, int), (_WORD_CENTURY, lambda word: _ORDINALS.index(word) + 1)):
        for match in pattern.finditer(rest):
            part, century, side = match.group(1) or "", number(match.group(2)), match.group(3)
            end = -(century - 1) * 100 - 1 if _before_christ(side) else (century - 1) * 100 + _PART_OF_CENTURY[part]
            years.append(end)
        rest = pattern.sub(" ", rest)
    for match in _DECADE.finditer(rest):
        years.append(_decade_end(match.group(1) or "", int(match.group(2)), match.group(3)))
    rest = _DECADE.sub(" ", rest)
    for match in _SHORT_YEAR.finditer(rest):
        year = int(match.group(1) or match.group(2))
        years.append(-year if _before_christ(match.group(3)) else year)
    rest = _SHORT_YEAR.sub(" ", rest)
    for match in _YEAR.finditer(rest):
        year = int(match.group(1))
        years.append(-year if _before_christ(match.group(2)) else year)
    return years


def _decade_end(part: str, start: int, side: str | None) -> int:
    """Return the last year of "1490s" (1499), "1800s" (1899: the century is meant as often), "early 1800s"
    (1840)."""
    if _before_christ(side):
        return -start
    if start < 100:
        return 1900 + start + 9
    if start % 100 == 0:
        return start + min(_PART_OF_CENTURY[part], 99)
    return start + 9


def _before_christ(side: str | None) -> bool:
    return bool(side) and str(side).startswith("b")


def _mentions(text: str, words: list[str]) -> bool:
    return any(re.search(rf"\b{re.escape(word)}\b", text) for word in words)
