"""Promise: what agreement with a cluster is worth is learned from its members against all others, nobody is a witness
for himself, and bits are those of the families, the moment and the prior together."""

import math
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from small import evidence, members_of

from graphsvc.campaigns.agreement import COARSE_ODDS, odds
from graphsvc.campaigns.membership import Evidence, Weighed, pools, weigh
from graphsvc.campaigns.worth import _MEMBERS as PRESUMED_INSIDE
from graphsvc.campaigns.worth import _OTHERS as PRESUMED_OUTSIDE
from graphsvc.campaigns.worth import MAX_ABSENCE_BITS, MAX_PRIOR

MINUTE = 60_000
ACCOUNTS = 40


def bits_of(weighed: Weighed, account: int, cluster: int = 0) -> list[float]:
    """Bits by family of one candidate."""
    (row,) = np.flatnonzero((weighed.account == account) & (weighed.cluster == cluster))
    return [float(bits) for bits in weighed.families[row]]


def test_bits_of_a_pool_value_by_hand() -> None:
    # Four members, three use signal 0; one of the 92 others does too.
    given_ = evidence([(0, 0, 0), (1, 0, 0), (2, 0, 0), (50, 0, 0)], 96)
    pool = pools(given_, members_of([0, 1, 2, 3]))
    assert pool.select("inside", "degree", "size").row(0) == (3, 4, 4)
    assert pool["bits"][0] == pytest.approx(math.log2((3 / 4) / ((1 + 0.5) / (96 - 4 + 1))))


def test_a_value_of_one_member_or_one_as_common_outside_is_in_no_pool() -> None:
    rows = [(0, 0, 0), (50, 0, 0), *((account, 1, 0) for account in range(60))]
    assert pools(evidence(rows, 100), members_of(range(4))).is_empty()


def test_the_worth_of_a_class_by_hand() -> None:
    # The members 0, 1, 2 see two others beside one stranger: log2(2 / 1.5) is in the third class of values.
    given_ = evidence([(0, 0, 0), (1, 0, 0), (2, 0, 0), (50, 0, 0)], 96, families=1, everybody_has=True)
    weighed = weigh(given_, members_of([0, 1, 2, 3]))
    members = (3 + PRESUMED_INSIDE[3]) / (4 + PRESUMED_INSIDE.sum())
    others = (0 + PRESUMED_OUTSIDE[3]) / (92 + PRESUMED_OUTSIDE.sum())
    worth = math.log2(members / others)
    prior = math.log2(4 / 92)
    # The stranger sees three members and no other account: a higher class, that is worth no less. A member that agrees
    # in nothing is weighed too.
    assert weighed.account.tolist() == [0, 1, 2, 3, 50]
    assert weighed.member.tolist() == [True, True, True, True, False]
    agree = weighed.account != 3
    assert weighed.families[agree, 0].tolist() == pytest.approx([worth] * 4)
    assert weighed.families[3, 0] < 0.0
    assert weighed.prior.tolist() == pytest.approx([prior] * 5)
    assert weighed.membership[agree].tolist() == pytest.approx(
        [1 / (1 + 2 ** -(worth + prior))] * 4, abs=1e-6
    )


def test_not_to_agree_speaks_against_and_not_to_have_says_nothing() -> None:
    # Ten members agree in families 0 and 1. Two strangers agree in 0; the one has another value of 1, the other none.
    rows = [(account, family, family) for account in range(10) for family in (0, 1)]
    rows += [(90, 0, 0), (91, 0, 0), *((account, account, 1) for account in (90, *range(100, 985)))]
    weighed = weigh(evidence(rows, 10_000, families=2), members_of(range(10)))
    inside = (0 + PRESUMED_INSIDE[0]) / (10 + PRESUMED_INSIDE.sum())
    outside = (886 + PRESUMED_OUTSIDE[0]) / (886 + PRESUMED_OUTSIDE.sum())
    assert bits_of(weighed, 90)[1] == pytest.approx(math.log2(inside / outside))
    assert -MAX_ABSENCE_BITS <= bits_of(weighed, 90)[1] < -2.0
    assert bits_of(weighed, 91)[1] == 0.0


def test_the_finest_level_that_agrees_counts_and_a_coarser_one_adds_nothing() -> None:
    # Signal 0 is an address, 1 its prefix, 2 a card. The prefix has strangers in it.
    rows = [(account, signal, int(signal == 2)) for account in range(10) for signal in (0, 1, 2)]
    rows += [(account, 1, 0) for account in range(200, 215)]
    rows += [(50, 0, 0), (50, 1, 0), (50, 2, 1), (51, 0, 0), (51, 2, 1), (52, 1, 0), (52, 2, 1)]
    weighed = weigh(
        evidence(rows, 1_000, families=2, levels={1: 1}, everybody_has=True), members_of(range(10))
    )
    both, fine, coarse = (bits_of(weighed, account)[0] for account in (50, 51, 52))
    assert both == fine > coarse
    # Prefixes make nobody a candidate.
    assert not set(weighed.account.tolist()) & set(range(200, 215))


