"""Cores that share as groups are one campaign."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graphsvc.linkage.pairs import BANDS_OF_A_TEMPLATE

MIN_VALUES = 4
"""Different values that two cores must share."""
MIN_FAMILIES = 2
"""Families they must be of."""
MIN_ACCOUNTS = 3
"""Accounts of each of the two that must hold them: one account that touched both is no bridge."""
MIN_SHARE, FEW_VALUES = 0.3, 2
"""Where this share of the smaller core's accounts hold what is shared, so few values are enough, in two hands each."""

WIDELY_HELD = 0.1
"""Share of a core's accounts that have a band of a template of its own."""


def join(members: pl.DataFrame, edges: pl.DataFrame, templates: pl.DataFrame | None = None) -> pl.DataFrame:
    """Joins cores that share several values of several families, which strangers do not come to share.

    Large campaigns fall into many communities, each with cards, devices and addresses of its own, and a few of the
    others'. One value in common is a borrowed address or a resold card; several of several kinds, held by different
    accounts, are one operator's.

    Args:
        members: cluster, account (int32); an account is in one cluster at most.
        edges: account, signal, family (int32), of values that strangers do not come to share.
        templates: the same of bands of prompts, single ones of which strangers do share by chance: they count where
            many of both cores have them, all bands of a template as one value, and more of them as a second family.

    Returns: members with their clusters joined, each named by the smallest of its cores; sorted.
    """
    count = int(members["cluster"].max() or 0) + 1  # type: ignore[arg-type]
    size = members.group_by("cluster").agg(size=pl.len())
    held = edges.join(members.select("account", "cluster"), on="account")
    used = held.group_by("cluster", "signal").agg(pl.col("family").first(), who=pl.col("account"))
    used = used.with_columns(worth=pl.lit(1.0))
    if templates is not None:
        used = pl.concat([used, _widely_held(templates, members, size)])
    several = used.filter(pl.col("cluster").n_unique().over("signal") > 1)
    shared = several.join(several.drop("family", "worth"), on="signal").filter(
        pl.col("cluster") < pl.col("cluster_right")
    )
    bands = (pl.col("worth") < 1.0).sum().cast(pl.Int64)
    fine = pl.col("worth") == 1.0
    # One template and one address are met by chance; a second of either is not.
    told = (bands > BANDS_OF_A_TEMPLATE) | (fine.sum() > 1)
    pairs = (
        shared.group_by("cluster", "cluster_right")
        .agg(
            values=fine.sum() + told * (bands / BANDS_OF_A_TEMPLATE).ceil(),
            families=pl.col("family").filter(fine).n_unique()
            + told * ((bands > 0).cast(pl.Int64) + (bands > BANDS_OF_A_TEMPLATE)),
            left=pl.col("who").list.explode(keep_nulls=False, empty_as_null=False).n_unique(),
            right=pl.col("who_right").list.explode(keep_nulls=False, empty_as_null=False).n_unique(),
        )
        .join(size, on="cluster")
        .join(size.select(cluster_right="cluster", size_right="size"), on="cluster_right")
    )
    share = (
        pl.when(pl.col("size") < pl.col("size_right"))
        .then(pl.col("left") / pl.col("size"))
        .when(pl.col("size") > pl.col("size_right"))
        .then(pl.col("right") / pl.col("size_right"))
        .otherwise(pl.min_horizontal("left", "right") / pl.col("size"))
    )
    enough = (pl.col("values") >= MIN_VALUES) & (pl.min_horizontal("left", "right") >= MIN_ACCOUNTS)
    few = (pl.col("values") >= FEW_VALUES) & (share >= MIN_SHARE) & (pl.min_horizontal("left", "right") >= 2)
    bridges = pairs.filter((pl.col("families") >= MIN_FAMILIES) & (enough | few))
    return members.with_columns(cluster=pl.Series(_smallest(bridges, count)).gather(members["cluster"])).sort(
        "cluster", "account"
    )


def _widely_held(templates: pl.DataFrame, members: pl.DataFrame, size: pl.DataFrame) -> pl.DataFrame:
    """Bands that many of a core's accounts have: cluster, signal, family, who, worth."""
    return (
        templates.join(members.select("account", "cluster"), on="account")
        .group_by("cluster", "signal")
        .agg(pl.col("family").first(), who=pl.col("account"))
        .join(size, on="cluster")
        .filter(
            (pl.col("who").list.len() >= MIN_ACCOUNTS)
            & (pl.col("who").list.len() >= WIDELY_HELD * pl.col("size"))
        )
        .select("cluster", "signal", "family", "who", worth=pl.lit(1.0 / BANDS_OF_A_TEMPLATE))
    )


def _smallest(bridges: pl.DataFrame, count: int) -> NDArray[np.int32]:
    ends = (bridges["cluster"].to_numpy(), bridges["cluster_right"].to_numpy())
    graph = coo_array((np.ones(bridges.height, dtype=np.int8), ends), shape=(count, count))
    _, component = connected_components(graph, directed=False)
    smallest = np.full(int(component.max(initial=-1)) + 1, count, dtype=np.int32)
    np.minimum.at(smallest, component, np.arange(count, dtype=np.int32))
    named: NDArray[np.int32] = smallest[component]
    return named
