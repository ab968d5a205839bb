"""The files of a Batch API: lines of requests into it, lines of results out of it, and why it took none.

Functions on bytes and open files, without a server. A request is named by the digest of its body, so it is the
same request in every run, and a result is found by that name and never by its place (providers return them in any
order). Results stay in their file, with an index of names: 50,000 replies do not have to fit into memory, and those
that nobody has asked for yet are still there when somebody does. (Rejected: ids that count rows, which mean nothing
to the next run; `json.loads` of a whole file, where one broken line costs all others.)
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Final, Generic, Literal, Protocol, TypeVar

import orjson

from castwright.generators.models.faults import Fault, excerpt, status_fault

URL: Final = "/v1/chat/completions"

_ID_BYTES = 16
_HEAD, _MIDDLE, _TAIL = b'{"custom_id":"', f'","method":"POST","url":"{URL}","body":'.encode(), b"}\n"
_FRAME = len(_HEAD) + 2 * _ID_BYTES + len(_MIDDLE) + len(_TAIL)


def custom_id(body: bytes) -> str:
    """Return the name of a request, 32 hex digits: the digest of its JSON body."""
    return hashlib.blake2b(body, digest_size=_ID_BYTES).hexdigest()


def line_bytes(body: bytes) -> int:
    """Return how long the line of a request is."""
    return len(body) + _FRAME


def request_line(name: str, body: bytes) -> bytes:
    """Return the line of one request; `body` is JSON without a line break, as orjson writes it."""
    return b"".join((_HEAD, name.encode(), _MIDDLE, body, _TAIL))


def write_requests(bodies: Mapping[str, bytes]) -> IO[bytes]:
    """Return a nameless temporary file with a line for each request, in the order of the names.

    The order is a function of the names, so that a line number in a provider's error names its request in any run.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
    try:
        file.writelines(request_line(name, bodies[name]) for name in sorted(bodies))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


class Request(Protocol):
    """What is sent in a batch: the digest of its body, and the body."""

    name: str
    body: bytes


R = TypeVar("R", bound=Request)


@dataclass(slots=True)
class Parcel(Generic[R]):
    """Requests that are going to be one batch, by name: at most `max_requests`, whose lines take `max_bytes`."""

    max_requests: int
    max_bytes: int
    calls: dict[str, R] = field(default_factory=dict)
    size: int = 0

    def has_room(self, call: R) -> bool:
        """Whether a request still fits."""
        return len(self.calls) < self.max_requests and self.size + line_bytes(call.body) <= self.max_bytes

    @property
    def is_full(self) -> bool:
        """Whether no further request fits, however short."""
        return len(self.calls) >= self.max_requests or self.size + _FRAME > self.max_bytes

    def add(self, call: R) -> None:
        """Put a request in; it takes the place of one of the same name, which has the same body."""
        if call.name not in self.calls:
            self.size += line_bytes(call.body)
        self.calls[call.name] = call


