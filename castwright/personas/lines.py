"""Files as bytes and numbered lines: what is compressed is opened, what is UTF-16 becomes UTF-8.

What the first bytes say goes before the name (a .jsonl that is gzip is read as gzip). Lines are split at
the byte level and decoded one by one, so that a line in a wrong encoding is one bad line; a text stream,
which was rejected, fails for its whole buffer and no longer knows where. A line has a bound, because a file
without a line end must not fill the memory.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from castwright.errors import SourceError
from castwright.personas.packed import BUFFER_BYTES, DAMAGE, SUFFIXES, packed_as, unpacked

Line = tuple[int, bytes, str]  # its number from 1, its bytes with the line end, what is wrong with it or ""

MAX_LINE_BYTES = 64 * 1024 * 1024
EXCERPT_CHARACTERS = 200
READABLE = ".csv, .tsv, .jsonl, .ndjson, .json (each also as .gz, .bz2 or .zst) and .parquet"

_PROSE = (".md", ".markdown")
_TEXT = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json"}
_PARQUET = {".parquet": "parquet", ".pq": "parquet"}
_BOMS = (  # UTF-32 first: its little-endian mark begins like that of UTF-16
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file to read: where it is, how places call it, and its format ("csv", "jsonl", ...)."""

    path: Path
    name: str
    format: str


class _Stream(Protocol):
    def readline(self, limit: int = -1, /) -> bytes: ...
    def read1(self, limit: int = -1, /) -> bytes: ...
    def read(self) -> bytes: ...
    def close(self) -> None: ...


def plain_suffix(path: Path) -> str:
    """Return the extension that says what a file holds, in small letters: ".csv" of "a.CSV" and of "a.csv.gz"."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in SUFFIXES else suffix


def format_of(path: Path) -> str | None:
    """Return the format that a file's name states, or None when castwright does not read it."""
    return _TEXT.get(plain_suffix(path)) or _PARQUET.get(path.suffix.lower())


def stem_of(path: Path) -> str:
    """Return a path's name without the extensions that state its format ("cast.v2.csv.gz" is "cast.v2")."""
    name = Path(shown(path.name or path.resolve().name))
    while name.stem and name.suffix.lower() in (*SUFFIXES, *_TEXT, *_PARQUET, *_PROSE):
        name = name.with_suffix("")
    return name.name


def shown(name: str) -> str:
    """Return a file's name as text that can be written: bytes of it that are not UTF-8 as "\\udce9"."""
    return name.encode("utf-8", "backslashreplace").decode()


def read_lines(file: DataFile) -> Iterator[Line]:
    """Yield a text file's lines with their numbers; a damaged stream ends in one line that says so.

    A line longer than `MAX_LINE_BYTES` comes as its first bytes, and its rest is passed over.

    Raises:
        SourceError: the file cannot be opened, or not even its first line can be read.
    """
    with closing(_open(file)) as stream:
        number = 0
        while True:
            number += 1
            try:
                line, trouble = stream.readline(MAX_LINE_BYTES + 1), ""
                if len(line) > MAX_LINE_BYTES:
                    line, trouble = _pass_over(line, stream), f"a line of more than {MAX_LINE_BYTES:,} bytes"
            except DAMAGE as error:
                if number == 1:
                    raise SourceError(f"cannot read {file.path}: {_trouble(error)}") from error
                yield number, b"", _cut_off(error)
                return
            if not line:
                return
            yield number, line, trouble


def read_buffers(file: DataFile, size: int) -> Iterator[tuple[bytes, str]]:
    """Yield a text file's bytes as they come, at most about `size` at a time, each with what is wrong or "".

    A damaged stream ends in one empty buffer that says so.

    Raises:
        SourceError: the file cannot be opened, or not even its first bytes can be read.
    """
    with closing(_open(file)) as stream:
        first = True
        while True:
            try:
                data = stream.read1(size)
            except DAMAGE as error:
                if first:
                    raise SourceError(f"cannot read {file.path}: {_trouble(error)}") from error
                yield b"", _cut_off(error)
                return
            if not data:
                return
            yield data, ""
            first = False


def read_head(path: Path, size: int = BUFFER_BYTES) -> bytes:
    """Return a file's first bytes, unpacked and as UTF-8, from the first one that is not blank.

    Raises:
        SourceError: the file cannot be opened, or not even its first bytes can be read.
    """
    head = b""
    for data, _ in read_buffers(DataFile(path, path.name, ""), size):
        head = (head + data).lstrip()
        if len(head) >= size:
            break
    return head[:size]


