"""Rows as a person reads them: one short block of text per row, by stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]


def _persona(row: Row) -> list[str]:
    info, style = row.get("basic_info") or {}, row.get("dialogue_style") or {}
    age = f", {info['age']}" if info.get("age") is not None else ""
    where = ", ".join(part for part in (info.get("place"), info.get("era")) if part)
    return [
        f"{row['name']}{age}, {info.get('occupation') or 'no occupation'}" + (f" ({where})" if where else ""),
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


def _dialogue(row: Row) -> list[str]:
    said = [
        f"{'person   ' if message['role'] == 'user' else 'character'}  {message['content']}"
        for message in row.get("messages") or []
        if message["role"] != "system"
    ]
    broken = f": {row['failure']}" if row.get("failure") else ""
    return [*said, f"(ended by {row['ended_by']}{broken})"]


def _preference_pair(row: Row) -> list[str]:
    prompt, chosen, rejected = (row.get(key) or [{"content": ""}] for key in ("prompt", "chosen", "rejected"))
    said = [message for message in prompt[:-1] if message.get("role") != "system"]
    before = [f"before    {message['role']}: {message['content']}" for message in said]
    return [
        *before,
        f"Q         {prompt[-1]['content']}",
        f"chosen    {chosen[-1]['content']}",
        f"rejected  {rejected[-1]['content']}",
        f"criterion {row['criterion']}, margin {row['margin']}",
    ]


def _passage(row: Row) -> list[str]:
    trained = sum(len(segment["text"]) for segment in row.get("segments") or [] if segment["train"])
    share = f"{trained / len(row['text']):.0%}" if row.get("text") else "nothing"
    return [
        f"{row.get('title') or row['script_id']}, passage {row['part']}; the loss falls on {share} of the text (»…«)",
        *_marked(row.get("segments") or []).splitlines(),
    ]


def _marked(segments: list[Mapping[str, Any]]) -> str:
    """Return the text of segments with marks around the words the loss falls on."""
    parts = []
    for segment in segments:
        text = segment["text"]
        words = text.strip()
        parts.append(text.replace(words, f"»{words}«", 1) if segment["train"] and words else text)
    return "".join(parts)


def _curated(row: Row) -> list[str]:
    return [f"{row['table']}: {row['question']}", f"{row['response']}"]


_SHAPES: dict[str, Callable[[Row], list[str]]] = {
    "persona_cards": _persona,
    "seed_examples": _seed_example,
    "style_rewriter": _style_pair,
    "persona_responses": _persona_response,
    "contrastive_pairs": _contrastive_pair,
    "dialogues": _dialogue,
    "preference_pairs": _preference_pair,
    "instruction_pretraining": _passage,
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
