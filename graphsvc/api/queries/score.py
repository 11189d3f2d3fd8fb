"""Score a sign-up against the published clusters. Its values are neither stored, logged nor repeated."""
# mypy: disable-error-code=untyped-decorator

from dataclasses import fields
from datetime import UTC
from typing import Annotated

import strawberry

from graphsvc.api.auth.keys import Role
from graphsvc.api.auth.roles import require_role
from graphsvc.api.context import Info
from graphsvc.api.errors import BadInput
from graphsvc.api.types.score import AccountScore, SignUpInput
from graphsvc.api.workers.scorer import SignupValues, describe_answer

LONGEST = 20_000
"""Characters of a value: prompts are long."""
MOST_IDENTIFIERS = 20
COST = 10
"""What a score is charged, in rows."""


@strawberry.type(description="Scores.")
class ScoreQueries:
    @strawberry.field(
        description="Scores a sign-up: weighs its raw values as the last run would weigh an account with them, names "
        "the nearest published clusters, and recommends what to do. Values are made tokens as in a load, and "
        "neither stored nor logged. For batches there is `POST /v1/score`.",
        extensions=[require_role(Role.SCORER)],
    )
    async def score_account(
        self, info: Info, input: Annotated[SignUpInput, strawberry.argument(description="The sign-up.")]
    ) -> AccountScore:
        info.context.budget.charge(COST)
        principal = info.context.principal
        scored = await info.context.services.scorer.score(principal, [_read_input(input)])
        return AccountScore.from_answer(describe_answer(None, scored, 0, principal.role))


def _read_input(given: SignUpInput) -> SignupValues:
    """Return the values of an input as the intake takes them.

    Raises:
        BadInput: it is larger than a sign-up is.
    """
    columns = {
        each.name: getattr(given, each.name)
        for each in fields(given)
        if each.name not in ("created_at", "identifiers")
    }
    if len(given.identifiers) > MOST_IDENTIFIERS:
        raise BadInput(f"A sign-up has at most {MOST_IDENTIFIERS} identifiers.")
    pairs = [(each.kind, each.value) for each in given.identifiers]
    if any(len(text) > LONGEST for text in [*columns.values(), *sum(pairs, ())] if text):
        raise BadInput(f"A value has at most {LONGEST:,} characters.")
    if given.created_at is not None:
        at = given.created_at if given.created_at.tzinfo else given.created_at.replace(tzinfo=UTC)
        columns["created_at"] = at.astimezone(UTC).isoformat()
    return SignupValues(columns, pairs)
