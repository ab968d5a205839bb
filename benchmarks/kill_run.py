"""One run, killed again and again with SIGKILL: does it end with the same bytes, and how many calls are paid twice?

    python benchmarks/kill_run.py [--kills 20] [--seed 1] [--in-flight 8] [--latency 0.15] [--small] [--json FILE]

`castwright run` of a recipe that asks the misbehaving server (a process and session of its own) in several stages is
started, killed at a moment drawn from the seed, and started again, until it has been killed often enough and ends by
itself. Moments are counts of requests that the server has logged, so that they fall into the calls, and a time after
that, so that they fall between them too: into start-up, embeddings, tables, the export. Victims take turns: the
process, a child of it (a graph on distilabel's engine has workers), the whole group. At the end every data file must
be that of a run that nobody killed, against a server and a journal of its own. (Rejected: killing in the middle of a
known function, which finds only what one has thought of; a kill every few seconds, which hits start-up most of all.)
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

sys.path.extend(str(Path(__file__).resolve().parents[1] / folder) for folder in ("tests", "tests/pipelines"))

import psutil
import yaml
from misbehaving import Faults, Handle, misbehaving_process
from misbehaving_faults import kinds_until_answered
from misbehaving_ledger import read_log
from small_run import data_files

Victim = Literal["process", "child", "group"]
VICTIMS: tuple[Victim, ...] = ("process", "group", "process", "child")
RETRIES = 5
SECONDS_AFTER = 4.0
"""The most seconds between the request that a kill waits for and the kill."""
CHARACTERS = [
    ("Ada Birch", "A surveyor of 41 who maps moors in Yorkshire. She is patient, dry and fond of long walks."),
    ("Tom Reed", "A ferryman of 58 on a wide river. He is stubborn, warm and says little before noon."),
    ("Mei Castellan", "A watchmaker of 33 in Lyon. She is exact, curious and collects broken clocks."),
    ("Ivo Marsh", "A baker of 27 in a harbour town. He is cheerful, hasty and sings while he works."),
    ("Ruth Okafor", "A judge of 62 from Lagos. She is calm, witty and remembers every case."),
    ("Lars Holm", "A lighthouse keeper of 70. He is gruff, well read and writes letters to nobody."),
]
ALL_STAGES = (
    "persona_cards",
    "seed_examples",
    "persona_responses",
    "contrastive_pairs",
    "dialogues",
    "preference_pairs",
    "curate",
    "export",
)
SMALL_STAGES = ("persona_cards", "seed_examples", "persona_responses", "dialogues", "export")


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: whom, how many requests had been logged, and how many the server was working on."""

    victim: str
    requests: int
    in_flight: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. `repeated` are requests beyond those that the server's faults made necessary; `at_most` is the
    number of kills times the calls that may be in flight (what the server was working on at each kill is less: a
    reply may be on its way, or wait for the disk); `differing` are data files unlike those of the run left alone."""

    kills: tuple[Kill, ...]
    starts: int
    requests: int
    needed: int
    repeated: int
    at_most: int
    seen_in_flight: int
    files: int
    differing: tuple[str, ...]
    seconds: float


def faults(seed: int, latency: float) -> Faults:
    """Return what the server does beside being killed for: a retry now and then."""
    return Faults(
        seed=seed,
        latency=latency,
        latency_spread=0.5,
        rate_limited=0.03,
        server_error=0.02,
        dropped=0.02,
        most_faults_per_request=2,
    )


def recipe(url: str, *, small: bool, in_flight: int, engine: str = "local") -> dict[str, Any]:
    """Return the recipe: characters of a table and of the grid, and stages that ask."""
    return {
        "name": "killed",
        "seed": 3,
        "engine": engine,
        "journal": "run",
        "model": {
            "kind": "openai",
            "model": "offline",
            "base_url": url,
            "max_in_flight": in_flight,
            "max_retries": RETRIES,
            "timeout": 10,
        },
        "stages": list(SMALL_STAGES if small else ALL_STAGES),
        "personas": {
            "count": 8 if small else 24,
            "sources": [{"kind": "table", "path": "cast.jsonl"}, {"kind": "grid", "modern_share": 0.5}],
        },
        "questions": {"kind": "bundled", "limit": 20},
        "sft": {"kind": "bundled", "limit": 30},
        "seed_examples": {"personas": 6 if small else 20, "questions": 2},
        "persona_responses": {"per_persona": 2 if small else 4, "rewrite": "none"},
        "dialogues": {"count": 4 if small else 24, "max_turns": 2},
        "preference_pairs": {"count": 60},
        "curate": {"filters": [{"name": "length", "options": {"min_words": 2}}, {"name": "refusal"}]},
    }


class Run:
    """The folder of one run, and the command that goes on with it."""

    def __init__(self, folder: Path, data: Mapping[str, Any]) -> None:
        self.folder, self.starts = folder, 0
        folder.mkdir(parents=True)
        cast = [json.dumps({"name": name, "description": text}) for name, text in CHARACTERS]
        (folder / "cast.jsonl").write_text("\n".join(cast) + "\n", encoding="utf-8")
        self.write(data)

    def write(self, data: Mapping[str, Any]) -> None:
        """Write the recipe anew."""
        (self.folder / "killed.yaml").write_text(yaml.safe_dump(dict(data)), encoding="utf-8")

    def start(self) -> subprocess.Popen[str]:
        """Start the command in a session, and so a group, of its own."""
        self.starts += 1
        with (self.folder / "said").open("a") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "castwright", "run", "killed.yaml", "--out", "run"],
                cwd=self.folder,
                env={**os.environ, "HF_HUB_OFFLINE": "1"},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                text=True,
                start_new_session=True,
            )

    def finish(self, seconds: float = 900.0) -> None:
        """Run to the end.

        Raises:
            RuntimeError: it did not end well; the message has its last words.
        """
        code = self.start().wait(timeout=seconds)
        if code:
            raise RuntimeError(f"the run ended with {code}: {(self.folder / 'said').read_text()[-2000:]}")

    def files(self) -> dict[str, bytes]:
        """Return the data files: not the recipe, which names the server, and not the journal."""
        apart = ("recipe.yaml", "journal.db")
        return {name: data for name, data in data_files(self.folder / "run").items() if not name.startswith(apart)}


def moments(kills: int, requests: int, seed: int) -> Iterator[tuple[int, float]]:
    """Yield when to kill: after how many logged requests, and how many seconds after that."""
    draw = random.Random(seed)
    for count in sorted(draw.sample(range(1, requests), kills)):
        # every other kill strikes at the request itself, the rest whenever
        yield count, draw.choice((0.0, draw.uniform(0.0, SECONDS_AFTER)))


def kill(process: subprocess.Popen[str], victim: Victim) -> str:
    """Kill whom it is the turn of, and return who that was: there may be no child."""
    below = psutil.Process(process.pid).children(recursive=True)
    workers = [child for child in below if child.ppid() != process.pid]  # not the server that they are forked from
    if victim == "child" and workers:
        workers[-1].kill()
        process.wait(timeout=120)  # a parent that waits for its dead worker for ever would hang here
        return "child"
    if victim == "group":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait(timeout=30)
    return "group" if victim == "group" else "process"


def killed_run(
    run: Run, server: Handle, log: Path, plan: list[tuple[int, float]], recipes: Mapping[Victim, dict[str, Any]]
) -> list[Kill]:
    """Start the command and kill it as planned, until it has been killed that often or has nothing left to do.

    `recipes` are what is run when it is somebody's turn: workers there are on distilabel's engine only.
    """
    kills: list[Kill] = []
    for number, (count, wait) in enumerate(plan):
        victim = VICTIMS[number % len(VICTIMS)]
        run.write(recipes[victim])
        process, began = run.start(), time.monotonic()
        while process.poll() is None and len(read_log(log)) < count:
            time.sleep(0.01)
        until = time.monotonic() + wait
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        if process.poll() is not None:
            if process.returncode:
                raise RuntimeError(f"the run failed by itself: {(run.folder / 'said').read_text()[-2000:]}")
            break
        # looked at before the kill: after it the server soon knows that nobody waits
        in_flight = server.stats()["in_flight"]
        killed = kill(process, victim)
        kills.append(Kill(killed, len(read_log(log)), in_flight, round(time.monotonic() - began, 2)))
    return kills


def kill_run(
    kills: int = 20, *, seed: int = 1, in_flight: int = 8, latency: float = 0.15, small: bool = False
) -> Outcome:
    """Make the run once in peace and once under kills, and compare."""
    started = time.monotonic()
    plan = faults(seed, latency)
    with tempfile.TemporaryDirectory(prefix="kill-run-") as name:
        folder = Path(name)
        with misbehaving_process(faults(seed, 0.0)) as server:
            # the address is in the fingerprints, so the second server takes the first one's port
            port = int(server.url.split(":")[2].removesuffix("/v1"))
            peaceful = Run(folder / "peaceful", recipe(server.url, small=small, in_flight=in_flight))
            peaceful.finish()
            contents = server.stats()["contents"]
        log = folder / "requests.log"
        log.touch()
        with misbehaving_process(plan, log=log, port=port) as server:
            local, other = (
                recipe(server.url, small=small, in_flight=in_flight, engine=engine)
                for engine in ("local", "distilabel")
            )
            recipes: dict[Victim, dict[str, Any]] = {"process": local, "group": local, "child": other}
            killed = Run(folder / "killed", local)
            done = killed_run(killed, server, log, list(moments(kills, contents, seed)), recipes)
            killed.write(local)
            killed.finish()
            seen = {digest: len(kinds) for digest, kinds in server.contents().items()}
        needed = {digest: len(kinds_until_answered(plan, digest, RETRIES + 1)) for digest in seen}
        ours, theirs = killed.files(), peaceful.files()
        return Outcome(
            kills=tuple(done),
            starts=killed.starts,
            requests=sum(seen.values()),
            needed=sum(needed.values()),
            repeated=sum(max(0, seen[digest] - needed[digest]) for digest in seen),
            at_most=len(done) * in_flight,
            seen_in_flight=sum(one.in_flight for one in done),
            files=len(theirs),
            differing=tuple(sorted(n for n in {*ours, *theirs} if ours.get(n) != theirs.get(n))),
            seconds=round(time.monotonic() - started, 1),
        )


def table(outcome: Outcome) -> str:
    """Return the kills and what came of them, in Markdown."""
    lines = ["| kill | victim | s after its start | requests so far | in flight |", "|---:|---|---:|---:|---:|"]
    for number, one in enumerate(outcome.kills, 1):
        lines.append(f"| {number} | {one.victim} | {one.seconds:.2f} | {one.requests:,} | {one.in_flight} |")
    lines += [
        "",
        f"kills: {len(outcome.kills)}, starts: {outcome.starts}, seconds: {outcome.seconds:,.0f}",
        f"requests: {outcome.requests:,}, of which necessary: {outcome.needed:,}",
        f"repeated calls: {outcome.repeated}, allowed: {outcome.at_most} (kills times calls in flight), "
        f"in flight at the server just before the kills: {outcome.seen_in_flight}",
        f"data files: {outcome.files}, differing from the run that nobody killed: {len(outcome.differing)}",
        *outcome.differing,
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the table; exit with 1 where a file differs or more was repeated than was in flight."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--in-flight", type=int, default=8)
    parser.add_argument("--latency", type=float, default=0.15, help="seconds a reply takes")
    parser.add_argument("--small", action="store_true", help="fewer stages and rows")
    parser.add_argument("--json", type=Path, help="a file for every number")
    options = parser.parse_args()
    outcome = kill_run(
        options.kills, seed=options.seed, in_flight=options.in_flight, latency=options.latency, small=options.small
    )
    print(table(outcome))
    if options.json:
        options.json.write_text(json.dumps(asdict(outcome), indent=2) + "\n", encoding="utf-8")
    sys.exit(int(bool(outcome.differing) or outcome.repeated > outcome.at_most))


if __name__ == "__main__":
    main()
