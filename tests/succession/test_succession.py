"""Promise: a new account follows the banned one whose things it took over; births moved in time make no successors."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from banned import DAY, accounts_of, crowd, graph_of, planted
from hypothesis import given, settings
from hypothesis import strategies as st

from graphsvc.campaigns.replacement import HOUR
from graphsvc.linkage.bits import with_levels
from graphsvc.model.graph import SignalGraph
from graphsvc.succession.candidates import FEW, build_estate, build_lives, find_candidates, find_common_values
from graphsvc.succession.chance import NULL
from graphsvc.succession.inheritance import (
    INHERITED,
    REPLACED,
    collect_candidates,
    get_prior_chances,
    score_candidates,
)
from graphsvc.succession.successions import PAIRS, Succession, find_successions
from graphsvc.succession.turnover import CAMPAIGNS

NOBODY = pl.DataFrame(schema={"cluster": pl.Int32, "account": pl.Int32})


def cluster_of(accounts: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"cluster": [0] * len(accounts), "account": accounts}, schema=NOBODY.schema)


def pairs_of(graph: SignalGraph, members: pl.DataFrame = NOBODY) -> list[tuple[int, int]]:
    lives = build_lives(graph, members)
    found = find_candidates(lives, build_estate(graph, lives))
    return found.select("successor", "predecessor").rows()


def common_of(graph: SignalGraph, members: pl.DataFrame) -> list[tuple[str, str, float]]:
    """family, kind and u of what the first candidate pair has in common."""
    lives = build_lives(graph, members)
    estate = build_estate(graph, lives)
    size = np.bincount(lives.home[lives.home >= 0])
    rows = find_common_values(find_candidates(lives, estate), estate, graph.accounts.height, size)
    return rows.filter(pl.col("pair") == 0).select("family", "kind", "u").rows()


def births_moved(graph: SignalGraph, members: pl.DataFrame, seed: int) -> SignalGraph:
    """The same with sign-ups permuted among the members, and among the others."""
    rng = np.random.default_rng(seed)
    created = graph.accounts["created_at"].to_numpy().copy()
    inside = members["account"].to_numpy()
    for group in (inside, np.setdiff1d(np.arange(len(created)), inside)):
        created[group] = created[rng.permutation(group)]
    return with_accounts(graph, graph.accounts.with_columns(created_at=pl.Series(created)))


def with_accounts(graph: SignalGraph, accounts: pl.DataFrame) -> SignalGraph:
    return SignalGraph(
        accounts,
        graph.signals,
        graph.account,
        graph.signal,
        graph.first_seen,
        graph.last_seen,
        graph.activity,
    )


def right(found: Succession, follows: dict[int, int]) -> int:
    probable = found.pairs.filter("probable").select("successor", "predecessor").iter_rows()
    return sum(follows.get(successor) == predecessor for successor, predecessor in probable)


def test_bits_by_hand() -> None:
    # 1,000 accounts evenly over 200 days; the last follows account 0 by a card that both alone have.
    created = [*crowd(), 100 * DAY]
    graph = graph_of(accounts_of(created, {0: 99 * DAY}), [(0, 0), (1000, 0)], ["instrument"])
    lives = build_lives(graph, NOBODY)
    proposed = collect_candidates(lives, build_estate(graph, lives), None, ("instrument",))
    weighed = score_candidates(proposed, get_prior_chances(("instrument",), 0))
    u = 0.5 / 1000
    around = sum(97 * DAY <= moment <= 103 * DAY for moment in created)
    assert proposed.common["u"].to_list() == [pytest.approx(u)]
    assert weighed.value.tolist() == [pytest.approx(math.log2(INHERITED / u + 1 - INHERITED))]
    assert proposed.moment.tolist() == [pytest.approx(math.log2(2 * 999 / around))]
    assert weighed.odds[0] == pytest.approx(
        REPLACED / 999 * 2 ** (weighed.value[0] + proposed.moment[0]),
    )


@pytest.mark.parametrize(
    ("moment", "follows"),
    [
        (99 * DAY - 1, False),
        (99 * DAY, False),
        (99 * DAY + 1, True),
        (99 * DAY + 72 * HOUR, True),
        (99 * DAY + 72 * HOUR + 1, False),
    ],
)
def test_who_came_before_the_ban_or_days_later_is_no_candidate(moment: int, follows: bool) -> None:
    accounts = accounts_of([*crowd(), moment], {0: 99 * DAY})
    graph = graph_of(accounts, [(0, 0), (1000, 0)], ["device"])
    assert pairs_of(graph) == ([(1000, 0)] if follows else [])
    # Of one cluster the moment alone is enough.
    graph = graph_of(accounts, [(0, 0), (5, 0)], ["device"])
    assert pairs_of(graph, cluster_of([0, 1000])) == ([(1000, 0)] if follows else [])


def test_the_moment_alone_proposes_nobody_in_a_crowd_of_bans() -> None:
    n = FEW + 1
    accounts = accounts_of([*[0] * n, 100 * DAY], dict.fromkeys(range(n), 99 * DAY))
    graph = graph_of(accounts, [(0, 0), (n, 0), (1, 1), (2, 1)], ["device", "ip"])
    assert pairs_of(graph, cluster_of(list(range(n + 1)))) == [(n, 0)]
    assert len(pairs_of(graph, cluster_of(list(range(1, n + 1))))) == n


def test_what_all_members_share_says_nothing_within_the_cluster() -> None:
    group = [*range(40), 1000]
    accounts = accounts_of([*crowd(), 100 * DAY], {0: 99 * DAY})
    graph = graph_of(accounts, [(account, 0) for account in group], ["instrument"])
    ((_, _, without),) = common_of(graph, NOBODY)
    ((_, _, within),) = common_of(graph, cluster_of(group))
    assert without == pytest.approx(39.5 / 1000)
    assert within == pytest.approx(39.5 / 40)


def test_an_address_counts_once_beside_its_range_and_a_client_not_beside_its_device() -> None:
    accounts = accounts_of([*crowd(), 100 * DAY], {0: 99 * DAY})
    kinds = ["ip", "ip", "device", "user_agent", "tls_fingerprint", "ip", "prompt", "prompt"]
    graph = graph_of(accounts, [(a, s) for a in (0, 1000) for s in range(5)], kinds)
    graph = graph_of(
        accounts, [*zip(graph.account.tolist(), graph.signal.tolist(), strict=True), (7, 5)], kinds
    )
    ranges = pl.Series(["10.0.0.0/24", "", "", "", "", "10.0.0.0/24", "", ""])
    graph = SignalGraph(
        accounts,
        graph.signals.with_columns(parent=ranges),
        graph.account,
        graph.signal,
        graph.first_seen,
        graph.last_seen,
        graph.activity,
    )
    members = cluster_of([0, 1000])
    assert [kind for _, kind, _ in common_of(graph, members)] == ["device", "ip", "ip"]
    # Addresses of one range, no device: the range counts, and so do the clients.
    apart = [(0, 0), (0, 3), (0, 4), (1000, 5), (1000, 3), (1000, 4)]
    other = graph_of(accounts, apart, kinds)
    other = SignalGraph(
        accounts,
        graph.signals,
        other.account,
        other.signal,
        other.first_seen,
        other.last_seen,
        other.activity,
    )
    assert [kind for _, kind, _ in common_of(other, members)] == ["user_agent", "prefix", "tls_fingerprint"]


def test_of_the_bands_of_a_template_the_rarest_counts() -> None:
    accounts = accounts_of([*crowd(), 100 * DAY], {0: 99 * DAY})
    uses = [(a, s) for a in (0, 1000) for s in range(3)] + [(5, 0), (6, 0), (5, 2)]
    assert common_of(graph_of(accounts, uses, ["prompt"] * 3), NOBODY) == [
        ("prompt", "prompt", pytest.approx(0.5 / 1000))
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_successors_are_found_and_are_as_often_right_as_said(seed: int) -> None:
    graph, members, follows = planted(seed, 0.6)
    found = find_successions(graph, members)
    probable = found.pairs.filter("probable")
    first = found.pairs.filter(pl.col("rank") == 1).select("successor", "predecessor").iter_rows()
    assert sum(follows.get(successor) == predecessor for successor, predecessor in first) > 0.8 * len(follows)
    assert right(found, follows) > 0.75 * len(follows)
    said = probable["probability"].mean()
    assert abs(right(found, follows) / probable.height - said) < 0.1  # type: ignore[operator]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_births_moved_in_time_follow_nobody(seed: int) -> None:
    graph, members, follows = planted(seed, 0.6)
    found = find_successions(births_moved(graph, members, seed), members)
    # A true successor that is moved into the days after the same ban follows it still.
    assert found.pairs["probable"].sum() - right(found, follows) <= 2


def test_strangers_have_no_predecessors() -> None:
    # 3,000 accounts with five of 4,000 addresses each, a tenth of them banned: all sharing is chance.
    rng = np.random.default_rng(1)
    created = rng.integers(0, 200 * DAY, 3000).tolist()
    banned = {
        int(i): created[i] + int(rng.integers(DAY, 30 * DAY)) for i in rng.choice(3000, 300, replace=False)
    }
    uses = [(a, int(s)) for a in range(3000) for s in rng.integers(0, 4000, 5)]
    found = find_successions(graph_of(accounts_of(created, banned), uses, ["ip"] * 4000), NOBODY)
    assert found.pairs["probable"].sum() <= 0.01 * len(banned)
    assert not found.pairs.is_empty()


def test_a_kind_that_is_not_taken_over_comes_to_say_nothing() -> None:
    # Those who follow take cards and devices over; that they have a phone number of the pool, too, is chance.
    graph, members, _ = planted(4, 0.7)
    rng = np.random.default_rng(4)
    phones = [(int(a), graph.signals.height + int(rng.integers(0, 30))) for a in members["account"]]
    uses = [*zip(graph.account.tolist(), graph.signal.tolist(), strict=True), *phones]
    kinds = [*graph.signals["kind"].to_list(), *["phone"] * 30]
    found = find_successions(graph_of(graph.accounts, uses, kinds), members).pairs.filter("probable")
    bits = found.select("parts", "part_bits").explode("parts", "part_bits")
    mean = dict(bits.group_by("parts").agg(pl.col("part_bits").mean()).iter_rows())
    assert mean["phone"] < 2.0  # log2(0.3 * 30 + 0.7) = 3.3 before anything is learned
    assert min(mean["payment"], mean["device"]) > 3.0


def test_no_bans_or_nobody_or_nothing_shared() -> None:
    accounts = accounts_of(crowd(10), {})
    shared = graph_of(accounts, [(0, 0), (1, 0)], ["device"])
    alone = graph_of(accounts_of(crowd(10), {0: DAY}), [(0, 0)], ["device"])
    nothing = graph_of(accounts_of([], {}), [], [])
    for graph, members in ((shared, cluster_of([0, 1])), (alone, cluster_of([0, 1])), (nothing, NOBODY)):
        found = find_successions(graph, members)
        assert found.pairs.is_empty()
        assert (found.pairs.schema, found.campaigns.schema, found.null.schema) == (PAIRS, CAMPAIGNS, NULL)
        assert found.campaigns.height == members["cluster"].n_unique()


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000), st.integers(-1000, 1000))
def test_what_holds_of_every_succession(seed: int, days: int) -> None:
    graph, members, _ = planted(seed, 0.5)
    found = find_successions(graph, members)
    pairs, probable = found.pairs, found.pairs.filter("probable")
    assert probable["successor"].is_unique().all()
    assert probable["predecessor"].is_unique().all()
    assert (probable["probability"] >= 0.5).all()
    assert probable["false_rate"].is_between(0.0, 0.5).all()
    assert pairs["delay_hours"].is_between(0.0, 72.0).all()
    assert (
        pairs.group_by("successor")
        .agg(pl.col("rank").sort() == pl.int_range(1, pl.len() + 1))["rank"]
        .list.all()
        .all()
    )
    assert (pairs.group_by("successor").agg(pl.col("probability").sum())["probability"] <= 1.0).all()
    # The parts add up to the odds against nobody: all odds of a successor follow from them.
    odds = pairs.with_columns(odds=2.0 ** pl.col("part_bits").list.sum())
    whole = odds.with_columns(total=pl.col("probability") / pl.col("odds"))
    spread = whole.group_by("successor").agg(low=pl.col("total").min(), high=pl.col("total").max())
    assert np.allclose(spread["low"], spread["high"], rtol=1e-6)
    # Neither the order of the members nor the date changes anything.
    assert find_successions(graph, members.reverse()).pairs.equals(pairs)
    moved = graph.accounts.with_columns(
        pl.col("created_at") + days * DAY,
        pl.when(pl.col("status_changed_at") >= 0)
        .then(pl.col("status_changed_at") + days * DAY)
        .otherwise("status_changed_at"),
    )
    assert find_successions(with_accounts(graph, moved), members).pairs.equals(pairs)


def test_accounts_of_unknown_age_are_nobodys_successors() -> None:
    accounts = accounts_of([*crowd(), 100 * DAY], {0: 99 * DAY})
    accounts = accounts.with_columns(
        created_at=pl.when(pl.col("id") == "a001000").then(-1).otherwise("created_at")
    )
    graph = graph_of(accounts, [(0, 0), (1000, 0), (999, 0)], ["device"])
    found = find_successions(graph, cluster_of([0, 1000]))
    assert found.pairs.filter(pl.col("successor") == 1000).is_empty()
    assert found.campaigns["stopped"].to_list() == [1]


def naive(graph: SignalGraph, members: pl.DataFrame, most: int, few: int) -> dict[tuple[int, int], set[int]]:
    """Candidates by every pair of accounts, with the values they have in common."""
    lives = build_lives(graph, members)
    uses: dict[int, set[int]] = {}
    for account, signal in zip(graph.account.tolist(), graph.signal.tolist(), strict=True):
        uses.setdefault(account, set()).add(signal)
    found = {}
    for new in range(graph.accounts.height):
        since = lives.created[new] - lives.ended
        gone = np.flatnonzero((lives.ended >= 0) & (since > 0) & (since <= 72 * HOUR))
        peers = [a for a in range(graph.accounts.height) if lives.home[a] == lives.home[new] >= 0]
        near = [a for a in gone.tolist() if a in peers]
        for old in gone.tolist():
            shared = (uses.get(new, set()) & uses.get(old, set())) if old != new else set()
            everybody = range(graph.accounts.height)
            groups = [everybody, peers] if old in peers else [everybody]
            rare = any(
                sum(signal in uses.get(a, set()) for a in group) <= most
                for signal in shared
                for group in groups
            )
            if old != new and (rare or (old in near and len(near) <= few)):
                found[new, old] = shared
    return found


@given(st.integers(0, 10_000))
def test_candidates_are_those_of_looking_at_every_pair(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 24
    accounts = accounts_of(
        rng.integers(0, 8 * DAY, n).tolist(), {int(a): int(rng.integers(0, 8 * DAY)) for a in range(0, n, 2)}
    )
    uses = [(int(a), int(s)) for a, s in zip(rng.integers(0, n, 60), rng.integers(0, 12, 60), strict=True)]
    graph = graph_of(accounts, uses, ["device"] * 12)
    who = rng.choice(n, 14, replace=False)
    members = pl.DataFrame({"cluster": np.sort(rng.integers(0, 3, 14)), "account": who}).cast(pl.Int32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("graphsvc.succession.candidates.MOST_ACCOUNTS", 3)
        patch.setattr("graphsvc.succession.candidates.FEW", 1)
        lives = build_lives(graph, members)
        estate = build_estate(graph, lives)
        pairs = find_candidates(lives, estate)
        common = find_common_values(pairs, estate, n, np.bincount(lives.home[lives.home >= 0]))
    expected = naive(graph, members, 3, 1)
    assert pairs.select("successor", "predecessor").rows() == sorted(expected)
    ends = pairs.select("successor", "predecessor").rows()
    values: dict[tuple[int, int], set[int]] = {pair: set() for pair in ends}
    for pair, signal in common.select("pair", "signal").iter_rows():
        values[ends[pair]].add(signal)
    assert values == expected


def test_levels_derived_before_or_here_are_the_same() -> None:
    graph, members, _ = planted(4, 0.6)
    ranges = [f"10.0.{i % 50}.0/24" if kind == "ip" else "" for i, kind in enumerate(graph.signals["kind"])]
    graph = replace(graph, signals=graph.signals.with_columns(parent=pl.Series(ranges)))
    whole = with_levels(graph)
    assert whole.signals.height > graph.signals.height
    given, derived = find_successions(whole, members), find_successions(graph, members)
    assert given.pairs.height > 100
    assert given.pairs.equals(derived.pairs)
    assert given.null.equals(derived.null)


def test_it_tells_how_far_it_is_and_can_be_stopped() -> None:
    graph, members, _ = planted(5, 0.6)
    told: list[tuple[str, int, int]] = []
    find_successions(graph, members, progress=lambda *step: told.append(step))
    assert {stage for stage, _, _ in told} == {"succession"}
    assert [done for _, done, _ in told] == list(range(1, told[0][2] + 1))

    def stop(_stage: str, done: int, _total: int) -> None:
        raise KeyboardInterrupt(done)

    with pytest.raises(KeyboardInterrupt, match="1"):
        find_successions(graph, members, progress=stop)
