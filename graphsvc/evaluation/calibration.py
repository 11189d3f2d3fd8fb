"""Whether a membership is right as often as it says."""

from dataclasses import dataclass

import polars as pl

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Members whose membership lies in [`low`, `high`), the last bin closed: how sure, and how often right."""

    low: float
    high: float
    members: int
    said: float | None
    """Mean membership; null in an empty bin."""
    right: float | None
    """Share in their cluster's main campaign; null in an empty bin."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """`brier`: mean of (membership − right)² (Brier 1950), 0 at best; `bins`: the reliability table."""

    brier: float
    members: int
    bins: tuple[Bin, ...]


def calibration(joined: pl.DataFrame) -> Calibration | None:
    """Of every member's `membership` as the probability that it belongs to its cluster's main campaign.

    A cluster's main campaign is the one with most of its accounts (the first by id of equals); in a cluster with none,
    nobody is right. Null when nobody is a member or the members carry no membership.

    Args:
        joined: campaign_id (null: legitimate), cluster_id (null: not flagged), membership (0–1); one row an account.
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
        .unique("cluster_id", keep="first", maintain_order=True)
        .select("cluster_id", main="campaign_id")
    )
    judged = members.join(main, on="cluster_id", how="left").select(
        said="membership", right=(pl.col("campaign_id") == pl.col("main")).fill_null(False).cast(pl.Float64)
    )
    number = (pl.col("said") * BINS).floor().clip(0, BINS - 1).cast(pl.Int32)
    rows = {
        row["bin"]: row
        for row in judged.group_by(bin=number)
        .agg(pl.len().alias("n"), pl.col("said").mean(), pl.col("right").mean())
        .to_dicts()
    }
    empty = {"n": 0, "said": None, "right": None}
    bins = []
    for i in range(BINS):
        row = rows.get(i, empty)
        bins.append(Bin(i / BINS, (i + 1) / BINS, row["n"], row["said"], row["right"]))
    brier = judged.select(((pl.col("said") - pl.col("right")) ** 2).mean()).item()
    return Calibration(float(brier), judged.height, tuple(bins))
