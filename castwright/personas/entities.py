"""People and fictional characters of a Wikidata dump (or any Wikibase with its properties) as characters.

Two passes: the first keeps every label on disk, the second reads people, so that an occupation is "mathematician"
and never Q170790; an id without a label is left out. With a file of labels the first pass is not needed, which for
the whole dump saves half the time. Statements become facts where they are data (name, occupation, place, gender,
era) and sentences of the text otherwise. A person who may be alive is marked in `Character.living`: nobody without a
death date is taken for dead who could be under 120, nor one of whom no date is known at all. No clock is asked: the
date on which the dump last changed the entity counts. (Rejected: ages, which would need today's date.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from castwright.errors import BadRecord, SourceError
from castwright.personas.card import Kind
from castwright.personas.character import Character
from castwright.personas.entity_dump import read_entities
from castwright.personas.entity_labels import LabelStore
from castwright.personas.entity_values import (
    CENTURY,
    DAY,
    MONTH,
    YEAR,
    Moment,
    aliases_of,
    century,
    has_claim,
    item_number,
    items_of,
    label_of,
    moments_of,
)
from castwright.personas.fields import MAX_NAME_CHARACTERS
from castwright.personas.file_tree import walk_files
from castwright.personas.lines import DataFile, reason_of
from castwright.personas.origin import Found, Origin
from castwright.personas.tables import read_records, require_good, require_some, take_good

HUMAN = 5
# what P31 (instance of) says of those who can be characters, and the kind of card they make
KIND_OF_ITEM: dict[int, Kind | None] = {
    HUMAN: None,  # historical, if they are dead
    15632617: "virtual",  # fictional human
    95074: "virtual",  # fictional character
    3658341: "virtual",  # literary character
    1114461: "virtual",  # comics character
    1569167: "virtual",  # video game character
    15773347: "screen",  # film character
    15773317: "screen",  # television character
    15711870: "screen",  # animated character
    4271324: "virtual",  # mythical character
    20643955: "historical",  # human biblical figure
}
DEFAULT_ITEMS = tuple(f"Q{number}" for number in KIND_OF_ITEM)
MAX_AGE_YEARS = 120
_MODERN_FROM = 1950
_LATEST_YEAR = 2026  # stands for "now" where a dump does not say when it was made
_GENDERS = {
    6581097: "man",
    6581072: "woman",
    2449503: "man",
    1052281: "woman",
    48270: "non-binary",
    1097630: "intersex",
}
_BORN, _DIED, _ACTIVE = "P569", "P570", ("P1317", "P2031", "P2032")
_MOST_NAMED = 5
_SENTENCES = (
    ("P106", "Occupation"),
    ("P800", "Notable work"),
    ("P1412", "Languages"),
    ("P1441", "Appears in"),
    ("P1080", "Lives in the universe of"),
)
_MODIFIED = re.compile(r"(\d{4})-\d\d-\d\dT")


@dataclass(frozen=True, slots=True)
class _Reader:
    """How entities are read: whom to take, in which languages, and what ids are called."""

    kinds: frozenset[int]
    languages: tuple[str, ...]
    year: int | None
    store: LabelStore
    origin: Origin


def entity_characters(
    path: str | Path,
    *,
    language: str = "en",
    fallback: Sequence[str] = ("mul", "en"),
    kinds: Sequence[str] = DEFAULT_ITEMS,
    labels: str | Path | None = None,
    year: int | None = None,
    licence: str = "unknown",
    dataset: str | None = None,
    kind: Kind | None = None,
    modern: bool | None = None,
    limit: int | None = None,
) -> Found:
    """Yield the characters of a dump file, or of all dumps in a folder: layouts in `entity_dump.read_entities`.

    Args:
        language, fallback: of labels, descriptions and aliases; tried in this order.
        kinds: items that P31 may name ("Q5" is a human); all other entities are passed over.
        labels: a table with the columns `id` (or an address that ends in one) and `label`, instead of a first pass.
        year: the year by which it is judged who may be alive; None takes each entity's date of change.
        licence, dataset, kind, modern, limit: as in `tavern.tavern_characters`.

    Raises:
        SourceError: nothing at the path, no id in `kinds`, no character in it.
    """
    source = Path(path).expanduser()
    chosen = _numbers(kinds)
    origin = Origin.of(source, licence=licence, dataset=dataset, kind=kind, modern=modern)
    languages = tuple(dict.fromkeys((language, *fallback)))
    walk_files(source)  # a wrong path is said at the call

    def found() -> Found:
        with closing(LabelStore()) as store:
            reader = _Reader(chosen, languages, year, store, origin)
            yield from _learn_labels(source, labels, reader)
            for file in walk_files(source):
                yield from [file] if isinstance(file, BadRecord) else entity_file(file, reader)

    nobody = f"nobody in {source}: no entity is an instance (P31) of the items in kinds"
    return take_good(require_some(require_good(found(), str(source)), nobody), limit)


def _numbers(kinds: Sequence[str]) -> frozenset[int]:
    numbers = {name: item_number(name) for name in kinds}
    for name, number in numbers.items():
        if number is None:
            raise SourceError(f"no item {name!r} in kinds: items are called Q5, Q95074 ...")
    return frozenset(number for number in numbers.values() if number is not None)


def dump_characters(file: DataFile, origin: Origin) -> Found:
    """Yield the characters of one dump file with all settings at their defaults."""
    with closing(LabelStore()) as store:
        reader = _Reader(frozenset(KIND_OF_ITEM), ("en", "mul"), None, store, origin)
        store.add(_labels_in(file, reader))
        yield from entity_file(file, reader)


def entity_file(file: DataFile, reader: _Reader) -> Found:
    """Yield the characters among a dump's entities; what cannot be read is a BadRecord."""
    try:
        for found in read_entities(file):
            if isinstance(found, BadRecord):
                yield found
            elif reader.kinds.intersection(items_of(found[1], "P31")):
                yield _person(found[0], found[1], reader)
    except SourceError as error:
        yield BadRecord(file.name, reason_of(error))


