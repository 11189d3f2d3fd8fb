"""Accounts, what they were seen with, and the cluster they are in."""
# mypy: disable-error-code=untyped-decorator

from enum import Enum
from typing import Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types import arguments, evidence, outcome
from graphsvc.api.types.decision import Decided
from graphsvc.api.types.models import describe_model
from graphsvc.api.types.neighbour import ConnectedAccount
from graphsvc.api.types.pagination import Connection, build_connection, decode_cursor, encode_cursor
from graphsvc.api.types.rarity import count_accounts
from graphsvc.api.types.succession import Succession
from graphsvc.model.decisions import Disposition, Topic
from graphsvc.store.outcomes import StoredOutcome
from graphsvc.store.queries import relations
from graphsvc.store.queries.nodes import Account
from graphsvc.store.queries.relations import AccountSignal, Membership

__all__ = ["Account", "AccountStatus", "evidence", "outcome"]

WIDEST = 200
"""Signals of more users are not walked to find whom an account touches: what so many share is rare no more."""
RAREST = 20
"""Signals of an account that are walked for that."""


@strawberry.enum(
    description="The status of an account: by its newest outcome, or the exporter where that is newer."
)
class AccountStatus(Enum):
    ACTIVE = strawberry.enum_value("active", description="In use.")
    SUSPENDED = strawberry.enum_value("suspended", description="Stopped for now.")
    BANNED = strawberry.enum_value("banned", description="Stopped for good.")
    CLOSED = strawberry.enum_value("closed", description="Ended by its holder.")


class _AccountFields(Account, Decided):
    @strawberry.field(description="Its disposition.")
    async def disposition(self, info: Info) -> Disposition:
        value = (await info.context.decision_log.read()).get_last_value(Topic.DISPOSITION, *self.subject)
        return Disposition(value or Disposition.OPEN)

    @strawberry.field(description="Its signals, by key.")
    async def signals(
        self, info: Info, first: arguments.First = 50, after: arguments.After = None
    ) -> Connection[AccountSignal]:
        limit = info.context.budget.charge_page(first) + 1
        (last,) = decode_cursor("account.signals", after, ("",))
        rows = await info.context.loaders.load_rows(
            relations.ACCOUNT_SIGNALS, self.id, after=last, limit=limit
        )
        return build_connection(
            rows, first, after, lambda row: encode_cursor("account.signals", (row.signal.key,))
        )

    @strawberry.field(description="The cluster it is in; null: in none.")
    async def membership(self, info: Info) -> Membership | None:
        return await info.context.loaders.load_row(relations.ACCOUNT_MEMBERSHIP, self.id)

    @strawberry.field(
        description="Other accounts that use its rarest signals: those on the rarest first, then those on most of them."
    )
    async def connected_accounts(
        self,
        info: Info,
        outside: Annotated[
            bool, strawberry.argument(description="Only accounts that are not in its own cluster.")
        ] = True,
        first: arguments.First = 20,
    ) -> list[ConnectedAccount]:
        limit = info.context.budget.charge_page(first)
        # Charged before it runs, at the most that it may read.
        arguments.charge_walk(info, WIDEST * RAREST)
        touches = await info.context.loaders.load_rows(
            relations.ACCOUNT_TOUCHES,
            self.id,
            widest=WIDEST,
            signals=RAREST,
            outside=outside,
            limit=limit,
        )
        # Rarity is relative to all accounts; the count is read once a request.
        accounts = await count_accounts(info) if touches else 0
        return [ConnectedAccount.from_touch(touch, accounts) for touch in touches]

    @strawberry.field(
        description="What enforcement did about it, or learned, newest first; withdrawn ones included. The newest that "
        "counts gives it its status, unless the exporter's is newer."
    )
    async def outcomes(self, info: Info, first: arguments.First = 20) -> list[StoredOutcome]:
        limit = info.context.budget.charge_page(first)
        return await info.context.loaders.load_rows(relations.ACCOUNT_OUTCOMES, self.id, limit=limit)

    @strawberry.field(
        description="Banned accounts that it probably follows, most probable first, as the published run saw it."
    )
    async def predecessors(self, info: Info, first: arguments.First = 10) -> list[Succession]:
        return await _load_successions(info, self.id, first, follows=True)

    @strawberry.field(
        description="Accounts that probably follow it after its ban, most probable first, as the published run saw it."
    )
    async def successors(self, info: Info, first: arguments.First = 10) -> list[Succession]:
        return await _load_successions(info, self.id, first, follows=False)


async def _load_successions(info: Info, account: str, first: int, *, follows: bool) -> list[Succession]:
    limit = info.context.budget.charge_page(first)
    return await info.context.loaders.load_rows(
        relations.ACCOUNT_SUCCESSIONS, account, follows=follows, limit=limit
    )


describe_model(AccountSignal)
describe_model(Membership)
describe_model(Account, resolvers=_AccountFields, types={"status": AccountStatus})
