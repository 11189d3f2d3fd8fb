"""Promise: a moment of sign-up speaks for a cluster by as much as the cluster is denser there than everybody else."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.linkage.timing import (
    DAY,
    HOUR,
    LEAST_BITS,
    LEAST_LOCKSTEP,
    MINUTE,
    MOST_BITS,
    Signups,
    fit_signups,
    lockstep,
    resolution,
    signup_bits,
    signup_population,
)
from graphsvc.model.scale import coarse

START = 1_770_000_000_000


def members_of(*clusters: list[int]) -> pl.DataFrame:
    rows = [(number, account) for number, group in enumerate(clusters) for account in group]
    return pl.DataFrame(rows, schema={"cluster": pl.Int32, "account": pl.Int32}, orient="row")


def world(accounts: int = 20_000, days: int = 100, seed: int = 1) -> np.ndarray:
    """Sign-ups of everybody by day and night: ten times as many by day."""
    rng = np.random.default_rng(seed)
    day = rng.integers(0, days, accounts) * DAY
    hour = np.where(
        rng.random(accounts) < 10 / 11, rng.integers(8, 20, accounts), rng.integers(20, 32, accounts)
    )
    return START + day + hour * HOUR + rng.integers(0, HOUR, accounts)


def fitted(created: np.ndarray, members: pl.DataFrame) -> Signups:
    return fit_signups(signup_population(created), members)


def bits_of(created: np.ndarray, members: pl.DataFrame, asked: pl.DataFrame) -> np.ndarray:
    signups = fitted(created, members)
    return signup_bits(signups, asked["cluster"].to_numpy(), asked["account"].to_numpy())


def test_bits_by_hand() -> None:
    # 10 members within a second at one moment, 990 others spread evenly over 990 hours: nobody but a member is within
    # ten minutes of the burst. A newcomer at that moment is weighed with the densities of the three windows.
    hours = np.arange(990) * HOUR + 30 * MINUTE
    created = START + np.concatenate([np.full(10, 500 * HOUR), hours, [500 * HOUR]])
    signups = fitted(created, members_of(list(range(10))))
    span, outside = coarse(int(created.max() - created.min()) + signups.population.resolution), coarse(990)
    rate, ratios = outside / span, [1.0]
    densities = []
    for reach, others in ((DAY, 48), (HOUR, 2), (10 * MINUTE, 0)):
        length = 2 * reach + signups.population.resolution
        rate = (others + 20) / (length + 20 / rate)
        densities.append(1.0 / length)
    ratios += [density / (rate / outside) for density in reversed(densities)]
    expected = np.log2(signups.weights[0] @ ratios)
    found = signup_bits(signups, np.array([0], np.int32), np.array([1000], np.int32))
    assert found[0] == pytest.approx(min(expected, MOST_BITS))
    assert expected > 5


def test_a_burst_is_lockstep_and_its_moment_speaks_for_the_cluster() -> None:
    created = world()
    burst = list(range(30))
    created[:30] = START + 40 * DAY + 12 * HOUR + np.arange(30) * MINUTE
    created[30] = created[15] + 1
    signups = fitted(created, members_of(burst))
    found = lockstep(signups).row(0, named=True)
    assert found["observed"] == 1.0
    assert found["expected"] < 0.05
    assert found["bits"] > 8
    assert found["says"].startswith("100 % of 30 signed up within 10 minutes of another member")
    joins, stays_out = signup_bits(signups, np.array([0, 0], np.int32), np.array([30, 31], np.int32))
    assert joins > 5
    assert stays_out < 0


def test_groups_at_random_are_not_in_lockstep_and_gain_nothing() -> None:
    created, rng = world(), np.random.default_rng(2)
    groups = [rng.choice(len(created), size, replace=False).tolist() for size in [8, 20, 60, 300, 2000] * 20]
    found = lockstep(fitted(created, members_of(*groups)))
    assert (found["bits"] > 1).mean() < 0.03
    assert found["bits"].median() == LEAST_LOCKSTEP
    for group in groups[3:10]:
        inside = bits_of(created, members_of(group), members_of(group))
        assert abs(inside.mean()) < 0.3


def test_a_busy_hour_of_everybody_is_no_lockstep() -> None:
    # A third of all accounts, 200 of the cluster's 600 among them, come in one hour: a launch.
    created = world()
    rng = np.random.default_rng(3)
    launch = rng.choice(len(created), len(created) // 3, replace=False)
    created[launch] = START + 50 * DAY + rng.integers(0, HOUR, len(launch))
    signups = fitted(created, members_of(list(range(600))))
    found = lockstep(signups).row(0, named=True)
    assert found["observed"] > 0.3
    assert found["bits"] <= 0
    assert abs(signup_bits(signups, np.zeros(len(launch), np.int32), launch.astype(np.int32)).mean()) < 0.5


@pytest.mark.parametrize("unit", [MINUTE, HOUR, DAY])
@pytest.mark.parametrize("offset", [0, 7 * 1000])
def test_coarse_times_make_no_lockstep(unit: int, offset: int) -> None:
    created = world() // unit * unit + offset
    assert resolution(created) == unit
    rng = np.random.default_rng(4)
    groups = [rng.choice(len(created), 50, replace=False).tolist() for _ in range(200)]
    signups = fitted(created, members_of(*groups))
    found = lockstep(signups)
    assert (found["bits"] > 1).mean() < 0.05
    assert found["minutes"].unique().to_list() == [max(10, unit // MINUTE)]
    members = members_of(*groups)
    bits = signup_bits(signups, members["cluster"].to_numpy(), members["account"].to_numpy())
    assert abs(bits.mean()) < 0.3


def test_days_only_from_half_of_the_sources_make_no_lockstep() -> None:
    created = world()
    created[::2] = created[::2] // DAY * DAY
    assert resolution(created) < MINUTE
    rng = np.random.default_rng(5)
    groups = [rng.choice(len(created), 100, replace=False).tolist() for _ in range(40)]
    assert (lockstep(fitted(created, members_of(*groups)))["bits"] > 1).mean() < 0.06


def test_days_only_still_show_who_came_on_the_same_day() -> None:
    created = world()
    created[:40] = START + 30 * DAY
    found = lockstep(fitted(created // DAY * DAY, members_of(list(range(40)))))
    assert found["bits"][0] > 4
    assert "a day" in found["says"][0]


def test_who_signed_up_unknown_is_neither_evidence_nor_counted() -> None:
    created = world(2000)
    created[:5] = -1
    signups = fitted(created, members_of(list(range(10)), [0, 1]))
    assert lockstep(signups)["members"].to_list() == [5]
    bits = signup_bits(signups, np.array([0, 1, 7], np.int32), np.array([0, 100, 100], np.int32))
    assert bits.tolist() == [0.0, 0.0, 0.0]


def test_nobody_and_a_single_member() -> None:
    nobody = np.empty(0, np.int32)
    empty = fitted(np.empty(0, np.int64), members_of())
    assert lockstep(empty).is_empty()
    assert signup_bits(empty, nobody, nobody).tolist() == []
    alone = fitted(world(100), members_of([3]))
    assert lockstep(alone)["bits"].to_list() == [0.0]
    assert signup_bits(alone, np.zeros(1, np.int32), np.array([3], np.int32)).tolist() == [0.0]


@pytest.mark.parametrize("days", [1, 30])
def test_who_signs_up_on_other_days_leaves_the_evidence_as_it_was(days: int) -> None:
    # Nine thousand on a grid are nine thousand and some; a hundred days are a hundred and one.
    created, rng = world(9_000), np.random.default_rng(6)
    created[:40] = START + 50 * DAY + rng.integers(0, HOUR, 40)
    members = members_of(list(range(20)), rng.choice(np.arange(40, 9_000), 50, replace=False).tolist())
    last = created.max() + days * DAY
    newcomers = last + rng.integers(0, HOUR, 60)
    old = created < created.max() - DAY
    asked = pl.DataFrame({"cluster": np.repeat([0, 1], 9_000), "account": np.tile(np.arange(9_000), 2)})
    asked = asked.cast(pl.Int32).filter(pl.Series(old).gather(asked["account"]))
    rows = members.filter(pl.Series(old).gather(members["account"]))
    before, after = bits_of(created, rows, asked), bits_of(np.append(created, newcomers), rows, asked)
    same = bool((before == after).all())
    assert same == (days == 1)
    assert np.abs(before - after).max() < 0.5


moments = st.lists(st.integers(0, 40 * DAY), min_size=12, max_size=40)


@given(moments, st.integers(-400, 4000), st.randoms(use_true_random=False))
def test_shifted_in_time_or_order_the_bits_are_the_same(times: list[int], days: int, random: object) -> None:
    created = START + np.array(times, dtype=np.int64)
    members = members_of(list(range(5)), list(range(5, 11)))
    asked = pl.DataFrame(
        {"cluster": np.repeat([0, 1], len(times)), "account": np.tile(np.arange(len(times)), 2)},
        schema={"cluster": pl.Int32, "account": pl.Int32},
    )
    bits = bits_of(created, members, asked)
    assert ((bits >= LEAST_BITS) & (bits <= MOST_BITS)).all()
    shifted = bits_of(created + days * DAY, members, asked)
    assert shifted == pytest.approx(bits, abs=1e-9)
    order = list(range(asked.height))
    random.shuffle(order)  # type: ignore[attr-defined]
    reordered = bits_of(created, members.reverse(), asked[order])
    assert (reordered == bits[order]).all()


@given(moments)
def test_a_member_is_weighed_as_if_it_were_no_member(times: list[int]) -> None:
    # Leave one out: with the same mixture, what is said of a member is what is said of it as a stranger to the rest.
    created = START + np.array(times, dtype=np.int64)
    whole = fitted(created, members_of(list(range(6))))
    rest = fitted(created, members_of(list(range(1, 6))))
    rest.weights[:] = whole.weights
    first = np.zeros(1, np.int32)
    assert signup_bits(whole, first, first) == pytest.approx(signup_bits(rest, first, first))
