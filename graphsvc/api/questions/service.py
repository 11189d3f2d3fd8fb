"""How much there is, and who asks."""
# mypy: disable-error-code=untyped-decorator

from enum import Enum

import strawberry

from graphsvc.api.context import Info


@strawberry.enum(description="What a key may do; each role includes the ones before it.")
class Role(Enum):
    VIEWER = strawberry.enum_value("viewer", description="Read.")
    ANALYST = strawberry.enum_value("analyst", description="Read and decide.")
    ADMIN = strawberry.enum_value("admin", description="All of it.")


@strawberry.type(description="How much there is.")
class Stats:
    accounts: int = strawberry.field(description="Accounts.")
    signals: int = strawberry.field(description="Signals.")
    clusters: int = strawberry.field(description="Published clusters.")
    members: int = strawberry.field(description="Accounts in published clusters.")


@strawberry.type(description="The key that asks.")
class Viewer:
    role: Role = strawberry.field(description="What it may do.")
    key_id: str = strawberry.field(description="Its id, the part before the dot.")


@strawberry.type(description="Questions about the service.")
class ServiceQuestions:
    @strawberry.field(description="How much there is.")
    async def stats(self, info: Info) -> Stats:
        (row,) = await info.context.reader.read("query/stats")
        return Stats(**row)

    @strawberry.field(description="The key that asks.")
    def viewer(self, info: Info) -> Viewer:
        return Viewer(role=Role(info.context.principal.role.value), key_id=info.context.principal.id)
