"""Rows as a person reads them: one short block of text per row, by stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]


def _persona(row: Row) -> list[str]:
    info, style = row.get("basic_info") or {}, row.get("dialogue_style") or {}
    age = f", {info['age']}" if info.get("age") is not None else ""
    return [
        f"{row['name']}{age}, {info.get('occupation') or 'no occupation'} ({info.get('place')}, {info.get('era')})",
        f"traits: {', '.join(row.get('traits') or [])}; speaks {style.get('register')}, "
        f"{style.get('sentence_length')} sentences; {'; '.join(style.get('quirks') or [])}",
        f"{row.get('background')}",
        *[f"“{line}”" for line in row.get("example_lines") or []],
    ]


def _seed_example(row: Row) -> list[str]:
    return [f"Q  {row['question']}", f"A  {row['response']}"]


def _style_pair(row: Row) -> list[str]:
    scores = f"similarity {row['similarity']}, formality {row['formality_casual']} -> {row['formality_formal']}"
    return [
        f"person  {row['casual']}",
        f"formal  {row['formal']}",
        scores if row["similarity"] is not None else "",
    ]


def _persona_response(row: Row) -> list[str]:
    rewritten = (
        f"rewritten  {row['response']}" if row["rewritten"] else f"(not rewritten: {row['rewrite_refusal_reason']})"
    )
    return [f"Q    {row['question']}", f"raw  {row['raw_response']}", rewritten]


def _contrastive_pair(row: Row) -> list[str]:
    check = row.get("check") or {}
    return [
        f"Q          {row['question']}",
        f"plain      {row['answer']}",
        f"in person  {row['persona_answer']}",
        f"check      {check.get('method')}: {check.get('detail')}",
    ]


def _preference_pair(row: Row) -> list[str]:
    prompt, chosen, rejected = (row.get(key) or [{"content": ""}] for key in ("prompt", "chosen", "rejected"))
    return [
        f"Q         {prompt[-1]['content']}",
        f"chosen    {chosen[-1]['content']}",
        f"rejected  {rejected[-1]['content']}",
        f"criterion {row['criterion']}, margin {row['margin']}",
    ]


def _curated(row: Row) -> list[str]:
    return [f"{row['table']}: {row['question']}", f"{row['response']}"]


_SHAPES: dict[str, Callable[[Row], list[str]]] = {
    "persona_cards": _persona,
    "seed_examples": _seed_example,
    "style_rewriter": _style_pair,
    "persona_responses": _persona_response,
    "contrastive_pairs": _contrastive_pair,
    "preference_pairs": _preference_pair,
    "curate": _curated,
}


def readable(stage: str, row: Row) -> str:
    """Return a row of a stage as a person reads it; a dropped row ends with who dropped it and why."""
    shape = _SHAPES.get(stage)
    from_source = row.get("filter") == "source"
    lines = [] if from_source or shape is None else shape(row)
    if row.get("verdict") == "drop":
        lines.append(f"dropped by {row['filter']}: {row['reason']}")
    return "\n".join(line for line in lines if line)
