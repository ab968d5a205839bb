"""Facts that a text about someone states in so many words: name, years, trade; each with its sentence.

Only forms that leave no doubt are read: years behind "born" and "died" or in the brackets behind the name, the trade
in the first sentence ("was an English novelist"). Whatever takes judgement (traits, places lived in, who is whose
aunt) is left to the model, which has the text. (Rejected: more patterns, of which each adds its own mistakes, and
facts always win over what a model reads.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from castwright.personas.fields import MAX_NAME_CHARACTERS
from castwright.personas.lines import stem_of
from castwright.personas.markup import without_markup
from castwright.personas.quotes import Paragraph
from castwright.personas.script_labels import is_heading
from castwright.personas.speech_words import sentences_of, word_set, words_of
from castwright.personas.text_lines import TextFile

OLDEST_LIVING = 115
"""Years: who was born longer ago than this before `READ_IN` is not alive."""
READ_IN = 2025
"""The year from which lives are counted: fixed, as the output must not depend on the day of a run."""
_MOST_NAME_WORDS, _MOST_TRADE_WORDS = 6, 5
_HEADING = re.compile(r"(?:#{1,6}\s+(?P<hashes>.+?)\s*#*|=+\s*(?P<wiki>[^=]+?)\s*=+)")
_UNDERLINE = re.compile(r"(?:={3,}|-{3,})")
_FRONT = re.compile(r"(?P<key>[A-Za-z_ ]{1,30}):\s*(?P<value>.*)")
_YEAR = r"(?:1\d{3}|20\d\d|[1-9]\d{2})"
_MONTH_DAY = r"(?:(?:in|on)\s)?(?:(?:c\.|circa|about|around)\s?)?(?:[\w.]{1,9}\s)?(?:[\w.]{1,9},?\s)?"
_LIFE = re.compile(
    rf"\((?:born\s)?[^()\d]{{0,40}}(?:\d{{1,2}}\s\w+\s)?(?:\w+\s\d{{1,2}},\s)?(?P<born>{_YEAR})"
    rf"\s*(?:–|-|—|to)\s*(?:\d{{1,2}}\s\w+\s|\w+\s\d{{1,2}},\s|[a-z]+\.?\s)?(?P<died>{_YEAR})\b[^()]{{0,40}}\)"
)
_BORN = re.compile(rf"\b[Bb]orn\s(?:(?:in|at)\s[^\d.;()]{{1,40}}?,?\s)?{_MONTH_DAY}(?P<year>{_YEAR})\b")
_DIED = re.compile(rf"\b[Dd]ied\s(?:(?:in|at|of)\s[^\d.;()]{{1,40}}?,?\s)?{_MONTH_DAY}(?P<year>{_YEAR})\b")
_AND_DIED = re.compile(r"\bborn\b[^.;]*(?:,| and) (?:\w+ )?$")
_SUBJECT_END = re.compile(r"\s*[(,]|\s(?:was|is|were)\b")
_OWNER = re.compile(r"['’]s\b|s['’](?=\s)")
_BRACKETS = re.compile(r"\s*\([^()]*\)")
_PARTICLES = word_set("the of de la le du da del di der den van von y e")
_IS_A = re.compile(r"[^.]{0,200}?\bis\san?\b")
_TRADE = re.compile(r"^(?P<who>[^;:]{1,200}?)\b(?:was|is)\san?\s(?P<rest>[^.;:(]{2,160})")
_TRADE_END = re.compile(
    r",|\s(?:who|whom|whose|which|that|of|in|from|at|for|with|by|on|known|best|born|during|to|as)\b"
)
_INVENTED = re.compile(r"\b(?:fictional|legendary|mythical|mythological|imaginary)\b")
_NO_TRADES = word_set(
    """
    man woman girl boy child son daughter member character person figure wife husband brother sister friend part one
    protagonist antagonist hero heroine villain native citizen resident victim fan creature being patient cousin twin
    orphan widow widower bachelor kind sort type good bad lot
    """
)
_TEXT_SUFFIXES = (".txt", ".md", ".markdown", ".text", ".rst", ".wiki")
_NO_NAMES = word_set("introduction contents preface biography life early history notes chapter overview summary about")


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact: the card's field ("basic_info.occupation"; also "name", "kind", "living"), its value, what shows it."""

    field: str
    value: str
    quote: str
    line: int
    """The index of the line that the quote begins on."""


def stated_name(text: TextFile, path: Path) -> Fact:
    """Return the name of whom a text is about: front matter, else its first heading, else the file's name.

    The name of a file is in no text: its quote is empty, unless the text has the name.
    """
    first = next((index for index, line in enumerate(text.lines) if line.strip()), 0)
    found = _front_name(text.lines, first) or _heading_name(text.lines, first)
    if found is not None:
        return found
    written = " ".join(re.split(r"[\s_-]+", _stem(path))).strip()
    name = written if any(map(str.isupper, written)) else written.title()
    return _mention(name[:MAX_NAME_CHARACTERS], text.lines)


def body_start(lines: Sequence[str]) -> int:
    """Return the index of the first line behind front matter."""
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    if first < len(lines) and lines[first].strip() == "---":
        for index in range(first + 1, min(len(lines), first + 60)):
            if lines[index].strip() in ("---", "..."):
                return index + 1
    return 0


def text_facts(opening: Paragraph, name: str) -> list[Fact]:
    """Return the facts that the opening paragraph of a text about `name` states; lines count in its own lines."""
    opening = _unmarked(opening)
    flat = opening.text.replace("\n", " ")
    sentences = sentences_of(flat)
    if not sentences:
        return []
    first = sentences[0]
    found: list[tuple[str, str, str]] = []
    trade = _trade(first, name)
    if trade:
        found.append(("basic_info.occupation", trade, first))
    if _is_about(first, name) and _INVENTED.search(first):
        found += [("kind", "virtual", first), ("living", "no", first)]
    else:
        found += _life(sentences, name)
    return [Fact(field, value, quote, opening.line_at(max(flat.find(quote), 0))) for field, value, quote in found]


