"""Promise: clusters take in who shares what only the campaign has, leave alone who shares what others have too, and let
go who shares nothing."""

from collections.abc import Collection

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import evidence, members_of

from graphsvc.campaigns.backbone import find_backbone
from graphsvc.campaigns.grow import best, grow
from graphsvc.campaigns.membership import Evidence, Weighed, weigh

CARD, ADDRESS, DEVICE = 0, 1, 2
ACCOUNTS = 10_000
SIZE = 60
CAMPAIGN = list(range(SIZE))
NEWCOMER, OTHER = 100, 200
ANOTHER = list(range(OTHER, OTHER + SIZE))


def campaign(offset: int = 0, signals: int = 0) -> list[tuple[int, int, int]]:
    """Sixty accounts with ten cards, ten addresses and ten devices of their own, each account of two of the three.

    Values are dealt over the whole campaign: no few accounts hang on by one of them.
    """
    rows = []
    for place in CAMPAIGN:
        for family, missing in ((CARD, 0), (ADDRESS, 1), (DEVICE, 2)):
            if place % 3 != missing:
                rows.append(
                    (
                        offset + place,
                        signals + 10 * family + (place * (1, 3, 7)[family] + place // 10) % 10,
                        family,
                    )
                )
    return rows


def world(*more: tuple[int, int, int]) -> Evidence:
    """The campaign in a world in which everybody has cards, addresses and devices, nobody else's but for `more`."""
    return evidence([*campaign(), *more], ACCOUNTS, everybody_has=True)


def grown(given_: Evidence, *cores: Collection[int], rounds: int = 20) -> list[list[int]]:
    """The accounts of each cluster."""
    members, _ = grow(given_, members_of(*cores), rounds)
    return [group["account"].to_list() for group in members.partition_by("cluster", maintain_order=True)]


def test_a_core_takes_in_the_rest_of_its_campaign() -> None:
    assert grown(world(), CAMPAIGN[:40]) == [CAMPAIGN]


def test_who_shares_one_card_of_the_pool_comes_in() -> None:
    assert grown(world((NEWCOMER, 0, CARD)), CAMPAIGN) == [[*CAMPAIGN, NEWCOMER]]


def test_who_shares_a_home_with_a_member_stays_out() -> None:
    # A member's own address, and that of three others of the house.
    home = [(account, 90, ADDRESS) for account in (5, NEWCOMER, NEWCOMER + 1, NEWCOMER + 2)]
    assert grown(world(*home), CAMPAIGN) == [CAMPAIGN]


def test_who_shares_an_address_that_many_have_stays_out() -> None:
    crowd = [(account, 10, ADDRESS) for account in range(NEWCOMER, NEWCOMER + 60)]
    assert grown(world(*crowd), CAMPAIGN) == [CAMPAIGN]


def test_who_is_in_a_core_and_shares_nothing_is_let_go() -> None:
    assert grown(world(), [*CAMPAIGN, 500, 501]) == [CAMPAIGN]


def test_a_core_that_shares_nothing_dissolves() -> None:
    assert grown(world(), CAMPAIGN, range(500, 520)) == [CAMPAIGN]


def test_an_account_goes_to_the_cluster_that_its_evidence_favours() -> None:
    # Another campaign of the same shape; the newcomer has a card of the one, and a card and a device of the other.
    given_ = evidence(
        [
            *campaign(),
            *campaign(OTHER, 30),
            (NEWCOMER, 0, CARD),
            (NEWCOMER, 30, CARD),
            (NEWCOMER, 50, DEVICE),
        ],
        ACCOUNTS,
        everybody_has=True,
    )
    assert grown(given_, CAMPAIGN, ANOTHER) == [CAMPAIGN, [NEWCOMER, *ANOTHER]]


@pytest.mark.parametrize("joining", [True, False])
def test_a_part_that_has_more_in_common_joins_the_rest(joining: bool) -> None:
    # Nine members use a card, an address and a device that no one else has.
    part, rest = CAMPAIGN[:9], CAMPAIGN[9:]
    own = [(account, 200 + family, family) for account in part for family in (CARD, ADDRESS, DEVICE)]
    members, _ = grow(world(*own), members_of(rest, part), 20, joining=joining)
    groups = [group["account"].to_list() for group in members.partition_by("cluster", maintain_order=True)]
    assert groups == ([CAMPAIGN] if joining else [rest, part])


def test_campaigns_that_rent_from_one_market_stay_two() -> None:
    # Every member of both uses two of twenty addresses that a hundred others use too.
    market = [
        (account, 100 + (7 * account + way) % 20, ADDRESS)
        for account in (*CAMPAIGN, *ANOTHER, *range(1_000, 1_100))
        for way in (0, 9)
    ]
    given_ = evidence([*campaign(), *campaign(OTHER, 30), *market], ACCOUNTS, everybody_has=True)
    assert grown(given_, CAMPAIGN, ANOTHER) == [CAMPAIGN, ANOTHER]


def test_all_are_weighed_by_the_members_that_are_returned() -> None:
    # The first cluster is whole from the beginning, the second grows: only it is weighed again.
    given_ = evidence([*campaign(), *campaign(OTHER, 30)], ACCOUNTS, everybody_has=True)
    members, weighed = grow(given_, members_of(CAMPAIGN, ANOTHER[:40]), 20)
    fresh = weigh(given_, members, find_backbone(given_, members))
    assert members.equals(members_of(CAMPAIGN, ANOTHER))
    assert all(np.allclose(getattr(weighed, name), getattr(fresh, name)) for name in Weighed.__slots__)


def test_no_rounds_leave_cores_as_they_are() -> None:
    core = [*CAMPAIGN[:40], 500]
    members, weighed = grow(world(), members_of(core), 0)
    assert members.equals(members_of(core))
    assert weighed.account[weighed.member].tolist() == core


def test_without_cores_there_are_no_clusters() -> None:
    members, weighed = grow(world(), members_of(), 20)
    assert members.is_empty()
    assert best(weighed, 0.0).is_empty()


def test_progress_ends_where_it_said_it_would() -> None:
    seen: list[tuple[str, int, int]] = []
    grow(world(), members_of(CAMPAIGN[:40]), 20, lambda *step: seen.append(step))
    assert seen[-1] == ("grow", 20, 20)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_the_best_cluster_is_of_the_most_evidence_and_ties_are_of_the_lower_number() -> None:
    given_ = evidence(
        [*campaign(), *campaign(OTHER, 30), (NEWCOMER, 0, CARD), (NEWCOMER, 30, CARD)],
        ACCOUNTS,
        everybody_has=True,
    )
    weighed = weigh(given_, members_of(CAMPAIGN, ANOTHER))
    both = weighed.bits[weighed.account == NEWCOMER]
    assert both[0] == both[1]
    chosen = best(weighed, 0.5).filter(pl.col("account") == NEWCOMER)
    assert chosen["cluster"].to_list() == [0]


PAIRS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 11)), max_size=150, unique=True)
CORES = st.lists(st.integers(0, 30), min_size=4, max_size=24, unique=True).flatmap(
    lambda accounts: st.integers(2, len(accounts) - 2).map(lambda cut: (accounts[:cut], accounts[cut:]))
)


@given(PAIRS, CORES, st.integers(0, 5), st.floats(0.0, 1.0))
def test_an_account_is_in_one_cluster_at_most_and_belongs(
    pairs: list[tuple[int, int]], cores: tuple[list[int], list[int]], rounds: int, least: float
) -> None:
    given_ = evidence([(account, signal, signal % 3) for account, signal in pairs], 40)
    members, weighed = grow(given_, members_of(*cores), rounds)
    again, _ = grow(given_, members_of(*cores).reverse(), rounds)
    assert members.equals(again)
    assert members["account"].is_unique().all()
    assert members.equals(members.sort("cluster", "account"))
    # What is returned as weighed is weighed by the members that are returned.
    fresh = weigh(given_, members, find_backbone(given_, members))
    assert np.array_equal(fresh.account, weighed.account)
    assert fresh.membership == pytest.approx(weighed.membership)
    chosen = best(weighed, least)
    assert chosen["account"].is_unique().all()
    assert (chosen["membership"] >= least).all()
    assert chosen["membership"].to_list() == weighed.membership[chosen["row"].to_numpy()].tolist()
