"""Detection runs."""
# mypy: disable-error-code=untyped-decorator

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types import arguments
from graphsvc.api.types.arguments import Id
from graphsvc.api.types.pagination import Connection, build_connection, decode_cursor, encode_cursor
from graphsvc.api.types.run import Run
from graphsvc.store.queries import nodes, relations


@strawberry.type(description="Queries of runs.")
class RunQueries:
    @strawberry.field(description="The detection runs, latest first.")
    async def runs(
        self, info: Info, first: arguments.First = 20, after: arguments.After = None
    ) -> Connection[Run]:
        limit = info.context.budget.charge_page(first) + 1
        before, after_id = decode_cursor("runs", after, ("9999-12-31T00:00:00Z", ""))
        rows = await info.context.reader.read(relations.RUNS, before=before, after_id=after_id, limit=limit)
        keys = {row.run.id: row.key for row in rows}
        return build_connection(
            [row.run for row in rows],
            first,
            after,
            lambda run: encode_cursor("runs", (keys[run.id], run.id)),
        )

    @strawberry.field(description="One detection run; null: there is none of this id.")
    async def run(self, info: Info, id: Id) -> Run | None:
        return await info.context.loaders.load_row(nodes.RUN, id)

    @strawberry.field(description="The run whose clusters are served now; null: there was none yet.")
    async def published_run(self, info: Info) -> Run | None:
        runs = await info.context.reader.read(nodes.PUBLISHED_RUN)
        return runs[0] if runs else None
