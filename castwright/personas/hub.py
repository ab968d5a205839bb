"""Rows and licence of a Hugging Face dataset, by Hub name or from a local folder.

`datasets` streams it, so a count of 500 from a set of a million rows downloads little. All that can go wrong
there (offline, no such set, split, configuration, a damaged file) arrives here as an exception of any type (even a
`StopIteration`, for an empty file) with a text of many lines; it leaves as one `SourceError` of one line. (Rejected:
a list of the types, which was never complete.) The licence is taken from the set's own card, because what a recipe
says of it is a claim and the card is the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from castwright.errors import SourceError
from castwright.personas.lines import reason_of

_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
_UNSTATED = frozenset({"", "unknown", "other", "none"})


def hub_rows(name: str, *, split: str, config: str | None, revision: str | None) -> Iterator[dict[str, Any]]:
    """Yield the rows of one split, streamed.

    Raises:
        SourceError: not found, offline, no such split or configuration (with those there are); and while
            iterating, when the rows stop coming.
    """
    _check_name(name)
    from datasets import load_dataset

    where = f"the dataset {name!r}"
    try:
        try:
            rows = load_dataset(name, config, split=split, revision=revision, streaming=True)
        except NotImplementedError:  # a format that cannot be streamed
            rows = load_dataset(name, config, split=split, revision=revision)
    except Exception as error:
        raise SourceError(f"cannot read {where}: {_advice(error, name)}") from error
    return _guarded(rows, where, name)


def hub_licence(name: str, *, revision: str | None = None) -> str:
    """Return the licence that the dataset's card states ("cc-by-4.0"), or an empty string.

    A card without one, without valid YAML, or out of reach states nothing: it is no reason to stop.
    """
    readme = Path(name) / "README.md" if Path(name).is_dir() else _hub_readme(name, revision)
    try:
        return licence_of(readme.read_text(encoding="utf-8", errors="replace")) if readme is not None else ""
    except OSError:
        return ""  # no card, or one without the right to read it


def licence_of(readme: str) -> str:
    """Return the licence in the YAML block that opens a dataset card, or an empty string."""
    block = re.match(r"\s*---\s*\n(.*?)\n---", readme, re.DOTALL)
    try:
        data = yaml.safe_load(block.group(1)) if block else None
    except (yaml.YAMLError, ValueError, RecursionError):  # the latter for a date of month 13, and nested too deep
        return ""
    if not isinstance(data, dict):
        return ""
    stated = data.get("license") or data.get("licence") or ""
    # texts alone: YAML can write a list that holds itself, or one that says itself a million times
    names = [item for item in (stated if isinstance(stated, list) else [stated]) if isinstance(item, str)]
    if names == ["other"]:
        names = [str(data.get("license_name") or "")]
    return ", ".join(one for one in names if one.lower() not in _UNSTATED)


def _check_name(name: str) -> None:
    path = Path(name)
    if path.is_file():
        raise SourceError(f"{name} is a file, not a dataset: read it with kind: table")
    if not path.is_dir() and not _HUB_NAME.fullmatch(name):
        raise SourceError(f"no dataset {name!r}: there is no such folder, and a Hub name is user/name")


def _guarded(rows: Any, where: str, name: str) -> Iterator[dict[str, Any]]:
    count = 0
    iterator = iter(rows)
    while True:
        try:
            row = next(iterator)
        except StopIteration:
            return
        except Exception as error:
            trouble = f"{where} cannot be read behind row {count}: {reason_of(error)[:300]}"
            raise SourceError(f"{trouble}{_other_way(name)}") from error
        count += 1
        yield dict(row)


def _other_way(name: str) -> str:
    """Return what helps with a damaged file of a local folder: our own readers go on behind a bad record."""
    return "; kind: table reads its files and keeps bad records aside" if Path(name).is_dir() else ""


def _advice(error: Exception, name: str) -> str:
    """Return the first sentence of a message of `datasets` that matters, and what to do about it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines[:2])[:300] or ("it has an empty file" if isinstance(error, StopIteration) else "")
    text = text or type(error).__name__
    if isinstance(error, ConnectionError) and not Path(name).is_dir():
        return f"{text}; is the name right, and are you online (or HF_HUB_OFFLINE set)? A local folder works too"
    return text


def _hub_readme(name: str, revision: str | None) -> Path | None:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(name, "README.md", repo_type="dataset", revision=revision))
    except Exception:
        return None  # no card, or out of reach: hub_rows has told the user of the latter
