"""The row contracts: what columns each table has, and how a row gets its id.

Parquet schemas are written down instead of inferred, so a table with no rejected row, no shots or no age
has the same columns as any other and two runs are equal byte for byte.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pyarrow as pa

from castwright.personas.store import cards_schema

_JSON = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=str)
_text = pa.string()
_texts = pa.list_(pa.string())
_messages = pa.list_(pa.struct([("role", _text), ("content", _text)]))

LINEAGE: list[tuple[str, pa.DataType]] = [
    ("row_id", _text),
    ("parents", _texts),
    ("stage", _text),
    ("model", _text),
]
VERDICT: list[tuple[str, pa.DataType]] = [
    ("verdict", _text),
    ("filter", _text),
    ("reason", _text),
    ("score", pa.float64()),
]

_BODIES: dict[str, list[tuple[str, pa.DataType]]] = {
    "seed_examples": [
        ("persona_id", _text),
        ("question_id", _text),
        ("question", _text),
        ("response", _text),
        ("refined_by", _text),
        ("refined_at", _text),
        ("original_response", _text),
    ],
    "style_pairs": [
        ("formal", _text),
        ("casual", _text),
        ("previous", _text),
        ("chat_source", _text),
        ("variant", pa.int64()),
        ("split", _text),
        ("formality_formal", pa.float64()),
        ("formality_casual", pa.float64()),
        ("similarity", pa.float64()),
    ],
    "persona_responses": [
        ("persona_id", _text),
        ("question_id", _text),
        ("question_kind", _text),
        ("question", _text),
        ("messages", _messages),
        ("raw_response", _text),
        ("response", _text),
        ("rewritten", pa.bool_()),
        ("rewrite_refusal_reason", _text),
        ("rewrite_similarity", pa.float64()),
        ("shots", _texts),
        ("split", _text),
    ],
    "contrastive_pairs": [
        ("pair_id", _text),
        ("persona_id", _text),
        ("question", _text),
        ("answer", _text),
        ("persona_answer", _text),
        ("sft_source", _text),
        ("check", pa.struct([("method", _text), ("agreed", pa.bool_()), ("detail", _text)])),
        ("messages", _messages),
        ("split", _text),
    ],
    "dialogues": [
        ("persona_id", _text),
        ("question_id", _text),
        ("messages", _messages),
        ("round", pa.int64()),
        ("ask_model", _text),
        ("chat_model", _text),
        ("ended_by", _text),
        ("failure", _text),
        ("split", _text),
    ],
    "preference_pairs": [
        ("persona_id", _text),
        ("prompt", _messages),
        ("chosen", _messages),
        ("rejected", _messages),
        ("criterion", _text),
        ("length_ratio", pa.float64()),
        ("similarity", pa.float64()),
        ("margin", pa.float64()),
        ("split", _text),
    ],
    "instruction_pretraining": [
        ("script_id", _text),
        ("title", _text),
        ("source", _text),
        ("part", pa.int64()),
        ("text", _text),
        ("segments", pa.list_(pa.struct([("role", _text), ("text", _text), ("train", pa.bool_())]))),
        ("spans", pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64())]))),
        ("turns", pa.int64()),
        ("split", _text),
    ],
    "curate": [
        ("table", _text),
        ("persona_id", _text),
        ("pair_id", _text),
        ("question", _text),
        ("response", _text),
        ("split", _text),
    ],
}

SCHEMAS: dict[str, pa.Schema] = {"personas": cards_schema()} | {
    table: pa.schema([*body, *LINEAGE, *VERDICT]) for table, body in _BODIES.items()
}


def row_digest(*parts: Any) -> str:
    """Return the id of a row: "r-" and 20 hex characters of the SHA-256 of what determines it (JSON-ready)."""
    return digest_of_json(*map(_JSON.encode, parts))


def digest_of_json(*parts: str) -> str:
    """Return the `row_digest` of parts that are JSON text already, as `stage.as_json` writes it."""
    return "r-" + hashlib.sha256(f"[{', '.join(parts)}]".encode()).hexdigest()[:20]


def unit_draw(*parts: Any) -> float:
    """Return a number in [0, 1) that depends on `parts` alone: a seeded draw without a generator's state."""
    text = _JSON.encode(parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big") / 2**56
