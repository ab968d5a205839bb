"""Compressed files as streams of plain bytes: gzip, bzip2 and Zstandard, known by their first bytes.

A file that was cut off on its way is common, and all that was packed before the cut can be unpacked: each reader
hands out what it has before it says that the rest is missing. Python's own buffered readers do not: they drop up to
a buffer of good bytes when an error comes. For Zstandard, pyarrow's stream is taken, which is a dependency already;
it too forgets what it has at an error, so a damaged file is unpacked a second time up to its last good byte.
(Rejected: the `zstandard` package, one dependency more for one reader.)
"""

from __future__ import annotations

import bz2
import gzip
import io
import re
import zlib
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

SUFFIXES = (".gz", ".bz2", ".zst")
DAMAGE = (OSError, EOFError, zlib.error, UnicodeDecodeError)
"""What a stream raises while it is read when it is cut off or damaged."""
BUFFER_BYTES = 1 << 16
_MARKS = {  # the whole mark of bzip2: its first three letters could begin a text
    ".gz": re.compile(rb"\x1f\x8b"),
    ".bz2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"),
    ".zst": re.compile(rb"\x28\xb5\x2f\xfd"),
}
_MARK_BYTES = 10


def packed_as(head: bytes) -> str:
    """Return how bytes that begin like this are compressed (".gz", ".bz2", ".zst"), or ""."""
    return next((suffix for suffix, mark in _MARKS.items() if mark.match(head)), "")


def unpacked(raw: io.BufferedReader) -> io.BufferedReader:
    """Return a file's bytes as a stream: decompressed where its first bytes say so. Closing it closes the file.

    Reading raises one of `DAMAGE` where the file is cut off or damaged, behind all bytes that were good.
    """
    match packed_as(raw.peek(_MARK_BYTES)[:_MARK_BYTES]):
        case ".gz":
            stream: io.RawIOBase = _Unpacked(raw, cast("BinaryIO", gzip.GzipFile(fileobj=raw)))
        case ".bz2":
            stream = _Unpacked(raw, cast("BinaryIO", bz2.BZ2File(raw)))
        case ".zst":
            stream = _Zstandard(raw)
        case _:
            return raw
    return io.BufferedReader(stream, BUFFER_BYTES)


class _Unpacked(io.RawIOBase):
    """A decompressor of the standard library, read a piece at a time so that no piece is lost to the next."""

    def __init__(self, raw: io.BufferedReader, stream: BinaryIO) -> None:
        self._raw, self._stream = raw, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = cast("io.BufferedReader", self._stream).read1(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Zstandard(io.RawIOBase):
    """A Zstandard stream of pyarrow, which is opened anew to fetch the bytes before an error."""

    def __init__(self, raw: io.BufferedReader) -> None:
        import pyarrow as pa

        self._raw = raw
        self._at = 0  # bytes handed out
        self._slow = False  # an error is near: byte by byte from here on
        self._open = partial(pa.CompressedInputStream, compression="zstd")
        self._stream = self._open(raw)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = b""
        if not self._slow:
            try:
                data = self._stream.read(len(buffer))
            except OSError:
                self._slow = True
                self._raw = Path(self._raw.name).open("rb")  # noqa: SIM115 (the first one ends with its stream)
                self._stream = self._open(self._raw)
                for start in range(0, self._at, BUFFER_BYTES):
                    self._stream.read(min(BUFFER_BYTES, self._at - start))
        if self._slow:
            data = self._stream.read(1)
        self._at += len(data)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._raw.close()
        super().close()
