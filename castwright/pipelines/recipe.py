"""The recipe: the YAML that says what to make, as one validated object.

One section a stage, named as the stage; what several stages share (model, seed, sources) stands at the top.
Every key has a default, so a recipe holds only what a user decided. Unknown keys are errors with the nearest
right one: a misspelled key that is silently ignored costs a paid run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from castwright.errors import RecipeError, nearest
from castwright.filters.run import FilterSpec
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
    """Duplicates among cards: exact on who they are, near by embedding at `near_duplicate` (cosine)."""

    near_duplicate: float = Field(default=0.96, gt=0, le=1)


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
    """Everything a run is made from."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    description: str = ""
    seed: int = 0
    engine: Literal["local", "distilabel"] = "local"
    model: ModelBlock = OfflineModel(kind="offline")
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

    def model_of(self, stage: str) -> ModelBlock:
        """Return the model block that a stage uses: its own, else the recipe's."""
        own = getattr(getattr(self, stage), "model", None)
        return own if own is not None else self.model

    def models_of(self, stage: str) -> list[ModelBlock]:
        """Return every model block that a stage uses, each once: its own and, in dialogues, the ask agent's."""
        blocks = [self.model_of(stage)]
        other = getattr(getattr(self, stage), "ask_model", None)
        return blocks if other is None or other in blocks else [*blocks, other]


def read_recipe(path: str | Path, overrides: list[str] | None = None) -> Recipe:
    """Read and validate a recipe; `overrides` are "dotted.key=value" with the value in YAML.

    Raises:
        RecipeError: the file is missing or no YAML mapping, a key is unknown, a value is wrong.
    """
    path = Path(path)
    if not path.is_file():
        near = nearest(path.name, [entry.name for entry in path.parent.glob("*.yaml")]) if path.parent.is_dir() else ""
        raise RecipeError(f"no recipe at {path}{near}; `castwright new {path.stem or 'NAME'}` writes one to start from")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise RecipeError(f"{where}: not valid YAML ({getattr(error, 'problem', error)})") from None
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not UTF-8 at byte {error.start}; save the recipe as UTF-8") from None
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of keys, this is {type(data).__name__}")
    data.setdefault("name", path.stem)
    for override in overrides or []:
        _override(data, override)
    return validate_recipe(data, str(path), _key_lines(path))


def validate_recipe(data: dict[str, Any], where: str = "recipe", lines: dict[str, int] | None = None) -> Recipe:
    """Return the recipe of a mapping.

    Raises:
        RecipeError: with the first wrong key or value, its line where known, and the nearest right key.
    """
    try:
        recipe = Recipe.model_validate(data)
    except ValidationError as error:
        raise RecipeError(_explain(error, where, lines or {})) from None
    except RecipeError as error:  # a filter's own check, which does not know where it stands
        raise RecipeError(f"{_place(_filter_key(data), where, lines or {})}: {error}") from None
    for position, stage in enumerate(recipe.stages):
        if stage not in STAGES:
            place = _place(["stages", str(position)], where, lines or {})
            raise RecipeError(
                f"{place}: unknown stage {stage!r}{nearest(stage, STAGES)}; stages are {', '.join(STAGES)}"
            )
    for criterion in recipe.preference_pairs.criteria:
        if criterion not in CRITERIA:
            place = _place(["preference_pairs", "criteria", criterion], where, lines or {})
            raise RecipeError(
                f"{place}: preference_pairs.criteria: unknown criterion {criterion!r}{nearest(criterion, CRITERIA)}"
            )
    return recipe


def _place(path: Sequence[str], where: str, lines: dict[str, int]) -> str:
    """Return "file:line" of a key, or of the nearest section around it whose line is known."""
    for end in range(len(path), 0, -1):
        line = lines.get(".".join(path[:end]))
        if line:
            return f"{where}:{line}"
    return where


def _filter_key(data: dict[str, Any]) -> list[str]:
    """Return the path of the first filter of a recipe that is refused."""
    path = ["curate", "filters"]
    for position, spec in enumerate(data["curate"]["filters"]):
        try:
            Curate.model_validate({"filters": [spec]})
        except (RecipeError, ValidationError):
            return [*path, str(position), "name"]
    return path


