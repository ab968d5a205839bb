"""What one model call per row costs: castwright beside bare client loops and its peers, in one run.

    python benchmarks/model_calls.py [--rows 5000] [--latencies 0.05,0] [--in-flight 64,256] [--repeat 3]
        [--variants castwright,aiohttp,...] [--peer data-designer=PYTHON] [--peer curator=PYTHON] [--json FILE]

Every variant asks the same loopback server (`calls_server.py`; one process per latency) the same questions in
a fresh process of its own, and with `--repeat` they are interleaved, so that a slow minute hits all of them;
the tables show medians. The server counts the calls: a variant that asked a row twice, or lost one, is shown
but not compared. Peers bring dependencies that bite each other, so each may run under an interpreter of its
own. Only the ratios mean anything on another machine. (Rejected: a thread as the server, which would share the
interpreter's lock with what is measured; in-process repeats, where warm caches belong to nobody.)
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
from calls_report import Call, goals, medians, table
from calls_server import COUNTS_PATH, FORGET_PATH
from calls_work import PACKAGES
from engine import watch

HERE = Path(__file__).parent
WORKER = str(HERE / "calls_work.py")


@contextlib.contextmanager
def serving(latency: float) -> Iterator[str]:
    """Run the server as a process of its own; yield its base URL, which ends in /v1."""
    command = [sys.executable, str(HERE / "calls_server.py"), "--latency", str(latency)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(timeout=10)
        process.stdout.close()


def server_said(url: str, path: str) -> dict[str, float]:
    """Return the server's JSON answer to one of its own paths."""
    with urllib.request.urlopen(url.removesuffix("/v1") + path, timeout=10) as answer:  # noqa: S310 (our own server)
        told: dict[str, float] = json.loads(answer.read())
    return told


def environment(scratch: Path) -> dict[str, str]:
    """Return the environment of a worker: nothing kept from before, nothing sent anywhere, no proxy between."""
    settings = {
        "TMPDIR": str(scratch),
        "HOME": str(scratch),
        "HF_HOME": str(scratch / "hf"),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "CASTWRIGHT_JOURNAL": str(scratch / "journal.sqlite"),
        "OPENAI_API_KEY": "none",
        "NO_PROXY": "127.0.0.1,localhost",
        "TELEMETRY_ENABLED": "0",
        "NEMO_TELEMETRY_ENABLED": "false",
        "CURATOR_DISABLE_CACHE": "1",
        "CURATOR_CACHE_DIR": str(scratch / "curator"),
        "CURATOR_VIEWER": "0",
        "DATA_DESIGNER_HOME": str(scratch / "data-designer"),
    }
    return {**os.environ, **settings}


