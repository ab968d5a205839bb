"""Importing a room loads no model library: `castwright --help` answers at once, on a machine without torch too."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "sentence_transformers", "trl", "accelerate", "openai")
# distilabel brings pyarrow and datasets, so only the room of the graphs may load them
GRAPHS = ("distilabel", "datasets")

ROOMS = {
    "castwright": (*HEAVY, *GRAPHS, "polars", "pydantic", "typer"),
    "castwright.errors": (*HEAVY, *GRAPHS, "polars", "pydantic"),
    "castwright.personas": (*HEAVY, *GRAPHS, "polars"),
    "castwright.filters": (*HEAVY, *GRAPHS),
    "castwright.generators": (*HEAVY, *GRAPHS),
    "castwright.cli": (*HEAVY, *GRAPHS, "polars", "pydantic"),
    "castwright.pipelines": HEAVY,
}


def loaded(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after running some code."""
    probe = f"import sys, json\n{code}\nprint(json.dumps(sorted(name.partition('.')[0] for name in sys.modules)))"
    command = [sys.executable, "-W", "ignore", "-c", probe]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (our own interpreter)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(("room", "unwanted"), ROOMS.items(), ids=ROOMS.keys())
def test_importing_a_room_loads_nothing_heavy(room: str, unwanted: tuple[str, ...]) -> None:
    """The model libraries load inside the functions that need them."""
    modules = loaded(f"import {room}")
    assert "castwright" in modules
    assert modules & set(unwanted) == set()


def test_the_probe_sees_what_is_loaded() -> None:
    """The check itself works: a library that is imported is found."""
    assert "polars" in loaded("import castwright.filters")


def test_help_loads_nothing_heavy() -> None:
    """`python -m castwright --help` prints its page without the rooms."""
    code = (
        "import runpy\nsys.argv = ['castwright', '--help']\n"
        "try:\n    runpy.run_module('castwright', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code"
    )
    assert loaded(code) & {*HEAVY, *GRAPHS, "polars", "numpy"} == set()
