"""The duplicates benchmark runs, its corpus is what it says, and its judgement of kept rows is right."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPT = FOLDER / "duplicates.py"
pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="the benchmarks are not part of an installed package")

ROWS = 2400


@pytest.fixture
def corpus(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module that makes the corpus; the scripts find each other by their folder."""
    monkeypatch.syspath_prepend(str(FOLDER))
    import duplicates_corpus

    return duplicates_corpus


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module that judges and prints."""
    monkeypatch.syspath_prepend(str(FOLDER))
    import duplicates_report

    return duplicates_report


def test_the_benchmark_finds_what_was_planted(tmp_path: Path) -> None:
    """With few rows the cascade is right, the parts agree with their peers, and what cannot run is said."""
    told, real = tmp_path / "told.json", tmp_path / "real.jsonl.gz"
    pairs = [("The loaf is in the oven.", "The loaf is in the oven!", 5.0), ("A ship came home.", "It rains.", 0.2)]
    with gzip.open(real, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps({"s1": a, "s2": b, "score": score}) + "\n" for a, b, score in pairs)
    command = [sys.executable, str(SCRIPT), "--rows", str(ROWS), "--slow-rows", "16", "--json", str(told)]
    command += ["--variants", "castwright,semhash", "--peer", f"semhash={tmp_path / 'python'}", "--real", str(real)]
    command += ["--more-seeds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603 (our own script)
    assert done.returncode == 0, done.stdout + done.stderr
    (ours,) = json.loads(told.read_text(encoding="utf-8"))["measures"]
    assert ours["quality"]["recall"] > 0.99
    assert ours["quality"]["precision"] > 0.99
    assert ours["seconds"] > 0
    assert ours["peak"] > 50 * 2**20
    assert "left out: semhash: " in done.stdout
    assert "- pairs missed by the exact search: 0 (goal: at most 0): met" in done.stdout
    assert "- rows decided otherwise when added: 0 (goal: at most 0): met" in done.stdout
    assert "castwright on the corpus of seed 1: " in done.stdout
    assert done.stdout.count("- row recall: ") == 2
    assert "- least cosine of bfloat16 with sentence-transformers' vectors: 0.9999" in done.stdout
    assert "- times as fast as SemHash with the same encoder: not measured" in done.stdout
    assert "| MiniLM | 0.95 | 1.000 | 1.000 |" in done.stdout


def test_the_corpus_is_the_same_each_time_and_holds_what_it_says(corpus: ModuleType) -> None:
    """Kinds in their shares; a copy has its character's number and a look-alike one of its own."""
    cards = corpus.make_corpus(5000, seed=3)
    assert cards == corpus.make_corpus(5000, seed=3)
    assert cards != corpus.make_corpus(5000, seed=4)
    kinds = Counter(card.kind for card in cards)
    assert [kinds[kind] for kind in corpus.COPIES] == [250] * 4
    assert (kinds["other person"], kinds["other calling"], len(cards)) == (100, 2, 5000)
    singles = [card.character for card in cards if card.kind not in corpus.COPIES]
    assert len(set(singles)) == len(singles)
    assert {card.character for card in cards} == set(singles)
    originals = {card.character: card.text for card in cards if card.kind == "original"}
    for card in cards:
        if card.kind in corpus.COPIES:
            assert (card.text == originals[card.character]) == (card.kind == "exact")
    words = sum(len(card.text.split()) for card in cards) / len(cards)
    assert 80 < words < 120


def cards_of(corpus: ModuleType, *characters: int) -> list[object]:
    """Return cards of these characters."""
    return [corpus.Card(f"text {place}", number, "original") for place, number in enumerate(characters)]


@pytest.mark.parametrize(
    ("kept", "recall", "precision", "lost"),
    [
        pytest.param([0, 3, 4], 1.0, 1.0, 0, id="one row of each"),
        pytest.param([2, 3, 4], 1.0, 1.0, 0, id="the copy instead of the original"),
        pytest.param([0, 1, 3, 4], 0.5, 1.0, 0, id="a copy left"),
        pytest.param([0, 3], 1.0, 2 / 3, 1, id="a character lost"),
        pytest.param([0, 1, 2, 3, 4], 0.0, 1.0, 0, id="nothing removed"),
    ],
)
def test_kept_rows_are_judged_by_row(
    corpus: ModuleType, report: ModuleType, kept: list[int], recall: float, precision: float, lost: int
) -> None:
    """Three rows of one character and two alone: two rows are too many."""
    told = report.quality_of(cards_of(corpus, 7, 7, 7, 8, 9), kept)
    assert (told.recall, told.precision, told.lost) == (recall, pytest.approx(precision), lost)
    assert told.characters == 3


def test_a_goal_is_met_or_missed_by_its_number(corpus: ModuleType, report: ModuleType) -> None:
    """Four times as fast is met at four, and a variant that failed decides nothing."""
    good = report.quality_of(cards_of(corpus, 1, 1, 2), [0, 2])
    ours = report.Measure("castwright", 3, seconds=1.0, quality=good)
    peer = replace(ours, variant="semhash", seconds=4.0)
    first = "- times as fast as SemHash with the same encoder: "
    assert f"{first}4 (goal: at least 4): met" in report.goals([ours, peer])
    assert f"{first}3.9 (goal: at least 4): missed" in report.goals([ours, replace(peer, seconds=3.9)])
    assert f"{first}not measured (goal: at least 4)" in report.goals([ours, replace(peer, failed="ended with 1")])
    assert "| semhash | 3 | failed: ended with 1 |" in report.table([ours, replace(peer, failed="ended with 1")])
