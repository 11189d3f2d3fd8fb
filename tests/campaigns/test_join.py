"""Promise: cores are joined that draw from the same pools in two families, whatever their sizes; a market that many
rent from joins nothing, and neither does one thing in common."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import evidence, members_of

from graphsvc.campaigns.affinity import measure_affinity
from graphsvc.campaigns.join import join_cores, join_grown
from graphsvc.campaigns.membership import Evidence
from graphsvc.campaigns.partners import pair_groups
from graphsvc.campaigns.pool_pairs import COMMON

PAYMENT, NETWORK, PROMPT = 0, 1, 2
OTHERS = 2_000

Rows = set[tuple[int, int, int]]
STRANGERS: Rows = {
    (account, 10_000 + 3 * account + family, family) for account in range(500, OTHERS) for family in range(3)
}
"""What accounts outside all groups have: in every family a value of their own."""


def draw(accounts: range, values: range, family: int, each: int = 2, seed: int = 0) -> Rows:
    """Give each account some values of a pool, at random."""
    rng = np.random.default_rng(seed)
    return {
        (account, int(value), family)
        for account in accounts
        for value in rng.choice(values, min(each, len(values)), replace=False)
    }


def join_groups(rows: Rows, *groups: range, supporting: tuple[int, ...] = ()) -> list[int]:
    """Name the cluster of each group after joining; a group is never divided."""
    given_ = evidence(rows | STRANGERS, OTHERS, supporting=supporting, names=("payment", "network", "prompt"))
    joined = join_cores(given_, members_of(*groups))
    number = dict(joined.select("account", "cluster").iter_rows())
    for group in groups:
        assert len({number[account] for account in group}) == 1
    return [number[group[0]] for group in groups]


def test_halves_of_one_campaign_join_whatever_their_sizes() -> None:
    for size in (8, 30, 200):
        whole = range(size + 30)
        rows = draw(whole, range(0, 12), PAYMENT) | draw(whole, range(100, 112), NETWORK, seed=1)
        assert join_groups(rows, range(size), range(size, size + 30)) == [0, 0]


def test_campaigns_with_pools_of_their_own_stay_apart() -> None:
    one, other = range(40), range(40, 80)
    rows = draw(one, range(0, 9), PAYMENT) | draw(one, range(100, 109), NETWORK)
    rows |= draw(other, range(10, 19), PAYMENT) | draw(other, range(110, 119), NETWORK)
    assert join_groups(rows, one, other) == [0, 1]


def test_operators_who_rent_from_one_market_stay_apart() -> None:
    # All exits are the market's: in that family every two of them are one. Cards are each operator's own.
    groups = [range(start, start + 40) for start in range(0, 400, 40)]
    rows = {row for group in groups for row in draw(group, range(1_000, 1_060), NETWORK, seed=group[0])}
    for number, group in enumerate(groups):
        rows |= draw(group, range(20 * number, 20 * number + 12), PAYMENT, seed=number)
    assert join_groups(rows, *groups) == list(range(10))
    # Two of them are one operator's halves when they share cards too, and still only these two.
    rows |= draw(range(80), range(2_000, 2_020), PAYMENT, each=4)
    assert join_groups(rows, *groups) == [0, 0, *range(2, 10)]


@pytest.mark.parametrize("values", [1, 30])
def test_one_family_joins_nothing(values: int) -> None:
    one, other = range(30), range(30, 60)
    rows = draw(range(60), range(values), NETWORK)
    rows |= draw(one, range(100, 109), PAYMENT) | draw(other, range(110, 119), PAYMENT)
    assert join_groups(rows, one, other) == [0, 1]


@pytest.mark.parametrize(
    ("family", "customers", "joined"),
    [(PROMPT, range(0), True), (PROMPT, range(500, 980), False), (NETWORK, range(0), False)],
    ids=["prompts", "prompts that others use too", "addresses"],
)
def test_cores_of_which_prompts_alone_are_known_join_by_a_list_of_their_own(
    family: int, customers: range, joined: bool
) -> None:
    one, other = range(30), range(30, 60)
    rows = draw(range(60), range(30), family) | draw(customers, range(30), family)
    assert join_groups(rows, one, other) == [0, 0 if joined else 1]
    # A second family holds each together, and does not agree.
    rows |= draw(one, range(100, 109), PAYMENT) | draw(other, range(110, 119), PAYMENT)
    assert join_groups(rows, one, other) == [0, 1]


def test_one_value_of_a_family_counts_for_nothing() -> None:
    rows = draw(range(60), range(1), PAYMENT) | draw(range(60), range(100, 120), NETWORK)
    assert join_groups(rows, range(30), range(30, 60)) == [0, 1]


def test_what_everybody_uses_is_no_pool() -> None:
    rows = {
        row
        for account in range(OTHERS)
        for row in draw(range(account, account + 1), range(8), PAYMENT, 4, account)
    }
    rows |= {
        row
        for account in range(OTHERS)
        for row in draw(range(account, account + 1), range(20, 28), NETWORK, 4, account)
    }
    assert join_groups(rows, range(30), range(30, 60)) == [0, 1]


def test_families_that_only_support_join_nothing() -> None:
    rows = draw(range(60), range(12), PAYMENT) | draw(range(60), range(100, 112), NETWORK)
    assert join_groups(rows, range(30), range(30, 60)) == [0, 0]
    assert join_groups(rows, range(30), range(30, 60), supporting=(PAYMENT,)) == [0, 1]


def test_pieces_of_a_large_campaign_become_one_over_several_rounds() -> None:
    groups = [range(start, start + 12) for start in range(0, 240, 12)]
    rows = draw(range(240), range(40), PAYMENT, 3) | draw(range(240), range(100, 140), NETWORK, 3)
    assert join_groups(rows, *groups) == [0] * 20


def test_the_affinity_of_halves_is_near_one_and_of_strangers_nothing() -> None:
    rows = draw(range(120), range(20), PAYMENT, 3) | draw(range(120), range(100, 120), NETWORK, 3)
    rows |= draw(range(120, 180), range(50, 70), PAYMENT, 3) | draw(
        range(120, 180), range(150, 170), NETWORK, 3
    )
    given_ = evidence(rows | STRANGERS, OTHERS)
    affinity = measure_affinity(given_, members_of(range(60), range(60, 120), range(120, 180))).toarray()
    assert affinity[0, 1] > 0.8
    assert affinity[0, 2] == affinity[1, 2] == 0.0
    assert np.array_equal(affinity, affinity.T)


CELLS = (range(40), range(40, 80), range(80, 120))
"""Three groups, each with cards of its own."""


def share_a_little(customers: range) -> Rows:
    """Give cells cards of their own, of which one in five is another cell's, and addresses that customers rent, too."""
    rows = {
        row for n, cell in enumerate(CELLS) for row in draw(cell, range(20 * n, 20 * n + 15), PAYMENT, 2, n)
    }
    rows |= {
        row
        for n, cell in enumerate(CELLS)
        for row in draw(cell[:16], range(20 * ((n + 1) % 3), 20 * ((n + 1) % 3) + 15), PAYMENT, 1, n)
    }
    rows |= {row for n, cell in enumerate(CELLS) for row in draw(cell[:24], range(500, 530), NETWORK, 1, n)}
    return rows | draw(customers, range(500, 530), NETWORK, 1) | draw(customers, range(60), PAYMENT, 1, 9)


