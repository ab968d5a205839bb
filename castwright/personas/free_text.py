"""Characters from free text: a wiki page or a chapter about one person, one file each.

What the text states in so many words becomes facts with their sentences (`text_facts`); the rest is text for the
model. A long text is read in passages at paragraph borders, each overlapping the next by a paragraph, and those that
name the character most are kept, in their order, up to a length that a model reads at once: in a chapter about many,
the pages without the character say nothing of them. (Rejected: the first pages, which are the weather; and a summary by
a model, one call more for each file that may invent what no evidence shows.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from castwright.errors import BadRecord
from castwright.personas.card import Kind
from castwright.personas.character import Character
from castwright.personas.evidence import Evidence, Evidenced, characters_of
from castwright.personas.lines import DataFile, excerpt
from castwright.personas.origin import Found, Origin
from castwright.personas.quotes import paragraphs_of
from castwright.personas.speech_words import sentences_of, word_set, words_of
from castwright.personas.tables import require_good, take_good
from castwright.personas.text_facts import Fact, body_start, stated_name, text_facts
from castwright.personas.text_lines import FoundWithEvidence, read_each, read_text_file

MAX_CHARACTERS = 12_000
"""How much of a text a model is shown: about two thousand words."""
PASSAGE_CHARACTERS = 2_000
LEAST_WORDS = 5
GAP = "[...]"
_LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]+)\]\]|\[([^\[\]]+)\]\([^()\s]*\)")
_MARKUP = re.compile(
    r"'{2,5}|\*{1,3}(?=\S)|(?<=\S)\*{1,3}|\[\d{1,3}\]|<ref[^<>]{0,200}/>|<ref[^<>]{0,200}>[^<>]{0,800}</ref>|^#{1,6}\s+",
    re.MULTILINE,
)
_NO_MENTIONS = word_set("mr mrs ms miss dr sir lady lord the of de la le du von van and captain saint st king queen")


def text_characters(
    path: str | Path,
    *,
    licence: str = "unknown",
    dataset: str | None = None,
    kind: Kind | None = None,
    modern: bool | None = None,
    limit: int | None = None,
    max_characters: int = MAX_CHARACTERS,
) -> Found:
    """Yield the character that each text file at a path is about, in order of path.

    Args:
        path: a text file (UTF-8; also .gz or .zst) or a folder of them.
        licence, dataset, kind, modern: for all characters of the source.
        limit: stop after this many characters.
        max_characters: how much of each text is kept for the model.

    Raises:
        SourceError: nothing is at the path, or no text with words in it.
    """
    origin = Origin.of(Path(path).expanduser(), licence=licence, dataset=dataset, kind=kind, modern=modern)
    return characters_of(text_evidence(path, origin, limit=limit, max_characters=max_characters))


def text_evidence(
    path: str | Path, origin: Origin, *, limit: int | None = None, max_characters: int = MAX_CHARACTERS
) -> FoundWithEvidence:
    """Yield what `text_characters` does, each character with the evidence for its facts."""
    source = Path(path).expanduser()
    read = partial(text_file, max_characters=max_characters)
    return take_good(require_good(read_each(source, read, origin), str(source)), limit)


def text_file(file: DataFile, origin: Origin, *, max_characters: int = MAX_CHARACTERS) -> FoundWithEvidence:
    """Yield the character of one file with its evidence; lines that cannot be read are BadRecords.

    Raises:
        SourceError: the file cannot be read.
    """
    text = read_text_file(file)
    yield from text.bad
    start = body_start(text.lines)
    paragraphs = list(paragraphs_of(text.lines[start:]))
    name = stated_name(text, Path(file.name))
    told = [one for one in paragraphs if " ".join(one.text.split()).strip("#= ") != name.value]
    if sum(len(words_of(one.text)) for one in told) < LEAST_WORDS:
        yield BadRecord(file.name, "no text about anyone in it", excerpt("\n".join(text.lines)))
        return
    opening = next((one for one in told if len(sentences_of(one.text)) and one.text.strip()[-1] in '.!?"”)'), told[0])
    facts = [replace(fact, line=start + fact.line) for fact in text_facts(opening, name.value)]
    about = passages_about(name.value, [_plain(one.text) for one in told], max_characters)
    known, living = _facts_of([name, *facts])
    evidence = tuple(
        Evidence(fact.field, fact.value, " ".join(fact.quote.split()), text.place(fact.line))
        for fact in (name, *facts)
        if fact.quote
    )
    source = origin.at(file.name)
    character = Character(facts={**origin.defaults, **known}, text=about, source=source, living=living)
    yield Evidenced(character, evidence)


def passages_about(name: str, paragraphs: Sequence[str], most: int) -> str:
    """Return the paragraphs of a text, or where they are more than `most` characters, those about `name`.

    What is left out between two kept ones shows as `GAP`. A single paragraph that is too long is cut at a sentence.
    """
    if sum(len(one) + 2 for one in paragraphs) <= most:
        return "\n\n".join(paragraphs)
    wanted = {word for word in words_of(name) if word not in _NO_MENTIONS} or set(words_of(name))
    mentions = [sum(word in wanted for word in words_of(one)) for one in paragraphs]
    parts = passages(paragraphs)
    ranked = sorted(parts, key=lambda part: (-sum(mentions[part.start : part.stop]), part.start))
    kept: set[int] = set()
    for part in ranked:
        new = [index for index in part if index not in kept]
        size = sum(len(paragraphs[index]) + len(GAP) + 4 for index in (*kept, *new))
        if size <= most:
            kept.update(new)
    if not kept:
        return _cut(paragraphs[ranked[0].start], most)
    texts, before = [], -1
    for index in sorted(kept):
        texts += ([GAP] if index != before + 1 else []) + [paragraphs[index]]
        before = index
    return "\n\n".join(texts)


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
    kept, size = [], 0
    for sentence in sentences_of(paragraph):
        if size + len(sentence) + 1 > most:
            break
        kept.append(sentence)
        size += len(sentence) + 1
    return " ".join(kept) or paragraph[:most]


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


def _plain(text: str) -> str:
    return _MARKUP.sub("", _LINK.sub(lambda match: match[1] or match[2], text)).strip()
