"""Who speaks in a script: which words at the start of a line are a speaker's name, and which only look so.

A label is `NAME:` or `NAME.`, and a colon proves little: notes, times, addresses and plain prose have it too. So
labels are judged over the whole text. Capitals count at once; any other name must stand at least twice; and of the
two signs only the one that most labels use counts by itself. Rejected: a list of given names (scripts have a First
Witch and a Robot 3), and judging line by line, which makes a speaker of every "Outside: rain".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_STAMP = r"(?P<stamp>(?:\[\d{1,2}[:.]\d\d[^\]\n]{0,12}\]|\d{1,2}:\d\d(?::\d\d)?(?: ?[AaPp][Mm])?)(?: -)? ?)?"
_ASIDE = r"(?P<aside> ?(?:\([^()\n]{1,80}\)|\[[^\[\]\n]{1,80}\]))?"
_MARKS = r"(?:\*{1,3}|_{1,2})?"  # Markdown's bold and italics, which many collections have around names
_COLON = re.compile(
    rf"{_STAMP}(?P<label>{_MARKS}(?P<name>[^\W_][\w .'’&/#-]{{0,39}}?){_MARKS}){_ASIDE}"
    rf"(?P<sign> ?(?::{_MARKS}(?=\s|$)|：{_MARKS}))"
)
_TITLE = r"(?:(?i:dr|mr|mrs|ms|st|prof|capt|sgt|lt|col|gen|rev)\. ?)?"
_STOP = re.compile(
    rf"(?P<stamp>)(?P<label>{_MARKS}(?P<name>{_TITLE}[^\W\d_][\w '’&/#-]{{1,39}}?){_MARKS}){_ASIDE}"
    rf"(?P<sign>\.{_MARKS})(?=\s*$|\s+(?:[(\[]|[\W_]*[^\W_a-zß-öø-ÿ]))"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PARTICLES = _words(
    """
    of the de la le du da del di der den van von y e and to
    """
)
# what stands before a colon, or as a one-word sentence, and is nobody
_NO_NAMES = _words(
    """
    a an and as at but by for from he her here his how i if in it its my no now of on or our p.s ps re she so
    that their then there these they this those thus to we what when where which who why with yes you your
    answer aside author beware cast caution chapter characters contents copyright credits cut date edit edited
    end ending epilogue error example examples exit finally fin ftp http https important inside intermission
    later license licence location mailto meanwhile n.b nb note notes obs okay ok outside part persons place
    players please preface prologue props remember reminder result results scene scenes setting settings source
    sources stop subject summary synopsis time tip tips title todo translated update url warning welcome written
    aha ah alas hello hey hush never nonsense nothing oh perhaps quite right silence sure thanks true well
    """
)
_SPEECH_VERBS = _words(
    """
    said says say replied replies asked asks added adds answered answers cried cries wrote writes continued
    whispered whispers shouted shouts thought thinks read reads explained told went goes began was is are were
    """
)
_NARRATORS = frozenset({"narrator", "narration", "stage directions", "stage direction"})
_ROMAN = re.compile(r"[IVXLC]+")
_HEADING = re.compile(
    r"\W*(?:(?:ACT|SCENE|PROLOGUE|EPILOGUE|INDUCTION|CHAPTER|PART|INTERLUDE|SETTING|CURTAIN|FADE (?:IN|OUT|TO)|CUT TO"
    r"|DISSOLVE TO|THE END|END OF|DRAMATIS PERSON[AÆ]E?|CHARACTERS|CAST)\b|(?:INT|EXT)[./]"
    r"|(?:Act|Scene|Chapter|Part) (?:[IVXLC]+|\d+|[Oo]ne|[Tt]wo|[Tt]hree|[Ff]our|[Ff]ive)\b"
    r"|(?:Re-)?[Ee]nter (?=[A-Z])|Exit(?: [A-Z]|\W*$)|Exeunt\b|Curtain\W*$|The [Cc]urtain )"
)
_LABELLED = re.compile(rf"{_STAMP}{_MARKS}[^\W\d_][\w'’.-]*(?: [\w'’.-]+)?{_MARKS}{_ASIDE} ?(?::{_MARKS}(?=\s|$)|：)")


@dataclass(frozen=True, slots=True)
class Label:
    """A speaker's label at the start of a line, taken apart.

    `key` is the name folded for comparison, with the sign behind it ("hamlet."). The line is `stamp` + `name` +
    `aside` + `rest`, where the sign ends `aside`, or `name` when there is none; `rest` is what is said.
    """

    key: str
    stamp: str
    name: str
    aside: str
    rest: str

    @property
    def narrates(self) -> bool:
        """Whether the speaker is the narrator, whose lines are narration."""
        return self.key[:-1] in _NARRATORS


def is_heading(line: str) -> bool:
    """Return whether a line heads an act or scene, or brings someone on or off the stage."""
    return _HEADING.match(line) is not None


def is_stranger(line: str) -> bool:
    """Return whether a line begins like one with a speaker's label: what is labelled, but by nobody, is not speech."""
    return _LABELLED.match(line) is not None


