"""Files as bytes and numbered lines: what is compressed is opened, what is UTF-16 becomes UTF-8.

What the first bytes say goes before the name (a .jsonl that is gzip is read as gzip). Lines are split at
the byte level and decoded one by one, so that a line in a wrong encoding is one bad line; a text stream,
which was rejected, fails for its whole buffer and no longer knows where. A line has a bound, because a file
without a line end must not fill the memory.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from castwright.errors import SourceError

Line = tuple[int, bytes, str]  # its number from 1, its bytes with the line end, what is wrong with it or ""

MAX_LINE_BYTES = 64 * 1024 * 1024
EXCERPT_CHARACTERS = 200
READABLE = ".csv, .tsv, .jsonl, .ndjson, .json (each also as .gz or .zst) and .parquet"

_PROSE = (".md", ".markdown")
_TEXT = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json"}
_PARQUET = {".parquet": "parquet", ".pq": "parquet"}
_COMPRESSIONS = {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}
_BOMS = (  # UTF-32 first: its little-endian mark begins like that of UTF-16
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_BUFFER_BYTES = 1 << 16
_DAMAGE = (OSError, EOFError, zlib.error, UnicodeDecodeError)  # what a broken stream raises while it is read


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file to read: where it is, how places call it, and its format ("csv", "jsonl", ...)."""

    path: Path
    name: str
    format: str


class _Stream(Protocol):
    def readline(self, limit: int = -1, /) -> bytes: ...
    def read(self) -> bytes: ...
    def close(self) -> None: ...


def format_of(path: Path) -> str | None:
    """Return the format that a file's name states, or None when castwright does not read it."""
    suffix = path.suffix.lower()
    if suffix in _COMPRESSIONS:
        return _TEXT.get(Path(path.stem).suffix.lower())
    return _TEXT.get(suffix) or _PARQUET.get(suffix)


def stem_of(path: Path) -> str:
    """Return a path's name without the extensions that state its format ("cast.v2.csv.gz" is "cast.v2")."""
    name = Path(path.name or path.resolve().name)
    while name.stem and name.suffix.lower() in (*_COMPRESSIONS, *_TEXT, *_PARQUET, *_PROSE):
        name = name.with_suffix("")
    return name.name


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
            except _DAMAGE as error:
                if number == 1:
                    raise SourceError(f"cannot read {file.path}: {reason_of(error)}") from error
                yield number, b"", f"the file is cut off or damaged from here on: {reason_of(error)}"
                return
            if not line:
                return
            yield number, line, trouble


def read_bytes(file: DataFile) -> bytes:
    """Return a whole text file, decompressed, as UTF-8.

    Raises:
        SourceError: it cannot be opened, or is cut off or damaged.
    """
    with closing(_open(file)) as stream:
        try:
            return stream.read()
        except _DAMAGE as error:
            raise SourceError(f"cannot read {file.path}: {reason_of(error)}") from error


def unreadable(line: bytes) -> str:
    """Return why a line is no text ("not UTF-8: ..."), or an empty string when it is."""
    if b"\0" in line:
        return "a NUL byte in it: the file is damaged, or UTF-16 without a byte order mark"
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte 0x{line[error.start]:02x} at position {error.start + 1}; save the file as UTF-8"
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
    return " ".join(str(getattr(error, "strerror", None) or error or type(error).__name__).split())


def _pass_over(line: bytes, stream: _Stream) -> bytes:
    head = line[: 4 * EXCERPT_CHARACTERS]
    while line and not line.endswith(b"\n"):
        line = stream.readline(_BUFFER_BYTES)
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
    except _DAMAGE as error:
        raise SourceError(f"cannot read {file.path}: {reason_of(error)}") from error


def _decompressed(raw: io.BufferedReader, file: DataFile) -> io.BufferedReader:
    head = raw.peek(4)[:4]
    suffix = file.path.suffix.lower()
    if head and suffix in _COMPRESSIONS and not head.startswith(_COMPRESSIONS[suffix]):
        raise SourceError(f"{file.path} is named {suffix} but is not compressed in that way: rename it")
    if head.startswith(_COMPRESSIONS[".gz"]):
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), _BUFFER_BYTES)
    if head.startswith(_COMPRESSIONS[".zst"]):
        import pyarrow as pa

        return io.BufferedReader(pa.CompressedInputStream(raw, "zstd"), _BUFFER_BYTES)
    return raw


def _decoded(stream: io.BufferedReader) -> _Stream:
    head = stream.peek(4)[:4]
    if head.startswith(b"\xef\xbb\xbf"):
        stream.read(3)
    encoding = next((name for mark, name in _BOMS if head.startswith(mark)), None)
    return stream if encoding is None else _Transcoded(stream, encoding)


class _Transcoded:
    """A UTF-16 or UTF-32 stream as UTF-8; what does not decode becomes bytes that are not UTF-8."""

    def __init__(self, stream: io.BufferedReader, encoding: str) -> None:
        self._text = io.TextIOWrapper(stream, encoding, errors="surrogatepass", newline="\n")

    def readline(self, limit: int = -1, /) -> bytes:
        return self._text.readline(limit).encode("utf-8", "surrogatepass")

    def read(self) -> bytes:
        return self._text.read().encode("utf-8", "surrogatepass")

    def close(self) -> None:
        self._text.close()
