"""Promise: bits of membership are log2(m/u) with the cluster's own use taken out, and families add."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.campaigns.grow import grow, join
from graphsvc.campaigns.membership import evidence, pools


def frame(rows: list[tuple[int, int, int]]) -> pl.DataFrame:
    return pl.DataFrame(
        rows, schema={"account": pl.Int32, "signal": pl.Int32, "family": pl.Int32}, orient="row"
    )


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
    edges = frame([(0, 0, 0), (1, 0, 0), (2, 0, 0), (9, 0, 0)])
    members = members_of([0, 1, 2])
    weighed = evidence(edges, members, pools(edges, members, 1000), 1000)
    bits = dict(weighed.select("account", "bits").iter_rows())
    outside = (1 + 0.5) / (1000 - 3 + 1)
    assert bits[0] == pytest.approx(math.log2((2 / 3) / outside))
    assert bits[9] == pytest.approx(math.log2((3 / 3) / outside))


def test_families_add_and_within_a_family_the_strongest_counts() -> None:
    rows = [(account, signal, family) for account in range(4) for signal, family in ((0, 0), (1, 0), (2, 1))]
    edges = frame([*rows, (7, 0, 0)])
    members = members_of([0, 1, 2, 3])
    pool = pools(edges, members, 1000)
    weighed = evidence(edges, members, pool, 1000)
    one = weighed.filter(pl.col("account") == 0).row(0, named=True)
    strongest = {
        family: bits for family, bits in pool.group_by("family").agg(pl.col("bits").max()).iter_rows()
    }
    # Leave one out: three of four members instead of four.
    assert one["bits"] == pytest.approx(sum(strongest.values()) + 2 * math.log2(3 / 4))
    assert one["families"] == 2


def test_cores_that_share_as_groups_become_one_and_a_stranger_stays_out() -> None:
    # Two cores with cards of their own, one set of addresses (family 1) and of templates (family 2) for both.
    rows = []
    for account in range(40):
        rows += [(account, account // 4, 0), (account, 100 + account % 5, 1), (account, 200 + account % 3, 2)]
    rows += [(900, 100, 1), (901, 300, 2), (902, 300, 2)]
    found, _ = grow(
        frame(rows),
        members_of(list(range(16)), list(range(16, 36))),
        10_000,
        rounds=8,
        min_membership=0.5,
        min_families=2,
        join_share=0.5,
    )
    assert found["cluster"].n_unique() == 1
    assert found["account"].to_list() == list(range(40))


def test_join_leaves_clusters_alone_that_share_nothing() -> None:
    members = members_of([0, 1, 2], [3, 4, 5])
    nothing = pl.DataFrame(
        schema={"cluster": pl.Int32, "account": pl.Int32, "membership": pl.Float64, "member": pl.Boolean}
    )
    assert join(members, nothing, 0.5, 0.5).equals(members)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), max_size=120),
    st.lists(st.integers(0, 30), min_size=2, max_size=12, unique=True),
)
def test_memberships_are_probabilities_and_order_does_not_matter(
    pairs: list[tuple[int, int]], core: list[int]
) -> None:
    edges = frame([(a, s, s % 3) for a, s in dict.fromkeys(pairs)])
    members = members_of(sorted(core))
    weighed = evidence(edges, members, pools(edges, members, 100), 100)
    assert weighed["membership"].is_between(0.0, 1.0).all()
    again = evidence(edges.reverse(), members, pools(edges.reverse(), members, 100), 100)
    assert weighed.equals(again)
