"""How fast rows move through four trivial steps: castwright's executor beside its peers, in one run.

    python benchmarks/engine.py [--rows 100000] [--batches 50,500,5000] [--repeat 3] [--json FILE]

Each variant runs in a fresh process, so that its peak memory is its own; the parent adds up the resident
memory of that process and all its children every 20 ms. Every variant starts from the same list of dicts in
memory and its result is read back and compared with the others', outside the clock. With `--repeat` the
variants are interleaved (A B C A B C), so that a slow minute of the machine hits all of them; the table shows
medians. Only the ratios mean anything on another machine. (Rejected: pytest-benchmark, which measures inside
one process, where the first import and the largest heap belong to everybody.)
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import psutil

Row = dict[str, Any]

LONG = 60
COLUMNS = ("n", "text", "double", "length", "tag")
BASELINE = "castwright"
_WORDS = ("bread", "river", "lantern", "market", "violin", "harbour", "copper")
_POLL_SECONDS = 0.02
_MIB = 2**20


@dataclass(frozen=True)
class Ready:
    """A variant with everything imported and built: `run` is what the clock sees, `read` makes dicts of it."""

    run: Callable[[], Any]
    read: Callable[[Any], Iterable[Row]]


@dataclass(frozen=True)
class Measure:
    """One run of one variant.

    `seconds` is the run alone, `total` also start-up, imports and reading back; `peak` is in bytes, of the
    process and its children; `digest` stands for the rows that came out.
    """

    variant: str
    seconds: float
    total: float
    peak: int
    digest: str


def make_rows(count: int) -> list[Row]:
    """Return the input: rows of a number and a text of 3 to 16 words."""
    return [
        {"n": n, "text": " ".join(_WORDS[(n * 7 + word) % len(_WORDS)] for word in range(3 + n % 14))}
        for n in range(count)
    ]


def castwright(rows: list[Row]) -> Ready:
    """castwright's local executor, with the batches it chooses."""
    from distilabel.pipeline import Pipeline
    from engine_steps import four_steps

    from castwright.pipelines import LoadRows, run_local

    with Pipeline(name="benchmark") as pipeline:
        first, second, third, fourth = four_steps()
        LoadRows(rows=rows) >> first >> second >> third >> fourth
    return Ready(lambda: run_local(pipeline).rows, list)


def distilabel(rows: list[Row], batch: int) -> Ready:
    """distilabel's own engine, generator and steps at one batch size, its cache off."""
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from engine_steps import four_steps

    with Pipeline(name="benchmark", cache_dir=tempfile.mkdtemp()) as pipeline:
        first, second, third, fourth = four_steps(input_batch_size=batch)
        LoadDataFromDicts(data=rows, batch_size=batch) >> first >> second >> third >> fourth
    return Ready(lambda: pipeline.run(use_cache=False)["default"]["train"], list)


def hf_datasets(rows: list[Row]) -> Ready:
    """Four batched `Dataset.map` at the default batch of 1,000, caching off."""
    import datasets

    datasets.disable_caching()
    datasets.disable_progress_bars()

    def run() -> Any:
        made = datasets.Dataset.from_list(rows)
        made = made.map(lambda batch: {"double": [n * 2 for n in batch["n"]]}, batched=True)
        made = made.map(lambda batch: {"text": [text.upper() for text in batch["text"]]}, batched=True)
        made = made.map(lambda batch: {"length": [len(text) for text in batch["text"]]}, batched=True)
        return made.map(
            lambda batch: {"tag": ["long" if size > LONG else "short" for size in batch["length"]]}, batched=True
        )

    return Ready(run, list)


def polars(rows: list[Row]) -> Ready:
    """Four `with_columns` of polars expressions."""
    import polars as pl

    tag = pl.when(pl.col("length") > LONG).then(pl.lit("long")).otherwise(pl.lit("short"))

    def run() -> Any:
        made = pl.DataFrame(rows)
        made = made.with_columns(double=pl.col("n") * 2)
        made = made.with_columns(text=pl.col("text").str.to_uppercase())
        made = made.with_columns(length=pl.col("text").str.len_chars())
        return made.with_columns(tag=tag)

    return Ready(run, lambda made: made.to_dicts())


def ready(variant: str, rows: list[Row]) -> Ready:
    """Return a variant by the name the table gives it: "distilabel @ 500" is distilabel at batches of 500."""
    name, _, batch = variant.partition(" @ ")
    if name == "distilabel":
        return distilabel(rows, int(batch))
    return {"castwright": castwright, "datasets.map": hf_datasets, "polars": polars}[name](rows)


def variants(batches: Sequence[int]) -> list[str]:
    """Return the names of all variants, castwright first."""
    return [BASELINE, *(f"distilabel @ {batch}" for batch in batches), "datasets.map", "polars"]


