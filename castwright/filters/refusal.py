"""Refusals, feigned ignorance and the assistant's voice.

Rules, because each drop must be explained by the words that caused it, and precision first, because a good
answer lost costs more than one dodge kept. A pattern counts only outside quotations and benign phrases
("can't help smiling"), and a refusal or a professed ignorance counts less the more is said beside it: "I
don't know much about books, but the capital is Paris" answers. The patterns are data in `refusal.yaml`.
(Rejected: a classifier, which would need labels in a hundred voices; a judge model, which costs a call per
row.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import polars as pl

from castwright.filters.prose import clauses, count_words, load_lexicon, mask_quotes, sentences, straighten
from castwright.filters.verdict import require_columns, texts, verdicts

ANSWER_WORDS = 9
"""So many words beside a refusal (or four with a number) are an answer: the refusal's strength is halved or
worse."""

_TRIGGER = re.compile(
    r"\b(?:ai|a\.i|language model|artificial|assist|assistant|chatbot|training|trained|policy|policies|"
    r"guidelines|gpt|"
    r"can't|cannot|can not|won't|will not|shan't|unable|not able|not allowed|not permitted|"
    r"liberty|against|violates|refuse|decline|rather not|prefer not|"
    r"sorry|afraid|"
    r"know|dunno|idea|clue|notion|faintest|foggiest|heard|sure|certain|familiar|acquainted|beyond|above|"
    r"over|guess|"
    r"tell you|say|beats me|search me|advice|consult|something else|the subject|feel free|let me know|"
    r"important|"
    r"have|claude|gemini|llama|qwen|certainly|absolutely|of course|here)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d")
_KINDS = ("voice", "disclaimer", "refusal", "ignorance", "deflection")
_SPEAKS_AS_MACHINE = re.compile(
    r"\b(?:ai|a\.i\.|artificial intelligence|android|robot|chatbot|computer|machine intelligence|cyborg|"
    r"hologram|"
    r"virtual assistant|digital assistant|language model|ship's mind)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """How strongly a text refuses, in [0, 1], the kind of its strongest sign, and the words that show it."""

    strength: float
    kind: str = ""
    says: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class _Sign:
    pattern: re.Pattern[str]
    strength: float
    kind: str
    says: str


@cache
def _signs() -> tuple[_Sign, ...]:
    lexicon = load_lexicon("refusal")
    return tuple(
        _Sign(re.compile(entry["pattern"], re.IGNORECASE), entry["strength"], kind, entry["says"])
        for kind in _KINDS
        for entry in lexicon[kind]
    )


@cache
def _benign() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in load_lexicon("refusal")["benign"]), re.IGNORECASE)


def refusal(frame: pl.DataFrame, *, column: str = "response", min_strength: float = 0.5) -> pl.DataFrame:
    """Drop rows whose text refuses, pretends not to know, or speaks as an assistant.

    Columns `name`, `occupation`, `kind` and `background` are read where they exist: a character who is a
    machine may say so. Score: the strength in [0, 1] for every row (0 where nothing was found); rows from
    `min_strength` on are dropped.
    """
    require_columns(frame, [column], "refusal")
    about = zip(*(texts(frame, name) for name in ("name", "occupation", "background")), strict=True)
    found = [
        find_refusal(text, machine=speaks_as_machine(" ".join(who)))
        for text, who in zip(texts(frame, column), about, strict=True)
    ]
    reasons = [
        f"{item.says}: {item.evidence!r}" if item.strength >= min_strength and item.kind else "" for item in found
    ]
    return verdicts(reasons, [item.strength for item in found])


def speaks_as_machine(about: str) -> bool:
    """Return whether a character's name, occupation or background makes it a machine."""
    return bool(_SPEAKS_AS_MACHINE.search(about)) if about.strip() else False


def find_refusal(text: str, *, machine: bool = False) -> Refusal:
    """Return how strongly a text refuses; `machine` lets the speaker call itself an AI."""
    if not _TRIGGER.search(text):
        return Refusal(0.0)
    plain = mask_quotes(straighten(text))
    visible = _benign().sub(lambda match: "_" * len(match.group()), plain)
    doubt, avoidance = 1.0, 1.0  # products of (1 - strength), of the voice's signs and of the dodging ones
    strongest: tuple[float, _Sign, str] | None = None
    beside, numbers = 0, False
    for clause in (part for sentence in sentences(visible) for part in clauses(sentence)):
        hits = [(sign, match) for sign in _signs() if (match := sign.pattern.search(clause))]
        hits = [hit for hit in hits if not (machine and hit[0].kind == "voice")]
        dodges = [hit for hit in hits if hit[0].kind in ("refusal", "ignorance", "deflection")]
        for kind in {sign.kind for sign, _ in hits}:
            strength = max(sign.strength for sign, _ in hits if sign.kind == kind)
            if kind in ("voice", "disclaimer"):
                doubt *= 1 - strength
            else:
                avoidance *= 1 - strength
        for sign, match in hits:
            if strongest is None or sign.strength > strongest[0]:
                strongest = (sign.strength, sign, match.group())
        if not dodges:
            beside += count_words(clause.replace("_", ""))
            numbers = numbers or bool(_NUMBER.search(clause))
    if strongest is None:
        return Refusal(0.0)
    strength = 1 - doubt * (1 - (1 - avoidance) * _weight_beside(beside, numbers))
    sign, evidence = strongest[1], strongest[2]
    return Refusal(round(strength, 3), sign.kind, sign.says, " ".join(evidence.split()))


def _weight_beside(words: int, numbers: bool) -> float:
    """Return how much a dodge still counts when so many words stand beside it: 1 down to 0."""
    enough = 4 if numbers else ANSWER_WORDS
    return 1.0 if words < enough else 0.5 * enough / words
