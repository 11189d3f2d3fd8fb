"""Promise: links are exactly the pairs that share enough, whatever the chunking: one value that strangers do not come
to share, or two others that are together rarer than chance in a population of this size; hubs count without pairing."""

import math
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import graph_of
from threads import print_twice

from graphsvc.linkage.bits import count_users, measure_strengths, with_levels
from graphsvc.linkage.pairs import enumerate_links, least_rarity
from graphsvc.linkage.prefixes import RENTED
from graphsvc.linkage.rule import CROWDED, ONE_OBSERVATION, SOLE_DEGREE
from graphsvc.linkage.shared import BANDS_OF_A_TEMPLATE, CLOSE_BITS, Closeness
from graphsvc.linkage.signals import Incidence
from graphsvc.model.graph import SignalGraph
from graphsvc.model.scale import coarse

KINDS = ["instrument", "ip", "device", "prompt", "referral_code"]


def by_brute_force(graph: SignalGraph, min_values: int) -> dict[tuple[int, int], float]:
    """The definition, pair by pair."""
    signals = Incidence.of(graph).signals
    bits, family, names = signals.bits, signals.family, signals.families
    ties, alone, level = signals.linking, signals.sufficient, signals.level
    degree, strength = count_users(graph), measure_strengths(signals.kinds)
    accounts = graph.accounts.height
    least = least_rarity(accounts) * min(min_values, 2) / 2
    keys, parents = graph.signals["key"].to_list(), graph.signals["parent"].to_list()
    has: dict[int, dict[int, tuple[int, int]]] = {}
    uses = zip(
        *(column.tolist() for column in (graph.account, graph.signal, graph.first_seen, graph.last_seen)),
        strict=True,
    )
    for a, s, first, last in uses:
        has.setdefault(a, {})[s] = (first, last)
    activity = {a: Counter(int(family[s]) for s in mine if level[s] == 0) for a, mine in has.items()}
    holders = {f: [counts[f] for counts in activity.values() if counts[f]] for f in range(len(names))}
    usual = {f: round(8 * math.log2(max(sum(n) / len(n), 4))) / 8 if n else 0.0 for f, n in holders.items()}
    found = {}
    for a, b in combinations(sorted(has), 2):
        shared = has[a].keys() & has[b].keys()
        total, values, rarity, share, sure = 0.0, 0, 0.0, 0.0, False
        for f in sorted({int(family[s]) for s in shared}):
            mine = [s for s in shared if family[s] == f]
            total += max(bits[s] for s in mine)
            within = {f"prefix:{parents[s]}" for s in mine}
            linking = [s for s in mine if ties[s] and keys[s] not in within]
            if not linking:
                continue
            sure |= any(alone[s] for s in linking)
            eased = max(0.0, sum(math.log2(activity[end][f]) - usual[f] for end in (a, b)) / 2)
            rare = {
                s: max(
                    0.0,
                    strength[s] * -math.log2(min(coarse(max(degree[s] - 1, 1)) / coarse(accounts - 1), 1))
                    - eased,
                )
                for s in linking
            }
            count, sum_of = len(linking), sum(rare.values())
            if names[f] in ONE_OBSERVATION:
                count, sum_of = 1, max(rare.values())
            if names[f] == "prompt":
                told = []
                for end in (a, b):
                    prompts: dict[tuple[int, int], float] = {}
                    for s in linking:
                        prompts[has[end][s]] = max(prompts.get(has[end][s], 0.0), rare[s])
                    told.append((len(prompts), sum(prompts.values())))
                crowd = 1 + (len(linking) > BANDS_OF_A_TEMPLATE)
                count = max(min(told[0][0], told[1][0]), crowd)
                sum_of = max(min(told[0][1], told[1][1]), crowd * max(rare.values()))
            values, rarity, share = values + count, rarity + sum_of, share + count / 2**eased
        if sure or (values >= min_values and share >= 1 and rarity >= least):
            found[a, b] = total
    return found


