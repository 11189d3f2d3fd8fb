"""Promise: who comes to a service and shares nothing rare with a cluster leaves its members, their bits and what they
share as they were, to the last bit."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import evidence, members_of

from graphsvc.campaigns.grow import grow
from graphsvc.campaigns.membership import Weighed, pools
from graphsvc.model.scale import coarse

CARD, ADDRESS, DEVICE = 0, 1, 2
CLUSTER = range(60)
RARE, POPULAR, PREFIX = range(30), 30, 31
"""Cards, addresses and devices of the cluster's own; an address of very many; a prefix of many."""
HOLDERS = 600
"""Accounts outside that have the popular address, and those that are in the prefix."""
LEAST, MOST = 9_728, 10_239
"""Numbers of accounts between two lines of the grid: what everybody has is as finely counted."""

Rows = list[tuple[int, int, int]]


def world(
    strangers: int, on_popular: int, in_prefix: int, more: Rows | None = None
) -> tuple[Weighed, object]:
    """What is found of the cluster among so many strangers: who is weighed, as what, and the pool."""
    rows = [
        (account, 10 * family + (account * (1, 3, 7)[family] + account // 10) % 10, family)
        for account in CLUSTER
        for family in (CARD, ADDRESS, DEVICE)
        if account % 3 != family
    ]
    rows += [(account, POPULAR, ADDRESS) for account in CLUSTER[:45]]
    rows += [(account, PREFIX, ADDRESS) for account in CLUSTER]
    rows += [(100 + i, POPULAR, ADDRESS) for i in range(on_popular)]
    rows += [(1_500 + i, PREFIX, ADDRESS) for i in range(in_prefix)]
    # One from outside, whom the cluster takes in, and who was there before.
    rows += [(99, 0, CARD), (99, 20, DEVICE), *(more or [])]
    known = evidence(rows, len(CLUSTER) + strangers, levels={PREFIX: 1}, everybody_has=True)
    members, weighed = grow(known, members_of(CLUSTER[:40]), 20)
    return weighed, (members.to_dict(as_series=False), pools(known, members).drop("degree").rows())


def same(one: Weighed, two: Weighed) -> bool:
    return all(np.array_equal(getattr(one, each.name), getattr(two, each.name)) for each in fields(Weighed))


def on_line(count: int) -> tuple[int, int]:
    """The least and the most that are counted as `count` is."""
    near = [n for n in range(count - count // 8, count + count // 8) if coarse(n) == coarse(count)]
    return near[0], near[-1]


BEFORE = world(10_000 - len(CLUSTER), HOLDERS, HOLDERS)


@given(
    st.integers(LEAST - len(CLUSTER), MOST - len(CLUSTER)),
    st.integers(*on_line(HOLDERS)).filter(lambda n: coarse(n - 1) == coarse(HOLDERS)),
    st.integers(*on_line(HOLDERS)).filter(lambda n: coarse(n - 1) == coarse(HOLDERS)),
)
def test_strangers_change_nothing(strangers: int, on_popular: int, in_prefix: int) -> None:
    assert coarse(strangers + len(CLUSTER)) == coarse(10_000)
    before, held = BEFORE
    after, kept = world(strangers, on_popular, in_prefix)
    assert 99 in before.account[before.membership > 0.5]
    assert same(before, after)
    assert held == kept


@pytest.mark.parametrize("family", [CARD, DEVICE])
def test_a_stranger_who_shares_what_is_rare_is_seen(family: int) -> None:
    before, held = BEFORE
    after, found = world(9_940, HOLDERS, HOLDERS, [(5_000, RARE[10 * family], family)])
    assert 5_000 in after.account
    assert not same(before, after)
    assert held != found


def test_a_population_that_doubles_is_seen() -> None:
    before, _ = BEFORE
    after, _ = world(19_900, HOLDERS, HOLDERS)
    assert np.array_equal(before.account, after.account)
    assert (after.prior < before.prior).all()
