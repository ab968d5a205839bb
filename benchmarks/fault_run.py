"""Many rows through a server that misbehaves: is every row accounted for, and was anything asked in vain?

    python benchmarks/fault_run.py [--rows 20000] [--seed 1] [--retries 2] [--timeout 2] [--in-flight 64] [--json FILE]

The server (of the test suite; a process of its own) answers 5 % of all attempts with a 429 and 3 % with a 500, breaks
2 % of the connections in the middle of a body, cuts 1 % of the bodies and lets 1 % hang past the timeout. Its faults
are drawn from the content of a request alone, so what each row needs is known beforehand, and its own ledger says what
each row got. Few retries on purpose: some rows fail for good, and a second run over the same journal has to ask those
again and nobody else. (Rejected: counting in the client, which sees what it believes it sent.)
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from distilabel.pipeline import Pipeline
from misbehaving import Faults, Handle, misbehaving_process
from misbehaving_faults import kinds_until_answered, request_digest

from castwright.generators.calls.account import Account
from castwright.generators.models.config import OpenAIModel
from castwright.generators.models.openai import OpenAICompatibleLLM
from castwright.generators.offline.reply import reply
from castwright.generators.prompt import Message
from castwright.generators.step import ModelStep, Row
from castwright.pipelines.checkpoint import reason_kind
from castwright.pipelines.executor import run_local
from castwright.pipelines.load import LoadRows

MODEL = "offline"


def faults(seed: int, timeout: float) -> Faults:
    """Return what the server does; a hang lasts fifteen timeouts."""
    return Faults(
        seed=seed,
        rate_limited=0.05,
        server_error=0.03,
        dropped=0.02,
        malformed=0.01,
        hang=0.01,
        hang_seconds=15 * timeout,
    )


def messages(number: int) -> list[Message]:
    """Return what is asked for a row."""
    return [{"role": "user", "content": f"How do {number} sailors share {3 * number} loaves between them?"}]


class Asking(ModelStep):
    """Asks one question a row."""

    empty: ClassVar[dict[str, Any]] = {"text": ""}

    def prompt(self, row: Row) -> list[Message]:
        return messages(row["row_id"])

    def parse(self, row: Row, text: str) -> Row:
        return {"text": text}


@dataclass(frozen=True, slots=True)
class Part:
    """One run over all rows. `attempts` are those the server saw, by kind; `unnecessary` those of them that the
    plan of faults did not ask for, `missing` those that it asked for and that never came; `wrong` are accepted rows
    with another row's reply, `unjournalled` accepted rows that the journal lacks."""

    rows: int
    lost: int
    twice: int
    accepted: int
    wrong: int
    unjournalled: int
    reasons: dict[str, int]
    attempts: dict[str, int]
    unnecessary: int
    missing: int
    seconds: float


