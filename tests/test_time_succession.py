"""Promise: a new account follows the banned one whose things it took over; chance makes no successors."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphsvc.campaigns.succession import (
    FOLLOWS,
    HOUR,
    INHERITED,
    MOST_BITS,
    REPLACED,
    predecessors,
    replacement,
)
from graphsvc.model.graph import SignalGraph

START = 1_770_000_000_000
DAY = 24 * HOUR


def accounts_of(created: list[int], banned: dict[int, int]) -> pl.DataFrame:
    n = len(created)
    return pl.DataFrame({
        "id": [f"a{i:06}" for i in range(n)],
        "created_at": [START + moment for moment in created],
        "status": ["banned" if i in banned else "active" for i in range(n)],
        "status_changed_at": [START + banned[i] if i in banned else -1 for i in range(n)],
        "plan": [""] * n,
        "country": ["DE"] * n,
    })  # fmt: skip


def graph_of(accounts: pl.DataFrame, uses: list[tuple[int, int]], kinds: list[str]) -> SignalGraph:
    edges = pl.DataFrame(sorted(set(uses)), schema={"account": pl.Int32, "signal": pl.Int32}, orient="row")
    signals = pl.DataFrame({"key": [f"s{i:06}" for i in range(len(kinds))], "kind": kinds}).with_columns(
        *(pl.lit("").alias(name) for name in ("parent", "grandparent", "class"))
    )
    times = np.full(edges.height, START)
    activity = pl.DataFrame(
        schema={"account": pl.Int32, "hour": pl.Int64, "model": pl.String, "requests": pl.Int64}
    )
    account, signal = edges["account"].to_numpy(), edges["signal"].to_numpy()
    return SignalGraph(accounts, signals, account, signal, times, times, activity)


def crowd(count: int = 1000) -> list[int]:
    return [i * 200 * DAY // count for i in range(count)]


def test_bits_and_probability_by_hand() -> None:
    # 1,000 accounts evenly over 200 days; the last follows account 0 by a card that both alone have.
    created = [*crowd(), 100 * DAY]
    accounts = accounts_of(created, {0: 99 * DAY})
    found = predecessors(graph_of(accounts, [(0, 0), (1000, 0)], ["instrument"]), least=0.0)
    row = found.row(0, named=True)
    u = 0.5 / 1000
    around = sum(97 * DAY <= moment <= 103 * DAY for moment in created)
    delay = math.log2(2 * 999 / around)
    assert (row["successor"], row["predecessor"], row["delay_hours"]) == (1000, 0, 24.0)
    assert row["delay_bits"] == pytest.approx(delay)
    assert row["bits"] == pytest.approx(math.log2(1 + INHERITED * (1 / u - 1)) + delay)
    odds = REPLACED / 999 * 2 ** row["bits"]
    assert row["probability"] == pytest.approx(odds / (1 + odds))
    assert row["kinds"] == ["instrument"]
    assert (
        row["says"]
        == "made 24 hours after the ban of the account from which it took over 1 values (instrument)"
    )


@pytest.mark.parametrize("moment", [98 * DAY, 99 * DAY, 99 * DAY + 73 * HOUR])
def test_who_came_before_the_ban_or_days_later_does_not_follow(moment: int) -> None:
    accounts = accounts_of([*crowd(), moment], {0: 99 * DAY})
    assert predecessors(graph_of(accounts, [(0, 0), (1000, 0)], ["device"]), least=0.0).is_empty()


def test_one_successor_each_and_the_better_one() -> None:
    # Two newcomers share a device with banned account 0; the second shares a card besides. One more shares with both
    # banned ones, and gets the one that is left.
    created = [*crowd(), 100 * DAY, 100 * DAY + HOUR, 100 * DAY + 2 * HOUR]
    accounts = accounts_of(created, {0: 99 * DAY, 1: 99 * DAY})
    uses = [(0, 0), (1000, 0), (1001, 0), (0, 1), (1001, 1), (1, 2), (1002, 2), (1002, 0)]
    found = predecessors(graph_of(accounts, uses, ["device", "instrument", "phone"]), least=0.0)
    assert found.select("successor", "predecessor").rows() == [(1001, 0), (1002, 1)]


def test_what_all_members_share_says_nothing_within_the_cluster() -> None:
    created = [*crowd(), 100 * DAY]
    accounts = accounts_of(created, {0: 99 * DAY})
    group = [*range(40), 1000]
    graph = graph_of(accounts, [(account, 0) for account in group], ["instrument"])
    members = pl.DataFrame(
        {"cluster": [0] * len(group), "account": group}, schema={"cluster": pl.Int32, "account": pl.Int32}
    )
    without = predecessors(graph, least=0.0).row(0, named=True)
    within = predecessors(graph, members, least=0.0).row(0, named=True)
    assert within["bits"] - within["delay_bits"] == pytest.approx(0.0, abs=0.05)
    assert without["bits"] - without["delay_bits"] > 2


def test_strangers_have_no_predecessors() -> None:
    # 3,000 accounts with five of 4,000 addresses each, a tenth of them banned: all sharing is chance.
    rng = np.random.default_rng(1)
    created = rng.integers(0, 200 * DAY, 3000).tolist()
    banned = {
        int(i): created[i] + int(rng.integers(DAY, 30 * DAY)) for i in rng.choice(3000, 300, replace=False)
    }
    uses = [(a, int(s)) for a in range(3000) for s in rng.integers(0, 4000, 5)]
    found = predecessors(graph_of(accounts_of(created, banned), uses, ["ip"] * 4000))
    assert found.height <= 0.02 * len(banned)


def planted(seed: int, inherited: float) -> tuple[SignalGraph, pl.DataFrame, dict[int, int]]:
    """A ring of 200 that pools cards and devices; 60 are banned in three waves and replaced within 72 hours."""
    rng = np.random.default_rng(seed)
    created = [int(moment) for moment in rng.integers(0, 100 * DAY, 200)]
    uses = [(a, int(s)) for a in range(200) for s in (rng.integers(0, 40), 40 + rng.integers(0, 60), 100 + a)]
    banned: dict[int, int] = {}
    follows: dict[int, int] = {}
    values = {a: [s for x, s in uses if x == a] for a in range(200)}
    for wave in (110, 120, 130):
        left = [a for a in range(200) if a not in banned]
        for gone in rng.choice(left, 20, replace=False):
            banned[int(gone)] = wave * DAY + int(rng.integers(0, 6 * HOUR))
            heir = len(created)
            created.append(banned[int(gone)] + int(rng.integers(3 * HOUR, 72 * HOUR)))
            follows[heir] = int(gone)
            own = [int(rng.integers(0, 40)), 40 + int(rng.integers(0, 60)), 300 + heir]
            kept = rng.random(3) < inherited
            uses += [(heir, v if k else o) for v, o, k in zip(values[int(gone)], own, kept, strict=True)]
    ring = len(created)
    created += rng.integers(0, 200 * DAY, 2000).tolist()
    kinds = ["instrument"] * 40 + ["device"] * 60 + ["ip"] * (300 + ring)
    members = pl.DataFrame(
        {"cluster": np.zeros(ring), "account": np.arange(ring)},
        schema={"cluster": pl.Int32, "account": pl.Int32},
        strict=False,
    )
    return graph_of(accounts_of(created, banned), uses, kinds), members, follows


def test_planted_successors_are_found_and_are_as_often_right_as_said() -> None:
    graph, members, follows = planted(1, 0.6)
    found = predecessors(graph, members)
    right = [follows.get(s) == p for s, p in found.select("successor", "predecessor").iter_rows()]
    assert np.mean(right) > 0.8
    assert sum(right) > 0.5 * len(follows)
    assert np.mean(right) > found["probability"].mean() - 0.1  # type: ignore[operator]


def test_a_ring_that_replaces_its_banned_shows_it() -> None:
    graph, members, _ = planted(2, 0.5)
    row = replacement(members, graph.accounts).row(0, named=True)
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
    found = replacement(*groups_with_bans(100, size, bursts))
    assert (found["bits"] > 1).mean() <= 0.02
    assert abs(found["bits"].mean()) < 0.5  # type: ignore[arg-type]


def test_a_team_that_grows_after_its_only_ban_is_no_ring() -> None:
    created = [0, *(50 * DAY + i * 2 * HOUR for i in range(1, 31))]
    members = pl.DataFrame(
        {"cluster": [0] * len(created), "account": list(range(len(created)))},
        schema={"cluster": pl.Int32, "account": pl.Int32},
    )
    row = replacement(members, accounts_of(created, {0: 50 * DAY})).row(0, named=True)
    assert (row["after"], row["before"]) == (30, 0)
    assert row["bits"] <= 1


def test_nobody_banned_nothing_to_say() -> None:
    accounts = accounts_of(crowd(), {})
    members = pl.DataFrame(
        {"cluster": [0, 0], "account": [0, 1]}, schema={"cluster": pl.Int32, "account": pl.Int32}
    )
    assert replacement(members, accounts).is_empty()
    found = predecessors(graph_of(accounts, [(0, 0), (1, 0)], ["device"]))
    assert found.is_empty()
    assert found.schema == FOLLOWS


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
    row = replacement(members, accounts_of(created, {0: 50 * DAY})).row(0, named=True)
    assert (row["cluster"], row["bans"], row["after"], row["before"]) == (4, 1, 3, 1)
    assert row["rate"] == 1.0
    assert row["median_delay_hours"] == 24.0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(-1000, 1000))
def test_moved_in_time_or_rows_in_another_order_the_same(seed: int, days: int) -> None:
    graph, members, _ = planted(seed, 0.5)
    found, rings = predecessors(graph, members), replacement(members, graph.accounts)
    assert found["successor"].is_unique().all()
    assert found["predecessor"].is_unique().all()
    assert found["probability"].is_between(0.0, 1.0).all()
    assert (rings["bits"] <= MOST_BITS).all()
    assert predecessors(graph, members.reverse()).equals(found)
    moved = graph.accounts.with_columns(
        pl.col("created_at") + days * DAY,
        pl.when(pl.col("status_changed_at") >= 0)
        .then(pl.col("status_changed_at") + days * DAY)
        .otherwise("status_changed_at"),
    )
    later = SignalGraph(
        moved, graph.signals, graph.account, graph.signal, graph.first_seen, graph.last_seen, graph.activity
    )
    assert predecessors(later, members).equals(found)
    assert replacement(members, moved).equals(rings)