def test_a_second_and_a_third_value_of_the_clusters_own_count_on() -> None:
    # Every member has three of eight cards, each of which one stranger has too; one more stranger has three.
    rows = [(account, (account + i) % 8, 0) for account in range(48) for i in range(3)]
    rows += [(900 + card, card, 0) for card in range(8)] + [(990, card, 0) for card in range(3)]
    weighed = weigh(evidence(rows, 10_000, everybody_has=True), members_of(range(48)))
    one, three, member = (bits_of(weighed, account)[0] for account in (900, 990, 10))
    assert 0.0 < one < three - 1.0
    assert three == member


def test_a_hub_makes_no_candidates_and_weighs_beside_what_does() -> None:
    # A template (family 0) that all ten members and 200 others use, a card (family 1) of the members and one more.
    rows = [(account, family, family) for account in [*range(10), 500] for family in (0, 1)]
    rows += [(account, 0, 0) for account in range(600, 800)]
    weighed = weigh(evidence(rows, 10_000, families=2, everybody_has=True), members_of(range(10)))
    assert weighed.account.tolist() == [*range(10), 500]
    assert bits_of(weighed, 500)[0] > 1.0


def test_who_was_visited_in_passing_is_no_candidate_and_a_visitor_agrees_no_less() -> None:
    # Two members came by an innocent's address; a stranger came by an address of the cluster's.
    rows = [(account, 0, 0) for account in [*range(10), 501]] + [(0, 1, 0), (1, 1, 0), (500, 1, 0)]
    visits = [(0, 1), (1, 1), (501, 0)]
    members = members_of(range(10))
    brief, long = (evidence(rows, 10_000, passing=uses, everybody_has=True) for uses in (visits, []))
    visited = weigh(brief, members)
    assert visited.account.tolist() == [*range(10), 501]
    assert pools(brief, members)["signal"].to_list() == [0]
    assert 500 in weigh(long, members).account
    # Who comes by is not one of those that a value is another's for.
    bits = [bits_of(visited, account)[0] for account in (0, 501)]
    assert bits[0] == bits[1] > 5.0


def test_families_that_only_support_make_no_candidates() -> None:
    rows = [(account, 0, 0) for account in [*range(10), 500]]
    weighed = weigh(evidence(rows, 10_000, supporting=[0]), members_of(range(10)))
    assert weighed.account.tolist() == list(range(10))
    assert weighed.member.all()


def test_a_large_cluster_is_not_presumed_to_have_everybody() -> None:
    rows = [(account, account // 5, 0) for account in range(80)]
    weighed = weigh(evidence(rows, 200), members_of(range(80)))
    assert weighed.prior.tolist() == pytest.approx([math.log2(MAX_PRIOR / (1 - MAX_PRIOR))] * 80)


def test_who_signed_up_with_the_others_is_weighed_by_it_and_it_can_be_left_out() -> None:
    rows = [(account, 0, 0) for account in [*range(10), 500, 501]]
    moments = [
        number * 7 * MINUTE + 100_000 * MINUTE * (account > 9) for number, account in enumerate(range(10_000))
    ]
    moments[500] = 3 * MINUTE
    timed = weigh(evidence(rows, 10_000, created_at=moments), members_of(range(10)))
    bits = dict(zip(timed.account.tolist(), timed.time.tolist(), strict=True))
    assert bits[500] > 1.0 > -0.1 > bits[501]
    untimed = weigh(evidence(rows, 10_000), members_of(range(10)))
    assert not untimed.time.any()
    assert np.array_equal(untimed.families, timed.families)


Pairs = list[tuple[int, int]]
PAIRS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 11)), max_size=120, unique=True)
CORES = st.lists(st.integers(0, 30), min_size=4, max_size=20, unique=True).flatmap(
    lambda accounts: st.integers(2, len(accounts) - 2).map(lambda cut: (accounts[:cut], accounts[cut:]))
)
TIMES = st.none() | st.lists(st.integers(0, 10_000_000), min_size=ACCOUNTS, max_size=ACCOUNTS)


def drawn(pairs: Pairs, times: list[int] | None, place: list[int] | None = None) -> Evidence:
    """Twelve signals of three families; 2, 5, 8 and 11 are of one that only supports, 9 is part of others. Every
    seventh use is in passing."""
    place = place or list(range(ACCOUNTS))
    rows = [(place[account], signal, signal % 3) for account, signal in pairs]
    moved = None if times is None else [moment for _, moment in sorted(zip(place, times, strict=True))]
    brief = {(place[account], signal) for account, signal in pairs if (account + signal) % 7 == 0}
    return evidence(rows, ACCOUNTS, levels={9: 1}, supporting=[2], passing=brief, created_at=moved)


