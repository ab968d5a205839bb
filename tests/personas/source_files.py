"""Small source files of every format, put together here byte by byte so that no writer of ours checks its reader."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SIGNATURE = b"\x89PNG\r\n\x1a\n"
V1 = {
    "name": "Vera",
    "description": "{{char}} keeps bees on a flat roof.",
    "personality": "dry, patient",
    "scenario": "",
    "first_mes": "Mind the bees.",
    "mes_example": "<START>\n{{user}}: Hello!\n{{char}}: They sting the hasty.",
}
V2 = {"spec": "chara_card_v2", "spec_version": "2.0", "data": {**V1, "tags": ["oc"], "extensions": {"other": {"a": 1}}}}
V3 = {
    "spec": "chara_card_v3",
    "spec_version": "3.0",
    "data": {
        **V1,
        "name": "Vera Moth",
        "nickname": "Vera",
        "assets": [{"type": "icon", "uri": "ccdefault:", "name": "main", "ext": "png"}],
        "group_only_greetings": [],
        "source": ["https://example.org/vera"],
        "character_book": {"entries": [{"constant": True, "enabled": True, "content": "Her roof is in Hull."}]},
    },
}
OLD = {"char_name": "Vera", "char_persona": "She keeps bees.", "char_greeting": "Mind the bees.", "world_scenario": ""}


def chunk(kind: bytes, data: bytes, crc: int | None = None) -> bytes:
    """Return a PNG chunk, with a checksum of its own where `crc` says no other."""
    checksum = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


HEADER = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
PIXELS = chunk(b"IDAT", zlib.compress(b"\0\0"))
END = chunk(b"IEND", b"")


def png(*chunks: bytes) -> bytes:
    """Return a picture of one pixel with more chunks before its pixels."""
    return SIGNATURE + HEADER + b"".join(chunks) + PIXELS + END


def coded(card: Any) -> bytes:
    """Return a card as PNG chunks hold it: base64 of JSON."""
    return base64.b64encode(json.dumps(card).encode())


def text_chunk(card: Any, keyword: bytes = b"chara") -> bytes:
    """Return a tEXt chunk with a card."""
    return chunk(b"tEXt", keyword + b"\0" + coded(card))


def parquet(table: pa.Table | dict[str, Any], **options: Any) -> bytes:
    """Return a table as the bytes of a parquet file."""
    sink = io.BytesIO()
    pq.write_table(pa.table(table) if isinstance(table, dict) else table, sink, **options)
    return sink.getvalue()


def zstd(data: bytes) -> bytes:
    """Return bytes compressed as Zstandard."""
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


def json_lines(*rows: Any, end: str = "\n") -> bytes:
    """Return JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + end for row in rows).encode()


def entity(number: int, name: str, **claims: int | str) -> dict[str, Any]:
    """Return an entity of Wikidata with a label and claims: an item by its number, a time as it is written."""
    told = {"P31": 5, **claims}
    return {
        "type": "item",
        "id": f"Q{number}",
        "labels": {"en": {"language": "en", "value": name}} if name else {},
        "descriptions": {},
        "claims": {key: [_claim(value)] for key, value in told.items()},
        "modified": "2024-05-01T00:00:00Z",
    }


def _claim(value: int | str) -> dict[str, Any]:
    held: dict[str, Any] = {"entity-type": "item", "numeric-id": value, "id": f"Q{value}"}
    if isinstance(value, str):
        held = {"time": value, "precision": 9}
    return {"mainsnak": {"snaktype": "value", "datavalue": {"value": held}}, "type": "statement", "rank": "normal"}


def dump(*entities: dict[str, Any]) -> bytes:
    """Return entities as Wikidata lays out its dumps: an array, one a line, a comma behind each but the last."""
    return b"[\n" + b",\n".join(json.dumps(one).encode() for one in entities) + b"\n]\n"


OCCUPATION = entity(82594, "lighthouse keeper", P31=28640)
GRACE = entity(455, "Grace Darling", P106=82594, P569="+1815-11-24T00:00:00Z", P570="+1842-10-20T00:00:00Z")
IDA = entity(456, "Ida Lewis", P106=82594, P569="+1842-02-25T00:00:00Z", P570="+1911-10-24T00:00:00Z")
