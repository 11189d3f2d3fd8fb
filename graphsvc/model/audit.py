"""What a person did or was shown, as it is kept: a chain of entries, each of which holds the hash of the one before.

Nobody can change, insert or take out an entry without changing every hash after it, and each hash is signed, so that
even who may write to the database cannot do so unseen.
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from graphsvc.signing import signed

GENESIS = "0" * 64
"""What stands before the first entry."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that `actor`, in the role `role`, did to or saw of `subject`.

    `action` is a word or two such as `decide` or `reveal`, `request` the id of the request it came with, if any.
    `details` holds what else is needed to understand it, never a secret or a raw personal value.
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
    """An act in the chain: its number from 1, when (UTC), and the hash of the entry before (hex SHA-256)."""

    id: str
    number: int
    at: datetime
    act: Act
    before: str

    def text(self) -> str:
        """What is hashed: JSON with sorted keys and no spaces; the time in microseconds of UTC."""
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
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def hash(self) -> str:
        """Hex SHA-256 of `text`."""
        return hashlib.sha256(self.text().encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry as it was found in the log: `entry` is None where it cannot be read as one."""

    number: int
    entry: Entry | None
    hash: str
    signature: str
    signer: str


@dataclass(frozen=True, slots=True)
class Head:
    """Number and hash of the last entry, as they were kept outside of the database."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at the entry `number`."""

    number: int
    what: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of the whole log found: how many entries, the last one's hash, and all faults in their order."""

    entries: int
    head: str
    faults: list[Fault]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def check(log: Iterable[Logged], signers: Collection[str], counted: int, kept: Head | None) -> Checked:
    """Checks a log from its first entry to its last.

    Args:
        log: in the order of their numbers.
        signers: public keys (hex) whose signatures count.
        counted: the last number by the log's own count, read before the log was.
        kept: the head that was kept elsewhere, read before the log was; None: there was none.
    """
    faults: list[Fault] = []
    entries, last, before = 0, 0, GENESIS
    found_kept = False
    for logged in log:
        entries += 1
        if logged.number > last + 1:
            faults.append(Fault(last + 1, _missing(last + 1, logged.number - 1)))
        faults += [Fault(logged.number, what) for what in _wrong(logged, last, before, signers)]
        if kept is not None and logged.number == kept.number:
            found_kept = True
            if logged.hash != kept.hash:
                faults.append(Fault(kept.number, "is not the one whose hash was kept beside the keys"))
        if logged.number > last:
            last, before = logged.number, logged.hash
    end = max(counted, kept.number if kept else 0)
    if last < end:
        faults.append(Fault(last + 1, f"{_missing(last + 1, end)}: the log was cut off"))
    elif kept is not None and kept.number and not found_kept:
        faults.append(Fault(kept.number, "was kept beside the keys and is not there"))
    return Checked(entries, before, faults)


def _wrong(logged: Logged, last: int, before: str, signers: Collection[str]) -> list[str]:
    """What is wrong with one entry that comes after the number `last` with the hash `before`."""
    faults = []
    if logged.number <= last:
        faults.append("is there twice")
    if logged.entry is None or logged.entry.number != logged.number or logged.entry.hash() != logged.hash:
        faults.append("was changed: its hash is another")
    if logged.entry is not None and logged.number == last + 1 and logged.entry.before != before:
        faults.append("does not follow the entry before it")
    if logged.signer not in signers:
        faults.append("is signed by another key than this installation's")
    elif not signed(logged.hash, logged.signature, logged.signer):
        faults.append("has a signature that is not of its hash")
    return faults


def _missing(first: int, last: int) -> str:
    return "is missing" if first == last else f"and all to {last} are missing"
