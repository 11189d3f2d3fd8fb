"""Promise: a cluster keeps its id through growth, bans, replacement and dormancy, and no two clusters swap theirs."""

import random
import time
from collections.abc import Mapping

import polars as pl
import pytest
from costly import HALF
from hypothesis import given
from hypothesis import strategies as st
from lives import Life, Ring, found, names

from graphsvc.lineage.follow import follow
from graphsvc.model.lineage import KINDS, Known

A, B, C = names("a", 60), names("b", 40), names("c", 50)


def cards(prefix: str, count: int = 6, bits: float = 12.0) -> Mapping[str, float]:
    return dict.fromkeys(names(f"instrument:{prefix}", count), bits)


def test_the_same_graph_twice_gives_the_same_ids_and_nothing_happened() -> None:
    life = Life()
    life.day(A, B)
    first = life.ids
    assert life.kinds() == ["born", "born"]
    assert life.day(A, B) == [(name, name, "continued") for name in sorted(first)]
    assert life.ids == first


def test_what_grows_and_what_shrinks_keep_their_ids() -> None:
    life = Life()
    life.day(A[:20], B)
    one, other = life.ids
    assert set(life.day(A, B[:9])) == {(one, one, "grew"), (other, other, "shrank")}
    assert life.ids == [one, other]


def test_a_ring_that_replaces_every_account_keeps_its_id_by_what_it_shares() -> None:
    life = Life()
    life.day(Ring(A, cards("a")), Ring(B, cards("b")))
    ids = life.ids
    fresh, others = names("x", 55), names("y", 40)
    life.day(Ring(fresh, cards("a")), Ring(others, cards("b")))
    assert life.ids == ids
    # With other cards nobody could tell.
    life.day(Ring(names("z", 55), cards("z")), Ring(others, cards("b")))
    assert life.ids[1] == ids[1]
    assert life.ids[0] not in ids
    assert life.state(ids[0]) == "dormant"


def test_accounts_and_signals_together_make_up_for_each_other() -> None:
    # A third of the accounts stayed, and half of the cards: neither alone would be enough.
    life = Life()
    life.day(Ring(A, cards("a", 8)))
    (one,) = life.ids
    stayed = A[:20] + names("x", 40)
    half = {**cards("a", 4), **cards("z", 4)}
    life.day(Ring(stayed, half))
    assert life.ids == [one]
    for ring in (Ring(stayed, cards("z", 8)), Ring(names("x", 60), {**cards("a", 3), **cards("z", 5)})):
        other = Life()
        other.day(Ring(A, cards("a", 8)))
        other.day(ring)
        assert other.ids != [one]


def test_one_value_that_many_have_carries_no_id() -> None:
    life = Life()
    life.day(Ring(A, {"ip:203.0.113.1": 9.0}))
    (one,) = life.ids
    life.day(Ring(B, {"ip:203.0.113.1": 9.0}))
    assert life.ids != [one]


def test_a_value_of_many_clusters_tells_none_from_another() -> None:
    everywhere = {"ip:203.0.113.1": 14.0}
    life = Life()
    life.day(*[Ring(names(f"r{n}-", 10), everywhere) for n in range(9)])
    ids = life.ids
    life.day(*[Ring(names(f"s{n}-", 10), everywhere) for n in range(9)])
    assert not set(life.ids) & set(ids)
    # Of eight, all the bits they have in common are the one value, and everyone is as like to everyone.
    assert life.kinds() == ["born"] * 9 + ["dormant"] * 9


def test_of_a_merger_the_larger_part_carries_the_id_and_the_other_comes_back_when_it_comes_apart() -> None:
    life = Life()
    life.day(A, B)
    large, small = life.ids
    assert set(life.day(A + B)) == {(large, large, "grew"), (large, small, "merged")}
    assert life.ids == [large]
    assert life.state(small) == "merged"
    assert life.day(A + B) == [(large, large, "continued")]
    assert set(life.day(A, B)) == {(large, large, "shrank"), (small, small, "revived")}
    assert life.ids == [large, small]


