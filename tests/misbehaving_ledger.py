"""What the misbehaving server has seen: counts per kind and per content, and a log that outlives it.

All of it is kept apart from the behaviour, so a test can ask the server itself whether a client called twice
for one answer, and what that would have cost. The log is written and flushed at arrival, before anything else
is done with a request: after a kill of anybody it holds every call that was made. No text of a request and no
key is kept, only digests. (Rejected: counting in the test by patching the client, which sees what the client
believes it sent.)
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any


class Ledger:
    """Counts of one server. Not thread-safe: it lives on the server's event loop."""

    def __init__(self, log: Path | None = None) -> None:
        self._log: IO[str] | None = log.open("a", encoding="utf-8") if log else None
        self.clear()

    def clear(self) -> None:
        """Forget everything but the log file."""
        self.kinds: Counter[str] = Counter()
        self.history: dict[str, list[str]] = {}
        self.batch_history: dict[str, list[str]] = {}
        self.answered: Counter[str] = Counter()
        self.after_answer = self.answers_nobody_took = 0
        self.tokens_in = self.tokens_out = self.batch_tokens_in = self.batch_tokens_out = 0
        self.in_flight = self.most_in_flight = 0
        self.authorization_seen = False
        self.uploads = self.batches = self.downloads = 0
        self._times: list[float] = []
        self._last_second: deque[float] = deque()
        self._busiest_second = 0

    def attempts(self, digest: str) -> int:
        """Return how often a content has been asked for, this time not included."""
        return len(self.history.get(digest, ()))

    def refused(self, kind: str) -> None:
        """Note a call that was turned away for what it is, before the plan of faults was asked."""
        self._arrived(kind)
        self._write("-", 0, kind)

    def planned(self, digest: str, kind: str) -> None:
        """Note an attempt at a content and what the plan does to it."""
        self._arrived(kind)
        if digest in self.answered:
            self.after_answer += 1
        kinds = self.history.setdefault(digest, [])
        kinds.append(kind)
        self._write(digest, len(kinds), kind)

    def batched(self, digest: str, kind: str) -> None:
        """Note a request in a batch, as the plan ends it."""
        self.batch_history.setdefault(digest, []).append(kind)

    def answer(self, digest: str, *, taken: bool) -> None:
        """Note a whole, good reply; `taken` says whether the client was still there for it."""
        if taken:
            self.answered[digest] += 1
        else:
            self.answers_nobody_took += 1

    def bill(self, usage: dict[str, int]) -> None:
        """Add what a provider would charge for: every reply that was computed."""
        self.tokens_in += usage["prompt_tokens"]
        self.tokens_out += usage["completion_tokens"]

    def bill_batch(self, usage: dict[str, int]) -> None:
        """The same for a reply in a batch, which providers charge at another price."""
        self.batch_tokens_in += usage["prompt_tokens"]
        self.batch_tokens_out += usage["completion_tokens"]

    def enter(self) -> None:
        """Note one more request in flight."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def leave(self) -> None:
        """Note that a request is over. After `clear` those from before are not counted below zero."""
        self.in_flight = max(0, self.in_flight - 1)

    def stats(self) -> dict[str, Any]:
        """Return everything as plain data; times are in seconds since the epoch."""
        requests = Counter(map(len, self.history.values()))
        return {
            "requests": self.kinds.total(),
            "kinds": dict(sorted(self.kinds.items())),
            "contents": len(self.history),
            "most_requests_per_content": max(requests, default=0),
            "requests_per_content": _histogram(requests),
            "contents_answered": len(self.answered),
            "contents_answered_more_than_once": sum(count > 1 for count in self.answered.values()),
            "requests_after_an_answer": self.after_answer,
            "answers_nobody_took": self.answers_nobody_took,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
            "requests_in_busiest_second": self._busiest_second,
            "authorization_seen": self.authorization_seen,
            "first_request": self._times[0] if self._times else None,
            "last_request": self._times[-1] if self._times else None,
            "batch": self._batch_stats(),
        }

    def _batch_stats(self) -> dict[str, Any]:
        ends = Counter(kind for kinds in self.batch_history.values() for kind in kinds)
        return {
            "uploads": self.uploads,
            "batches": self.batches,
            "downloads": self.downloads,
            "requests": ends.total(),
            "kinds": dict(sorted(ends.items())),
            "contents": len(self.batch_history),
            "requests_per_content": _histogram(Counter(map(len, self.batch_history.values()))),
            "contents_answered_more_than_once": sum(_answers(kinds) > 1 for kinds in self.batch_history.values()),
            "tokens_in": self.batch_tokens_in,
            "tokens_out": self.batch_tokens_out,
        }

    def _arrived(self, kind: str) -> None:
        now = time.time()
        self.kinds[kind] += 1
        self._times[1:] = [now] if self._times else []
        self._times = self._times or [now]
        self._last_second.append(now)
        while self._last_second[0] <= now - 1:
            self._last_second.popleft()
        self._busiest_second = max(self._busiest_second, len(self._last_second))

    def _write(self, digest: str, attempt: int, kind: str) -> None:
        if self._log is not None:
            self._log.write(f"{digest} {attempt} {kind}\n")
            self._log.flush()

    def close(self) -> None:
        """Close the log file."""
        if self._log is not None:
            self._log.close()


def _answers(kinds: Sequence[str]) -> int:
    return sum(kind == "ok" for kind in kinds)


def _histogram(counts: Counter[int]) -> dict[str, int]:
    return {str(times): contents for times, contents in sorted(counts.items())}


def read_log(path: Path) -> list[tuple[str, int, str]]:
    """Return the (digest, attempt, kind) of every whole line of a log; "-" and 0 for calls turned away."""
    whole = path.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()
    return [(digest, int(attempt), kind) for digest, attempt, kind in (line.split() for line in whole)]
