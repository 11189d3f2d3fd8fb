"""What a published result is worth, against the truth."""

from dataclasses import dataclass
from typing import Any

import polars as pl

FOUND_JACCARD = 0.5


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `of`; the rate is null where there is nothing to hit."""

    hits: int
    of: int

    @property
    def rate(self) -> float | None:
        """hits / of, 0–1."""
        return self.hits / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of one result.

    `precision`, `recall`: accounts in any cluster against accounts of any campaign. `bcubed_*`: B-cubed (Bagga &
    Baldwin 1998, Amigó et al. 2009) averaged over records, the records being the accounts that are in a campaign
    or in a cluster; an account in none is a cluster of its own. `hydra_*`: the largest campaign, its best
    cluster by Jaccard and the number of clusters that hold some of it. `campaigns_found`: best Jaccard ≥ 0.5.
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
    hydra: str | None
    hydra_size: int
    hydra_jaccard: float
    hydra_fragments: int
    campaigns_found: Rate
    campaigns_found_of_20: Rate
    clusters: int
    largest_false_cluster: int
    decoys: dict[str, Rate]
    roles: dict[str, Rate]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; each rate as hits, of and rate."""

        def plain(value: Any) -> Any:
            if isinstance(value, Rate):
                return {"hits": value.hits, "of": value.of, "rate": value.rate}
            if isinstance(value, dict):
                return {key: plain(inner) for key, inner in value.items()}
            return value

        return {name: plain(getattr(self, name)) for name in type(self).__dataclass_fields__}


def evaluate(truth: pl.DataFrame, members: pl.DataFrame) -> Evaluation:
    """Scores a result.

    Args:
        truth: account_id, campaign_id (null: legitimate), role, decoy; one row an account.
        members: account_id, cluster_id; an account is in one cluster at most.
    """
    joined = truth.join(members.select("account_id", "cluster_id"), on="account_id", how="left")
    bad = joined.filter(pl.col("campaign_id").is_not_null())
    good = joined.filter(pl.col("campaign_id").is_null())
    flagged = joined.filter(pl.col("cluster_id").is_not_null())
    caught = bad["cluster_id"].count()
    overlaps = _overlaps(joined)
    campaigns = _campaigns(bad, overlaps)
    hydra = campaigns.sort("size", "campaign_id", descending=[True, False]).head(1).to_dicts()
    large = campaigns.filter(pl.col("size") >= 20)
    found = pl.col("jaccard") >= FOUND_JACCARD
    false_clusters = (
        flagged.group_by("cluster_id")
        .agg(size=pl.len(), bad=pl.col("campaign_id").is_not_null().sum())
        .filter(pl.col("bad") * 2 < pl.col("size"))
    )
    b_precision, b_recall = _bcubed(joined)
    b_f = 2 * b_precision * b_recall / (b_precision + b_recall) if b_precision + b_recall else 0.0
    return Evaluation(
        accounts=truth.height,
        campaign_accounts=bad.height,
        flagged_accounts=flagged.height,
        precision=Rate(caught, flagged.height),
        recall=Rate(caught, bad.height),
        false_positives=Rate(good["cluster_id"].count(), good.height),
        bcubed_precision=b_precision,
        bcubed_recall=b_recall,
        bcubed_f=b_f,
        hydra=hydra[0]["campaign_id"] if hydra else None,
        hydra_size=hydra[0]["size"] if hydra else 0,
        hydra_jaccard=hydra[0]["jaccard"] if hydra else 0.0,
        hydra_fragments=hydra[0]["fragments"] if hydra else 0,
        campaigns_found=Rate(campaigns.filter(found).height, campaigns.height),
        campaigns_found_of_20=Rate(large.filter(found).height, large.height),
        clusters=flagged["cluster_id"].n_unique(),
        largest_false_cluster=int(false_clusters["size"].max() or 0),  # type: ignore[arg-type]
        decoys=_rates(good, "decoy"),
        roles=_rates(bad, "role"),
    )


def _overlaps(joined: pl.DataFrame) -> pl.DataFrame:
    """campaign_id, cluster_id, both, jaccard; one row a pair that meets."""
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


def _campaigns(bad: pl.DataFrame, overlaps: pl.DataFrame) -> pl.DataFrame:
    best = overlaps.group_by("campaign_id").agg(jaccard=pl.col("jaccard").max(), fragments=pl.len())
    return (
        bad.group_by("campaign_id")
        .agg(size=pl.len())
        .join(best, on="campaign_id", how="left")
        .with_columns(pl.col("jaccard").fill_null(0.0), pl.col("fragments").fill_null(0))
    )


def _bcubed(joined: pl.DataFrame) -> tuple[float, float]:
    """Precision and recall, averaged over the accounts in a campaign or a cluster."""
    records = joined.filter(pl.col("campaign_id").is_not_null() | pl.col("cluster_id").is_not_null())
    if records.is_empty():
        return 1.0, 1.0
    own = pl.lit("account ") + pl.col("account_id")
    records = records.select(
        truth=pl.coalesce(pl.lit("campaign ") + pl.col("campaign_id"), own),
        found=pl.coalesce(pl.lit("cluster ") + pl.col("cluster_id"), own),
    ).with_columns(both=pl.len().over("truth", "found"), t=pl.len().over("truth"), f=pl.len().over("found"))
    precision, recall = records.select(
        p=(pl.col("both") / pl.col("f")).mean(), r=(pl.col("both") / pl.col("t")).mean()
    ).row(0)
    return float(precision), float(recall)


def _rates(accounts: pl.DataFrame, column: str) -> dict[str, Rate]:
    counted = (
        accounts.drop_nulls(column)
        .group_by(column)
        .agg(hits=pl.col("cluster_id").is_not_null().sum(), of=pl.len())
        .sort(column)
    )
    return {name: Rate(hits, of) for name, hits, of in counted.rows()}