def _learn_labels(source: Path, labels: str | Path | None, reader: _Reader) -> Iterator[BadRecord]:
    """Fill the store from the file of labels, yielding its bad records, or else from the dump."""
    if labels is None:
        for file in walk_files(source):
            if isinstance(file, DataFile):
                reader.store.add(_labels_in(file, reader))
        return
    for record in read_records(Path(labels), required=("id", "label")):
        if isinstance(record, BadRecord):
            yield record
            continue
        number = item_number(str(record.values["id"]).rstrip("/").rpartition("/")[2])
        if number is None:
            yield BadRecord(record.place, f"no id of an item: {str(record.values['id'])[:40]!r}")
        else:
            reader.store.add([(number, " ".join(str(record.values["label"]).split()))])


def _labels_in(file: DataFile, reader: _Reader) -> Iterator[tuple[int, str]]:
    """Yield the labels of a dump's items; what is wrong with an entity is said in the second pass."""
    try:
        for found in read_entities(file):
            if isinstance(found, BadRecord):
                continue
            number = item_number(found[1]["id"])
            label = label_of(found[1], reader.languages) if number is not None else ""
            if number is not None and label:
                yield number, label
    except SourceError:
        return


def _person(place: str, entity: dict[str, Any], reader: _Reader) -> Character | BadRecord:
    """Return the character that an entity describes."""
    name = label_of(entity, reader.languages)
    number = item_number(entity["id"])
    before = reader.store.read_before(number, place) if number is not None else ""
    if before:
        return BadRecord(place, f"the entity {entity['id']} was read before, at {before}")
    if not name:
        return BadRecord(place, f"the entity {entity['id']} has no label in {', '.join(reader.languages)}")
    if len(name) > MAX_NAME_CHARACTERS:
        return BadRecord(place, f"a name has at most {MAX_NAME_CHARACTERS} characters, not {len(name)}")
    sorts = set(items_of(entity, "P31"))
    living = _living(entity, reader.year) if HUMAN in sorts else False
    facts = {**reader.origin.defaults, **_kind(entity, sorts, living), **_facts(name, entity, reader, living)}
    if reader.languages[0] != "en" and label_of(entity, reader.languages[:1]):
        facts["language"] = reader.languages[0]
    source = reader.origin.at(place, uri=f"https://www.wikidata.org/wiki/{entity['id']}")
    return Character(facts=facts, text=_text(name, entity, reader), source=source, living=living)


