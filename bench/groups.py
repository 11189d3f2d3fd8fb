"""Figures that `graphsvc evaluate` does not have: mixed clusters, campaigns by size, pairs, expected against true."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import polars as pl

from graphsvc_lab.evaluation.metrics import FOUND_JACCARD
from graphsvc_lab.evaluation.rates import Rate

MIXED = 0.1
"""Share of a cluster's members that a second campaign may have."""
FACTOR = 2.0
"""By which expected and true legitimate accounts may differ."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of accounts in one cluster against pairs in one true group."""

    precision: Rate
    recall: Rate

    @property
    def f(self) -> float:
        """The harmonic mean of precision and recall; 0 where there is no pair of both."""
        both = self.precision.of + self.recall.of
        return 2 * self.precision.hits / both if both else 0.0


def count_unmixed_clusters(truth: pl.DataFrame, members: pl.DataFrame, most: float = MIXED) -> Rate:
    """Count the clusters in which no second campaign has more than `most` of the members.

    The second campaign is the one with the second most members. Legitimate members count as members and as no campaign.

    Args:
        truth: account_id, campaign_id (null: legitimate); one row an account.
        members: account_id, cluster_id.
    """
    joined = members.select("account_id", "cluster_id").join(
        truth.select("account_id", "campaign_id"), on="account_id", how="left"
    )
    size = joined.group_by("cluster_id").agg(size=pl.len())
    second = (
        joined.drop_nulls("campaign_id")
        .group_by("cluster_id", "campaign_id")
        .agg(own=pl.len())
        .group_by("cluster_id")
        .agg(second=pl.col("own").sort(descending=True).get(1, null_on_oob=True))
    )
    mixed = size.join(second, on="cluster_id").filter(pl.col("second") > most * pl.col("size"))
    return Rate(size.height - mixed.height, size.height)


def count_found(truth: pl.DataFrame, members: pl.DataFrame, least: int) -> Rate:
    """Count the campaigns of at least `least` accounts of which one cluster has a Jaccard of 0.5 or more.

    Args:
        truth: account_id, campaign_id (null: legitimate); one row an account.
        members: account_id, cluster_id. Accounts that are not in `truth` are not counted.
    """
    joined = truth.select("account_id", "campaign_id").join(
        members.select("account_id", "cluster_id"), on="account_id", how="left"
    )
    campaigns = joined.drop_nulls("campaign_id").group_by("campaign_id").agg(size=pl.len())
    campaigns = campaigns.filter(pl.col("size") >= least)
    clusters = joined.drop_nulls("cluster_id").group_by("cluster_id").agg(found=pl.len())
    best = (
        joined.drop_nulls(["campaign_id", "cluster_id"])
        .group_by("campaign_id", "cluster_id")
        .agg(both=pl.len())
        .join(campaigns, on="campaign_id")
        .join(clusters, on="cluster_id")
        .filter(pl.col("both") >= FOUND_JACCARD * (pl.col("size") + pl.col("found") - pl.col("both")))
    )
    return Rate(best["campaign_id"].n_unique(), campaigns.height)


def score_pairs(truth: pl.DataFrame, members: pl.DataFrame) -> Pairs:
    """Compare pairs in one cluster with pairs in one true group, of the accounts in `truth`.

    Args:
        truth: account_id, campaign_id (null: in no group); one row an account.
        members: account_id, cluster_id.
    """
    joined = truth.select("account_id", "campaign_id").join(
        members.select("account_id", "cluster_id"), on="account_id", how="left"
    )
    both = _count_pairs(joined, "campaign_id", "cluster_id")
    return Pairs(
        Rate(both, _count_pairs(joined, "cluster_id")),
        Rate(both, _count_pairs(joined, "campaign_id")),
    )


def is_within_factor(expected: float, true: float, factor: float = FACTOR) -> bool:
    """Return whether two counts differ by no more than `factor`. Counts below 1 are taken as 1.

    Without that no expectation of a fraction could be right about none.
    """
    low, high = sorted((max(expected, 1.0), max(true, 1.0)))
    return high <= factor * low


def find_reached(values: Sequence[float], share: float, *, higher: bool) -> float | None:
    """Return the value that at least `share` of the values reach; null without values.

    Args:
        share: 0–1, above 0: 0.5 is the (worse) median, 0.9 the worst decile.
        higher: whether more is better.
    """
    if not values:
        return None
    ordered = sorted(values, reverse=higher)
    return ordered[ceil(share * len(ordered) - 1e-9) - 1]


def _count_pairs(joined: pl.DataFrame, *keys: str) -> int:
    size = joined.drop_nulls(list(keys)).group_by(keys).agg(size=pl.len().cast(pl.Int64))["size"]
    return int((size * (size - 1) // 2).sum())