def read_bytes(file: DataFile) -> bytes:
    """Return a whole text file, decompressed, as UTF-8.

    Raises:
        SourceError: it cannot be opened, or is cut off or damaged.
    """
    with closing(_open(file)) as stream:
        try:
            return stream.read()
        except DAMAGE as error:
            raise SourceError(f"cannot read {file.path}: {_trouble(error)}") from error


def unreadable(line: bytes) -> str:
    """Return why a line, or a whole file, is no text ("not UTF-8: ..."), or an empty string when it is."""
    if b"\0" in line:
        return "a NUL byte in it: the file is damaged, or UTF-16 without a byte order mark"
    try:
        line.decode()
    except UnicodeDecodeError as error:
        start = line.rfind(b"\n", 0, error.start) + 1
        number = line.count(b"\n", 0, start) + 1
        where = f"{f'line {number} ' if start else ''}position {error.start - start + 1}"
        return f"not UTF-8: byte 0x{line[error.start]:02x} at {where}; save the file as UTF-8"
    return ""


def excerpt(content: Any) -> str:
    """Return the first 200 characters of a line (bytes or text) or of any JSON-like value."""
    if isinstance(content, bytes):
        content = content[: 4 * EXCERPT_CHARACTERS].decode("utf-8", "replace")
    elif not isinstance(content, str):
        try:
            content = json.dumps(content, ensure_ascii=False, default=str)
        except (ValueError, TypeError, RecursionError):
            content = f"a {type(content).__name__} that JSON cannot show"
    return str(content)[:EXCERPT_CHARACTERS].rstrip("\r\n")


def reason_of(error: BaseException) -> str:
    """Return an exception's message as one line, without the path an OSError repeats."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(shown(str(reason)).split())


def _trouble(error: BaseException) -> str:
    """Return what an error says, and where it is not the system's own, what it means."""
    stated = isinstance(error, OSError) and error.errno is not None
    return reason_of(error) if stated else f"it is cut off or damaged ({reason_of(error)}): get or save it again"


def _cut_off(error: BaseException) -> str:
    return f"the file is cut off or damaged from here on: {reason_of(error)}"


def _pass_over(line: bytes, stream: _Stream) -> bytes:
    head = line[: 4 * EXCERPT_CHARACTERS]
    while line and not line.endswith(b"\n"):
        line = stream.readline(BUFFER_BYTES)
    return head


def _open(file: DataFile) -> _Stream:
    """Open a file as a stream of UTF-8 bytes: decompressed, transcoded, without a byte order mark."""
    try:
        raw = file.path.open("rb")
        try:
            return _decoded(_decompressed(raw, file))
        except BaseException:
            raw.close()
            raise
    except DAMAGE as error:
        raise SourceError(f"cannot read {file.path}: {_trouble(error)}") from error


def _decompressed(raw: io.BufferedReader, file: DataFile) -> io.BufferedReader:
    head = raw.peek(BUFFER_BYTES)
    suffix = file.path.suffix.lower()
    if head and suffix in SUFFIXES and packed_as(head) != suffix:
        raise SourceError(f"{file.path} is named {suffix} but is not compressed in that way: rename it")
    return unpacked(raw)


def _decoded(stream: io.BufferedReader) -> _Stream:
    head = stream.peek(4)[:4]
    if head.startswith(b"\xef\xbb\xbf"):
        stream.read(3)
    encoding = next((name for mark, name in _BOMS if head.startswith(mark)), None)
    if encoding is not None:
        return _Transcoded(io.TextIOWrapper(stream, encoding, errors="surrogatepass", newline="\n"), "surrogatepass")
    head = stream.peek(BUFFER_BYTES)
    if b"\r" in head and b"\n" not in head and b"\0" not in head:  # the line ends of old Macs
        text = io.TextIOWrapper(stream, "utf-8", errors="surrogateescape", newline=None)
        return _Transcoded(text, "surrogateescape")
    return stream


class _Transcoded:
    """A text as a stream of UTF-8 bytes; what does not decode becomes bytes that are not UTF-8."""

    def __init__(self, text: io.TextIOWrapper, errors: str) -> None:
        self._text, self._errors = text, errors

    def readline(self, limit: int = -1, /) -> bytes:
        return self._text.readline(limit).encode("utf-8", self._errors)

    def read1(self, limit: int = -1, /) -> bytes:
        return self._text.read(limit).encode("utf-8", self._errors)

    def read(self) -> bytes:
        return self._text.read().encode("utf-8", self._errors)

    def close(self) -> None:
        self._text.close()
