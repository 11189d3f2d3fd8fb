"""What a key may change through the API."""
# mypy: disable-error-code=untyped-decorator

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.keys import Role
from graphsvc.api.query import Id
from graphsvc.api.types.run import Run
from graphsvc.errors import AccessDenied
from graphsvc.store.control import NOT_UNDER_WAY


@strawberry.type(description="The changes.")
class Mutation:
    @strawberry.mutation(
        description="Asks a detection run that is under way to stop; it does within seconds, and what is published "
        "stays. For analysts and admins."
    )
    async def cancel_run(self, info: Info, id: Id) -> Run:
        if info.context.principal.role is Role.VIEWER:
            raise AccessDenied("A viewer's key may not cancel runs.", "Ask an analyst or an admin.")
        if not await info.context.reader.write("publish/cancel", run=id):
            raise NOT_UNDER_WAY
        (row,) = await info.context.loaders.rows("query/run_by_id", id)
        return Run.of(row["run"])
