"""Promise: of the accounts of a burst, those that share what others of their days do not are told from the rest."""

import numpy as np

from graphsvc.linkage.bursts import Bursts, find_bursts
from graphsvc.linkage.confirmation import confirm_bursts
from graphsvc.linkage.timing import DAY, HOUR, MINUTE

START = 1_769_990_400_000
FAMILY = np.repeat(np.arange(2, dtype=np.int32), 50)
"""Signals 0 to 49 are networks, 50 to 99 are clients."""


def world(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """3,000 honest sign-ups and 24 within ten minutes; and each account's network and client, (accounts, 2)."""
    rng = np.random.default_rng(seed)
    honest = START + rng.integers(0, 60 * DAY, 3_000) // 1000 * 1000
    burst = START + 30 * DAY + 5 * HOUR + rng.integers(0, 10 * MINUTE, 24) // 1000 * 1000
    weights = 1 / np.arange(1, 51)
    values = rng.choice(50, (3_024, 2), p=weights / weights.sum()) + np.array([0, 50])
    return np.concatenate([honest, burst]), values.astype(np.int32)


def incidence(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat(np.arange(len(values), dtype=np.int32), 2), values.ravel()


def one_burst(created: np.ndarray) -> Bursts:
    bursts = find_bursts(created)
    assert len(bursts.start) == 1
    return bursts


def test_the_part_that_shares_is_split_off_and_the_shared_values_are_named() -> None:
    created, values = world(1)
    bursts = one_burst(created)
    values[3_000:3_012] = [40, 90]
    values[3_012:3_020] = [41, 50]
    values[3_020:] = [[1, 51], [2, 52], [3, 53], [4, 54]]
    found = confirm_bursts(bursts, created, *incidence(values), FAMILY)
    inside = bursts.burst >= 0
    first, second = inside[3_000:3_012], inside[3_012:3_020]
    assert set(found.group[3_000:3_012][first]) == {0}
    assert set(found.group[3_012:3_020][second]) == {1}
    assert (found.group[3_020:] == -1).all()
    assert {40, 41, 90} <= set(found.signal.tolist())
    assert (found.observed > found.expected).all()
    assert (found.bits[3_000:3_012][first] > found.bits[3_012:3_020][second].max()).all()
    assert (found.bits[found.group < 0] == 0).all()


def test_a_burst_that_shares_nothing_has_no_parts() -> None:
    parts = 0
    for seed in range(30):
        created, values = world(seed)
        parts += confirm_bursts(find_bursts(created), created, *incidence(values), FAMILY).group.max() >= 0
    assert parts <= 5


def test_what_everyone_of_those_days_has_is_not_shared() -> None:
    created, values = world(2)
    near = np.abs(created - (START + 30 * DAY)) < 3 * DAY
    values[near, 1] = 99
    found = confirm_bursts(one_burst(created), created, *incidence(values), FAMILY)
    assert 99 not in found.signal


def test_accounts_that_do_not_tell_are_no_difference() -> None:
    created, values = world(3)
    values[3_000:, 1] = 90
    account, signal = incidence(values)
    told = (signal < 50) | (account >= 2_000)
    every = confirm_bursts(one_burst(created), created, account, signal, FAMILY)
    some = confirm_bursts(one_burst(created), created, account[told], signal[told], FAMILY)
    assert every.signal.tolist() == some.signal.tolist() == [90]
    assert abs(every.value_bits[0] - some.value_bits[0]) < 20


def test_the_order_of_uses_does_not_matter() -> None:
    created, values = world(4)
    values[3_000:, 0] = 45
    account, signal = incidence(values)
    order = np.random.default_rng(1).permutation(len(account))
    bursts = one_burst(created)
    one = confirm_bursts(bursts, created, account, signal, FAMILY)
    other = confirm_bursts(bursts, created, account[order], signal[order], FAMILY)
    for name in ("group", "bits", "burst", "signal", "observed", "expected", "value_bits"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


def test_without_bursts_or_uses_there_is_nothing() -> None:
    created, values = world(5)
    quiet = find_bursts(created[:3_000])
    assert (confirm_bursts(quiet, created[:3_000], *incidence(values[:3_000]), FAMILY).group == -1).all()
    nothing = np.empty(0, dtype=np.int32)
    assert (confirm_bursts(one_burst(created), created, nothing, nothing, nothing).group == -1).all()
