"""The evidence of a card: for each of its values the words that show it, or that nothing does.

Three witnesses, in this order: what a rule or a column of the source stated (facts win, with the evidence they came
with), what the model quoted (looked up in the text, never trusted), and for a value that is itself a piece of the
source (a name, a line, a sentence) that piece. What none of them shows is marked as inferred. `kind`, `modern` and
`language` are how we file a card and not what its source says: they have evidence only where a rule found some.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from castwright.generators.card_reply import Claim
from castwright.personas.card import PersonaCard
from castwright.personas.evidence import TEXT, Evidence
from castwright.personas.source_text import SourceText
from castwright.personas.speech_words import sentences_of

_OWN_WORDS = frozenset(("name", "dialogue_style.catchphrases", "background", "example_lines"))
"""Fields whose values, where they stand in the source, are what shows them. A trait's name alone may be another's."""
_FILED = frozenset(("kind", "modern", "language"))


@dataclass(frozen=True, slots=True)
class Shown:
    """A card's evidence; of the quotes that the model gave, how many there were and how many are not in the source."""

    evidence: tuple[Evidence, ...]
    quotes: int
    refused: int


def card_values(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield (field, value) of all that a source could show of a card's content: lists and sentences one by one."""
    for key, value in content.items():
        field = prefix + key
        if field in _FILED or value in (None, "", [], ()):
            continue
        if isinstance(value, Mapping):
            yield from card_values(value, f"{field}.")
        elif isinstance(value, (list, tuple)):
            yield from ((field, str(one)) for one in value)
        elif field == "background":
            yield from ((field, sentence) for sentence in sentences_of(str(value)))
        else:
            yield field, str(value)


def card_evidence(
    card: PersonaCard,
    facts: Mapping[str, Any],
    known: Sequence[Evidence],
    claims: Iterable[Claim],
    text: SourceText,
    noted: Iterable[Evidence] = (),
) -> Shown:
    """Return the evidence of every value of a card.

    Args:
        card: the finished card.
        facts: what its source states; a field that is in them is not the model's.
        known: the evidence that the facts came with, or that was found beside the model.
        claims: what the model quoted.
        text: what the model read, which its quotes are looked up in.
        noted: what was found in the text before the card was written, for values that the model gave no quote for.
    """
    stated = {field for field, _ in card_values(facts)}
    by_rule: defaultdict[tuple[str, str], list[Evidence]] = defaultdict(list)
    for item in known:
        if item.field != TEXT:
            by_rule[item.field, _folded(item.value)].append(item)
    quoted, quotes, refused = _looked_up((claim for claim in claims if claim.field not in stated), text)
    notes = {(item.field, _folded(item.value)): [item] for item in noted}
    evidence: list[Evidence] = []
    for field, value in dict.fromkeys(card_values(card.content())):
        key = (field, _folded(value))
        found = by_rule.pop(key, [])
        if not found and field in stated:
            found = [_stated(field, value, text)]
        evidence += found or quoted.get(key) or notes.get(key) or [_own_words(field, value, text)]
    # what a card does not hold: whether they live, and what else its source says where it contradicts itself
    evidence += [item for left in by_rule.values() for item in left]
    return Shown(tuple(evidence), quotes, refused)


def _looked_up(claims: Iterable[Claim], text: SourceText) -> tuple[dict[tuple[str, str], list[Evidence]], int, int]:
    """Return the claims whose quote stands in the text, by field and value; the number of quotes, and of false ones."""
    found: dict[tuple[str, str], list[Evidence]] = {}
    quotes = refused = 0
    for claim in claims:
        quotes += 1
        where = text.find(claim.quote)
        if where is None:
            refused += 1
            continue
        found.setdefault((claim.field, _folded(claim.value)), []).append(
            Evidence(claim.field, " ".join(claim.value.split()), where.quote, where.place)
        )
    return found, quotes, refused


def _stated(field: str, value: str, text: SourceText) -> Evidence:
    """Return the evidence of a fact without any: the column's own value, or where it stands in a text file."""
    if text.lines is None:
        return Evidence(field, value, value, text.record)
    where = text.find(value)
    return Evidence(field, value, where.quote, where.place) if where else _inferred(field, value, text)


def _own_words(field: str, value: str, text: SourceText) -> Evidence:
    where = text.find(value) if field in _OWN_WORDS else None
    return Evidence(field, value, where.quote, where.place) if where else _inferred(field, value, text)


def _inferred(field: str, value: str, text: SourceText) -> Evidence:
    return Evidence(field, value, "", text.record, inferred=True)


def _folded(value: str) -> str:
    return " ".join(value.casefold().split())
