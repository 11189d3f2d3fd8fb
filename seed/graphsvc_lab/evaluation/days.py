"""The result of a simulated day, small enough for JSON and sufficient for the final evaluation."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from graphsvc.model.columns import Schema
from graphsvc_lab.evaluation.earliness import measure_growth
from graphsvc_lab.evaluation.identity import OVERLAPS, RECORDED, SOME, count_overlaps
from graphsvc_lab.evaluation.metrics import evaluate

GROWTH: Schema = {
    "day": pl.Int64, "campaign_id": pl.String, "born": pl.Int64, "living": pl.Int64, "age_days": pl.Float64,
}  # fmt: skip
TELLING = ("born", "split", "revived", "merged", "dormant")
"""Kinds of lineage events that are kept one by one; of the others their number is."""
STRONGEST = 3
"""Signals that are kept of a cluster."""


@dataclass(frozen=True, slots=True)
class DayResult:
    """One day.

    `figures`: accounts, clusters and the rates of an evaluation against what was true by then. `met`: which campaigns
    clusters hold (schema `OVERLAPS`). `growth`: how large campaigns are (schema `GROWTH`). `events`: lineage events of
    the kinds in `TELLING` (schema `RECORDED`). `kinds`: events by kind, all of them. `why`: for each cluster that holds
    `SOME` of a campaign, its `families`, the widest first, and its strongest `signals` (kind, accounts, share).
    """

    day: int
    run: str
    figures: dict[str, Any]
    met: pl.DataFrame
    growth: pl.DataFrame
    events: pl.DataFrame
    kinds: dict[str, int]
    why: dict[str, dict[str, Any]]
    seconds: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return the result ready for JSON. `from_dict` reads it back."""
        plain: dict[str, Any] = {
            name: getattr(self, name) for name in ("day", "run", "figures", "kinds", "why", "seconds")
        }
        return {**plain, **{name: getattr(self, name).rows() for name in ("met", "growth", "events")}}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "DayResult":
        """Build a result from what `to_dict` returned."""
        schemas = {"met": OVERLAPS, "growth": GROWTH, "events": RECORDED}
        frames = {
            name: pl.DataFrame(stored[name], schema=schema, orient="row") for name, schema in schemas.items()
        }
        return cls(**{**stored, **frames})


def evaluate_day(
    day: int,
    end_ms: int,
    *,
    run: str,
    truth: pl.DataFrame,
    accounts: pl.DataFrame,
    members: pl.DataFrame,
    clusters: pl.DataFrame,
    events: pl.DataFrame,
    seconds: dict[str, float],
) -> DayResult:
    """Evaluate what is published at the end of a day.

    Args:
        day: number.
        end_ms: the day's end, ms since 1970.
        run: id of the published run.
        truth: account_id, campaign_id, role, decoy; of the whole world.
        accounts: account_id, created_at (ms since 1970), status; of those there are by then, as they are
            then.
        members: cluster_id, account_id, membership, cluster_score.
        clusters: cluster_id, families, evidence (list of kind, accounts, share …).
        events: kind, id, before, into; of the run.
        seconds: duration of each stage.
    """
    # A day is judged by what exists then, not by campaigns that begin later.
    so_far = truth.join(accounts, on="account_id", how="semi")
    met = count_overlaps(day, members, so_far)
    figures = evaluate(so_far, members)
    kept = {
        name: getattr(figures, name)
        for name in ("precision", "recall", "false_positives", "campaigns_found_of_20")
    }
    # Evidence only of clusters that could be a campaign's first find; all clusters would be most of the file.
    known = met.filter(pl.col("own") >= SOME)["cluster_id"].unique()
    told = clusters.filter(pl.col("cluster_id").is_in(known.implode())).sort("cluster_id")
    return DayResult(
        day,
        run,
        {
            "accounts": so_far.height,
            "clusters": figures.clusters,
            "flagged": figures.flagged_accounts,
            "largest_false_cluster": figures.largest_false_cluster,
            **{name: {"hits": rate.hits, "of": rate.of, "rate": rate.rate} for name, rate in kept.items()},
        },
        met,
        measure_growth(day, end_ms, accounts, so_far),
        events.filter(pl.col("kind").is_in(TELLING))
        .with_columns(day=pl.lit(day, dtype=pl.Int64))
        .select(*RECORDED)
        .sort("kind", "id", "before"),
        dict(events.group_by("kind").len().sort("kind").rows()),
        {
            row["cluster_id"]: _describe_evidence(row["families"], row["evidence"])
            for row in told.iter_rows(named=True)
        },
        seconds,
    )


def _describe_evidence(families: list[str], evidence: list[dict[str, Any]]) -> dict[str, Any]:
    signals = [{name: signal[name] for name in ("kind", "accounts", "share")} for signal in evidence]
    return {"families": families, "signals": signals[:STRONGEST]}
