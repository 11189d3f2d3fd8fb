"""Promise: a cluster that a single value holds together is shown as the two it is; a well connected one stays whole."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from small import evidence, members_of

from graphsvc.campaigns.connected import split
from graphsvc.campaigns.membership import pools


def parts(rows: list[tuple[int, int, int]], groups: list[list[int]], smallest: int = 4) -> list[list[int]]:
    """The clusters that `split` makes of `groups`; rows are account, signal, family."""
    known = evidence(rows, 1_000)
    members = members_of(*groups)
    found = split(known, members, pools(known, members), smallest)
    assert found.height == members.height
    by_cluster = found.group_by("cluster", maintain_order=True).agg("account")
    return sorted(by_cluster["account"].to_list())


def two_halves(bridges: int) -> list[tuple[int, int, int]]:
    """Ten accounts with cards of their own and ten with others; so many values are common to all twenty."""
    left = [(a, 0, 0) for a in range(10)] + [(a, 1, 1) for a in range(10)]
    right = [(a, 2, 0) for a in range(10, 20)] + [(a, 3, 1) for a in range(10, 20)]
    return left + right + [(a, 10 + b, 2) for b in range(bridges) for a in range(b, 20)]


def test_halves_that_one_value_holds_together_are_two() -> None:
    assert parts(two_halves(1), [list(range(20))]) == [list(range(10)), list(range(10, 20))]


def test_halves_that_two_values_hold_together_are_one() -> None:
    assert parts(two_halves(2), [list(range(20))]) == [list(range(20))]


def test_bands_of_one_template_that_the_same_accounts_have_are_one_value() -> None:
    bands = [(a, 20 + band, 2) for band in range(6) for a in range(20)]
    rows = two_halves(0) + bands
    assert parts(rows, [list(range(20))]) == [list(range(10)), list(range(10, 20))]


def test_a_small_part_stays_with_the_large_one() -> None:
    rows = [row for row in two_halves(1) if row[0] < 13]
    assert parts(rows, [list(range(13))]) == [list(range(13))]


def test_nothing_is_split_of_nothing() -> None:
    known = evidence([(0, 0, 0), (1, 0, 0)], 10)
    none = members_of()
    assert split(known, none, pools(known, none), 4).is_empty()


@given(st.lists(st.tuples(st.integers(0, 23), st.integers(0, 9)), min_size=1, max_size=90))
def test_nobody_is_lost_and_order_does_not_matter(pairs: list[tuple[int, int]]) -> None:
    rows = [(a, s, s % 3) for a, s in sorted(set(pairs))]
    groups = [list(range(12)), list(range(12, 24))]
    once = parts(rows, groups)
    assert sorted(np.concatenate(once).tolist()) == list(range(24))
    assert once == parts(rows[::-1], groups)


def test_memberships_travel_with_their_accounts() -> None:
    known = evidence(two_halves(1), 1_000)
    members = members_of(list(range(20))).with_columns(membership=pl.Series([i / 20 for i in range(20)]))
    found = split(known, members, pools(known, members), 4)
    assert dict(found.select("account", "membership").iter_rows()) == {i: i / 20 for i in range(20)}
