"""Audit log: a chain of entries, each with the hash of the one before.

Changing, inserting or removing an entry changes every later hash. Each hash is signed. So even an account
that may write to the database cannot alter the log unseen.
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from graphsvc.signing import verify_signature

GENESIS = "0" * 64
"""Hash before the first entry."""


@dataclass(frozen=True, slots=True)
class Act:
    """One act of a person.

    Attributes:
        actor: the person.
        role: of the actor.
        action: a word or two, such as `decide` or `reveal`.
        subject: of the act.
        reason: that the actor gave.
        request: id of the request, if any.
        details: further facts, never a secret or a raw personal value.
    """

    actor: str
    role: str
    action: str
    subject: str
    reason: str = ""
    request: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """An act in the chain.

    Attributes:
        id: of the entry.
        number: counts from 1.
        at: time, UTC.
        act: the act.
        before: hash of the entry before, hex SHA-256.
    """

    id: str
    number: int
    at: datetime
    act: Act
    before: str

    def to_json(self) -> str:
        """Return the text that is hashed: JSON with sorted keys and no spaces, the time in microseconds of UTC."""
        act = self.act
        content = {
            "id": self.id,
            "number": self.number,
            "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "actor": act.actor,
            "role": act.role,
            "action": act.action,
            "subject": act.subject,
            "reason": act.reason,
            "request": act.request,
            "details": act.details,
            "before": self.before,
        }
        # Any change of this form breaks the hashes of all entries that exist.
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def hash(self) -> str:
        """Return the hex SHA-256 of the text."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """An entry as found in the log; `entry` is None if it cannot be read."""

    number: int
    entry: Entry | None
    hash: str
    signature: str
    signer: str


@dataclass(frozen=True, slots=True)
class Head:
    """Number and hash of the last entry, as kept outside the database."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the entry `number`."""

    number: int
    what: str


@dataclass(frozen=True, slots=True)
class LogCheck:
    """Result of a check of the log.

    Attributes:
        entries: number of entries.
        head: hash of the last one.
        faults: in order.
    """

    entries: int
    head: str
    faults: list[Fault]

    @property
    def holds(self) -> bool:
        """Return whether the log has no fault."""
        return not self.faults


def check_log(
    log: Iterable[LoggedEntry], signers: Collection[str], counted: int, kept: Head | None
) -> LogCheck:
    """Check a log from its first entry to its last.

    Args:
        log: entries by number.
        signers: public keys (hex) whose signatures count.
        counted: last number by the log's own count, read before the log.
        kept: head kept outside the database, read before the log; None if there is none.
    """
    faults: list[Fault] = []
    entries, last, before = 0, 0, GENESIS
    found_kept = False
    for logged in log:
        entries += 1
        # A gap: report the missing numbers once, then check the entry by itself.
        if logged.number > last + 1:
            faults.append(Fault(last + 1, _describe_missing(last + 1, logged.number - 1)))
        faults += [Fault(logged.number, what) for what in _find_faults(logged, last, before, signers)]
        if kept is not None and logged.number == kept.number:
            found_kept = True
            if logged.hash != kept.hash:
                faults.append(Fault(kept.number, "is not the one whose hash was kept beside the keys"))
        # An entry that is there twice must not move the chain back.
        if logged.number > last:
            last, before = logged.number, logged.hash
    # Entries cut off at the end leave a valid chain. Only the count and the kept head show the loss.
    end = max(counted, kept.number if kept else 0)
    if last < end:
        faults.append(Fault(last + 1, f"{_describe_missing(last + 1, end)}: the log was cut off"))
    elif kept is not None and kept.number and not found_kept:
        faults.append(Fault(kept.number, "was kept beside the keys and is not there"))
    return LogCheck(entries, before, faults)


def _find_faults(logged: LoggedEntry, last: int, before: str, signers: Collection[str]) -> list[str]:
    """Find the faults of one entry that comes after number `last` with hash `before`."""
    faults = []
    if logged.number <= last:
        faults.append("is there twice")
    if logged.entry is None or logged.entry.number != logged.number or logged.entry.hash() != logged.hash:
        faults.append("was changed: its hash is another")
    # After a gap the hash before is unknown; the gap is reported already.
    if logged.entry is not None and logged.number == last + 1 and logged.entry.before != before:
        faults.append("does not follow the entry before it")
    if logged.signer not in signers:
        faults.append("is signed by another key than this installation's")
    # Only for known keys: a signature by a foreign key proves nothing, valid or not.
    elif not verify_signature(logged.hash, logged.signature, logged.signer):
        faults.append("has a signature that is not of its hash")
    return faults


def _describe_missing(first: int, last: int) -> str:
    """Describe a gap from `first` to `last`."""
    return "is missing" if first == last else f"and all to {last} are missing"
