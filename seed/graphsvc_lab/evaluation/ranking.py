"""Metrics of a ranking: accounts by their score, clusters by theirs."""

from dataclasses import dataclass

import polars as pl

from graphsvc_lab.evaluation.rates import Rate

FALSE_POSITIVE_RATES = (0.0001, 0.001, 0.01)
TOP_CLUSTERS = (10, 50, 100)


@dataclass(frozen=True, slots=True)
class AtRate:
    """Account recall while at most the share `limit` (0–1) of legitimate accounts is flagged.

    `recall` is None if even the accounts with the highest score flag more than that. `ended`: the curve stops
    below the limit. Everything flagged is counted, and a lower threshold would add nothing.
    """

    limit: float
    recall: Rate | None
    threshold: float | None
    ended: bool


def measure_recall_at_rates(joined: pl.DataFrame) -> tuple[AtRate, ...] | None:
    """Measure recall at each of `FALSE_POSITIVE_RATES`, accounts ranked by membership × cluster score.

    Args:
        joined: campaign_id (null: legitimate), cluster_id (null: not flagged), membership, cluster_score
            (0–1); one row an account.

    Returns:
        None if the members carry no scores.
    """
    bad, good = joined["campaign_id"].count(), joined["campaign_id"].null_count()
    flagged = joined.filter(pl.col("cluster_id").is_not_null())
    scored = flagged.with_columns(score=pl.col("membership") * pl.col("cluster_score"))
    if scored["score"].null_count():
        return None
    # Accounts of equal score count together, because no threshold separates them.
    curve = (
        scored.group_by("score")
        .agg(hits=pl.col("campaign_id").count(), wrong=pl.col("campaign_id").null_count())
        .sort("score", descending=True)
        .with_columns(pl.col("hits", "wrong").cum_sum())
    )
    points = []
    for limit in FALSE_POSITIVE_RATES:
        kept = curve.filter(pl.col("wrong") <= limit * good)
        ended = kept.height == curve.height
        last = kept.row(-1, named=True) if kept.height else None
        if last is None and not ended:
            points.append(AtRate(limit, None, None, ended))
        else:
            hits, threshold = (last["hits"], last["score"]) if last else (0, None)
            points.append(AtRate(limit, Rate(hits, bad), threshold, ended))
    return tuple(points)


def measure_top_precision(joined: pl.DataFrame) -> dict[str, Rate] | None:
    """Count right clusters among the first 10, 50 and 100 by score.

    A cluster is right if most of it is one campaign.

    Equal scores are ordered by size, largest first, then by id. If there are fewer clusters, `of` is their
    number.

    Args:
        joined: as in `measure_recall_at_rates`.

    Returns:
        None if the clusters carry no scores.
    """
    flagged = joined.filter(pl.col("cluster_id").is_not_null())
    if flagged["cluster_score"].null_count():
        return None
    ranked = (
        flagged.group_by("cluster_id", "campaign_id")
        .agg(n=pl.len(), score=pl.col("cluster_score").first())
        .group_by("cluster_id")
        .agg(
            size=pl.col("n").sum(),
            score=pl.col("score").first(),
            most=pl.col("n").filter(pl.col("campaign_id").is_not_null()).max().fill_null(0),
        )
        .sort("score", "size", "cluster_id", descending=[True, True, False])
        .select(right=2 * pl.col("most") > pl.col("size"))["right"]
    )
    return {str(k): Rate(int(ranked.head(k).sum()), min(k, ranked.len())) for k in TOP_CLUSTERS}
