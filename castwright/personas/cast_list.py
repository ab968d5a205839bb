"""From who said what to characters: speakers gathered, named, measured, and each with its evidence.

Scripts, tables of quotes and novels are read differently and end in the same thing, a row of utterances; what is a
character, and what is too little for one, is decided here for all of them. A speaker's traits are not guessed: the
facts are the name and the measured style, the text for the model is what they said. (Rejected: a character for
each label, which fills a book with FIRST SOLDIER and ALL.)
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from castwright.errors import BadRecord
from castwright.personas.character import Character
from castwright.personas.evidence import Evidence
from castwright.personas.fields import MAX_NAME_CHARACTERS
from castwright.personas.line_map import NOBODYS, LineMap
from castwright.personas.lines import EXCERPT_CHARACTERS
from castwright.personas.narration import Passage, told_of
from castwright.personas.origin import Origin
from castwright.personas.speaker_names import bare_name, crowd_reason, display_name, merged_keys, name_key
from castwright.personas.speech_style import Company, describe_style, speech_style, style_evidence, style_facts
from castwright.personas.spoken_line import SpokenLine

MIN_LINES = 5
MEASURED = "Measured in the character's own lines:"
"""What the numbers and lines in a text begin with: what is said of the character stands before it."""


TOLD = "Told of the character:"
"""What the passages of a story that name its speaker begin with, before what was measured."""
LEFT_OUT = " [...] "
"""What stands in a line for a stage direction or for "said she": no quote goes over it."""
_NUMBER = re.compile(r"(?P<file>.+):(?P<number>[1-9]\d*)")


@dataclass(frozen=True, slots=True)
class Utterance:
    """One line, the label that it was found under, as that stands in the source, and the pieces that it was said in."""

    label: str
    line: SpokenLine
    pieces: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """What was said as it stands in the source, with `LEFT_OUT` between its pieces."""
        pieces = [" ".join(piece.split()) for piece in self.pieces]
        return LEFT_OUT.join(piece for piece in pieces if piece) or self.line.quote


def cast_characters(
    utterances: Iterable[Utterance],
    name: str,
    origin: Origin,
    *,
    min_lines: int = MIN_LINES,
    seed: int = 0,
    told: Sequence[Passage] = (),
) -> Iterator[Character | BadRecord]:
    """Yield the speakers of one file, in the order in which they first speak; `name` is the file's in places.

    `told` is what stands between the lines: what names a speaker is part of the speaker's text. A crowd's or stage
    label, and a speaker with fewer than `min_lines` lines, is a BadRecord at "file[LABEL]".
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
            yield _character(found, place, origin, company, seed, told_of(map(bare_name, labels), told))


def _character(
    found: list[Utterance], place: str, origin: Origin, company: Company, seed: int, told: Sequence[Passage]
) -> Character:
    labels, lines = Counter(item.label for item in found), [item.line for item in found]
    style = speech_style(lines, company, seed=seed)
    written = display_name(_fullest(labels))[:MAX_NAME_CHARACTERS]
    first = next(item for item in found if item.label in _fullest(labels))
    facts = {**origin.defaults, "name": written, **style_facts(style)}
    head = f"{written} speaks in {origin.source.dataset}."
    shown: list[tuple[str, str]] = [(head, ""), ("", ""), *_told(told)]
    shown.append((f"{MEASURED} {describe_style(style)}. Lines:", ""))
    shown += [(f"“{item.shown}”", item.line.place) for item in found]
    evidence = (
        Evidence("name", written, bare_name(first.label), first.line.place),
        *style_evidence(style, lines),
        *_line_map([where for _, where in shown]),
    )
    text = "\n".join(line for line, _ in shown)
    return Character(facts=facts, text=text, source=origin.at(place), evidence=evidence)


def _told(passages: Sequence[Passage]) -> Iterator[tuple[str, str]]:
    """Yield the lines of passages with their places, an empty line behind each passage."""
    if passages:
        yield TOLD, ""
    for passage in passages:
        yield from zip(passage.lines, passage.places, strict=True)
        yield "", ""


def _line_map(places: Sequence[str]) -> Iterator[Evidence]:
    """Yield the map from a text's lines to the file's ("": to none), where all are lines of one file.

    Those of a table may not be.
    """
    numbers = [_NUMBER.fullmatch(place) for place in places if place]
    files = {match["file"] if match else "" for match in numbers}
    if len(files) == 1 and "" not in files:
        lines = (int(place.rpartition(":")[2]) if place else NOBODYS for place in places)
        yield LineMap.of_lines(files.pop(), list(lines)).as_evidence()


def _fullest(labels: Counter[str]) -> Counter[str]:
    """Return the labels of the longest form of a name: a card is called Mrs. Hale rather than Hale."""
    most = max(len(name_key(label).split()) for label in labels)
    return Counter({label: count for label, count in labels.items() if len(name_key(label).split()) == most})