def join_all(given_: Evidence, members: pl.DataFrame) -> pl.DataFrame:
    """Join until nothing joins any more, as growing does."""
    joined = join_grown(given_, members)
    return joined if joined.equals(members) else join_all(given_, joined)


def test_grown_clusters_join_by_pools_that_hardly_others_use() -> None:
    members = members_of(*CELLS)
    ours = evidence(share_a_little(range(0)) | STRANGERS, OTHERS)
    assert join_cores(ours, members)["cluster"].n_unique() == 3
    assert join_all(ours, members)["cluster"].n_unique() == 1
    # The same pools, were they a supplier's with four honest customers to each member, join nothing.
    rented = evidence(share_a_little(range(500, 980)) | STRANGERS, OTHERS)
    assert join_all(rented, members).equals(members)


def test_grown_clusters_of_which_two_accounts_meet_stay_apart() -> None:
    # Each account has a handle of its own, but one of either: no other user, and no sign of one operator.
    rows = {
        row for n, cell in enumerate(CELLS) for row in draw(cell, range(20 * n, 20 * n + 15), PAYMENT, 2, n)
    }
    rows |= {(account, 5_000 + account, NETWORK) for account in range(120)}
    rows |= {(40, 5_000, NETWORK), (41, 5_001, NETWORK), (40, 1, PAYMENT), (41, 2, PAYMENT)}
    members = members_of(*CELLS)
    assert join_all(evidence(rows | STRANGERS, OTHERS), members).equals(members)