SIGNALS = [
    *((kind, f"10.0.{i % 2}.0/24" if kind == "ip" else "") for i in range(2) for kind in KINDS),
    *[("prompt", "")] * 8,
]
EDGES = st.sets(st.tuples(st.integers(0, 14), st.integers(0, 17)), min_size=1, max_size=90)
BANDS = st.sets(st.tuples(st.integers(0, 14), st.integers(0, 1)), max_size=12)


@given(EDGES, BANDS, st.integers(1, 3), st.integers(0, 20_000))
def test_links_are_the_definition_whatever_the_memory(
    edges: set[tuple[int, int]], templates: set[tuple[int, int]], min_values: int, memory: int
) -> None:
    # Whole templates, of which accounts share four or eight bands, beside what is drawn one by one.
    whole = {(account, 10 + band) for account, half in templates for band in range(4 * half, 8)}
    graph = with_levels(graph_of(15, SIGNALS, edges | whole))
    links = enumerate_links(Incidence.of(graph), min_values=min_values, memory=memory)
    pairs = zip(links.source.tolist(), links.target.tolist(), strict=True)
    found = dict(zip(pairs, links.bits.tolist(), strict=True))
    assert found == pytest.approx(by_brute_force(graph, min_values))


SCRIPT = """
import hashlib
import numpy as np
from small import graph_of
from graphsvc.linkage.pairs import (enumerate_links)
from graphsvc.linkage.signals import Incidence

drawn = np.random.default_rng(5).integers(0, [25_000, 7_500], (10_000, 2)).tolist()
signals = [(kind,) for _ in range(1_250) for kind in ("instrument", "ip", "device", "phone", "code", "handle")]
shared = {(account, 6 * (account // 20) + kind) for account in range(25_000) for kind in range(6)}
graph = graph_of(30_000, signals, shared | set(map(tuple, drawn)))
links = enumerate_links(Incidence.of(graph), min_values=2)
print(len(links), hashlib.sha256(links.bits.tobytes()).hexdigest())
"""


def test_bits_are_the_same_to_the_last_digit_whatever_the_number_of_threads() -> None:
    one, other = print_twice(SCRIPT)
    assert int(one.split()[0]) > 200_000
    assert other == one


def linked(graph: SignalGraph, min_values: int = 2) -> list[tuple[int, int]]:
    """Pairs of accounts."""
    links = enumerate_links(Incidence.of(with_levels(graph)), min_values=min_values)
    return list(zip(links.source.tolist(), links.target.tolist(), strict=True))


def test_a_hub_makes_no_pairs_but_counts_beside_a_rare_value() -> None:
    hub, rare = 0, 1
    everyone = {(account, hub) for account in range(300)}
    graph = graph_of(2_000, [("prompt",), ("instrument",)], everyone | {(3, rare), (7, rare)})
    links = enumerate_links(Incidence.of(graph), min_values=1)
    assert list(zip(links.source.tolist(), links.target.tolist(), strict=True)) == [(3, 7)]
    assert links.bits[0] == pytest.approx(
        math.log2(0.2 / (1 / coarse(1999))) + math.log2(0.2 / (coarse(299) / coarse(1999)))
    )


@pytest.mark.parametrize("kind", ["instrument", "device", "phone"])
def test_one_value_links_that_strangers_do_not_come_to_share(kind: str) -> None:
    assert linked(graph_of(1_000, [(kind,)], {(1, 0), (2, 0)})) == [(1, 2)]


@pytest.mark.parametrize(
    "kind", ["ip", "email_handle", "prompt", "user_agent", "display_name", "referral_code"]
)
def test_one_value_of_another_kind_does_not(kind: str) -> None:
    assert linked(graph_of(1_000, [(kind,)], {(1, 0), (2, 0)})) == []


def test_a_card_of_many_links_by_itself_no_more() -> None:
    def pairs(holders: int) -> int:
        # Among 100,000 accounts the card is rare enough to tie all the same.
        return len(linked(graph_of(100_000, [("instrument",)], {(account, 0) for account in range(holders)})))

    assert pairs(SOLE_DEGREE) == SOLE_DEGREE * (SOLE_DEGREE - 1) // 2
    assert pairs(SOLE_DEGREE + 1) == 0


