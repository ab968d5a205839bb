"""Characters from Hugging Face datasets, without a network."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from castwright.errors import BadRecord, SourceError
from castwright.personas.character import Character
from castwright.personas.hub import licence_of
from castwright.personas.sources import (
    HubSource,
    hub_characters,
    read_characters,
)


def table(folder: Path, rows: list[dict[str, Any]], name: str = "people.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def split(items: Any) -> tuple[list[Character], list[BadRecord]]:
    found = list(items)
    characters = [item for item in found if isinstance(item, Character)]
    return characters, [item for item in found if isinstance(item, BadRecord)]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail loudly should anything here open a connection."""

    def refuse(*_: object) -> None:
        raise AssertionError("a test reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A dataset folder in the Hub's layout: parquet, two splits, two configurations, a card."""
    folder = tmp_path / "harbour-folk"
    (folder / "data").mkdir(parents=True)
    rows = [{"name": f"Sailor {n}", "persona": f"Sails boat {n}.", "info": {"age": n}} for n in range(300)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "data" / "train-00000.parquet")
    pq.write_table(pa.Table.from_pylist(rows[:2]), folder / "data" / "test-00000.parquet")
    (folder / "README.md").write_text(
        "---\nlicense: cc-by-4.0\nconfigs:\n- config_name: all\n  default: true\n  data_files:\n"
        "  - split: train\n    path: data/train-*\n  - split: test\n    path: data/test-*\n"
        "- config_name: few\n  data_files: data/test-*\n---\n# Harbour folk\n",
        encoding="utf-8",
    )
    return folder


def test_a_local_dataset_is_read_with_its_licence(dataset: Path) -> None:
    """Rows are counted from 1 over all batches; the card's licence goes before the given one."""
    characters, bad = split(hub_characters(str(dataset), licence="given", kind="original"))
    assert not bad
    assert len(characters) == 300
    assert characters[-1].facts == {"name": "Sailor 299", "kind": "original"}
    assert characters[-1].text == "Sails boat 299."
    source = characters[-1].source
    assert (source.dataset, source.record, source.licence) == ("harbour-folk", "train[row 300]", "cc-by-4.0")


def test_split_config_and_columns_choose_what_is_read(dataset: Path) -> None:
    """A configuration, a split and nested columns by path."""
    columns = {"name": "name", "age": "info.age"}
    few, _ = split(hub_characters(str(dataset), config="few", columns=columns))
    assert [character.facts["basic_info"] for character in few] == [{"age": 0}, {"age": 1}]
    test, _ = split(hub_characters(str(dataset), split="test", limit=1))
    assert [character.source.record for character in test] == ["test[row 1]"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"split": "dev"}, r"dev.*train.*test", id="wrong split"),
        pytest.param({"config": "many"}, r"many.*all.*few", id="wrong configuration"),
        pytest.param({"columns": {"name": "nmae"}}, r"did you mean 'name'.*'persona'", id="wrong column"),
        pytest.param({"columns": {"name": "info.nmae"}}, r"no column 'info.nmae'", id="wrong path"),
    ],
)
def test_a_wrong_part_of_a_dataset_names_what_there_is(dataset: Path, options: dict[str, Any], message: str) -> None:
    """One line with the alternatives."""
    with pytest.raises(SourceError, match=message) as caught:
        hub_characters(str(dataset), **options)
    assert "\n" not in str(caught.value)


def test_a_dataset_without_a_stated_licence_has_the_given_one(dataset: Path) -> None:
    """No card, no claim."""
    (dataset / "README.md").unlink()
    characters, _ = split(hub_characters(str(dataset), licence="CC0-1.0", limit=1))
    assert characters[0].source.licence == "CC0-1.0"


def test_names_that_cannot_be_datasets_are_refused(tmp_path: Path) -> None:
    """A file, a folder that is not there, an empty folder: without asking the Hub."""
    with pytest.raises(SourceError, match="read it with kind: table"):
        hub_characters(str(table(tmp_path, [{"name": "Ada"}])))
    with pytest.raises(SourceError, match="there is no such folder"):
        hub_characters(str(tmp_path / "no where"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="doesn't contain any data files"):
        hub_characters(str(tmp_path / "empty"))


def test_data_that_breaks_off_is_one_clear_error(dataset: Path) -> None:
    """A JSON file that `datasets` cannot parse ends in a SourceError."""
    (dataset / "README.md").unlink()
    for path in (dataset / "data").iterdir():
        path.unlink()
    (dataset / "data" / "train.jsonl").write_text('{"name": "Ada"}\n{"name": "B', encoding="utf-8")
    with pytest.raises(SourceError, match="cannot be read"):
        list(hub_characters(str(dataset)))


OFFLINE = """
from castwright.errors import SourceError
from castwright.personas.sources import hub_characters
try:
    hub_characters("nobody/no-such-set")
except SourceError as error:
    print(error)
"""


def test_a_hub_name_without_a_network_is_one_clear_line(tmp_path: Path) -> None:
    """Offline, the message names the dataset and what can be done (in a process of its own)."""
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PATH": ""}
    command = [sys.executable, "-c", OFFLINE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 (ours)
    assert "cannot read the dataset 'nobody/no-such-set'" in done.stdout
    assert "are you online" in done.stdout
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("readme", "licence"),
    [
        pytest.param("---\nlicense: mit\n---\n# x", "mit", id="one"),
        pytest.param("---\r\nlicense: mit\r\n---\r\n", "mit", id="with Windows line ends"),
        pytest.param("---\nlicense:\n- mit\n- cc0-1.0\n---\n", "mit, cc0-1.0", id="two"),
        pytest.param("---\nlicense: other\nlicense_name: odd-licence\n---\n", "odd-licence", id="another"),
        pytest.param("---\nlicense: other\n---\n", "", id="another without a name"),
        pytest.param("---\nlicense: unknown\n---\n", "", id="unknown"),
        pytest.param("---\nlicense: [a, b\n---\n", "", id="broken YAML"),
        pytest.param("---\n- a\n---\n", "", id="a list"),
        pytest.param("# license: mit", "", id="no block"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_licence_is_what_the_card_states(readme: str, licence: str) -> None:
    """The YAML block that opens the card, and nothing else."""
    assert licence_of(readme) == licence


def test_a_recipe_reads_a_dataset(dataset: Path) -> None:
    """The words of the recipe arrive at the reader."""
    hub = HubSource(name=str(dataset), config="few", dataset="folk", limit=1)
    (sailor,), _ = split(read_characters(hub, count=None, seed=1))
    assert sailor.source.dataset == "folk"
