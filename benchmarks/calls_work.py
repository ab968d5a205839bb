"""One variant of the model-call benchmark in a process of its own, under whichever interpreter has its packages.

    PYTHON benchmarks/calls_work.py --variant aiohttp --url http://127.0.0.1:9000/v1 --rows 5000 --in-flight 64 \\
        --result FILE

Started by `model_calls.py`, once per measurement. Each variant is imported in its own branch and none but
castwright's imports castwright, so a peer's environment needs the peer and psutil. What is measured here is
time and CPU time from the moment everything is built; memory is watched from outside.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from calls_job import Job
from calls_rows import digest, make_rows, right_rows
from engine import Ready

PACKAGES = {
    "castwright": ("castwright", "castwright"),
    "aiohttp": ("aiohttp", "aiohttp"),
    "AsyncOpenAI": ("openai", "openai"),
    "AsyncOpenAI+aiohttp": ("openai", "openai"),
    "distilabel": ("distilabel", "distilabel"),
    "data-designer": ("data_designer", "data-designer"),
    "curator": ("bespokelabs", "bespokelabs-curator"),
}
"""The module that each variant cannot do without, and the distribution whose version is told."""


def ready(variant: str, job: Job) -> Ready:
    """Import and build a variant by the name the table gives it.

    Raises:
        ValueError: there is no such variant.
    """
    match variant:
        case "castwright":
            from calls_castwright import castwright as build
        case "aiohttp":
            from calls_clients import bare_aiohttp as build
        case "AsyncOpenAI":
            from calls_clients import bare_openai as build
        case "AsyncOpenAI+aiohttp":
            from calls_clients import bare_openai_aiohttp as build
        case "distilabel":
            from calls_distilabel import distilabel as build
        case "data-designer":
            from calls_data_designer import data_designer as build
        case "curator":
            from calls_curator import curator as build
        case _:
            raise ValueError(f"no variant {variant!r}; there are {', '.join(PACKAGES)}")
    return build(job)


def lacks(variant: str) -> str:
    """Return which package of a variant this interpreter does not have, or an empty string."""
    module, distribution = PACKAGES[variant]
    return f"no package {distribution} here" if importlib.util.find_spec(module) is None else ""


def cpu_seconds() -> float:
    """Return the CPU time, user and system, of this process and all it has started, whether ended or living.

    Ended children that were waited for are in the kernel's sum for this process; living ones, and what they
    have waited for themselves, are asked one by one.
    """
    spent = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        used = resource.getrusage(who)
        spent += used.ru_utime + used.ru_stime
    for child in psutil.Process().children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue  # ended and waited for since the list was made: the next sum has it
        spent += times.user + times.system + times.children_user + times.children_system
    return spent


def work(variant: str, job: Job) -> dict[str, Any]:
    """Run a variant and return what the clocks and the rows say; `first` is None where nothing could tell it."""
    prepared = ready(variant, job)
    cpu, started = cpu_seconds(), time.perf_counter()
    made = prepared.run()
    seconds, cpu = time.perf_counter() - started, cpu_seconds() - cpu
    rows = list(prepared.read(made))
    return {
        "seconds": seconds,
        "cpu": cpu,
        "first": None if job.first is None else job.first - started,
        "rows_back": len(rows),
        "right": right_rows(rows, len(job.rows)),
        "digest": digest(rows),
        "version": version(PACKAGES[variant][1]),
    }


def main() -> None:
    """Read the arguments, run the variant, write the result as JSON; with --check, say whether it can run here."""
    parser = argparse.ArgumentParser(description="One variant of the model-call benchmark.")
    parser.add_argument("--variant", required=True, choices=list(PACKAGES))
    parser.add_argument("--check", action="store_true", help="print what is missing here, if anything, and end")
    parser.add_argument("--url", default="")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--result", type=Path)
    given = parser.parse_args()
    if given.check:
        print(lacks(given.variant))
        return
    job = Job(make_rows(given.rows), given.url, given.in_flight, Path(tempfile.gettempdir()))
    given.result.write_text(json.dumps(work(given.variant, job)), encoding="utf-8")


if __name__ == "__main__":
    main()
