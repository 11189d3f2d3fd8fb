"""What a person did or was shown, as it is kept: a chain of entries, each of which holds the hash of the one before.

Nobody can change, insert or take out an entry without changing every hash after it, and each hash is signed, so that
even who may write to the database cannot do so unseen.
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

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
