"""The recipe: the YAML that says what to make, as one validated object.

One section a stage, named as the stage; what several stages share (model, seed, sources) stands at the top.
Every key has a default, so a recipe holds only what a user decided. Unknown keys are errors with the nearest
right one: a misspelled key that is silently ignored costs a paid run.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from castwright.filters.run import COMPARING, FilterSpec
from castwright.generators.calls.account import Budget
from castwright.generators.calls.usage import Price
from castwright.generators.criteria import CRITERIA
from castwright.generators.models.config import ModelBlock, OfflineModel
from castwright.generators.rewriter.config import RewriterTraining
from castwright.personas.sources import BundledSource, GridSource, PersonaSource

STAGES: tuple[str, ...] = (
    "persona_cards",
    "seed_examples",
    "style_rewriter",
    "rewriter_training",
    "persona_responses",
    "contrastive_pairs",
    "dialogues",
    "preference_pairs",
    "instruction_pretraining",
    "curate",
    "export",
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BundledRows(_Part):
    """The questions, chat or SFT rows that come with castwright. `limit` takes the first rows only."""

    kind: Literal["bundled"] = "bundled"
    limit: int | None = Field(default=None, ge=1)


class TableRows(_Part):
    """Rows of a file or folder (CSV, TSV, JSONL, JSON, parquet). `columns` maps our field to theirs."""

    kind: Literal["table"]
    path: str
    columns: dict[str, str] = {}
    licence: str = "unknown"
    limit: int | None = Field(default=None, ge=1)


class TextFiles(_Part):
    """A plain-text file, or the .txt files of a folder and those under it. What is not UTF-8 is read as `encoding`."""

    kind: Literal["text"]
    path: str
    licence: str = "unknown"
    encoding: str = "utf-8"
    limit: int | None = Field(default=None, ge=1)

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, encoding: str) -> str:
        try:
            "".encode(encoding)
        except LookupError:
            raise ValueError(f"no text encoding {encoding!r}; write utf-8, cp1252, latin-1, gb18030 ...") from None
        return encoding


RowSource = Annotated[BundledRows | TableRows, Field(discriminator="kind")]
ScriptSource = Annotated[BundledRows | TableRows | TextFiles, Field(discriminator="kind")]


class Personas(_Part):
    """Which characters: `sources` in order, the last grid tops up to `count`. `count` None takes all."""

    count: int | None = Field(default=240, ge=1)
    sources: tuple[PersonaSource, ...] = (BundledSource(kind="bundled"), GridSource(kind="grid"))


class StageSettings(_Part):
    """What every model-calling stage may set: a `model:` block of its own."""

    model: ModelBlock | None = None


class PersonaCards(StageSettings):
    """Duplicates among cards: exact on who they are, near by embedding at `near_duplicate` (cosine).

    `override` takes a `near_duplicate` that lies inside what unlike cards of the corpus reach. `living`: what becomes
    of characters that their source describes as living people. `extends`: a run whose cards come first and are kept
    as they are; `against`: runs whose cards these must not repeat. `filters` screen each card by itself. A text of more
    than `max_characters` is read in parts, and the card written from the notes on them.
    """

    near_duplicate: float = Field(default=0.96, gt=0, le=1)
    override: bool = False
    living: Literal["drop", "keep"] = "drop"
    extends: str | None = None
    against: tuple[str, ...] = ()
    filters: tuple[FilterSpec, ...] = (
        FilterSpec(name="minors"),
        FilterSpec(name="slurs"),
        FilterSpec(name="personal_data"),
    )
    max_characters: int = Field(default=36_000, ge=200)

    @field_validator("filters")
    @classmethod
    def _judge_one_card(cls, filters: tuple[FilterSpec, ...]) -> tuple[FilterSpec, ...]:
        for spec in filters:
            if spec.name in COMPARING:
                raise ValueError(f"{spec.name} compares cards; that is done behind these, by near_duplicate")
        return filters


class SeedExamples(StageSettings):
    """How many cards get seed examples, and how many each. `refined`: a JSONL file of edits by people."""

    personas: int = Field(default=24, ge=1)
    questions: int = Field(default=2, ge=1)
    refined: str | None = None


class StyleRewriter(StageSettings):
    """Style pairs. `variants`: how many formal-rewrite instructions the turns are spread over."""

    variants: int = Field(default=4, ge=1, le=8)
    min_words: int = Field(default=4, ge=1)
    max_words: int = Field(default=60, ge=1)
    min_similarity: float = Field(default=0.6, ge=0, le=1)
    min_formality_gain: float = 0.02
    held_out: float = Field(default=0.1, ge=0, le=0.5)


class TrainingStage(RewriterTraining):
    """Training settings. `checkpoint` uses a trained rewriter instead; `enabled: false` goes without one."""

    enabled: bool = True
    checkpoint: str | None = None


class PersonaResponses(StageSettings):
    """Questions per persona, few-shots per question, and which rewrites are accepted."""

    per_persona: int = Field(default=2, ge=1)
    shots: int = Field(default=2, ge=0)
    rewrite: Literal["modern", "all", "none"] = "modern"
    min_similarity: float = Field(default=0.75, ge=0, le=1)


class ContrastivePairs(StageSettings):
    """How many personas answer each SFT question."""

    per_question: int = Field(default=1, ge=1)
    min_similarity: float = Field(default=0.55, ge=0, le=1)


class Dialogues(StageSettings):
    """How many talks, and the most turns of the person in each. `ask_model`: who asks (None: the same model)."""

    count: int = Field(default=40, ge=1)
    max_turns: int = Field(default=4, ge=1)
    ask_model: ModelBlock | None = None


class PreferencePairs(StageSettings):
    """How many pairs, and the weight of each criterion (all alike unless given)."""

    per_response: int = Field(default=1, ge=1)
    count: int | None = Field(default=None, ge=1)
    criteria: dict[str, float] = Field(default_factory=lambda: dict.fromkeys(CRITERIA, 1.0))
    max_length_ratio: float = Field(default=6.0, gt=1)


class InstructionPretraining(_Part):
    """The longest passage of a script, in words, and how many speeches one must hold to be of use."""

    max_words: int = Field(default=400, ge=20)
    min_turns: int = Field(default=2, ge=1)


class Curate(_Part):
    """The filters that D = D_p and D_c goes through, in order."""

    filters: tuple[FilterSpec, ...] = (
        FilterSpec(name="length", options={"min_words": 3, "max_words": 600}),
        FilterSpec(name="refusal"),
        FilterSpec(name="out_of_character"),
        FilterSpec(name="exact_duplicates", options={"columns": ["question", "response"]}),
        FilterSpec(name="near_duplicates", options={"columns": ["response"], "threshold": 0.97, "within": "question"}),
    )


class Export(_Part):
    """Shares of personas in each split; the licence when the sources' cannot be reduced to one."""

    validation: float = Field(default=0.05, ge=0, lt=1)
    test: float = Field(default=0.05, ge=0, lt=1)
    licence: str | None = None
    pretty_name: str | None = None


