"""Mutations of outcomes. They are reported over HTTP or in bundles; here a wrong one is withdrawn."""
# mypy: disable-error-code=untyped-decorator

from typing import Annotated

import strawberry

from graphsvc.api.auth.keys import Role
from graphsvc.api.auth.roles import require_role
from graphsvc.api.context import Info
from graphsvc.api.mutations.decisions import clean_text
from graphsvc.api.types import outcome
from graphsvc.model.outcomes import LONGEST_REASON
from graphsvc.store.outcomes import StoredOutcome, withdraw_outcome

__all__ = ["OutcomeMutations", "outcome"]


@strawberry.type(description="Mutations of outcomes.")
class OutcomeMutations:
    @strawberry.mutation(
        description="Withdraws an outcome that was wrong: it stays on record and counts no more. Once more changes "
        "nothing.",
        extensions=[require_role(Role.ANALYST)],
    )
    async def withdraw_outcome(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Id of the outcome.")],
        reason: Annotated[str, strawberry.argument(description="Why it was wrong.")] = "",
    ) -> StoredOutcome:
        said = clean_text(reason, LONGEST_REASON)
        return await info.context.worker.run(withdraw_outcome, info.context.auditor, id, said)
