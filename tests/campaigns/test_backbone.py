"""Promise: who hangs on to a cluster by a single value or a single account does not make its pools."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from small import evidence, members_of

from graphsvc.campaigns.backbone import LARGE_PART, find_backbone, find_blocks
from graphsvc.campaigns.grow import best
from graphsvc.campaigns.membership import weigh

CARD, ADDRESS, DEVICE = 0, 1, 2
CAMPAIGN = range(40)
FAMILY = range(40, 44)
Rows = list[tuple[int, int, int]]


def make_campaign() -> Rows:
    """Give each account of the campaign two of eight addresses and one of eight cards."""
    rows = [(account, account % 8, ADDRESS) for account in CAMPAIGN]
    rows += [(account, (account + account // 8 + 1) % 8, ADDRESS) for account in CAMPAIGN]
    return sorted({*rows, *((account, 10 + (account * 3) % 8, CARD) for account in CAMPAIGN)})


def make_family() -> Rows:
    """Give each of the family its own card, address and device."""
    return [(account, 100 + family, family) for account in FAMILY for family in (CARD, ADDRESS, DEVICE)]


def test_a_family_whose_card_one_account_stole_is_not_of_the_backbone() -> None:
    rows = [*make_campaign(), *make_family(), (0, 100, CARD)]
    backbone = find_backbone(evidence(rows, 5_000), members_of([*CAMPAIGN, *FAMILY]))
    assert backbone["account"].to_list() == list(CAMPAIGN)


def test_a_family_through_whose_address_all_go_is_not_of_the_backbone() -> None:
    rows = [*make_campaign(), *make_family(), *((account, 101, ADDRESS) for account in range(20))]
    backbone = find_backbone(evidence(rows, 5_000), members_of([*CAMPAIGN, *FAMILY]))
    assert backbone["account"].to_list() == list(CAMPAIGN)


def test_a_family_does_not_vouch_for_itself() -> None:
    rows = [*make_campaign(), *make_family(), (0, 100, CARD)]
    given_ = evidence(rows, 5_000, everybody_has=True)
    members = members_of([*CAMPAIGN, *FAMILY])
    taken = best(weigh(given_, members), 0.5)["account"].to_list()
    assert set(FAMILY) <= set(taken)
    taken = best(weigh(given_, members, find_backbone(given_, members)), 0.5)["account"].to_list()
    assert not set(FAMILY) & set(taken)
    assert set(CAMPAIGN) <= set(taken)


def test_hands_that_are_large_parts_of_a_small_cluster_stay() -> None:
    # Four hands of five accounts, each with two of five cards of the hand; the next connected by one account.
    rows = [
        (5 * hand + place, 10 * hand + (place + step) % 5, CARD)
        for hand in range(4)
        for place in range(5)
        for step in (0, 1)
    ]
    rows += [(5 * hand + 5, 10 * hand, CARD) for hand in range(3)]
    members = members_of(range(20))
    assert LARGE_PART * 20 <= 5
    assert find_backbone(evidence(rows, 5_000), members).equals(members)


def test_a_cluster_that_shares_nothing_is_its_own_backbone() -> None:
    members = members_of(range(5), range(10, 15))
    rows = [(account, account, CARD) for account in range(20)]
    assert find_backbone(evidence(rows, 100), members).equals(members)
    assert find_backbone(evidence(rows, 100), members.clear()).is_empty()


def test_values_of_the_same_accounts_are_one_value() -> None:
    # The family has all six bands of one template with the campaign, and is held by nothing else.
    rows = [*make_campaign(), *make_family()]
    rows += [(account, 200 + band, DEVICE) for account in (*range(9), *FAMILY) for band in range(6)]
    backbone = find_backbone(evidence(rows, 5_000), members_of([*CAMPAIGN, *FAMILY]))
    assert backbone["account"].to_list() == list(CAMPAIGN)


def test_blocks_by_hand() -> None:
    # Rows 0, 1 share two values, 1 and 2 one: a pair, and a chain of single values.
    block, row = find_blocks(np.array([0, 0, 1, 1, 1, 2]), np.array([0, 1, 0, 1, 2, 2]), 4)
    assert list(zip(block.tolist(), row.tolist(), strict=True)) == [(0, 0), (0, 1)]


@given(st.sets(st.tuples(st.integers(0, 11), st.integers(0, 7)), max_size=40))
def test_a_block_stays_connected_without_any_one_value(edges: set[tuple[int, int]]) -> None:
    pairs = sorted(edges)
    row = np.array([pair[0] for pair in pairs], dtype=np.int64)
    value = np.array([pair[1] for pair in pairs], dtype=np.int64)
    block, member = find_blocks(row, value, 12)
    for number in np.unique(block):
        inside = set(member[block == number].tolist())
        for left_out in range(8):
            kept = [(a, v) for a, v in pairs if v != left_out]
            reached, grown = {min(inside)}, True
            while grown:
                values = {v for a, v in kept if a in reached}
                more = {a for a, v in kept if v in values} - reached
                reached |= more
                grown = bool(more)
            assert inside <= reached
