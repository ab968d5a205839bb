"""Near-duplicates among persona cards: castwright's cascade beside its peers, in one run.

    python benchmarks/duplicates.py [--rows 100000] [--variants castwright,semhash,...] [--peer semhash=PYTHON]
        [--more-seeds 1] [--slow-rows 2000] [--no-parts] [--real stsb.jsonl.gz] [--json FILE]

The corpus (`duplicates_corpus.py`) has planted copies and look-alikes, so every choice of rows can be judged. Each
variant gets the same texts and, where it takes one, the same encoder, in a fresh process of its own. MiniLM on every
row would take half an hour, so it gets `--slow-rows` of them, and its time for all is reckoned from that and said to
be. Only the ratios mean anything on another machine. (Rejected: each tool at the threshold that suits it best, which
nobody knows before the copies are labelled.)
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from duplicates_corpus import Card, make_corpus
from duplicates_parts import index_part, minilm_part, search_part, start_part, static_part
from duplicates_real import real_part
from duplicates_report import Measure, goals, kinds, own_goals, quality_of, table
from duplicates_work import VARIANTS
from engine import watch
from model_calls import machine

WORKER = str(Path(__file__).parent / "duplicates_work.py")
SLOW = "minilm"


def measure(variant: str, python: str, cards: Sequence[Card], folder: Path, threshold: float) -> Measure:
    """Run one variant in a fresh process over some cards and judge the rows it keeps."""
    texts, result, log = folder / "texts.json", folder / "result.json", folder / "log.txt"
    texts.write_text(json.dumps([card.text for card in cards]), encoding="utf-8")
    result.unlink(missing_ok=True)
    command = [python, WORKER, "--variant", variant, "--texts", str(texts), "--table", str(folder)]
    command += ["--threshold", str(threshold), "--result", str(result)]
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)
        peak = watch(process)
    if not result.is_file():
        last = " / ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-2:])
        return Measure(variant, len(cards), failed=f"ended with {process.returncode}: {last[-400:]}")
    told = json.loads(result.read_text(encoding="utf-8"))
    return Measure(variant, len(cards), told["seconds"], told["cpu"], peak, quality_of(cards, told["kept"]))


def lacks(variant: str, python: str) -> str:
    """Return why an interpreter cannot run a variant, or an empty string."""
    command = [python, WORKER, "--variant", variant, "--check"]
    try:
        check = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"{python}: {error.strerror}"
    return check.stdout.strip() if check.returncode == 0 else (check.stderr.strip().splitlines() or ["no word"])[-1]


def interpreters(names: Sequence[str], given: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return the interpreter of each variant that can run, and a line for each that cannot.

    Raises:
        SystemExit: a --peer that is no NAME=PATH of a variant.
    """
    chosen = {}
    for one in given:
        name, _, path = one.partition("=")
        if name not in VARIANTS or not path:
            raise SystemExit(f"--peer {one}: not NAME=PATH with a NAME of {', '.join(VARIANTS)}")
        chosen[name] = str(Path(path).absolute())  # not resolved: a virtual environment's python is a link
    found, left_out = {}, []
    for name in names:
        python = chosen.get(name, sys.executable)
        if why := lacks(name, python):
            left_out.append(f"left out: {name}: {why} (--peer {name}=PYTHON names an interpreter that has it)")
        else:
            found[name] = python
    return found, left_out


def static_encoder(folder: Path) -> Any:
    """Return castwright's static embedder, and write its table where the peers read it."""
    from castwright.filters import load_embedder

    embedder: Any = load_embedder()
    static = embedder.static()
    np.save(folder / "vectors.npy", static.tokens.vectors)
    (folder / "tokenizer.json").write_text(static.tokens.tokenizer, encoding="utf-8")
    return static


