"""Calibration: how often a membership is right, compared with its probability."""

from dataclasses import dataclass
from itertools import pairwise

import polars as pl

EDGES = tuple(i / 10 for i in range(11))
FINE_EDGES = (0.9, 0.99, 0.999, 1.0)
"""The highest bin once more, finer: nearly all who are published are in it."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Members with a membership in [`low`, `high`); the last bin includes its end."""

    low: float
    high: float
    members: int
    said: float | None
    """Mean membership; null in an empty bin."""
    right: float | None
    """Share in their cluster's main campaign; null in an empty bin."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Brier score and reliability tables of memberships.

    `brier`: mean of (membership − right)² (Brier 1950), 0 at best. `bins`: tenths; `fine`: the highest of
    them at `FINE_EDGES`.
    """

    brier: float
    members: int
    bins: tuple[Bin, ...]
    fine: tuple[Bin, ...]


def measure_calibration(joined: pl.DataFrame) -> Calibration | None:
    """Measure each `membership` as the probability that the account belongs to its cluster's main campaign.

    The main campaign of a cluster is the one with most of its accounts, the first by id among equals. In a
    cluster without a campaign no membership is right.

    Args:
        joined: campaign_id (null: legitimate), cluster_id (null: not flagged), membership (0–1); one row an
            account.

    Returns:
        None if there are no members, or they carry no membership.
    """
    members = joined.filter(pl.col("cluster_id").is_not_null()).select(
        "campaign_id", "cluster_id", "membership"
    )
    if members.is_empty() or members["membership"].null_count():
        return None
    main = (
        members.drop_nulls("campaign_id")
        .group_by("cluster_id", "campaign_id")
        .agg(n=pl.len())
        .sort("n", "campaign_id", descending=[True, False])
        # The id decides between campaigns with as many accounts, so that the result is the same each time.
        .unique("cluster_id", keep="first", maintain_order=True)
        .select("cluster_id", main="campaign_id")
    )
    judged = members.join(main, on="cluster_id", how="left").select(
        # Null where the member, or the whole cluster, belongs to no campaign.
        said="membership",
        right=(pl.col("campaign_id") == pl.col("main")).fill_null(False).cast(pl.Float64),
    )
    brier = judged.select(((pl.col("said") - pl.col("right")) ** 2).mean()).item()
    return Calibration(
        float(brier), judged.height, _build_bins(judged, EDGES), _build_bins(judged, FINE_EDGES)
    )


def _build_bins(judged: pl.DataFrame, edges: tuple[float, ...]) -> tuple[Bin, ...]:
    """Build the bins between `edges`; `judged` has said and right (0–1)."""
    bins = []
    for low, high in pairwise(edges):
        said = pl.col("said")
        inside = judged.filter((said >= low) & ((said < high) | (said == high) & (high == edges[-1])))
        mean, right = inside.select(said.mean(), pl.col("right").mean()).row(0)
        bins.append(Bin(low, high, inside.height, mean, right))
    return tuple(bins)
