"""Clusters as columns."""

import hashlib
from dataclasses import dataclass, field, replace
from enum import StrEnum

import polars as pl

from graphsvc.model.columns import Schema
from graphsvc.model.graph import SignalGraph


class Assessment(StrEnum):
    """Assessment of a published cluster."""

    CAMPAIGN = "campaign"
    LIKELY_BUSINESS = "likely_business"


CLUSTERS: Schema = {
    "cluster": pl.Int32,
    "id": pl.String,
    "size": pl.Int64,
    "score": pl.Float64,
    "coordination": pl.Float64,
    "assessment": pl.String,
    "bits": pl.Float64,
    "families": pl.List(pl.String),
    "first_seen": pl.Int64,
    "last_seen": pl.Int64,
    "summary": pl.String,
    "parts": pl.String,
    "rank": pl.Int64,
}
"""`score` is the hostility: the probability of a campaign. `coordination` is the probability of one operator.
`assessment` is a value of `Assessment`. `rank` counts all clusters, campaigns first."""
WHY: Schema = {
    "families": pl.List(pl.String),
    "family_bits": pl.List(pl.Float64),
    "signals": pl.List(pl.Int32),
}
"""Evidence by family: three parallel lists. `family_bits`: bits that each family adds, negative if it speaks
against. `signals`: the strongest signal shared in it, -1 = none. Families are those of signals and
pseudo-families such as `PRIOR`."""
PRIOR = "prior"
"""Pseudo-family of the prior, which holds before any evidence."""
MEMBERS: Schema = {
    "cluster": pl.Int32,
    "account": pl.Int32,
    "membership": pl.Float64,
    "bits": pl.Float64,
    **WHY,
    "sharers": pl.List(pl.Int64),
}
"""`sharers` is parallel to `signals`: other members of the cluster that have the signal, 0 if there is none."""
SHARED: Schema = {
    "cluster": pl.Int32,
    "signal": pl.Int32,
    "rank": pl.Int64,
    "accounts": pl.Int64,
    "share": pl.Float64,
    "bits": pl.Float64,
}
"""Signals that members of a cluster share. `accounts`: members with the signal; `share`: of all members, 0–1;
`rank` counts from 1 in a cluster."""
GROWN: Schema = {"cluster": pl.Int32, "account": pl.Int32}
LINKS: Schema = {
    "source": pl.Int32,
    "target": pl.Int32,
    "bits": pl.Float64,
    **WHY,
}


@dataclass(frozen=True, slots=True)
class Found:
    """Result of a detection run, before it is published.

    Frames have the schemas `CLUSTERS`, `MEMBERS`, `SHARED` and `LINKS`. Clusters are in the order of their
    ranks, campaigns first. `bits` of members and links are the sums of their `family_bits`.

    Row numbers: `cluster` of `clusters`; `account`, `source` and `target` of the accounts read; `signal` and
    `signals` of `keys`. `keys` are those of the signals read, then those of the signals derived from them.
    `thresholds` are those that the run derived from its parameters, by name. `grown` are the members (cluster,
    account, int32, sorted) of all grown clusters, published or not, that accounts were weighed by last.
    """

    clusters: pl.DataFrame
    members: pl.DataFrame
    shared: pl.DataFrame
    links: pl.DataFrame
    keys: pl.Series
    thresholds: dict[str, float] = field(default_factory=dict)
    grown: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=GROWN))

    def select_campaigns(self) -> "Found":
        """Return the same without likely businesses; row numbers and thresholds stay."""
        campaigns = self.clusters.filter(pl.col("assessment") == Assessment.CAMPAIGN.value)
        # Campaigns come first, so the row number of a campaign is less than how many there are.
        least_other = campaigns.height
        members, shared = (
            frame.filter(pl.col("cluster") < least_other) for frame in (self.members, self.shared)
        )
        # A link is inside one cluster, so one end tells which.
        inside = members.select(source="account")
        links = self.links.join(inside, on="source", how="semi", maintain_order="left")
        return replace(self, clusters=campaigns, members=members, shared=shared, links=links)

    def fingerprint(self, graph: SignalGraph) -> str:
        """Return the SHA-256 of clusters, assessments and members; equal for equal results (`hash_result`)."""
        members = self.members.select(
            "cluster", "membership", account=graph.accounts["id"].gather(self.members["account"])
        )
        scores = self.clusters.select(
            "score", "coordination", "assessment", cluster=pl.int_range(pl.len(), dtype=pl.Int32)
        )
        return hash_result(members, scores)


def hash_result(members: pl.DataFrame, scores: pl.DataFrame) -> str:
    """Return the SHA-256 of a result, independent of names and order of clusters.

    Args:
        members: cluster, account (id), membership (0-1).
        scores: cluster, score, coordination (0-1), assessment (a value of `Assessment`).
    """
    ordered = members.sort("cluster", "account")
    whole = ordered.group_by("cluster", maintain_order=True).agg("account")
    # Name clusters by their members: numbers and published ids differ between equal results.
    name = whole.select(
        "cluster", name=pl.Series([cluster_id(ids) for ids in whole["account"].to_list()], dtype=pl.String)
    )
    rows = ordered.join(name, on="cluster").select(
        # Twelve digits: a sum in another order of another machine differs only beyond them.
        "name",
        "account",
        pl.col("membership").round(12).cast(pl.String),
    )
    named = scores.join(name, on="cluster").select(
        "name", pl.col("score", "coordination").round(12).cast(pl.String), "assessment"
    )
    digest = hashlib.sha256()
    for frame in (named.sort("name"), rows.sort("name", "account")):
        digest.update("\n".join("\t".join(row) for row in frame.iter_rows()).encode())
    return digest.hexdigest()


def cluster_id(account_ids: list[str]) -> str:
    """Return the id of a cluster by its members' ids: equal members give equal ids."""
    return "c" + hashlib.sha256("\n".join(sorted(account_ids)).encode()).hexdigest()[:15]


@dataclass(frozen=True, slots=True)
class Group:
    """Members for which one signal adds most bits.

    Attributes:
        key: of the signal; '' if no single signal does.
        accounts: number of members.
        membership: their mean, 0–1.
    """

    key: str
    accounts: int
    membership: float

    @property
    def kind(self) -> str:
        """Return the kind of its signal."""
        return self.key.partition(":")[0]
