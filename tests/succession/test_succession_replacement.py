"""Promise: a cluster that makes new accounts after its bans shows it; bans at random, and teams that grow, do not."""

import numpy as np
import polars as pl
import pytest
from banned import DAY, accounts_of, planted
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.campaigns.replacement import HOUR, MOST_BITS, measure_replacement


def test_a_ring_that_replaces_its_banned_shows_it() -> None:
    graph, members, _ = planted(2, 0.5)
    row = measure_replacement(members, graph.accounts).row(0, named=True)
    assert row["bans"] == 60
    assert row["bits"] > 2
    assert 0.3 < row["rate"] <= 1.0
    assert 0 < row["median_delay_hours"] < 72
    assert row["says"].startswith("60 accounts were banned; ")


def groups_with_bans(groups: int, size: int, bursts: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
    rng = np.random.default_rng(5)
    created: list[int] = []
    banned: dict[int, int] = {}
    for _ in range(groups):
        moments = rng.integers(0, 200 * DAY, size)
        if bursts:
            moments = np.repeat(moments[: size // 10], 10) + rng.integers(0, HOUR // 6, size)
        for _ in range(size // 10):
            banned[len(created) + int(rng.integers(0, size))] = int(rng.integers(0, 200 * DAY))
        created += moments.tolist()
    members = pl.DataFrame(
        {"cluster": np.repeat(np.arange(groups), size), "account": np.arange(groups * size)},
        schema={"cluster": pl.Int32, "account": pl.Int32},
    )
    return members, accounts_of(created, banned)


@pytest.mark.parametrize("bursts", [False, True])
@pytest.mark.parametrize("size", [20, 100])
def test_bans_at_random_are_no_replacement(size: int, bursts: bool) -> None:
    found = measure_replacement(*groups_with_bans(100, size, bursts))
    assert (found["bits"] > 1).mean() <= 0.02
    assert abs(found["bits"].mean()) < 0.5  # type: ignore[arg-type]


def test_a_team_that_grows_after_its_only_ban_is_no_ring() -> None:
    created = [0, *(50 * DAY + i * 2 * HOUR for i in range(1, 31))]
    members = pl.DataFrame(
        {"cluster": [0] * len(created), "account": list(range(len(created)))},
        schema={"cluster": pl.Int32, "account": pl.Int32},
    )
    row = measure_replacement(members, accounts_of(created, {0: 50 * DAY})).row(0, named=True)
    assert (row["after"], row["before"]) == (30, 0)
    assert row["bits"] <= 1


def test_replacement_by_hand() -> None:
    # One ban at day 50: two sign-ups and a burst of five in the three days after it, one sign-up in those before.
    created = [
        0,
        48 * DAY,
        50 * DAY + 5 * HOUR,
        51 * DAY,
        *(52 * DAY + i * 60_000 for i in range(5)),
        60 * DAY,
    ]
    members = pl.DataFrame(
        {"cluster": [4] * len(created), "account": list(range(len(created)))},
        schema={"cluster": pl.Int32, "account": pl.Int32},
    )
    row = measure_replacement(members, accounts_of(created, {0: 50 * DAY})).row(0, named=True)
    assert (row["cluster"], row["bans"], row["after"], row["before"]) == (4, 1, 3, 1)
    assert row["rate"] == 1.0
    assert row["median_delay_hours"] == 24.0


def test_nobody_banned_nothing_to_say() -> None:
    members = pl.DataFrame(
        {"cluster": [0, 0], "account": [0, 1]}, schema={"cluster": pl.Int32, "account": pl.Int32}
    )
    assert measure_replacement(members, accounts_of([0, DAY], {})).is_empty()


@given(st.integers(0, 1000), st.integers(-1000, 1000))
def test_moved_in_time_the_same(seed: int, days: int) -> None:
    graph, members, _ = planted(seed, 0.5)
    rings = measure_replacement(members, graph.accounts)
    assert (rings["bits"] <= MOST_BITS).all()
    moved = graph.accounts.with_columns(
        pl.col("created_at") + days * DAY,
        pl.when(pl.col("status_changed_at") >= 0)
        .then(pl.col("status_changed_at") + days * DAY)
        .otherwise("status_changed_at"),
    )
    assert measure_replacement(members, moved).equals(rings)
