"""Statements on the service as a whole: how much there is, and what changed."""

from dataclasses import dataclass
from typing import Annotated

from graphsvc.model.rows import Column
from graphsvc.store.connection import Row
from graphsvc.store.queries.query import Query


@dataclass(frozen=True, slots=True)
class Stats:
    """How much there is."""

    accounts: Annotated[int, "Accounts."]
    signals: Annotated[int, "Signals."]
    clusters: Annotated[int, "Published campaigns."]
    members: Annotated[int, "Accounts in published campaigns."]
    businesses: Annotated[int, "Published clusters that are likely businesses."]
    business_members: Annotated[int, "Accounts in these."]


@dataclass(frozen=True, slots=True)
class ServiceState:
    """The state at one moment.

    Attributes:
        published: id of the published run, or ''.
        log_version: version of the decision log.
        runs: the latest runs by id.
        events: number of the last event of the outbox.
    """

    published: Annotated[str, Column(lambda row: row["published"] or "")]
    log_version: Annotated[int, Column("book")]
    runs: Annotated[dict[str, Row], Column(lambda row: {run["id"]: run for run in row["runs"]})]
    events: int = 0


@dataclass(frozen=True, slots=True)
class RunCount:
    """Number of runs of a status; `age`: seconds since the last of the published ones was finished, else None."""

    status: str
    runs: int
    age: int | None


@dataclass(frozen=True, slots=True)
class DeliveryCount:
    """Numbers of events that wait for a webhook, and of those that were given up."""

    pending: int
    dead: int


DELIVERIES_COUNTED = Query("operations/deliveries", DeliveryCount)
MIGRATIONS_APPLIED = Query("schema/applied", int, "version")
RUNS_COUNTED = Query("operations/runs", RunCount)
STATE = Query("watch/now", ServiceState)
STATS = Query("query/stats", Stats)
