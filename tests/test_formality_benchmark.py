"""The command that fits the shipped formality classifier runs, on a folder of made-up texts."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from castwright.filters.formality_model import load_formality

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "formality.py"
THINGS = ("boat", "garden", "letter", "window", "river", "market", "teacher", "bridge", "kettle", "lantern")


def chat(rng: random.Random) -> str:
    """Return a casual sentence."""
    return f"yeah i don't {rng.choice(('like', 'need', 'want'))} the {rng.choice(THINGS)} and {rng.choice(THINGS)} lol"


def prose(rng: random.Random) -> str:
    """Return a formal sentence."""
    return f"The {rng.choice(THINGS)} was subsequently placed beside the {rng.choice(THINGS)}."


def write(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    """Write one file as the benchmark reads it."""
    with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def data(folder: Path) -> Path:
    """Return a folder with a few made-up rows in every file."""
    rng = random.Random(0)
    write(folder, "self_dialogue_turns", [{"conv": str(n // 4), "text": chat(rng)} for n in range(400)])
    comments = [{"id": str(n), "split": "train" if n % 4 else "test", "text": chat(rng)} for n in range(200)]
    write(folder, "goemotions_comments", comments)
    write(folder, "gsm8k_train", [{"question": prose(rng), "answer": f"{prose(rng)}\n#### 4"} for _ in range(60)])
    write(folder, "mt_bench_question", [{"question_id": 1, "turns": [prose(rng), prose(rng)]}])
    write(folder, "ifeval_input_data", [{"key": 1, "prompt": prose(rng)}])
    write(folder, "stsb_en_noleak", [{"s1": prose(rng), "s2": prose(rng)} for _ in range(30)])
    write(folder, "taskmaster4_turns", [{"speaker": "user", "text": chat(rng)} for _ in range(60)])
    return folder


@pytest.mark.skipif(not SCRIPT.is_file(), reason="the benchmarks are not part of an installed package")
def test_the_formality_benchmark_fits_a_model_and_compares_it(tmp_path: Path) -> None:
    """It prints a row for each set and scorer, and writes a model that states what it was made of."""
    pytest.importorskip("sklearn")
    out = tmp_path / "model.npz"
    command = [sys.executable, str(SCRIPT), str(data(tmp_path)), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 (our own script)
    assert done.returncode == 0, done.stderr
    report = load_formality(out).report
    assert {(row["name"], row["scorer"]) for row in report["compared"]} == {
        (name, scorer)
        for name in ("held-out", "taskmaster4 users, formalised", "stsb against goemotions", "written by hand")
        for scorer in ("rules", "n-grams", "both")
    }
    assert "| held-out | both |" in done.stdout
    assert report["quality"]["auc"] > 0.9
    assert set(report["sha256"]) >= {"self_dialogue_turns", "gsm8k_train"}