@dataclass(slots=True)
class Bench:
    """A server, a journal, and the rows that go through them as often as wanted."""

    server: Handle
    plan: Faults
    journal: Path
    rows: int
    retries: int
    timeout: float
    in_flight: int
    parts: list[Part] = field(default_factory=list)

    def run(self) -> Part:
        """Take all rows through a graph with one model step, and hold the result against the server's ledger."""
        before = self.server.stats()["kinds"]
        started = time.monotonic()
        made = self._through_graph()
        seconds = time.monotonic() - started
        seen, contents = self.server.stats()["kinds"], self.server.contents()
        ids = Counter(row["row_id"] for row in made)
        accepted = [row for row in made if row["verdict"] == "keep" and row["text"]]
        kept_aside = [row for row in made if row["verdict"] == "drop" and row["reason"]]
        sent, needed = self._attempts(contents, len(self.parts) + 1)
        part = Part(
            rows=self.rows,
            lost=sum(not ids[number] for number in range(self.rows)) + len(made) - len(accepted) - len(kept_aside),
            twice=sum(count - 1 for count in ids.values()),
            accepted=len(accepted),
            wrong=sum(row["text"] != reply(messages(row["row_id"])) for row in accepted),
            unjournalled=len(accepted) - self._journalled(),
            reasons=dict(sorted(Counter(reason_kind(row["reason"]) for row in kept_aside).items())),
            attempts={kind: count - before.get(kind, 0) for kind, count in seen.items() if count > before.get(kind, 0)},
            unnecessary=sum(max(0, sent[digest] - needed.get(digest, 0)) for digest in sent),
            missing=sum(max(0, needed[digest] - sent[digest]) for digest in needed),
            seconds=round(seconds, 2),
        )
        self.parts.append(part)
        return part

    def _attempts(self, contents: dict[str, list[str]], runs: int) -> tuple[Counter[str], dict[str, int]]:
        """Return how often each content was asked for in all runs so far, and how often it had to be."""
        digests = [request_digest(MODEL, messages(number)) for number in range(self.rows)]
        most = runs * (self.retries + 1)
        needed = {digest: len(kinds_until_answered(self.plan, digest, most)) for digest in digests}
        return Counter({digest: len(kinds) for digest, kinds in contents.items()}), needed

    def _through_graph(self) -> list[Row]:
        block = OpenAIModel(
            model=MODEL,
            base_url=self.server.url,
            timeout=self.timeout,
            max_retries=self.retries,
            max_in_flight=self.in_flight,
        )
        account = Account(journal=str(self.journal), run="fault-run", stage="asking", execution=str(len(self.parts)))
        with Pipeline(name="fault-run") as pipeline:
            load = LoadRows(rows=[{"row_id": number} for number in range(self.rows)])
            load >> Asking(name="asking", llm=OpenAICompatibleLLM(block=block, account=account))
        return run_local(pipeline).rows

    def _journalled(self) -> int:
        connection = sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True)
        try:
            return int(connection.execute("SELECT COUNT(*) FROM replies").fetchone()[0])
        finally:
            connection.close()


def fault_run(
    rows: int, *, seed: int = 1, retries: int = 2, timeout: float = 2.0, in_flight: int = 64, runs: int = 2
) -> list[Part]:
    """Run the rows `runs` times over one journal and one server, and return what came of each time."""
    plan = faults(seed, timeout)
    with tempfile.TemporaryDirectory(prefix="fault-run-") as folder, misbehaving_process(plan) as server:
        bench = Bench(server, plan, Path(folder) / "journal.db", rows, retries, timeout, in_flight)
        for _ in range(runs):
            bench.run()
        return bench.parts


def table(parts: Sequence[Part]) -> str:
    """Return the runs side by side, in Markdown."""
    lines = [["", *(f"run {number}" for number in range(1, len(parts) + 1))]]

    def add(name: str, values: Sequence[float]) -> None:
        lines.append([name, *(f"{value:,}" for value in values)])

    add("rows", [part.rows for part in parts])
    add("accepted", [part.accepted for part in parts])
    for reason in sorted({reason for part in parts for reason in part.reasons}):
        add(f"kept with reason: {reason}", [part.reasons.get(reason, 0) for part in parts])
    add("lost", [part.lost for part in parts])
    add("twice", [part.twice for part in parts])
    add("with another row's reply", [part.wrong for part in parts])
    add("accepted, not in the journal", [part.unjournalled for part in parts])
    for kind in sorted({kind for part in parts for kind in part.attempts}):
        add(f"attempts: {kind}", [part.attempts.get(kind, 0) for part in parts])
    add("attempts in all", [sum(part.attempts.values()) for part in parts])
    add("unnecessary calls, so far", [part.unnecessary for part in parts])
    add("calls left out, so far", [part.missing for part in parts])
    add("seconds", [part.seconds for part in parts])
    head, *rest = (f"| {' | '.join(cells)} |" for cells in lines)
    return "\n".join([head, "|---" + "|---:" * len(parts) + "|", *rest])


def main() -> None:
    """Print the table; exit with 1 where a row or a call is unaccounted for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--retries", type=int, default=2, help="per call, beside its first attempt")
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds")
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--json", type=Path, help="a file for every number")
    options = parser.parse_args()
    parts = fault_run(
        options.rows,
        seed=options.seed,
        retries=options.retries,
        timeout=options.timeout,
        in_flight=options.in_flight,
    )
    print(table(parts))
    if options.json:
        options.json.write_text(json.dumps([asdict(part) for part in parts], indent=2) + "\n", encoding="utf-8")
    wrong = [(part.lost, part.twice, part.wrong, part.unjournalled, part.unnecessary, part.missing) for part in parts]
    sys.exit(int(any(map(any, wrong))))


if __name__ == "__main__":
    main()
