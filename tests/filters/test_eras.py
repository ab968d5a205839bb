"""The last year of an era, as people write eras."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.filters.eras import last_year

ERAS: dict[str, int | None] = {
    "1490s": 1499,
    "the 1920s": 1929,
    "1920s-1940s": 1949,
    "19th century": 1900,
    "early 19th century": 1840,
    "late 15th century": 1500,
    "mid-17th century": 1670,
    "nineteenth century": 1900,
    "early twentieth century": 1940,
    "1800s": 1899,
    "early 1800s": 1840,
    "1815-1852": 1852,
    "c. 1603": 1603,
    "1939 to 1945": 1945,
    "Edo period, 1780s": 1789,
    "Edo Japan": 1868,
    "Victorian": 1901,
    "Victorian London": 1901,
    "ancient Rome": 476,
    "Ancient Egypt": -30,
    "ancient": 500,
    "4th century BC": -301,
    "c. 300 BC": -300,
    "44 BC": -44,
    "AD 79": 79,
    "1st century AD": 100,
    "medieval": 1500,
    "Renaissance Florence, 1490s": 1499,
    "Tang dynasty": 907,
    "World War II": 1945,
    "Regency": 1837,
    "Viking Age": 1100,
    "1990s": 1999,
    "12th-13th century": 1300,
    "Wild West": 1900,
    "": None,
    "present day": None,
    "modern": None,
    "21st century": None,
    "2020s": 2029,
    "2140s": 2149,
    "medieval fantasy": None,
    "far future": None,
    "Starfleet, 24th century": None,
    "turn of the century": None,
    "1950s to today": None,
    "unknown": None,
}


@pytest.mark.parametrize(("era", "year"), ERAS.items(), ids=[era or "no era" for era in ERAS])
def test_an_era_ends_in_its_last_year(era: str, year: int | None) -> None:
    """Decades, centuries, ranges and names are read; what has no clear end gives None."""
    assert last_year(era) == year


@given(st.text(max_size=60))
def test_any_text_is_an_era_or_none(era: str) -> None:
    """Wild input never raises."""
    assert last_year(era) is None or isinstance(last_year(era), int)


@given(st.integers(min_value=100, max_value=202))
def test_a_decade_ends_in_nine(decade: int) -> None:
    """Any decade that is no century ends nine years after it began."""
    start = decade * 10
    assert last_year(f"the {start}s") == (start + 99 if start % 100 == 0 else start + 9)
