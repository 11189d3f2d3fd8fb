"""Earliness: size and age of campaigns on the day they are found, and the evidence that revealed them."""

import polars as pl

from graphsvc.model.columns import Schema
from graphsvc_lab.evaluation.identity import MOSTLY, SOME

FOUND: Schema = {
    "campaign_id": pl.String,
    "size": pl.Int64,
    "day": pl.Int64,
    "size_when_found": pl.Int64,
    "age_days": pl.Float64,
    "cluster_id": pl.String,
    "own": pl.Int64,
    "cluster_size": pl.Int64,
    "half_day": pl.Int64,
    "there_before": pl.Boolean,
}
"""A row a campaign that was born: how many accounts it has at last; the first day it was found, with its accounts born
by then, days since its first sign-up, the cluster and how many of its accounts that holds; the first day on which one
cluster holds half of its living accounts (days null: never); whether it was older than the first day."""


def measure_earliness(met: pl.DataFrame, growth: pl.DataFrame, partners: dict[str, str]) -> pl.DataFrame:
    """Find the first day of each campaign.

    A campaign is found on the first day on which a published cluster has `SOME` of its accounts and is mostly
    its own (`MOSTLY`). An investigator who opens that cluster sees the campaign, perhaps only a part of it.
    Allied campaigns are found together. Half of a campaign is found when one cluster holds half of its living
    accounts.

    Args:
        met: `identity.OVERLAPS` of all days.
        growth: day, campaign_id, born (accounts there have been), living, age_days (at the day's end); a row
            a day and campaign from its first account on.
        partners: allied campaigns, both ways.

    Returns:
        Schema `FOUND`, by campaign.
    """
    ally = pl.col("campaign_id").replace_strict(partners, default=None, return_dtype=pl.String)
    allied = met.select("day", "cluster_id", ally="campaign_id", theirs="own")
    known = (
        met.with_columns(ally=ally)
        .join(allied, on=["day", "cluster_id", "ally"], how="left")
        .join(growth, on=["day", "campaign_id"])
        # An ally's accounts count for the cluster being a campaign's, since allied campaigns act as one.
        .with_columns(together=pl.col("own") + pl.col("theirs").fill_null(0))
        .filter((pl.col("together") >= MOSTLY * pl.col("size")) & (pl.col("own") >= SOME))
        .sort("day", "own", "cluster_id", descending=[False, True, False])
    )
    # Sorted by day, then by own accounts: of the first day the cluster that has most of them.
    first = known.unique("campaign_id", keep="first", maintain_order=True)
    half = (
        known.filter(pl.col("own") >= MOSTLY * pl.col("living"))
        .group_by("campaign_id")
        .agg(half_day=pl.col("day").min())
    )
    final = growth.group_by("campaign_id").agg(total=pl.col("born").max(), began=pl.col("day").min())
    return (
        final.join(first, on="campaign_id", how="left")
        .join(half, on="campaign_id", how="left")
        .select(
            "campaign_id",
            "day",
            "age_days",
            "cluster_id",
            "own",
            "half_day",
            # The names are free only here: until now `size` was the cluster's.
            size=pl.col("total"),
            size_when_found=pl.col("born"),
            cluster_size=pl.col("size"),
            there_before=pl.col("began") == growth["day"].min(),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in FOUND.items())
        .sort("campaign_id")
    )


def measure_growth(day: int, end_ms: int, accounts: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Measure size and age of campaigns at the end of a day.

    Args:
        day: number.
        end_ms: the day's end, ms since 1970.
        accounts: account_id, created_at (ms since 1970), status, as known then.
        truth: account_id, campaign_id (null: legitimate).

    Returns:
        day, campaign_id, born, living, age_days; by campaign.
    """
    return (
        accounts.join(truth.drop_nulls("campaign_id"), on="account_id")
        .group_by("campaign_id")
        .agg(
            born=pl.len().cast(pl.Int64),
            living=(pl.col("status") == "active").sum().cast(pl.Int64),
            age_days=(end_ms - pl.col("created_at").min()) / 86_400_000,
        )
        .select(pl.lit(day, dtype=pl.Int64).alias("day"), "campaign_id", "born", "living", "age_days")
        .sort("campaign_id")
    )
