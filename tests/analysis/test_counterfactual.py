"""Promise: what remains of a cluster without some of its evidence is what links would still connect."""

import itertools
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.analysis.blocks import find_blocks
from graphsvc.analysis.counterfactual import connect_accounts, find_parts, find_weak_points
from graphsvc.campaigns.cluster_evidence import (
    MEMBERS,
    SIGNALS,
    ClusterEvidence,
    LinkingUses,
    find_linking_uses,
    find_pool,
)

CARD, ADDRESS, PROMPT = "instrument", "ip", "prompt"


def held_of(
    members: int,
    uses: dict[str, list[int]],
    outside: dict[str, int] | None = None,
    *,
    passing: tuple[tuple[str, int], ...] = (),
    classes: dict[str, str] | None = None,
    population: int = 100_000,
) -> ClusterEvidence:
    """A cluster of accounts a000, a001, … from the members that use each signal (`kind:value`)."""
    keys = sorted(uses)
    rows = sorted((account, keys.index(key)) for key in keys for account in uses[key])
    people = pl.DataFrame(
        {
            "id": [f"a{number:03}" for number in range(members)],
            "membership": [1.0 - number / 1_000 for number in range(members)],
            "bits": 10.0,
            "status": "active",
            "created_at": 0,
            "status_changed_at": -1,
        },
        schema=MEMBERS,
    )
    signals = pl.DataFrame(
        {
            "key": keys,
            "kind": [key.split(":")[0] for key in keys],
            "parent": "",
            "grandparent": "",
            "class": [(classes or {}).get(key, "") for key in keys],
            "degree": [len(uses[key]) + (outside or {}).get(key, 0) for key in keys],
        },
        schema=SIGNALS,
    )
    account, signal = np.array(rows, dtype=np.int32).reshape(-1, 2).T
    brief = np.array([(keys[s], a) in passing for a, s in rows], dtype=np.bool_)
    times = np.zeros(len(rows), dtype=np.int64)
    return ClusterEvidence("c", people, signals, account, signal, times, times, brief, population)


def halves(bridge: dict[str, list[int]]) -> ClusterEvidence:
    """Ten accounts with a card and ten with another, and what else some of them share."""
    return held_of(
        20, {"instrument:left": list(range(10)), "instrument:right": list(range(10, 20)), **bridge}
    )


def test_a_card_holds_two_halves_together_and_without_it_they_are_two() -> None:
    held = halves({"instrument:both": [3, 15]})
    assert find_parts(held).sizes == (20,)
    after = find_parts(held.exclude_evidence(["instrument:both"]))
    assert (after.sizes, after.alone) == ((10, 10), 0)
    assert [part.holds[0].signals for part in after.parts] == [("instrument:left",), ("instrument:right",)]
    assert after.parts[0].accounts == ("a000", "a001", "a002", "a003", "a004")


def test_one_address_is_no_connection_and_two_are() -> None:
    assert find_parts(halves({"ip:1": [3, 15]})).sizes == (10, 10)
    assert find_parts(halves({"ip:1": [3, 15], "ip:2": [4, 16]})).sizes == (20,)
    both = halves({"ip:1": [3, 15], "ip:2": [4, 16]})
    assert find_parts(both.exclude_evidence(["ip:2"])).sizes == (10, 10)


def test_bands_of_one_template_are_one_value() -> None:
    bands = {f"prompt:{band}": [3, 4, 15, 16] for band in range(6)}
    assert find_parts(halves(bands)).sizes == (10, 10)
    assert find_parts(halves({**bands, "ip:1": [5, 17]})).sizes == (20,)


@pytest.mark.parametrize(
    ("bridge", "outside", "classes"),
    [
        ("ip:1", 300, ""),  # a hub
        ("ip:1", 0, "cgnat"),  # many people by design
        ("user_agent:x", 0, ""),  # a kind that does not tie
    ],
)
def test_what_makes_no_link_connects_nobody(bridge: str, outside: int, classes: str) -> None:
    uses = {"instrument:left": list(range(10)), "instrument:right": list(range(10, 20))}
    uses |= {bridge: list(range(20)), "ip:2": [4, 16]}
    held = held_of(20, uses, {bridge: outside}, classes={bridge: classes})
    assert find_parts(held).sizes == (10, 10)
    assert find_parts(held_of(20, {**uses, "ip:3": [5, 17]})).sizes == (20,)


