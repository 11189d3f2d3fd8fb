"""Read events of identities: of one run, or of one identity in all runs."""

from collections.abc import Sequence
from datetime import UTC

import polars as pl

from graphsvc.model.clusters import Assessment
from graphsvc.model.columns import Schema
from graphsvc.model.lineage import EVENTS
from graphsvc.store.connection import Store

HISTORY: Schema = {
    "run": pl.String,
    "at": pl.Datetime("us", "UTC"),
    "id": pl.String,
    "before": pl.String,
    "kind": pl.String,
    "overlap": pl.Float64,
    "accounts": pl.Int64,
    "accounts_before": pl.Int64,
    "accounts_now": pl.Int64,
    "signals": pl.Int64,
    "families": pl.List(pl.String),
    "bits": pl.Float64,
    "says": pl.String,
}


def read_run_events(store: Store, run: str, assessments: Sequence[Assessment] | None = None) -> pl.DataFrame:
    """Read the events of a published run, as `detection.Outcome.lineage` had them.

    An unknown run, or one older than lineage, has none.

    Args:
        store: the database.
        run: id of the run.
        assessments: events of clusters of these assessments; None: of all.

    Returns:
        Schema `model.lineage.EVENTS`, sorted by id, before, kind.
    """
    wanted = None if assessments is None else [each.value for each in assessments]
    rows = store.read("lineage/run_events", run=run, assessments=wanted)
    return pl.DataFrame(rows, schema=EVENTS).sort("id", "before", "kind")


def read_history(store: Store, cluster: str, most: int = 1_000_000) -> pl.DataFrame:
    """Read the events of one identity (schema `HISTORY`), newest first, at most `most` rows; none of an unknown one.

    `id` and `before` are as in `EVENTS`: of a merger `before` is part of `id` now, of a split `id` came off
    `before`.
    """
    rows = store.read("query/cluster_lineage", ids=[cluster], limit=most)
    for row in rows:
        row["at"] = row["at"].to_native().astimezone(UTC)
    return pl.DataFrame(rows, schema=HISTORY)