def arguments() -> argparse.Namespace:
    """Read the command line.

    Raises:
        SystemExit: an unknown option or variant.
    """
    parser = argparse.ArgumentParser(description="Near-duplicates among persona cards, tool by tool.")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--more-seeds", default="", help="comma-separated: castwright on the corpora of these seeds too"
    )
    parser.add_argument("--threshold", type=float, default=0.95)
    parser.add_argument("--other-calling", type=float, default=0.0005, help="share with one decisive word changed")
    parser.add_argument("--variants", default=",".join(VARIANTS), help="comma-separated")
    parser.add_argument("--peer", action="append", default=[], help="NAME=PYTHON: run that variant under it")
    parser.add_argument("--slow-rows", type=int, default=2000, help="rows given to MiniLM, and to compare it")
    parser.add_argument("--no-parts", action="store_true", help="leave out search, static embedding and MiniLM alone")
    parser.add_argument("--real", type=Path, help="labelled pairs: s1, s2, score from 0 to 5, as gzipped JSON lines")
    parser.add_argument("--json", type=Path, help="also write every measurement to this file")
    given = parser.parse_args()
    given.more_seeds = [int(seed) for seed in given.more_seeds.split(",") if seed]
    given.variants = [name for name in given.variants.split(",") if name]
    if unknown := sorted(set(given.variants) - set(VARIANTS)):
        parser.error(f"--variants: unknown {', '.join(unknown)}; there are {', '.join(VARIANTS)}")
    return given


def parts(given: argparse.Namespace, cards: Sequence[Card], folder: Path, static: Any, python: str | None) -> list[str]:
    """Return the lines of what is compared part by part."""
    texts = [card.text for card in cards]
    lines = search_part(texts, static, given.threshold)
    lines += index_part(texts, static, folder / "index", given.threshold)
    lines += static_part(texts[:20_000], static, folder, folder, python)
    lines += start_part()
    return lines + minilm_part(texts[: max(8, given.slow_rows // 8)])


def other_corpora(given: argparse.Namespace, folder: Path) -> list[str]:
    """Return what castwright makes of the corpora of other seeds: settings must not fit one of them alone."""
    lines = []
    for seed in given.more_seeds:
        cards = make_corpus(given.rows, seed=seed, other_calling=given.other_calling)
        one = measure("castwright", sys.executable, cards, folder, given.threshold)
        lines += ["", f"castwright on the corpus of seed {seed}: {one.seconds:.2f} s {one.failed}".rstrip()]
        lines += own_goals(one)
    return lines


def main() -> None:
    """Measure and print; ends with 1 where a variant failed."""
    given = arguments()
    found, left_out = interpreters(given.variants, given.peer)
    begun = machine()
    cards = make_corpus(given.rows, seed=given.seed, other_calling=given.other_calling)
    print("\n".join([f"{len(cards):,} cards, threshold {given.threshold}; load {begun['load'][0]:.1f}", *left_out]))
    measures, lines = [], []
    with tempfile.TemporaryDirectory(prefix="duplicates-benchmark-") as name:
        folder = Path(name)
        static = static_encoder(folder)
        for variant, python in found.items():
            some = cards[: given.slow_rows] if variant == SLOW else cards
            measures.append(measure(variant, python, some, folder, given.threshold))
            print(f"{variant}: {measures[-1].seconds:.2f} s {measures[-1].failed}", file=sys.stderr, flush=True)
        if not given.no_parts:
            lines += parts(given, cards, folder, static, found.get("semhash"))
        lines += other_corpora(given, folder)
    print(f"\n{table(measures)}\n")
    for one in measures:
        print(f"removed by {one.variant}: {kinds(one)}")
        if one.variant == SLOW and one.rows < given.rows and not one.failed:
            whole = one.seconds * given.rows / one.rows
            print(f"{SLOW} on all rows, reckoned from {one.rows:,}: {whole:,.0f} s, its search not counted")
    print("\n".join(["", *goals(measures), *lines]))
    if given.real:
        print("\n".join(["", *real_part(given.real)]), flush=True)
    if given.json:
        kept = {"machine": begun, "left_out": left_out, "lines": lines, "measures": [asdict(one) for one in measures]}
        given.json.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    if any(one.failed for one in measures):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
