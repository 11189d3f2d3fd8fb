"""Events: what happened to clusters, decisions and runs, as other systems are told of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from graphsvc.model.rows import Column


class EventType(StrEnum):
    """Type of an event."""

    CLUSTER_BORN = "cluster.born"
    CLUSTER_GROWN = "cluster.grown"
    """It has a tenth more accounts than in the run before, or more than that."""
    CLUSTER_MERGED = "cluster.merged"
    """Another cluster, `previousId`, became part of it."""
    CLUSTER_SPLIT = "cluster.split"
    """It came off another cluster, `previousId`, which continues."""
    CLUSTER_REVIVED = "cluster.revived"
    CLUSTER_ENDED = "cluster.ended"
    ACCOUNT_SCORED = "account.scored"
    """A sign-up that was recorded belongs to a campaign with a membership above the installation's threshold."""
    DECISION_MADE = "decision.made"
    DECISION_UNDONE = "decision.undone"
    RUN_PUBLISHED = "run.published"
    RUN_FAILED = "run.failed"
    RUN_LATE = "run.late"
    """A run of the schedule did not begin in time."""
    WEBHOOK_TEST = "webhook.test"
    """A request of an admin to see whether an endpoint answers. It is in no outbox."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that is yet to be written.

    Attributes:
        id: derived from what happened, so that a repeated transaction writes it once. It has no full stop, which
            Standard Webhooks separates with.
        type: of the event.
        subject: id of the cluster or run it happened to; '' for decisions on accounts and for runs that are late.
        related: id of another cluster that it concerns, or ''.
        data: further facts: numbers, codes and ids of clusters, runs and decisions, never of a person or an account.
    """

    id: str
    type: EventType
    subject: str
    related: str
    data: Mapping[str, str | float | None]


_CORE = frozenset(("id", "number", "at", "type", "subject", "related"))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a cluster, a decision or a run."""

    id: Annotated[str, "Its id; the same wherever it is sent, so that a receiver can tell what it has seen."]
    number: Annotated[int, "Its number. Numbers rise in the order of commits, without gaps."]
    at: Annotated[datetime, "When it was written, with what it tells of."]
    type: Annotated[EventType, "Its type."]
    subject: Annotated[
        str, "Id of the cluster or run it happened to; empty for decisions on accounts, and for late runs."
    ]
    related: Annotated[str, Column(lambda row: row.get("related", ""))] = ""
    data: Annotated[
        dict[str, object],
        Column(lambda row: {name: row[name] for name in sorted(row) if name not in _CORE}),
        "Further facts: numbers, codes and ids. No personal values.",
    ] = field(default_factory=dict)