def test_a_use_in_passing_connects_nobody() -> None:
    uses = {
        "instrument:left": list(range(10)),
        "instrument:right": list(range(10, 20)),
        "instrument:x": [3, 15],
    }
    assert find_parts(held_of(20, uses, passing=(("instrument:x", 3),))).sizes == (10, 10)


def test_without_a_family_and_without_accounts() -> None:
    held = halves({"ip:1": [0, 1, 2], "ip:2": [0, 1, 2], "instrument:both": [3, 15]})
    after = find_parts(held.exclude_evidence(families=["payment"]))
    assert (after.members, after.sizes, after.alone) == (20, (3,), 17)
    after = find_parts(held.exclude_evidence(accounts=["a003"]))
    assert (after.members, after.sizes, after.alone) == (19, (10, 9), 0)


def test_accounts_taken_out_are_not_among_the_others() -> None:
    held = held_of(12, {"instrument:x": list(range(12))}, {"instrument:x": 2})
    left = held.exclude_evidence(accounts=["a000", "a001"])
    assert find_pool(left).row(0, named=True)["outside"] == 2
    assert left.population == held.population - 2


def test_bridges_are_the_signals_and_accounts_that_parts_hang_by() -> None:
    found = find_weak_points(halves({"instrument:both": [3, 15]}), smallest=8)
    # Without one of the halves' cards its other nine have nothing, which is no part that splits off.
    assert [(bridge.holding.signals, bridge.sizes) for bridge in found.signals if bridge.holding] == [
        (("instrument:both",), (10, 10))
    ]
    assert [(bridge.account, bridge.sizes) for bridge in found.accounts] == [
        ("a003", (10, 9)),
        ("a015", (10, 9)),
    ]
    assert found.splits
    assert found.strongest == found.signals[0].holding
    assert found.cut is not None
    assert found.cut.sizes == (10, 10)
    assert [held.signals for held in found.cut.signals] == [("instrument:both",)]


def test_a_card_that_a_part_hangs_by_beside_one_address_is_a_bridge() -> None:
    found = find_weak_points(halves({"instrument:both": [3, 15], "ip:1": [4, 16]}), smallest=8)
    assert found.every
    assert [bridge.holding.signals for bridge in found.signals if bridge.holding] == [("instrument:both",)]
    assert (
        found.signals[0].sizes
        == find_parts(
            halves({"instrument:both": [3, 15], "ip:1": [4, 16]}).exclude_evidence(["instrument:both"])
        ).sizes
    )


def test_in_a_large_cluster_what_alone_connects_a_part_is_found() -> None:
    uses = {
        f"instrument:{ring}.{n}": [200 * ring + n, 200 * ring + (n + 1) % 200]
        for ring in (0, 1)
        for n in range(200)
    }
    found = find_weak_points(held_of(400, {**uses, "instrument:both": [3, 4, 253]}), smallest=8)
    assert not found.every
    assert [bridge.holding.signals for bridge in found.signals if bridge.holding] == [("instrument:both",)]
    assert [bridge.account for bridge in found.accounts] == ["a253"]
    assert found.signals[0].sizes == (200, 200)


def test_the_cut_is_all_that_two_parts_have_in_common() -> None:
    devices = {"device:left": list(range(10)), "device:right": list(range(10, 20))}
    held = halves({"ip:1": [3, 15], "ip:2": [4, 16], **devices})
    found = find_weak_points(held).cut
    assert found is not None
    assert {each.signals for each in found.signals} == {("ip:1",), ("ip:2",)}
    assert found.bits == pytest.approx(sum(each.bits for each in found.signals))
    assert find_parts(held.exclude_evidence(["ip:1"])).sizes == (10, 10)


