"""Promise: cores are joined that share several values of several kinds, or templates that many of both have, held by
several accounts of each or by many of a small one; one thing in common joins nothing."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small import edges_of, members_of

from graphsvc.campaigns.join import join

PAYMENT, NETWORK, PROMPT = 0, 1, 2
LEFT, RIGHT = list(range(20)), list(range(20, 50))
TEMPLATE = range(1_000, 1_006)
"""Bands of one template."""

Rows = list[tuple[int, int, int]]


def clusters(rows: Rows, *cores: list[int], templates: Rows | None = None) -> list[int]:
    """The clusters of the accounts of `cores`, in their order."""
    bands = None if templates is None else edges_of(templates)
    joined = join(members_of(*cores), edges_of(rows), bands)
    number = dict(joined.select("account", "cluster").iter_rows())
    return [number[account] for core in cores for account in core]


def shared(values: int, accounts: int, families: int = 2) -> list[tuple[int, int, int]]:
    """Rows of values that as many accounts of `LEFT` as of `RIGHT` have: value i is of account i modulo `accounts`."""
    return [
        (core[value % accounts], value, value % families) for value in range(values) for core in (LEFT, RIGHT)
    ]


def test_four_values_of_two_kinds_that_three_accounts_of_each_hold_join() -> None:
    assert set(clusters(shared(4, 3), LEFT, RIGHT)) == {0}


@pytest.mark.parametrize(
    ("values", "accounts", "families"),
    [(1, 1, 1), (3, 3, 2), (4, 2, 2), (4, 3, 1), (12, 12, 1)],
    ids=["one address", "three values", "two accounts", "one kind", "many of one kind"],
)
def test_less_than_that_joins_nothing(values: int, accounts: int, families: int) -> None:
    rows = shared(values, accounts, families)
    assert clusters(rows, LEFT, RIGHT) == [0] * len(LEFT) + [1] * len(RIGHT)


def test_one_address_that_everybody_of_both_has_joins_nothing() -> None:
    rows = [(account, 0, NETWORK) for account in LEFT + RIGHT]
    assert set(clusters(rows, LEFT, RIGHT)) == {0, 1}


def test_two_values_join_a_core_a_third_of_which_holds_them() -> None:
    small = list(range(6))
    rows = [(0, 0, PAYMENT), (1, 1, NETWORK), (20, 0, PAYMENT), (21, 1, NETWORK)]
    assert set(clusters(rows, small, RIGHT)) == {0}
    assert set(clusters(rows, list(range(7)), RIGHT)) == {0, 1}


@pytest.mark.parametrize(("left", "right"), [([0, 1], [20, 20]), ([0, 0], [20, 21])])
def test_what_is_in_one_account_s_hands_joins_no_core_however_small(
    left: list[int], right: list[int]
) -> None:
    small = list(range(3))
    rows = [(core[value], value, value) for core in (left, right) for value in (PAYMENT, NETWORK)]
    assert set(clusters(rows, small, RIGHT)) == {0, 1}
    assert set(clusters([*rows, (1, PAYMENT, PAYMENT), (21, PAYMENT, PAYMENT)], small, RIGHT)) == {0}


def of_all(bands: range, *cores: list[int]) -> Rows:
    """Rows of bands that all accounts of all cores have."""
    return [(account, band, PROMPT) for band in bands for core in cores for account in core]


@pytest.mark.parametrize(("bands", "joined"), [(1, False), (6, False), (7, True), (12, True)])
def test_two_templates_join_by_themselves_and_one_does_not(bands: int, joined: bool) -> None:
    templates = of_all(range(1_000, 1_000 + bands), LEFT, RIGHT)
    assert (len(set(clusters([], LEFT, RIGHT, templates=templates))) == 1) == joined


@pytest.mark.parametrize(
    ("values", "joined"), [(0, False), (1, False), (2, True), (3, True)], ids="{} beside a template".format
)
def test_one_template_joins_beside_two_values_of_one_kind(values: int, joined: bool) -> None:
    rows = shared(values, 2, families=1)
    templates = of_all(TEMPLATE, LEFT, RIGHT)
    assert (len(set(clusters(rows, LEFT, RIGHT, templates=templates))) == 1) == joined
    # Without the template they are of one kind, and join nothing.
    assert set(clusters(rows, LEFT, RIGHT)) == {0, 1}


@pytest.mark.parametrize(("size", "holders"), [(6, 3), (20, 3), (100, 10), (110, 11)])
def test_a_template_is_a_core_s_when_three_and_a_tenth_of_it_have_it(size: int, holders: int) -> None:
    one, other = list(range(size)), list(range(size, 2 * size))
    four = range(1_000, 1_024)
    held = of_all(four, one[:holders], other[:holders])
    assert set(clusters([], one, other, templates=held)) == {0}
    held = of_all(four, one[:holders], other[: holders - 1])
    assert set(clusters([], one, other, templates=held)) == {0, 1}


def test_bands_that_one_or_two_of_a_large_core_share_by_chance_join_nothing() -> None:
    one, other = list(range(200)), list(range(200, 400))
    chance = [
        (core[(band * 3 + place) % 200], 1_000 + band, PROMPT)
        for band in range(300)
        for core in (one, other)
        for place in range(1 + band % 2)
    ]
    # Nearly all accounts of both have one in common with the other core, and yet no band is a core's.
    assert set(clusters(shared(3, 3), one, other, templates=chance)) == {0, 1}
    assert set(clusters([], one, other, templates=chance)) == {0, 1}


def test_cores_that_share_with_a_third_are_one_with_it() -> None:
    middle, far = list(range(50, 70)), list(range(70, 90))
    chain = [
        (core[value % 3], value + offset, value % 2)
        for offset, pair in ((0, (far, middle)), (10, (middle, LEFT)))
        for value in range(4)
        for core in pair
    ]
    assert clusters(chain, LEFT, RIGHT, middle, far) == [0] * 20 + [1] * 30 + [0] * 40


def test_values_of_accounts_outside_all_cores_are_no_bridge() -> None:
    rows = [(account, value, value % 2) for value in range(9) for account in (LEFT[value], 60, 61, 62)]
    assert set(clusters([*rows, (62, 20, 0)], LEFT, RIGHT)) == {0, 1}


def test_no_cores_and_no_values_are_no_mistake() -> None:
    assert join(members_of(), edges_of([(0, 0, 0)])).is_empty()
    assert join(members_of(LEFT), edges_of([])).equals(members_of(LEFT))


ROWS = st.lists(st.tuples(st.integers(0, 24), st.integers(0, 9)), max_size=80, unique=True)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.lists(st.integers(0, 3), min_size=25, max_size=25), st.permutations(range(4)))
def test_neither_the_order_of_rows_nor_the_names_of_cores_matter(
    pairs: list[tuple[int, int]], core: list[int], names: list[int]
) -> None:
    rows = [(account, signal, signal % 2) for account, signal in pairs]
    groups = [[account for account in range(25) if core[account] == number] for number in range(4)]
    members = members_of(*groups)
    joined = join(members, edges_of(rows))
    assert joined.equals(join(members, edges_of(rows[::-1])))
    assert joined["account"].sort().to_list() == list(range(25))
    renamed = join(members_of(*(groups[name] for name in names)), edges_of(rows))
    assert parts(joined) == parts(renamed)
    # A cluster bears the name of the smallest of its cores, and no core is torn apart.
    for number, accounts in joined.group_by("cluster").agg("account").iter_rows():
        assert number == min(core[account] for account in accounts)
    assert len(parts(joined)) <= len([group for group in groups if group])


@settings(max_examples=60, deadline=None)
@given(ROWS, ROWS, st.lists(st.integers(0, 3), min_size=25, max_size=25))
def test_templates_part_no_cores(
    pairs: list[tuple[int, int]], bands: list[tuple[int, int]], core: list[int]
) -> None:
    members = members_of(*([a for a in range(25) if core[a] == number] for number in range(4)))
    edges = edges_of([(account, signal, signal % 2) for account, signal in pairs])
    templates = edges_of([(account, 1_000 + band, PROMPT) for account, band in bands])
    without, beside = parts(join(members, edges)), parts(join(members, edges, templates))
    assert all(any(group <= larger for larger in beside) for group in without)


def parts(members: pl.DataFrame) -> set[frozenset[int]]:
    """Clusters as sets of accounts."""
    return {
        frozenset(row) for (row,) in members.group_by("cluster").agg("account").select("account").iter_rows()
    }
