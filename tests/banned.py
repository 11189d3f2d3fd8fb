"""Accounts with bans, for the tests of succession: crowds, rings whose banned come back, and what they use."""

import numpy as np
import polars as pl

from graphsvc.campaigns.replacement import HOUR
from graphsvc.model.graph import ACCOUNT_COLUMNS, SignalGraph

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
    }, schema=ACCOUNT_COLUMNS)  # fmt: skip


def graph_of(accounts: pl.DataFrame, uses: list[tuple[int, int]], kinds: list[str]) -> SignalGraph:
    edges = pl.DataFrame(sorted(set(uses)), schema={"account": pl.Int32, "signal": pl.Int32}, orient="row")
    keys = [f"s{i:06}" for i in range(len(kinds))]
    signals = pl.DataFrame({"key": keys, "kind": kinds}, schema={"key": pl.String, "kind": pl.String})
    signals = signals.with_columns(pl.lit("").alias(name) for name in ("parent", "grandparent", "class"))
    times = np.full(edges.height, START)
    activity = pl.DataFrame(
        schema={"account": pl.Int32, "hour": pl.Int64, "model": pl.String, "requests": pl.Int64}
    )
    account, signal = edges["account"].to_numpy(), edges["signal"].to_numpy()
    return SignalGraph(accounts, signals, account, signal, times, times, activity)


def crowd(count: int = 1000) -> list[int]:
    return [i * 200 * DAY // count for i in range(count)]


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
