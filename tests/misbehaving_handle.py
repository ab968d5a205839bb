"""What a test holds of a running misbehaving server: its address, its counts, and its plan.

It speaks HTTP even to a server in a thread of this process, so that both ways of running one are the same to
a test, and no lock is needed: all state is touched on the server's own loop. On urllib and past any proxy,
because control calls must work where the client under test does not. (Rejected: an object that reaches into
the server, which works for threads only.)
"""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass
from typing import Any

import orjson
from misbehaving_faults import Faults


@dataclass(frozen=True, slots=True)
class Handle:
    """A running server. `url` ends in /v1; `pid` is its process, or None where it is a thread of this one."""

    url: str
    pid: int | None = None

    def stats(self) -> dict[str, Any]:
        """Return the server's counts (see `Ledger.stats`)."""
        return self._control("GET", "stats")

    def contents(self) -> dict[str, list[str]]:
        """Return the kinds that each content met, in order, by its digest."""
        return self._control("GET", "contents")

    def reset(self, faults: Faults | None = None) -> None:
        """Forget all counts, attempts, files and batches; misbehave as `faults` says from now on, if given."""
        self._control("POST", "reset", faults.to_json().encode() if faults else b"")

    def replan(self, faults: Faults) -> None:
        """Misbehave as `faults` says from now on, and forget nothing."""
        self._control("POST", "plan", faults.to_json().encode())

    def _control(self, method: str, name: str, body: bytes | None = None) -> dict[str, Any]:
        url = f"{self.url.removesuffix('/v1')}/control/{name}"
        request = urllib.request.Request(url, data=body, method=method)  # noqa: S310 (our own loopback address)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as response:
            answer: dict[str, Any] = orjson.loads(response.read())
            return answer
