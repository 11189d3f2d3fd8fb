"""Webhooks: endpoints of other systems, which events each wants, and how far their delivery is."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from graphsvc.model.events import Event, EventType
from graphsvc.model.rows import Column

LONGEST_NAME = 200
"""Letters of the name of a webhook, or of a rule."""
MOST_ACCOUNTS = 2**31 - 1
"""Largest number that a filter may ask for: the largest that GraphQL has (`Int`)."""


class WebhookFormat(StrEnum):
    """Form of what is sent. Both are signed alike."""

    STANDARD = "standard"
    """Standard Webhooks: type, timestamp, data."""
    CLOUDEVENTS = "cloudevents"
    """CloudEvents 1.0, structured JSON."""


class DeliveryState(StrEnum):
    """State of the delivery of one event to one webhook."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    """Given up after days of attempts; an admin can send it again."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Events that a webhook wants, and when."""

    types: Annotated[list[EventType], "Types of events; empty: all."] = field(default_factory=list)
    min_size: Annotated[
        int,
        Column(lambda row: row.get("minSize") or 0),
        "Accounts of the cluster, before or after; at least.",
    ] = 0
    min_growth: Annotated[
        int,
        Column(lambda row: row.get("minGrowth") or 0),
        "Accounts that came, of `cluster.grown`; at least.",
    ] = 0
    min_score: Annotated[
        float,
        Column(lambda row: row.get("minScore") or 0.0),
        "Hostility of the cluster; at least. An event that knows none, as of a cluster that ended, passes.",
    ] = 0.0
    followed: Annotated[
        bool,
        Column(lambda row: row.get("followed") or False),
        "Of clusters only those that someone watches or is assigned to.",
    ] = False
    quiet: Annotated[
        str,
        Column(lambda row: row.get("quiet") or ""),
        "Hours in which nothing is sent, like `22:00-06:00 Europe/Berlin`; empty: none. It is sent after them.",
    ] = ""


@dataclass(frozen=True, slots=True)
class AlertRule:
    """A rule of a file of rules: events that a webhook is to get, and when."""

    name: Annotated[str, "Its name in the file."]
    filter: Annotated[EventFilter, Column(lambda row: row), "Events that it selects, and when."]


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint that events are sent to. Its address and its secrets are stored sealed."""

    id: Annotated[str, "Its id."]
    name: Annotated[str, "The name that tells it apart."]
    host: Annotated[
        str,
        "Host of its address; of a topic, broker and topic; of chat or e-mail, the scheme, and the host if the address "
        "names one. The rest of an address can be a secret, so it is not shown.",
    ]
    format: Annotated[WebhookFormat, "Form of what is sent."]
    filter: Annotated[
        EventFilter,
        Column(lambda row: row),
        "Events that it wants, and when. With `rules` it is what these have in common.",
    ]
    rules: Annotated[
        list[AlertRule] | None,
        Column(lambda row: None if row.get("rules") is None else [json.loads(each) for each in row["rules"]]),
        "Rules of a file: an event is sent if one of them selects it, and kept back while all that select it have "
        "quiet hours. Null: no file defines them, `filter` selects alone. Empty: nothing is sent.",
    ]
    created_at: Annotated[datetime, "When it was added."]
    created_by: Annotated[str, "Who added it."]
    position: Annotated[int, "Number of the last event that was looked at for it."]
    pending: Annotated[int, "Events that wait for their delivery, or for another attempt."]
    delivered: Annotated[int, "Events that it took."]
    dead: Annotated[int, "Events that were given up; they can be sent again."]
    last_status: Annotated[
        str,
        Column(lambda row: row.get("last_status") or ""),
        "What came of the last failed attempt, for example `503` or `timed out`; empty: none failed.",
    ]
    sealed: str
    """As `Sealer.seal` made it."""
    rule_texts: Annotated[list[str] | None, Column(lambda row: row.get("rules"))] = None
    """Rules as they are stored, to tell whether someone changed them."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that waits to be sent to a webhook.

    Attributes:
        key: of the delivery.
        event: to be sent.
        attempts: that failed.
        is_due: whether the next attempt may be made now.
        age: seconds since it was queued.
        rules: names of the rules that selected it, when it was queued; empty: a filter did.
    """

    key: str
    event: Event
    attempts: int
    is_due: bool
    age: float
    rules: list[str] = field(default_factory=list)

    @property
    def clusters(self) -> set[str]:
        """Return the clusters, or the run, whose events are sent in order."""
        return {self.event.subject, self.event.related} - {""}
