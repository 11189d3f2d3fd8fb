"""The members of one cluster as a table, with the evidence for each."""

import io
import json

import polars as pl

from graphsvc.campaigns import sentences
from graphsvc.model.columns import TIME, Schema
from graphsvc.store.exported import ExportedCluster

MEMBERS: Schema = {
    "cluster_id": pl.String,
    "cluster_score": pl.Float64,
    "cluster_coordination": pl.Float64,
    "cluster_assessment": pl.String,
    "cluster_status": pl.String,
    "account_id": pl.String,
    "status": pl.String,
    "created_at": TIME,
    "membership": pl.Float64,
    "bits": pl.Float64,
    "why": pl.String,
    "evidence": pl.String,
}
"""`evidence` is JSON: family, bits and the key of the strongest signal of each family."""


def build_table(exported: ExportedCluster) -> pl.DataFrame:
    """Build a table with a row a member (schema `MEMBERS`), sorted by account."""
    cluster = exported.cluster
    rows = []
    for member in exported.members:
        evidence = sentences.unpacked(member["families"], member["family_bits"], member["signals"])
        said = [{"family": row.family, "bits": row.bits, "signal": row.signal or None} for row in evidence]
        rows.append(
            {
                "cluster_id": cluster["id"],
                "cluster_score": cluster["score"],
                "cluster_coordination": cluster["coordination"],
                "cluster_assessment": cluster["assessment"],
                "cluster_status": cluster["status"],
                **{
                    name: member[name]
                    for name in ("account_id", "status", "created_at", "membership", "bits")
                },
                "why": sentences.membership(member["membership"], evidence),
                "evidence": json.dumps(said),
            }
        )
    raw = {**MEMBERS, "created_at": pl.Int64}
    times = pl.from_epoch("created_at", time_unit="ms").dt.replace_time_zone("UTC").cast(TIME)
    return pl.DataFrame(rows, schema=raw).with_columns(times)


def encode_parquet(frame: pl.DataFrame) -> bytes:
    """Return the table as Parquet."""
    out = io.BytesIO()
    frame.write_parquet(out, compression="zstd", statistics=True)
    return out.getvalue()
