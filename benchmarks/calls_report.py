"""What the model-call benchmark tells: measurements, their medians, the table, and which goal was met.

A measurement counts only if every row came back with the right reply and every row was asked exactly once;
one that does not is shown with what it did and takes part in no ratio.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

BASELINE = "castwright"
OPENAI = ("AsyncOpenAI", "AsyncOpenAI+aiohttp")
LIMIT = "aiohttp"
PEERS = ("distilabel", "data-designer", "curator")
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Call:
    """One run of one variant: `rows` calls at `latency` seconds, at most `in_flight` at one time.

    `seconds` is the run alone; `cpu` its CPU seconds, children included; `first` the seconds to the first row,
    None where unknown; `peak` bytes; `right` the rows that came back with the right reply. `calls`, `prompts`,
    `repeated` and `most_open` are what the server saw, `server_cpu` the CPU seconds that took it. `failed` says
    why the process gave no result, else it is empty.
    """

    variant: str
    latency: float
    in_flight: int
    rows: int
    seconds: float = 0.0
    cpu: float = 0.0
    first: float | None = None
    peak: int = 0
    right: int = 0
    rows_back: int = 0
    calls: int = 0
    prompts: int = 0
    repeated: int = 0
    most_open: int = 0
    server_cpu: float = 0.0
    digest: str = ""
    version: str = ""
    failed: str = ""

    @property
    def counts(self) -> bool:
        """Whether it did one call per row and got all of them back."""
        return not self.failed and self.rows == self.right == self.rows_back == self.calls == self.prompts

    @property
    def rate(self) -> float:
        """Rows per second."""
        return self.rows / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds per row."""
        return 1_000 * self.cpu / self.rows

    @property
    def why_not(self) -> str:
        """Why it does not count, in words."""
        if self.failed:
            return f"failed: {self.failed}"
        return f"{self.right:,} of {self.rows:,} rows right, {self.calls:,} calls for {self.prompts:,} prompts"


def medians(measures: Sequence[Call]) -> dict[str, Call]:
    """Return each variant's medians in the order in which they first ran; one bad run makes its variant's bad."""
    groups: dict[str, list[Call]] = {}
    for one in measures:
        groups.setdefault(one.variant, []).append(one)
    return {name: _middle(found) for name, found in groups.items()}


def _middle(found: Sequence[Call]) -> Call:
    bad = next((one for one in found if not one.counts), None)
    if bad:
        return bad
    firsts = [one.first for one in found if one.first is not None]
    return replace(
        found[0],
        seconds=median(one.seconds for one in found),
        cpu=median(one.cpu for one in found),
        first=median(firsts) if firsts else None,
        peak=int(median(one.peak for one in found)),
    )


def table(middle: dict[str, Call]) -> str:
    """Return the Markdown table of one latency and one number in flight."""
    base = middle.get(BASELINE)
    base = base if base and base.counts else None
    lines = [
        "| variant | rows/s | CPU ms/row | first row s | peak MiB | rows/s × | CPU × |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *(_line(one, base) for one in middle.values()),
    ]
    bad = [f"not compared: {one.variant}: {one.why_not}" for one in middle.values() if not one.counts]
    return "\n".join(lines + (["", *bad] if bad else []))


def _line(one: Call, base: Call | None) -> str:
    if not one.counts:
        return f"| {one.variant} ({one.right:,} of {one.rows:,} rows) | - | - | - | - | - | - |"
    first = "-" if one.first is None else f"{one.first:.2f}"
    ratios = f"{one.rate / base.rate:.2f} | {one.cpu_ms / base.cpu_ms:.2f}" if base else "- | -"
    peak = f"{one.peak / _MIB:,.0f}"
    return f"| {one.variant} | {one.rate:,.0f} | {one.cpu_ms:.2f} | {first} | {peak} | {ratios} |"


def goals(middle: dict[str, Call]) -> list[str]:
    """Return one line per goal: its number, and whether it was met."""
    base = next(iter(_good(middle, [BASELINE])), None)
    peers = _good(middle, PEERS)
    loop, bare, fastest = map(_fastest, (_good(middle, OPENAI), _good(middle, [LIMIT]), peers))
    leanest = min(peers, key=lambda one: one.cpu_ms, default=None)
    cpu = base.cpu_ms / leanest.cpu_ms if base and leanest else None
    return [
        _goal("rows/s, to the better AsyncOpenAI loop", _faster(base, loop), loop, least=1.0),
        _goal("rows/s, to the bare aiohttp loop", _faster(base, bare), bare, least=0.8),
        _goal("rows/s, to the fastest peer", _faster(base, fastest), fastest, least=2.0),
        _goal("CPU per row, to the leanest peer", cpu, leanest, most=0.4),
    ]


def _fastest(calls: Iterable[Call]) -> Call | None:
    return max(calls, key=lambda one: one.rate, default=None)


def _faster(base: Call | None, other: Call | None) -> float | None:
    return base.rate / other.rate if base and other else None


def _good(middle: dict[str, Call], names: Iterable[str]) -> list[Call]:
    return [middle[name] for name in names if name in middle and middle[name].counts]


def _goal(
    what: str, ratio: float | None, other: Call | None, *, least: float | None = None, most: float | None = None
) -> str:
    wanted = f"at least {least}" if least is not None else f"at most {most}"
    if ratio is None or other is None:
        return f"- {what}: not measured (goal: {wanted})"
    met = (least is None or ratio >= least) and (most is None or ratio <= most)
    return f"- {what} ({other.variant}): {ratio:.2f} × (goal: {wanted}): {'met' if met else 'missed'}"
