"""Record outcomes that enforcement reports, and withdraw wrong ones. An account's status follows from them.

The newest outcome that has a status counts like the exporter's own statement: where it is newer, it is the account's
status, which detection, succession and scores read as ever.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import polars as pl

from graphsvc.errors import Forbidden, NotFound
from graphsvc.model.outcomes import STATUSES, Outcome, OutcomeKind, OutcomeResult
from graphsvc.model.rows import parse_row
from graphsvc.store.audit import Auditor
from graphsvc.store.connection import Row, Store
from graphsvc.types import Progress, ignore_progress

BATCH = 1_000
"""Outcomes a transaction: the book of loads is locked while it lasts."""


@dataclass(frozen=True, slots=True)
class StoredOutcome:
    """An action of enforcement on an account, or a fact that it learned of it later."""

    id: Annotated[str, "Id of the outcome."]
    account: str
    kind: Annotated[OutcomeKind, "What happened."]
    at: Annotated[datetime, "When it happened."]
    by: Annotated[str, "The person or system that decided it or learned of it."]
    reason: Annotated[str | None, "Why, if it was said."]
    recorded_at: Annotated[datetime, "When it came here."]
    recorded_by: Annotated[str, "Who reported it; `load`: a bundle."]
    withdrawn_at: Annotated[datetime | None, "When it was withdrawn; null: it counts."]
    withdrawn_by: Annotated[str | None, "The person who withdrew it."]


def record_outcomes(store: Store, auditor: Auditor, outcomes: Sequence[Outcome]) -> list[OutcomeResult]:
    """Record outcomes, each once by its id, and return what became of each, in their order.

    What is new is written with the statuses that follow and an entry in the audit log, all in one transaction.

    Args:
        store: the database.
        auditor: the person or system that reports them.
        outcomes: at most `BATCH`.

    Raises:
        DatabaseUnavailable, DatabaseRefused, Busy: nothing was written.
    """
    # Marks what this call writes, so that outcomes of a commit that the driver repeats still count as recorded.
    call = uuid4().hex
    before = _read_state(store, outcomes)
    new = [
        outcome
        for outcome, row in zip(outcomes, before, strict=True)
        if row["there"] and row["outcome"] is None
    ]
    if not new:
        return [_judge(*pair, call) for pair in zip(outcomes, before, strict=True)]
    counts = Counter(outcome.kind.value for outcome in new)
    accounts = sorted({outcome.account for outcome in new})
    auditor.write(
        store,
        "recordOutcomes",
        f"{len(new)} outcomes",
        ("outcomes/record", {**_list_columns(new), "recorded_by": auditor.actor, "call": call}),
        ("outcomes/settle", {"account_id": accounts, "number": None}),
        # Counts and the call alone: ids of accounts would stay in the log when an account is forgotten.
        details={**counts, "call": call},
    )
    # Read again: another call may have brought one of these ids at the same moment.
    return [_judge(*pair, call) for pair in zip(outcomes, _read_state(store, outcomes), strict=True)]


def withdraw_outcome(
    store: Store, auditor: Auditor, outcome_id: str, reason: str = "", *, reported_by: str | None = None
) -> StoredOutcome:
    """Withdraw a wrong outcome. It stays on record without effect. Once more changes nothing.

    Args:
        store: the database.
        auditor: the person or system that withdraws it.
        outcome_id: its id.
        reason: why it was wrong; may be empty.
        reported_by: who must have reported it; None: anyone.

    Raises:
        NotFound: there is no such outcome.
        Forbidden: another one reported it.
        DatabaseUnavailable, DatabaseRefused, Busy: nothing was changed.
    """
    found = read_outcome(store, outcome_id)
    if reported_by not in (None, found.recorded_by):
        raise Forbidden("Another one reported this outcome.", "Ask an analyst to withdraw it.")
    if found.withdrawn_at is None:
        auditor.write(
            store,
            "withdrawOutcome",
            outcome_id,
            ("outcomes/settle", {"account_id": [found.account], "number": None}),
            guards=(("outcomes/withdraw", {"id": outcome_id, "by": auditor.actor}),),
            reason=reason,
        )
    return read_outcome(store, outcome_id)


def read_outcome(store: Store, outcome_id: str) -> StoredOutcome:
    """Read an outcome.

    Raises:
        NotFound: there is no such outcome.
    """
    rows = store.read("outcomes/one", id=outcome_id)
    if not rows:
        raise NotFound(
            "There is no outcome with this id.", "`graphsvc outcomes list ACCOUNT` shows an account's."
        )
    return parse_row(StoredOutcome, rows[0]["outcome"])


def list_outcomes(store: Store, account: str, limit: int = 1_000) -> list[StoredOutcome]:
    """List the outcomes of an account, newest first.

    Raises:
        NotFound: there is no such account.
    """
    if not store.read("load/known_accounts", ids=[account]):
        raise NotFound(f"There is no account {account}.", "Ids are those of the bundle's accounts.")
    rows = store.read("query/account_outcomes", ids=[account], limit=limit)
    return [parse_row(StoredOutcome, row["outcome"]) for row in rows]


def count_conflicts(store: Store, outcomes: pl.DataFrame) -> int:
    """Count outcomes of a bundle (schema `OUTCOMES`) whose id is that of another outcome, which stayed."""
    listed = to_outcomes(outcomes)
    batches = [listed[start : start + BATCH] for start in range(0, len(listed), BATCH)]
    return sum(
        _judge(each, row, "") is OutcomeResult.CONFLICT
        for batch in batches
        for each, row in zip(batch, _read_state(store, batch), strict=True)
    )


def settle_loaded(
    store: Store, number: int, named: Sequence[str], progress: Progress = ignore_progress
) -> None:
    """Settle the statuses after a load. Once more changes nothing.

    Args:
        store: the database.
        number: of the load; accounts with outcomes that it wrote to are settled.
        named: accounts of its outcomes.
        progress: called with the stage, rows done and rows in all.
    """
    # The load may have changed the exporter's own status of an account, which its outcomes compete with.
    (row,) = store.read("outcomes/touched", number=number)
    accounts = sorted({*row["account"], *named})
    for start in range(0, len(accounts), BATCH):
        store.write("outcomes/settle", account_id=accounts[start : start + BATCH], number=number)
        progress("statuses", min(start + BATCH, len(accounts)), len(accounts))


def to_outcomes(frame: pl.DataFrame) -> list[Outcome]:
    """Return the rows of a frame (schema `OUTCOMES`) as outcomes."""
    columns = frame.select("id", "account_id", "kind", "at", "by", pl.col("reason").fill_null("")).iter_rows()
    return [
        Outcome(name, account, OutcomeKind(kind), at, by, reason)
        for name, account, kind, at, by, reason in columns
    ]


def _read_state(store: Store, outcomes: Sequence[Outcome]) -> list[Row]:
    ids, accounts = [each.id for each in outcomes], [each.account for each in outcomes]
    rows = store.read("outcomes/state", id=ids, account_id=accounts)
    # Callers pair the rows with the outcomes, and the database returns them in any order.
    return sorted(rows, key=lambda row: row["place"])


def _list_columns(outcomes: Sequence[Outcome]) -> Row:
    return {
        "id": [each.id for each in outcomes],
        "account_id": [each.account for each in outcomes],
        "kind": [each.kind.value for each in outcomes],
        "at": [_count_milliseconds(each.at) for each in outcomes],
        "by": [each.by for each in outcomes],
        "reason": [each.reason or None for each in outcomes],
        "status": [STATUSES[each.kind] for each in outcomes],
    }


def _judge(outcome: Outcome, row: Row, call: str) -> OutcomeResult:
    """Return what became of an outcome, by what the database holds under its id."""
    if (held := row["outcome"]) is None:
        return OutcomeResult.UNKNOWN_ACCOUNT
    said = (outcome.account, outcome.kind.value, _count_milliseconds(outcome.at), outcome.by)
    if said != (held["account"], held["kind"], held["at"], held["by"]):
        return OutcomeResult.CONFLICT
    return OutcomeResult.RECORDED if held["call"] == call else OutcomeResult.KNOWN


def _count_milliseconds(at: datetime) -> int:
    return round(at.astimezone(UTC).timestamp() * 1000)
