"""Texts made to break parsers: none takes long, and each ends in records or one clear error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from castwright.errors import BadRecord, SourceError
from castwright.personas.character import Character
from castwright.personas.free_text import text_characters
from castwright.personas.novels import novel_characters
from castwright.personas.speakers import script_characters

READERS: dict[str, Callable[[Path], Iterator[Character | BadRecord]]] = {
    "script": script_characters,
    "novel": novel_characters,
    "text": text_characters,
}
HOSTILE = {
    "double marks": '"' * 60_000,
    "single marks": " 'a\"" * 15_000,
    "a name without end": '"a," said ' + "Aa " * 18_000,
    "said by nobody": '"a" said ' * 6_000 + "Bob",
    "colons": "A: " * 20_000,
    "open brackets": "ANN: " + "(" * 60_000,
    "empty brackets": "ANN: " + "()" * 30_000,
    "blanks": " " * 60_000 + "x",
    "births": "Ada was born in " * 4_000,
    "beginnings": "Ada was " * 8_000,
    "half a life": "Ada (" + "1815 – " * 8_000,
    "initials": "A. " * 20_000,
    "stars": "*" * 60_000,
    "open notes": "<ref>" * 12_000,
    "open links": "[[" * 30_000,
    "titles": "Mr. " * 15_000 + '"a,"',
    "clocks": "[12:30 " * 8_000,
    "apostrophes": "'" * 60_000,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE)
def test_hostile_repetition_takes_no_time_to_speak_of(reader: str, line: str, tmp_path: Path) -> None:
    """Three lines of 60,000 characters each, in under three seconds on a busy machine."""
    path = tmp_path / "h.txt"
    path.write_text(f"{line}\n" * 3, encoding="utf-8")
    begun = time.process_time()
    try:
        found = list(READERS[reader](path))
    except SourceError as error:
        assert "no usable record" in str(error)  # noqa: PT017 (either end is right)
    else:
        assert found
    assert time.process_time() - begun < 3
