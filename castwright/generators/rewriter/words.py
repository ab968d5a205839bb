"""Running text as words and sentences, and back.

Clitics ("n't", "'s") are words of their own, so that one learned edit ("is" to "'s") serves every word it can
follow. Spaces are not kept but rebuilt by rule, which costs nothing: text whose spacing the rules do not
rebuild is left alone by the rewriter. Links, addresses, code and numbers are one word each. Rejected: a
library's tokeniser, whose rules for chat ("gonna" cut in two) work against copying.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_CLITIC = r"(?:'(?:s|m|re|ve|ll|d))"
_LETTER = r"[^\W\d_]"
_WORD = re.compile(
    rf"""
    `[^`\n]+` | https?://[^\s<>"]*[^\s<>".,;:!?)\]] | www\.[^\s<>"]*[^\s<>".,;:!?)\]]
    | [\w.+-]+@[\w-]+(?:\.[\w-]+)+
    | [$€£]?\d+(?:[.,:/]\d+)*(?:%|[a-zA-Z]+\b)?
    | (?<=\w)(?:{_CLITIC}|n't)\b
    | \b(?:[A-Za-z]\.){{2,}} | \b(?:Mr|Mrs|Ms|Dr|St|Prof)\.
    | {_LETTER}+?(?=n't\b)
    | {_LETTER}+(?:[-/']{_LETTER}+)*?(?={_CLITIC}\b|(?![-/']{_LETTER}|{_LETTER}))
    | \.{{2,}} | [!?]{{2,}} | --+ | \S
    """,
    re.VERBOSE | re.IGNORECASE,
)
CLITICS = frozenset({"'s", "'m", "'re", "'ve", "'ll", "'d", "n't"})
_CLOSING = frozenset(".,;:!?)]}…%")
_OPENING = frozenset("([{$€£")
_STOPS = frozenset(".!?…")
_GAP = re.compile(
    r"(?:^|\s*\n)```.*?(?:```\s*|\Z)"  # a fenced block of code is no sentence
    r"|\s*\n\s*"
    r"|(?:(?<=[.!?…])|(?<=[.!?…][\"')\]]))\s+(?=[\"'(\[]?[^\W_])",
    re.DOTALL | re.MULTILINE,
)
_ABBREVIATED = re.compile(r"\b(?:mr|mrs|ms|dr|st|prof|vs|etc|e\.g|i\.e|approx|no|[a-z])\.$", re.IGNORECASE)


def straighten(text: str) -> str:
    """Return the text with straight apostrophes and quotation marks, so that "don’t" is one form."""
    return text.translate({0x2019: "'", 0x2018: "'", 0x201C: '"', 0x201D: '"'})


def split_words(text: str) -> list[str]:
    """Return the words and marks of a text; clitics ("n't", "'s") are words of their own."""
    return [match.group() for match in _WORD.finditer(straighten(text))]


def join_words(words: Sequence[str]) -> str:
    """Return running text from words and marks: the inverse of `split_words` for ordinary prose."""
    out = ""
    glued = True  # the next word follows without a space
    quote_open = False
    for word in words:
        if word == '"':
            closes, opens = quote_open, not quote_open
            quote_open = not quote_open
        else:
            closes = word[0] in _CLOSING or word.lower() in CLITICS
            opens = word in _OPENING
        out += word if glued or closes else f" {word}"
        glued = opens
    return out


def split_sentences(text: str) -> list[str]:
    """Return sentences and the gaps between them in turn (odd length); joined, they are the text.

    A gap is white space or a fenced block of code. A line's end is a sentence's end.
    """
    parts: list[str] = []
    start = 0
    for match in _GAP.finditer(text):
        if _ABBREVIATED.search(text[start : match.start()]) and match.group().strip(" ") == "":
            continue
        parts += [text[start : match.start()], match.group()]
        start = match.end()
    return [*parts, text[start:]]


def ends_sentence(word: str) -> bool:
    """Tell whether the next word after this mark may owe its capital to its place."""
    return word[-1] in _STOPS


def is_kept_apart(word: str) -> bool:
    """Tell whether a word is never the model's business: it holds a digit, a link, an address or code."""
    return any(char.isdigit() for char in word) or "@" in word or "`" in word or "://" in word
