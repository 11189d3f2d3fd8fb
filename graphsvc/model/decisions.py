"""What people decided: on clusters, on accounts, and on whether two accounts are one operator's."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class On(StrEnum):
    """What a decision is about."""

    CLUSTER = "cluster"
    ACCOUNT = "account"
    PAIR = "pair"
    """Two accounts: `subject` and `other`, in the order of their ids."""


class Topic(StrEnum):
    """What kind of decision it is."""

    DISPOSITION = "disposition"
    """What is thought of a cluster or an account; a `Disposition`."""
    ASSIGNMENT = "assignment"
    """Who looks after it: a name, '' for nobody."""
    NOTE = "note"
    WATCH = "watch"
    """Whether the one who decides wants to hear of changes: `WATCHED` or `NOT_WATCHED`."""
    PIN = "pin"
    """That two accounts are one operator's or are not; a `Pin`."""


class Disposition(StrEnum):
    """What a person can think of a cluster or an account."""

    OPEN = "open"
    """Nothing yet, or no longer what was thought before."""
    CONFIRMED = "confirmed"
    """One operator runs it, against the rules."""
    DISMISSED = "dismissed"
    """Nothing to act on: a family, an office, a reseller, a mistake of the detection."""
    MONITORING = "monitoring"
    """Seen, not settled: keep an eye on it."""
    ACTIONED = "actioned"
    """Acted on, somewhere else: nothing here acts on accounts."""
    APPEALED = "appealed"
    """Acted on, and somebody says that this was wrong."""


class Status(StrEnum):
    """What a cluster's dispositions come to."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    MONITORING = "monitoring"
    ACTIONED = "actioned"
    APPEALED = "appealed"
    CONFLICT = "conflict"
    """Dispositions that came together by splits and mergers say different things: a person has to decide anew."""


class Pin(StrEnum):
    """What a person knows of two accounts."""

    SAME = "same"
    DIFFERENT = "different"


WATCHED, NOT_WATCHED = "watched", "not watched"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person said of a subject. It is never changed or removed; it can be undone, which is recorded with it.

    `number` counts all decisions in the order in which they came to be, copies included; `undone_number` is the number
    of its undoing in the same count, 0 if it stands. `subject` is the id of a cluster or an account. `origin` is the
    identity that the person decided on: `subject`, unless it is a copy of the decision `copied_from`. `size`: accounts
    that the cluster had when it was decided. Of one `strand` the last decision answers those before it. Times are UTC,
    in whole milliseconds.
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
    undone_number: int = 0
    on: On = On.CLUSTER
    topic: Topic = Topic.DISPOSITION
    strand: str = Topic.DISPOSITION.value
    other: str = ""

    @property
    def undone(self) -> bool:
        """Whether somebody took it back."""
        return self.undone_at is not None

    @property
    def changed(self) -> int:
        """The number of the last that happened to it."""
        return max(self.number, self.undone_number)


@dataclass(frozen=True, slots=True)
class Merger:
    """The identity `id`, merged or dormant, is part of the cluster of `into` since `number`.

    Numbers count along with those of decisions.
    """

    id: str
    into: str
    number: int


def strand_of(topic: Topic, by: str, decision: str) -> str:
    """What a decision stands in line with: a note with nothing, a watch with the same person's, all others with those
    of their topic."""
    if topic is Topic.NOTE:
        return f"{topic.value} {decision}"
    return f"{topic.value} {by}" if topic is Topic.WATCH else topic.value


def copy_id(decision: str, cluster: str) -> str:
    """Id of the copy of a decision for a cluster: the same however often it is made."""
    return "d" + hashlib.sha256(f"{decision}\n{cluster}".encode()).hexdigest()[:15]
