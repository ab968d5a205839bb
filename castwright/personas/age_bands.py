"""Ages in bands of ten years, from 18 on: coarse enough to count, fine enough to see who is missing.

One list for the grid's design and for every report, so that both speak of the same people.
"""

from __future__ import annotations

from bisect import bisect_right

AGE_BANDS = ("under 18", "18-29", "30-39", "40-49", "50-59", "60-69", "70-79", "80 and over")
FIRST_AGES = (18, 30, 40, 50, 60, 70, 80)  # of each band but the first, in years


def age_band(age: int) -> str:
    """Return the band of an age in years."""
    return AGE_BANDS[bisect_right(FIRST_AGES, age)]
