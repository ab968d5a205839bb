"""What one variant of the model-call benchmark is given: rows, the server, the limit, and a stopwatch to press.

Apart from the variants, so that they and the process that runs them can both import it, under any interpreter.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from calls_rows import Row


@dataclass
class Job:
    """One variant's work.

    `url` ends in /v1; `in_flight` is the most calls at one time; `scratch` a folder of the variant's own.
    `first` is when the first row was back, in seconds of `time.perf_counter`, None where nobody has said so.
    """

    rows: list[Row]
    url: str
    in_flight: int
    scratch: Path
    first: float | None = None

    def first_row(self) -> None:
        """Note that a row is back; only the first call counts."""
        if self.first is None:
            self.first = time.perf_counter()
