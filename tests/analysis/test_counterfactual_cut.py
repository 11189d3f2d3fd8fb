"""Promise: what is called a cut leaves two parts for what it costs, and planted ones are found."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.analysis.cut import Cut, find_cheapest_cut

Uses = list[tuple[int, int]]


def cut_of(accounts: int, uses: Uses, bits: list[float], least: int) -> Cut | None:
    account, value = np.array(sorted(uses), dtype=np.int32).T
    return find_cheapest_cut(accounts, account, value, np.array(bits), least)


def two_rings(size: int, bridges: int) -> Uses:
    """Two rings of accounts, neighbours of which share a value each, two apart another; and bridges between them."""
    uses = []
    for ring in range(2):
        for number in range(size):
            for step in (1, 2):
                value = (ring * size + number) * 2 + step - 1
                uses += [(ring * size + number, value), (ring * size + (number + step) % size, value)]
    for bridge in range(bridges):
        uses += [(bridge, 4 * size + bridge), (size + bridge, 4 * size + bridge)]
    return uses


@pytest.mark.parametrize(("size", "bridges"), [(20, 1), (20, 3), (300, 3)])
def test_two_rings_are_parted_at_their_bridges(size: int, bridges: int) -> None:
    uses = two_rings(size, bridges)
    found = cut_of(2 * size, uses, [10.0] * (4 * size) + [7.0] * bridges, size // 2)
    assert found is not None
    assert found.bits == pytest.approx(7.0 * bridges)
    assert sorted(np.bincount(found.part)) == [size, size]


def test_a_value_of_many_goes_for_its_bits_once() -> None:
    rings = two_rings(20, 0)
    everybody = [(account, 80) for account in range(40)]
    found = cut_of(40, rings + everybody, [10.0] * 80 + [12.0], 10)
    assert found is not None
    assert found.bits == 12.0
    # All of its uses, or it is not gone.
    value = np.array(sorted(rings + everybody))[:, 1]
    assert (value[found.uses] == 80).all()


def test_what_one_value_holds_has_no_two_parts_without_it() -> None:
    assert cut_of(10, [(account, 0) for account in range(10)], [9.0], 2) is None
    assert cut_of(3, [(0, 0), (1, 0), (2, 0)], [9.0], 2) is None


def test_a_ring_is_cut_in_two_places() -> None:
    uses = [(n, n) for n in range(40)] + [((n + 1) % 40, n) for n in range(40)]
    bits = [9.0] * 40
    bits[3], bits[21] = 4.0, 5.0
    found = cut_of(40, uses, bits, 8)
    assert found is not None
    assert found.bits == 9.0
    assert sorted(np.bincount(found.part)) == [18, 22]


def brute(accounts: int, uses: Uses, bits: list[float], least: int) -> float:
    """The cheapest way to leave two connected parts: each value that both sides use goes, or its uses on one side."""
    best = np.inf
    values = range(len(bits))
    for mask in range(1 << (accounts - 1)):
        side = [mask >> account & 1 for account in range(accounts)]
        crossing = [v for v in values if len({side[a] for a, value in uses if value == v}) == 2]
        free = [use for use in uses if use[1] not in crossing]
        for keeps in itertools.product((0, 1, None), repeat=len(crossing)):
            kept = dict(zip(crossing, keeps, strict=True))
            gone = [use for use in uses if use[1] in kept and side[use[0]] != kept[use[1]]]
            cost = sum(
                bits[v] * (1 if kept[v] is None else sum(use[1] == v for use in gone)) for v in crossing
            )
            if (
                cost < best
                and parts(accounts, [*free, *(u for u in uses if u[1] in kept and u not in gone)])[1] >= least
            ):
                best = cost
    return best


def parts(accounts: int, uses: Uses) -> list[int]:
    """Sizes of the parts, the largest first, and a 0."""
    label = list(range(accounts))
    for value in {use[1] for use in uses}:
        users = {label[account] for account, used in uses if used == value}
        label = [min(users) if each in users else each for each in label]
    return [*sorted((label.count(each) for each in set(label)), reverse=True), 0]


@given(
    st.sets(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=4, max_size=16),
    st.lists(st.integers(1, 12), min_size=4, max_size=4),
    st.integers(1, 3),
)
def test_a_cut_leaves_two_parts_and_costs_what_it_removes(
    pairs: set[tuple[int, int]], bits: list[int], least: int
) -> None:
    uses = sorted(pairs)
    found = cut_of(6, uses, [float(each) for each in bits], least)
    if found is None:
        return
    gone = [use for use, removed in zip(uses, found.uses, strict=True) if removed]
    remain = [use for use in uses if use not in gone]
    sizes = parts(6, remain)
    assert sorted(np.bincount(found.part), reverse=True) == sizes[:-1]
    assert sizes[1] >= least
    left, removed = {value for _, value in remain}, [value for _, value in gone]
    cost = sum(bits[value] * (removed.count(value) if value in left else 1) for value in set(removed))
    assert found.bits == pytest.approx(cost)
    assert found.bits >= brute(6, uses, [float(each) for each in bits], least) - 1e-6


def test_the_same_uses_give_the_same_cut() -> None:
    rng = np.random.default_rng(3)
    # Three values an account, of a pool of 150 half of which is each half's own.
    half = rng.integers(0, 2, 1_200)
    pool = np.where(rng.random(1_200) < 0.8, half * 75, 0) + rng.integers(0, 75, 1_200)
    pairs = {
        (int(a) * 2 + int(h), int(v)) for a, h, v in zip(rng.integers(0, 200, 1_200), half, pool, strict=True)
    }
    bits = rng.uniform(3, 15, 150).tolist()
    one, other = cut_of(400, sorted(pairs), bits, 30), cut_of(400, sorted(pairs), bits, 30)
    assert one is not None
    assert other is not None
    assert one.bits == other.bits
    assert np.array_equal(one.uses, other.uses)
