"""The audit log: an entry is written in the same transaction as what it tells of, or neither is."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from graphsvc.errors import DatabaseRefused
from graphsvc.model.audit import GENESIS, Act, Entry
from graphsvc.signing import Signer
from graphsvc.store.connection import Row, Store

TURNS = 50
"""How often a writer that others forestall tries again before it gives up."""
BUSY = DatabaseRefused("Others kept writing to the audit log.", "Nothing was changed. Try again in a moment.")


@dataclass(frozen=True, slots=True)
class Auditor:
    """Who acts, in which role and request; `signer` signs what is written."""

    signer: Signer
    actor: str
    role: str
    request: str = ""

    def write(
        self,
        store: Store,
        action: str,
        subject: str,
        *steps: tuple[str, Row],
        guards: tuple[tuple[str, Row], ...] = (),
        reason: str = "",
        details: dict[str, Any] | None = None,
    ) -> bool:
        """Does `steps` and says so in the log, all in one transaction.

        Args:
            guards: statements that must each return a row, or nothing is written.

        Returns: False if one of `guards` was closed.

        Raises:
            DatabaseUnavailable, DatabaseRefused: the log cannot be written, so nothing was.
        """
        act = Act(self.actor, self.role, action, subject, reason, self.request, details or {})
        name = uuid4().hex
        for _ in range(TURNS):
            head = store.read("audit/head", id=name)
            if head and head[0]["there"]:  # by us: the answer to the commit was lost
                return True
            number, before = (head[0]["number"], head[0]["hash"]) if head else (0, GENESIS)
            entry = Entry(name, number + 1, datetime.now(UTC), act, before)
            turn = ("audit/turn", {"number": number})
            closed = store.all_guarded((turn, *guards), *steps, ("audit/append", self._row(entry)))
            if closed is None:
                return True
            if closed != turn[0]:
                return False
        raise BUSY

    def _row(self, entry: Entry) -> Row:
        act, digest = entry.act, entry.hash()
        return {
            "id": entry.id,
            "number": entry.number,
            "at": entry.at,
            "actor": act.actor,
            "role": act.role,
            "action": act.action,
            "subject": act.subject,
            "reason": act.reason,
            "request": act.request,
            "details": json.dumps(act.details, sort_keys=True, ensure_ascii=False),
            "before": entry.before,
            "hash": digest,
            "signature": self.signer.sign(digest),
            "signer": self.signer.public,
        }
