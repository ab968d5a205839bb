"""One JSON value from bytes, and a whole file's bytes up to a bound, with reasons a user can act on.

The strict parser first, since it is fast and refuses what later breaks a table (half a surrogate pair); Python's
own only for the NaN that Python itself writes, which becomes None. (Rejected: repairing broken JSON, which makes
up values: what is cut off is said to be so.)
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from castwright.personas.lines import DataFile, read_lines, unreadable

MAX_FILE_BYTES = 16 * 1024 * 1024


def load_json(data: bytes) -> Any:
    """Return the value that bytes spell out; NaN and Infinity are None, a byte order mark is passed over.

    Raises:
        ValueError: what is wrong, and where.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if b"NaN" in data or b"Infinity" in data:
            try:
                value = json.loads(data, parse_constant=lambda _: None)
                orjson.dumps(value)  # what the strict parser would have refused besides
            except (ValueError, TypeError, RecursionError):
                pass  # something else is wrong as well: the strict parser's reason stands
            else:
                return value
        where = f"line {error.lineno} column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
        raise ValueError(unreadable(data) or f"not valid JSON: {error.msg} at {where}") from None


def read_whole(file: DataFile) -> bytes:
    """Return a text file, decompressed and as UTF-8.

    Raises:
        SourceError: it cannot be opened.
        ValueError: it is cut off, or has more than `MAX_FILE_BYTES` (counted after decompression).
    """
    parts, size = [], 0
    for _, line, trouble in read_lines(file):
        size += len(line)
        if trouble or size > MAX_FILE_BYTES:
            raise ValueError(trouble or f"a file of more than {MAX_FILE_BYTES:,} bytes")
        parts.append(line)
    return b"".join(parts)
