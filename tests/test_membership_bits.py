"""Promise: bits of membership are log2(m/u) with the cluster's own use taken out, and families add."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.campaigns.grow import Evidence, Rules, grow, join
from graphsvc.campaigns.membership import evidence, pools


def frame(rows: list[tuple[int, int, int]]) -> pl.DataFrame:
    schema = {"account": pl.Int32, "signal": pl.Int32, "family": pl.Int32}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(strength=pl.lit(1.0))


def given_of(edges: pl.DataFrame, accounts: int) -> Evidence:
    has = np.zeros((accounts, 3), dtype=np.bool_)
    has[edges["account"].to_numpy(), edges["family"].to_numpy()] = True
    return Evidence(edges, has, np.ones(3, dtype=np.bool_))


def weigh(edges: pl.DataFrame, members: pl.DataFrame, accounts: int, families: int = 1) -> pl.DataFrame:
    given = given_of(edges, accounts)
    pool = pools(edges, members, accounts)
    return evidence(given.edges, given.has, given.ties, members, pool, families)


def members_of(*clusters: list[int]) -> pl.DataFrame:
    rows = [(number, account) for number, group in enumerate(clusters) for account in group]
    return pl.DataFrame(rows, schema={"cluster": pl.Int32, "account": pl.Int32}, orient="row")


def test_bits_of_a_pool_value_by_hand() -> None:
    # Four members, three use signal 0; one of the 96 others does too.
    edges = frame([(0, 0, 0), (1, 0, 0), (2, 0, 0), (50, 0, 0)])
    pool = pools(edges, members_of([0, 1, 2, 3]), 100)
    assert pool.select("inside", "size").row(0) == (3, 4)
    assert pool["bits"][0] == pytest.approx(math.log2((3 / 4) / ((1 + 0.5) / (100 - 4 + 1))))


def test_a_member_does_not_vouch_for_itself() -> None:
    # Two clusters of three; a value of theirs that strangers have too, so that the value decides, not the pool.
    edges = frame([(account, 0, 0) for account in (0, 1, 2, 90, 91, 92, 93)])
    weighed = weigh(edges, members_of([0, 1, 2]), 1000)
    bits = dict(weighed.select("account", "bits").iter_rows())
    outside = (4 + 0.5) / (1000 - 3 + 1)
    whole = math.log2((3 + 0.5) / (3 + 1)) - math.log2(outside)
    assert bits[0] == pytest.approx(max(math.log2((2 / 3) / outside), whole))
    assert bits[90] == pytest.approx(math.log2((3 / 3) / outside))


def test_families_add_and_within_a_family_the_strongest_counts() -> None:
    rows = [(account, signal, family) for account in range(4) for signal, family in ((0, 0), (1, 0), (2, 1))]
    strangers = [
        (account, signal, family) for account in range(50, 60) for signal, family in ((1, 0), (2, 1))
    ]
    weighed = weigh(frame([*rows, *strangers, (70, 0, 0)]), members_of([0, 1, 2, 3]), 1000)
    one = weighed.filter(pl.col("account") == 70).row(0, named=True)
    both = weighed.filter(pl.col("account") == 0).row(0, named=True)
    rare, common = math.log2(1.0 / (1.5 / 997)), math.log2(1.0 / (10.5 / 997))
    assert one["bits"] == pytest.approx(rare)
    # Leave one out: three of four members instead of four.
    assert both["bits"] == pytest.approx(rare + common + 2 * math.log2(3 / 4), abs=0.3)
    assert (one["agreeing"], both["agreeing"]) == (1, 2)


def test_one_shared_thing_makes_nobody_a_member() -> None:
    # Ten accounts share a card and a device; a stranger shares the card alone.
    rows = [(account, signal, family) for account in range(10) for signal, family in ((0, 0), (1, 1))]
    rules = Rules(rounds=8, growing_membership=0.5, join_share=0.35, min_membership=0.9)
    found, _ = grow(given_of(frame([*rows, (99, 0, 0)]), 10_000), members_of(list(range(10))), rules)
    assert found["account"].to_list() == list(range(10))


def test_a_family_in_which_an_account_differs_speaks_against_it() -> None:
    rows = [(account, signal, family) for account in range(10) for signal, family in ((0, 0), (1, 1), (2, 2))]
    agrees = [(90, 0, 0), (90, 1, 1)]
    differs = [(91, 0, 0), (91, 1, 1), (91, 7, 2), (92, 7, 2)]
    weighed = weigh(frame([*rows, *agrees, *differs]), members_of(list(range(10))), 10_000)
    bits = dict(weighed.select("account", "bits").iter_rows())
    assert bits[91] < bits[90] - 2.0


def test_cores_that_share_as_groups_become_one_and_a_stranger_stays_out() -> None:
    # Two cores with cards of their own, one set of addresses (family 1) and of templates (family 2) for both.
    rows = []
    for account in range(40):
        rows += [(account, account // 4, 0), (account, 100 + account % 5, 1), (account, 200 + account % 3, 2)]
    rows += [(900, 100, 1), (901, 300, 2), (902, 300, 2)]
    rules = Rules(rounds=8, growing_membership=0.5, join_share=0.35, min_membership=0.9)
    cores = members_of(list(range(16)), list(range(16, 36)))
    found, _ = grow(given_of(frame(rows), 10_000), cores, rules)
    assert found["cluster"].n_unique() == 1
    assert found["account"].to_list() == list(range(40))


def test_join_leaves_clusters_alone_that_share_nothing() -> None:
    edges = frame([(account, account // 3, 0) for account in range(6)])
    members = members_of([0, 1, 2], [3, 4, 5])
    weighed = weigh(edges, members, 1000)
    rules = Rules(rounds=8, growing_membership=0.5, join_share=0.35, min_membership=0.9)
    assert join(members, weighed, rules).tolist() == [0, 1]


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), max_size=120),
    st.lists(st.integers(0, 30), min_size=2, max_size=12, unique=True),
)
def test_memberships_are_probabilities_and_order_does_not_matter(
    pairs: list[tuple[int, int]], core: list[int]
) -> None:
    edges = frame([(a, s, s % 3) for a, s in dict.fromkeys(pairs)])
    members = members_of(sorted(core))
    weighed = weigh(edges, members, 100)
    assert weighed["membership"].is_between(0.0, 1.0).all()
    again = weigh(edges.reverse(), members, 100)
    assert weighed.equals(again)
