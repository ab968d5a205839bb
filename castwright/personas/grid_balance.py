"""Coverage by design: of a few draws of an attribute, the one furthest behind its share so far is taken.

Candidates come from the conditional tables, so a character stays one the tables allow; the choice among them
holds every value, and the pairs of DESIGNED, near what the tables promise. It is the balancing of
"the power of two choices" (Azar, Broder, Karlin and Upfal 1999): two draws keep the error of a count near one,
where pure luck lets it grow with the square root of the count. The same rule tops a thin set up: the counts
begin at what is there. (Rejected: low-discrepancy sequences, which lose their evenness where tables depend on
each other and cannot start from a set that is there; quotas of whole cells, of which there are more than cards.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from castwright.personas.grid_shares import Shares

Cell = list[float]  # [share, count]: behind by drawn * share - count

DESIGNED = (
    ("area", "gender"),
    ("area", "occupation"),
    ("gender", "occupation"),
    ("occupation", "age_band"),
    ("occupation", "register"),
    ("occupation", "pole"),
    ("register", "sentence_length"),
)
CHOICES = 2  # candidates for a draw
TOP_UP_CHOICES = 24  # enough that a value of one in ten is nearly always among them


class Row(dict[str, Cell]):
    """The cells of the values of one attribute. A value that the tables promise nobody is never behind."""

    def __missing__(self, value: str) -> Cell:
        self[value] = [0.0, 1.0]
        return self[value]


class Balance:
    """The counts of one run, and the choice by them.

    What is taken is noted; `keep` counts it once the character stands, `drop` forgets it. `rivals` has an entry for
    every candidate after the first: with none, a draw is pure luck. `homes` are the cells of a place by its name:
    its time, its area, itself.
    """

    def __init__(self, shares: Shares, choices: int, against: Mapping[str, Mapping[str, int]] | None = None) -> None:
        there, self.rivals, self.drawn = against or {}, range(choices - 1), 0
        self.alone: dict[str, Row] = {name: _row(found, there.get(name, {})) for name, found in shares.alone.items()}
        self.together: dict[tuple[str, str], defaultdict[str, Row]] = {}
        for pair in DESIGNED:
            rows = {value: _row(found, {}) for value, found in shares.together[pair].items()}
            self.together[pair] = defaultdict(Row, rows)
        self.homes: tuple[Row, ...] = (
            Row({home: self.alone["modern"][time] for home, (time, _) in shares.homes.items()}),
            Row({home: self.alone["area"][area] for home, (_, area) in shares.homes.items()}),
            self.alone["home"],
        )
        self._noted: list[tuple[Sequence[Row], str]] = []

    def rows(self, name: str, given: str, value: str) -> tuple[Row, Row]:
        """Return the cells of an attribute: alone, and together with what was drawn before."""
        return self.alone[name], self.together[given, name][value]

    def job_rows(self, area: str, gender: str) -> tuple[Row, Row, Row]:
        """Return the cells of occupations: alone, and together with area and with gender."""
        pairs = self.together
        return self.alone["occupation"], pairs["area", "occupation"][area], pairs["gender", "occupation"][gender]

    def behind(self, rows: Sequence[Row], value: str, other: str) -> bool:
        """Return whether a value is further behind than another, in all rows together."""
        if value == other:
            return False
        drawn, ahead = self.drawn, 0.0
        for row in rows:
            (share, count), (others, there) = row[value], row[other]
            ahead += drawn * (share - others) - count + there
        return ahead > 0

    def note(self, rows: Sequence[Row], value: str) -> None:
        """Remember that a value was taken."""
        self._noted.append((rows, value))

    def keep(self) -> None:
        """Count what was noted: the character stands."""
        for rows, value in self._noted:
            for row in rows:
                row[value][1] += 1.0
        self._noted.clear()
        self.drawn += 1

    def drop(self) -> None:
        """Forget what was noted: the character is drawn again."""
        self._noted.clear()


def _row(shares: Mapping[str, float], against: Mapping[str, int]) -> Row:
    """Return the cells of an attribute; what is there already counts as drawn, as far as the tables know it."""
    there = {value: count for value, count in against.items() if value in shares}
    whole, per_card = sum(there.values()), sum(shares.values())
    return Row({value: [share, there.get(value, 0) - whole * share / per_card] for value, share in shares.items()})
