"""Chat text as tokens, and tokens as text again.

A token is a string plus one flag, "glued" (no space stood before it), so that what no rule touches comes
back as it was and doubled spaces vanish by themselves. One compiled pattern keeps numbers, links, masks
("[NAME]"), abbreviations and hyphenated words whole, because a formaliser must never cut those. (Rejected:
regex substitutions on the whole string, which cannot see a neighbour's class and grow quadratic with the
lexicon; a tokeniser package, which would be the only dependency of this room.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(\s*)(
      (?:https?://|www\.)\S+ | \w[\w.-]*\.(?:com|org|net|edu|gov|io)\b(?:/\S*)?
    | [\w.+-]+@\w[\w.-]*\w
    | \[\w+\](?:'\w+)?
    | (?:[A-Za-z]\.){2,} | (?:[A-Z]\.)+[A-Z](?!\w)
    | (?i:mr|mrs|ms|dr|st|jr|sr|vs|prof|mt)\.(?=\s)
    | [@\#]\w+ | /?[ru]/\w+
    | (?:[-+](?=[\d.]))?[$€£]?\.?\d+(?:[.,:/-]\d+)*(?:%|[^\W\d_]+(?:'s)?)?
    | w/o?(?!\w) | b/c(?!\w) | y/o(?!\w)
    | '(?:cause|cuz|em|til|till|bout|round|nuff|tis|twas)\b
    | \w+in'(?![\w])
    | \w+(?:['-]\w+)*
    | \.{2,}[?!]* | [.!?]+
    | \S)""",
    re.VERBOSE,
)
_QUOTES = str.maketrans(
    {"‘": "'", "’": "'", "´": "'", "`": "'", "“": '"', "”": '"', "…": "...", "\u00a0": " ", "\u200b": ""}
)
_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2190-\u21ff\u200d\ufe0f\u20e3\U000e0020-\U000e007f]+"
)
_EMOTICON = re.compile(
    r"(?<![\w/])(?:[:;=][-'^o]?[)(DPpOo\\|*\]\[}{cx]+(?!\w)|[:;=]-?/(?!/)|[:;=]3(?=\s|$)|<3+(?!\d)|</3|[xX]D+\b"
    r"|[xX]-?[)(](?=\s|$)"
    r"|\^_*\^|[oO]_[oO]\b|>[._]<|-_+-|T_T\b|¯\\_\(ツ\)_/¯|\([=:;](?=\s|$))"
)
_EMPHASIS = re.compile(r"\*\*+|~~+|(?<![\d ])\*(?!\d)|(?<!\d)\*(?![\d ])|^\s*>+ *|\^(?=\()")
_DOUBLE_QUOTES = re.compile('""+')
_SPACED_MARKS = re.compile(r"(?<=[?!]) +(?=[?!])")
END_MARKS = frozenset(".!?")
_NO_SPACE_BEFORE = frozenset([",", ".", ";", ":", "!", "?", ")", "]", "}", "%", "...", "?!"])
_SPACE_AFTER = frozenset(",;!?")


@dataclass(slots=True)
class Sentence:
    """One sentence of a chat turn: its words, whether each was glued to what stood before, and its marks.

    `mark` is the raw end mark ("?!", "...", "" when there was none); `tail` what closed it (a quote, a
    bracket); `wide` tells whether a space follows in the text.
    """

    words: list[str] = field(default_factory=list)
    glued: list[bool] = field(default_factory=list)
    mark: str = ""
    tail: str = ""

    def splice(self, start: int, stop: int, words: list[str]) -> None:
        """Put words in the place of words[start:stop]; the first keeps the gap that stood there."""
        if words:
            first = self.glued[start] if start < len(self.glued) else False
            first = first and (self.words[start][0].isalnum() or not words[0][0].isalnum())
            self.glued[start:stop] = [first] + [False] * (len(words) - 1)
        else:
            del self.glued[start:stop]
            if stop < len(self.words) and self.words[stop][0].isalnum():
                self.glued[start] = False
        self.words[start:stop] = words


def _pause(match: re.Match[str]) -> str:
    """Return what an emoticon leaves: the end of a sentence where a new one follows, else a space."""
    before, after = match.string[: match.start()].rstrip(), match.string[match.end() :].lstrip()
    ends = before[-1:].isalnum() and after[:1].isupper()
    return ". " if ends else " "


def clean(text: str) -> str:
    """Return the text with plain quotes and without emoji, emoticons and mark-up."""
    text = text.translate(_QUOTES)
    if not text.isascii():
        text = _EMOJI.sub(_pause, text)
    text = _EMOTICON.sub(_pause, text)
    text = _EMPHASIS.sub("", text)
    if '""' in text:
        text = _DOUBLE_QUOTES.sub('"', text)
    return _SPACED_MARKS.sub("", text)


def split_sentences(text: str) -> list[Sentence]:
    """Return the sentences of a cleaned text. An ellipsis before a small letter does not end one."""
    found = _TOKEN.findall(text)
    sentences: list[Sentence] = []
    current = Sentence()
    last = len(found) - 1
    quotes = 0
    for index, (space, piece) in enumerate(found):
        quotes += piece == '"'
        closes = not space or (piece == '"' and quotes % 2 == 0)
        if not current.words and sentences and closes and piece in '")]*':
            sentences[-1].tail += piece
        elif piece[0] in END_MARKS and not piece.strip(".!?"):
            following = found[index + 1] if index < last else None
            if _ends(piece, following):
                if current.words:
                    current.mark = piece
                    sentences.append(current)
                    current = Sentence()
                elif sentences:
                    sentences[-1].mark += piece
            elif current.words and piece != ".":
                current.words.append(",")
                current.glued.append(True)
            elif current.words:
                current.words.append(piece)
                current.glued.append(not space)
        else:
            current.words.append(piece)
            current.glued.append(not space)
    if current.words:
        sentences.append(current)
    return sentences


def _ends(piece: str, following: tuple[str, str] | None) -> bool:
    if following is None:
        return True
    space, word = following
    if piece[:2] == "..":
        return word[0].isupper() or piece[-1] in "?!"
    if piece == "." and not space:
        return word[0].isupper() or word[0] in "\"')]*"
    return True


def join(words: list[str], glued: list[bool]) -> str:
    """Return words as text: closing marks touch the word before, a space follows each of them."""
    parts: list[str] = []
    before = ""
    for word, glue in zip(words, glued, strict=True):
        if not parts or word in _NO_SPACE_BEFORE or (glue and before not in _SPACE_AFTER):
            parts.append(word)
        else:
            parts.append(" " + word)
        before = word
    return "".join(parts)
