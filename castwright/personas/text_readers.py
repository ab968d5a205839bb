"""Which texts are scripts, chapters or pages about someone: the readers that a mixed folder asks of each file.

Judged by the first kilobytes with the same parsers that read the file afterwards, so that what a test of the shape
finds is what reading finds. Asked in this order, as a script has headings too and a chapter about someone has both;
each wants more than one sign, for a wrong reader makes characters of nonsense, while a file that no reader takes is
one bad record. (Rejected: deciding by extension: all three are .txt.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from castwright.errors import SourceError
from castwright.personas.free_text import text_file
from castwright.personas.lines import DataFile, format_of, plain_suffix
from castwright.personas.novels import novel_file, quoted_speech
from castwright.personas.origin import Found, Origin
from castwright.personas.quotes import paragraphs_of
from castwright.personas.speakers import script_file, script_utterances
from castwright.personas.speech_words import words_of
from castwright.personas.tables import column_names
from castwright.personas.text_facts import body_start, stated_name
from castwright.personas.text_lines import TextFile

LEAST_UTTERANCES, LEAST_PER_SPEAKER = 5, 1.5
LEAST_PARAGRAPH_WORDS = 20
_TEXT_SUFFIXES = (".txt", ".text", ".md", ".markdown", ".wiki", ".fountain", ".log", "")
_SPEAKERS = frozenset(("character", "speaker", "player"))
_LINES = frozenset(("line", "quote", "dialogue", "dialog", "utterance", "playerline", "speech"))


def is_script(file: DataFile, head: bytes) -> bool:
    """Return whether a file is a script, a chat log or a table of quotes; `head` are its first bytes."""
    if format_of(file.path) is not None:
        try:
            names = {"".join(filter(str.isalnum, name.casefold())) for name in column_names(file.path, rows=1)}
        except SourceError:
            return False  # said again when the file is read as a table
        return bool(names & _SPEAKERS and names & _LINES)
    text = _text(file, head)
    labels = Counter(item.label for item in script_utterances(text)) if text else Counter()
    return labels.total() >= max(LEAST_UTTERANCES, LEAST_PER_SPEAKER * len(labels))


def is_novel(file: DataFile, head: bytes) -> bool:
    """Return whether a file is a story with quoted speech whose speakers are named."""
    text = _text(file, head)
    return text is not None and len(quoted_speech(text).utterances) >= LEAST_UTTERANCES


def is_page(file: DataFile, head: bytes) -> bool:
    """Return whether a file is a page about someone: it states a name above a paragraph that has it.

    Below a name in front matter the paragraph may say "I" instead: a diary does not name its writer.
    """
    text = _text(file, head)
    if text is None:
        return False
    name = stated_name(text, Path("-"))
    wanted = set(words_of(name.value))
    signs = wanted | {"i"} if wanted and name.line < body_start(text.lines) else wanted
    paragraphs = [words_of(one.text) for one in paragraphs_of(text.lines[name.line + 1 :])]
    return any(len(words) >= LEAST_PARAGRAPH_WORDS and signs & set(words) for words in paragraphs)


TEXT_READERS: tuple[tuple[Callable[[DataFile, bytes], bool], Callable[[DataFile, Origin], Found]], ...] = (
    (is_script, script_file),
    (is_novel, novel_file),
    (is_page, text_file),
)
"""What `folder.folder_characters` takes as `others`."""


def _text(file: DataFile, head: bytes) -> TextFile | None:
    """Return a file's first whole lines, or None for what is no text or is named as something else."""
    if plain_suffix(file.path) not in _TEXT_SUFFIXES or b"\0" in head:
        return None
    lines = head.decode("utf-8", "replace").splitlines()
    return TextFile(file.name, lines, list(range(1, len(lines) + 1)))
