"""Character cards of chat programs (Tavern, SillyTavern): V1, V2 and V3, in JSON, JSON lines and PNG.

What a file is follows from its first bytes, not its name: cards are passed on by people, and often renamed. Prose
fields become the text that a model makes a card of; only what is plainly data (a name, a list of traits, the lines
of example talks) becomes a fact. What must not reach a prompt (creator's notes, tags, other programs' extensions)
does not. A card that castwright wrote holds the whole persona card in its own extension, which counts as long as the
visible fields are still what was written from it: what someone edited by hand goes first.

Sources: Character Card V1 and V2 (malfoyslastname/character-card-spec-v2), V3 (kwaroran/character-card-spec-v3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from castwright.errors import BadRecord, SourceError
from castwright.personas.card import Kind, PersonaCard
from castwright.personas.character import Character
from castwright.personas.file_tree import walk_files
from castwright.personas.json_value import load_json, read_whole
from castwright.personas.lines import DataFile, excerpt, format_of, read_head, read_lines, reason_of
from castwright.personas.origin import Found, Origin
from castwright.personas.tables import require_good, require_some, take_good
from castwright.personas.tavern_export import EXTENSION, visible_fields
from castwright.personas.tavern_fields import VISIBLE, card_data, kind_of, read_fields, text_of, texts_of
from castwright.personas.tavern_png import PngError, is_png, read_png_card

MAX_TEXT_CHARACTERS = 500_000  # about 80,000 words: more is no description of anyone


@dataclass(frozen=True, slots=True)
class _Own:
    """What a castwright export keeps of the persona card: its facts (empty where the card was edited) and source."""

    facts: dict[str, Any]
    licence: str = ""
    uri: str = ""


def tavern_characters(
    path: str | Path,
    *,
    licence: str = "unknown",
    dataset: str | None = None,
    kind: Kind | None = None,
    modern: bool | None = None,
    limit: int | None = None,
) -> Found:
    """Yield the characters of a card file, or of all files of a folder and those under it, in order of path.

    Args:
        path: .png, .json (one card or a list), .jsonl; text also as .gz, .bz2 or .zst; or a folder of these. Places are
            called "sub/a.png", "a.jsonl:3".
        licence, dataset, kind, modern: for cards that do not say it themselves.
        limit: stop after this many characters.

    Raises:
        SourceError: nothing is at the path, or not one card.
    """
    source = Path(path).expanduser()
    origin = Origin.of(source, licence=licence, dataset=dataset, kind=kind, modern=modern)
    files = walk_files(source)
    found = (item for file in files for item in ([file] if isinstance(file, BadRecord) else tavern_file(file, origin)))
    nothing = f"no file in the folder {source}: put character cards there (.png, .json, .jsonl)"
    return take_good(require_some(require_good(found, str(source)), nothing), limit)


def tavern_file(file: DataFile, origin: Origin) -> Found:
    """Yield the characters of one file, whatever its format; what is no card is a BadRecord."""
    try:
        head = read_head(file.path, 1024)
        if is_png(head) or file.path.suffix.lower() in (".png", ".apng"):
            yield _character(read_png_card(file.path), file.name, origin)
            return
        if not head:
            yield BadRecord(file.name, "an empty file")
            return
        if b"\0" in head[:16]:
            hint = ": unpack this zip (.charx) and take the card.json" if head.startswith(b"PK\3\4") else ""
            yield BadRecord(file.name, f"neither a PNG nor JSON{hint}")
            return
        yield from _json_cards(file, origin)
    except (PngError, SourceError) as error:
        yield BadRecord(file.name, reason_of(error))
    except OSError as error:
        yield BadRecord(file.name, f"it cannot be read: {reason_of(error)}")


def is_card(value: Any) -> bool:
    """Return whether a JSON value looks like a character card of any version."""
    if not isinstance(value, dict):
        return False
    data = value.get("data")
    if isinstance(data, dict) and (str(value.get("spec", "")).startswith("chara_card") or "first_mes" in data):
        return True
    return "char_name" in value or len({"personality", "scenario", "first_mes", "mes_example"} & set(value)) > 1


def _json_cards(file: DataFile, origin: Origin) -> Found:
    """Yield the cards of a JSON file: one a line where the first line is a whole object, else one value."""
    if format_of(file.path) == "jsonl" or _is_lines(file):
        yield from _line_cards(file, origin)
        return
    try:
        data = read_whole(file)
        if not data.strip():
            raise ValueError("an empty file")
        value = load_json(data)
    except ValueError as error:
        yield BadRecord(file.name, str(error))
        return
    if not isinstance(value, list):
        yield _character(value, file.name, origin)
        return
    if not value:
        yield BadRecord(file.name, "an empty list")
    for number, item in enumerate(value, start=1):
        yield _character(item, f"{file.name}[{number}]", origin)


def _is_lines(file: DataFile) -> bool:
    """Return whether a file's first line is a whole object and there is another line."""
    first = True
    for _, line, trouble in read_lines(file):
        if not first:
            return True
        if trouble:
            return False
        if not line.isspace():
            first = False
            try:
                if not isinstance(load_json(line), dict):
                    return False
            except ValueError:
                return False
    return False


