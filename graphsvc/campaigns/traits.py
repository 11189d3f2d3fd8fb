"""Measure traits of clusters: how widely each family holds them, networks and declarations of members, and bans.

Tables by cluster, sorted; functions on columns.
"""

import numpy as np
import polars as pl

from graphsvc.campaigns.membership import Evidence
from graphsvc.linkage.signals import SignalTable
from graphsvc.linkage.uses import used_by
from graphsvc.model.arrays import sum_runs
from graphsvc.model.graph import SignalGraph
from graphsvc.model.scale import coarse
from graphsvc.signals.kinds import DERIVED

OWN_DOMAIN = 3
"""Accounts that a domain of one's own has at most."""
STOPPED = ("banned", "suspended")
INSTITUTIONS, ANONYMOUS = ("education", "corporate"), ("hosting", "proxy", "vpn")
"""Classes of network that say where an account is from, and that hide it."""


def holders(given: Evidence, members: pl.DataFrame, pool: pl.DataFrame) -> pl.DataFrame:
    """Measure how widely each family holds a cluster together.

    Values themselves count, not what they are part of.

    Args:
        given: what accounts are weighed by.
        members: cluster, account (int32).
        pool: of `membership.pools`.

    Returns:
        cluster, family (int32), values, share (of members), sorted by cluster and family.
    """
    size = members.group_by("cluster").agg(size=pl.len())
    pool = pool.filter(pl.col("level") == 0)
    row, value, _ = given.uses.pooled(members, pool)
    return (
        pool.select("cluster", "signal", "family")[value]
        .with_columns(account=members["account"].gather(row))
        .group_by("cluster", "family")
        .agg(holders=pl.col("account").n_unique(), values=pl.col("signal").n_unique())
        .join(size, on="cluster")
        .select("cluster", "family", "values", share=pl.col("holders") / pl.col("size"))
        .sort("cluster", "family")
    )


def measure_ownership(graph: SignalGraph, members: pl.DataFrame, pool: pl.DataFrame) -> pl.DataFrame:
    """Measure how much of what members use is shared within their cluster, and how far that is the cluster's own.

    Busy accounts of one community find most of what they use with some other member too. But outsiders use it as well,
    while what an operator shares out among its accounts few others use. Only both together tell the two apart.

    Args:
        graph: the graph that the run reads.
        members: cluster, account (int32), sorted.
        pool: of `membership.pools`, of the same members.

    Returns:
        cluster, family (int32), pooled and own, sorted by cluster and family; clusters without a pool have no row.
        `pooled` is the share of a member's values, on average, that are of the family and in the pool. `own` is the
        share of their other users who are members, less what a random group of the size has: 1 if all are, 0 if as many
        as of all accounts.
    """
    fine = ~graph.signals["kind"].is_in(list(DERIVED)).to_numpy()
    row, signal = used_by(graph, members["account"].to_numpy())
    # Prefixes, systems and BINs would count their values twice.
    row, signal = row[fine[signal]], signal[fine[signal]]
    # Each member counts as one, and each of its values as a part of it.
    weight = 1.0 / np.bincount(row, minlength=members.height)[row]
    pool = pool.filter(pl.col("level") == 0)
    keys = pool["cluster"].to_numpy().astype(np.int64) * len(fine) + pool["signal"].to_numpy()
    asked = members["cluster"].to_numpy().astype(np.int64)[row] * len(fine) + signal
    place = np.searchsorted(keys, asked)
    # The appended key stands for places beyond the last.
    met = np.append(keys, -1)[place] == asked
    place, weight = place[met], weight[met]
    # The member itself is not one of the other users.
    inside, outside = pool["inside"].to_numpy() - 1, (pool["degree"] - pool["inside"]).to_numpy()
    share = inside / (inside + coarse(np.maximum(outside, 0)))
    size = members.group_by("cluster").agg(size=pl.len())
    sums = pool.select(
        "cluster",
        "family",
        pooled=pl.Series(np.bincount(place, weight, minlength=pool.height)),
        owned=pl.Series(np.bincount(place, weight * share[place], minlength=pool.height)),
    ).sort("cluster", "family", maintain_order=True)
    found = sums.select("cluster", "family").unique(maintain_order=True)
    pooled, owned = (pl.Series(sum_runs(sums, ["cluster", "family"], name)) for name in ("pooled", "owned"))
    chance = (pl.col("size") - 1) / max(coarse(graph.accounts.height) - 1, 1)
    return (
        found.with_columns(pooled=pooled, own=owned / pooled)
        .join(size, on="cluster", maintain_order="left")
        .select(
            "cluster",
            "family",
            pooled=pl.col("pooled") / pl.col("size"),
            # A cluster of all accounts has no outsiders to differ from.
            own=pl.when(chance < 1.0).then((pl.col("own") - chance) / (1.0 - chance)).otherwise(0.0),
        )
    )