def _override(data: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise RecipeError(f"--set {override!r}: write it as key=value, for example --set personas.count=500")
    *parents, leaf = key.split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
        if not isinstance(data, dict):
            raise RecipeError(f"--set {override!r}: {parent!r} is not a section of the recipe")
    try:
        data[leaf] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or "no value"
        raise RecipeError(f"--set {key}=...: the value is not valid YAML ({problem}); quote it") from None


def _key_lines(path: Path) -> dict[str, int]:
    """Return dotted key -> line (from 1) of every mapping key and list item in a YAML file."""
    lines: dict[str, int] = {}

    def walk(node: yaml.Node | None, prefix: str) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                name = f"{prefix}{key.value}"
                lines[name] = key.start_mark.line + 1
                walk(value, f"{name}.")
        elif isinstance(node, yaml.SequenceNode):
            for position, value in enumerate(node.value):
                lines[f"{prefix}{position}"] = value.start_mark.line + 1
                walk(value, f"{prefix}{position}.")

    walk(yaml.compose(path.read_text(encoding="utf-8")), "")
    return lines


def _explain(error: ValidationError, where: str, lines: dict[str, int]) -> str:
    errors = error.errors(include_url=False)
    # a misspelled key that is required is missing too: the misspelling is what helps
    first = next((found for found in errors if found["type"] == "extra_forbidden"), errors[0])
    path = [str(part) for part in first["loc"]]
    # pydantic puts the tag of a union's member into the path; a recipe's keys go by the same words only as the last
    shown = [part for part in path[:-1] if part not in _TAGS] + path[-1:]
    place = _place(shown, where, lines)
    in_model = not _MODEL_KEYS.isdisjoint(path)
    if in_model and _MAY_BE_A_SECRET.search(path[-1]):
        return f"{place}: {'.'.join(shown[:-1])}: a key of this block is no word; write each as `key: value`"
    key = ".".join(shown)
    if first["type"] == "extra_forbidden":
        return f"{place}: unknown key {key!r}{nearest(path[-1], _known_keys(path[:-1]))}"
    if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
        context = first.get("ctx", {})
        kinds = [get_args(model.model_fields["kind"].annotation)[0] for model in _models_at(path)]
        expected = ", ".join(kinds)
        tag = str(context.get("tag", ""))
        if not tag:
            return f"{place}: {key}: it needs a `kind`; kinds are {expected}"
        said = "unknown kind" if in_model and _MAY_BE_A_SECRET.search(tag) else f"unknown kind {tag!r}"
        return f"{place}: {key}: {said}{nearest(tag, kinds)}; kinds are {expected}"
    # a model block's value may be a key somebody pasted: it is never repeated
    got = "" if in_model or first["type"] == "missing" else f" (got {first.get('input')!r})"
    return f"{place}: {key or 'recipe'}: {first['msg']}{got}"


_MAY_BE_A_SECRET = re.compile(r"^(sk-|hf_|gsk_|AIza|xai-|Bearer)|[=:\s]|.{25}")
_MODEL_KEYS = {"model", "ask_model"}
_TAGS = {"offline", "openai", "transformers", "bundled", "table", "grid", "hub", "text"}


def _known_keys(path: list[str]) -> list[str]:
    """Return the keys that may stand at a place of the recipe."""
    return sorted({name for model in _models_at(path) for name in model.model_fields})


def _models_at(path: list[str]) -> list[type[BaseModel]]:
    """Return the models that a place of the recipe may hold: several where it is a union."""
    candidates: list[type[BaseModel]] = [Recipe]
    for part in path:
        if part.isdigit() or part in _TAGS:
            continue
        following: list[type[BaseModel]] = []
        for model in candidates:
            if part in model.model_fields:
                following += _models_in(model.model_fields[part].annotation)
        candidates = following or candidates
    return candidates


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in _models_in(argument)]