def halves(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the names in two parts, of which the first is not the shorter one."""
    middle = (len(names) + 1) // 2
    return list(names[:middle]), list(names[middle:])


class Results:
    """What a batch gave, in its open files. `good` are the names of the requests that were answered. To be closed."""

    def __init__(self, files: Iterable[IO[bytes]]) -> None:
        self._files = list(files)
        self._places: dict[str, tuple[IO[bytes], int]] = {}
        self.good: set[str] = set()
        for file in self._files:
            self._index(file)

    def _index(self, file: IO[bytes]) -> None:
        """Note where each name's line is; an answer counts more than an error, a broken line is nobody's."""
        offset = 0
        file.seek(0)
        for line in file:
            data = _parsed(line)
            name = data.get("custom_id") if data is not None else None
            if data is not None and isinstance(name, str) and name not in self.good:
                self._places[name] = (file, offset)
                if _answer_of(data) is not None:
                    self.good.add(name)
            offset += len(line)

    def read(self, name: str, secret: str = "") -> bytes | Fault:
        """Return the body of a request's completion, or the fault; `secret` is cut out of the server's words."""
        place = self._places.get(name)
        if place is None:
            return Fault("retry", "the batch ended without a result for this request")
        file, offset = place
        file.seek(offset)
        return read_result(file.readline(), secret)

    def close(self) -> None:
        """Close the files, and with that delete them."""
        for file in self._files:
            file.close()


def read_result(line: bytes, secret: str = "") -> bytes | Fault:
    """Return what one line of an output or error file says: the body of a 200, or the fault."""
    data = _parsed(line)
    if data is None:
        return Fault("retry", f"a line of the batch's results is no JSON: {excerpt(repr(line), secret)}")
    answer = _answer_of(data)
    if answer is not None:
        return orjson.dumps(answer)
    response, error = data.get("response"), data.get("error")
    status = response.get("status_code") if isinstance(response, dict) else None
    if isinstance(response, dict) and isinstance(status, int) and status != 200:
        return status_fault(status, {}, orjson.dumps(response.get("body")).decode(), secret)
    if isinstance(error, dict):
        # It never ran (expired, cancelled, timed out), so it costs nothing to ask again.
        code, words = error.get("code"), error.get("message")
        return Fault("retry", excerpt(f"{code}: {words}", secret), code=str(code) if code is not None else None)
    return Fault("retry", f"a line of the batch's results holds none: {excerpt(repr(line), secret)}")


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        data = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return data if isinstance(data, dict) else None


def _answer_of(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the completion in a line, or None."""
    response = data.get("response")
    if not isinstance(response, dict) or response.get("status_code") != 200:
        return None
    body = response.get("body")
    return body if isinstance(body, dict) else None


RefusalKind = Literal["stop", "tokens", "size", "lines", "all"]
"""Why a batch failed: all calls would; too many tokens wait already; it is too large; some lines; who knows."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A batch that the provider did not begin. `lines` (from 1) are those it blames."""

    kind: RefusalKind
    words: str
    code: str | None = None
    lines: Mapping[int, str] = field(default_factory=dict)


_TOKEN_CODES = frozenset({"token_limit_exceeded", "enqueued_token_limit_exceeded"})
_SIZE_CODES = frozenset({"too_many_tasks", "too_many_requests", "file_too_large", "max_requests_exceeded"})
_STOP_CODES = frozenset({"billing_hard_limit_reached", "billing_not_active", "account_deactivated"})


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of a failed batch's errors, as the provider words it."""

    code: str | None
    message: str
    line: int | None = None


def read_refusal(problems: Sequence[Problem], secret: str = "") -> Refusal:
    """Return what the errors of a failed batch mean, the most far-reaching first."""
    if not problems:
        return Refusal("all", "the provider failed the batch and does not say why")
    for problem in problems:
        kind = _kind_of(problem)
        if kind in ("stop", "tokens", "size"):
            return Refusal(kind, _told(problem, secret), problem.code)
    if all(problem.line is not None for problem in problems):
        lines = {problem.line: _told(problem, secret) for problem in problems if problem.line is not None}
        return Refusal("lines", _told(problems[0], secret), problems[0].code, lines)
    return Refusal("all", _told(problems[0], secret), problems[0].code)


def _kind_of(problem: Problem) -> RefusalKind:
    """Return what one problem means. Codes are few and not all documented, so OpenAI's words are read too."""
    words = problem.message.lower()
    as_error = orjson.dumps({"error": {"code": problem.code}}).decode()
    if problem.code in _STOP_CODES or status_fault(400, {}, as_error).verdict == "stop":
        return "stop"
    if problem.code in _TOKEN_CODES or "enqueued token" in words:
        return "tokens"
    if problem.code in _SIZE_CODES or ("file" in words and "too large" in words):
        return "size"
    return "all" if problem.line is None else "lines"


def _told(problem: Problem, secret: str) -> str:
    return excerpt(f"{problem.code}: {problem.message}" if problem.code else problem.message, secret)
