"""What clusters are like: how widely each family holds them, where and what they say they are, what became of them.

Tables by cluster, sorted; functions on columns.
"""

import polars as pl

from graphsvc.campaigns.membership import Evidence
from graphsvc.campaigns.uses import used_by
from graphsvc.linkage.bits import degrees
from graphsvc.model.graph import SignalGraph
from graphsvc.model.scale import coarse
from graphsvc.model.sums import summed
from graphsvc.signals.kinds import DERIVED

OWN_DOMAIN = 3
"""Accounts that a domain of one's own has at most."""
STOPPED = ("banned", "suspended")


def holders(given: Evidence, members: pl.DataFrame, pool: pl.DataFrame) -> pl.DataFrame:
    """How widely each family holds a cluster together: cluster, family (int32), share of members, values.

    Values themselves count, not what they are part of.

    Args:
        members: cluster, account (int32).
        pool: of `membership.pools`.
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


def concentration(graph: SignalGraph, members: pl.DataFrame, pool: pl.DataFrame) -> pl.DataFrame:
    """How much of what members use is their cluster's pool: cluster, share of a member's values, on average.

    Args:
        members: cluster, account (int32).
        pool: of `membership.pools`.
    """
    own = pool.lazy().filter(pl.col("level") == 0).select("cluster", "signal", pooled=pl.lit(1))
    values = graph.signals.select(
        signal=pl.int_range(pl.len(), dtype=pl.Int32), fine=~pl.col("kind").is_in(list(DERIVED))
    )
    shares = (
        _used(members, graph)
        .join(values.lazy().filter("fine"), on="signal")
        .join(own, on=["cluster", "signal"], how="left")
        .group_by("cluster", "account")
        .agg(share=pl.col("pooled").count() / pl.len())
        .sort("cluster", "account")
        .collect()
    )
    size = shares.group_by("cluster", maintain_order=True).agg(size=pl.len())
    return size.select("cluster", share=pl.Series(summed(shares, ["cluster"], "share")) / pl.col("size"))


def traits(members: pl.DataFrame, graph: SignalGraph) -> pl.DataFrame:
    """What a cluster's members are like, one row a cluster.

    Returns: cluster, size, first_seen, last_seen (sign-ups, ms), stopped (banned or suspended), declared and coherent
    (share that names an organization, and the commonest one), own_domain (share whose e-mail domain is nearly nobody
    else's), institutional and anonymous (share of address uses by class of network), usual (share of all accounts that
    were stopped, as finely as it matters). Sorted by cluster.
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
    usual = coarse(int(stopped.sum())) / max(coarse(graph.accounts.height), 1)
    parts = [_declared(held), _own_domains(held, graph), _networks(held)]
    for part in parts:
        basic = basic.join(part, on="cluster", how="left")
    shares = ("declared", "coherent", "own_domain")
    return (
        basic.with_columns(pl.col(name).fill_null(0) / pl.col("size") for name in shares)
        .with_columns(pl.col("institutional", "anonymous").fill_null(0.0), usual=pl.lit(usual))
        .sort("cluster")
    )


def _used(members: pl.DataFrame, graph: SignalGraph) -> pl.LazyFrame:
    """What members use: cluster, account, signal."""
    row, signal = used_by(graph, members["account"].to_numpy())
    return members.select("cluster", "account")[row].lazy().with_columns(signal=pl.Series(signal))


def _declared(held: pl.DataFrame) -> pl.DataFrame:
    # An account that has named two organizations over time is one that names some.
    return (
        held.filter(pl.col("kind") == "organization")
        .with_columns(same=pl.len().over("cluster", "signal"))
        .group_by("cluster")
        .agg(declared=pl.col("account").n_unique(), coherent=pl.col("same").max())
    )


def _own_domains(held: pl.DataFrame, graph: SignalGraph) -> pl.DataFrame:
    domains = held.filter(pl.col("kind") == "email_domain")
    degree = pl.Series(degrees(graph)).gather(domains["signal"])
    return (
        domains.filter(degree <= OWN_DOMAIN).group_by("cluster").agg(own_domain=pl.col("account").n_unique())
    )


def _networks(held: pl.DataFrame) -> pl.DataFrame:
    uses = held.filter(pl.col("class") != "").group_by("cluster")
    return uses.agg(
        institutional=pl.col("class").is_in(["education", "corporate"]).mean(),
        anonymous=pl.col("class").is_in(["hosting", "proxy", "vpn"]).mean(),
    )
