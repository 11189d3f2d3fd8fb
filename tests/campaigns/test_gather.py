"""Promise: cores of which each pair shares next to nothing are gathered by what all of them use; strangers who rent
from one market are not."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small import evidence, members_of

from graphsvc.campaigns.gather import LEAST_CORES, gather_cores
from graphsvc.campaigns.join import group_cores, join_cores
from graphsvc.campaigns.membership import Evidence

PAYMENT, NETWORK = 0, 1
ACCOUNTS = 3_000
CORES = 60
SIZE = 10
GROUPS = [range(start, start + SIZE) for start in range(0, CORES * SIZE, SIZE)]

Rows = set[tuple[int, int, int]]
STRANGERS: Rows = {
    (account, 40_000 + 2 * account + family, family)
    for account in range(CORES * SIZE, ACCOUNTS)
    for family in (PAYMENT, NETWORK)
}
"""What all others have: in each family a value of their own."""


def hold_together() -> Rows:
    """Give each core five cards and five exits of its own, which make it a core."""
    return {
        row
        for group in GROUPS
        for place, account in enumerate(group)
        for row in (
            (account, 31_000 + group[0] + place % 5, PAYMENT),
            (account, 32_000 + group[0] + place % 5, NETWORK),
        )
    }


def deal(pool: int, base: int, family: int, seed: int) -> Rows:
    """Deal each account of a core one value of a pool, so that two cores have few in common."""
    rng = np.random.default_rng(seed)
    return {
        (account, base + int(value), family)
        for group in GROUPS
        for account, value in zip(group, rng.choice(pool, SIZE, replace=False), strict=True)
    }


def campaign() -> Evidence:
    """One operator deals cards and exits out of two pools of 60."""
    rows = hold_together() | deal(60, 0, PAYMENT, 1) | deal(60, 20_000, NETWORK, 2)
    return evidence(rows | STRANGERS, ACCOUNTS)


def market() -> Evidence:
    """As many strangers rent exits from a market of 60, as do 1,200 accounts in no core; cards are their own."""
    rng = np.random.default_rng(3)
    customers = {(account, 20_000 + int(rng.integers(60)), NETWORK) for account in range(700, 1_900)}
    return evidence(hold_together() | deal(60, 20_000, NETWORK, 2) | customers | STRANGERS, ACCOUNTS)


def count_clusters(members: pl.DataFrame) -> int:
    return members["cluster"].n_unique()


def propose(monkeypatch: pytest.MonkeyPatch, cores: int) -> None:
    """Propose the first cores as one group, and no other."""
    grouped = members_of(*GROUPS).with_columns(
        cluster=pl.when(pl.col("cluster") < cores).then(0).otherwise("cluster").cast(pl.Int32)
    )
    monkeypatch.setattr("graphsvc.campaigns.gather.group_cores", lambda _evidence, _members: grouped)


def test_a_campaign_of_which_no_two_cores_join_is_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    members = members_of(*GROUPS)
    assert count_clusters(join_cores(campaign(), members)) == CORES
    propose(monkeypatch, LEAST_CORES)
    assert count_clusters(gather_cores(campaign(), members)) == 1


def test_a_proposal_that_hardly_any_other_core_confirms_is_dissolved(monkeypatch: pytest.MonkeyPatch) -> None:
    members = members_of(*GROUPS)
    propose(monkeypatch, CORES - LEAST_CORES)
    assert gather_cores(campaign(), members).equals(members)


def test_strangers_of_one_market_are_not_gathered() -> None:
    members = members_of(*GROUPS)
    assert gather_cores(market(), members).equals(members)


def test_what_was_proposed_is_dissolved_where_its_halves_say_nothing_about_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    members = members_of(*GROUPS)
    everything = members.with_columns(cluster=pl.lit(0, dtype=pl.Int32))
    monkeypatch.setattr("graphsvc.campaigns.gather.group_cores", lambda _evidence, _members: everything)
    assert gather_cores(market(), members).equals(members)


def test_few_cores_are_left_as_they_are() -> None:
    members = members_of(*GROUPS[: LEAST_CORES - 1])
    assert gather_cores(campaign(), members).equals(members)
    nothing = members.clear()
    assert gather_cores(campaign(), nothing).is_empty()
    assert group_cores(campaign(), nothing).is_empty()


@settings(max_examples=25)
@given(st.integers(0, 1_000), st.integers(2, 14))
def test_cores_move_as_they_are_and_no_account_is_lost(seed: int, pool: int) -> None:
    rng = np.random.default_rng(seed)
    rows = hold_together()
    rows |= {(account, int(rng.integers(pool)), PAYMENT) for account in range(CORES * SIZE)}
    rows |= {(account, 20_000 + int(rng.integers(pool)), NETWORK) for account in range(CORES * SIZE)}
    members = members_of(*GROUPS)
    gathered = gather_cores(evidence(rows | STRANGERS, ACCOUNTS), members)
    assert gathered.select("account").sort("account").equals(members.select("account").sort("account"))
    assert gathered.equals(gathered.sort("cluster", "account"))
    of = dict(gathered.select("account", "cluster").iter_rows())
    for number, group in enumerate(GROUPS):
        assert len({of[account] for account in group}) == 1
        assert of[group[0]] <= number
