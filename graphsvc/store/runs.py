"""Read runs: their record, and what is stored of their results."""

from dataclasses import dataclass, replace
from typing import TypedDict, cast

import polars as pl
from neo4j.time import DateTime

from graphsvc.errors import NotFound
from graphsvc.model.clusters import Assessment
from graphsvc.model.columns import Schema
from graphsvc.store.connection import Row, Store
from graphsvc.store.queries.nodes import PUBLISHED_RUN, Run
from graphsvc.store.reader import convert_times

MEMBERS: Schema = {
    "cluster": pl.String,
    "account": pl.String,
    "membership": pl.Float64,
    "families": pl.List(pl.String),
    "family_bits": pl.List(pl.Float64),
}
SCORES: Schema = {
    "cluster": pl.String,
    "score": pl.Float64,
    "coordination": pl.Float64,
    "assessment": pl.String,
}


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as stored.

    Attributes:
        record: properties of the run.
        members: schema `MEMBERS`, sorted by cluster and account.
        scores: schema `SCORES`, sorted by cluster.
    """

    record: Row
    members: pl.DataFrame
    scores: pl.DataFrame

    def select_campaigns(self) -> "StoredRun":
        """Return the same without likely businesses."""
        scores = self.scores.filter(pl.col("assessment") == Assessment.CAMPAIGN.value)
        return replace(self, members=self.members.join(scores, on="cluster", how="semi"), scores=scores)


def read_run(store: Store, run: str) -> StoredRun:
    """Read a run that published its result, now or in the past.

    Raises:
        NotFound: there is no such run, it published nothing, or its members were removed.
        DatabaseUnavailable, DatabaseRefused
    """
    rows = store.read("export/run", id=run)
    if not rows:
        raise NotFound(f"There is no run {run!r}.", "`graphsvc runs` lists them.")
    record = rows[0]["run"]
    if record["status"] not in {"published", "superseded"}:
        raise NotFound(
            f"The run {run} published nothing: it {record['status'].replace('running', 'is still running')}.",
            "`graphsvc runs` lists those that did.",
        )
    if record.get("membersRemovedAt") is not None:
        raise NotFound(
            f"Who was in the clusters of the run {run} is not kept any more; later runs have taken its place.",
            "Name a later run (`graphsvc runs` lists them), or keep more of them from now on (GRAPHSVC_KEEP_RUNS).",
        )
    packs = store.read("export/run_members", id=run)
    # Lists a cluster: the driver is slow with millions of small rows.
    members = pl.DataFrame(
        [tuple(row[name] for name in MEMBERS) for row in packs],
        schema={name: kind if name == "cluster" else pl.List(kind) for name, kind in MEMBERS.items()},
        orient="row",
    )
    return StoredRun(
        record,
        members.explode(*[name for name in MEMBERS if name != "cluster"]).sort("cluster", "account"),
        pl.DataFrame(rows[0]["clusters"], schema=SCORES).sort("cluster"),
    )


class RunSummary(TypedDict):
    """A run in the list of all runs. Counts are None until it published; `members`: of campaigns."""

    id: str
    status: str
    engine: str
    seed: int | None
    startedAt: DateTime
    clusters: int | None
    members: int | None
    businesses: int | None
    accounts: int | None
    inputHash: str | None
    resultHash: str | None
    error: str | None


def list_runs(store: Store) -> list[RunSummary]:
    """List all runs, newest first."""
    return cast(list[RunSummary], store.read("detect/runs"))


def read_published_run(store: Store) -> Run | None:
    """Read the record of the published run; None before the first."""
    rows = store.read(PUBLISHED_RUN.statement)
    return PUBLISHED_RUN.parse(convert_times(rows[0])) if rows else None


def read_account_states(store: Store, accounts: pl.Series, newest: DateTime | None) -> pl.DataFrame:
    """Read account, status, and new (whether it signed up after `newest`), sorted by account.

    Args:
        store: the database.
        accounts: ids.
        newest: newest sign-up of an earlier run. None: not known, and no account counts as new.
    """
    row = store.read("export/account_states", accounts=accounts.to_list())[0]
    # To the millisecond, which is what accounts are stored with.
    least = None if newest is None else int(newest.to_native().timestamp() * 1000)
    return pl.DataFrame(
        row, schema={"account": pl.String, "status": pl.String, "created_at": pl.Int64}
    ).select("account", "status", new=pl.lit(False) if least is None else pl.col("created_at") > least)
