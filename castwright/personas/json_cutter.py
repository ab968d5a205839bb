"""The objects of a JSON document, cut out at its brackets while it streams, without parsing it.

For documents that must not be in memory at once (a dump of 1 TB on a single line), and for those that no parser takes
as a whole because they are cut off or have one bad place: what is whole can still be read. Only strings and brackets
are looked at, so a piece is no valid JSON until it has been parsed. (Rejected: an incremental JSON parser, a
dependency that is slower than cutting first and parsing each piece with the fast parser.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_HEAD_BYTES = 800  # of an object that is not whole, for its excerpt
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\]]', re.DOTALL)
_STRING_END = re.compile(rb'["\\]')


class Cutter:
    """Cuts the objects at one depth out of a JSON document that comes in buffers of any length.

    `depth` is how many brackets stand open around them (0: the document is one, 1: they are in a list); of one with
    more than `most` bytes the beginning is kept. `inside` tells that an object has begun and not yet ended.
    """

    def __init__(self, depth: int, most: int) -> None:
        self._at, self._depth, self._most = depth, 0, most
        self._in_string, self._skip = False, False
        self._piece = bytearray()
        self._large = False
        self.inside = False

    @property
    def head(self) -> bytes:
        """The beginning of the object that is being read."""
        return bytes(self._piece[:_HEAD_BYTES])

    def feed(self, buffer: bytes) -> Iterator[tuple[bytes, bool]]:
        """Yield the objects that end in this buffer, each with whether it is too large (and cut)."""
        start = position = 0
        while (mark := self._next(buffer, position)) is not None:
            position, token = mark
            if token in b"{[":
                if self._depth == self._at and token == b"{":
                    self.inside, start = True, position - 1
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth == self._at and self.inside and token == b"}":
                    self._keep(buffer[start:position])
                    yield bytes(self._piece), self._large
                    self._piece.clear()
                    self.inside = self._large = False
        if self.inside:
            self._keep(buffer[start:])

    def _keep(self, data: bytes) -> None:
        if not self._large and len(self._piece) + len(data) > self._most:
            self._large = True
            self._piece = (self._piece + data[:_HEAD_BYTES])[:_HEAD_BYTES]
        elif not self._large:
            self._piece += data

    def _next(self, buffer: bytes, position: int) -> tuple[int, bytes] | None:
        """Return the next bracket and where it ends, or None when the buffer is used up."""
        while position < len(buffer):
            if self._skip:
                self._skip = False
                position += 1
            elif self._in_string:
                found = _STRING_END.search(buffer, position)
                if found is None:
                    return None
                position = found.end()
                self._skip = found.group() == b"\\"
                self._in_string = self._skip
            else:
                found = _TOKEN.search(buffer, position)
                if found is None:
                    return None
                position = found.end()
                token = found.group()
                if token == b'"':
                    self._in_string = True  # its end is in a later buffer
                elif not token.startswith(b'"'):
                    return position, token
        return None