class Recipe(_Part):
    """Everything a run is made from.

    `prices` are per model, `budget` is for the whole run, resumed parts included. `journal` is where replies are
    kept: "shared" by all of the user's runs, "run" in this run's folder only, or the path of a file.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    description: str = ""
    seed: int = 0
    engine: Literal["local", "distilabel"] = "local"
    model: ModelBlock = OfflineModel(kind="offline")
    prices: dict[str, Price] = {}
    budget: Budget = Budget()
    journal: str = Field(default="shared", min_length=1)
    embeddings: str = "offline"
    stages: tuple[str, ...] = STAGES
    personas: Personas = Personas()
    questions: RowSource = BundledRows()
    chat: RowSource = BundledRows()
    sft: RowSource = BundledRows()
    scripts: ScriptSource = BundledRows()
    persona_cards: PersonaCards = PersonaCards()
    seed_examples: SeedExamples = SeedExamples()
    style_rewriter: StyleRewriter = StyleRewriter()
    rewriter_training: TrainingStage = TrainingStage()
    persona_responses: PersonaResponses = PersonaResponses()
    contrastive_pairs: ContrastivePairs = ContrastivePairs()
    dialogues: Dialogues = Dialogues()
    preference_pairs: PreferencePairs = PreferencePairs()
    instruction_pretraining: InstructionPretraining = InstructionPretraining()
    curate: Curate = Curate()
    export: Export = Export()

    @field_validator("questions", "chat", "sft", "scripts", mode="before")
    @classmethod
    def _kind_by_its_keys(cls, source: Any) -> Any:
        """A source without a `kind` is the bundled one, so that `--set chat.limit=100` says enough."""
        if isinstance(source, dict) and "kind" not in source and "path" not in source:
            return {"kind": "bundled", **source}
        return source

    def model_of(self, stage: str) -> ModelBlock:
        """Return the model block that a stage uses: its own, else the recipe's."""
        own = getattr(getattr(self, stage), "model", None)
        return own if own is not None else self.model

    def models_of(self, stage: str) -> list[ModelBlock]:
        """Return every model block that a stage uses, each once: its own and, in dialogues, the ask agent's."""
        blocks = [self.model_of(stage)]
        other = getattr(getattr(self, stage), "ask_model", None)
        return blocks if other is None or other in blocks else [*blocks, other]
