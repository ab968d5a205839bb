"""From who said what to characters: speakers gathered, named, measured, and each with its evidence.

Scripts, tables of quotes and novels are read differently and end in the same thing, a row of utterances; what is a
character, and what is too little for one, is decided here for all of them. A speaker's traits are not guessed: the
facts are the name and the measured style, the text for the model is what they said. (Rejected: a character for
each label, which fills a book with FIRST SOLDIER and ALL.)
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from castwright.errors import BadRecord
from castwright.personas.character import Character
from castwright.personas.evidence import Evidence, Evidenced
from castwright.personas.fields import MAX_NAME_CHARACTERS
from castwright.personas.lines import EXCERPT_CHARACTERS
from castwright.personas.origin import Origin
from castwright.personas.speaker_names import bare_name, crowd_reason, display_name, merged_keys, name_key
from castwright.personas.speech_style import Company, describe_style, speech_style, style_evidence, style_facts
from castwright.personas.spoken_line import SpokenLine

MIN_LINES = 5
TEXT_CHARACTERS = 6_000
"""How much of what a speaker said a model is shown: about a thousand words."""
MEASURED = "Measured in the character's own lines:"
"""What the numbers and lines in a text begin with: what is said of the character stands before it."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One line and the label that it was found under, as that stands in the source."""

    label: str
    line: SpokenLine


def cast_characters(
    utterances: Iterable[Utterance], name: str, origin: Origin, *, min_lines: int = MIN_LINES, seed: int = 0
) -> Iterator[Evidenced | BadRecord]:
    """Yield the speakers of one file, in the order in which they first speak; `name` is the file's in places.

    A crowd's or stage label, and a speaker with fewer than `min_lines` lines, is a BadRecord at "file[LABEL]".
    """
    spoken = list(utterances)
    keys = {label: name_key(label) for label in {item.label for item in spoken}}
    names = frozenset(word for key in keys.values() for word in key.split())
    company = Company(tuple(item.line for item in spoken), names)
    crowds = {label for label in keys if crowd_reason(label)}
    merged = merged_keys([keys[item.label] for item in spoken if item.label not in crowds])
    groups: defaultdict[str, list[Utterance]] = defaultdict(list)
    for item in spoken:
        key = keys[item.label]
        groups[merged.get(key, key)].append(item)
    for found in groups.values():
        labels = Counter(item.label for item in found)
        usual = bare_name(max(labels, key=lambda label: (labels[label], label)))[:MAX_NAME_CHARACTERS]
        place = f"{name}[{usual}]"
        reason = crowd_reason(found[0].label)
        if not reason and len(found) < min_lines:
            lines = "1 line" if len(found) == 1 else f"{len(found)} lines"
            reason = f"only {lines}: at least {min_lines} are needed (min_lines)"
        if reason:
            yield BadRecord(place, reason, found[0].line.text[:EXCERPT_CHARACTERS])
        else:
            yield _character(found, labels, place, origin, company, seed)


def _character(
    found: list[Utterance], labels: Counter[str], place: str, origin: Origin, company: Company, seed: int
) -> Evidenced:
    lines = [item.line for item in found]
    style = speech_style(lines, company, seed=seed)
    written = display_name(_fullest(labels))[:MAX_NAME_CHARACTERS]
    first = next(item for item in found if item.label in _fullest(labels))
    facts = {**origin.defaults, "name": written, **style_facts(style)}
    text = f"{written} speaks in {origin.source.dataset}.\n\n{MEASURED} {describe_style(style)}. Lines:\n"
    text += "\n".join(f"“{line.text}”" for line in _sample(lines, TEXT_CHARACTERS, seed))
    evidence = (Evidence("name", written, bare_name(first.label), first.line.place), *style_evidence(style, lines))
    return Evidenced(Character(facts=facts, text=text, source=origin.at(place)), evidence)


def _fullest(labels: Counter[str]) -> Counter[str]:
    """Return the labels of the longest form of a name: a card is called Mrs. Hale rather than Hale."""
    most = max(len(name_key(label).split()) for label in labels)
    return Counter({label: count for label, count in labels.items() if len(name_key(label).split()) == most})


def _sample(lines: list[SpokenLine], most: int, seed: int) -> list[SpokenLine]:
    """Return lines of at most `most` characters together, in their order; which ones follows from their digests."""

    def digest(index: int) -> str:
        return hashlib.sha256(f"{seed} {index} {lines[index].text}".encode("utf-8", "replace")).hexdigest()

    chosen, size = [], 0
    for index in sorted(range(len(lines)), key=digest):
        length = len(lines[index].text)
        if size + length <= most:
            chosen.append(index)
            size += length
    return [lines[index] for index in sorted(chosen)]