def test_an_identity_that_was_merged_comes_back_though_its_part_grew() -> None:
    life = Life()
    life.day(A, B)
    large, small = life.ids
    life.day(A + B)
    life.day(A + B + C[:15])
    life.day(A, B + C[:15])
    assert life.ids == [large, small]


def test_of_a_split_the_larger_part_carries_the_id_and_the_other_has_a_new_one() -> None:
    life = Life()
    life.day(A)
    (one,) = life.ids
    life.day(A[:25], A[25:])
    new, same = life.ids
    assert same == one
    assert new != one
    assert (new, one, "split") in life.events
    assert "25 of its 25 accounts" in life.says[new, one, "split"]


def test_what_is_not_found_is_dormant_said_once_and_comes_back() -> None:
    life = Life()
    life.day(A, B)
    one, other = life.ids
    assert set(life.day(B)) == {(one, one, "dormant"), (other, other, "continued")}
    assert life.day(B) == [(other, other, "continued")]
    assert set(life.day(A[:45], B)) == {(one, one, "revived"), (other, other, "continued")}
    life.day()
    assert life.kinds() == ["dormant", "dormant"]
    assert life.day() == []
    life.day(Ring(names("n", 30), cards("n")))
    assert life.kinds() == ["born"]


def test_dormant_and_replaced_meanwhile_it_comes_back_by_what_it_shares() -> None:
    life = Life()
    life.day(Ring(A, cards("a")))
    (one,) = life.ids
    life.day()
    assert life.day(Ring(names("x", 30), cards("a"))) == [(one, one, "revived")]


def test_a_large_cluster_that_loses_and_takes_in_a_few_has_neither_split_nor_merged() -> None:
    large = names("h", 2_000)
    life = Life()
    life.day(large)
    (one,) = life.ids
    life.day(large[12:], large[:12])
    bit = life.ids[1]
    assert set(life.events) == {(one, one, "shrank"), (bit, one, "born")}
    assert set(life.day(large)) == {(one, one, "grew"), (bit, bit, "dormant")}
    assert f"12 of its 12 accounts are in {one}" in life.says[bit, bit, "dormant"]


@pytest.mark.parametrize(
    ("part", "whole", "enough"),
    [
        (45, 2_000, True),
        (44, 2_000, False),
        (20, 400, True),
        (19, 300, False),
        (10, 30, True),
        (9, 30, False),
    ],
)
def test_how_large_a_part_splits_and_merges(part: int, whole: int, *, enough: bool) -> None:
    accounts = names("h", whole)
    life = Life()
    life.day(accounts)
    life.day(accounts[part:], accounts[:part])
    assert life.kinds() == ["shrank", "split"] if enough else ["born", "shrank"]
    life.day(accounts)
    assert life.kinds() == ["grew", "merged"] if enough else ["dormant", "grew"]


@pytest.mark.parametrize(("shared", "parts"), [(0, False), (1, False), (4, True)])
def test_parts_that_share_on_the_day_have_neither_split_nor_merged(shared: int, parts: bool) -> None:
    """One value in common (here of five bits) is a borrowed address; several are one operator's."""
    common = {f"instrument:both{number}": 5.0 for number in range(shared)}
    one, other = cards("a") | common, cards("b") | common
    accounts = names("h", 60)
    life = Life()
    life.day(Ring(accounts, cards("a") | cards("b") | common))
    (whole,) = life.ids
    life.day(Ring(accounts[:40], one), Ring(accounts[40:], other))
    part = life.ids[1]
    came = "born" if parts else "split"
    assert set(life.events) == {(whole, whole, "shrank"), (part, whole, came)}
    assert ("parts of one" in life.says[part, whole, came]) == parts
    life.day(Ring(accounts, cards("a") | cards("b") | common))
    assert life.kinds() == (["dormant", "grew"] if parts else ["grew", "merged"])


