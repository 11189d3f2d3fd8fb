"""Webhooks: endpoints of other systems, which events each wants, and how far their delivery is."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from graphsvc.model.events import Event, EventType
from graphsvc.model.rows import Column


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
    """Events that a webhook wants, and when.

    Attributes:
        types: of the events; empty: all.
        least_size: accounts of the cluster, before or after.
        least_growth: accounts that came, of `cluster.grown`.
        least_score: hostility of the cluster. An event that knows none, as that of a cluster that ended, passes.
        quiet: hours in which nothing is sent, as `parse_quiet` reads them; '': none. What happens then is sent later.
    """

    types: list[EventType] = field(default_factory=list)
    least_size: Annotated[int, Column(lambda row: row.get("leastSize") or 0)] = 0
    least_growth: Annotated[int, Column(lambda row: row.get("leastGrowth") or 0)] = 0
    least_score: Annotated[float, Column(lambda row: row.get("leastScore") or 0.0)] = 0.0
    quiet: Annotated[str, Column(lambda row: row.get("quiet") or "")] = ""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint that events are sent to. Its address and its secrets are in `sealed`.

    Attributes:
        id: of the webhook.
        name: that people know it by.
        host: of its address; the rest of an address can be a secret.
        format: of what is sent.
        filter: events that it wants.
        created_at: time.
        created_by: the person.
        position: number of the last event that was looked at for it.
        pending, delivered, dead: deliveries.
        last_status: what came of the last attempt that failed; '' if none did.
        sealed: as `Sealer.seal` made it.
    """

    id: Annotated[str, "Its id."]
    name: Annotated[str, "The name that tells it apart."]
    host: Annotated[str, "Host of its address. The rest of an address can be a secret, so it is not shown."]
    format: Annotated[WebhookFormat, "Form of what is sent."]
    filter: Annotated[EventFilter, Column(lambda row: row)]
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


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that waits to be sent to a webhook.

    Attributes:
        key: of the delivery.
        event: to be sent.
        attempts: that failed.
        is_due: whether the next attempt may be made now.
        age: seconds since it was queued.
    """

    key: str
    event: Event
    attempts: int
    is_due: bool
    age: float

    @property
    def clusters(self) -> set[str]:
        """Return the clusters, or the run, whose events are sent in order."""
        return {self.event.subject, self.event.related} - {""}
