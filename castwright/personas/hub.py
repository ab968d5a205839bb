"""Rows and licence of a Hugging Face dataset, by Hub name or from a local folder.

`datasets` streams it, so a count of 500 from a set of a million rows downloads little. All that can go wrong
there (offline, no such set, split, configuration) arrives here as one of many exception types with texts of
many lines; it leaves as one `SourceError` of one line. The licence is taken from the set's own card, because
what a recipe says of it is a claim and the card is the source.
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
    errors = _errors()
    try:
        try:
            rows = load_dataset(name, config, split=split, revision=revision, streaming=True)
        except NotImplementedError:  # a format that cannot be streamed
            rows = load_dataset(name, config, split=split, revision=revision)
    except errors as error:
        raise SourceError(f"cannot read {where}: {_advice(error, name)}") from error
    return _guarded(rows, where, errors)


def hub_licence(name: str, *, revision: str | None = None) -> str:
    """Return the licence that the dataset's card states ("cc-by-4.0"), or an empty string.

    A card without one, without valid YAML, or out of reach states nothing: it is no reason to stop.
    """
    if Path(name).is_dir():
        readme = Path(name) / "README.md"
        text = readme.read_text(encoding="utf-8", errors="replace") if readme.is_file() else ""
    else:
        text = _hub_readme(name, revision)
    return licence_of(text)


def licence_of(readme: str) -> str:
    """Return the licence in the YAML block that opens a dataset card, or an empty string."""
    block = re.match(r"\s*---\s*\n(.*?)\n---", readme, re.DOTALL)
    try:
        data = yaml.safe_load(block.group(1)) if block else None
    except yaml.YAMLError:
        return ""
    if not isinstance(data, dict):
        return ""
    stated = data.get("license") or data.get("licence") or ""
    names = [str(item) for item in (stated if isinstance(stated, list) else [stated])]
    if names == ["other"]:
        names = [str(data.get("license_name") or "")]
    return ", ".join(one for one in names if one.lower() not in _UNSTATED)


def _check_name(name: str) -> None:
    path = Path(name)
    if path.is_file():
        raise SourceError(f"{name} is a file, not a dataset: read it with kind: table")
    if not path.is_dir() and not _HUB_NAME.fullmatch(name):
        raise SourceError(f"no dataset {name!r}: there is no such folder, and a Hub name is user/name")


def _errors() -> tuple[type[Exception], ...]:
    """Return what `datasets` and `huggingface_hub` raise for a set that cannot be read."""
    from datasets.exceptions import DatasetsError
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    # OSError: offline, not found, empty; ValueError: split, configuration, bad data; RuntimeError: scripts
    return (DatasetsError, HfHubHTTPError, HFValidationError, OSError, ValueError, RuntimeError, TypeError)


def _guarded(rows: Any, where: str, errors: tuple[type[Exception], ...]) -> Iterator[dict[str, Any]]:
    count = 0
    iterator = iter(rows)
    while True:
        try:
            row = next(iterator)
        except StopIteration:
            return
        except errors as error:
            raise SourceError(f"{where} cannot be read behind row {count}: {reason_of(error)[:300]}") from error
        count += 1
        yield dict(row)


def _advice(error: Exception, name: str) -> str:
    """Return the first sentence of a message of `datasets` that matters, and what to do about it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines[:2])[:300] or type(error).__name__
    if isinstance(error, ConnectionError) and not Path(name).is_dir():
        return f"{text}; is the name right, and are you online (or HF_HUB_OFFLINE set)? A local folder works too"
    return text


def _hub_readme(name: str, revision: str | None) -> str:
    from huggingface_hub import hf_hub_download

    try:
        path = hf_hub_download(name, "README.md", repo_type="dataset", revision=revision)
    except _errors():
        return ""  # no card, or out of reach: hub_rows has told the user of the latter
    return Path(path).read_text(encoding="utf-8", errors="replace")
