"""Promise: a permuted graph keeps the degrees of accounts and values, and nothing of who shares what with whom."""

from collections import Counter
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_baselines import Uses, graph_of

from graphsvc.linkage.null import SPREAD, permute_graph
from graphsvc.linkage.window import DAY_MS
from graphsvc.model.graph import ACTIVITY_COLUMNS, SignalGraph
from graphsvc.signals.prompts import BANDS

KINDS = ("ip", "device", "prompt", "counterparty")
MINUTE = 60_000
BEGIN = 1_700_000_000_000 // DAY_MS * DAY_MS


def with_times(graph: SignalGraph, seed: int) -> SignalGraph:
    """The graph with lives: sign-ups, statuses, uses after sign-up, traffic, and classes of addresses."""
    rng = np.random.default_rng(seed)
    count, uses = graph.accounts.height, len(graph.account)
    created = BEGIN + rng.integers(0, 100 * DAY_MS, count)
    created[rng.random(count) < 0.1] = -1
    banned = rng.random(count) < 0.2
    accounts = graph.accounts.with_columns(
        created_at=pl.Series(created),
        status=pl.Series(np.where(banned, "banned", "active")),
        status_changed_at=pl.Series(np.where(banned, BEGIN + 100 * DAY_MS, -1)),
        plan=pl.Series(rng.choice(["free", "pro"], count)),
    )
    first = np.maximum(created, BEGIN)[graph.account] + rng.integers(0, 10 * DAY_MS, uses)
    classes = pl.Series(rng.choice(["", "mobile"], graph.signals.height), dtype=pl.String)
    who = np.sort(rng.choice(count, min(count, 20), replace=False)).astype(np.int32)
    activity = pl.DataFrame(
        {
            "account": who,
            "hour": 480_000 + np.arange(len(who)),
            "model": "small",
            "requests": 1 + np.arange(len(who)),
        }
    ).select(pl.col(c).cast(t) for c, t in ACTIVITY_COLUMNS.items())
    signals = graph.signals.with_columns(
        pl.when(pl.col("kind") == "ip").then(classes).otherwise(pl.lit("")).alias("class")
    )
    return replace(
        graph,
        accounts=accounts,
        signals=signals,
        first_seen=first,
        last_seen=first + rng.integers(0, 5 * DAY_MS, uses),
        activity=activity,
    )


@st.composite
def graphs(draw: st.DrawFn) -> SignalGraph:
    accounts = draw(st.integers(2, 30))
    users = st.lists(st.integers(0, accounts - 1), min_size=1, max_size=accounts, unique=True)
    keys = st.tuples(st.sampled_from(KINDS), st.integers(0, 20).map(str))
    uses = draw(st.dictionaries(keys, users, min_size=1, max_size=30))
    return with_times(graph_of(accounts, uses), draw(st.integers(0, 99)))


def degrees(graph: SignalGraph) -> tuple[Counter[tuple[int, str, str]], list[int]]:
    """Uses of each account by kind and class, and of each signal."""
    kind, classes = (graph.signals[name].gather(graph.signal).to_list() for name in ("kind", "class"))
    by_account = Counter(zip(graph.account.tolist(), kind, classes, strict=True))
    return by_account, np.bincount(graph.signal, minlength=graph.signals.height).tolist()


