"""Known facts of a character, read into the types a card takes.

Sources are many and their facts sometimes odd ("34" for an age, one string for a list of traits). What can
be read is read, what cannot is left out, and nothing raises: a wrong fact must cost one field, not the
card. (Rejected: validating with the card's own model, which refuses the whole for one field.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from castwright.personas.card import KINDS, REGISTERS, SENTENCE_LENGTHS


def clean_facts(facts: Any) -> dict[str, Any]:
    """Return the facts that a card can take, each in its type."""
    given = facts if isinstance(facts, Mapping) else {}
    clean: dict[str, Any] = {}
    for key in ("name", "background", "language"):
        if isinstance(given.get(key), (str, int, float)) and str(given[key]).strip():
            clean[key] = " ".join(str(given[key]).split())
    if given.get("kind") in KINDS:
        clean["kind"] = given["kind"]
    if isinstance(given.get("modern"), bool):
        clean["modern"] = given["modern"]
    for key in ("traits", "example_lines"):
        if items := _texts(given.get(key)):
            clean[key] = items
    info, style = given.get("basic_info"), given.get("dialogue_style")
    clean["basic_info"] = _clean_info(info if isinstance(info, Mapping) else {})
    clean["dialogue_style"] = _clean_style(style if isinstance(style, Mapping) else {})
    return clean


def _clean_info(info: Mapping[str, Any]) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    age = info.get("age")
    if isinstance(age, str) and age.strip().isdigit():
        age = int(age.strip()[:6])
    if isinstance(age, (int, float)) and not isinstance(age, bool) and 0 <= age <= 10_000:
        clean["age"] = int(age)
    for key in ("gender", "occupation", "place", "era"):
        if isinstance(info.get(key), str) and info[key].strip():
            clean[key] = " ".join(info[key].split())
    if ties := _texts(info.get("relationships")):
        clean["relationships"] = ties
    return clean


def _clean_style(style: Mapping[str, Any]) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    if style.get("register") in REGISTERS:
        clean["register"] = style["register"]
    if style.get("sentence_length") in SENTENCE_LENGTHS:
        clean["sentence_length"] = style["sentence_length"]
    for key in ("catchphrases", "quirks"):
        if items := _texts(style.get(key)):
            clean[key] = items
    return clean


def _texts(value: Any) -> list[str]:
    items = (
        re.split(r"\s*[;|,]\s*", value) if isinstance(value, str) else value if isinstance(value, (list, tuple)) else []
    )
    return [" ".join(str(item).split()) for item in items if isinstance(item, (str, int, float)) and str(item).strip()]
