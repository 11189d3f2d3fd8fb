"""From cores to campaigns: members that belong are taken in, cores that share as groups are joined."""

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graphsvc.campaigns.membership import evidence, pools


def grow(
    edges: pl.DataFrame,
    cores: pl.DataFrame,
    accounts: int,
    *,
    rounds: int,
    min_membership: float,
    min_families: int,
    join_share: float,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Joins and grows cores until nothing changes, at most `rounds` times.

    Each round pools what every cluster uses, weighs every account against every cluster, joins clusters of which
    at least `join_share` of the smaller one's members would belong to the larger, and gives every account to the
    cluster that its evidence favours, if it agrees in `min_families` families and belongs with `min_membership`.

    Args:
        edges: account, signal, family (int32).
        cores: cluster, account (int32).

    Returns: members (cluster, account, membership, bits) and the pools (see `membership.pools`) they were weighed by.
    """
    members = cores.sort("cluster", "account")
    for _ in range(rounds):
        weighed = evidence(edges, members, pools(edges, members, accounts), accounts)
        joined = join(members, weighed, min_membership, join_share)
        if joined.equals(members):
            taken = assign(weighed, min_membership, min_families)
            if taken.select("cluster", "account").equals(members):
                break
            members = taken.select("cluster", "account")
        else:
            members = joined
    pool = pools(edges, members, accounts)
    final = assign(evidence(edges, members, pool, accounts), min_membership, min_families)
    return final, pool


def assign(weighed: pl.DataFrame, min_membership: float, min_families: int) -> pl.DataFrame:
    """Each account's best cluster, if good enough: cluster, account, membership, bits, sorted."""
    return (
        weighed.filter((pl.col("membership") >= min_membership) & (pl.col("families") >= min_families))
        .sort(["account", "membership", "bits", "cluster"], descending=[False, True, True, False])
        .unique("account", keep="first", maintain_order=True)
        .select("cluster", "account", "membership", "bits")
        .sort("cluster", "account")
    )


def join(
    members: pl.DataFrame, weighed: pl.DataFrame, min_membership: float, join_share: float
) -> pl.DataFrame:
    """Members with clusters joined that share as groups; a joined cluster keeps the smallest number."""
    size = members.group_by("cluster").agg(size=pl.len())
    would = (
        weighed.filter((pl.col("membership") >= min_membership) & ~pl.col("member"))
        .join(members.select("account", home="cluster"), on="account")
        .group_by("home", "cluster")
        .agg(n=pl.len())
        .join(size.select(home="cluster", home_size="size"), on="home")
        .join(size, on="cluster")
        .filter((pl.col("home_size") <= pl.col("size")) & (pl.col("n") >= join_share * pl.col("home_size")))
    )
    if would.is_empty():
        return members
    count = int(members["cluster"].max()) + 1  # type: ignore[arg-type]
    home, into = would["home"].to_numpy(), would["cluster"].to_numpy()
    adjacency = coo_array((np.ones(len(home), dtype=np.int8), (home, into)), shape=(count, count))
    _, component = connected_components(adjacency, directed=False)
    smallest = np.full(component.max() + 1, count, dtype=np.int64)
    np.minimum.at(smallest, component, np.arange(count))
    numbers = smallest[component[members["cluster"].to_numpy()]].astype(np.int32)
    return members.with_columns(cluster=pl.Series(numbers)).sort("cluster", "account")