def _line_cards(file: DataFile, origin: Origin) -> Found:
    empty = True
    for number, line, trouble in read_lines(file):
        if line.isspace() and not trouble:
            continue
        empty = False
        place = f"{file.name}:{number}"
        try:
            if trouble:
                raise ValueError(trouble)
            yield _character(load_json(line), place, origin)
        except ValueError as error:
            yield BadRecord(place, str(error), excerpt(line))
    if empty:
        yield BadRecord(file.name, "an empty file")


def _character(value: Any, place: str, origin: Origin) -> Character | BadRecord:
    try:
        return _read(value, place, origin)
    except (ValueError, RecursionError) as error:
        return BadRecord(place, str(error), excerpt(value))


def _read(value: Any, place: str, origin: Origin) -> Character:
    """Return the character of one card.

    Raises:
        ValueError: no card; a field that holds no text; neither a name nor a description.
    """
    data = card_data(value)
    fields = {key: text_of(data, key) for key in VISIBLE}
    own = _own(data, fields)
    kind = kind_of(data)
    stated = {"kind": kind} if kind else {}
    source = origin.at(place, uri=own.uri or _uri(data), licence=own.licence)
    if own.facts:
        return Character(facts=own.facts, source=source)
    facts, text = read_fields(data, fields)
    if not (text or facts.get("name")):
        raise ValueError("a character card with neither a name nor a description")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise ValueError(f"a description of more than {MAX_TEXT_CHARACTERS:,} characters")
    return Character(facts={**origin.defaults, **stated, **facts}, text=text, source=source)


def _uri(data: Mapping[str, Any]) -> str:
    return next((uri for uri in texts_of(data.get("source")) if uri.startswith(("http://", "https://"))), "")


def _own(data: Mapping[str, Any], fields: Mapping[str, str]) -> _Own:
    """Return what castwright wrote into the card, without its facts where a visible field has been changed since."""
    extensions = data.get("extensions")
    ours = extensions.get(EXTENSION) if isinstance(extensions, dict) else None
    if not isinstance(ours, dict):
        return _Own({})
    source = ours.get("source")
    source = source if isinstance(source, dict) else {}
    licence = str(source.get("licence") or "")
    uri = str(source.get("uri") or "")
    licence = "" if licence == "unknown" else licence
    try:
        card = PersonaCard.model_validate(ours.get("card"))
    except ValidationError:
        return _Own({}, licence, uri)
    written = visible_fields(card)
    same = all(written[key].split() == str(data.get(key) or "").split() for key in fields)
    return _Own(card.content() if same else {}, licence, uri)