def test_a_few_accounts_that_once_were_a_cluster_do_not_name_each_part_they_are_in() -> None:
    large = names("h", 1_000)
    life = Life()
    life.day(large)
    (one,) = life.ids
    life.day(large[10:], large[:10])
    bit = life.ids[1]
    life.day(large)
    # The half in which those ten happen to be came off the large one; it is not the ten come back.
    life.day(large[:400], large[400:])
    assert life.ids[1] == one
    assert life.ids[0] not in (one, bit)
    assert (life.ids[0], one, "split") in life.events


def test_as_much_as_possible_is_carried_on_in_all() -> None:
    # One by one, the larger half of the first would take its id, and that of the second would be lost.
    p, q = names("p", 100), names("q", 49)
    life = Life()
    life.day(p, q)
    one, other = life.ids
    life.day(p[:51] + q, p[51:])
    assert life.ids == [other, one]
    assert life.kinds() == ["grew", "shrank"]


def test_an_active_identity_goes_before_one_that_was_merged() -> None:
    # Of the two only the accounts of the merged one are left: after some runs as one they are the other's.
    for runs in (1, 4):
        life = Life()
        life.day(A, B)
        large, small = life.ids
        for _ in range(runs):
            life.day(A + B)
        life.day(B)
        assert life.ids == [small if runs == 1 else large]
        assert life.state(large if runs == 1 else small) == ("dormant" if runs == 1 else "merged")


def test_who_came_with_the_last_run_does_not_take_the_id_away() -> None:
    # For one day a cluster is found as one with another, which has grown to twice its size meanwhile.
    young, grown = B, B + names("n", 100)
    life = Life()
    for _ in range(3):
        life.day(A, young)
    one, other = life.ids
    life.day(A + grown)
    assert life.ids == [one]
    life.day(A, grown)
    assert life.ids == [one, other]


def test_who_was_a_member_lately_brings_a_dormant_identity_back() -> None:
    life = Life()
    for _ in range(4):
        life.day(A, B)
    one, other = life.ids
    life.day(A[:10], B)
    life.day(A[:10], B)
    life.day(B)
    # Two of the ten it had last, and most of those that it had before.
    life.day(A[8:30] + names("n", 5), B)
    assert life.ids == [one, other]
    assert (one, one, "revived") in life.events
    # Not for ever.
    late = Life()
    for accounts in (A, *[A[:10]] * 10, []):
        late.day(accounts) if accounts else late.day()
    late.day(A[10:40])
    assert late.kinds() == ["born"]


def test_a_new_id_is_never_one_that_somebody_has() -> None:
    # The smaller half is what the cluster once was, and has the hash of it.
    life = Life()
    script = [[B], *[[A + B]] * 6, [A, B]]
    life, again = Life(), Life()
    life.day(B)
    (one,) = life.ids
    for day in script[1:]:
        life.day(*day)
    assert life.ids[0] == one
    assert life.ids[1] != one
    for day in script:
        again.day(*day)
    assert again.ids == life.ids


days = st.lists(
    st.lists(st.integers(0, 5), min_size=30, max_size=30), min_size=2, max_size=5
)  # cluster of each of thirty accounts, 0: none


