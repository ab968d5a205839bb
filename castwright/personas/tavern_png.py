"""Character cards inside PNG files: text chunks read and written, the picture never decoded.

A PNG is a signature and a row of chunks (length, type, data, CRC-32), so the card is found by hopping from chunk to
chunk: the picture's bytes are seeked over, and a broken or hostile picture costs nothing. Both keywords in use are
known: `ccv3` (V3, goes first) and `chara` (V1, V2), each base64 of JSON in tEXt, zTXt or iTXt.
(Rejected: an image library, a dependency whose decoders would have to be trusted for a few hundred bytes of text.)

Sources: PNG specification (third edition) sections 5 and 11.3; Character Card V1, V2 and V3, "Embedding methods".
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from castwright.personas.json_value import load_json

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORDS = ("ccv3", "chara")  # in the order in which they count
MAX_TEXT_BYTES = 32 * 1024 * 1024
_TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt")
_PICTURES = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "GIF": re.compile(rb"GIF8"),
    "WebP": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
_KEYWORD_BYTES = 80  # 79 and the null behind it


class PngError(ValueError):
    """A file that is no PNG, is damaged, or holds no card; the message says which."""


def read_png_card(path: Path) -> Any:
    """Return the JSON value of the card in a PNG file, V3's before V2's; a broken one gives way to the other.

    Raises:
        PngError: not a PNG, cut off, no card, or one whose chunk, base64 or JSON is broken.
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        chunks = _card_chunks(stream)
    if not chunks:
        raise PngError("a PNG without a character card (no text chunk 'chara' or 'ccv3')")
    troubles = []
    for keyword in KEYWORDS:
        for data in chunks.get(keyword, ()):
            try:
                return load_json(_unpacked(data))
            except ValueError as error:
                troubles.append(f"the card in the text chunk {keyword!r}: {error}")
    raise PngError(troubles[0])


def png_with_card(png: bytes, cards: Mapping[str, bytes]) -> bytes:
    """Return a PNG with cards (keyword -> JSON bytes) before its end; cards it held before are taken out.

    Raises:
        PngError: the bytes are no whole PNG.
    """
    out = bytearray(SIGNATURE)
    stream = io.BytesIO(png)
    for kind, length in _chunks(stream):
        data = stream.read(length)
        if kind == b"IEND":
            for keyword, value in cards.items():
                out += _chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + base64.b64encode(value))
        if kind not in _TEXT_CHUNKS or _keyword(data) not in KEYWORDS:
            out += _chunk(kind, data)
    return bytes(out)


def blank_png(colour: tuple[int, int, int], width: int = 256, height: int = 384) -> bytes:
    """Return a PNG of one colour (red, green, blue from 0 to 255), about a kilobyte."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes(colour) * width) * height
    parts = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows, 9)), _chunk(b"IEND", b""))
    return SIGNATURE + b"".join(parts)


def is_png(head: bytes) -> bool:
    """Return whether a file that begins like this is a PNG."""
    return head.startswith(SIGNATURE)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield type and length of each chunk, with the stream at its data; IEND is the last.

    Raises:
        PngError: no PNG, or one that ends before its IEND.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    head = stream.read(12)
    if not is_png(head):
        raise PngError(_no_png(head) if size else "an empty file")
    stream.seek(len(SIGNATURE))
    first = True
    while True:
        header = stream.read(8)
        if len(header) < 8:
            raise PngError("a PNG that is cut off: it has no end (IEND)")
        length, kind = struct.unpack(">I4s", header)
        if first and kind != b"IHDR":
            raise PngError("a damaged PNG: it does not begin with a header (IHDR)")
        first = False
        start = stream.tell()
        if start + length + 4 > size:
            raise PngError(f"a PNG that is cut off or damaged in its chunk {kind.decode('latin-1')!r}")
        yield kind, length
        if kind == b"IEND":
            return
        stream.seek(start + length + 4)


def _no_png(head: bytes) -> str:
    other = next((name for name, mark in _PICTURES.items() if mark.match(head)), "")
    return f"not a PNG but a {other}: a converted picture has lost its card, get the PNG" if other else "not a PNG"


def _card_chunks(stream: BinaryIO) -> dict[str, list[bytes]]:
    """Return the text chunks that hold cards (type and data), by keyword.

    Raises:
        PngError: as `_chunks`; a card of an absurd size.
    """
    found: dict[str, list[bytes]] = {}
    for kind, length in _chunks(stream):
        if kind not in _TEXT_CHUNKS:
            continue
        head = stream.read(min(length, _KEYWORD_BYTES))
        if (keyword := _keyword(head)) not in KEYWORDS:
            continue
        if length > MAX_TEXT_BYTES:
            raise PngError(f"the card in the text chunk {keyword!r} has more than {MAX_TEXT_BYTES:,} bytes")
        data = kind + head + stream.read(length - len(head))
        stated = struct.unpack(">I", stream.read(4))[0]
        # a wrong checksum is said when the chunk is unpacked, so that the other keyword's card can still be taken
        found.setdefault(keyword, []).append(data if zlib.crc32(data) == stated else b"")
    return found


def _keyword(data: bytes) -> str:
    return data[:_KEYWORD_BYTES].partition(b"\0")[0].decode("latin-1").lower()


def _unpacked(chunk: bytes) -> bytes:
    """Return the JSON bytes in a text chunk (its type, then its data).

    Raises:
        ValueError: wrong checksum, broken compression or base64.
    """
    if not chunk:
        raise ValueError("its checksum (CRC) is wrong: the file is damaged")
    kind, rest = chunk[:4], chunk[4:].partition(b"\0")[2]
    if kind == b"zTXt":
        rest = _inflated(rest[1:])
    elif kind == b"iTXt":
        packed = rest[:1] == b"\1"
        text = rest[2:].split(b"\0", 2)[-1]  # behind the language and the translated keyword
        rest = _inflated(text) if packed else text
    text = re.sub(rb"\s+", b"", rest)
    if text.startswith((b"{", b"[")):
        return rest  # some tools leave the base64 out
    bare = text.rstrip(b"=")
    try:
        return base64.b64decode(bare + b"=" * (-len(bare) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(f"it is no base64: {error}") from None


def _inflated(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(data, MAX_TEXT_BYTES + 1)
    except zlib.error as error:
        raise ValueError(f"its compression is damaged: {error}") from None
    if len(text) > MAX_TEXT_BYTES:
        raise ValueError(f"it has more than {MAX_TEXT_BYTES:,} bytes when it is unpacked")
    if not unpacker.eof:
        raise ValueError("its compression is cut off")
    return text
