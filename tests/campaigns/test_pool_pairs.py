"""Pairs of pools are measured the same whether by products of all cores or pair by pair."""

import numpy as np
import pytest

from graphsvc.campaigns import pool_pairs
from graphsvc.campaigns.pool_pairs import Pools, find_pools, list_pairs, measure_pairs, select_pairs

CORES, SIZE, VALUES = 30, 8, 40


def draw_pools(seed: int, *, closed: bool = False) -> Pools:
    """Draw cores whose accounts each use five values of forty."""
    rng = np.random.default_rng(seed)
    place = np.repeat(np.arange(CORES * SIZE), 5)
    value = np.concatenate([rng.choice(VALUES, 5, replace=False) for _ in range(CORES * SIZE)])
    core = place // SIZE
    # Half of the cores draw from a few values, so that there are pools at all.
    value = np.where(core % 2 == 0, value % 4 + core % 3 * 4, value)
    key = np.unique(place * VALUES + value)
    place, value = np.divmod(key, VALUES)
    degree = np.bincount(value, minlength=VALUES) + 5
    weight = rng.random(VALUES) if closed else None
    size = np.full(CORES, SIZE)
    return find_pools(place // SIZE, place, value, size, 10_000, degree, weight)


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_products_and_pairs_give_the_same(seed: int, closed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pools = draw_pools(seed, closed=closed)
    key, spot = list_pairs(pools)
    one, other = np.divmod(key, CORES)
    assert len(key)
    by_pair = measure_pairs(pools, one, other)
    # Where a look at each pair takes more, all cores are multiplied.
    monkeypatch.setattr(Pools, "count_entries", lambda *_: np.array([10**9]))
    assert np.array_equal(measure_pairs(pools, one, other, spot), by_pair)
    monkeypatch.setattr(pool_pairs, "BLOCK", 7)
    assert np.array_equal(measure_pairs(pools, one, other), by_pair)


@pytest.mark.parametrize("seed", range(3))
def test_listed_pairs_are_those_that_share_two_values(seed: int) -> None:
    pools = draw_pools(seed)
    every = np.array([one * CORES + other for one in range(CORES) for other in range(one + 1, CORES)])
    key, _ = list_pairs(pools)
    assert np.array_equal(select_pairs(pools, every), key)
    affinity = measure_pairs(pools, *np.divmod(every, CORES))
    assert np.array_equal(every[affinity > 0.0], key)


def test_a_family_that_no_one_has_lists_nothing() -> None:
    nothing = np.empty(0, dtype=np.int64)
    pools = find_pools(nothing, nothing, nothing, np.full(CORES, SIZE), 0, nothing)
    assert not len(list_pairs(pools)[0])
    assert not len(measure_pairs(pools, nothing, nothing))
