"""Write the message that tells people of an event: a title and a few lines, without personal values."""

from collections.abc import Mapping
from dataclasses import dataclass

from graphsvc.model.events import Event, EventType

_TITLES: Mapping[EventType, str] = {
    EventType.CLUSTER_BORN: "New cluster {subject}",
    EventType.CLUSTER_GROWN: "Cluster {subject} grew",
    EventType.CLUSTER_MERGED: "Cluster {related} merged into {subject}",
    EventType.CLUSTER_SPLIT: "Cluster {subject} split off {related}",
    EventType.CLUSTER_REVIVED: "Cluster {subject} was found again",
    EventType.CLUSTER_ENDED: "Cluster {subject} ended",
    EventType.ACCOUNT_SCORED: "A sign-up belongs to cluster {subject}",
    EventType.DECISION_MADE: "Decision on {about}",
    EventType.DECISION_UNDONE: "Decision undone on {about}",
    EventType.RUN_PUBLISHED: "Run {subject} is published",
    EventType.RUN_FAILED: "Run {subject} failed",
    EventType.RUN_LATE: "A run is late",
    EventType.WEBHOOK_TEST: "Test of graphsvc: messages arrive here",
}
_FACTS: tuple[tuple[str, str, str], ...] = (
    ("score", "Score", ".2f"),
    ("coordination", "Coordination", ".2f"),
    ("membership", "Membership", ".1%"),
    ("assessment", "Assessment", ""),
    ("clusters", "Clusters", ","),
    ("members", "Members", ","),
    ("topic", "Topic", ""),
    ("value", "Value", ""),
    ("dueAt", "Due", ""),
)
"""Facts of events that a line is written for: name in the data, its word, and its format."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message to people: a title of one line, and plain text."""

    title: str
    text: str


def write_message(event: Event, public_url: str | None) -> Message:
    """Write the message of an event: type, size, score, and a link to the cluster.

    Args:
        event: to be told of.
        public_url: address of the console; None: the message has no link.
    """
    cluster = event.data.get("clusterId")
    about = f"cluster {cluster}" if cluster else "accounts"
    title = _TITLES[event.type].format(subject=event.subject, related=event.related, about=about)
    before, after = event.data.get("accountsBefore"), event.data.get("accountsAfter")
    lines = [str(event.data["description"])] if event.data.get("description") else []
    if isinstance(before, int) and isinstance(after, int):
        lines.append(f"Accounts: {after:,}" + (f" ({before:,} before)" if before != after else ""))
    lines += [
        f"{word}: {format(value, form)}"
        for name, word, form in _FACTS
        if isinstance(value := event.data.get(name), float if form.startswith(".") else int if form else str)
    ]
    if public_url and cluster:
        lines.append(f"{public_url.rstrip('/')}/#/clusters/{cluster}")
    # The id tells a message that came twice from two events.
    lines += ["", f"{event.type.value}, event {event.id}"]
    return Message(title, "\n".join(lines).lstrip("\n"))