def test_a_card_and_an_address_of_many_link_together() -> None:
    everyone = {(account, signal) for account in range(SOLE_DEGREE + 1) for signal in (0, 1)}
    graph = graph_of(100_000, [("instrument",), ("ip",)], everyone)
    assert len(linked(graph)) == SOLE_DEGREE * (SOLE_DEGREE + 1) // 2


def test_a_pair_may_share_tens_of_thousands_of_addresses() -> None:
    graph = graph_of(
        1_000, [("ip",)] * 33_000, {(account, signal) for account in (1, 2) for signal in range(33_000)}
    )
    assert enumerate_links(Incidence.of(graph), min_values=2).values.tolist() == [33_000]


def test_more_bands_than_one_template_has_are_two_templates() -> None:
    def pairs(bands: int) -> list[tuple[int, int]]:
        edges = {(account, band) for account in (1, 2) for band in range(bands)}
        return linked(graph_of(1_000, [("prompt",)] * bands, edges))

    assert pairs(BANDS_OF_A_TEMPLATE) == []
    assert pairs(BANDS_OF_A_TEMPLATE + 1) == [(1, 2)]


@pytest.mark.parametrize("group", CROWDED)
def test_addresses_of_crowds_make_no_links(group: str) -> None:
    def pairs(of: str) -> list[tuple[int, int]]:
        return linked(graph_of(1_000, [("ip", "", of)] * 2, {(a, s) for a in (1, 2) for s in (0, 1)}))

    assert pairs(group) == []
    assert pairs("residential") == [(1, 2)]


HOUR = 3_600_000


@pytest.mark.parametrize("group", [*RENTED, "residential"])
def test_neighbours_where_servers_are_rented_are_linked_if_they_came_together(group: str) -> None:
    created = [place * HOUR for place in range(1_000)]
    created[1] = 60_000
    prefix = "10.0.0.0/24"
    graph = with_levels(
        graph_of(1_000, [("ip", prefix, group)] * 2, {(0, 0), (1, 1), (500, 1)}, created_at=created)
    )
    # 1 and 500 share an address, and have never met otherwise.
    assert linked(graph) == ([] if group == "residential" else [(0, 1)])


@pytest.mark.parametrize(
    ("others", "apart", "users", "made"),
    [(0, 5, 2, True), (0, 300, 2, False), (10, 5, 2, False), (0, 5, 3, True), (0, 5, 100, False)],
    ids=["minutes apart", "hours apart", "in a crowd", "an address of three", "an address of many"],
)
def test_who_signed_up_together_and_shares_an_address_is_linked(
    others: int, apart: int, users: int, made: bool
) -> None:
    # One account an hour, but for 1, who signs up minutes after 0, and as many others as are said.
    created = [place * HOUR for place in range(1_000)]
    created[1 : 2 + others] = [apart * 60_000] * (1 + others)
    # Other users of the address came long afterwards.
    edges = {(account, 0) for account in (0, 1, *range(50, 48 + users))}
    found = linked(graph_of(1_000, [("ip",)], edges, created_at=created))
    assert found == ([(0, 1)] if made else [])


@given(st.lists(st.integers(-1, 3_000), min_size=2, max_size=600), st.data())
def test_closeness_is_the_share_of_accounts_that_are_as_close(
    created: list[int], data: st.DataObject
) -> None:
    one, other = (data.draw(st.integers(0, len(created) - 1)) for _ in range(2))
    at = np.array(created, dtype=np.int64)
    apart = abs(created[one] - created[other])
    around = max(int((np.abs(at - created[end]) <= apart).sum()) for end in (one, other))
    bits = float(np.log2(coarse(len(at)) / around))
    known = min(created[one], created[other]) >= 0
    found = Closeness(at).measure(np.array([one], np.int32), np.array([other], np.int32))
    assert found[0] == pytest.approx(bits if known and bits >= CLOSE_BITS else 0.0)


def test_sign_ups_that_are_not_known_are_not_at_one_moment() -> None:
    created = [-1, -1, *(place * HOUR for place in range(998))]
    assert linked(graph_of(1_000, [("ip",)], {(0, 0), (1, 0)}, created_at=created)) == []


