"""Persona cards as character cards of chat programs (V2, V3), so that role-play users can take them along.

The visible fields are written as such a user expects them; everything else of the card goes into an extension named
`castwright`, where the specifications send a program's own data, so that a card comes back whole. A V3 picture also
holds a V2 card for older programs, with the note that the specification asks for. (Rejected: hiding all in the
description, which a person reads, and leaving fields out, which loses the character's register and quirks.)

Sources: Character Card V2 and V3, "Embedding methods", `extensions`, `creator_notes`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import orjson

from castwright.errors import SourceError
from castwright.personas.card import PersonaCard
from castwright.personas.lines import reason_of
from castwright.personas.tavern_png import PngError, blank_png, png_with_card

Spec = Literal["v2", "v3"]
Format = Literal["json", "png", "jsonl"]
EXTENSION = "castwright"
_BACKFILLED = "This is a Character Card V3 that was loaded as a V2 card: use a program that knows V3 to see all of it."


def write_tavern(card: PersonaCard, spec: Spec = "v2") -> dict[str, Any]:
    """Return a persona card as a character card, JSON-ready: `chara_card_v2` or `chara_card_v3`."""
    data: dict[str, Any] = {
        **visible_fields(card),
        "creator_notes": _notes(card),
        "system_prompt": "",
        "post_history_instructions": "",
        "alternate_greetings": [],
        "tags": [card.kind],
        "creator": card.source.dataset,
        "character_version": card.persona_id,
        "extensions": {EXTENSION: {"card": card.content(), "source": card.source.model_dump(mode="json")}},
    }
    if spec == "v2":
        return {"spec": "chara_card_v2", "spec_version": "2.0", "data": data}
    data |= {"group_only_greetings": [], "source": [card.source.uri] if card.source.uri else []}
    return {"spec": "chara_card_v3", "spec_version": "3.0", "data": data}


def write_tavern_png(card: PersonaCard, spec: Spec = "v2", image: bytes | None = None) -> bytes:
    """Return a PNG with the card in a text chunk: `image`, or a small picture of one colour that follows the id.

    Raises:
        PngError: `image` is no whole PNG.
    """
    old = write_tavern(card, "v2")
    cards = {"chara": orjson.dumps(old)}
    if spec == "v3":
        old["data"]["creator_notes"] = f"{_BACKFILLED}\n{old['data']['creator_notes']}".strip()
        cards = {"chara": orjson.dumps(old), "ccv3": orjson.dumps(write_tavern(card, "v3"))}
    return png_with_card(blank_png(_colour(card)) if image is None else image, cards)


def export_tavern(
    cards: Iterable[PersonaCard], out: Path, *, form: Format = "json", spec: Spec = "v2", image: Path | None = None
) -> int:
    """Write cards for chat programs and return how many: a file for each in the folder `out`, or one .jsonl.

    Args:
        image: a PNG that every card is put into (`form` png only).

    Raises:
        SourceError: `out` cannot be written, or `image` is no PNG that can be read.
    """
    written = 0
    try:
        picture = image.read_bytes() if image is not None else None
        (out.parent if form == "jsonl" else out).mkdir(parents=True, exist_ok=True)
        if form == "jsonl":
            with out.open("wb") as stream:
                for card in cards:
                    stream.write(orjson.dumps(write_tavern(card, spec)) + b"\n")
                    written += 1
            return written
        for card in cards:
            data = (
                write_tavern_png(card, spec, picture)
                if form == "png"
                else orjson.dumps(write_tavern(card, spec), option=orjson.OPT_INDENT_2)
            )
            (out / f"{_file_stem(card)}.{form}").write_bytes(data)
            written += 1
    except PngError as error:
        raise SourceError(f"cannot use {image} as the picture: {error}; give a PNG") from error
    except OSError as error:
        raise SourceError(f"cannot write the cards to {out}: {reason_of(error)} ({error.filename})") from error
    return written


def visible_fields(card: PersonaCard) -> dict[str, str]:
    """Return the fields that a chat program shows and sends: the six of V1."""
    lines = [f"<START>\n{{{{char}}}}: {line}" for line in card.example_lines]
    return {
        "name": card.name,
        "description": "\n".join(part for part in (card.background, _particulars(card)) if part),
        "personality": ", ".join(card.traits),
        "scenario": "",
        "first_mes": card.example_lines[0] if card.example_lines else "",
        "mes_example": "\n".join(lines),
    }


def _particulars(card: PersonaCard) -> str:
    info, style = card.basic_info, card.dialogue_style
    shown = {
        "Age": "" if info.age is None else str(info.age),
        "Gender": info.gender,
        "Occupation": info.occupation,
        "Place": info.place,
        "Era": info.era,
        "Relationships": "; ".join(info.relationships),
        "Way of speaking": f"{style.register_}, {style.sentence_length} sentences",
        "Favourite phrases": "; ".join(style.catchphrases),
        "Habits of speech": "; ".join(style.quirks),
    }
    return "\n".join(f"{label}: {value}" for label, value in shown.items() if value)


def _notes(card: PersonaCard) -> str:
    source = card.source
    known = {"Source": source.dataset, "Address": source.uri, "Licence": source.licence}
    return "\n".join(f"{label}: {value}" for label, value in known.items() if value)


def _file_stem(card: PersonaCard) -> str:
    """Return "ada-lovelace-1f2e3d4c": readable, safe on every system, and another for every card."""
    plain = unicodedata.normalize("NFKD", card.name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")
    mark = hashlib.sha256(f"{card.persona_id} {card.source.record}".encode()).hexdigest()[:8]
    return f"{slug or 'character'}-{mark}"


def _colour(card: PersonaCard) -> tuple[int, int, int]:
    red, green, blue = hashlib.sha256(card.persona_id.encode()).digest()[:3]
    return 64 + red // 2, 64 + green // 2, 64 + blue // 2
