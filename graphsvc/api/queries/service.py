"""Queries of the service itself: counts, and the caller."""
# mypy: disable-error-code=untyped-decorator

import strawberry

from graphsvc.api.auth.keys import Role
from graphsvc.api.context import Info
from graphsvc.api.types.models import describe_model
from graphsvc.store.queries import service
from graphsvc.store.queries.service import Stats

describe_model(Stats)


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
        (stats,) = await info.context.reader.read(service.STATS)
        return stats

    @strawberry.field(description="The caller.")
    def viewer(self, info: Info) -> Viewer:
        asks = info.context.principal
        return Viewer(role=asks.role, key_id=asks.id, name=asks.name)
