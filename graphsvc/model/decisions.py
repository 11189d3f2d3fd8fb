"""Decisions of people on clusters, on accounts, and on whether one operator runs two accounts."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from graphsvc.model.rows import Column


class On(StrEnum):
    """Sort of subject of a decision."""

    CLUSTER = "cluster"
    ACCOUNT = "account"
    PAIR = "pair"
    """Two accounts: `subject` and `other`, in the order of their ids."""


class Topic(StrEnum):
    """Topic of a decision."""

    DISPOSITION = "disposition"
    """Assessment of a cluster or an account; a `Disposition`."""
    ASSIGNMENT = "assignment"
    """Assignee: a name, '' for unassigned."""
    NOTE = "note"
    WATCH = "watch"
    """Wish of the person to hear of changes: `WATCHED` or `NOT_WATCHED`."""
    PIN = "pin"
    """Fact that two accounts are one operator's, or are not; a `Pin`."""


class Disposition(StrEnum):
    """Assessment by a person of a cluster or an account."""

    OPEN = "open"
    """Not assessed, or an earlier assessment was withdrawn."""
    CONFIRMED = "confirmed"
    """One operator runs it, against the rules."""
    DISMISSED = "dismissed"
    """Nothing to act on: a family, an office, a reseller, a mistake of the detection."""
    MONITORING = "monitoring"
    """Seen and not settled."""
    ACTIONED = "actioned"
    """Acted on in another system: this service never acts on accounts."""
    APPEALED = "appealed"
    """Acted on, and the action is contested."""


class Status(StrEnum):
    """Result of a cluster's active dispositions."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    MONITORING = "monitoring"
    ACTIONED = "actioned"
    APPEALED = "appealed"
    CONFLICT = "conflict"
    """Splits and mergers brought together dispositions that differ: a person has to decide again."""


class Pin(StrEnum):
    """Knowledge of a person about two accounts."""

    SAME = "same"
    DIFFERENT = "different"


WATCHED, NOT_WATCHED = "watched", "not watched"


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision of a person on a subject.

    It is never changed or removed. It can be undone, which is recorded with it.

    Of one `strand`, the last decision supersedes those before it. Times are UTC, in whole milliseconds.

    Attributes:
        id: of the decision.
        number: counts all decisions, copies included, in the order they were made.
        subject: id of a cluster or an account.
        origin: identity that the person decided on: `subject`, unless it is a copy.
        value: of the topic.
        by: the person.
        at: time.
        note: text of the person.
        size: accounts that the cluster had at that time.
        copied_from: id of the decision that it copies; None if it is no copy.
        undone_at: time of the undo; None if it stands.
        undone_by: person who undid it.
        undone_number: number of the undo in the count of `number`; 0 if it stands.
        on: sort of the subject.
        topic: of the decision.
        strand: of `get_strand`.
        other: second account of a pair.
    """

    id: str
    number: int
    subject: str
    origin: str
    value: str
    by: str
    at: datetime
    note: str = ""
    size: int = 0
    copied_from: str | None = None
    undone_at: datetime | None = None
    undone_by: str | None = None
    undone_number: Annotated[int, Column(lambda row: row.get("undoneNumber") or 0)] = 0
    on: On = On.CLUSTER
    topic: Topic = Topic.DISPOSITION
    strand: str = Topic.DISPOSITION.value
    other: str = ""

    @property
    def undone(self) -> bool:
        """Return whether it was undone."""
        return self.undone_at is not None

    @property
    def changed(self) -> int:
        """Return the number of its last change."""
        # Both count in one sequence, so the larger one is the later.
        return max(self.number, self.undone_number)


@dataclass(frozen=True, slots=True)
class Merger:
    """The identity `id`, merged or dormant, is part of the cluster of `into` since `number`.

    Numbers count along with those of decisions.
    """

    id: str
    into: str
    number: int


def get_strand(topic: Topic, by: str, decision: str) -> str:
    """Return the strand of a decision, within which later ones supersede earlier ones.

    A note has a strand of its own, a watch that of its person, any other decision that of its topic.
    """
    if topic is Topic.NOTE:
        return f"{topic.value} {decision}"
    return f"{topic.value} {by}" if topic is Topic.WATCH else topic.value


def build_copy_id(decision: str, cluster: str) -> str:
    """Build the id of a decision's copy for a cluster: the same each time it is made."""
    # Derived, not random: a publication that is tried again makes the same copy, not a second one.
    return "d" + hashlib.sha256(f"{decision}\n{cluster}".encode()).hexdigest()[:15]
