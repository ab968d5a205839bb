"""The fault run of the benchmarks, small: no row is lost, no reply is swapped, no call is made in vain."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(
    not (FOLDER / "fault_run.py").is_file(), reason="the benchmarks are not part of an installed package"
)

ROWS = 400


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the benchmark's module."""
    monkeypatch.syspath_prepend(str(FOLDER))
    import fault_run

    return fault_run


def test_every_row_is_accounted_for_and_no_call_is_made_in_vain(script: ModuleType) -> None:
    """One retry a call, so some rows fail for good; the second run asks those again and nobody else."""
    first, second = script.fault_run(ROWS, retries=1)
    for part in (first, second):
        assert part.accepted + sum(part.reasons.values()) == part.rows == ROWS
        assert (part.lost, part.twice, part.wrong, part.unjournalled) == (0, 0, 0, 0)
        assert (part.unnecessary, part.missing) == (0, 0)
    assert set(first.attempts) == {"ok", "rate_limited", "server_error", "dropped", "malformed", "hang"}
    assert first.attempts["ok"] == first.accepted < ROWS
    assert second.accepted > first.accepted
    assert all("after N attempts" in reason for reason in first.reasons)
    failed = ROWS - first.accepted
    assert failed <= sum(second.attempts.values()) <= 2 * failed
    told = script.table([first, second])
    assert f"| accepted | {first.accepted} | {second.accepted} |" in told
    assert "| unnecessary calls, so far | 0 | 0 |" in told


def test_a_call_made_in_vain_and_one_left_out_would_be_seen(script: ModuleType, tmp_path: Path) -> None:
    """The check itself works: held against another plan of faults than the server's, the same run has both."""
    theirs, ours = (script.Faults(seed=seed, rate_limited=0.5, most_faults_per_request=1) for seed in (1, 2))
    with script.misbehaving_process(theirs) as server:
        part = script.Bench(server, ours, tmp_path / "journal.db", 40, 1, 2.0, 40).run()
    assert (part.accepted, part.lost) == (40, 0)
    assert part.unnecessary > 0
    assert part.missing > 0
