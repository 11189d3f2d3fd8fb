"""Queries of the service itself: counts, and the caller."""
# mypy: disable-error-code=untyped-decorator

import strawberry

from graphsvc.api.auth.keys import Role
from graphsvc.api.context import Info


@strawberry.type(description="How much there is.")
class Stats:
    accounts: int = strawberry.field(description="Accounts.")
    signals: int = strawberry.field(description="Signals.")
    clusters: int = strawberry.field(description="Published campaigns.")
    members: int = strawberry.field(description="Accounts in published campaigns.")
    businesses: int = strawberry.field(description="Published clusters that are likely businesses.")
    business_members: int = strawberry.field(description="Accounts in these.")


@strawberry.type(description="The caller: an API key, or a person with a token.")
class Viewer:
    role: Role = strawberry.field(description="The role of the caller.")
    key_id: str = strawberry.field(
        description="Id of the key, the part before the dot; of a person their subject."
    )
    name: str = strawberry.field(description="The name in decisions and in the audit log.")


@strawberry.type(description="Queries of the service.")
class ServiceQueries:
    @strawberry.field(description="How much there is.")
    async def stats(self, info: Info) -> Stats:
        (row,) = await info.context.reader.read("query/stats")
        return Stats(**row)

    @strawberry.field(description="The caller.")
    def viewer(self, info: Info) -> Viewer:
        asks = info.context.principal
        return Viewer(role=asks.role, key_id=asks.id, name=asks.name)
