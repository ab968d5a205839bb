"""The benchmarks run: they are scripts outside the package, and rot unless something starts them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ENGINE = Path(__file__).parents[1] / "benchmarks" / "engine.py"


@pytest.mark.skipif(not ENGINE.is_file(), reason="the benchmarks are not part of an installed package")
def test_the_engine_benchmark_runs_every_variant_to_the_same_rows(tmp_path: Path) -> None:
    """With few rows it prints a table with a line for each engine and writes what it measured."""
    told = tmp_path / "engine.json"
    command = [sys.executable, str(ENGINE), "--rows", "500", "--batches", "500", "--json", str(told)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 (our own script)
    assert done.returncode == 0, done.stderr
    measured = json.loads(told.read_text(encoding="utf-8"))
    names = [one["variant"] for one in measured["measures"]]
    assert names == ["castwright", "distilabel @ 500", "datasets.map", "polars"]
    assert len({one["digest"] for one in measured["measures"]}) == 1
    for one in measured["measures"]:
        assert 0 < one["seconds"] < one["total"]
        assert one["peak"] > 10 * 2**20
        assert f"| {one['variant']} |" in done.stdout
