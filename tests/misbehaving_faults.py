"""What the misbehaving server does to which request: frozen settings and pure draws from them.

A fault is drawn from (seed, digest of what was asked, how often that has been asked), so the same requests
meet the same faults in whatever order they arrive, at any speed, and before and after a `kill -9` of the
client. (Rejected: one random generator for the server, whose draws depend on who comes first; a script of
behaviours by position, as single-request tests use it, which means nothing with thousands in flight.)
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import orjson

Kind = Literal[
    "rate_limited",
    "server_error",
    "dropped",
    "refused_early",
    "malformed",
    "wrong_shape",
    "hang",
    "empty",
    "truncated",
    "filtered",
    "bad_request",
    "slow",
    "ok",
]
FAULT_KINDS: tuple[Kind, ...] = get_args(Kind)[:-1]
ANSWERED_KINDS: frozenset[Kind] = frozenset({"ok", "slow"})
"""What a client takes as an answer. A `hang` is one too where the client waits long enough."""
CONTENT_KINDS: tuple[Kind, ...] = ("empty", "truncated", "filtered", "bad_request")
"""What a real server does because of what was asked, and so does again; for `Faults.lasting`."""

BatchKind = Literal["bad_request", "rate_limited", "server_error", "expired", "ok"]


@dataclass(frozen=True, slots=True)
class BatchFaults:
    """What the Batch API does. Shares are of the requests of a batch and between 0 and 1.

    `seconds` pass from creation to the end. `bad_request`, `rate_limited` and `server_error` requests end in
    the error file with 400, 429 and 500, `expired` ones with `batch_expired` (which makes the whole batch
    `expired`). The limits are OpenAI's own. `drop_uploads`, `drop_creates` and `drop_downloads` are how many
    of the first calls have their connection closed after the work was done: no reply, or half a file.
    """

    seconds: float = 0.0
    most_requests: int = 50_000
    most_bytes: int = 200 * 1024 * 1024
    bad_request: float = 0.0
    rate_limited: float = 0.0
    server_error: float = 0.0
    expired: float = 0.0
    shuffled: bool = True
    drop_uploads: int = 0
    drop_creates: int = 0
    drop_downloads: int = 0

    def __post_init__(self) -> None:
        _check_shares({kind: getattr(self, kind) for kind in get_args(BatchKind)[:-1]})


@dataclass(frozen=True, slots=True)
class Faults:
    """How the server misbehaves. The field named after a kind is the share of attempts that meet it, 0 to 1.

    - `latency` is in seconds, spread evenly by plus or minus the share `latency_spread` of it. `slow` attempts
      take `slow_seconds`, `hang` ones `hang_seconds`, before their reply, each on top of the latency.
    - `retry_after` (seconds) goes with a 429 as `retry_after_form` says; None sends no header.
    - From attempt `most_faults_per_request` + 1 on a request meets no fault, except those in `lasting`: kinds
      drawn once per request, which then come at every attempt (see `CONTENT_KINDS`).
    - `api_key` None takes any key and none. `unauthorized`, `forbidden` and `quota` refuse every call with
      401, 403 and 429 insufficient_quota. `echo_key` repeats the caller's key in every error body.
    - `context_tokens` refuses longer prompts (estimated tokens plus max_tokens); `capacity` is how many
      requests may be in flight before further ones get a 429 at once.
    - `refuse_json_schema` and `refuse_json_object` refuse that `response_format`.

    Raises:
        ValueError: a share outside 0 to 1, or shares that make more than 1 together.
    """

    seed: int = 0
    rate_limited: float = 0.0
    server_error: float = 0.0
    dropped: float = 0.0
    refused_early: float = 0.0
    malformed: float = 0.0
    wrong_shape: float = 0.0
    hang: float = 0.0
    empty: float = 0.0
    truncated: float = 0.0
    filtered: float = 0.0
    bad_request: float = 0.0
    slow: float = 0.0
    lasting: tuple[Kind, ...] = ()
    most_faults_per_request: int | None = None
    latency: float = 0.0
    latency_spread: float = 0.0
    slow_seconds: float = 1.0
    hang_seconds: float = 60.0
    retry_after: float | None = None
    retry_after_form: Literal["seconds", "milliseconds", "date"] = "seconds"
    models: tuple[str, ...] = ("offline",)
    api_key: str | None = None
    unauthorized: bool = False
    forbidden: bool = False
    quota: bool = False
    echo_key: bool = False
    context_tokens: int | None = None
    capacity: int | None = None
    refuse_json_schema: bool = False
    refuse_json_object: bool = False
    batches: BatchFaults = field(default_factory=BatchFaults)

    def __post_init__(self) -> None:
        _check_shares({kind: getattr(self, kind) for kind in FAULT_KINDS})
        if unknown := set(self.lasting) - set(FAULT_KINDS):
            raise ValueError(f"lasting names no kinds of fault: {sorted(unknown)}; there are {FAULT_KINDS}")

    def to_json(self) -> str:
        """Return the plan as `from_json` reads it."""
        return orjson.dumps(dataclasses.asdict(self)).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Faults:
        """Return the plan in a JSON object.

        Raises:
            ValueError: not JSON, no object, or a value out of range.
            TypeError: an unknown field.
        """
        data = orjson.loads(text)
        if not isinstance(data, dict):
            raise ValueError(f"a plan is a JSON object, not {text!r}")
        fields = {**data, "batches": BatchFaults(**data.get("batches", {}))}
        fields |= {name: tuple(data[name]) for name in ("lasting", "models") if name in data}
        return cls(**fields)


def _check_shares(shares: dict[str, float]) -> None:
    if any(not 0 <= share <= 1 for share in shares.values()) or sum(shares.values()) > 1 + 1e-9:
        raise ValueError(f"shares of faults must be between 0 and 1, and together at most 1: {shares}")


def request_digest(model: str, messages: Sequence[Any], seed: int = 0) -> str:
    """Return what tells requests apart: 16 hex digits of the digest of what was asked."""
    return hashlib.sha256(orjson.dumps([model, list(messages), seed])).hexdigest()[:16]


def draw(seed: int, digest: str, attempt: int, what: str) -> float:
    """Return a number from 0 up to 1 that depends on the arguments alone."""
    value = hashlib.sha256(f"{seed}:{digest}:{attempt}:{what}".encode()).digest()
    return int.from_bytes(value[:8], "big") / 2**64


def fault_for(faults: Faults, digest: str, attempt: int) -> Kind:
    """Return what happens to the nth attempt (counted from 1) at a request.

    Lasting kinds are drawn first and once per request; the other shares are of what those leave.
    """
    if faults.lasting:
        lasting = _picked(faults, faults.lasting, draw(faults.seed, digest, 0, "lasting"))
        if lasting != "ok":
            return lasting
    if faults.most_faults_per_request is not None and attempt > faults.most_faults_per_request:
        return "ok"
    rest = tuple(kind for kind in FAULT_KINDS if kind not in faults.lasting)
    return _picked(faults, rest, draw(faults.seed, digest, attempt, "kind"))


def _picked(faults: Faults, kinds: Sequence[Kind], value: float) -> Kind:
    for kind in kinds:
        value -= getattr(faults, kind)
        if value < 0:
            return kind
    return "ok"


def kinds_until_answered(faults: Faults, digest: str, most: int, *, final: Sequence[Kind] = ()) -> tuple[Kind, ...]:
    """Return what a client meets that asks until it is answered, or meets a kind in `final`, or `most` times.

    Its length is the number of calls that the request needs: what is sent beyond that is waste.
    """
    met: list[Kind] = []
    for attempt in range(1, most + 1):
        met.append(fault_for(faults, digest, attempt))
        if met[-1] in ANSWERED_KINDS or met[-1] in final:
            break
    return tuple(met)


def wait_for(faults: Faults, digest: str, attempt: int, kind: Kind) -> float:
    """Return the seconds to wait before the reply to an attempt."""
    more = {"slow": faults.slow_seconds, "hang": faults.hang_seconds}.get(kind, 0.0)
    spread = faults.latency_spread * (2 * draw(faults.seed, digest, attempt, "latency") - 1)
    return max(0.0, faults.latency * (1 + spread)) + more


def batch_fault_for(faults: Faults, digest: str, attempt: int) -> BatchKind:
    """Return what happens to a request at the nth batch it stands in."""
    if faults.most_faults_per_request is not None and attempt > faults.most_faults_per_request:
        return "ok"
    value = draw(faults.seed, digest, attempt, "batch")
    kinds: tuple[BatchKind, ...] = get_args(BatchKind)
    for kind in kinds[:-1]:
        value -= getattr(faults.batches, kind)
        if value < 0:
            return kind
    return "ok"
