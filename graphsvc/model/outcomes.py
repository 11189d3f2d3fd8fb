"""Outcomes: what enforcement did about an account, or learned of it, after the fact."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

LONGEST_ID = 128
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]*$"
"""Ids stand in addresses and logs, so they hold nothing that needs an escape."""
LONGEST_NAME = 200
LONGEST_REASON = 500
"""Characters of a reason: a sentence or the number of a ticket, not the case itself."""


class OutcomeKind(StrEnum):
    """Kinds of outcomes."""

    BANNED = "banned"
    APPEALED_AND_REINSTATED = "appealed_and_reinstated"
    CHARGEBACK = "chargeback"
    CONFIRMED_LEGITIMATE = "confirmed_legitimate"


STATUSES: dict[OutcomeKind, str | None] = {
    OutcomeKind.BANNED: "banned",
    OutcomeKind.APPEALED_AND_REINSTATED: "active",
    OutcomeKind.CHARGEBACK: None,
    OutcomeKind.CONFIRMED_LEGITIMATE: "active",
}
"""Status that each kind gives an account. None: it says nothing of whether the account is in use."""


class OutcomeResult(StrEnum):
    """The effect of an outcome that was reported."""

    RECORDED = "recorded"
    KNOWN = "known"
    UNKNOWN_ACCOUNT = "unknown_account"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome as it is reported.

    Attributes:
        id: names it, so that it counts once however often it is sent.
        account: id of the account.
        kind: what happened.
        at: when it happened, UTC.
        by: the person or system that decided it or learned of it.
        reason: may be empty.
    """

    id: str
    account: str
    kind: OutcomeKind
    at: datetime
    by: str
    reason: str = ""


def make_outcome(
    account: str, kind: OutcomeKind, at: datetime, by: str, reason: str = "", outcome_id: str | None = None
) -> Outcome:
    """Return an outcome. One without an id gets one from what it says, which is the same each time."""
    # The database keeps milliseconds; a finer time would not be found equal when it is sent again.
    at = at.astimezone(UTC)
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    return Outcome(outcome_id or derive_id(account, kind, at, by), account, kind, at, by, reason)


def derive_id(account: str, kind: str, at: datetime, by: str) -> str:
    """Return the id of an outcome that was reported without one."""
    said = json.dumps([account, str(kind), round(at.timestamp() * 1000), by], ensure_ascii=False)
    # 128 bits: no two outcomes of any installation have the same by chance.
    return f"o{hashlib.sha256(said.encode()).hexdigest()[:32]}"