def digest(rows: Iterable[Row]) -> str:
    """Return a SHA-256 over the benchmark's columns of all rows, in order."""
    total = hashlib.sha256()
    for row in rows:
        total.update(json.dumps([row[name] for name in COLUMNS]).encode())
    return total.hexdigest()


def work(variant: str, count: int, result: Path) -> None:
    """Run one variant in this process and write what the clock and the rows say to `result`."""
    prepared = ready(variant, make_rows(count))
    started = time.perf_counter()
    made = prepared.run()
    seconds = time.perf_counter() - started
    result.write_text(json.dumps({"seconds": seconds, "digest": digest(prepared.read(made))}), encoding="utf-8")


def measure(variant: str, count: int) -> Measure:
    """Run one variant in a fresh process and watch its memory.

    Raises:
        RuntimeError: the process failed; its last lines are in the message.
    """
    with tempfile.TemporaryDirectory(prefix="engine-benchmark-") as name:
        scratch = Path(name)
        result, log = scratch / "result.json", scratch / "log.txt"
        settings = {"TMPDIR": name, "HF_HOME": name, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        command = [sys.executable, __file__, "--work", variant, "--rows", str(count), "--json", str(result)]
        started = time.perf_counter()
        with log.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=output, stderr=output)
            peak = watch(process)
        total = time.perf_counter() - started
        if process.returncode or not result.is_file():
            last = "\n".join(log.read_text(encoding="utf-8").splitlines()[-20:])
            raise RuntimeError(f"{variant} ended with {process.returncode}:\n{last}")
        told = json.loads(result.read_text(encoding="utf-8"))
    return Measure(variant, told["seconds"], total, peak, told["digest"])


def watch(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process; return the most bytes that it and its children held in memory at one time.

    Pages that a forked child shares with its parent count in both, as in any sum of resident sizes.
    """
    root = psutil.Process(process.pid)
    peak = 0
    while process.poll() is None:
        held = 0
        try:
            family = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            family = []
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                held += member.memory_info().rss
        peak = max(peak, held)
        time.sleep(_POLL_SECONDS)
    return peak


def check_equal(measures: Sequence[Measure]) -> None:
    """Raise unless every variant made the same rows.

    Raises:
        RuntimeError: names the variants that differ from castwright.
    """
    wanted = next(one.digest for one in measures if one.variant == BASELINE)
    others = sorted({one.variant for one in measures if one.digest != wanted})
    if others:
        raise RuntimeError(f"these made other rows than {BASELINE}: {', '.join(others)}")


def medians(measures: Sequence[Measure]) -> dict[str, Measure]:
    """Return each variant's medians, in the order in which the variants first ran."""
    groups: dict[str, list[Measure]] = {}
    for one in measures:
        groups.setdefault(one.variant, []).append(one)
    return {
        name: Measure(
            name,
            median(one.seconds for one in found),
            median(one.total for one in found),
            int(median(one.peak for one in found)),
            found[0].digest,
        )
        for name, found in groups.items()
    }


def table(middle: dict[str, Measure], count: int) -> str:
    """Return the Markdown table: medians, and ratios to castwright."""
    base = middle[BASELINE]
    lines = [
        "| engine | run s | with imports s | rows/s | peak MiB | time × | memory × |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {one.variant} | {one.seconds:.2f} | {one.total:.2f} | {count / one.seconds:,.0f} | {one.peak / _MIB:,.0f} "
        f"| {one.seconds / base.seconds:.2f} | {one.peak / base.peak:.2f} |"
        for one in middle.values()
    ]
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """Return what the numbers were measured on."""
    packages = ("castwright", "distilabel", "datasets", "polars")
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "memory": psutil.virtual_memory().total,
        "packages": {name: version(name) for name in packages},
    }


def main() -> None:
    """Read the arguments, measure, print the table."""
    parser = argparse.ArgumentParser(description="How fast rows move through four trivial steps, engine by engine.")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--batches", default="50,500,5000", help="distilabel's batch sizes")
    parser.add_argument("--repeat", type=int, default=1, help="interleaved repetitions; the table shows medians")
    parser.add_argument("--json", type=Path, help="also write every measurement to this file")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.work, given.rows, given.json)
        return
    names = variants([int(batch) for batch in given.batches.split(",") if batch.strip()])
    measures = []
    for turn in range(given.repeat):
        for name in names:
            measures.append(measure(name, given.rows))
            print(f"{turn + 1}/{given.repeat} {name}: {measures[-1].seconds:.2f} s", file=sys.stderr, flush=True)
    check_equal(measures)
    middle = medians(measures)
    print(f"{given.rows:,} rows through four steps; {given.repeat} run(s) each, medians\n")
    print(table(middle, given.rows))
    if given.json:
        kept = {"rows": given.rows, "machine": machine(), "measures": [asdict(one) for one in measures]}
        given.json.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