def visited(visits: int) -> SignalGraph:
    """A hundred accounts with an address each, used for days, and two at 0 and 1: some of 2's uses are visits."""
    edges = {(account, account) for account in range(100)} | {(2, 0), (2, 1), (3, 0), (3, 1)}
    seen = dict.fromkeys(edges, (HOUR, 50 * HOUR)) | {
        (2, place): (HOUR, HOUR + 60_000) for place in range(visits)
    }
    return graph_of(1_000, [("ip",)] * 100, edges, seen=seen)


def test_busy_accounts_share_some_by_habit() -> None:
    def pairs(shared: int, own: int) -> list[tuple[int, int]]:
        # Two accounts with addresses of their own beside those that they share, among others who have four each.
        edges = {(account, signal) for account in (0, 1) for signal in range(shared)}
        edges |= {(account, 100 + 200 * account + signal) for account in (0, 1) for signal in range(own)}
        edges |= {(account, 1_000 + 4 * account + signal) for account in range(2, 300) for signal in range(4)}
        return linked(graph_of(1_000, [("ip",)] * 2_200, edges))

    assert pairs(2, 2) == [(0, 1)]
    assert pairs(2, 60) == []
    assert pairs(20, 60) == [(0, 1)]


def test_a_use_in_passing_makes_no_link() -> None:
    assert linked(visited(0)) == [(2, 3)]
    assert linked(visited(2)) == []


def test_uses_in_passing_by_hand() -> None:
    edges = {(account, 0) for account in range(6)} | {(account, 1) for account in range(4)}
    seen = dict.fromkeys(edges, (0, 10 * HOUR))
    # Of the address one use in six is short; of the card half are, which says nothing of any of them.
    seen |= {(3, 0): (HOUR, 2 * HOUR - 1), (0, 1): (0, 0), (1, 1): (0, 0)}
    graph = graph_of(10, [("ip",), ("instrument",)], edges, seen=seen)
    found = Incidence.of(graph).transient
    brief = set(zip(graph.account[found].tolist(), graph.signal[found].tolist(), strict=True))
    assert brief == {(3, 0)}
    assert not Incidence.of(graph_of(10, [("ip",)], {(0, 0)}, seen={(0, 0): (0, HOUR)})).transient.any()


@pytest.mark.parametrize("unknown", [(-1, -1), (-1, 5), (5, -1)])
def test_a_use_whose_times_are_not_known_is_not_in_passing(unknown: tuple[int, int]) -> None:
    edges = {(account, 0) for account in range(10)}
    seen = dict.fromkeys(edges, (0, 10 * HOUR)) | {(3, 0): unknown}
    assert not Incidence.of(graph_of(10, [("ip",)], edges, seen=seen)).transient.any()


def test_sharing_an_address_counts_its_prefix_once() -> None:
    graph = with_levels(graph_of(1_000, [("ip", "10.0.0.0/24")], {(1, 0), (2, 0)}))
    links = enumerate_links(Incidence.of(graph), min_values=1)
    assert links.values.tolist() == [1]
    assert links.bits[0] == pytest.approx(math.log2(0.2 / (1 / coarse(999))))


def test_a_day_that_touches_none_of_what_two_share_leaves_their_link_as_it_was() -> None:
    shared = {(account, signal) for account in (1, 2) for signal in range(6)}
    hub = {(account, 6) for account in range(380)}
    kinds = [
        ("instrument",),
        ("ip", "10.0.0.0/24"),
        ("device",),
        ("prompt",),
        ("phone",),
        ("ip",),
        ("user_agent",),
    ]
    # A hundredth more accounts, some of whom use what 380 others do.
    days = [
        enumerate_links(Incidence.of(with_levels(graph_of(accounts, kinds, shared | more))), min_values=2)
        for accounts, more in ((10_000, hub), (10_100, hub | {(10_000 + place, 6) for place in range(4)}))
    ]
    one, other = (
        (day.source.tolist(), day.target.tolist(), day.bits.tobytes(), day.values.tolist()) for day in days
    )
    assert one == other