def _unmarked(paragraph: Paragraph) -> Paragraph:
    """Return a paragraph without light markup, its lines where they were: "**Ann Bly** (1801-1860)" names Ann Bly."""
    lines = without_markup(paragraph.text).split("\n")
    offsets = accumulate((len(line) + 1 for line in lines), initial=0)
    starts = zip(offsets, (index for _, index in paragraph.starts), strict=False)
    return Paragraph("\n".join(lines), tuple(starts))


def _life(sentences: Sequence[str], name: str) -> list[tuple[str, str, str]]:
    """Return era and whether someone is alive, from the years of birth and death: (field, value, quote)."""
    life = _LIFE.search(sentences[0])
    if life is not None and _is_about(sentences[0], name):
        return [("basic_info.era", f"{life['born']}–{life['died']}", life[0]), ("living", "no", life[0])]
    subject = rf"(?:He|She|They|{'|'.join(map(re.escape, name.split()))})(?:[ ][A-Z][\w-]+)*"
    before_born = re.compile(rf"^{subject}(?: was)? $")
    before_died = re.compile(rf"^{subject}(?: \w+ly)? $")
    born = died = None
    for index, sentence in enumerate(sentences):
        one = _BORN.search(sentence)
        sure = one is not None and (
            before_born.match(sentence[: one.start()]) or (not index and _is_about(sentence, name))
        )
        born = born or (one if sure else None)
        other = _DIED.search(sentence)
        if other is not None and died is None:
            before = sentence[: other.start()]
            follows = sure and _AND_DIED.search(before)
            died = other if before_died.match(before) or follows else None
    return _from_years(born, died, alive=_IS_A.match(sentences[0]) is not None)


def _from_years(born: re.Match[str] | None, died: re.Match[str] | None, *, alive: bool) -> list[tuple[str, str, str]]:
    if born and died and int(born["year"]) <= int(died["year"]):
        years = f"{born['year']}–{died['year']}"
        return [("basic_info.era", years, born[0]), ("basic_info.era", years, died[0]), ("living", "no", died[0])]
    if died:
        return [("living", "no", died[0])]
    if born and READ_IN - int(born["year"]) > OLDEST_LIVING:
        return [("living", "no", born[0])]
    return [("living", "yes", born[0])] if born and alive else []


def _is_about(sentence: str, name: str) -> bool:
    """Return whether the subject of a sentence is a name that shares a word with `name`, and nothing of theirs."""
    subject = _SUBJECT_END.split(sentence, maxsplit=1)[0].split()
    proper = all(word[0].isupper() or word in _PARTICLES for word in subject) and not _OWNER.search(" ".join(subject))
    return proper and bool(set(words_of(" ".join(subject))) & set(words_of(name)) - _PARTICLES)


def _trade(sentence: str, name: str) -> str:
    match = _TRADE.match(_BRACKETS.sub("", sentence))
    if match is None or not _is_about(sentence, name) or _OWNER.search(match["who"]):
        return ""
    head = _TRADE_END.split(match["rest"], maxsplit=1)[0]
    words = [word for word in head.split() if not word[0].isupper() and not _INVENTED.fullmatch(word)]
    while words and words[0] in ("and", "famous", "great", "noted", "celebrated", "former"):
        words.pop(0)
    if not 0 < len(words) <= _MOST_TRADE_WORDS or words[-1].strip(".!?") in _NO_TRADES:
        return ""
    trade = " ".join(words).rstrip(".!?")
    return trade if all(map(_is_plain, trade.split())) else ""


def _is_plain(word: str) -> bool:
    return word.replace("-", "").replace("'", "").isalpha()


def _front_name(lines: Sequence[str], first: int) -> Fact | None:
    end = body_start(lines)
    for wanted in ("name", "character", "title"):
        for index in range(first + 1, end):
            match = _FRONT.fullmatch(lines[index].strip())
            if match and match["key"].strip().casefold() == wanted:
                return _as_name(match["value"].strip("\"' "), index)
    return None


def _heading_name(lines: Sequence[str], first: int) -> Fact | None:
    start = max(first, next((i for i in range(body_start(lines), len(lines)) if lines[i].strip()), first))
    if start >= len(lines):
        return None
    line = lines[start].strip()
    following = lines[start + 1].strip() if start + 1 < len(lines) else ""
    match = _HEADING.fullmatch(line)
    if match:
        return _as_name(match["hashes"] or match["wiki"], start)
    if (not following or _UNDERLINE.fullmatch(following)) and line[-1] not in ".!?:;,":
        return _as_name(line, start)
    return None


def _as_name(text: str, index: int) -> Fact | None:
    words = text.split()
    if not 0 < len(words) <= _MOST_NAME_WORDS or is_heading(text) or words[0].casefold() in _NO_NAMES:
        return None
    if not words[0][0].isalpha() or not any(word[0].isupper() for word in words):
        return None
    return Fact("name", text[:MAX_NAME_CHARACTERS], text[:MAX_NAME_CHARACTERS], index)


def _mention(name: str, lines: Sequence[str]) -> Fact:
    for index, line in enumerate(lines):
        at = line.casefold().find(name.casefold())
        if at >= 0 and name:
            return Fact("name", name, line[at : at + len(name)], index)
    return Fact("name", name, "", 0)


def _stem(path: Path) -> str:
    stem = stem_of(path)
    return stem.rpartition(".")[0] if Path(stem).suffix.lower() in _TEXT_SUFFIXES and "." in stem[1:] else stem