@pytest.mark.parametrize("common", [False, True], ids=["own addresses", "common addresses"])
def test_grown_clusters_that_share_a_tool_and_no_infrastructure_stay_apart(common: bool) -> None:
    # Fingerprints and prompts of one tool, which no one else uses, and a pool of addresses each or for both.
    rows = draw(range(80), range(6), PAYMENT, 1) | draw(range(80), range(100, 120), PROMPT, 2)
    rows |= {
        row
        for n in range(2)
        for row in draw(
            range(40 * n, 40 * n + 40), range(500 + 20 * n * (not common), 520 + 20 * n), NETWORK, 2, n
        )
    }
    members = members_of(range(40), range(40, 80))
    given_ = evidence(rows | STRANGERS, OTHERS, names=("tls_fingerprint", "network", "prompt"))
    assert join_all(given_, members).equals(members) is not common


def test_groups_are_paired_by_falling_strength_each_once() -> None:
    one, other, strength = np.array([0, 1, 3]), np.array([1, 2, 4]), np.array([0.6, 0.9, 0.5])
    pairs = pair_groups(one, other, strength, 5)
    assert [tuple(row) for row in zip(*(part.tolist() for part in pairs), strict=True)] == [
        (1, 2, 0.9),
        (3, 4, 0.5),
    ]


def test_no_cores_and_no_values_are_no_mistake() -> None:
    assert join_cores(evidence([(0, 0, 0)], 5), members_of()).is_empty()
    alone = members_of(range(4))
    assert join_cores(evidence([], 5), alone).equals(alone)
    assert join_grown(evidence([], 5), alone).equals(alone)
    assert join_grown(evidence([], 5), members_of()).is_empty()


@given(
    st.sets(st.tuples(st.integers(0, 24), st.integers(0, 9)), max_size=80),
    st.lists(st.integers(0, 3), min_size=25, max_size=25),
    st.permutations(range(4)),
)
def test_the_names_of_cores_do_not_matter(
    pairs: set[tuple[int, int]], core: list[int], names: list[int]
) -> None:
    given_ = evidence({(account, signal, signal % 2) for account, signal in pairs}, 200)
    groups = [[account for account in range(25) if core[account] == number] for number in range(4)]
    members = members_of(*groups)
    joined = join_cores(given_, members)
    assert joined["account"].sort().to_list() == list(range(25))
    renamed = members.with_columns(cluster=pl.Series(names, dtype=pl.Int32).gather(members["cluster"]))
    again = join_cores(given_, renamed)

    def as_sets(frame: pl.DataFrame) -> set[frozenset[int]]:
        return {frozenset(part["account"].to_list()) for part in frame.partition_by("cluster")}

    assert as_sets(joined) == as_sets(again)


@pytest.mark.parametrize("leaked", [False, True], ids=["own", "leaked"])
def test_what_most_cores_and_more_others_use_makes_no_pairs(leaked: bool) -> None:
    cores = [range(4 * n, 4 * n + 4) for n in range(COMMON + 4)]
    inside = range(4 * len(cores))
    others = range(len(inside), 40 * len(inside))
    # Two values of either family are all that the cores have in common.
    rows = {
        (account, 4 * family + account % 2, family) for account in inside for family in (PAYMENT, NETWORK)
    }
    rows |= {(account, 100 + 3 * account + family, family) for account in others for family in range(3)}
    if leaked:
        known = others[: 2 * len(inside)]
        rows |= {
            (account, 4 * family + account % 2, family) for account in known for family in (PAYMENT, NETWORK)
        }
    affinity = measure_affinity(evidence(rows, others.stop), members_of(*cores))
    assert (affinity.nnz == 0) == leaked
