"""What a source says of all its characters: how cards name it, its licence, and facts it states for each.

One small value that every parser of characters takes, so that no parser can forget the licence, and so that a
folder of many formats hands the same one to all of them. (Rejected: five arguments repeated by each parser, and
filling the licence in afterwards, which a new parser would have to remember.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from castwright.errors import BadRecord
from castwright.personas.card import Kind, Source
from castwright.personas.character import Character
from castwright.personas.lines import stem_of

_SUFFIXES = frozenset({".txt", ".png", ".apng", ".bz2"})  # beside those of tables, which `stem_of` knows

Found = Iterator[Character | BadRecord]


@dataclass(frozen=True, slots=True)
class Origin:
    """The source of cards but for the record, and the facts for records that do not say otherwise."""

    source: Source
    defaults: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        path: str | Path,
        *,
        licence: str = "unknown",
        dataset: str | None = None,
        uri: str = "",
        kind: Kind | None = None,
        modern: bool | None = None,
    ) -> Origin:
        """Return the origin of a path, called after it unless `dataset` says otherwise."""
        stated = {name: value for name, value in (("kind", kind), ("modern", modern)) if value is not None}
        return cls(Source(dataset=dataset or _name_of(Path(path)), uri=uri, licence=licence), stated)

    def at(self, place: str, *, uri: str = "", licence: str = "") -> Source:
        """Return the source of one record; a licence that the record itself states goes first."""
        own = {"record": place, "uri": uri or self.source.uri}
        return self.source.model_copy(update=own | ({"licence": licence} if licence else {}))


def _name_of(path: Path) -> str:
    name = Path(stem_of(path))
    while name.stem and name.suffix.lower() in _SUFFIXES:
        name = Path(stem_of(name.with_suffix("")))
    return name.name