def equal(one: Weighed, two: Weighed) -> None:
    assert one.cluster.tolist() == two.cluster.tolist()
    assert one.account.tolist() == two.account.tolist()
    assert one.member.tolist() == two.member.tolist()
    assert np.allclose(one.families, two.families)
    assert np.allclose(one.time, two.time, atol=1e-5)
    assert np.allclose(one.prior, two.prior)
    assert np.allclose(one.membership, two.membership)


@given(PAIRS, CORES, TIMES)
def test_bits_add_up_to_probabilities(
    pairs: Pairs, cores: tuple[list[int], list[int]], times: list[int] | None
) -> None:
    weighed = weigh(drawn(pairs, times), members_of(*cores))
    total = weighed.families.astype(float).sum(axis=1) + weighed.time + weighed.prior
    assert np.all((weighed.membership >= 0.0) & (weighed.membership <= 1.0))
    assert np.allclose(weighed.bits, total)
    assert np.allclose(weighed.membership, 1.0 / (1.0 + np.exp2(-total)), atol=1e-6)


@given(PAIRS, CORES, TIMES, st.randoms(use_true_random=False))
def test_the_order_of_edges_changes_nothing(
    pairs: Pairs, cores: tuple[list[int], list[int]], times: list[int] | None, random: Random
) -> None:
    shuffled = random.sample(pairs, len(pairs))
    one, two = (weigh(drawn(rows, times), members_of(*cores)) for rows in (pairs, shuffled))
    assert all(np.array_equal(getattr(one, name), getattr(two, name)) for name in Weighed.__slots__)


@given(PAIRS, CORES, TIMES, st.permutations(range(ACCOUNTS)))
def test_the_numbers_of_accounts_change_nothing(
    pairs: Pairs, cores: tuple[list[int], list[int]], times: list[int] | None, place: list[int]
) -> None:
    one = weigh(drawn(pairs, times), members_of(*cores))
    moved = weigh(drawn(pairs, times, place), members_of(*([place[a] for a in core] for core in cores)))
    back = np.argsort(place)[moved.account].astype(np.int32)
    two = Weighed(moved.cluster, back, *(getattr(moved, name) for name in Weighed.__slots__[2:]))
    equal(one, two.rows(np.lexsort((two.account, two.cluster))))


@given(PAIRS, CORES, TIMES)
def test_a_cluster_is_weighed_by_its_own_members_alone(
    pairs: Pairs, cores: tuple[list[int], list[int]], times: list[int] | None
) -> None:
    given_, both = drawn(pairs, times), members_of(*cores)
    whole = weigh(given_, both)
    for number in (0, 1):
        alone = weigh(given_, both.filter(pl.col("cluster") == number))
        equal(whole.rows(whole.cluster == number), alone)
    equal(whole, whole.without([0]).with_rows(whole.without([1])))


@given(PAIRS, CORES)
@example([(0, 9), (1, 9)], ([0, 1], [2, 3]))
def test_nobody_is_a_witness_for_himself(pairs: Pairs, cores: tuple[list[int], list[int]]) -> None:
    weighed = weigh(drawn(pairs, None), members_of(*cores))
    have: dict[int, set[int]] = {}
    for account, signal in pairs:
        have.setdefault(account, set()).add(signal)
    parts = {account for account, signal in pairs if signal == 9 and (account + signal) % 7}

    def leads(signal: int, cluster: int) -> bool:
        """Whether it makes candidates: of a family that ties, and what is part of others only if mostly their own."""
        inside = len(parts & set(cores[cluster]))
        return signal % 3 != 2 and (signal != 9 or odds(inside, len(parts) - inside) >= COARSE_ODDS[1])

    for row, (cluster, account) in enumerate(zip(weighed.cluster, weighed.account, strict=True)):
        # What others came by in passing does not count.
        others = {
            signal
            for other in cores[cluster]
            if other != account
            for signal in have.get(other, set())
            if (other + signal) % 7
        }
        own = have.get(int(account), set())
        shared = others & own
        # A candidate that is no member shares a value, of a family that ties, with a member.
        assert weighed.member[row] or any(leads(signal, cluster) for signal in shared)
        for family in np.flatnonzero(weighed.families[row] > 0.0):
            assert any(signal % 3 == family for signal in shared)
        for family in range(3):
            if not any(signal % 3 == family for signal in own):
                assert weighed.families[row, family] == 0.0
