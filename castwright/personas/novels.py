"""Characters from novels: each speaker's quoted speech, taken only where the text names the speaker.

Two passes over the paragraphs: the first finds who is named by verbs of speaking, the second gives those paragraphs
to them in which only they act. All quotations of a paragraph are one utterance, as printers have it; a paragraph that
names two speakers gives each only what stands beside the name. What nobody is named for is left out, and how
much that is, is said in one record for the file. (Rejected: a record for each unattributed line, thousands a book.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from castwright.errors import BadRecord
from castwright.personas.attributions import Attribution, acting_speaker, named_speakers
from castwright.personas.card import Kind
from castwright.personas.cast_list import MIN_LINES, Utterance, cast_characters
from castwright.personas.lines import DataFile
from castwright.personas.narration import narration
from castwright.personas.origin import Found, Origin
from castwright.personas.quotes import (
    Paragraph,
    Quotation,
    begins_with_mark,
    paragraphs_of,
    quotations_of,
    speech_marks,
)
from castwright.personas.speaker_names import name_key
from castwright.personas.spoken_line import SpokenLine, spoken_line
from castwright.personas.tables import require_good, take_good
from castwright.personas.text_lines import TextFile, read_each, read_text_file


def novel_characters(
    path: str | Path,
    *,
    licence: str = "unknown",
    dataset: str | None = None,
    kind: Kind | None = None,
    modern: bool | None = None,
    limit: int | None = None,
    min_lines: int = MIN_LINES,
    seed: int = 0,
) -> Found:
    """Yield the speakers of a novel or chapter, or of all files of a folder, in order of path and of first speech.

    Args:
        path: text files (UTF-8; also .gz, .bz2 or .zst); paragraphs are parted by empty lines.
        licence, dataset, kind, modern: for all characters of the source.
        limit: stop after this many characters.
        min_lines: who is surely given fewer utterances is kept aside.
        seed: decides ties between equally good example lines.

    Raises:
        SourceError: nothing is at the path, or not one character with enough lines.
    """
    origin = Origin.of(Path(path).expanduser(), licence=licence, dataset=dataset, kind=kind, modern=modern)
    source = Path(path).expanduser()
    read = partial(novel_file, min_lines=min_lines, seed=seed)
    return take_good(require_good(read_each(source, read, origin), str(source)), limit)


def novel_file(file: DataFile, origin: Origin, *, min_lines: int = MIN_LINES, seed: int = 0) -> Found:
    """Yield the speakers of one file with their evidence; what is left out is a BadRecord.

    Raises:
        SourceError: the file cannot be read.
    """
    text = read_text_file(file)
    yield from text.bad
    speech = quoted_speech(text)
    if not speech.utterances:
        yield BadRecord(file.name, 'no speech with a named speaker in it: wanted is "...," said NAME')
        return
    told = list(narration(text, list(paragraphs_of(text.lines))))
    yield from cast_characters(speech.utterances, file.name, origin, min_lines=min_lines, seed=seed, told=told)
    if speech.unattributed:
        reason = f"{len(speech.unattributed)} quoted passages name no speaker: left out, as speakers are not guessed"
        yield BadRecord(speech.unattributed[0].place, reason, speech.unattributed[0].text[:200])


@dataclass(frozen=True, slots=True)
class QuotedSpeech:
    """The quoted speech of a text: what has a speaker, and what has none."""

    utterances: tuple[Utterance, ...]
    unattributed: tuple[SpokenLine, ...]


@dataclass(frozen=True, slots=True)
class _Passage:
    """A paragraph with its quotations, and the paragraphs that go on with the last one."""

    paragraph: Paragraph
    quotations: tuple[Quotation, ...]
    following: tuple[str, ...]
    named: tuple[Attribution, ...]


def quoted_speech(text: TextFile) -> QuotedSpeech:
    """Return the quoted speech of a text, paragraph by paragraph, in order."""
    passages = list(_passages(list(paragraphs_of(text.lines))))
    known = frozenset(name_key(item.name) for passage in passages for item in passage.named)
    utterances: list[Utterance] = []
    unattributed: list[SpokenLine] = []
    for passage in passages:
        for spoken in _spoken(passage, known, text):
            if spoken.label:
                utterances.append(spoken)
            else:
                unattributed.append(spoken.line)
    return QuotedSpeech(tuple(utterances), tuple(unattributed))


def _passages(paragraphs: Sequence[Paragraph]) -> Iterator[_Passage]:
    family = speech_marks(paragraphs)
    index = 0
    while index < len(paragraphs):
        paragraph = paragraphs[index]
        index += 1
        found = quotations_of(paragraph.text, family)
        following: list[str] = []
        last = found
        # every paragraph of a long speech begins with the mark, and only the last one closes it
        while last and not last[-1].closed and index < len(paragraphs) and begins_with_mark(paragraphs[index], family):
            last = quotations_of(paragraphs[index].text, family)
            if not last or len(last) > 1:
                break
            following.append(last[0].text)
            index += 1
        if found and not found[-1].closed and not following:
            found = found[:-1]
        said = tuple(quotation for quotation in found if quotation.is_speech)
        if said:
            named = named_speakers(paragraph.text, said)
            if following and not named:  # a long speech may name its speaker at its end
                tail = named_speakers(paragraphs[index - 1].text, last)
                named = [Attribution(item.name, len(said) - 1) for item in tail]
            yield _Passage(paragraph, said, tuple(following), tuple(named))


def _spoken(passage: _Passage, known: frozenset[str], text: TextFile) -> Iterator[Utterance]:
    """Yield what is said: one utterance for the passage, or one for each named quotation; nobody's label is ""."""
    names = {name_key(item.name): item.name for item in passage.named}
    parts: list[tuple[str, tuple[Quotation, ...]]]
    if len(names) > 1:
        by_index = {item.index: item.name for item in passage.named}
        parts = [(by_index.get(index, ""), (quotation,)) for index, quotation in enumerate(passage.quotations)]
    else:
        acting = "" if names else acting_speaker(passage.paragraph.text, passage.quotations, known)
        parts = [(next(iter(names.values()), acting), passage.quotations)]
    for name, quotations in parts:
        pieces = [quotation.text for quotation in quotations]
        if quotations[-1] is passage.quotations[-1]:
            pieces += passage.following
        index = passage.paragraph.line_at(quotations[0].start)
        line = spoken_line(pieces, text.place(index))
        if line is not None:
            said = _as_said(passage.paragraph.text, quotations, passage.following)
            yield Utterance(name, replace(line, text=said), tuple(pieces))


def _as_said(text: str, quotations: Sequence[Quotation], following: Sequence[str]) -> str:
    """Return speech as it was said: a comma that only leads to "said she" becomes the full stop that it stands for."""
    pieces = []
    for index, quotation in enumerate(quotations):
        piece = quotation.text.strip()
        last = index + 1 == len(quotations)
        between = "" if last else text[quotation.end : quotations[index + 1].start].rstrip()
        ended = not following if last else between.endswith((".", "!", "?"))
        pieces.append(f"{piece[:-1]}." if ended and piece.endswith(",") else piece)
    words = " ".join(" ".join([*pieces, *following]).split())
    return words.replace("_", "")  # the italics of plain texts
