"""What the model-call benchmark asks and what must come back: rows, and the one right reply to a prompt.

The reply is a function of the prompt, so that the server needs no table and whoever got a reply can check it:
eight phrases of eight words, chosen by the prompt's SHA-256. Every prompt is another one, so that neither a
cache nor a journal can answer a row. Standard library only, because the peers' interpreters import this too.
(Rejected: the offline model of castwright, whose thinking would be the slowest part of the loop.)
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]

MODEL = "benchmark"
_PHRASES, _WORDS_PER_PHRASE, _REPLY_PHRASES = 256, 8, 8
_TOPICS = ("bread", "rivers", "lanterns", "markets", "violins", "harbours", "copper", "winter", "letters", "bees")
_TEXT = (
    "the a this old quiet harbour market keeps its slow light over bread and copper while letters cross winter rivers "
    "some people say that every lantern has two names one for those who stay and another for those who leave before "
    "morning comes with bells"
)


def _phrases() -> tuple[str, ...]:
    draw = random.Random(20)
    return tuple(" ".join(draw.choices(_TEXT.split(), k=_WORDS_PER_PHRASE)) for _ in range(_PHRASES))


_TABLE = _phrases()


def make_rows(count: int) -> list[Row]:
    """Return the input: rows of a number `n` and an `instruction` of some 25 words, every one another."""
    return [
        {
            "n": n,
            "instruction": f"Question {n}: what would somebody who has spent {3 + n % 40} years with "
            f"{_TOPICS[n % len(_TOPICS)]} tell a newcomer about {_TOPICS[n * 7 % len(_TOPICS)]}? "
            "Answer in a few plain sentences.",
        }
        for n in range(count)
    ]


def reply(prompt: str) -> str:
    """Return the right reply to a prompt: 64 words, the same for the same prompt."""
    chosen = hashlib.sha256(prompt.encode()).digest()
    return " ".join([_TABLE[byte] for byte in chosen[:_REPLY_PHRASES]])


def right_rows(rows: Iterable[Row], count: int) -> int:
    """Return for how many of the `count` rows of the input the right reply came back (`n` and `reply`)."""
    wanted = {row["n"]: reply(row["instruction"]) for row in make_rows(count)}
    return len({row["n"] for row in rows if row["reply"] == wanted.get(row["n"])})


def digest(rows: Iterable[Row]) -> str:
    """Return a SHA-256 over the replies (`n` and `reply`) in the order of `n`."""
    total = hashlib.sha256()
    for row in sorted(rows, key=lambda row: int(row["n"])):
        total.update(json.dumps([row["n"], row["reply"]]).encode())
    return total.hexdigest()
