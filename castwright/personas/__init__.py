"""Who speaks: the persona card, and where cards come from.

`card` is the validated profile, `character` the raw material, `render` a card as text, `sources` what yields
characters (tables, Hub datasets, the bundled cast, the grid), `store` the `personas` table. Only light
modules are imported here: no data or model library loads before something is read.
"""

from castwright.personas.card import BasicInfo, DialogueStyle, PersonaCard, Source
from castwright.personas.character import Character, complete_card, merge_facts
from castwright.personas.render import parse_card, render_card, system_prompt
from castwright.personas.sources import (
    BundledSource,
    GridSource,
    HubSource,
    PersonaSource,
    TableSource,
    bundled_characters,
    hub_characters,
    read_characters,
    table_characters,
)
from castwright.personas.store import cards_schema, iter_cards, read_cards, write_cards
from castwright.personas.tables import Record, read_records

__all__ = [
    "BasicInfo",
    "BundledSource",
    "Character",
    "DialogueStyle",
    "GridSource",
    "HubSource",
    "PersonaCard",
    "PersonaSource",
    "Record",
    "Source",
    "TableSource",
    "bundled_characters",
    "cards_schema",
    "complete_card",
    "hub_characters",
    "iter_cards",
    "merge_facts",
    "parse_card",
    "read_cards",
    "read_characters",
    "read_records",
    "render_card",
    "system_prompt",
    "table_characters",
    "write_cards",
]
