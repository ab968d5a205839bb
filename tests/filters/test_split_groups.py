"""Groups of the split: what is alike stands on one side, chains are cut, and old groups never change."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.filters.neighbours import Pairs, joined
from castwright.filters.split_groups import Groups, Rows, components, split_groups
from castwright.filters.text_digests import key_digests

Edges = list[tuple[int, int, float]]


def grouped(
    new: int, edges: Edges, *, old: list[str] | None = None, names: list[str] | None = None, floor: float | None = 0.9
) -> Groups:
    """Return the groups of new rows n0, n1, ... at a threshold of 0.95; edges are numbered through old and new."""
    earlier = old or []
    found = sorted(edges)
    left, right = (np.array([edge[side] for edge in found], dtype=np.int64) for side in (0, 1))
    pairs = joined([Pairs(left, right, np.array([edge[2] for edge in found], dtype=np.float32))])
    texts = names or [""] * (len(earlier) + new)
    ids = pl.Series([f"n{row}" for row in range(new)], dtype=pl.String)
    rows = Rows(pl.Series(earlier, dtype=pl.String), ids, key_digests(pl.Series(texts, dtype=pl.String)))
    return split_groups(rows, pairs, 0.95, floor)


def test_near_rows_and_those_near_them_are_one_group_called_after_the_first() -> None:
    """From 0.93 on: a chain of three, and a pair that is not near enough."""
    told = grouped(6, [(1, 2, 0.94), (2, 4, 0.931), (0, 3, 0.929)])
    assert told.groups.to_list() == ["n0", "n1", "n1", "n3", "n1", "n5"]
    assert told.details == {
        "groups": 4,
        "largest": 3,
        "largest_share": 0.5,
        "largest_by_name": 1,
        "margin": 0.02,
        "bridged": 0,
        "cut_back": False,
    }


def test_one_name_is_one_group() -> None:
    """Rows without a name that tells are alone, as many as they are."""
    told = grouped(5, [], names=["Ahab historical", "", "Ahab screen", "Ahab historical", ""])
    assert told.groups.to_list() == ["n0", "n1", "n2", "n0", "n4"]


def test_a_new_row_joins_the_group_of_its_old_neighbour() -> None:
    """By cosine, by name, and through another new row; the old group has its name from then on."""
    names = ["Ahab", "", "", "Ahab", "", ""]
    told = grouped(4, [(1, 4, 0.94), (4, 5, 0.94)], old=["o0", "o1"], names=names)
    assert told.groups.to_list() == ["n0", "o0", "o1", "o1"]
    assert told.details["bridged"] == 0


def test_a_row_between_two_old_groups_goes_to_the_nearest_and_is_counted() -> None:
    """A name is nearer than any cosine; of equally near ones the first."""
    told = grouped(3, [(0, 3, 0.931), (1, 3, 0.94), (0, 4, 0.94), (1, 4, 0.94)], old=["o0", "o1", "o2"])
    assert told.groups.to_list() == ["o1", "o0", "n2"]
    assert told.details["bridged"] == 2
    named = grouped(1, [(0, 2, 0.949)], old=["o0", "o1"], names=["", "Ahab", "Ahab"])
    assert named.groups.to_list() == ["o1"]


@pytest.mark.parametrize(
    ("cosine", "margin", "largest"), [(0.945, 0.01, 60), (0.935, 0.01, 1), (0.949, None, 1)], ids=str
)
def test_a_chain_is_cut_back_and_told(cosine: float, margin: float | None, largest: int) -> None:
    """Of 7,000 rows a group may have 70: 60 links hold at any margin, 200 at the smaller one or at none."""
    links = 59 if largest == 60 else 0
    chain = [(row, row + 1, cosine) for row in range(links)]
    chain += [(row, row + 1, 0.935 if margin else cosine) for row in range(1000, 1200)]
    told = grouped(7000, chain)
    assert told.details["margin"] == margin
    assert told.details["cut_back"]
    assert told.details["largest"] == largest


def test_few_rows_are_never_called_a_chain() -> None:
    """A group of fifty is left whole, whatever its share."""
    assert grouped(50, [(row, row + 1, 0.94) for row in range(49)]).details["largest"] == 50
    assert grouped(51, [(row, row + 1, 0.94) for row in range(50)]).details["largest"] == 1


def test_a_name_that_hundreds_have_does_not_cut_the_margin() -> None:
    """Near pairs are not to blame for it."""
    told = grouped(300, [(298, 299, 0.94)], names=[*["guard"] * 200, *[""] * 100])
    assert told.details["largest"] == told.details["largest_by_name"] == 200
    assert told.details["margin"] == 0.02
    assert told.groups.to_list()[-1] == "n298"


def test_without_a_list_of_pairs_names_alone_join() -> None:
    """And a raised floor is the margin that there is."""
    told = grouped(3, [], names=["Ahab", "", "Ahab"], floor=None)
    assert told.groups.to_list() == ["n0", "n1", "n0"]
    assert told.details["margin"] is None
    assert not told.details["cut_back"]
    assert grouped(2, [(0, 1, 0.94)], floor=0.935).details["margin"] == 0.015


@settings(deadline=None)
@given(st.integers(1, 40), st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=60))
def test_components_are_those_of_a_walk(count: int, edges: list[tuple[int, int]]) -> None:
    """Each node has the least one that it can walk to."""
    edges = [(a % count, b % count) for a, b in edges]
    least = list(range(count))
    for _ in range(count):
        for a, b in edges:
            least[a] = least[b] = min(least[a], least[b])
    left, right = np.array([[a, b] for a, b in edges], dtype=np.int64).reshape(-1, 2).T
    assert components(count, left, right).tolist() == least
