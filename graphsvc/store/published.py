"""Read published results as tables."""

import json
from collections.abc import Sequence

import polars as pl

from graphsvc.campaigns import sentences
from graphsvc.model.clusters import Assessment
from graphsvc.model.columns import Schema
from graphsvc.store.connection import Store

MEMBERS: Schema = {
    "cluster_id": pl.String,
    "account_id": pl.String,
    "membership": pl.Float64,
    "cluster_score": pl.Float64,
    "status": pl.String,
}
EVIDENCE = pl.List(
    pl.Struct(
        {
            "signal": pl.String,
            "kind": pl.String,
            "accounts": pl.Int64,
            "share": pl.Float64,
            "bits": pl.Float64,
        }
    )
)
PARTS = pl.List(pl.Struct({"name": pl.String, "bits": pl.Float64, "says": pl.String}))
CLUSTERS: Schema = {
    "cluster_id": pl.String,
    "size": pl.Int64,
    "cluster_score": pl.Float64,
    "coordination": pl.Float64,
    "hostility": pl.Float64,
    "assessment": pl.String,
    "status": pl.String,
    "first_seen": pl.Int64,
    "last_seen": pl.Int64,
    "families": pl.List(pl.String),
    "summary": pl.String,
    "explanation": pl.String,
    "score_parts": PARTS,
    "evidence": EVIDENCE,
}
SUCCESSIONS: Schema = {
    "successor": pl.String,
    "predecessor": pl.String,
    "cluster_id": pl.String,
    "probability": pl.Float64,
    "false_rate": pl.Float64,
    "delay_hours": pl.Float64,
    "bits": pl.Float64,
    "parts": pl.List(pl.Struct({"name": pl.String, "bits": pl.Float64})),
    "says": pl.String,
}


CAMPAIGNS = (Assessment.CAMPAIGN,)
"""Assessments read by default."""


def read_members(store: Store, assessments: Sequence[Assessment] = CAMPAIGNS) -> pl.DataFrame:
    """Read the members of published clusters.

    Args:
        store: the database.
        assessments: clusters of these assessments; by default campaigns alone.

    Returns:
        One row a member (schema `MEMBERS`), sorted by cluster and account.
    """
    packed = pl.DataFrame(
        store.read("export/members", assessments=[each.value for each in assessments]),
        # Lists a cluster instead of rows a member: far fewer rows cross the connection.
        schema={
            "cluster_id": pl.String,
            "cluster_score": pl.Float64,
            "status": pl.String,
            "account_id": pl.List(pl.String),
            "membership": pl.List(pl.Float64),
        },
    )
    return packed.explode("account_id", "membership").select(list(MEMBERS)).sort("cluster_id", "account_id")


def read_clusters(store: Store, assessments: Sequence[Assessment] = CAMPAIGNS) -> pl.DataFrame:
    """Read the published clusters.

    Args:
        store: the database.
        assessments: clusters of these assessments; by default campaigns alone.

    Returns:
        One row a cluster (schema `CLUSTERS`, times as UTC), highest score first.
    """
    times = [
        pl.from_epoch(c, time_unit="ms").dt.replace_time_zone("UTC") for c in ("first_seen", "last_seen")
    ]
    rows = store.read("export/clusters", assessments=[each.value for each in assessments])
    for row in rows:
        row["score_parts"] = json.loads(row["score_parts"])
        parts = [(part["name"], part["bits"]) for part in row["score_parts"]]
        # Composed here, since the sentence follows from score and parts, and is not stored.
        row["explanation"] = sentences.score(row["cluster_score"], parts)
    return pl.DataFrame(rows, schema=CLUSTERS).with_columns(times)


def read_successions(store: Store) -> pl.DataFrame:
    """Read the pairs of an account and the banned one it probably follows (schema `SUCCESSIONS`), most likely first."""
    rows = store.read("export/successions")
    for row in rows:
        bits = row.pop("part_bits")
        row["parts"] = [{"name": name, "bits": add} for name, add in zip(row["parts"], bits, strict=True)]
    return pl.DataFrame(rows, schema=SUCCESSIONS)
