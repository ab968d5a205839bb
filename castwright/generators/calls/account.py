"""Who pays for a call: which journal it goes into, which run and stage it counts for, and what may be spent.

Frozen data that travels with a model into any process; the open things behind it (connection, counters, stop)
are made where it arrives, in `ledger`. It never enters a saved pipeline: it holds paths of this machine.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, field_validator

from castwright.generators.calls.usage import Price

VARIABLE = "CASTWRIGHT_JOURNAL"
"""The environment variable that names another journal than the user's own."""


_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])?")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def seconds_of(text: str) -> float:
    """Return a time such as "90s", "45m", "1.5h", "2d" or "90" in seconds.

    Raises:
        ValueError: it is none.
    """
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise ValueError("a time is seconds, or a number with a unit: 90s, 45m, 1.5h, 2d")
    return float(found.group(1)) * _UNITS[found.group(2) or "s"]


class Budget(BaseModel):
    """What a run may use in all, resumed parts included; None is no limit.

    `max_cost` is money in the currency of the prices, `max_tokens` input and output tokens, `max_time` seconds of
    wall time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_cost: float | None = Field(default=None, gt=0)
    max_tokens: int | None = Field(default=None, gt=0)
    max_time: float | None = Field(default=None, gt=0)

    @field_validator("max_time", mode="before")
    @classmethod
    def _in_seconds(cls, value: object) -> object:
        """Read "90s", "45m", "1.5h" and "2d" too."""
        return seconds_of(value) if isinstance(value, str) else value

    @property
    def limits_calls(self) -> bool:
        """Whether calls have to be held against it one by one."""
        return self.max_cost is not None or self.max_tokens is not None


class Account(BaseModel):
    """What a call is booked on.

    `journal` is the file (None: the user's own). `run` and `stage` are what is counted together, `execution` one
    working through a stage, `attempt` the token under which calls that failed for good are remembered until the
    stage stands.
    """

    model_config = ConfigDict(frozen=True)

    journal: str | None = None
    run: str = ""
    stage: str = ""
    execution: str = ""
    attempt: str = ""
    prices: dict[str, Price] = {}
    budget: Budget = Budget()

    @property
    def path(self) -> Path:
        """The journal's file."""
        return Path(self.journal).expanduser() if self.journal else default_journal()


def default_journal() -> Path:
    """Return the user's journal: the file in CASTWRIGHT_JOURNAL, else one in the user's data folder."""
    named = os.environ.get(VARIABLE, "").strip()
    return Path(named).expanduser() if named else platformdirs.user_data_path("castwright") / "journal.db"
