"""Promise: the rest of a campaign does not make what it shares look common, and who agrees in one family alone does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import evidence, members_of

from graphsvc.campaigns import membership
from graphsvc.campaigns.agreement import ABSENT, CLASSES, FINE, Agreement
from graphsvc.campaigns.hidden import Several, find_several
from graphsvc.campaigns.membership import Weighed, weigh

ACCOUNTS = 3_000
CAMPAIGN = range(360)
CLUSTER = range(72)
"""The part of the campaign that was found."""
REST = range(72, 360)


def uses(account: int, *, cards: bool) -> list[tuple[int, int, int]]:
    """Two of six exits (family 0) and, of a campaign, one of ten cards (family 1)."""
    exits = [(account, account % 6, 0), (account, (account + 1) % 6, 0)]
    return [*exits, (account, 6 + account % 10, 1)] if cards else exits


def weigh_part(*, cards: bool, part: range = CLUSTER) -> Weighed:
    """Weigh all accounts against the part; the rest shares exits with it, and cards too where it is a campaign."""
    rows = [use for account in CAMPAIGN for use in uses(account, cards=cards or account in part)]
    return weigh(evidence(rows, ACCOUNTS, families=2, everybody_has=True), members_of(part))


def bits_of_exits(weighed: Weighed) -> float:
    """Bits that most of an exit's users, who are not in the cluster, have by it at most."""
    return float(weighed.families[:, 0].max())


def test_a_fifth_of_a_campaign_finds_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    found = weigh_part(cards=True)
    taken = found.account[found.membership >= 0.5]
    assert set(REST) <= set(taken.tolist())
    monkeypatch.setattr(membership, "HIDDEN_ROUNDS", 0)
    plain = weigh_part(cards=True)
    assert bits_of_exits(found) > bits_of_exits(plain) + 1.0


def test_a_cluster_of_few_does_not_look_for_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    few = range(membership.LEAST_SEARCHING - 1)
    found = weigh_part(cards=True, part=few)
    monkeypatch.setattr(membership, "HIDDEN_ROUNDS", 0)
    assert bits_of_exits(found) == bits_of_exits(weigh_part(cards=True, part=few))


def test_renters_of_an_exit_who_share_nothing_else_stay_others(monkeypatch: pytest.MonkeyPatch) -> None:
    found = weigh_part(cards=False)
    assert not set(REST) & set(found.account[found.membership >= 0.5].tolist())
    monkeypatch.setattr(membership, "HIDDEN_ROUNDS", 0)
    assert bits_of_exits(found) == bits_of_exits(weigh_part(cards=False))


def test_who_agrees_in_one_family_is_not_among_them() -> None:
    agreement = Agreement(*(np.array(column) for column in zip(*ROWS, strict=True)))
    several = find_several(agreement)
    assert list(zip(several.cluster.tolist(), several.account.tolist(), strict=True)) == [(0, 4), (1, 3)]
    assert several.pair.tolist() == [0, 0, 1, 1]
    assert several.agreed.family.tolist() == [0, 2, 1, 2]


ROWS = [
    (0, 3, 1, FINE),
    (0, 4, 0, FINE),
    (0, 4, 2, FINE + 1),
    (1, 3, 1, FINE),
    (1, 3, 2, FINE),
    (1, 4, 0, FINE),
]
"""cluster, account, family, class."""


def test_the_weight_of_an_account_by_hand() -> None:
    worth = np.zeros((2, 3, CLASSES))
    worth[0, 0, FINE], worth[0, 2, FINE + 1] = 3.0, 2.0
    worth[0, 1, ABSENT] = worth[0, 2, ABSENT] = -1.5
    has = np.ones((10, 3), dtype=bool)
    several = several_of(ROWS)
    # What does not agree speaks against, but only in family 1: in family 2 the account agrees.
    weight = several.weigh(worth, np.array([-2.0, 0.0]), has)
    assert weight.tolist() == pytest.approx([1 / (1 + 2.0 ** -(3.0 + 2.0 - 1.5 - 2.0)), 0.5])
    has[4, 1] = False
    assert several.weigh(worth, np.array([-2.0, 0.0]), has)[0] == pytest.approx(1 / (1 + 2.0**-3.0))


def several_of(rows: list[tuple[int, int, int, int]]) -> Several:
    return find_several(Agreement(*(np.array(column) for column in zip(*sorted(rows), strict=True))))


@given(
    st.sets(st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=40),
    st.data(),
)
def test_no_more_is_taken_from_the_others_than_they_are(
    keys: set[tuple[int, int, int]], data: st.DataObject
) -> None:
    rows = [(*key, data.draw(st.integers(FINE, CLASSES - 1))) for key in sorted(keys)]
    several, shape = several_of(rows), (3, 3, CLASSES)
    has = np.zeros((10, 3), dtype=bool)
    has[[row[1] for row in rows], [row[2] for row in rows]] = True
    weight = several.weigh(np.random.default_rng(7).normal(size=shape), np.zeros(3), has)
    assert ((weight >= 0.0) & (weight <= 1.0)).all()
    counted = np.zeros(shape)
    np.add.at(counted, tuple(np.array([(row[0], row[2], row[3]) for row in rows]).T), 1.0)
    assert (several.count_classes(weight, shape) <= counted + 1e-9).all()
    families = several.count_families(weight, has, 3)
    assert (several.count_classes(weight, shape).sum(axis=2) <= families + 1e-9).all()
