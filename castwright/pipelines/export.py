"""Stage 10: one folder per data set, in the columns that TRL reads, with a dataset card.

`messages` for SFT, `prompt`/`chosen`/`rejected` for DPO and ORPO, `prompt`/`completion`/`label` for KTO,
`prompt`/`completion` for the style rewriter, text with the spans of its loss for instruction
pre-training. Only rows that curation kept are exported.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from castwright.pipelines.data_set import SPLITS, Config, DataSet, StoredConfig, by_split, write_data_set
from castwright.pipelines.dataset_card import write_card
from castwright.pipelines.stage import Context, Report, Stage
from castwright.pipelines.streams import Row
from castwright.pipelines.table_files import part_files, stored_tables

_text = pa.string()
_messages = pa.list_(pa.struct([("role", _text), ("content", _text)]))
_LINEAGE: list[tuple[str, pa.DataType]] = [("row_id", _text), ("parents", pa.list_(_text)), ("model", _text)]
_SFT: list[tuple[str, pa.DataType]] = [
    ("messages", _messages),
    ("persona_id", _text),
    ("pair_id", _text),
    ("table", _text),
    *_LINEAGE,
]


def _personas(context: Context) -> DataSet:
    from castwright.pipelines.contracts import SCHEMAS

    hidden = {"verdict", "filter", "reason", "score", "stage"}
    schema = pa.schema([part for part in SCHEMAS["personas"] if part.name not in hidden])
    return DataSet(
        "personas",
        "persona cards",
        "Validated profiles of characters: basic information, traits, dialogue style, background, example lines.",
        (StoredConfig("default", schema, part_files(context.folder("persona_cards")), _persona_splits(context)),),
        tags=("persona", "role-play"),
    )


def _persona_splits(context: Context) -> npt.NDArray[np.int8]:
    """Return the place in SPLITS of every persona card's split, in the order of the table."""
    places = {split: place for place, split in enumerate(SPLITS)}
    files = part_files(context.folder("persona_cards"))
    drawn = (
        places[context.split(persona_id)]
        for table in stored_tables(files, ["persona_id"])
        for persona_id in table.column("persona_id").to_pylist()
    )
    return np.fromiter(drawn, dtype=np.int8)


def _style_pairs(context: Context) -> DataSet:
    schema = pa.schema(
        [
            ("prompt", _text),
            ("completion", _text),
            ("formality_formal", pa.float64()),
            ("formality_casual", pa.float64()),
            ("similarity", pa.float64()),
            *_LINEAGE,
        ]
    )
    rows = [
        (
            "test" if row["split"] == "held_out" else "train",
            {**row, "prompt": row["formal"], "completion": row["casual"]},
        )
        for row in context.rows("style_rewriter")
    ]
    return DataSet(
        "style_pairs",
        "style pairs",
        "Formal rewrites of real chat turns (prompt) and the turns themselves (completion), to train a rewriter "
        "from formal to human.",
        (Config("default", schema, by_split(rows)),),
        tags=("style-transfer", "formality"),
    )


def _seed_examples(context: Context) -> DataSet:
    schema = pa.schema(
        [(name, _text) for name in ("persona_id", "question_id", "question", "response", "refined_by")] + _LINEAGE
    )
    rows = [(context.split(row["persona_id"]), row) for row in context.rows("seed_examples")]
    return DataSet(
        "seed_examples",
        "seed examples",
        "Questions answered in character, used as few-shot examples.",
        (Config("default", schema, by_split(rows)),),
        tags=("persona", "few-shot"),
    )


def kept_ids(context: Context) -> set[str]:
    """Return the row ids that curation kept, or every id where the recipe does not curate."""
    if context.has("curate"):
        return {row["row_id"] for row in context.rows("curate")}
    tables = ("persona_responses", "contrastive_pairs", "dialogues", "preference_pairs")
    return {row["row_id"] for table in tables if context.has(table) for row in context.rows(table)}


def sft_rows(context: Context, kept: set[str]) -> dict[str, list[tuple[str, Row]]]:
    """Return D as (split, row) lists by table; each contrastive pair gives its plain row too."""
    tables: dict[str, list[tuple[str, Row]]] = {}
    for table in ("persona_responses", "dialogues"):
        if context.has(table):
            tables[table] = [
                (row["split"], {**row, "pair_id": "", "table": table})
                for row in context.rows(table)
                if row["row_id"] in kept
            ]
    if context.has("contrastive_pairs"):
        pairs: list[tuple[str, Row]] = []
        plain: set[str] = set()
        for row in context.rows("contrastive_pairs"):
            if row["row_id"] not in kept:
                continue
            if row["question"] not in plain:
                plain.add(row["question"])
                pairs.append((row["split"], _plain_row(row)))
            pairs.append((row["split"], {**row, "table": "contrastive_pairs"}))
        tables["contrastive_pairs"] = pairs
    return tables


def _plain_row(row: Row) -> Row:
    return {
        "row_id": f"{row['pair_id']}-plain",
        "parents": [row["sft_source"]],
        "model": "source:sft",
        "persona_id": "",
        "pair_id": row["pair_id"],
        "table": "contrastive_pairs",
        "messages": [
            {"role": "user", "content": row["question"]},
            {"role": "assistant", "content": row["answer"]},
        ],
    }