def test_without_a_bridge_the_strongest_signal_is_that_of_most_bits_and_accounts() -> None:
    ring = {f"instrument:{n}": [n, (n + 1) % 20] for n in range(20)}
    found = find_weak_points(held_of(20, {**ring, "instrument:x": [0, 5, 10]}), smallest=4)
    assert (found.signals, found.accounts, found.splits) == ((), (), False)
    assert found.strongest is not None
    assert found.strongest.signals == ("instrument:x",)


def test_a_cluster_of_nothing_in_common_is_so_many_alone() -> None:
    found = find_weak_points(held_of(9, {"instrument:x": [0, 1]}), smallest=8)
    assert (found.parts.sizes, found.parts.alone, found.cut) == ((2,), 7, None)
    nothing = find_parts(held_of(3, {"ip:1": [0, 1]}).exclude_evidence(["ip:1"]))
    assert (nothing.sizes, nothing.alone) == ((), 3)


graph = st.tuples(
    st.sets(st.tuples(st.integers(0, 7), st.integers(0, 6)), min_size=1, max_size=26),
    st.lists(st.booleans(), min_size=7, max_size=7),
)


def tied(uses: set[tuple[int, int]], alone: list[bool]) -> LinkingUses:
    account, value = np.array(sorted(uses), dtype=np.int32).T
    zeros = np.zeros(7, dtype=np.int64)
    return LinkingUses(8, account, value, np.ones(7), zeros, np.array(alone), np.arange(7, dtype=np.int32))


def reached(uses: set[tuple[int, int]], start: int) -> set[int]:
    """Accounts that are connected with one by any values."""
    found = {start}
    while True:
        values = {value for account, value in uses if account in found}
        more = {account for account, value in uses if value in values} | found
        if more == found:
            return found
        found = more


@given(graph)
def test_two_are_in_one_part_when_no_single_weak_value_parts_them(
    given_: tuple[set[tuple[int, int]], list[bool]],
) -> None:
    uses, alone = given_
    part = connect_accounts(tied(uses, alone)).part
    weak = [value for value in range(7) if not alone[value]]
    for one, other in itertools.combinations(range(8), 2):
        together = other in reached(uses, one) and all(
            other in reached({use for use in uses if use[1] != value}, one) for value in weak
        )
        assert (part[one] == part[other]) == together


@given(graph)
def test_edges_of_a_block_stay_connected_whatever_is_taken_out(
    given_: tuple[set[tuple[int, int]], list[bool]],
) -> None:
    uses = sorted(given_[0])
    one, other = np.array(uses, dtype=np.int64).T
    block = find_blocks(15, one, 8 + other)
    for first, second in itertools.combinations(range(len(uses)), 2):
        # Two edges lie on a circle when they stay connected whichever vertex is taken out that is not an end of both.
        assert (block[first] == block[second]) == on_a_circle(uses, uses[first], uses[second])


def on_a_circle(uses: list[tuple[int, int]], one: tuple[int, int], other: tuple[int, int]) -> bool:
    edges = {(f"a{account}", f"v{value}") for account, value in uses}
    first, second = (f"a{one[0]}", f"v{one[1]}"), (f"a{other[0]}", f"v{other[1]}")
    vertices = {end for edge in edges for end in edge}
    for gone in [None, *sorted(vertices)]:
        ends = [[end for end in edge if end != gone] for edge in (first, second)]
        found = {ends[0][0]}
        while True:
            more = {end for edge in edges if gone not in edge and found & set(edge) for end in edge} | found
            if more == found:
                break
            found = more
        if not found & set(ends[1]):
            return False
    return True


def test_the_order_of_members_and_signals_changes_nothing() -> None:
    held = halves({"instrument:both": [3, 15], "ip:1": [1, 12], "ip:2": [2, 13]})
    again = replace(held, cluster="other")
    assert find_weak_points(held) == find_weak_points(again)
    assert np.array_equal(find_linking_uses(held).value, find_linking_uses(again).value)
