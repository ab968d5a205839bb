"""Characters from free text: a wiki page or a chapter about one person, one file each.

What the text states in so many words becomes facts with their sentences (`text_facts`); the rest is text for the
model, whole and line by line as in the file, so that whatever is read in it has its place. Who wants to pay for less
says `max_characters`: then passages at paragraph borders are kept, in their order, those first that name the character
most, because in a chapter about many the pages without the character say nothing of them. (Rejected: the first pages,
which are the weather.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from castwright.errors import BadRecord
from castwright.personas.card import Kind
from castwright.personas.character import Character
from castwright.personas.evidence import Evidence
from castwright.personas.line_map import NOBODYS, LineMap
from castwright.personas.lines import DataFile, excerpt
from castwright.personas.markup import without_markup
from castwright.personas.origin import Found, Origin
from castwright.personas.quotes import Paragraph, paragraphs_of
from castwright.personas.speech_words import sentences_of, word_set, words_of
from castwright.personas.tables import require_good, take_good
from castwright.personas.text_facts import Fact, body_start, stated_name, text_facts
from castwright.personas.text_lines import TextFile, read_each, read_text_file

PASSAGE_CHARACTERS = 2_000
LEAST_WORDS = 5
GAP = "[...]"
_NO_MENTIONS = word_set("mr mrs ms miss dr sir lady lord the of de la le du von van and captain saint st king queen")


def text_characters(
    path: str | Path,
    *,
    licence: str = "unknown",
    dataset: str | None = None,
    kind: Kind | None = None,
    modern: bool | None = None,
    limit: int | None = None,
    max_characters: int | None = None,
) -> Found:
    """Yield the character that each text file at a path is about, in order of path.

    Args:
        path: a text file (UTF-8; also .gz, .bz2 or .zst) or a folder of them.
        licence, dataset, kind, modern: for all characters of the source.
        limit: stop after this many characters.
        max_characters: how much of each text is kept for the model; None: all of it.

    Raises:
        SourceError: nothing is at the path, or no text with words in it.
    """
    source = Path(path).expanduser()
    origin = Origin.of(source, licence=licence, dataset=dataset, kind=kind, modern=modern)
    read = partial(text_file, max_characters=max_characters)
    return take_good(require_good(read_each(source, read, origin), str(source)), limit)


def text_file(file: DataFile, origin: Origin, *, max_characters: int | None = None) -> Found:
    """Yield the character of one file with the evidence for its facts; lines that cannot be read are BadRecords.

    Raises:
        SourceError: the file cannot be read.
    """
    text = read_text_file(file)
    yield from text.bad
    start = body_start(text.lines)
    paragraphs = [_moved(one, start) for one in paragraphs_of(text.lines[start:])]
    name = stated_name(text, Path(file.name))
    told = [one for one in paragraphs if " ".join(one.text.split()).strip("#= ") != name.value]
    if sum(len(words_of(one.text)) for one in told) < LEAST_WORDS:
        yield BadRecord(file.name, "no text about anyone in it", excerpt("\n".join(text.lines)))
        return
    opening = next((one for one in told if len(sentences_of(one.text)) and one.text.strip()[-1] in '.!?"”)'), told[0])
    facts = text_facts(opening, name.value)
    about, places = _about(name.value, told, text, max_characters)
    known, living = _facts_of([name, *facts])
    shown = (
        Evidence(fact.field, fact.value, " ".join(fact.quote.split()), text.place(fact.line))
        for fact in (name, *facts)
        if fact.quote
    )
    yield Character(
        facts={**origin.defaults, **known},
        text=about,
        source=origin.at(file.name),
        living=living,
        evidence=(*shown, places.as_evidence()),
    )


def _moved(paragraph: Paragraph, lines: int) -> Paragraph:
    return replace(paragraph, starts=tuple((offset, index + lines) for offset, index in paragraph.starts))


def _about(name: str, told: Sequence[Paragraph], text: TextFile, most: int | None) -> tuple[str, LineMap]:
    """Return the text for the model, and on which lines of the file its lines stand."""
    plain = [without_markup(one.text).rstrip() for one in told]
    parts = list(enumerate(plain)) if most is None else list(passages_about(name, plain, most))
    lines: list[str] = []
    numbers: list[int] = []
    before = -1
    for index, part in parts:
        if before >= 0:
            gap = [""] if index == before + 1 else ["", GAP, ""]
            lines += gap
            numbers += [numbers[-1] + 1] if len(gap) == 1 else [NOBODYS] * len(gap)
        first = told[index].starts[0][1]
        made = part.split("\n")
        lines += made
        numbers += [text.numbers[min(first + offset, len(text.numbers) - 1)] for offset in range(len(made))]
        before = index
    return "\n".join(lines), LineMap.of_lines(text.name, numbers)


def passages_about(name: str, paragraphs: Sequence[str], most: int) -> Iterator[tuple[int, str]]:
    """Yield (index, text) of a text's paragraphs, or where they are more than `most` characters, of those about `name`.

    The sum of their lengths, with the gaps that show between them, keeps the bound. A single paragraph that is too
    long is cut at a sentence.
    """
    if sum(len(one) + 2 for one in paragraphs) <= most:
        yield from enumerate(paragraphs)
        return
    wanted = {word for word in words_of(name) if word not in _NO_MENTIONS} or set(words_of(name))
    mentions = [sum(word in wanted for word in words_of(one)) for one in paragraphs]
    ranked = sorted(passages(paragraphs), key=lambda part: (-sum(mentions[part.start : part.stop]), part.start))
    kept: set[int] = set()
    for part in ranked:
        new = [index for index in part if index not in kept]
        size = sum(len(paragraphs[index]) + len(GAP) + 4 for index in (*kept, *new))
        if size <= most:
            kept.update(new)
    if kept:
        yield from ((index, paragraphs[index]) for index in sorted(kept))
    else:
        yield ranked[0].start, _cut(paragraphs[ranked[0].start], most)


def passages(paragraphs: Sequence[str], size: int = PASSAGE_CHARACTERS) -> list[range]:
    """Return passages of about `size` characters as ranges of paragraphs; neighbours share one paragraph."""
    found: list[range] = []
    start = 0
    while start < len(paragraphs):
        end, length = start, 0
        while end < len(paragraphs) and (end == start or length + len(paragraphs[end]) <= size):
            length += len(paragraphs[end])
            end += 1
        found.append(range(start, end))
        if end == len(paragraphs):
            break
        start = end - 1 if end - start > 1 else end
    return found


def _cut(paragraph: str, most: int) -> str:
    """Return the first sentences of a paragraph that fit, with their line ends."""
    end = 0
    for sentence in sentences_of(paragraph):
        behind = paragraph.index(sentence, end) + len(sentence)
        if behind > most:
            break
        end = behind
    return paragraph[:end].lstrip("\n") if end else paragraph[:most]


def _facts_of(facts: Sequence[Fact]) -> tuple[dict[str, Any], bool | None]:
    """Return facts in the card's shape, and whether the person lives (None: not stated)."""
    known: dict[str, Any] = {}
    living: bool | None = None
    for fact in facts:
        outer, _, inner = fact.field.rpartition(".")
        if fact.field == "living":
            living = fact.value == "yes"
        else:
            (known.setdefault(outer, {}) if outer else known)[inner] = fact.value
    return known, living
