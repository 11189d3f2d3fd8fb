"""Query of an account by its id."""
# mypy: disable-error-code=untyped-decorator

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types.account import Account
from graphsvc.api.types.arguments import Id
from graphsvc.store.queries import nodes


@strawberry.type(description="Queries of accounts.")
class AccountQueries:
    @strawberry.field(description="One account; null: there is none of this id.")
    async def account(self, info: Info, id: Id) -> Account | None:
        return await info.context.loaders.load_row(nodes.ACCOUNT, id)