@given(graphs(), st.integers(0, 5))
def test_degrees_stay_and_no_use_is_there_twice(graph: SignalGraph, seed: int) -> None:
    null = permute_graph(graph, seed)
    assert degrees(null) == degrees(graph)
    assert null.signals.equals(graph.signals)
    pairs = list(zip(null.account.tolist(), null.signal.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    assert (null.account.dtype, null.signal.dtype) == (np.int32, np.int32)


@given(graphs(), st.integers(0, 5))
def test_the_same_seed_gives_the_same_graph(graph: SignalGraph, seed: int) -> None:
    before = graph.fingerprint()
    assert permute_graph(graph, seed).fingerprint() == permute_graph(graph, seed).fingerprint()
    assert graph.fingerprint() == before


@given(graphs(), st.integers(0, 5))
def test_lives_move_as_one_and_uses_stay_within_them(graph: SignalGraph, seed: int) -> None:
    null = permute_graph(graph, seed)
    kept = ["id", "plan", "country"]
    assert null.accounts.select(kept).equals(graph.accounts.select(kept))
    assert null.accounts.schema == graph.accounts.schema
    assert sorted(null.accounts["status"]) == sorted(graph.accounts["status"])
    old, new = graph.accounts["created_at"].to_numpy(), null.accounts["created_at"].to_numpy()
    assert (new < 0).sum() == (old < 0).sum()
    newest = max(graph.last_seen.max(), old.max())
    if (old >= 0).any():
        known = old[old >= 0]
        assert new[new >= 0].min() // DAY_MS >= known.min() // DAY_MS
        assert new.max() <= known.max()
    moved = (new[null.account] >= 0) & (old[null.account] >= 0)
    assert (null.first_seen[moved] >= new[null.account][moved]).all()
    assert (null.last_seen >= null.first_seen).all()
    assert null.last_seen.max() <= newest
    # Each account's traffic is one account's, whole.
    rest = ["hour", "model", "requests"]
    assert null.activity.select(rest).sort(rest).equals(graph.activity.select(rest).sort(rest))
    assert null.activity.select("account", "hour", "model").equals(
        null.activity.select("account", "hour", "model").sort("account", "hour", "model")
    )


def shared_pairs(graph: SignalGraph, least: int) -> int:
    """Pairs of accounts with at least so many signals in common."""
    has = np.zeros((graph.accounts.height, graph.signals.height), dtype=np.int32)
    has[graph.account, graph.signal] = 1
    shared = np.triu(has @ has.T, 1)
    return int((shared >= least).sum())


def ring_among(accounts: int, members: int, values: int) -> Uses:
    """A ring that shares all its values of a kind, among accounts of which each has as many of its own."""
    own: Uses = {("counterparty", f"{a}-{v}"): [a] for a in range(members, accounts) for v in range(values)}
    return own | {("counterparty", f"ring-{v}"): list(range(members)) for v in range(values)}


def test_of_a_ring_nothing_is_left() -> None:
    graph = graph_of(300, ring_among(300, 12, 8))
    assert shared_pairs(graph, 2) == 66
    for seed in range(5):
        null = permute_graph(graph, seed)
        assert shared_pairs(null, 1) > 100  # its values are shared as widely, by strangers
        assert shared_pairs(null, 2) < 25
        assert shared_pairs(null, 4) == 0


def test_bands_of_one_prompt_stay_together_and_prompts_part() -> None:
    own: Uses = {("prompt", f"{a}-{band}"): [a] for a in range(40, 300) for band in range(4 * BANDS)}
    ring: Uses = {("prompt", f"ring-{band:02}"): list(range(40)) for band in range(4 * BANDS)}
    graph = graph_of(300, own | ring)
    null = permute_graph(graph, 1)
    users = [set(null.account[null.signal == s].tolist()) for s in range(graph.signals.height)]
    together = Counter(frozenset(u) for u in users if len(u) > 1)
    # Four prompts of six bands each, of four different sets of forty accounts.
    assert sorted(together.values()) == [BANDS] * 4
    assert all(len(u) == 40 for u in together)


@pytest.mark.parametrize("share", [0.9, 1.0])
def test_values_that_nearly_all_have_are_dealt_out_too(share: float) -> None:
    rng = np.random.default_rng(3)
    uses: Uses = {
        ("path", f"p{v}"): rng.choice(50, int(50 * share), replace=False).tolist() for v in range(30)
    }
    uses |= {("path", f"q{v}"): rng.choice(50, 3, replace=False).tolist() for v in range(30)}
    graph = graph_of(50, uses)
    null = permute_graph(graph, 1)
    assert degrees(null) == degrees(graph)
    rare = [s for s in range(graph.signals.height) if graph.signals["key"][s].startswith("path:q")]
    same = sum(
        set(null.account[null.signal == s].tolist()) == set(graph.account[graph.signal == s].tolist())
        for s in rare
    )
    assert same < 5


def test_a_burst_of_sign_ups_is_spread() -> None:
    rng = np.random.default_rng(5)
    created = BEGIN + rng.integers(0, 100 * DAY_MS, 1_000)
    created[:200] = BEGIN + 50 * DAY_MS + rng.integers(0, 10 * MINUTE, 200)
    graph = graph_of(1_000, {("ip", "one"): range(1_000)})
    graph = replace(graph, accounts=graph.accounts.with_columns(created_at=pl.Series(created)))
    new = permute_graph(graph, 2).accounts["created_at"].to_numpy()

    def densest(moments: np.ndarray, window: int) -> int:
        ordered = np.sort(moments)
        return int((np.searchsorted(ordered, ordered + window, side="right") - np.arange(len(ordered))).max())

    assert densest(created, 10 * MINUTE) >= 200
    assert densest(new, 10 * MINUTE) < 20
    assert densest(new, DAY_MS) < 60
    # The fortnight still has them.
    around = np.abs(new - (BEGIN + 50 * DAY_MS)) <= (SPREAD + 2) * DAY_MS
    assert around.sum() > 250


def test_an_empty_graph_stays_empty() -> None:
    graph = graph_of(0, {})
    assert permute_graph(graph, 1).fingerprint() == graph.fingerprint()