def _facts(name: str, entity: dict[str, Any], reader: _Reader, living: bool) -> dict[str, Any]:
    genders = items_of(entity, "P21")
    english = reader.languages[0] == "en"
    known = [_GENDERS[item] for item in genders if item in _GENDERS] if english else []
    info = {
        "gender": ", ".join((known or reader.store.of(genders))[:1]),
        "occupation": ", ".join(reader.store.of(items_of(entity, "P106"))[:3]),
        "place": ", ".join(reader.store.of(items_of(entity, "P19"))[:1]),
        "era": "present day" if living else _era(entity),
    }
    return {"name": name, "basic_info": {key: value for key, value in info.items() if value}}


def _kind(entity: dict[str, Any], sorts: set[int], living: bool) -> dict[str, Any]:
    """Return the kind of card, and for a human whether they are modern, as far as it is known."""
    if HUMAN not in sorts:
        kinds = [KIND_OF_ITEM[sort] for sort in sorted(sorts) if KIND_OF_ITEM.get(sort)]
        return {"kind": kinds[0]} if kinds else {}
    if living:
        return {"modern": True}
    moment = _last(entity)
    return {"kind": "historical"} | ({"modern": moment.latest >= _MODERN_FROM} if moment else {})


def _last(entity: dict[str, Any]) -> Moment | None:
    """Return the time that best says when someone lived: death, else when they worked, else birth."""
    return next((moment for name in (_DIED, *_ACTIVE, _BORN) for moment in moments_of(entity, name)), None)


def _era(entity: dict[str, Any]) -> str:
    moment = _last(entity)
    if moment is None or moment.precision < CENTURY:
        return ""
    return century(moment.year)


def _living(entity: dict[str, Any], year: int | None) -> bool:
    """Return whether a human may be alive: no death is stated, and no date says that 120 years have gone by."""
    if has_claim(entity, _DIED):
        return False
    if year is None:
        match = _MODIFIED.match(str(entity.get("modified", "")))
        year = int(match[1]) if match else _LATEST_YEAR
    births = [moment.latest for moment in moments_of(entity, _BORN)]
    known = births or [moment.latest for name in _ACTIVE for moment in moments_of(entity, name)]
    return not known or max(known) + MAX_AGE_YEARS >= year


def _text(name: str, entity: dict[str, Any], reader: _Reader) -> str:
    """Return what the entity says of someone, in sentences."""
    description = label_of(entity, reader.languages, "descriptions")
    aliases = [alias for alias in aliases_of(entity, reader.languages) if alias != name][:_MOST_NAMED]
    parts = [f"{name}: {description}" if description else "", f"Also known as {', '.join(aliases)}" if aliases else ""]
    for property_name, word in ((_BORN, "Born"), (_DIED, "Died")):
        moment = next(iter(moments_of(entity, property_name)), None)
        place = next(iter(reader.store.of(items_of(entity, "P19" if property_name == _BORN else "P20"))), "")
        parts.append(_event(word, moment, place))
    for property_name, word in _SENTENCES:
        named = reader.store.of(items_of(entity, property_name))[:_MOST_NAMED]
        parts.append(f"{word}: {', '.join(named)}" if named else "")
    return " ".join(f"{part.rstrip('.')}." for part in parts if part)


def _event(word: str, moment: Moment | None, place: str) -> str:
    links = {DAY: "", MONTH: "in ", YEAR: "in "}
    when = f" {links.get(moment.precision, 'in the ')}{moment.text}" if moment else ""
    where = f" in {place}" if place else ""
    return f"{word}{when}{where}" if when or where else ""
