"""What people decided on clusters."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """What a person can decide."""

    CONFIRMED = "confirmed"
    """One operator runs it, against the rules."""
    BENIGN = "benign"
    """Nothing to act on: a family, an office, a reseller, a mistake of the detection."""
    WATCHING = "watching"
    """Seen, not settled: keep an eye on it."""


class Status(StrEnum):
    """What a cluster's decisions come to."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    BENIGN = "benign"
    WATCHING = "watching"
    CONFLICT = "conflict"
    """Decisions that came together by splits and mergers say different things: a person has to decide anew."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict on an identity. It is never changed or removed; it can be undone, which is recorded with it.

    `number` counts all decisions in the order in which they came to be, copies included. `origin` is the identity that
    the person decided on: `cluster`, unless it is a copy of the decision `copied_from`. `size`: accounts the cluster
    had when it was decided. Times are UTC.
    """

    id: str
    number: int
    cluster: str
    origin: str
    verdict: Verdict
    by: str
    at: datetime
    note: str = ""
    size: int = 0
    copied_from: str | None = None
    undone_at: datetime | None = None
    undone_by: str | None = None

    @property
    def undone(self) -> bool:
        """Whether somebody took it back."""
        return self.undone_at is not None


@dataclass(frozen=True, slots=True)
class Merger:
    """The identity `id`, merged or dormant, is part of the cluster of `into` since `number`.

    Numbers count along with those of decisions.
    """

    id: str
    into: str
    number: int


def copy_id(decision: str, cluster: str) -> str:
    """Id of the copy of a decision for a cluster: the same however often it is made."""
    return "d" + hashlib.sha256(f"{decision}\n{cluster}".encode()).hexdigest()[:15]
