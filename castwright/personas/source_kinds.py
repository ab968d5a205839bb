"""What a recipe may say of where characters come from: one frozen model for each kind, told apart by `kind`.

Settings alone, so that a recipe is checked without a reader being imported for it; what they mean is with the
function of the same name in `sources`. (Rejected: the readers' signatures as the schema, whose messages would name
functions and not keys.)
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from castwright.personas.card import Kind
from castwright.personas.entities import DEFAULT_ITEMS


class GivenSource(BaseModel):
    """What the recipe says of a source of the user's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    licence: str = "unknown"
    dataset: str | None = None
    persona_kind: Kind | None = None
    modern: bool | None = None
    limit: int | None = Field(default=None, ge=1)


class TableSource(GivenSource):
    """A file or folder of records (see `table_characters`; `persona_kind` is its `kind`)."""

    kind: Literal["table"] = "table"
    path: str = Field(min_length=1)
    columns: dict[str, str] | None = None


class HubSource(GivenSource):
    """A Hugging Face dataset by Hub name or local folder (see `hub_characters`)."""

    kind: Literal["hub"] = "hub"
    name: str = Field(min_length=1)
    columns: dict[str, str] | None = None
    split: str = "train"
    config: str | None = None
    revision: str | None = None


class TavernSource(GivenSource):
    """Character cards of chat programs: a file or folder of PNG and JSON (see `tavern_characters`)."""

    kind: Literal["tavern"] = "tavern"
    path: str = Field(min_length=1)


class EntitySource(GivenSource):
    """People of a Wikidata dump (see `entity_characters`; `persona_kind` is its `kind`)."""

    kind: Literal["entities"] = "entities"
    path: str = Field(min_length=1)
    language: str = Field(default="en", min_length=1)
    fallback: tuple[str, ...] = ("mul", "en")
    kinds: tuple[str, ...] = Field(default=DEFAULT_ITEMS, min_length=1)
    labels: str | None = None
    year: int | None = None


class OneLineSource(GivenSource):
    """A persona a line or cell: of a file or folder, or of a data set by `name` (see `one_line_characters`)."""

    kind: Literal["one_line"] = "one_line"
    path: str | None = Field(default=None, min_length=1)
    name: str | None = Field(default=None, min_length=1)
    column: str | None = None
    split: str = "train"
    config: str | None = None
    revision: str | None = None


class ScriptSource(GivenSource):
    """Plays, screenplays, chat logs, tables of quotes (see `script_characters`)."""

    kind: Literal["script"] = "script"
    path: str = Field(min_length=1)
    min_lines: int = Field(default=5, ge=1)
    columns: dict[str, str] | None = None


class NovelSource(GivenSource):
    """Novels with quoted speech (see `novel_characters`)."""

    kind: Literal["novel"] = "novel"
    path: str = Field(min_length=1)
    min_lines: int = Field(default=5, ge=1)


class TextSource(GivenSource):
    """A page or chapter about one character a file (see `text_characters`)."""

    kind: Literal["text"] = "text"
    path: str = Field(min_length=1)
    max_characters: int | None = Field(default=None, ge=200)


class FolderSource(GivenSource):
    """A folder of files of any kind (see `folder_characters`)."""

    kind: Literal["folder"] = "folder"
    path: str = Field(min_length=1)


class BundledSource(BaseModel):
    """The characters that come with castwright."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["bundled"] = "bundled"


class GridSource(BaseModel):
    """Characters sampled from attribute tables; `count` and `seed` go before those of the recipe.

    `start` is the first character's number; `against` names a personas table (a run's persona_cards): what is thin
    there is drawn first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["grid"] = "grid"
    count: int | None = Field(default=None, ge=1)
    seed: int | None = None
    modern_share: float = Field(default=0.6, ge=0, le=1)
    tables: str | None = None
    start: int = Field(default=0, ge=0)
    against: str | None = None


AnySource = (
    BundledSource
    | TableSource
    | HubSource
    | TavernSource
    | EntitySource
    | OneLineSource
    | ScriptSource
    | NovelSource
    | TextSource
    | FolderSource
    | GridSource
)
PersonaSource = Annotated[AnySource, Field(discriminator="kind")]
