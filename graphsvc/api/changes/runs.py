"""Runs: started and stopped."""
# mypy: disable-error-code=untyped-decorator

import strawberry

from graphsvc.api.access import needs
from graphsvc.api.context import Info
from graphsvc.api.keys import Role
from graphsvc.api.types.arguments import Id
from graphsvc.api.types.run import Run
from graphsvc.store.control import cancel_audited


@strawberry.type(description="Changes of runs.")
class RunChanges:
    @strawberry.mutation(
        description="Asks a detection run that is under way to stop; it does within seconds, and what is published "
        "stays.",
        extensions=[needs(Role.ANALYST)],
    )
    async def cancel_run(self, info: Info, id: Id) -> Run:
        await info.context.worker.run(cancel_audited, info.context.auditor, id)
        (row,) = await info.context.loaders.rows("query/run_by_id", id)
        return Run.of(row["run"])