def read_label(line: str, cast: Iterable[str]) -> Label | None:
    """Return the label that a line begins with, if it is one of `cast` (keys as in `find_cast`)."""
    return next((label for label, _ in _candidates(line) if label.key in cast), None)


def find_cast(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the keys of the labels that count in a text, sorted.

    In capitals a name counts at its first use, otherwise at its second. With a stop behind it, a name that is
    not in capitals counts only in a text without other labels, at the start of a paragraph: there it may as well
    be a short sentence. The sign that fewer labels use counts only behind names known by the other.
    """
    seen: Counter[str] = Counter()
    capitals: set[str] = set()
    starts: Counter[str] = Counter()
    for before, line in zip(["", *lines[:-1]], lines, strict=False):
        for label, name in _candidates(line):
            seen[label.key] += 1
            if name.isupper():
                capitals.add(label.key)
            if not before:
                starts[label.key] += 1
    good = {key for key in seen if key in capitals or (seen[key] > 1 and key[-1] == ":") or key[:-1] in _NARRATORS}
    if not good:
        good = {key for key in starts if key[-1] == "." and starts[key] > 1}
    by_sign = {sign: sum(seen[key] for key in good if key[-1] == sign) for sign in ":."}
    sign = max(by_sign, key=lambda sign: by_sign[sign])
    names = {key[:-1] for key in good if key[-1] == sign}
    return tuple(sorted(key for key in seen if key[:-1] in names))


def _candidates(line: str) -> Iterator[tuple[Label, str]]:
    """Yield what could be the label of a line, and the bare name in it: with a colon, then with a stop."""
    if is_heading(line):
        return
    for pattern, sign in ((_COLON, ":"), (_STOP, ".")):
        match = pattern.match(line)
        if match is None or not _could_be_name(match["name"], sign):
            continue
        name, aside = match["label"], match["aside"] or ""
        name, aside = (name, aside + match["sign"]) if aside else (name + match["sign"], "")
        key = " ".join(match["name"].casefold().split()) + sign
        yield Label(key, match["stamp"] or "", name, aside, line[match.end() :]), match["name"]


def _could_be_name(name: str, sign: str) -> bool:
    words = name.split()
    if len(name) == 1 and name.isupper():  # the A and B of many logs, the Q and A of interviews
        return sign == ":"
    if not 0 < len(words) <= 5 or words[0].casefold().strip(".") in _NO_NAMES or name.casefold() == "the":
        return False
    if words[-1].casefold() in _SPEECH_VERBS or any("." in word[:-1] or len(word) > 5 for word in words if "." in word):
        return False
    if name.isupper():
        return sign == ":" or (len(name) > 1 and not _ROMAN.fullmatch(name))
    if not words[0][0].isalpha() or name[-1] == ".":
        return False
    if words[0].islower():  # a handle in a log
        return sign == ":" and len(words) == 1
    lower = [word for word in words[1:] if word.islower() and word not in _PARTICLES]
    return not lower or (len(words) == 2 and words[0].casefold() not in _PARTICLES)
