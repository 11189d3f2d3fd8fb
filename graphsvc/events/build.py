"""Build the events of runs, decisions and recorded sign-ups, from what is written with them."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import polars as pl

from graphsvc.model.clusters import Found
from graphsvc.model.decisions import Decision, On, Topic
from graphsvc.model.events import EventType, NewEvent
from graphsvc.model.lineage import DORMANT, MERGED

GROWTH = 0.1
"""Share of new accounts from which growth is an event. Clusters gain or lose an account on most days: lineage keeps
every change, and a webhook can ask for more growth than this."""
TYPES = {
    "born": EventType.CLUSTER_BORN,
    "split": EventType.CLUSTER_SPLIT,
    "revived": EventType.CLUSTER_REVIVED,
    "grew": EventType.CLUSTER_GROWN,
    MERGED: EventType.CLUSTER_MERGED,
    DORMANT: EventType.CLUSTER_ENDED,
}
"""Type of the event for each kind of lineage event; the other kinds are none."""
_TOLD = frozenset((Topic.DISPOSITION, Topic.PIN))
"""Topics whose value is a word of ours. A note is a person's text, and an assignee a person's name."""


def build_run_events(run: str, events: pl.DataFrame, found: Found) -> list[NewEvent]:
    """Build the events of a run that is published: first that it is, then what became of clusters.

    Args:
        run: id of the run.
        events: schema `model.lineage.EVENTS`.
        found: what the run found, under lasting ids.
    """
    campaigns = found.select_campaigns()
    counts: dict[str, str | float | None] = {
        "runId": run,
        "clusters": campaigns.clusters.height,
        "members": campaigns.members.height,
        "businesses": found.clusters.height - campaigns.clusters.height,
    }
    return [
        NewEvent(f"{run}_published", EventType.RUN_PUBLISHED, run, "", counts),
        *_build_cluster_events(run, events, found.clusters),
    ]


def _build_cluster_events(run: str, events: pl.DataFrame, clusters: pl.DataFrame) -> Iterator[NewEvent]:
    """Yield the events of clusters, in the order of lineage events."""
    scores = clusters.select("id", "assessment", "score", "coordination")
    told = events.filter(
        pl.col("kind").is_in(list(TYPES))
        & (
            (pl.col("kind") != "grew")
            | (pl.col("accounts_now") - pl.col("accounts_before") >= GROWTH * pl.col("accounts_before"))
        )
    ).join(scores, on="id", how="left", maintain_order="left")
    for row in told.iter_rows(named=True):
        kind, cluster = row["kind"], row["id"]
        other = row["into"] if kind == DORMANT else row["before"] if row["before"] != cluster else None
        data = {
            "clusterId": cluster,
            "previousId": None if kind == DORMANT else other,
            "intoId": row["into"],
            "runId": run,
            "assessment": row["assessment"],
            "score": row["score"],
            "coordination": row["coordination"],
            "accountsBefore": row["accounts_before"],
            "accountsAfter": row["accounts_now"],
            "description": row["says"],
        }
        # Of a merger the part is named, since one cluster can take in several in a run.
        part = f"_{row['before']}" if kind == MERGED else ""
        yield NewEvent(f"{run}_{kind}_{cluster}{part}", TYPES[kind], cluster, other or "", data)


def build_decision_event(decision: Decision) -> NewEvent | None:
    """Build the event of a decision that a person made now, or undid now; None: it is a watch, a person's own.

    Copies that a run makes for the parts of a cluster have no event: the split has.
    """
    if decision.topic is Topic.WATCH:
        return None
    about = decision.subject if decision.on is On.CLUSTER else ""
    data = {
        "decisionId": decision.id,
        "clusterId": about or None,
        "subjectKind": decision.on.value,
        "topic": decision.topic.value,
        "value": decision.value if decision.topic in _TOLD else None,
    }
    if decision.undone:
        return NewEvent(f"{decision.id}_undone", EventType.DECISION_UNDONE, about, "", data)
    return NewEvent(f"{decision.id}_made", EventType.DECISION_MADE, about, "", data)


def build_score_event(
    signup: str, run: str, cluster: str, membership: float, facts: Mapping[str, str | float | None]
) -> NewEvent:
    """Build the event of a sign-up that is recorded, and belongs to a campaign. It does not name the account.

    Args:
        signup: pseudonym of the account in this run, without a full stop.
        run: id of the run that it was weighed against.
        cluster: id of the campaign.
        membership: that it is of it, 0-1.
        facts: further ones of the score and the campaign.
    """
    said = f"A sign-up belongs to it with {membership:.1%}."
    data = {"clusterId": cluster, "runId": run, "membership": membership, **facts, "description": said}
    return NewEvent(f"{run}_scored_{signup}", EventType.ACCOUNT_SCORED, cluster, "", data)


def build_late_event(slot: datetime, plan: str) -> NewEvent:
    """Build the event of a run that did not begin in time.

    Args:
        slot: when it was due.
        plan: of the schedule.
    """
    data = {"dueAt": slot.isoformat(), "plan": plan}
    return NewEvent(f"late_{round(slot.timestamp())}", EventType.RUN_LATE, "", "", data)
