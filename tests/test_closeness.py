"""Promise: users of a popular value are paired when they came to it closer than its and the crowd's rates explain."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphsvc.linkage.closeness import NEIGHBOURS, ClosePairs, close_pairs
from graphsvc.linkage.timing import DAY, HOUR, MINUTE

START = 1_769_990_400_000


def uses(seed: int, accounts: int = 4_000, values: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each account has one of ten values and signed up at any time within 100 days."""
    rng = np.random.default_rng(seed)
    signal = rng.integers(0, values, accounts).astype(np.int32)
    moment = START + rng.integers(0, 100 * DAY, accounts) // 1000 * 1000
    return np.arange(accounts, dtype=np.int32), signal, moment


def test_chance_pairs_are_as_many_as_their_bits_say_at_most() -> None:
    counts = np.zeros(3)
    compared = 0
    for seed in range(20):
        found = close_pairs(*uses(seed), least_bits=4.0)
        counts += [(found.bits >= bits).sum() for bits in (4, 8, 12)]
        compared += found.compared
    assert (counts <= 1.1 * compared / 2.0 ** np.array([4, 8, 12])).all()
    assert counts[0] > 0.5 * compared / 2.0**4


def test_two_users_seconds_apart_are_found() -> None:
    account, signal, moment = uses(1)
    signal[[7, 900]], moment[[7, 900]] = 3, START + 50 * DAY + np.array([0, 1000])
    found = close_pairs(account, signal, moment, false_pairs=10.0)
    rows = (found.source == 7) & (found.target == 900)
    assert found.value[rows].tolist() == [3]


def test_who_came_in_the_crowd_of_a_launch_is_not_close() -> None:
    account, signal, moment = uses(2)
    rng = np.random.default_rng(3)
    moment[:1_500] = START + 50 * DAY + rng.integers(0, HOUR, 1_500)
    found = close_pairs(account, signal, moment)
    assert len(found.source) == 0


def test_a_crowd_of_one_value_alone_is_close() -> None:
    account, signal, moment = uses(2)
    moment[:30], signal[:30] = START + 50 * DAY + np.arange(30) * 1000, 3
    found = close_pairs(account, signal, moment)
    assert len(np.unique(np.append(found.source, found.target))) >= 25
    assert (np.append(found.source, found.target) < 30).all()


def test_times_recorded_in_hours_make_no_pairs() -> None:
    account, signal, moment = uses(4)
    assert len(close_pairs(account, signal, moment // HOUR * HOUR).source) == 0


def test_only_popular_and_eligible_values_are_compared_and_pairs_are_linear() -> None:
    account, signal, moment = uses(5)
    moment[:] = START + np.arange(len(moment)) * MINUTE
    every = close_pairs(account, signal, moment, least_bits=0.0)
    assert len(every.source) == every.compared <= NEIGHBOURS * len(account)
    eligible = np.arange(10) == 4
    assert set(close_pairs(account, signal, moment, least_bits=0.0, eligible=eligible).value) == {4}
    assert close_pairs(account, signal, moment, least_degree=1_000).compared == 0
    assert close_pairs(account, signal, moment, most_degree=20).compared == 0
    assert close_pairs(account, signal, np.full_like(moment, -1)).compared == 0


def rows(found: ClosePairs) -> list[tuple[int, int, int, float]]:
    return list(
        zip(
            found.source.tolist(),
            found.target.tolist(),
            found.value.tolist(),
            found.bits.tolist(),
            strict=True,
        )
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 900))
def test_pairs_are_sorted_and_the_order_of_uses_does_not_matter(seed: int) -> None:
    account, signal, moment = uses(seed, 400)
    moment[::50] = -1
    found = close_pairs(account, signal, moment, least_bits=3.0)
    order = np.random.default_rng(seed).permutation(len(account))
    assert rows(found) == rows(close_pairs(account[order], signal[order], moment[order], least_bits=3.0))
    assert (found.source < found.target).all()
    assert rows(found) == sorted(rows(found))
    assert (moment[found.source] >= 0).all()
    assert found.bits.min(initial=9.0) == pytest.approx(max(found.bits.min(initial=9.0), 3.0))
