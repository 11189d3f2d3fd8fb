"""Accounts and signals by their ids."""
# mypy: disable-error-code=untyped-decorator

from typing import Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types.account import Account
from graphsvc.api.types.arguments import Id
from graphsvc.api.types.signal import Signal


@strawberry.type(description="Questions about accounts and signals.")
class RecordQueries:
    @strawberry.field(description="One account; null: there is none of this id.")
    async def account(self, info: Info, id: Id) -> Account | None:
        row = await info.context.loaders.load_row("query/account_by_id", id)
        return Account.from_row(row["account"]) if row else None

    @strawberry.field(description="One signal; null: there is none of this key.")
    async def signal(
        self, info: Info, key: Annotated[str, strawberry.argument(description="Its key, `kind:value`.")]
    ) -> Signal | None:
        row = await info.context.loaders.load_row("query/signal_by_key", key)
        return Signal.from_row(row["signal"], row["degree"]) if row else None