def measure(variant: str, python: str, url: str, setting: Call, limit: float) -> Call:
    """Run one variant in a fresh process, at most `limit` seconds, and watch its memory.

    `setting` says how many rows at which latency; what comes back has the results too, or in `failed` why not.
    """
    with tempfile.TemporaryDirectory(prefix="calls-benchmark-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        result, log = scratch / "result.json", scratch / "log.txt"
        command = [python, WORKER, "--variant", variant, "--url", url, "--result", str(result)]
        command += ["--rows", str(setting.rows), "--in-flight", str(setting.in_flight)]
        server_said(url, FORGET_PATH)
        with log.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(
                command, env=environment(scratch), stdout=output, stderr=output, cwd=scratch, start_new_session=True
            )
            peak = watch_until(process, limit)
        counted = server_said(url, COUNTS_PATH)
        known = {**asdict(setting), "variant": variant, "peak": peak, **counted}
        if not result.is_file():
            last = " / ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:])
            return Call(**{**known, "failed": f"ended with {process.returncode}: {last[-600:]}"})
        return Call(**{**known, **json.loads(result.read_text(encoding="utf-8"))})


def watch_until(process: subprocess.Popen[bytes], limit: float) -> int:
    """Return the peak memory of a process and its children; end all of them when `limit` seconds are over."""

    def end() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(limit, end)
    timer.start()
    try:
        return watch(process)
    finally:
        timer.cancel()
        end()  # whatever a variant has left running


def lacks(python: str, variant: str) -> str:
    """Return why an interpreter cannot run a variant, or an empty string."""
    command = [python, WORKER, "--variant", variant, "--check"]
    try:
        check = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"{python}: {error.strerror}"
    if check.returncode:
        return f"{python}: {(check.stderr.strip().splitlines() or ['it ended without a word'])[-1]}"
    return check.stdout.strip()


def interpreters(names: Sequence[str], given: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return the interpreter of each variant that can run, and a line for each that cannot.

    Raises:
        SystemExit: a --peer that is no `NAME=PATH` of a variant.
    """
    chosen = {}
    for one in given:
        name, _, path = one.partition("=")
        if name not in PACKAGES or not path:
            raise SystemExit(f"--peer {one}: not NAME=PATH with a NAME of {', '.join(PACKAGES)}")
        chosen[name] = str(Path(path).absolute())  # not resolved: a virtual environment's python is a link
    found, left_out = {}, []
    for name in names:
        python = chosen.get(name, sys.executable)
        if why := lacks(python, name):
            left_out.append(f"left out: {name}: {why} (--peer {name}=PYTHON names an interpreter that has it)")
        else:
            found[name] = python
    return found, left_out


def machine() -> dict[str, Any]:
    """Return what the numbers were measured on, and how busy it was at the start."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "memory": psutil.virtual_memory().total,
        "load": os.getloadavg(),
    }


def arguments() -> argparse.Namespace:
    """Read the command line.

    Raises:
        SystemExit: an unknown option or variant.
    """
    parser = argparse.ArgumentParser(description="What one model call per row costs, tool by tool.")
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--latencies", default="0.05,0", help="seconds the server takes, comma-separated")
    parser.add_argument("--in-flight", default="64,256", help="calls at one time, comma-separated")
    parser.add_argument("--repeat", type=int, default=1, help="interleaved repetitions; the tables show medians")
    parser.add_argument("--variants", default=",".join(PACKAGES), help="comma-separated")
    parser.add_argument("--peer", action="append", default=[], help="NAME=PYTHON: run that variant under it")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds after which a variant is ended")
    parser.add_argument("--json", type=Path, help="also write every measurement to this file")
    given = parser.parse_args()
    given.variants = [name for name in given.variants.split(",") if name]
    if unknown := sorted(set(given.variants) - set(PACKAGES)):
        parser.error(f"--variants: unknown {', '.join(unknown)}; there are {', '.join(PACKAGES)}")
    return given


def compare(found: dict[str, str], url: str, setting: Call, repeat: int, limit: float) -> list[Call]:
    """Measure every variant at one setting, interleaved, and print the table and the goals."""
    measures = []
    for turn in range(repeat):
        for name, python in found.items():
            one = measure(name, python, url, setting, limit)
            measures.append(one)
            print(f"{turn + 1}/{repeat} {name}: {one.seconds:.2f} s", file=sys.stderr, flush=True)
    middle = medians(measures)
    print(f"\n{setting.latency * 1_000:g} ms, {setting.in_flight} in flight\n\n{table(middle)}\n")
    print("\n".join(goals(middle)), flush=True)
    return measures


def main() -> None:
    """Measure and print; ends with 1 where a variant did not get all its rows."""
    given = arguments()
    found, left_out = interpreters(given.variants, given.peer)
    begun = machine()
    print("\n".join([f"{given.rows:,} rows, one call each; {given.repeat} run(s), medians", *left_out]), flush=True)
    measures: list[Call] = []
    for latency in map(float, given.latencies.split(",")):
        with serving(latency) as url:
            for in_flight in map(int, given.in_flight.split(",")):
                setting = Call("", latency, in_flight, given.rows)
                measures += compare(found, url, setting, given.repeat, given.limit)
    if given.json:
        kept = {"machine": begun, "left_out": left_out, "measures": [asdict(one) for one in measures]}
        given.json.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    if not all(one.counts for one in measures):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
