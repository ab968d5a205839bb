"""What the shipped formality classifier is fitted to, and what it is measured on: two piles each, from real texts.

The core is pairs of one content: chat turns and what the offline formaliser makes of them; a turn whose words it
leaves alone stands in both piles, because it tells nothing. Prose joins the formal pile. Some turns lose their end
mark on both sides, so that the mark is not all that is learned. Never fitted to: task dialogue (`taskmaster4`), news
and captions (`stsb`), the test part of `goemotions`, and the pairs written by hand in tests/data.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from castwright.filters.formality_fit import draw_of
from castwright.filters.formality_rules import traits_of
from castwright.filters.prose import sentences
from castwright.generators.offline.formal import formalise

FITTED_TO = ("self_dialogue_turns", "goemotions_comments", "gsm8k_train", "mt_bench_question", "ifeval_input_data")
HAND_WRITTEN = Path(__file__).parents[1] / "tests" / "data" / "formality_pairs.jsonl"

CONVERSATIONS, COMMENTS, PROSE, TESTED = 3000, 30_000, 8000, 4000
HELD_OUT = 0.1
_WORDS = range(2, 61)
_WITHOUT_MARK = 0.25
_WORD = re.compile(r"\w+(?:'\w+)*")
_CALCULATOR = re.compile(r"<<.*?>>")

Pair = tuple[str, str]


@dataclass(slots=True)
class Piles:
    """Two piles of text and the group of each text (what stays together when they are parted)."""

    formal: list[str] = field(default_factory=list)
    casual: list[str] = field(default_factory=list)
    formal_groups: list[str] = field(default_factory=list)
    casual_groups: list[str] = field(default_factory=list)


def fitting_piles(folder: Path, seed: int) -> Piles:
    """Return the piles that the shipped classifier is fitted to."""
    rng, piles = random.Random(seed), Piles()
    turns = _read(folder, "self_dialogue_turns")
    chosen = set(_some(rng, sorted({turn["conv"] for turn in turns}), CONVERSATIONS))
    chats = [(turn["text"], f"self_dialogue {turn['conv']}") for turn in turns if turn["conv"] in chosen]
    comments = [row for row in _read(folder, "goemotions_comments") if row["split"] == "train"][:COMMENTS]
    chats += [(row["text"], f"goemotions {row['id']}") for row in comments]
    for text, group in chats:
        casual = " ".join(text.split())
        formal = _formal(casual) if len(casual.split()) in _WORDS else ""
        if not formal:
            continue
        bare = _unit(f"mark {group} {casual}") < _WITHOUT_MARK
        traits = traits_of(formal)
        if not (traits.slang or traits.contractions):  # what the formaliser did not finish is not formal
            piles.formal.append(_bare(formal) if bare else formal)
            piles.formal_groups.append(group)
        piles.casual.append(_bare(casual) if bare else casual)
        piles.casual_groups.append(group)
    for text, group in _prose(folder, rng):
        piles.formal.append(text)
        piles.formal_groups.append(group)
    return piles


def unseen_piles(folder: Path, seed: int) -> dict[str, Piles]:
    """Return piles that nothing was fitted to, by name; of pairs, side i of one pile is side i of the other."""
    rng = random.Random(seed)
    said = dict.fromkeys(row["text"] for row in _read(folder, "taskmaster4_turns") if row["speaker"] == "user")
    pairs = [(formal, text) for text in said if (formal := _formal(text)) and _differ(formal, text)]
    comments = [row["text"] for row in _read(folder, "goemotions_comments") if row["split"] == "test"]
    written = [text for row in _read(folder, "stsb_en_noleak") for text in (row["s1"], row["s2"])]
    return {
        "taskmaster4 users, formalised": _piles(pairs),
        "stsb against goemotions": Piles(_some(rng, written, TESTED), _some(rng, comments, TESTED)),
        "written by hand": hand_written(),
    }


def held_out(piles: Piles, seed: int, share: float = HELD_OUT) -> Piles:
    """Return the part of the fitting piles that `fit_formality` keeps for measuring."""
    formal = zip(piles.formal, piles.formal_groups, strict=True)
    casual = zip(piles.casual, piles.casual_groups, strict=True)
    return Piles(
        [text for text, group in formal if draw_of(seed, group) < share],
        [text for text, group in casual if draw_of(seed, group) < share],
    )


def hand_written() -> Piles:
    """Return the pairs that people of this project wrote."""
    rows = [json.loads(line) for line in HAND_WRITTEN.read_text(encoding="utf-8").splitlines()]
    return _piles((row["formal"], row["casual"]) for row in rows)


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that the classifier is fitted to."""
    return {name: hashlib.sha256((folder / f"{name}.jsonl.gz").read_bytes()).hexdigest() for name in FITTED_TO}


def _prose(folder: Path, rng: random.Random) -> list[Pair]:
    """Return (text, group) of written prose: half whole, half one sentence of it, since chat is short."""
    worked = [
        (text, f"gsm8k {row['question']}")
        for row in _read(folder, "gsm8k_train")
        for text in (row["question"], _CALCULATOR.sub("", row["answer"].split("####")[0]).strip())
    ]
    prose = _some(rng, worked, PROSE)
    prose += [(turn, f"mt {row['question_id']}") for row in _read(folder, "mt_bench_question") for turn in row["turns"]]
    prose += [(row["prompt"], f"ifeval {row['key']}") for row in _read(folder, "ifeval_input_data")]
    cut = [(rng.choice(sentences(text) or [text]), group) for text, group in prose]
    return [cut[place] if place % 2 else prose[place] for place in range(len(prose))]


def _some(rng: random.Random, items: Sequence[Any], most: int) -> list[Any]:
    return rng.sample(items, min(most, len(items)))


def _formal(casual: str) -> str:
    return formalise(casual, variant=int(_unit(f"variant {casual}") * 3))


def _piles(pairs: Iterable[Pair]) -> Piles:
    kept = list(pairs)
    return Piles([formal for formal, _ in kept], [casual for _, casual in kept])


def _differ(left: str, right: str) -> bool:
    return _WORD.findall(left.lower()) != _WORD.findall(right.lower())


def _bare(text: str) -> str:
    return text.rstrip(".!?… ") or text


def _unit(name: str) -> float:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6]) / 2**48


def _read(folder: Path, name: str) -> Sequence[dict[str, Any]]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]
