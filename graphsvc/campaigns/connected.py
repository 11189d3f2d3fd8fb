"""Split clusters that a single value holds together."""

import numpy as np
import polars as pl

from graphsvc.campaigns.membership import Evidence
from graphsvc.model.arrays import find_starts, label_components, sign_values

LARGE_PART = 0.2
"""Share of a cluster's members that makes a part of its own; what is smaller stays with the largest."""


def split(given: Evidence, members: pl.DataFrame, pool: pl.DataFrame, smallest: int) -> pl.DataFrame:
    """Split clusters whose parts hang together by nothing, or by a single value.

    Members are connected by the values of their cluster's pool, without the one that most of them have: a cut of one
    value is not a connection (compare Park et al. 2023, "Well-connectedness and community detection", where a cut must
    be larger than log10 of the size). Bands that the same members have are one value.

    Args:
        given: what accounts are weighed by.
        members: cluster, account (int32) and more, sorted; an account is in one cluster at most.
        pool: of `membership.pools`, of the same members.
        smallest: accounts of a part, at least.

    Returns:
        The members, with new numbers for parts split off; sorted by cluster and account.
    """
    if members.is_empty():
        return members
    pool = pool.filter(pl.col("level") == 0)
    row_of, value_of, _ = given.uses.pooled(members, pool)
    order = np.lexsort((row_of, value_of))
    row_of, value_of = row_of[order], value_of[order]
    value = find_starts(value_of)
    if not len(value):
        return members
    sets = pl.DataFrame(
        {
            "cluster": pool["cluster"].gather(value_of[value]),
            "inside": pool["inside"].gather(value_of[value]),
            # Bands of one template have the same members, hence one signature, and are cut together.
            "same": sign_values(row_of, value_of, members.height)[value_of[value]],
        }
    )
    most = sets.sort(["cluster", "inside", "same"], descending=[False, True, False]).unique(
        "cluster", keep="first", maintain_order=True
    )
    cut = sets.join(most.select("cluster", most="same"), on="cluster", how="left", maintain_order="left")
    size = np.diff(np.append(value, len(row_of)))
    number = np.repeat(np.arange(len(value)), size)
    kept = np.repeat((cut["same"] != cut["most"]).to_numpy(), size)
    # Members and values are the nodes of one graph.
    label = label_components(members.height + len(value), row_of[kept], members.height + number[kept])
    part = pl.Series(label[: members.height])
    parts = (
        members.select("cluster", row=pl.int_range(pl.len(), dtype=pl.Int64), part=part)
        .group_by("cluster", "part")
        .agg(size=pl.len(), first=pl.col("row").min())
        .with_columns(whole=pl.col("size").sum().over("cluster"))
        .sort(["cluster", "size", "first"], descending=[False, True, False])
        .with_columns(rank=pl.int_range(pl.len()).over("cluster"))
        .filter(
            # The largest part keeps the cluster's number, and what is too small for a part stays with it.
            (pl.col("rank") > 0)
            & (pl.col("size") >= smallest)
            & (pl.col("size") >= LARGE_PART * pl.col("whole"))
        )
    )
    first_free = int(members["cluster"].max() or 0) + 1  # type: ignore[arg-type]
    fresh = parts.select("part", fresh=pl.int_range(pl.len(), dtype=pl.Int32) + first_free)
    named = members.with_columns(part=part).join(fresh, on="part", how="left", maintain_order="left")
    return (
        named.with_columns(cluster=pl.coalesce("fresh", "cluster").cast(pl.Int32))
        .drop("part", "fresh")
        .sort("cluster", "account")
    )