def rings_of(assigned: list[int], *, shuffled: int = 0) -> list[Ring]:
    """Clusters of one day: accounts by number, a signal for each block of five accounts that has somebody in it."""
    rings = []
    for cluster in range(1, 6):
        accounts = [f"m{number:02}" for number, where in enumerate(assigned) if where == cluster]
        if accounts:
            blocks = sorted({int(name[1:]) // 5 for name in accounts})
            rings.append(Ring(accounts, {f"device:{block}": 7.0 + block for block in blocks}))
    if shuffled:
        order = random.Random(shuffled)
        rings = [
            Ring(
                order.sample(ring.accounts, len(ring.accounts)),
                dict(order.sample([*ring.signals.items()], len(ring.signals))),
            )
            for ring in order.sample(rings, len(rings))
        ]
    return rings


def ids_by_members(life: Life, rings: list[Ring]) -> dict[frozenset[str], str]:
    return {frozenset(ring.accounts): name for ring, name in zip(rings, life.ids, strict=True)}


@HALF
@given(days, st.integers(1, 1000))
def test_order_decides_nothing(history: list[list[int]], seed: int) -> None:
    one, other = Life(), Life()
    for assigned in history:
        rings, mixed = rings_of(assigned), rings_of(assigned, shuffled=seed)
        one.day(*rings)
        # What is known may stand in any order, too.
        other.known = Known(
            *(
                frame.sample(fraction=1.0, shuffle=True, seed=seed)
                for frame in (other.known.identities, other.known.members, other.known.signals)
            )
        )
        other.day(*mixed)
        assert ids_by_members(one, rings) == ids_by_members(other, mixed)
        assert one.events == other.events


@HALF
@given(days)
def test_every_identity_is_accounted_for_and_no_id_is_given_to_strangers(history: list[list[int]]) -> None:
    life = Life()
    for assigned in history:
        before = life.known
        last = {name: set(rows["account"]) for (name,), rows in before.members.group_by("id")}
        size = dict(before.identities.select("id", "size").rows())
        rings = rings_of(assigned)
        life.day(*rings)
        assert len(set(life.ids)) == len(life.ids)
        states = dict(life.known.identities.select("id", "state").rows())
        assert {name for name, state in states.items() if state == "active"} == set(life.ids)
        assert set(before.identities["id"]) <= set(states)
        for name, ring in zip(life.ids, rings, strict=True):
            if name in last:
                common = len(last[name] & set(ring.accounts)) / min(size[name], len(ring.accounts))
                known = before.signals.filter(pl.col("id") == name)["signal"].to_list()
                assert common >= 0.5 or set(known) & set(ring.signals)
        for name, origin, kind in life.events:
            assert kind in KINDS
            assert (name in last) == (kind not in ("born", "split"))
            assert origin is None or origin in last
        told = [name for name, _, kind in life.events if kind != "merged"]
        assert sorted(told) == sorted(set(told))
        ended = {origin for _, origin, kind in life.events if kind in ("merged", "dormant")}
        was = dict(before.identities.select("id", "state").rows())
        assert ended == {name for name, state in was.items() if state == "active"} - set(life.ids)


@HALF
@given(
    sizes=st.lists(st.integers(8, 60), min_size=2, max_size=12),
    replaced=st.lists(st.floats(0.0, 1.0), min_size=12, max_size=12),
    grown=st.lists(st.integers(0, 30), min_size=12, max_size=12),
)
def test_none_is_swapped_however_much_of_each_is_replaced(
    sizes: list[int], replaced: list[float], grown: list[int]
) -> None:
    rings = [Ring(names(f"r{n}-", size), cards(f"r{n}-")) for n, size in enumerate(sizes)]
    life = Life()
    life.day(*rings)
    ids = life.ids
    for day in range(1, 4):
        rings = [
            Ring(
                list(ring.accounts)[int(replaced[n] * len(ring.accounts)) :]
                + names(f"r{n}-{day}-", int(replaced[n] * len(ring.accounts)) + grown[n]),
                ring.signals,
            )
            for n, ring in enumerate(rings)
        ]
        life.day(*rings)
        assert life.ids == ids
        assert set(life.kinds()) <= {"grew", "shrank", "continued"}


def test_thousands_of_clusters_are_followed_in_a_moment() -> None:
    order = random.Random(1)
    large = Ring(names("h", 12_000), cards("h", 50))
    small = [Ring(names(f"r{n}-", 20), cards(f"r{n}-", 50)) for n in range(1_000)]
    before = follow(*found([large, *small]), Known.create_empty()).known
    moved = [Ring(order.sample(ring.accounts, 15), ring.signals) for ring in small]
    today = found([Ring(large.accounts[1_000:], large.signals), *moved])
    began = time.process_time()  # what others on the machine do is not counted
    events = follow(*today, before).events
    # 0.2 s; what looks at all pairs takes a quarter of a minute.
    assert time.process_time() - began < 4.0
    assert events["kind"].unique().to_list() == ["shrank"]
