"""Outcomes of accounts: what enforcement did, or learned, after the fact."""

from graphsvc.api.types.enums import describe_enum
from graphsvc.api.types.models import describe_model
from graphsvc.model.outcomes import OutcomeKind
from graphsvc.store.outcomes import StoredOutcome

__all__ = ["StoredOutcome"]

describe_enum(
    OutcomeKind,
    "OutcomeKind",
    "What happened to an account. The newest of these and of what the exporter states gives it its status.",
    {
        OutcomeKind.BANNED: "It was stopped for good: its status is banned.",
        OutcomeKind.APPEALED_AND_REINSTATED: "An appeal was granted: its status is active.",
        OutcomeKind.CHARGEBACK: "A payment of it was charged back. This says nothing of its status.",
        OutcomeKind.CONFIRMED_LEGITIMATE: "It was looked into and found honest: its status is active.",
    },
)

describe_model(StoredOutcome, "Outcome")
