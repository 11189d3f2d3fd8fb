"""From cores to campaigns: members that belong are taken in, cores that share as groups are joined."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graphsvc.campaigns.membership import evidence, pools


@dataclass(frozen=True, slots=True)
class Evidence:
    """What accounts can be weighed by.

    `edges`: account, signal, family (int32), strength (0–1), of signals that more than one account has. `has`, shape
    (accounts, families): whether an account has any value of a family. `ties`, shape (families,): whether a family ties
    accounts, or only supports.
    """

    edges: pl.DataFrame
    has: NDArray[np.bool_]
    ties: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rules:
    """When an account belongs, and when two clusters are one."""

    rounds: int
    """Rounds of joining and growing, at most."""
    growing_membership: float
    """Probability with which an account must belong while clusters grow."""
    join_share: float
    """Share of a smaller cluster's members that must also belong to a larger one for the two to be joined."""
    min_membership: float
    """Probability with which an account must belong in the end."""


MIN_FAMILIES = 2
"""Tying families in which an account must agree with its cluster: nobody is a member for one shared thing."""
SETTLED = 0.0003
"""Growing ends when fewer than this share of memberships changes in a round."""


def grow(
    given: Evidence,
    cores: pl.DataFrame,
    rules: Rules,
    progress: Callable[[str, int, int], None] = lambda _stage, _done, _total: None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Joins and grows cores until nothing much changes, at most `rules.rounds` times.

    Each round pools what every cluster uses, weighs every account against every cluster, joins clusters that share
    as groups, and gives every account to the cluster that its evidence favours.

    Args:
        cores: cluster, account (int32).

    Returns: members (cluster, account, membership, bits) and the pools (see `membership.pools`) they were weighed by.
    """
    members = cores.sort("cluster", "account")
    weighed = weigh(given, members)
    for number in range(rules.rounds):
        joined = weighed.with_columns(
            cluster=pl.Series(join(members, weighed, rules)).gather(weighed["cluster"])
        )
        grown = assign(joined, rules.growing_membership).select("cluster", "account")
        came = grown.join(members, on=["cluster", "account"], how="anti")
        went = members.join(grown, on=["cluster", "account"], how="anti")
        members = grown
        # A cluster's evidence depends on its own members only: what did not change need not be weighed again.
        changed = pl.concat([came, went])["cluster"].unique().implode()
        again = members.filter(pl.col("cluster").is_in(changed))
        kept = weighed.filter(~pl.col("cluster").is_in(changed))
        weighed = pl.concat([kept, weigh(given, again)]).sort("cluster", "account")
        if max(came.height, went.height) <= SETTLED * members.height:
            break
        progress("grow", number + 1, rules.rounds)
    progress("grow", rules.rounds, rules.rounds)
    return assign(weighed, rules.min_membership), pools(given.edges, members, len(given.has))


def weigh(given: Evidence, members: pl.DataFrame) -> pl.DataFrame:
    """Evidence of accounts for the clusters of `members`; see `membership.evidence`."""
    pool = pools(given.edges, members, len(given.has))
    return evidence(given.edges, given.has, given.ties, members, pool, MIN_FAMILIES)


def assign(weighed: pl.DataFrame, min_membership: float) -> pl.DataFrame:
    """Each account's best cluster, if good enough: cluster, account, membership, bits, sorted."""
    return (
        weighed.filter(pl.col("membership") >= min_membership)
        .sort(["account", "membership", "bits", "cluster"], descending=[False, True, True, False])
        .unique("account", keep="first", maintain_order=True)
        .select("cluster", "account", "membership", "bits")
        .sort("cluster", "account")
    )


def join(members: pl.DataFrame, weighed: pl.DataFrame, rules: Rules) -> NDArray[np.int32]:
    """What each cluster is joined into, int32 by cluster number: itself, or the smallest number of those it joins.

    A cluster joins a larger one when `rules.join_share` of its members would belong there too.
    """
    count = int(members["cluster"].max() or 0) + 1  # type: ignore[arg-type]
    size = members.group_by("cluster").agg(size=pl.len())
    would = (
        weighed.filter((pl.col("membership") >= rules.growing_membership) & ~pl.col("member"))
        .join(members.select("account", home="cluster"), on="account")
        .group_by("home", "cluster")
        .agg(n=pl.len())
        .join(size.select(home="cluster", home_size="size"), on="home")
        .join(size, on="cluster")
        .filter(
            (pl.col("home_size") <= pl.col("size")) & (pl.col("n") >= rules.join_share * pl.col("home_size"))
        )
    )
    home, into = would["home"].to_numpy(), would["cluster"].to_numpy()
    adjacency = coo_array((np.ones(len(home), dtype=np.int8), (home, into)), shape=(count, count))
    _, component = connected_components(adjacency, directed=False)
    smallest = np.full(component.max() + 1, count, dtype=np.int32)
    np.minimum.at(smallest, component, np.arange(count, dtype=np.int32))
    joined: NDArray[np.int32] = smallest[component]
    return joined