def _sft(context: Context, kept: set[str]) -> DataSet:
    tables = sft_rows(context, kept)
    schema = pa.schema(_SFT)
    union = [pair for pairs in tables.values() for pair in pairs]
    configs = [Config("default", schema, by_split(union))]
    configs += [Config(name, schema, by_split(pairs)) for name, pairs in tables.items()]
    return DataSet(
        "sft",
        "supervised fine-tuning set D",
        "D (NGENT section 4.2): persona responses, contrastive pairs that answer the same question plainly and in "
        "character, and dialogues of several turns.",
        tuple(config for config in configs if config.counts),
        tags=("persona", "role-play", "sft", "conversational"),
    )


def _preference_pairs(context: Context, kept: set[str]) -> DataSet:
    shared: list[tuple[str, pa.DataType]] = [("criterion", _text), ("persona_id", _text), *_LINEAGE]
    dpo = pa.schema(
        [
            ("prompt", _messages),
            ("chosen", _messages),
            ("rejected", _messages),
            ("length_ratio", pa.float64()),
            ("similarity", pa.float64()),
            ("margin", pa.float64()),
            *shared,
        ]
    )
    kto = pa.schema([("prompt", _messages), ("completion", _messages), ("label", pa.bool_()), *shared])
    rows = [row for row in context.rows("preference_pairs") if row["row_id"] in kept]
    pairs = by_split([(row["split"], row) for row in rows])
    return DataSet(
        "preference_pairs",
        "preference pairs",
        "For each prompt a chosen response and one that is worse by a stated criterion: `dpo` for DPO and ORPO, "
        "`kto` for KTO.",
        (
            Config("dpo", dpo, pairs),
            Config("kto", kto, {split: kto_rows(found) for split, found in pairs.items()}),
        ),
        tags=("preference", "dpo", "kto", "persona"),
    )


def kto_rows(pairs: list[Row]) -> list[Row]:
    """Return both sides of each pair as (completion, label) rows, labels in turn, no pair's sides next to each other.

    TRL estimates KTO's KL term by giving each row the completion of the row before it in its batch, unshuffled;
    it has to be one for another prompt, so the rejected sides are half the table away from their chosen sides.
    """
    half = len(pairs) // 2
    apart = [*pairs[half:], *pairs[:half]]
    return [
        {**row, "completion": row[side], "label": side == "chosen", "row_id": f"{row['row_id']}-{side}"}
        for couple in zip(pairs, apart, strict=True)
        for row, side in zip(couple, ("chosen", "rejected"), strict=True)
    ]


def _instruction_pretraining(context: Context) -> DataSet:
    from castwright.pipelines.contracts import SCHEMAS

    table = SCHEMAS["instruction_pretraining"]
    names = ("text", "segments", "spans", "script_id", "title", "source", "part", "turns")
    schema = pa.schema([*(table.field(name) for name in names), *_LINEAGE])
    rows = [(row["split"], row) for row in context.rows("instruction_pretraining")]
    return DataSet(
        "instruction_pretraining",
        "instruction pre-training set",
        "Passages of scripts as narration, character names and dialogue (NGENT section 4.1): a model reads all of a "
        "passage, and the loss falls on the dialogue.",
        (Config("default", schema, by_split(rows)),),
        tags=("role-play", "scripts", "loss-mask"),
        synthetic=False,
    )


def data_sets(context: Context) -> list[DataSet]:
    """Return every data set that this run's stages make, without empty ones."""
    kept = kept_ids(context)
    made = []
    if context.has("persona_cards"):
        made.append(_personas(context))
    if context.has("seed_examples"):
        made.append(_seed_examples(context))
    if context.has("style_rewriter"):
        made.append(_style_pairs(context))
    if any(context.has(table) for table in ("persona_responses", "contrastive_pairs", "dialogues")):
        made.append(_sft(context, kept))
    if context.has("preference_pairs"):
        made.append(_preference_pairs(context, kept))
    if context.has("instruction_pretraining"):
        made.append(_instruction_pretraining(context))
    return [dataset for dataset in made if dataset.count]


def _work(context: Context, folder: Path, report: Report) -> dict[str, Any]:
    made = data_sets(context)
    for done, dataset in enumerate(made):
        report(done, len(made))
        write_data_set(dataset, folder / dataset.name)
        write_card(dataset, context, folder / dataset.name)
    report(len(made), len(made))
    total = sum(dataset.count for dataset in made)
    return {
        "rows_in": total,
        "rows_out": total,
        "data_sets": {dataset.name: dataset.count for dataset in made},
    }


STAGE = Stage(
    name="export",
    needs=("persona_cards",),
    uses=(
        "seed_examples",
        "style_rewriter",
        "persona_responses",
        "contrastive_pairs",
        "dialogues",
        "preference_pairs",
        "instruction_pretraining",
        "curate",
    ),
    reads=("export", "seed", "name", "description", "personas", "chat", "sft", "questions", "scripts"),
    work=_work,
)