def traits(members: pl.DataFrame, graph: SignalGraph, signals: SignalTable) -> pl.DataFrame:
    """Measure the traits of clusters' members; `measure_usual` has the same of all accounts.

    Args:
        members: cluster, account (int32).
        graph: the graph that the run reads.
        signals: its signals, among all accounts.

    Returns:
        cluster, size, first_seen, last_seen (sign-ups, ms), stopped (banned or suspended), and as shares: declared
        (members that name an organization), own_domain (members whose e-mail domain hardly any other account has),
        institutional and anonymous (address uses by class of network). One row a cluster, sorted.
    """
    stopped = graph.accounts["status"].is_in(STOPPED)
    about = graph.accounts.select(
        "created_at", stopped=stopped, account=pl.int_range(pl.len(), dtype=pl.Int32)
    )
    basic = (
        members.select("cluster", "account")
        .join(about, on="account")
        .group_by("cluster")
        .agg(
            size=pl.len().cast(pl.Int64),
            first_seen=pl.col("created_at").min(),
            last_seen=pl.col("created_at").max(),
            stopped=pl.col("stopped").sum().cast(pl.Int64),
        )
    )
    held = (
        _used(members, graph)
        .join(
            graph.signals.lazy()
            .select("kind", "class", signal=pl.int_range(pl.len(), dtype=pl.Int32))
            .filter(pl.col("kind").is_in(["organization", "email_domain"]) | (pl.col("class") != "")),
            on="signal",
        )
        .collect()
    )
    parts = [_declared(held), _own_domains(held, signals), _networks(held)]
    for part in parts:
        basic = basic.join(part, on="cluster", how="left")
    shares = ("declared", "own_domain")
    return (
        basic.with_columns(pl.col(name).fill_null(0) / pl.col("size") for name in shares)
        .with_columns(pl.col("institutional", "anonymous").fill_null(0.0))
        .sort("cluster")
    )


def measure_usual(graph: SignalGraph, signals: SignalTable) -> dict[str, float]:
    """Measure the shares of `traits` for all accounts, or all address uses, as finely as they matter (`coarse`)."""
    accounts = graph.accounts.height
    kind, group = graph.signals["kind"], graph.signals["class"]

    def count_accounts(which: pl.Series) -> int:
        return len(np.unique(graph.account[which.to_numpy()[graph.signal]]))

    def count_uses(which: pl.Series) -> int:
        return int(which.to_numpy()[graph.signal].sum())

    own = (kind == "email_domain") & (pl.Series(signals.users) <= OWN_DOMAIN)
    counts = {
        "stopped": (int(graph.accounts["status"].is_in(STOPPED).sum()), accounts),
        "declared": (count_accounts(kind == "organization"), accounts),
        "own_domain": (count_accounts(own), accounts),
        "institutional": (count_uses(group.is_in(INSTITUTIONS)), count_uses(group != "")),
        "anonymous": (count_uses(group.is_in(ANONYMOUS)), count_uses(group != "")),
    }
    return {name: coarse(some) / max(coarse(every), 1) for name, (some, every) in counts.items()}


def _used(members: pl.DataFrame, graph: SignalGraph) -> pl.LazyFrame:
    """Return what members use: cluster, account, signal."""
    row, signal = used_by(graph, members["account"].to_numpy())
    return members.select("cluster", "account")[row].lazy().with_columns(signal=pl.Series(signal))


def _declared(held: pl.DataFrame) -> pl.DataFrame:
    # An account that has named two organizations over time is one that names some.
    return (
        held.filter(pl.col("kind") == "organization")
        .group_by("cluster")
        .agg(declared=pl.col("account").n_unique())
    )


def _own_domains(held: pl.DataFrame, signals: SignalTable) -> pl.DataFrame:
    domains = held.filter(pl.col("kind") == "email_domain")
    degree = pl.Series(signals.users).gather(domains["signal"])
    return (
        domains.filter(degree <= OWN_DOMAIN).group_by("cluster").agg(own_domain=pl.col("account").n_unique())
    )


def _networks(held: pl.DataFrame) -> pl.DataFrame:
    uses = held.filter(pl.col("class") != "").group_by("cluster")
    return uses.agg(
        institutional=pl.col("class").is_in(INSTITUTIONS).mean(),
        anonymous=pl.col("class").is_in(ANONYMOUS).mean(),
    )
