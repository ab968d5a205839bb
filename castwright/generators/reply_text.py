"""What a model's reply says, without what models wrap around it."""

from __future__ import annotations

import re

_PREAMBLE = re.compile(
    r"^(?:sure|certainly|of course|here(?: is|'s))\b[^\n]{0,80}:\s*\n+|^(?:rewritten|rewrite|answer|response)\s*:\s*",
    re.IGNORECASE,
)
_THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)
_QUOTES = {'"': '"', "“": "”", "'": "'"}


def clean_reply(text: str) -> str:
    """Return the reply without thinking blocks, a leading announcement, or quotes around the whole.

    Raises:
        ValueError: nothing is left.
    """
    cleaned = _PREAMBLE.sub("", _THINKING.sub("", text).strip()).strip()
    if len(cleaned) > 1 and _QUOTES.get(cleaned[0]) == cleaned[-1] and cleaned[0] not in cleaned[1:-1]:
        cleaned = cleaned[1:-1].strip()
    if not cleaned:
        raise ValueError("the reply is empty")
    return cleaned
